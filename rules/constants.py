"""The values that stand in conditions: from what was written to what a field of this type compares with.

Here: one function, and the units. Not here: which comparison fits which type (`check.py`).
Invariant: a literal that does not fit raises `Misfit` with a sentence and the corrected text.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from rules.near import near_names
from rules.schema import DAYS, Field, Schema, Type, fold
from rules.syntax import Kind, Literal

SIZES = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}


class Reference(Struct, frozen=True):
    """Another field in the place of a value."""

    field: Field


class Misfit(ValueError):
    """A literal that cannot stand where it stands."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def constant(literal: Literal, field: Field, schema: Schema) -> Any:
    """Give the value to compare with, or a `Reference`. Raises: Misfit.

    Text comes folded; sizes in bytes; durations in seconds; dates as `date`; a relative time as the `timedelta` from
    when the mail was received; a time of day as minutes; a weekday as 0 for Monday.
    """
    if literal.kind is Kind.WORD and field.type not in (Type.DAY, Type.CHOICE):
        return _reference(literal, field, schema)
    if field.type.textual:
        return _text(literal, field)
    return {
        Type.NUMBER: _number,
        Type.ITEM: _number,
        Type.SIZE: _size,
        Type.DURATION: _duration,
        Type.DATE: _date,
        Type.TIME: _time,
        Type.DAY: _day,
        Type.CHOICE: _choice,
    }[field.type](literal, field)


def number(source: str) -> int | float:
    """A number as written."""
    return float(source) if "." in source else int(source)


def seconds(source: str) -> float:
    """`2 days` in seconds."""
    digits = source.rstrip("abcdefghijklmnopqrstuvwxyz ")
    return float(digits) * SECONDS[source[len(digits) :].strip().rstrip("s")]


def _reference(literal: Literal, field: Field, schema: Schema) -> Reference:
    other = schema.field(literal.source)
    if other is None:
        near = near_names(literal.source, schema.fields, 1, 0.8)
        help = f"did you mean  {near[0]} ?" if near else ""
        if field.type.textual:
            help = help or f'write  "{literal.source}"'
            raise Misfit("E138", f'"{literal.source}" is neither a text in quotes nor a field', help)
        raise Misfit("E138", f'"{literal.source}" is not {field.type}', help or _wanted(field))
    fits = other.type.textual and not other.type.listed if field.type.textual else other.type is field.type
    if not fits:
        raise Misfit("E138", f"{other.name} is {other.type} and {field.name} is {field.type}: they do not compare")
    return Reference(other)


def _wanted(field: Field) -> str:
    examples = {
        Type.NUMBER: "10", Type.ITEM: "4711", Type.SIZE: "10 MB", Type.DURATION: "2 days", Type.DATE: "2026-12-31",
        Type.TIME: "08:00", Type.DAY: "mon", Type.TEXT: '"..."',
    }  # fmt: skip
    return f"write something like  {examples.get(field.type, chr(34) + '...' + chr(34))}"


def _misfit(field: Field) -> Misfit:
    return Misfit("E138", f"{field.name} is {field.type}, and this is not", _wanted(field))


def _text(literal: Literal, field: Field) -> str:
    if literal.kind is not Kind.TEXT:
        raise Misfit("E138", f"{field.name} is {field.type}, and texts stand in quotes", f'write  "{literal.source}"')
    return fold(literal.source)


def _number(literal: Literal, field: Field) -> int | float:
    if literal.kind is not Kind.NUMBER:
        help = f"write  {literal.source}" if literal.kind is Kind.TEXT and literal.source.isdigit() else _wanted(field)
        raise Misfit("E138", f"{field.name} is {field.type}, and this is not", help)
    return number(literal.source)


def _size(literal: Literal, field: Field) -> int | float:
    if literal.kind is Kind.SIZE:
        unit = literal.source.lstrip("0123456789. ")
        return number(literal.source[: -len(unit)].strip()) * SIZES[unit]
    if literal.kind is Kind.NUMBER:
        if number(literal.source) == 0:
            return 0
        source = literal.source
        raise Misfit("E137", f'"{field.name}" is a size and needs a unit', f"write  {source} kB  or  {source} MB")
    raise _misfit(field)


def _duration(literal: Literal, field: Field) -> float:
    if literal.kind is Kind.DURATION:
        return seconds(literal.source)
    if literal.kind is Kind.NUMBER:
        if number(literal.source) == 0:
            return 0.0
        source = literal.source
        raise Misfit(
            "E137", f'"{field.name}" is a duration and needs a unit', f"write  {source} hours  or  {source} days"
        )
    raise _misfit(field)


def _date(literal: Literal, field: Field) -> date | timedelta:
    if literal.kind is Kind.DATE:
        try:
            return date.fromisoformat(literal.source)
        except ValueError:
            raise Misfit("E138", f"there is no day {literal.source}", "year-month-day, such as  2026-12-31") from None
    if literal.kind in (Kind.AGO, Kind.AHEAD):
        span = timedelta(seconds=min(seconds(literal.source), 1e11))
        return -span if literal.kind is Kind.AGO else span
    raise _misfit(field)


def _time(literal: Literal, field: Field) -> int:
    if literal.kind is not Kind.TIME:
        raise _misfit(field)
    hour, minute = map(int, literal.source.split(":"))
    if minute > 59 or hour * 60 + minute > 1440:
        raise Misfit("E138", f"there is no time {literal.source}", "from  00:00  to  24:00")
    return hour * 60 + minute


def _day(literal: Literal, field: Field) -> int:
    word = literal.source.lower()
    if word not in DAYS:
        near = word[:3] if word[:3] in DAYS else ""
        help = (f"did you mean  {near} ?  " if near else "") + "possible: " + ", ".join(DAYS)
        raise Misfit("E136", f'"{literal.source}" is not a day of the week', help)
    return DAYS.index(word)


def _choice(literal: Literal, field: Field) -> str:
    word = literal.source.lower()
    if word not in field.choices:
        near = near_names(word, field.choices, 1)
        help = (f"did you mean  {near[0]} ?  " if near else "") + "possible: " + ", ".join(field.choices)
        raise Misfit("E136", f'"{literal.source}" is not a possible value of {field.name}', help)
    return word
