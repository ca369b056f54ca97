"""`datetime` for scripts: real values, a frozen clock, bounded formats."""

from __future__ import annotations

import datetime as real
from typing import Any

from hooks import limits
from hooks.attributes import now, today, utcnow
from hooks.denied import DeniedType, DeniedValue
from hooks.facade import Module, TypeFacade
from hooks.text import as_text, kind_of

real.datetime.strptime("2000", "%Y")  # loads what it needs while files can still be read
real.datetime(2000, 1, 1).strftime("%c")


def _moment(*args: Any, **kwargs: Any) -> real.datetime:
    return real.datetime(*args, **kwargs)


def _zone(offset: Any, name: Any = None) -> real.timezone:
    if name is None:
        return real.timezone(offset)
    if type(name) is not str or len(name) > 100:
        raise DeniedValue("the name of a timezone is text of at most 100 characters")
    return real.timezone(offset, name)


def _strptime(text: Any, pattern: Any) -> real.datetime:
    if type(text) is not str or type(pattern) is not str:
        raise DeniedType(f"strptime takes two texts, not {kind_of(text)} and {kind_of(pattern)}")
    if len(text) > limits.FORMAT_CHARS or len(pattern) > limits.FORMAT_CHARS:
        raise DeniedValue(f"strptime takes at most {limits.FORMAT_CHARS} characters")
    try:
        return real.datetime.strptime(text, pattern)
    except ValueError as error:
        raise ValueError(as_text(error)) from None


_DATETIME = TypeFacade(
    "datetime",
    (real.datetime,),
    _moment,
    {
        "now": lambda tz=None: now(None, tz),
        "utcnow": utcnow,
        "today": utcnow,
        "strptime": _strptime,
        "fromisoformat": real.datetime.fromisoformat,
        "fromtimestamp": real.datetime.fromtimestamp,
        "utcfromtimestamp": lambda seconds: real.datetime.fromtimestamp(seconds, real.UTC).replace(tzinfo=None),
        "combine": real.datetime.combine,
        "min": real.datetime.min,
        "max": real.datetime.max,
    },
)
_DATE = TypeFacade(
    "date",
    (real.date,),
    lambda *args, **kwargs: real.date(*args, **kwargs),
    {
        "today": today,
        "fromisoformat": real.date.fromisoformat,
        "fromtimestamp": real.date.fromtimestamp,
        "fromordinal": real.date.fromordinal,
        "fromisocalendar": real.date.fromisocalendar,
        "min": real.date.min,
        "max": real.date.max,
    },
)
_TIME = TypeFacade(
    "time", (real.time,), lambda *args, **kwargs: real.time(*args, **kwargs), {"fromisoformat": real.time.fromisoformat}
)
_TIMEDELTA = TypeFacade(
    "timedelta",
    (real.timedelta,),
    lambda *args, **kwargs: real.timedelta(*args, **kwargs),
    {"min": real.timedelta.min, "max": real.timedelta.max},
)
_TIMEZONE = TypeFacade("timezone", (real.timezone,), _zone, {"utc": real.UTC})

MODULE = Module(
    "datetime",
    {
        "datetime": _DATETIME,
        "date": _DATE,
        "time": _TIME,
        "timedelta": _TIMEDELTA,
        "timezone": _TIMEZONE,
        "UTC": real.UTC,
        "MINYEAR": real.MINYEAR,
        "MAXYEAR": real.MAXYEAR,
    },
)
