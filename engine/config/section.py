"""What a section of the configuration is: a frozen struct whose fields are options with types and defaults.

Here: `Section`, `Kind`, `Option`, and what the annotation of an option says. Not here: which sections and options
there are; reading values (`reading.py`).
Invariant: a section is frozen; reading an option is a plain attribute access; `written` tells what stood in the file.

The modules that declare sections do without `from __future__ import annotations`: their annotations are used at every
start, and as objects they need not be compiled again.
"""

from __future__ import annotations

import types
from collections import abc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import replace

T = TypeVar("T")

_FILLED = object()
Filled = Annotated[T, _FILLED]
"""A field that the file cannot set: it is filled in when everything is known."""


class Kind(Struct, frozen=True):
    """How an option is read from and shown in TOML; `written` is a JSON Schema of what may stand in the file.

    `read` gets the folder of the file, for relative paths, and raises Wrong.
    """

    name: str
    read: Callable[[Any, Path], Any]
    written: Mapping[str, Any]
    show: Callable[[Any], Any] = str


class Wrong(Exception):
    """A value is not what its option takes; `at` is the character of a text that the caret points to, or -1."""

    def __init__(self, code: str, sentence: str, at: int = -1, advice: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.at, self.advice = code, sentence, at, advice


class Section(Struct, frozen=True, kw_only=True, eq=False):
    """A table of the configuration; subclasses declare options as fields with defaults.

    The first line of the docstring of a subclass is for admins: editors show it. `written` holds the fields that were
    set, in the file or by the environment; the others hold defaults.
    """

    aliases: ClassVar[Mapping[str, str]] = {}
    words: ClassVar[Mapping[tuple[str, str], str]] = {}
    """What other systems call the words of an option: (option, their word) -> ours."""
    nested: ClassVar[bool] = False
    """A table in its own right ([people.cc]), inherited key by key; else a value, inherited as a whole."""

    written: Filled[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        """Tell what was written, not the values: they may be secrets."""
        return f"{type(self).__name__}({', '.join(sorted(self.written))})"

    def replaced(self, **values: Any) -> Self:
        """Copy with some options set, as if they had been written."""
        return replace(self, **values, written=self.written | values.keys())

    def filled(self, **values: Any) -> Self:
        """Copy with some defaults worked out; they do not count as written."""
        return replace(self, **values)

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


class Option(Struct, frozen=True):
    """One option: its field and its name in TOML, its type and default, and what the type says.

    `many`: a list of such values. `section` or `sections`: a table, or a table of tables by name ([workspace.NAME]).
    """

    attribute: str
    name: str
    type: Any
    default: Any
    kind: Kind | None = None
    many: bool = False
    named: bool = False
    section: type[Section] | None = None
    sections: type[Section] | None = None


_known: dict[type[Section], dict[str, Option]] = {}


def options(section: type[Section]) -> dict[str, Option]:
    """The options of a section by their TOML name, in the order they are declared."""
    if section not in _known:
        _known[section] = _options(section)
    return _known[section]


def _options(section: type[Section]) -> dict[str, Option]:
    found = {}
    names = dict(zip(section.__struct_fields__, section.__struct_encode_fields__, strict=True))
    plain = section()
    for attribute, annotation in section.__annotations__.items():
        if attribute in names and _FILLED not in get_args(annotation):
            found[names[attribute]] = _option(attribute, names[attribute], annotation, getattr(plain, attribute))
    return found


def _option(attribute: str, name: str, annotation: Any, default: Any) -> Option:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return Option(attribute, name, arguments[0], default, kind_of(arguments[0]), many=True)
    if origin is abc.Mapping:
        below = section_of(arguments[1])
        return Option(attribute, name, arguments[1], default, kind_of(arguments[1]), named=True, sections=below)
    return Option(attribute, name, annotation, default, kind_of(annotation), section=section_of(annotation))


def kind_of(annotation: Any) -> Kind | None:
    """The kind in an annotation."""
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Kind)), None)


def section_of(annotation: Any) -> type[Section] | None:
    """The section class an annotation names, alone or `| None`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in _parts(annotation) if (found := section_of(part))), None)


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The types between the bars of `A | B`."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()


def words(annotation: Any) -> tuple[Any, ...]:
    """The words an option knows where it knows nothing else; of `bool | Literal[…]` true and false are two of them."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    parts = _parts(annotation)
    return (True, False, *words(parts[1])) if parts[:1] == (bool,) else ()
