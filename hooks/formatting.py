"""Formats, within bounds: f-strings, `format`, `%` and `strftime` for scripts.

Here: every way a script asks for a width, a precision or a date. Not here: values without a format (`text.py`).
Invariant: no format makes a text wider than `limits.WIDTH` asks for, and none reads an attribute of a value.
"""

from __future__ import annotations

import datetime
from types import MappingProxyType
from typing import Any

from hooks import limits
from hooks.denied import DeniedType, DeniedValue
from hooks.text import as_repr, as_text, kind_of

_DIRECTIVES = frozenset("aAwdbBmyYHIMSpfzZjUWVuGcxXeFTRD%")


def formatted(value: Any, conversion: int = -1, spec: str = "") -> str:
    """Format one value of an f-string; `conversion` is as in `ast.FormattedValue`."""
    if conversion == ord("s"):
        value = as_text(value)
    elif conversion == ord("r"):
        value = as_repr(value)
    elif conversion == ord("a"):
        value = as_repr(value).encode("ascii", "backslashreplace").decode()
    if type(spec) is not str:
        raise DeniedType("a format must be text")
    if not spec:
        return as_text(value)
    kind = type(value)
    if kind in (datetime.datetime, datetime.date, datetime.time):
        return strftime(value, spec)
    if spec_is_wide(spec):
        raise DeniedValue(f"a width or precision of more than {limits.WIDTH:,}")
    if kind in (str, int, float, bool):
        if kind is int and value.bit_length() > limits.INT_BITS:
            raise DeniedValue("this number is too long to be written as text")
        return format(value, spec)
    raise DeniedType(f"a {kind_of(value)} takes no format: use str(...) first")


def spec_is_wide(spec: str) -> bool:
    """Tell whether a format asks for more than `limits.WIDTH` characters."""
    if len(spec) > 40:
        return True
    digits = ""
    for char in spec + ".":
        if char.isdigit():
            digits += char
            continue
        if digits and int(digits) > limits.WIDTH:
            return True
        digits = ""
    return False


def strftime(value: Any, pattern: str) -> str:
    """Format a date with the directives that are the same everywhere."""
    if type(pattern) is not str:
        raise DeniedType("a date format must be text")
    if len(pattern) > limits.FORMAT_CHARS:
        raise DeniedValue(f"a date format of more than {limits.FORMAT_CHARS} characters")
    pieces = pattern.split("%")
    skip = False
    for piece in pieces[1:]:
        if skip:
            skip = False
            continue
        if not piece:
            skip = True
        elif piece.removeprefix("-")[:1] not in _DIRECTIVES:
            raise DeniedValue(f"the date format %{piece[:1]} is not available")
    return value.strftime(pattern)  # type: ignore[no-any-return]


def percent(pattern: str, values: Any) -> str:
    """Do what `pattern % values` does for text, numbers and plain containers."""
    named = values if type(values) in (dict, MappingProxyType) else None
    waiting = list(values) if type(values) is tuple else [values]
    out: list[str] = []
    size = at = used = 0
    while True:
        start = pattern.find("%", at)
        out.append(pattern[at : len(pattern) if start < 0 else start])
        size += len(out[-1])
        if start < 0:
            break
        key, flags, letter, at = _directive(pattern, start + 1)
        if letter == "%":
            out.append("%")
            continue
        if key is not None:
            if named is None:
                raise DeniedType("%(name)s needs a dict on the right side")
            value = named[key]
        elif used < len(waiting):
            value, used = waiting[used], used + 1
        else:
            raise TypeError("not enough arguments for format string")
        out.append(_converted(flags, letter, value))
        size += len(out[-1])
        if size > limits.TEXT_CHARS:
            raise DeniedValue(f"this would make a text of more than {limits.TEXT_CHARS:,} characters")
    if used < len(waiting) and named is None:
        raise TypeError("not all arguments converted during string formatting")
    return "".join(out)


def _directive(pattern: str, at: int) -> tuple[str | None, str, str, int]:
    """Read `(key)flags.precision letter` behind a %: key, flags, letter and where it ends."""
    key = None
    if pattern[at : at + 1] == "(":
        end = pattern.find(")", at)
        if end < 0:
            raise ValueError("incomplete format key")
        key, at = pattern[at + 1 : end], end + 1
    start = at
    while at < len(pattern) and pattern[at] in "#0- +.0123456789hlL":
        at += 1
    flags = pattern[start:at].translate({ord("h"): None, ord("l"): None, ord("L"): None})
    if at >= len(pattern):
        raise ValueError("incomplete format")
    if pattern[at] == "*":
        raise DeniedValue("a width given as * is not available: write it as a number, or use an f-string")
    if spec_is_wide(flags):
        raise DeniedValue(f"a width or precision of more than {limits.WIDTH:,}")
    return key, flags, pattern[at], at + 1


def _converted(flags: str, letter: str, value: Any) -> str:
    if letter in "sra":
        value = as_text(value) if letter == "s" else formatted(value, ord(letter))
        letter = "s"
    elif letter not in "diuoxXeEfFgGc":
        raise ValueError(f"unsupported format character {letter!r}")
    elif type(value) not in (int, float, bool) and not (letter == "c" and type(value) is str):
        raise TypeError(f"%{letter} format: a number is required, not {kind_of(value)}")
    elif type(value) is int and value.bit_length() > limits.INT_BITS:
        raise DeniedValue("this number is too long to be written as text")
    return f"%{flags}{letter}" % (value,)
