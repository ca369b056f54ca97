"""What the operators of a script become: the functions that the rewritten source calls.

Here: reading and writing items, iterating, calling with `*` and `**`, arithmetic that can explode, `x += y`.
Not here: attributes (`attributes.py`), text (`text.py`), which source becomes which call (`policy.py`).
Invariant: each takes only values of types it names; sizes are checked before the work is done.
"""

from __future__ import annotations

import datetime
import gc
import operator
from collections.abc import Callable, Iterator
from types import GeneratorType, MappingProxyType
from typing import Any

from hooks import limits
from hooks.attributes import attribute
from hooks.denied import DeniedType, DeniedValue
from hooks.formatting import percent
from hooks.text import Eager, kind_of, steady

_WEEK = type(datetime.date(2000, 1, 1).isocalendar())
READABLE: set[type] = {str, bytes, list, Eager, tuple, dict, MappingProxyType, range, _WEEK}
"""Types with `x[k]`; the API adds its own."""
WRITABLE: set[type] = {list, Eager, dict}
"""Types with `x[k] = v`; the API adds the item, which answers for itself."""
_EMPTY: dict[str, str] = {}
_ITERATED: tuple[Any, ...] = (
    *([], (), {}, _EMPTY.values(), _EMPTY.items(), set(), "", "é", b""),
    *(range(0), range(2**70)),
)
ITERABLE: set[type] = {
    *(str, bytes, list, Eager, tuple, dict, set, frozenset, range, MappingProxyType, GeneratorType),
    *(type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items())),
    *(type(iter(each)) for each in _ITERATED),
    _WEEK,
}
"""Types with `for each in x`; the API adds its own."""


def iterable(value: Any) -> Any:
    """Let through what a script may iterate over."""
    if type(value) in ITERABLE:
        return steady(value)
    raise DeniedType(f"a {kind_of(value)} cannot be iterated over")


def item(value: Any, key: Any) -> Any:
    """Do what `value[key]` does in a script."""
    if type(value) in READABLE:
        return value[key]
    raise DeniedType(f"a {kind_of(value)} has no [...]")


def writable(value: Any) -> Any:
    """Let through what a script may write into, as the target of `value[k] = …`, `value.name = …` and `del`."""
    if type(value) in WRITABLE:
        return value
    raise DeniedType(f"a {kind_of(value)} is read only")


def call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Do what `function(*args, **kwargs)` does in a script."""
    for name in kwargs:
        if name.startswith("_"):
            raise DeniedValue(f"{name!r} is no name for an argument")
    return function(*args, **kwargs)


# ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────────

_TEXTS = (str, bytes)
_ROWS = (list, tuple, Eager)


def times(left: Any, right: Any) -> Any:
    """Do what `left * right` does, unless the result would be huge."""
    _check_product(left, right)
    return left * right


def _check_product(left: Any, right: Any) -> None:
    a, b = type(left), type(right)
    if a is int and b is int:
        _bits(left.bit_length() + right.bit_length())
    elif b in _TEXTS or b in _ROWS:
        _repeated(right, left)
    elif a in _TEXTS or a in _ROWS:
        _repeated(left, right)


def _repeated(row: Any, count: Any) -> None:
    if isinstance(count, int):
        most = limits.TEXT_CHARS if type(row) in _TEXTS else limits.SEQUENCE_ITEMS
        if len(row) * count > most:
            raise DeniedValue(f"this would make a {kind_of(row)} of more than {most:,} parts")


def _bits(count: int) -> None:
    if count > limits.INT_BITS:
        raise DeniedValue("this number would have more than 4,200 digits")


def power(left: Any, right: Any, modulus: Any = None) -> Any:
    """Do what `left ** right` and `pow` do, unless the result would be huge."""
    if isinstance(left, int) and isinstance(right, int) and right > 0 and left not in (-1, 0, 1):
        _bits(left.bit_length() * right if modulus is None else left.bit_length() + right.bit_length())
    return pow(left, right) if modulus is None else pow(left, right, modulus)


def shifted(left: Any, right: Any) -> Any:
    """Do what `left << right` does, unless the result would be huge."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _bits(left.bit_length() + right)
    return left << right


def remainder(left: Any, right: Any) -> Any:
    """Do what `left % right` does; with text on the left it is formatting."""
    if type(left) is str:
        return percent(left, right)
    if type(left) is bytes:
        raise DeniedType("bytes cannot be formatted")
    return left % right


_IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": remainder,
    "**=": power,
    "<<=": shifted,
    ">>=": operator.irshift,
    "|=": operator.ior,
    "^=": operator.ixor,
    "&=": operator.iand,
    "@=": operator.imatmul,
}


def in_place(symbol: str, left: Any, right: Any) -> Any:
    """Do what `left += right` and its like do."""
    if symbol == "*=":
        _check_product(left, right)
    elif symbol == "+=" and type(left) in (list, Eager):
        right = iterable(right)
    return _IN_PLACE[symbol](left, right)


def in_place_attribute(value: Any, name: str, symbol: str, right: Any) -> None:
    """Do what `value.name += right` does."""
    setattr(writable(value), name, in_place(symbol, attribute(value, name), right))


def in_place_item(value: Any, key: Any, symbol: str, right: Any) -> None:
    """Do what `value[key] += right` does."""
    writable(value)[key] = in_place(symbol, item(value, key), right)


# ── generators ────────────────────────────────────────────────────────────────────────────────────────────────


class GeneratorCount:
    """Keeps the number of living generators within bounds.

    CPython frees a chain of generators by recursion in C; some 50,000 in a row use up its stack. Counting the
    living ones exactly is slow, so it is done only after every `limits.GENERATORS` new ones.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made = 0

    def reset(self) -> None:
        """Start again, for the next call."""
        self._made = 0

    def counted(self, generator: Any) -> Any:
        """Count a new generator and pass it on."""
        self._made += 1
        if self._made > limits.GENERATORS:
            self._made = sum(type(each) is GeneratorType for each in gc.get_objects())
            if self._made > limits.GENERATORS:
                raise DeniedValue(f"more than {limits.GENERATORS:,} generators at the same time")
        return generator

    def function(self, make: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Make a generator function count what it makes."""

        def counting(*args: Any, **kwargs: Any) -> Any:
            return self.counted(make(*args, **kwargs))

        return counting


GENERATORS = GeneratorCount()
