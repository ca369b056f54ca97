"""What a server said, as text: imaplib and imapclient leave it as bytes, or as Python writes bytes.

Here: the words of their exceptions, names of folders. Not here: sentences of ours (`wire.py`).
Invariant: any bytes become text, and nothing is raised.
"""

from __future__ import annotations

import imaplib
import re
from ast import literal_eval

from imapclient.imap_utf7 import decode as decode_utf7  # type: ignore[import-untyped]

_AS_PYTHON = re.compile(r"""\[?(\bb(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))\]?""")
"""Bytes, alone or in a list, as they look when imaplib put them into a text."""

_PREFIX = re.compile(r"(?:command: \w+ => )?(?:\* BYE )?")


def ended(error: Exception) -> bool:
    """Tell whether the server ended the session, by BYE or by hanging up, rather than talked nonsense."""
    if isinstance(error, imaplib.IMAP4.abort):
        return "unexpected" not in str(error) and "unterminated" not in str(error)
    said = error.args[0] if error.args else b""
    return isinstance(said, bytes) and said[:5].upper() == b"* BYE"


def words_of(error: Exception) -> str:
    """Give what an exception of imaplib tells as text: it holds bytes, and lists of bytes as Python writes them."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else _AS_PYTHON.sub(_plain, str(error))
    return _PREFIX.sub("", text, count=1)


def _plain(found: re.Match[str]) -> str:
    try:
        return str(literal_eval(found[1]).decode("utf-8", "replace"))
    except (ValueError, SyntaxError):  # the server's own text only looks like that
        return found[0]


def folder_name(name: str | bytes) -> str:
    """Read the name of a folder (RFC 3501, 5.1.3); one that breaks the rules is shown as it was sent."""
    try:
        return str(decode_utf7(name))
    except (ValueError, LookupError, TypeError):
        return name.decode("ascii", "replace") if isinstance(name, bytes) else name
