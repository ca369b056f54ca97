"""Which attributes a value has for a script: an allowlist keyed on the exact type.

Here: the tables for Python's own types, the bounded versions of methods that could make something huge, and the one
function that every `a.b` of a script becomes. Not here: writing (`guards.py`).
Invariant: a type that stands in no table has no attributes at all.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from types import GeneratorType, MappingProxyType, MethodType
from typing import Any

from hooks import limits
from hooks.denied import DeniedAttribute, DeniedType, DeniedValue, near
from hooks.facade import Module, TypeFacade, module_member
from hooks.formatting import strftime
from hooks.text import Eager, kind_of, steady

PLAIN = object()
"""The attribute is harmless as it is."""

Table = dict[str, Any]
TABLES: dict[type, Table] = {}
"""For each type its attributes: PLAIN, or a function that is bound to the value in place of the real method."""

DYNAMIC: dict[type, Callable[[Any, str], Any]] = {}
"""Types that answer for themselves: the fields of an item, the members of a module."""


def attribute(value: Any, name: str) -> Any:
    """Do what `value.name` does in a script."""
    kind = type(value)
    table = TABLES.get(kind)
    if table is not None:
        how = table.get(name)
        if how is PLAIN:
            return getattr(value, name)
        if how is not None:
            return MethodType(how, value)
        raise DeniedAttribute(f"a {kind_of(value)} has no {name!r}{near(name, table)}")
    dynamic = DYNAMIC.get(kind)
    if dynamic is not None:
        return dynamic(value, name)
    if isinstance(value, BaseException) and name == "args":
        return tuple(value.args)
    raise DeniedAttribute(f"a {kind_of(value)} has no {name!r} for a script")


def _plain(names: str) -> Table:
    return dict.fromkeys(names.split(), PLAIN)


# ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _sized(size: int) -> None:
    if size > limits.TEXT_CHARS:
        raise DeniedValue(f"this would make a text of {size:,} characters; {limits.TEXT_CHARS:,} are allowed")


def _padded(name: str) -> Callable[..., str]:
    def method(text: str, width: int, *fill: str) -> str:
        if type(width) is not int or (width > limits.WIDTH and width > len(text)):
            raise DeniedValue(f"{name} to more than {limits.WIDTH:,} characters")
        return getattr(text, name)(width, *fill)  # type: ignore[no-any-return]

    return method


def _replace(text: Any, old: Any, new: Any, count: int = -1) -> Any:
    if type(old) is type(text) is type(new) and len(new) > len(old):
        times = text.count(old)
        if type(count) is int and 0 <= count < times:
            times = count
        _sized(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, count)


def _join(text: Any, parts: Iterable[Any]) -> Any:
    pieces = list(steady(parts))
    size = len(text) * max(len(pieces) - 1, 0)
    for piece in pieces:
        if type(piece) is not type(text):
            raise TypeError(f"join takes {kind_of(text)}, not {kind_of(piece)}: use str(...) first")
        size += len(piece)
        _sized(size)
    return text.join(pieces)


def _translate(text: str, table: Any) -> str:
    if type(table) not in (dict, MappingProxyType):
        raise DeniedType("translate takes a dict: make it with str.maketrans(...)")
    longest = max((len(to) for to in table.values() if type(to) is str), default=1)
    if longest > 1 and longest * len(text) > limits.TEXT_CHARS:
        size = 0
        for char in text:
            to = table.get(ord(char), char)
            size += len(to) if type(to) is str else 1
            _sized(size)
    return text.translate(table)


def _expandtabs(text: str, tabsize: int = 8) -> str:
    if type(tabsize) is not int or tabsize > limits.WIDTH:
        raise DeniedValue(f"a tab of more than {limits.WIDTH:,} characters")
    _sized(len(text) + text.count("\t") * max(tabsize, 0))
    return text.expandtabs(tabsize)


_CODECS = frozenset(["utf8", "ascii", "usascii", "latin1", "iso88591", "iso885915", "cp1252", "windows1252", "utf8sig"])


def _codec(encoding: Any, errors: Any) -> tuple[str, str]:
    if type(encoding) is not str or encoding.lower().replace("-", "").replace("_", "") not in _CODECS:
        raise DeniedValue("hooks know the encodings utf-8, ascii, iso-8859-1, iso-8859-15 and windows-1252")
    if errors not in ("strict", "replace", "ignore"):
        raise DeniedValue("errors can be strict, replace or ignore")
    return encoding, errors


def _encode(text: str, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    return text.encode(*_codec(encoding, errors))


def _decode(content: bytes, encoding: str = "utf-8", errors: str = "strict") -> str:
    return content.decode(*_codec(encoding, errors))


TABLES[str] = _plain(
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower "
    "isnumeric isprintable isspace istitle isupper lower lstrip partition removeprefix removesuffix rfind rindex "
    "rpartition rsplit rstrip split splitlines startswith strip swapcase title upper"
) | {
    "center": _padded("center"),
    "ljust": _padded("ljust"),
    "rjust": _padded("rjust"),
    "zfill": _padded("zfill"),
    "replace": _replace,
    "join": _join,
    "translate": _translate,
    "expandtabs": _expandtabs,
    "encode": _encode,
}

TABLES[bytes] = _plain(
    "count endswith find index isalnum isalpha isascii isdigit islower isspace isupper lower lstrip partition "
    "removeprefix removesuffix rfind rpartition rsplit rstrip split splitlines startswith strip upper hex"
) | {"decode": _decode, "replace": _replace, "join": _join}

# ── numbers and containers ────────────────────────────────────────────────────────────────────────────────────


def _pop(values: set[Any]) -> Any:
    """Take out the value that a loop would meet first."""
    for value in steady(values):
        values.remove(value)
        return value
    return values.pop()


TABLES[int] = _plain("bit_length")
TABLES[bool] = _plain("bit_length")
TABLES[float] = _plain("is_integer")
TABLES[type(None)] = {}
TABLES[range] = _plain("start stop step count index")
TABLES[slice] = _plain("start stop step")
TABLES[GeneratorType] = _plain("send close")
TABLES[list] = _plain("append insert pop remove clear index count sort reverse copy") | {
    "extend": lambda row, values: row.extend(steady(values))
}
TABLES[Eager] = TABLES[list]
TABLES[tuple] = _plain("index count")
TABLES[dict] = _plain("get keys values items pop popitem setdefault update clear copy")
TABLES[MappingProxyType] = _plain("get keys values items")
_READ_SET = "copy difference intersection isdisjoint issubset issuperset symmetric_difference union"
TABLES[frozenset] = _plain(_READ_SET)
TABLES[set] = _plain(
    _READ_SET + " add clear discard remove update difference_update intersection_update symmetric_difference_update"
) | {"pop": _pop}

# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    """The one clock of a call: the time the mail was received."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


CLOCK = Clock()


def now(_: Any = None, tz: Any = None) -> datetime.datetime:
    """Do what `datetime.now(tz)` does, with the clock of the call; without a zone it is naive and UTC."""
    return CLOCK.now.astimezone(tz) if tz is not None else CLOCK.now.replace(tzinfo=None)


def utcnow(_: Any = None) -> datetime.datetime:
    """Do what `datetime.utcnow()` does, with the clock of the call."""
    return CLOCK.now.replace(tzinfo=None)


def today(_: Any = None) -> datetime.date:
    """Do what `date.today()` does, with the clock of the call."""
    return CLOCK.now.date()


_DATE = "year month day weekday isoweekday isocalendar isoformat replace toordinal"
_TIME = "hour minute second microsecond tzinfo fold utcoffset tzname dst"
TABLES[datetime.date] = _plain(_DATE) | {"strftime": strftime, "today": today}
TABLES[datetime.datetime] = _plain(f"{_DATE} {_TIME} date time timetz astimezone timestamp") | {
    "strftime": strftime,
    "now": now,
    "today": utcnow,
    "utcnow": utcnow,
}
TABLES[datetime.time] = _plain(f"isoformat replace {_TIME}") | {"strftime": strftime}
TABLES[datetime.timedelta] = _plain("days seconds microseconds total_seconds")
TABLES[datetime.timezone] = _plain("utcoffset tzname")
TABLES[type(datetime.date(2000, 1, 1).isocalendar())] = _plain("year week weekday")

# ── stand-ins ─────────────────────────────────────────────────────────────────────────────────────────────────


def type_member(facade: TypeFacade, name: str) -> Any:
    """Give a class method of a type, or a method of its values as a function (`str.lower`)."""
    members = facade._members
    if name in members:
        return members[name]
    real = facade._real
    if not name.startswith("_") and real and TABLES.get(real[0], {}).get(name) is not None:

        def method(value: Any, *args: Any, **kwargs: Any) -> Any:
            if type(value) not in real:
                raise DeniedType(f"{facade._name}.{name} takes a {facade._name}, not a {kind_of(value)}")
            return attribute(value, name)(*args, **kwargs)

        return method
    raise DeniedAttribute(f"hooks have no {facade._name}.{name}{near(name, members)}")


DYNAMIC[Module] = module_member
DYNAMIC[TypeFacade] = type_member
