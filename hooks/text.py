"""Values as text, within bounds: what `str` and `repr` are for scripts.

Here: every value a script may see, written down. Not here: formats (`formatting.py`), methods (`attributes.py`).
Invariant: nothing here calls code of a value it does not know, shows an address, or makes a text longer than
`limits.TEXT_CHARS`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from hooks import limits
from hooks.denied import DeniedType, DeniedValue

TITLES: dict[type, Callable[[Any], str]] = {}
"""How the objects of the API and the facades introduce themselves; their modules add to it when they are loaded."""

_PLAIN = (bool, float, type(None), complex)
_DATES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone)
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}
_EMPTY: dict[str, str] = {}
_VIEWS = (type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items()))


class Eager(list[Any]):
    """What `map`, `filter`, `zip`, `enumerate` and `reversed` give: a list that `next` also takes.

    Lazy chains of these crash CPython, so they are carried out at once.
    """

    __slots__ = ("_at",)

    def __next__(self) -> Any:
        at = getattr(self, "_at", 0)
        if at >= len(self):
            raise StopIteration
        self._at = at + 1
        return self[at]


_BRACKETS[Eager] = ("[", "]")

_STEADY = frozenset((str, bytes, int, bool, *_DATES))
_SETS = (set, frozenset)
_PLACELESS = ("function", "builtin_function_or_method", "method", "generator")


def steady(value: Any) -> Any:
    """Give a set in an order that is the same in every worker; any other value as it is.

    The hash of texts and numbers is the same everywhere. That of other values comes from where they lie in memory,
    which is chance: such a set is sorted by what is written for its values.
    """
    if type(value) not in _SETS or _STEADY.issuperset(map(type, value)):
        return value
    return sorted(value, key=_rank)


def _rank(value: Any) -> tuple[str, str]:
    kind = type(value).__name__
    if kind in _PLACELESS:
        raise DeniedType(f"a set of {kind}s has no order: use a list")
    return kind, as_repr(value)


def as_text(value: Any) -> str:
    """Do what `str(value)` does for the values a script may see."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if isinstance(value, BaseException):
        return _error_text(value)
    if kind in _DATES:
        return str(value)
    return as_repr(value)


def as_repr(value: Any) -> str:
    """Do what `repr(value)` does, for a bounded number of parts."""
    kind = type(value)
    if kind is int:
        return _digits(value)
    if kind in _PLAIN:
        return repr(value)
    if kind is str or kind is bytes:
        return _quoted(value)
    parts: list[str] = []
    _Printer(parts).add(value, 0)
    return "".join(parts)


class _Printer:
    """Writes one value; counts what it visits."""

    __slots__ = ("chars", "parts", "visited")

    def __init__(self, parts: list[str]) -> None:
        self.parts = parts
        self.visited = 0
        self.chars = 0

    def say(self, text: str) -> None:
        self.chars += len(text)
        if self.chars > limits.TEXT_CHARS:
            raise DeniedValue(f"the text of this value has more than {limits.TEXT_CHARS:,} characters")
        self.parts.append(text)

    def add(self, value: Any, depth: int) -> None:
        self.visited += 1
        if self.visited > limits.PRINTED_PARTS or depth > limits.PRINTED_DEPTH:
            raise DeniedValue("this value is too big or too deeply nested to be written as text")
        kind = type(value)
        if kind in _BRACKETS:
            self._row(value, depth, *_BRACKETS[kind])
        elif kind is dict or kind is MappingProxyType:
            self._table(value, depth)
        elif kind in _VIEWS:
            self._row(value, depth, f"{kind.__name__}([", "])")
        elif kind is frozenset:
            self._row(value, depth, "frozenset({", "})")
        else:
            self.say(_leaf(value))

    def _row(self, value: Any, depth: int, opening: str, closing: str) -> None:
        if not value and opening in ("{", "frozenset({"):
            self.say("set()" if opening == "{" else "frozenset()")
            return
        self.say(opening)
        for number, each in enumerate(steady(value)):
            if number:
                self.say(", ")
            self.add(each, depth + 1)
        self.say("," + closing if opening == "(" and len(value) == 1 else closing)

    def _table(self, value: Any, depth: int) -> None:
        self.say("{")
        for number, (key, each) in enumerate(value.items()):
            if number:
                self.say(", ")
            self.add(key, depth + 1)
            self.say(": ")
            self.add(each, depth + 1)
        self.say("}")


def _leaf(value: Any) -> str:
    kind = type(value)
    if kind is int:
        return _digits(value)
    if kind is str or kind is bytes:
        return _quoted(value)
    if kind in _PLAIN or kind in _DATES or kind is range:
        return repr(value)
    if kind in TITLES:
        return TITLES[kind](value)
    if isinstance(value, BaseException):
        return f"{kind.__name__}({', '.join([as_repr(each) for each in value.args[:10]])})"
    if isinstance(value, type) and issubclass(value, BaseException):
        return f"<class {value.__name__!r}>"
    return {"generator": "<generator>", "slice": "<slice>"}.get(
        kind.__name__, "<function>" if callable(value) else "<value>"
    )


def _digits(value: int) -> str:
    if value.bit_length() > limits.INT_BITS:
        raise DeniedValue("this number is too long to be written as text")
    return repr(value)


def _quoted(value: Any) -> str:
    if len(value) > limits.TEXT_CHARS // 4:
        raise DeniedValue("this text is too long to be quoted")
    return repr(value)


def _error_text(error: BaseException) -> str:
    """Do what `str(error)` does, without trusting the values in it."""
    if isinstance(error, UnicodeError) and len(error.args) == 5:
        return f"{error.args[0]} codec failed: {error.args[4]}"
    arguments = error.args
    if not arguments:
        return ""
    if len(arguments) == 1:
        return as_repr(arguments[0]) if type(error) is KeyError else as_text(arguments[0])
    return as_repr(arguments)


def kind_of(value: Any) -> str:
    """Name the type of a value as its author knows it."""
    kind = type(value)
    if kind is type(None):
        return "None"
    if kind in TITLES:
        return TITLES[kind](value).strip("<>")
    if kind is Eager:
        return "list"
    if kind is MappingProxyType:
        return "dict"
    return kind.__name__ if kind.__module__ in ("builtins", "datetime") else "value"


def one_line(text: str, most: int) -> str:
    """Make text safe for a log or a mail header: control characters as escapes, at most `most` characters."""
    cut = text[: most + 1]
    if not cut.isprintable():
        cut = "".join([char if char.isprintable() else _ESCAPES.get(char) or _escaped(char) for char in cut])
    return cut if len(cut) <= most else cut[: most - 1] + "…"


_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\t"}


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
