"""`email.utils` for scripts: addresses and dates of mail headers, for input of bounded length and depth."""

from __future__ import annotations

import email.utils
from datetime import datetime
from typing import Any

from hooks import limits
from hooks.denied import DeniedType, DeniedValue
from hooks.facade import Module
from hooks.guards import iterable
from hooks.text import kind_of


def _readable(text: Any) -> bool:
    """Tell whether the parser of the standard library, which recurses into comments, may have this."""
    if type(text) is not str:
        raise DeniedType(f"an address is text, not {kind_of(text)}")
    return len(text) <= limits.ADDRESS_CHARS and text.count("(") <= limits.ADDRESS_DEPTH


def _parseaddr(text: Any) -> tuple[str, str]:
    return email.utils.parseaddr(text) if _readable(text) else ("", "")


def _getaddresses(texts: Any) -> list[tuple[str, str]]:
    if type(texts) is str:
        raise DeniedType("getaddresses takes a list of texts: write [text]")
    values = list(iterable(texts))
    if sum(len(text) for text in values if _readable(text)) > limits.ADDRESS_CHARS:
        raise DeniedValue(f"getaddresses takes at most {limits.ADDRESS_CHARS:,} characters")
    return email.utils.getaddresses([text for text in values if _readable(text)])


def _formataddr(pair: Any) -> str:
    if (type(pair) is not tuple and type(pair) is not list) or len(pair) != 2:
        raise DeniedType("formataddr takes a pair: (name, address)")
    name, address = pair
    if not _readable(name or "") or not _readable(address):
        raise DeniedValue("this name or address is too long")
    if any(char in (name or "") + address for char in "\r\n"):
        raise DeniedValue("a name or address is one line")
    return email.utils.formataddr((name or "", address))


def _parsedate(text: Any) -> datetime:
    if type(text) is not str or len(text) > limits.FORMAT_CHARS:
        raise DeniedValue(f"a date is text of at most {limits.FORMAT_CHARS} characters")
    try:
        return email.utils.parsedate_to_datetime(text)
    except TypeError:
        raise ValueError("this is no date of a mail header") from None


_formataddr(("ü", "a@b.example"))  # loads the charset tables while files can still be read
UTILS = Module(
    "email.utils",
    {
        "parseaddr": _parseaddr,
        "getaddresses": _getaddresses,
        "formataddr": _formataddr,
        "parsedate_to_datetime": _parsedate,
    },
)
MODULE = Module("email", {"utils": UTILS})
