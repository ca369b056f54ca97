"""Replacements of `re.sub` for scripts: `\\1`, `\\g<name>`, `\\n`.

Here: reading a replacement once. Not here: matching (`facades/regex.py`).
Invariant: what is filled in is no longer than `limits.TEXT_CHARS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hooks import limits
from hooks.denied import DeniedValue

Group = Callable[[Any, str], str | None]
"""Gives a group of a match by number or name, the second argument if it took no part."""


class PatternError(ValueError):
    """The pattern is wrong, or asks for more than hooks allow; scripts know it as `re.error`."""


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "f": "\f", "v": "\v", "a": "\a"}


def expander(template: str) -> Callable[[Group], str]:
    """Read a replacement once (`\\1`, `\\g<name>`, `\\n`) and give the function that fills it in."""
    if "\\" not in template:
        return lambda group: template
    parts: list[tuple[bool, Any]] = []
    pieces = template.split("\\")
    parts.append((False, pieces[0]))
    at = 1
    while at < len(pieces):
        piece = pieces[at]
        if not piece:  # an escaped backslash: the next piece is text
            at += 1
            parts.append((False, "\\" + (pieces[at] if at < len(pieces) else "")))
        elif piece.startswith("g<") and ">" in piece:
            name, _, rest = piece[2:].partition(">")
            parts += [(True, int(name) if name.isdecimal() else name), (False, rest)]
        elif piece[0] in "123456789":
            length = 2 if piece[1:2].isdecimal() else 1
            parts += [(True, int(piece[:length])), (False, piece[length:])]
        elif piece[0] in _ESCAPES:
            parts.append((False, _ESCAPES[piece[0]] + piece[1:]))
        elif piece[0].isalnum():
            raise PatternError(f"in the replacement: bad escape \\{piece[0]}")
        else:
            parts.append((False, "\\" + piece))
        at += 1
    return lambda group: _filled(parts, group)


def _filled(parts: list[tuple[bool, Any]], group: Group) -> str:
    pieces: list[str] = []
    size = 0
    for is_group, part in parts:
        pieces.append((group(part, "") or "") if is_group else part)
        size += len(pieces[-1])
        if size > limits.TEXT_CHARS:
            raise DeniedValue(f"this would make a text of more than {limits.TEXT_CHARS:,} characters")
    return "".join(pieces)
