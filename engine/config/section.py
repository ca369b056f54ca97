"""What a section of the configuration is: named options with kinds and defaults, validated by pydantic's core.

Here: `Section`, `Kind`, and the translation of annotations into a schema of pydantic_core. The validator is used
without pydantic's model layer, whose import alone takes most of the time an idle run may take (docs/config.md).
Not here: which sections and options there are.
Invariant: a section is frozen; reading an option is a plain attribute access; `written` tells what stood in the file.
"""

from __future__ import annotations

import types
from collections import abc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct
from pydantic_core import SchemaValidator


class Kind(Struct, frozen=True):
    """How an option is read from and shown in TOML. `read` gets the folder of the file, for relative paths."""

    name: str
    read: Callable[[Any, Path], Any]
    show: Callable[[Any], Any] = str


class Option(Struct, frozen=True):
    """One option: its name as an attribute and in TOML, its annotation, its default, its kind where it has one."""

    attribute: str
    name: str
    annotation: Any
    default: Any
    kind: Kind | None


class Section:
    """A table of the configuration; subclasses declare options as annotated class attributes with defaults."""

    toml_names: ClassVar[Mapping[str, str]] = {}
    aliases: ClassVar[Mapping[str, str]] = {}
    _written: frozenset[str]

    def __init__(self, **values: Any) -> None:
        vars(self).update(values, _written=frozenset(values))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    @property
    def written(self) -> frozenset[str]:
        """The attributes that were set, in the file or by the environment; the others hold defaults."""
        return self._written

    def replaced(self, **values: Any) -> Self:
        """Copy with some options set, as if they had been written."""
        section = type(self)(**{**vars(self), **values})
        vars(section)["_written"] = self._written | values.keys()
        return section

    def filled(self, **values: Any) -> Self:
        """Copy with some defaults worked out; they do not count as written."""
        section = type(self)(**{**vars(self), **values})
        vars(section)["_written"] = self._written
        return section

    def under(self, other: Section | None) -> Self:
        """This section overridden by what is written in `other`, nested sections key by key."""
        if other is None or not other.written:
            return self
        values = {}
        for name in other.written:
            mine, theirs = getattr(self, name), getattr(other, name)
            both = isinstance(mine, Section) and isinstance(theirs, Section) and type(mine).nested
            values[name] = mine.under(theirs) if both else theirs
        return self.replaced(**values)

    nested: ClassVar[bool] = False
    """A table in its own right ([people.cc]), inherited key by key; else a value, inherited as a whole."""


S = TypeVar("S", bound=Section)
_known: dict[type[Section], dict[str, Option]] = {}


def options(section: type[Section]) -> dict[str, Option]:
    """The options of a section by their TOML name, in the order they are declared."""
    if section not in _known:
        _known[section] = _options(section)
    return _known[section]


def _options(section: type[Section]) -> dict[str, Option]:
    found = {}
    hints = get_type_hints(section, include_extras=True)
    for attribute, annotation in hints.items():
        if attribute.startswith("_") or ClassVar in (annotation, get_origin(annotation)):
            continue
        name = section.toml_names.get(attribute, attribute.rstrip("_"))
        default = getattr(section, attribute, None)
        found[name] = Option(attribute, name, annotation, default, kind_of(annotation))
    return found


def kind_of(annotation: Any) -> Kind | None:
    """The kind in an annotation, also in that of a list's elements."""
    if get_origin(annotation) is Annotated:
        return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Kind)), None)
    if get_origin(annotation) is tuple:
        return kind_of(get_args(annotation)[0])
    return None


def section_of(annotation: Any) -> type[Section] | None:
    """The section class an annotation names, alone or `| None`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if isinstance(annotation, types.UnionType):
        return next((found for part in get_args(annotation) if (found := section_of(part))), None)
    return None


def sections_of(annotation: Any) -> type[Section] | None:
    """The section class of a mapping from names to sections ([workspace.NAME])."""
    if get_origin(annotation) is abc.Mapping:
        return section_of(get_args(annotation)[1])
    return None


def validator(section: type[Section]) -> SchemaValidator:
    """Make the validator of a section and all below it. It takes `context={"folder": Path}`."""
    return SchemaValidator(_table(section))


def _table(section: type[Section]) -> Any:
    attributes = {option.name: option.attribute for option in options(section).values()}

    def build(values: dict[str, Any], info: Any) -> Section:
        made = section(**{attributes[name]: value for name, value in values.items()})
        return placed(made, info.context["folder"])

    fields = {
        name: {"type": "typed-dict-field", "required": False, "schema": _schema(option.annotation)}
        for name, option in options(section).items()
    }
    table = {"type": "typed-dict", "fields": fields, "extra_behavior": "forbid"}
    return {"type": "function-after", "function": {"type": "with-info", "function": build}, "schema": table}


def placed(section: S, folder: Path) -> S:
    """A section whose default paths are taken from the folder of the file, also those of sections that are absent."""
    late: dict[str, Any] = {}
    for option in options(type(section)).values():
        if option.attribute in section.written:
            continue
        if isinstance(option.default, Section):
            late[option.attribute] = placed(option.default, folder)
        elif option.kind is not None and option.kind.name == "path":
            late[option.attribute] = option.kind.read(option.default, folder)
    return section.filled(**late) if late else section


def _schema(annotation: Any) -> Any:
    """Translate one annotation; an unknown one is a mistake in the declaration."""
    if (found := section_of(annotation)) is not None:
        return _table(found)
    if (found := sections_of(annotation)) is not None:
        return {"type": "dict", "keys_schema": {"type": "str"}, "values_schema": _table(found)}
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        read = next(extra for extra in arguments[1:] if isinstance(extra, Kind)).read
        call = {"type": "with-info", "function": lambda value, info: read(value, info.context["folder"])}
        return {"type": "function-plain", "function": call}
    if origin is Literal:
        return {"type": "literal", "expected": list(arguments)}
    if origin is tuple:
        several = {"type": "tuple", "items_schema": [_schema(arguments[0])], "variadic_item_index": 0}
        listed = {"type": "no-info", "function": lambda value: [value] if isinstance(value, str) else value}
        return {"type": "function-before", "function": listed, "schema": several}
    if origin is abc.Mapping:
        return {"type": "dict", "keys_schema": {"type": "str"}, "values_schema": _schema(arguments[1])}
    if annotation in (str, int, float, bool):
        return {"type": annotation.__name__, "strict": True}
    raise TypeError(f"no schema for {annotation!r}")
