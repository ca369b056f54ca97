"""The mails of [[test]]s, written as fields: from a TOML table to what the fields hold.

Here: flattening `auth = { dmarc = "fail" }` and turning values as people write them into values of a type.
Not here: what a mail is (the engine builds one around these fields), running tests.
Invariant: a key that is no field, or a value that does not fit, raises `Misfit` with the path to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from msgspec import Struct

from rules.constants import SIZES, Misfit, seconds
from rules.near import near_names
from rules.schema import DAYS, Field, Schema, Type

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB)")
_DURATION = re.compile(r"\d+(?:\.\d+)?\s*(?:minute|hour|day|week)s?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


class Given(Struct, frozen=True):
    """One field of a test mail; `path` is where it stands below `mail`."""

    field: Field
    key: str | None
    value: Any
    path: tuple[str, ...]


class BadCase(ValueError):
    """A field of a test mail that cannot be used."""

    def __init__(self, misfit: Misfit, path: tuple[str, ...]) -> None:
        super().__init__(misfit.message)
        self.code, self.message, self.help = misfit.code, misfit.message, misfit.help
        self.path = path


def given(table: Mapping[str, Any], schema: Schema) -> Iterator[Given]:
    """Give every field of a table with its value as the field holds it. Raises: BadCase."""
    for path, value in _flat(table, schema, ()):
        keyed = path[0] in schema.keyed and len(path) > 1
        name = ".".join(path)
        field = schema.field(path[0], ".".join(path[1:])) if keyed else schema.field(name)
        if field is None:
            near = near_names(name, schema.fields, 1, 0.6)
            help = f"did you mean  {near[0]} ?" if near else "see  allegra rules fields"
            raise BadCase(Misfit("E171", f'there is no field called "{name}"', help), path)
        try:
            yield Given(field, ".".join(path[1:]) if keyed else None, held(value, field), path)
        except Misfit as misfit:
            raise BadCase(misfit, path) from None


def _flat(table: Mapping[str, Any], schema: Schema, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, schema, (*above, key))
        else:
            yield (*above, key), value


def held(value: Any, field: Field) -> Any:
    """A written value as a field of this type holds it. Raises: Misfit."""
    kind = field.type
    if kind.listed:
        values = value if isinstance(value, list) else [value]
        if all(isinstance(each, str) for each in values):
            return tuple(values)
    elif kind.textual:
        if isinstance(value, str):
            return value
    elif kind is Type.YESNO:
        if isinstance(value, bool):
            return value
    elif kind in (Type.NUMBER, Type.ITEM) and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    elif kind in (Type.SIZE, Type.DURATION):
        if (amount := _amount(value, kind)) is not None:
            return amount
    elif (other := _other(value, field)) is not None:
        return other
    raise Misfit("E172", f"{field.name} is {kind}, and this is not", f"write something like  {_EXAMPLES[kind]}")


def _amount(value: Any, kind: Type) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    if kind is Type.DURATION:
        return seconds(value) if _DURATION.fullmatch(value) else None
    found = _SIZE.fullmatch(value)
    return float(found[1]) * SIZES[found[2]] if found else None


def _other(value: Any, field: Field) -> Any:
    """Dates, times, days of the week, choices."""
    kind = field.type
    if kind is Type.DATE and isinstance(value, date):
        return value if isinstance(value, datetime) else datetime.combine(value, time(12))
    if kind is Type.TIME and isinstance(value, time):
        return value.hour * 60 + value.minute
    if kind is Type.TIME and isinstance(value, str) and (found := _TIME.fullmatch(value)):
        return int(found[1]) * 60 + int(found[2])
    if kind is Type.DAY and isinstance(value, str) and value.lower() in DAYS:
        return DAYS.index(value.lower())
    if kind is Type.CHOICE and value in field.choices:
        return value
    return None


_EXAMPLES = {
    Type.ADDRESS: '"ann@example.com"',
    Type.ADDRESSES: '["ann@example.com"]',
    Type.TEXT: '"text"',
    Type.TEXTS: '["text"]',
    Type.NUMBER: "3",
    Type.ITEM: "4711",
    Type.SIZE: '"6 MB"',
    Type.DURATION: '"40 days"',
    Type.DATE: "2026-01-31T10:00:00Z",
    Type.TIME: '"22:30"',
    Type.DAY: '"sat"',
    Type.CHOICE: "one of its values",
    Type.YESNO: "true",
}
