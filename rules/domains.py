"""The two spellings of an international domain name: letters of any script, and `xn--` labels (IDNA 2008).

Here: from one to the other, in a name or in any text that holds one. Not here: whether a name exists or is allowed.
Patterns are compiled where they are used first.
Invariant: two spellings of one name have one `ascii_form`; the names of two domains never share one (`ß` is no `ss`).
"""

from __future__ import annotations

import re
import unicodedata

_DOTS = "[\u3002\uff0e\uff61]"
_LABEL = r"(?i)xn--[a-z0-9-]{1,59}"


def ascii_form(domain: str) -> str:
    """Give the canonical form of a domain: small letters, `xn--` labels, no dot at the end."""
    if domain.isascii():
        return domain.lower().rstrip(".")
    plain = _lower(unicodedata.normalize("NFKC", _lower(domain)))
    return ".".join(map(_encoded, re.sub(_DOTS, ".", plain).rstrip(".").split(".")))


def readable(text: str) -> str:
    """Write the `xn--` labels of a text in their own letters; what is no such label stays."""
    return re.sub(_LABEL, _decoded, text) if "xn--" in text.lower() else text


def other_spelling(address: str) -> str:
    """Give an address, or a domain, in the spelling that it does not have; the same where there is only one."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{readable(domain) if domain.isascii() else ascii_form(domain)}"


def spellings(data: bytes) -> tuple[bytes, ...]:
    """Give an encoded address in every spelling, as it stands first."""
    if data.isascii() and b"xn--" not in data.lower():
        return (data,)
    other = other_spelling(data.decode("utf-8", "replace")).encode("utf-8", "replace")
    return (data,) if other == data else (data, other)


def _lower(text: str) -> str:
    """Write small letters, each by itself: the last letter of a Greek word is no other one."""
    return "".join(char.lower() for char in text)


def _encoded(label: str) -> str:
    try:
        return label if label.isascii() else "xn--" + label.encode("punycode").decode()
    except UnicodeError:
        return label


def _decoded(found: re.Match[str]) -> str:
    label = found[0].lower()
    try:
        letters = label[4:].encode().decode("punycode")
    except ValueError:
        return found[0]
    return letters if letters.isprintable() and ascii_form(letters) == label else found[0]
