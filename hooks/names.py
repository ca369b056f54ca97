"""The built-in names of a script.

Here: types as stand-ins, functions with their arguments checked, the exceptions it may catch.
Not here: attributes of values (`attributes.py`), operators (`guards.py`), modules (`modules.py`).
Invariant: nothing in `BUILTINS` can be written to, runs code of its own choice or returns a real class, except for
exceptions, which Python wants to be real.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import FunctionType, MappingProxyType, MethodType
from typing import Any

from hooks import limits
from hooks.attributes import attribute
from hooks.denied import DeniedType, DeniedValue
from hooks.facade import TypeFacade
from hooks.formatting import formatted
from hooks.guards import ITERABLE, iterable, power
from hooks.text import Eager, as_repr, as_text, kind_of

# ── types ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _str(value: Any = "", *more: Any) -> str:
    if more or type(value) is bytes:
        raise DeniedType("to make text of bytes, write content.decode(...)")
    return as_text(value)


def _int(value: Any = 0, base: Any = None) -> int:
    if base is None:
        if type(value) not in (int, float, bool, str):
            raise TypeError(f"int() takes a number or text, not {kind_of(value)}")
        return int(value)
    if type(value) is not str or len(value) > 4_300:
        raise DeniedValue("int(text, base) takes text of at most 4,300 digits")
    return int(value, base)


def _float(value: Any = 0.0) -> float:
    if type(value) not in (int, float, bool, str):
        raise TypeError(f"float() takes a number or text, not {kind_of(value)}")
    return float(value)


def _dict(*args: Any, **named: Any) -> dict[Any, Any]:
    if args and type(args[0]) not in (dict, MappingProxyType):
        return dict([tuple(iterable(pair)) for pair in iterable(args[0])], **named)
    return dict(*args, **named)


def _range(*args: Any) -> range:
    made = range(*args)
    if max(abs(made.start), abs(made.stop), abs(made.step)) > 2**62 or len(made) > limits.RANGE_ITEMS:
        raise DeniedValue(f"a range of more than {limits.RANGE_ITEMS:,} numbers")
    return made


def _slice(*args: Any) -> slice:
    if any(type(arg) is not int and arg is not None for arg in args):
        raise DeniedType("a slice is made of whole numbers")
    return slice(*args)


def _maketrans(*args: Any) -> dict[int, Any]:
    if len(args) == 1 and type(args[0]) is not dict:
        raise DeniedType("str.maketrans takes a dict or two texts")
    return str.maketrans(*args)


def _fromkeys(keys: Any, value: Any = None) -> dict[Any, Any]:
    return dict.fromkeys(iterable(keys), value)


TYPES = {
    "str": TypeFacade("str", (str,), _str, {"maketrans": _maketrans}),
    "bytes": TypeFacade("bytes", (bytes,), None),
    "int": TypeFacade("int", (int,), _int),
    "float": TypeFacade("float", (float,), _float),
    "bool": TypeFacade("bool", (bool,), lambda value=False: bool(value)),
    "list": TypeFacade("list", (list, Eager), lambda values=(): list(iterable(values))),
    "tuple": TypeFacade("tuple", (tuple,), lambda values=(): tuple(iterable(values))),
    "dict": TypeFacade("dict", (dict, MappingProxyType), _dict, {"fromkeys": _fromkeys}),
    "set": TypeFacade("set", (set,), lambda values=(): set(iterable(values))),
    "frozenset": TypeFacade("frozenset", (frozenset,), lambda values=(): frozenset(iterable(values))),
    "range": TypeFacade("range", (range,), _range),
    "slice": TypeFacade("slice", (slice,), _slice),
}

# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────

_MISSING = object()


def _getattr(value: Any, name: Any, default: Any = _MISSING) -> Any:
    if type(name) is not str:
        raise DeniedType("the name of an attribute is text")
    try:
        return attribute(value, name)
    except AttributeError:
        if default is _MISSING:
            raise
        return default


def _hasattr(value: Any, name: Any) -> bool:
    try:
        _getattr(value, name)
    except AttributeError:
        return False
    return True


def _real_types(kind: Any) -> tuple[type, ...]:
    if type(kind) is TypeFacade:
        return kind._real
    if type(kind) is tuple:
        return tuple(real for each in kind for real in _real_types(each))
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return (kind,)
    raise DeniedType(f"isinstance takes a type, not {kind_of(kind)}")


def _isinstance(value: Any, kind: Any) -> bool:
    return isinstance(value, _real_types(kind))


def _callable(value: Any) -> bool:
    return callable(value)


def _iter(value: Any) -> Any:
    return iter(iterable(value))


def _next(values: Any, *default: Any) -> Any:
    if type(values) not in ITERABLE:
        raise DeniedType(f"next takes an iterator, not {kind_of(values)}")
    return next(values, *default)


def _enumerate(values: Any, start: int = 0) -> Eager:
    return Eager(enumerate(iterable(values), start))


def _zip(*rows: Any, strict: bool = False) -> Eager:
    return Eager(zip(*[iterable(row) for row in rows], strict=strict))


def _map(function: Any, *rows: Any) -> Eager:
    return Eager(map(function, *[iterable(row) for row in rows]))


def _filter(function: Any, values: Any) -> Eager:
    return Eager(filter(function, iterable(values)))


def _reversed(values: Any) -> Eager:
    if type(values) is dict:
        values = list(values)
    return Eager(reversed(iterable(values)))


def _sorted(values: Any, *, key: Any = None, reverse: Any = False) -> list[Any]:
    return sorted(iterable(values), key=key, reverse=bool(reverse))


def _sum(values: Any, start: Any = 0) -> Any:
    if type(start) not in (int, float, bool):
        total = start
        for value in iterable(values):
            total = total + value
        return total
    return sum(iterable(values), start)


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def choose(*values: Any, key: Any = None, **default: Any) -> Any:
        if set(default) - {"default"}:
            raise TypeError("min and max take key and default")
        if len(values) == 1:
            return function(iterable(values[0]), key=key, **default)
        return function(*values, key=key)

    return choose


_NUMBERS = (int, float, bool, timedelta, type(None))


def _numeric(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*values: Any, **named: Any) -> Any:
        values += tuple(named.values())
        for value in values:
            if type(value) not in _NUMBERS:
                raise TypeError(f"a number is needed here, not {kind_of(value)}")
        return function(*values)

    return checked


def _hex(function: Callable[[int], str]) -> Callable[[int], str]:
    def checked(value: int) -> str:
        if type(value) is not int or value.bit_length() > limits.INT_BITS:
            raise DeniedValue("a whole number of bounded size is needed here")
        return function(value)

    return checked


def _len(value: Any) -> int:
    if type(value) not in ITERABLE:
        raise TypeError(f"a {kind_of(value)} has no length")
    return len(value)


def _format(value: Any, spec: str = "") -> str:
    return formatted(value, -1, spec)


FUNCTIONS: dict[str, Any] = {
    "abs": _numeric(abs),
    "all": lambda values: all(iterable(values)),
    "any": lambda values: any(iterable(values)),
    "ascii": lambda value: formatted(value, ord("a")),
    "bin": _hex(bin),
    "callable": _callable,
    "chr": chr,
    "divmod": _numeric(divmod),
    "enumerate": _enumerate,
    "filter": _filter,
    "format": _format,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "hex": _hex(hex),
    "isinstance": _isinstance,
    "iter": _iter,
    "len": _len,
    "map": _map,
    "max": _extreme(max),
    "min": _extreme(min),
    "next": _next,
    "oct": _hex(oct),
    "ord": ord,
    "pow": power,
    "repr": as_repr,
    "reversed": _reversed,
    "round": _numeric(round),
    "sorted": _sorted,
    "sum": _sum,
    "zip": _zip,
}

EXCEPTIONS = {
    kind.__name__: kind
    for kind in (
        *(Exception, ArithmeticError, AssertionError, AttributeError, ImportError, IndexError, KeyError, LookupError),
        *(MemoryError, NameError, NotImplementedError, OverflowError, RecursionError, RuntimeError, StopIteration),
        *(TimeoutError, TypeError, UnboundLocalError, UnicodeDecodeError, UnicodeEncodeError, UnicodeError),
        *(ValueError, ZeroDivisionError, FloatingPointError, OSError, EOFError, Warning, UserWarning),
    )
}

BUILTINS: dict[str, Any] = {
    **TYPES,
    **FUNCTIONS,
    **EXCEPTIONS,
    "True": True,
    "False": False,
    "None": None,
    "NotImplemented": NotImplemented,
    "Ellipsis": ...,
}
"""All of them but `print`, which belongs to a call."""

CALLABLE = (FunctionType, MethodType, type(len), TypeFacade)
"""What a hook function or a method of the API may be."""
