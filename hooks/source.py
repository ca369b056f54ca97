"""A script before it is parsed: bytes, and whether they may be read at all.

Here: encoding, length, characters that deceive a reader. Not here: syntax (`policy.py`).
Invariant: what passes is text of bounded size that looks to a person like what Python reads.
"""

from __future__ import annotations

import unicodedata

from hooks import limits
from hooks.problem import ScriptProblem

_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK = frozenset("\t\f")


def decode(content: bytes) -> tuple[str, ScriptProblem | None]:
    """Read the bytes of a script file; a byte order mark is allowed, an encoding line is not looked at."""
    if len(content) > limits.SOURCE_BYTES:
        return "", _too_long(len(content))
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode(), None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", ScriptProblem(
            "H110", f"this is not UTF-8: byte 0x{content[error.start]:02x}", line, help="save the file as UTF-8"
        )


def complain(text: str) -> ScriptProblem | None:
    """Find what keeps a source from being parsed: its size, or characters that hide something."""
    if len(text) > limits.SOURCE_BYTES or len(text.encode("utf-8", "surrogatepass")) > limits.SOURCE_BYTES:
        return _too_long(len(text))
    if text.isascii() and text.isprintable():
        return None
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if line.isascii() and line.isprintable():
            continue
        for column, char in enumerate(line, 1):
            if _hides(char):
                return ScriptProblem(
                    "H106",
                    f"{_named(char)} may not stand in a script",
                    number,
                    column,
                    help=f"write it as an escape: \\u{ord(char):04x}" if ord(char) < 0x10000 else "remove it",
                )
    return None


def _hides(char: str) -> bool:
    if char in _BLANK:
        return False
    return char in _BIDIRECTIONAL or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _named(char: str) -> str:
    kind = "the bidirectional character" if char in _BIDIRECTIONAL else "the invisible character"
    return f"{kind} U+{ord(char):04X} {unicodedata.name(char, '')}".strip()


def _too_long(size: int) -> ScriptProblem:
    allowed = limits.SOURCE_BYTES
    return ScriptProblem(
        "H107", f"the script has {size:,} bytes, {allowed:,} are allowed", help="move tables to the parameter file"
    )
