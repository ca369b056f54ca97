"""Data that another release stored: what is understood of it, and what is not.

Here: reading a struct part by part, and finding words of closed sets that are not in them. Not here: which data that is
(`trace.py`), telling it (`explain/`).
Invariant: a part that cannot be read costs itself and nothing beside it; each is named by its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from engine.model.words import Stored

S = TypeVar("S", bound=Struct)


def read(stored: bytes, kind: type[S]) -> tuple[S, tuple[str, ...]]:
    """Read a struct from JSON as far as it is understood; gives the paths of what is not.

    Raises msgspec.DecodeError where it is no JSON, or lacks what cannot be left out.
    """
    unread: list[str] = []
    return _read(msgspec.json.decode(stored), kind, "", unread), tuple(unread)


def strange(value: Any, path: str = "") -> Iterator[str]:
    """Name the words in a struct that its closed sets do not have, each with its path."""
    if isinstance(value, Stored):
        if value not in list(type(value)):
            yield f'{path} "{value}"'
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from strange(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from strange(each, f"{path}[{number}]")


def _read(data: Any, kind: Any, path: str, unread: list[str]) -> Any:
    """Read a value; what is inside and not understood is left out where it may be. Raises msgspec.ValidationError."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError:
        for inside in (each for each in get_args(kind) or (kind,) if _is_struct(each)):
            if isinstance(data, dict):
                return _struct(data, inside, path, unread)
        if get_origin(kind) is tuple and get_args(kind)[1:] == (...,) and isinstance(data, list):
            return tuple(_elements(data, get_args(kind)[0], path, unread))
        raise


def _struct(data: dict[str, Any], kind: type[Struct], path: str, unread: list[str]) -> Struct:
    """Fill a struct with the fields that can be read; the others keep their defaults, where they have one."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in data:
            continue
        below = f"{path}.{field.name}" if path else field.name
        try:
            given[field.name] = _read(data[field.encode_name], _hints(kind)[field.name], below, unread)
        except msgspec.ValidationError:
            if field.required:
                raise
            unread.append(below)
    try:
        return kind(**given)
    except TypeError as lacking:
        raise msgspec.ValidationError(str(lacking)) from None


def _elements(data: list[Any], kind: Any, path: str, unread: list[str]) -> Iterator[Any]:
    for number, each in enumerate(data):
        try:
            yield _read(each, kind, f"{path}[{number}]", unread)
        except msgspec.ValidationError:
            unread.append(f"{path}[{number}]")


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


@cache
def _hints(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind)
