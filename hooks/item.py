"""The item as a script sees it: fields with types, and the changes made to them.

Here: `item`, `ctx.original`, what a field may hold. Not here: whether a workspace has such a value; the engine asks
that again. Invariant: a wrong type and an unknown field raise where they are written; the changes are plain JSON.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import MethodType
from typing import Any, NoReturn

from hooks import limits
from hooks.attributes import DYNAMIC
from hooks.denied import Denied, DeniedAttribute, DeniedType, DeniedValue, UnknownName, near
from hooks.facade import signed
from hooks.guards import ITERABLE, READABLE, WRITABLE
from hooks.request import ItemData
from hooks.text import TITLES, Eager, kind_of

KINDS = ("ro", "line", "text", "list", "int", "float", "bool", "date")
"""What a field can be: read only, one line, text, list of lines, whole number, number, yes or no, day.

Besides, `=name` makes it another name of a field.
"""

_ROWS = (list, tuple, Eager)
_BREAKS = "\x7f\x85\u2028\u2029"


class FieldNames(tuple[str, ...]):
    """The names of the fields; calling it gives itself, so that `item.field_names()` works too."""

    __slots__ = ()

    def __call__(self) -> FieldNames:
        return self


class Original:
    """The item before any change; also what `item` builds on. Values are made when a script asks for them."""

    __slots__ = ("_data", "_folded", "_values")
    _data: ItemData
    _folded: dict[str, str] | None
    _values: dict[str, Any]
    __iter__ = None

    def __init__(self, data: ItemData) -> None:
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_folded", None)
        object.__setattr__(self, "_values", {})

    def _field(self, name: Any) -> str:
        """Find the field a name means: as written, or with other case and with _ for a blank."""
        if type(name) is str:
            kind = self._data.schema.get(name)
            if kind is not None:
                return kind[1:] if kind.startswith("=") else name
            table = self._folded
            if table is None:
                table = {_folded(each): each for each in self._data.schema}
                object.__setattr__(self, "_folded", table)
            found = table.get(_folded(name))
            if found is not None:
                return self._field(found)
            raise UnknownName(f"there is no field {name[:80]!r}{near(name, self._data.schema)}")
        raise DeniedType(f"the name of a field is text, not {kind_of(name)}")

    def __getitem__(self, name: Any) -> Any:
        field = self._field(name)
        if field not in self._values:
            self._values[field] = _fresh(self._data.schema[field], self._data.values.get(field))
        return self._values[field]

    def __contains__(self, name: Any) -> bool:
        try:
            self._field(name)
        except Denied:
            return False
        return True

    def get(self, name: Any, default: Any = None) -> Any:
        """Give a field; `default` if it is empty or there is no such field."""
        if name not in self:
            return default
        value = self[name]
        return default if value is None or value == "" else value

    def read(self, name: str) -> Any:
        """Give an attribute: a method, or a field. Raises UnknownName for any other."""
        if name == "get":
            return MethodType(_GET, self)
        if name == "field_names":
            return FieldNames(each for each, kind in self._data.schema.items() if not kind.startswith("="))
        if name == "is_new":
            return self._data.is_new
        return self[name]

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise DeniedAttribute("the original item is read only")

    def __delattr__(self, name: str) -> NoReturn:
        raise DeniedAttribute("a field cannot be deleted: give it another value")


class Item(Original):
    """The item, to be changed."""

    __slots__ = ()

    def __setitem__(self, name: Any, value: Any) -> None:
        field = self._field(name)
        self._values[field] = self._checked(field, value)

    def _checked(self, field: str, value: Any) -> Any:
        before = self._data.values.get(field)
        return checked(field, self._data.schema[field], value, len(before) if isinstance(before, str | list) else 0)

    def __setattr__(self, name: str, value: Any) -> None:  # type: ignore[override]
        if name in _METHODS or name in ("field_names", "is_new"):
            raise DeniedAttribute(f"item.{name} cannot be changed")
        self[name] = value

    def __delitem__(self, name: Any) -> NoReturn:
        raise DeniedAttribute("a field cannot be deleted: give it another value")

    def set(self, name: Any, value: Any) -> None:
        """Set a field by its name."""
        self[name] = value

    def add_tag(self, tag: Any) -> None:
        """Add a tag, once."""
        field = self._field("tags")
        tags = self[field]
        checked(field, "list", [tag])
        if tag not in tags:
            tags.append(tag)

    def read(self, name: str) -> Any:
        """Give an attribute: a method, or a field. Raises UnknownName for any other."""
        if name in _METHODS:
            return MethodType(_METHODS[name], self)
        return super().read(name)

    def changes(self) -> dict[str, Any]:
        """Give what differs from before; a list is checked once more, it may have been changed in place."""
        found = {}
        for name, value in self._values.items():
            kind = self._data.schema[name]
            before = _fresh(kind, self._data.values.get(name))
            if value != before or (type(value) is not type(before) and kind != "list"):
                if kind == "list":
                    value = self._checked(name, value)
                if value != before and (value or before or (value is not None and before is not None)):
                    found[name] = value
        if len(found) > limits.CHANGES:
            raise DeniedValue(f"more than {limits.CHANGES} fields are changed")
        return found


_GET = signed(Original.get, "item.get(name, default)")
_METHODS: dict[str, Callable[..., Any]] = {
    "get": _GET,
    "set": signed(Item.set, "item.set(name, value)"),
    "add_tag": signed(Item.add_tag, "item.add_tag(tag): one at a time"),
}


def checked(field: str, kind: str, value: Any, before: int = 0) -> Any:
    """Give the value as the field keeps it; `before` is how long it was.

    Raises DeniedType or DeniedValue with what the field takes.
    """
    given = type(value)
    if kind == "ro":
        raise DeniedAttribute(f"the field {field!r} is read only")
    if kind == "list":
        if given not in _ROWS:
            raise DeniedType(f"the field {field!r} takes a list of texts, not {kind_of(value)}")
        most = limits.LIST_ITEMS + before
        if len(value) > most:
            raise DeniedValue(f"the field {field!r} takes at most {most} texts")
        return [_line(field, each) for each in value]
    if value is None:
        return None
    if kind == "int":
        if given is not int or abs(value) > limits.INTEGER:
            raise DeniedType(f"the field {field!r} takes a whole number up to 2**53, not {kind_of(value)}")
    elif kind == "float":
        if given not in (int, float) or abs(value) > limits.INTEGER or value != value:
            raise DeniedType(f"the field {field!r} takes a number up to 2**53, not {kind_of(value)}")
    elif kind == "bool":
        if given is not bool:
            raise DeniedType(f"the field {field!r} takes True or False, not {kind_of(value)}")
    elif kind == "date":
        return _day(field, value)
    elif kind == "text":
        _printable(field, value, max(limits.FIELD_CHARS, before))
    else:
        return _line(field, value, before)
    return value


def _line(field: str, value: Any, before: int = 0) -> str:
    text = _printable(field, value, max(limits.LINE_CHARS, before))
    if not text.isprintable() and any((char < " " and char != "\t") or char in _BREAKS for char in text):
        raise DeniedValue(f"the field {field!r} is one line: no line breaks and control characters")
    return text


def _printable(field: str, value: Any, most: int) -> str:
    if type(value) is not str:
        raise DeniedType(f"the field {field!r} takes text, not {kind_of(value)}: use str(...)")
    if len(value) > most:
        raise DeniedValue(f"the field {field!r} takes at most {most:,} characters")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise DeniedValue(f"the field {field!r} takes text without halves of characters (surrogates)")
    if "\0" in value:
        raise DeniedValue(f"the field {field!r} takes no NUL characters")
    return value


def _day(field: str, value: Any) -> str:
    if type(value) is datetime.datetime:
        return value.date().isoformat()
    if type(value) is datetime.date:
        return value.isoformat()
    try:
        return datetime.date.fromisoformat(_line(field, value)).isoformat()
    except ValueError:
        raise DeniedValue(f"the field {field!r} takes a date such as 2026-01-31") from None


def _fresh(kind: str, value: Any) -> Any:
    """Give the value a script starts with; empty fields of text are empty text, lists are always lists."""
    if kind == "list":
        return list(value) if type(value) is list else []
    if value is None and kind in ("line", "text"):
        return ""
    return value


def _folded(name: str) -> str:
    return name.replace("_", " ").casefold()


for _kind in (Item, Original):
    DYNAMIC[_kind] = _kind.read
    READABLE.add(_kind)
WRITABLE.add(Item)
ITERABLE.add(FieldNames)
READABLE.add(FieldNames)
TITLES[Item] = lambda item: "<item>"
TITLES[Original] = lambda original: "<original item>"
TITLES[FieldNames] = lambda names: repr(tuple(names))
