"""What a program declares to the language: the fields conditions may read, the actions rules may propose.

Here: the declarations and the snapshot (`Values`) that reads fields late and once. Not here: any field or action.
Invariant: a condition sees nothing but a snapshot; a field is read at most once for a mail, its folded text made once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from rules.domains import readable
from rules.pattern import encode
from rules.trace import Seen


class Type(StrEnum):
    """What a field holds, in the words of the owner of a rule file."""

    ADDRESS = "an address"
    ADDRESSES = "a list of addresses"
    TEXT = "a text"
    TEXTS = "a list of texts"
    NUMBER = "a number"
    SIZE = "a size"
    DURATION = "a duration"
    DATE = "a date"
    TIME = "a time of day"
    DAY = "a day of the week"
    CHOICE = "a choice"
    YESNO = "a yes/no question"
    ITEM = "an item"

    @property
    def listed(self) -> bool:
        """Whether a value is a tuple."""
        return self in (Type.ADDRESSES, Type.TEXTS)

    @property
    def addressed(self) -> bool:
        """Whether a value is an address, or some of them: patterns read these in any case and spelling."""
        return self in (Type.ADDRESS, Type.ADDRESSES)

    @property
    def textual(self) -> bool:
        """Whether values compare as text, without regard to case."""
        return self in _TEXTUAL


_TEXTUAL = frozenset({Type.ADDRESS, Type.ADDRESSES, Type.TEXT, Type.TEXTS})
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Reader = Callable[["Values"], Any]


class Field(Struct, frozen=True):
    """One field. `read` takes the source of a snapshot and gives what the type says, None where there is nothing:

    text and address: str; lists: tuple of str; number, size (bytes), duration (seconds): int or float;
    date: aware datetime; time: minutes since midnight; day: 0 for Monday; choice: str; yes/no: bool; item: int.
    `proof` tells that a test of it makes a sender believable, `origin` that anybody can write it.
    """

    name: str
    type: Type
    about: str
    read: Callable[[Any], Any]
    choices: tuple[str, ...] = ()
    example: str = ""
    proof: bool = False
    origin: bool = False


class Slot(StrEnum):
    """How an action meets those before it: single things are decided once, lists add up, flow ends the file."""

    DESTINATION = "destination"
    FIELD = "field"
    ASSIGNEE = "assignee"
    REPLY = "reply"
    THREAD = "thread"
    AUTHOR = "author"
    LIST = "list"
    FLOW = "flow"


class ActionSpec(Struct, frozen=True):
    """What an action of the grammar means here. `privileged`: only for files of the admin.

    `settles` tells that it ends the mail (reject, discard, hold). `names` says which words its texts may be:
    workspaces, gates, templates, hooks or "" for any text, one per argument.
    """

    name: str
    sentence: str
    slot: Slot
    about: str
    privileged: bool = False
    settles: bool = False
    names: tuple[str, ...] = ()


class Setting(Struct, frozen=True):
    """A field of an item that `set` knows. `kind` is text, number, date, yesno; `most` is the biggest number."""

    name: str
    kind: str = "text"
    about: str = ""
    aliases: tuple[str, ...] = ()
    most: float | None = None


class Schema(Struct, frozen=True):
    """Everything declared. `known` lists the names that exist, by what actions call them; what is left out is free."""

    fields: Mapping[str, Field]
    actions: Mapping[str, ActionSpec]
    settings: Mapping[str, Setting]
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    may_skip_gates: frozenset[str] | None = None
    max_size_bytes: int = 0
    text_limit: int = 64 * 1024
    keyed: Mapping[str, Callable[[str], Field]] = field(default_factory=dict)
    direct: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.fields.values():
            self._declare(each)

    def setting(self, name: str) -> Setting | None:
        """A field of an item by its name or one of its aliases."""
        wanted = name.casefold()
        return next((s for s in self.settings.values() if wanted in (s.name, *s.aliases)), None)

    def field(self, name: str, key: str | None = None) -> Field | None:
        """A field by name, or `headers[key]`, `item[key]`; makes its reader known."""
        if key is None:
            found = self.fields.get(name)
        else:
            make = self.keyed.get(name)
            found = make(key) if make else None
        if found is not None and found.name not in self.direct and found.name not in self.readers:
            self._declare(found)
        return found

    def _declare(self, found: Field) -> None:
        name, read, readers = found.name, found.read, self.readers
        if found.type in (Type.TEXT, Type.TEXTS):
            limit = self.text_limit

            def capped(values: Values) -> Any:
                value = read(values.source)
                if value and (sum(map(len, value)) if type(value) is tuple else len(value)) > limit:
                    values.cut.append(name)
                    return tuple(text[:limit] for text in value[:1000]) if type(value) is tuple else value[:limit]
                return value

            readers[name] = capped
        else:
            self.direct[name] = read
        if found.type.listed:
            readers[name + FOLDED] = lambda values: tuple(map(fold, values[name] or ()))
            readers[name + ENCODED] = lambda values: tuple(map(encode, values[name] or ()))
        elif found.type.textual or found.type is Type.CHOICE:
            readers[name + FOLDED] = lambda values: None if (text := values[name]) is None else fold(text)
            readers[name + ENCODED] = lambda values: None if (text := values[name]) is None else encode(text)


FOLDED = "\0f"
ENCODED = "\0e"
"""Behind the name of a field: its text as it compares, its bytes as patterns read them."""


class Values(dict[str, Any]):
    """A snapshot of all fields of one mail; what is asked for is read then and kept.

    `source` is whatever the readers of the schema expect. `failed` is the number of the node that failed last,
    `cut` names the fields whose text was longer than the limit.
    """

    __slots__ = ("cut", "direct", "failed", "readers", "source", "zone")

    def __init__(self, schema: Schema, source: Any, zone: tzinfo | None = None) -> None:
        super().__init__()
        self.direct = schema.direct
        self.readers = schema.readers
        self.source = source
        self.zone = zone
        self.failed = 0
        self.cut: list[str] = []

    def __missing__(self, key: str) -> Any:
        read = self.readers.get(key)
        value = self[key] = read(self) if read is not None else self.direct[key](self.source)
        return value


def fold(text: str) -> str:
    """The form in which texts compare: NFKC, then without case; international domains in their own letters."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return readable(folded) if "xn--" in folded else folded


MAX_SEEN = 120


def seen(value: Any, told: Type | None = None) -> Seen:
    """Make a value small and plain enough to be kept; `told` is the type if people write it otherwise."""
    if told is not None and value is not None:
        return spoken(value, told)
    kind = type(value)
    if kind is str:
        return value if len(value) <= MAX_SEEN else value[:MAX_SEEN] + "…"  # type: ignore[no-any-return]
    if kind is tuple:
        if len(value) > 10:
            value = (*value[:10], "…")
        return tuple([text if len(text) <= MAX_SEEN else text[:MAX_SEEN] + "…" for text in value])
    if kind is datetime or kind is date:
        return value.isoformat(" ", "minutes") if kind is datetime else value.isoformat()  # type: ignore[no-any-return]
    return value  # type: ignore[no-any-return]


TOLD = frozenset({Type.SIZE, Type.DURATION, Type.TIME, Type.DAY, Type.DATE})
"""Types whose values people write otherwise than they are kept."""


def spoken(value: Any, kind: Type) -> str:
    """A value as it stands in a text."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind is Type.SIZE:
        return size(value)
    if kind is Type.DURATION:
        return duration(value)
    if kind is Type.TIME:
        return f"{value // 60:02}:{value % 60:02}"
    if kind is Type.DAY:
        return ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[value]
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return f"{value:g}" if isinstance(value, float) else str(value)


def size(size_bytes: float) -> str:
    """Bytes as people write them."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1024:
            return f"{size_bytes:.3g} {unit}" if unit != "B" else f"{size_bytes:g} B"
        size_bytes /= 1024
    return f"{size_bytes:.3g} GB"


def duration(length_s: float) -> str:
    """Seconds as people write them, in the largest unit that fits."""
    for unit, length in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if length_s >= length * (2 if unit == "week" else 1):
            amount = int(length_s / length)
            return f"{amount} {unit}{'' if amount == 1 else 's'}"
    return f"{length_s:g} seconds"
