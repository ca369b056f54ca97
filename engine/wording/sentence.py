"""From a note to the sentence that people read.

Here: filling a template with the fields of a note. Not here: the templates (`english.py`), what a note is
(`model/draft.py`).
Invariant: a value is strangers' text and never read as a template; a note of another release always says something:
what is not in the table is told by its kind and fields, a field that is not there is a question mark.

In a template `{name}` stands for a field, `{name:size}` for one in a way that `_written` knows, `[with {name}|without]`
for the words before the bar where all their fields hold something, else for those behind it (none if there is no bar).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from msgspec import Struct

from engine.model.draft import Note, Said
from engine.wording.english import ENGLISH
from engine.wording.units import sized, spanned


class Slot(Struct, frozen=True):
    """The place of a field in a template, and the way it is written."""

    name: str
    way: str = ""


class Choice(Struct, frozen=True):
    """Words that depend on their fields, and those that stand there otherwise."""

    words: tuple[str | Slot, ...]
    otherwise: tuple[str | Slot, ...] = ()


Template = tuple[str | Slot | Choice, ...]

_CHOICE = re.compile(r"\[([^\[\]|]*)(?:\|([^\[\]|]*))?\]")
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")


def sentence(note: Note, words: Mapping[str, str] = ENGLISH) -> str:
    """Say a note in words. Notes of early releases hold their sentence."""
    if note.text:
        return note.text
    template = words.get(note.kind)
    if template is None:
        return _unknown(note, words)
    return _filled(read(template), dict(note.fields), words)


@lru_cache(maxsize=1024)
def read(template: str) -> Template:
    """Take a template apart."""
    pieces: list[str | Slot | Choice] = []
    end = 0
    for match in _CHOICE.finditer(template):
        pieces += _slots(template[end : match.start()])
        pieces.append(Choice(_slots(match[1]), _slots(match[2] or "")))
        end = match.end()
    return (*pieces, *_slots(template[end:]))


def _slots(text: str) -> tuple[str | Slot, ...]:
    pieces: list[str | Slot] = []
    end = 0
    for match in _SLOT.finditer(text):
        pieces += [text[end : match.start()], Slot(match[1], match[2] or "")]
        end = match.end()
    return tuple(piece for piece in (*pieces, text[end:]) if piece)


def _filled(template: Template, fields: Mapping[str, Said], words: Mapping[str, str]) -> str:
    said: list[str] = []
    for piece in template:
        if isinstance(piece, str):
            said.append(piece)
        elif isinstance(piece, Slot):
            said.append(_written(fields.get(piece.name, "?"), piece.way, words))
        else:
            given = all(fields.get(slot.name) for slot in piece.words if isinstance(slot, Slot))
            said.append(_filled(piece.words if given else piece.otherwise, fields, words))
    return "".join(said)


def _written(value: Said, way: str, words: Mapping[str, str]) -> str:
    """Write a value: a note by its sentence, several behind each other, a number in its unit."""
    if isinstance(value, str):
        return value.replace("_", " ") if way == "words" else str(value)
    if isinstance(value, Note):
        return sentence(value, words)
    if isinstance(value, tuple):
        between = _BETWEEN.get(way, ", ")
        return between.join([each if isinstance(each, str) else sentence(each, words) for each in value])
    if way in _UNITS and isinstance(value, int | float):
        return _UNITS[way](value)
    return "" if value is None else str(value)


_UNITS: Mapping[str, Callable[[float], str]] = {"size": sized, "span": spanned}
_BETWEEN: Mapping[str, str] = {"sentences": "; ", "and": " and "}


def _unknown(note: Note, words: Mapping[str, str]) -> str:
    """What can be said of a note that a newer release made."""
    told = ", ".join([f"{name} {_written(value, '', words)}" for name, value in note.fields])
    return f"{note.kind} ({told})" if told else note.kind
