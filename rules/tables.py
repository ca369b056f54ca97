"""Text -> syntax tree by tables that were made of the grammar ahead, without lark, which takes 80 ms to be ready.

Here: the tables (`grammar.json`) and the walk through them, which is that of lark: the words that may stand in a state
are tried in their order, and each reduction calls the method of its name. Not here: the methods (`parse.py`), making
the tables (`make_tables.py`), what is wrong with a text that is no sentence (lark, `diagnose.py`).
Invariant: what is read is what lark would have read; a text that lark refuses gives None. Time is linear in the text.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

FILE = Path(__file__).with_name("grammar.json")

END = "$END"


class Rule(Struct, frozen=True, array_like=True):
    """One line of the grammar: what its reduction makes of the last `size` values.

    `kept` are the positions of the values that count: None is an optional word that was left out, a list stands for
    what a helper of the grammar collected there. `method` makes one value of them, unless `alone`: a single one stays
    as it is. Helpers have no method.
    """

    origin: str
    size: int
    method: str
    alone: bool
    kept: tuple[int | tuple[int] | None, ...]


class State(Struct, frozen=True, array_like=True):
    """Where a reading stands.

    `words` may come next, in the order in which they are tried. `but` tells of a word that spells another one: a field
    `and` is the word AND. `go` leads on: to a state, or below 0 to the rule that ends here, counted from -1.
    """

    words: tuple[str, ...]
    but: dict[str, dict[str, str]]
    go: dict[str, int]


class Tables(Struct, frozen=True):
    """The whole grammar. `patterns` are those of the words, `ignored` the names of what stands between them."""

    starts: dict[str, int]
    patterns: dict[str, str]
    ignored: tuple[str, ...]
    rules: tuple[Rule, ...]
    states: tuple[State, ...]


class Word(str):
    """A word of a text, and where it stands."""

    __slots__ = ("end_pos", "start_pos", "type")

    type: str
    start_pos: int
    end_pos: int


def read(text: str, start: str, build: Any) -> Any:
    """Read a sentence; `build` has a method for each name of the grammar. None for what is no sentence."""
    tables, at = _tables(), 0
    states = tables.states
    path, values = [tables.starts[start]], list[Any]()
    goal = states[path[0]].go[start]
    while (word := _next(tables, text, at, states[path[-1]])) is not None:
        at = word.end_pos
        while (step := states[path[-1]].go.get(word.type)) is not None and step < 0:
            rule = tables.rules[-step - 1]
            first = len(values) - rule.size
            made = _made(rule, values[first:], build)
            del path[first + 1 :], values[first:]
            path.append(states[path[-1]].go[rule.origin])
            values.append(made)
            if word.type == END and path[-1] == goal:
                return made
        if step is None:
            return None
        path.append(step)
        values.append(word)
    return None


def _next(tables: Tables, text: str, at: int, state: State) -> Word | None:
    """Give the next word that may stand in a state, `END` behind the last one; None where there is none."""
    while at < len(text):
        for name in state.words:
            found = _pattern(name).match(text, at)
            if found is not None:
                break
        else:
            return None
        start, at = at, found.end()
        if name not in tables.ignored:
            return _word(found[0], state.but.get(name, {}).get(found[0], name), start, at)
    return _word("", END, at, at)


def _word(text: str, name: str, start: int, end: int) -> Word:
    word = Word(text)
    word.type, word.start_pos, word.end_pos = name, start, end
    return word


def _made(rule: Rule, values: list[Any], build: Any) -> Any:
    kept: list[Any] = []
    for each in rule.kept:
        if isinstance(each, tuple):
            kept += values[each[0]]
        else:
            kept.append(None if each is None else values[each])
    if rule.alone and len(kept) == 1:
        return kept[0]
    return getattr(build, rule.method)(kept) if rule.method else kept


@cache
def _tables() -> Tables:
    return msgspec.json.decode(FILE.read_bytes(), type=Tables)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_tables().patterns[name])
