"""The table of a system: a row a setting, with our options and what is made of its value.

Here: the shape of a row, and what many rows have in common. Not here: the rows (`redmine.py`, `itop.py`,
`eventum.py`). Invariant: a row names every option that it may set, so that the tables of docs/coming-from.md can be
held against it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from engine.moving.settings.given import Given
from engine.moving.settings.made import Made

Act = Callable[[Made, Given], None]

YES, NO = ("1", "true", "yes", "y", "t", "on", "enabled"), ("0", "false", "no", "n", "f", "off", "disabled", "")


class Row(Struct, frozen=True):
    """One setting under all its names, the options it may set, and the deed; `told` is how the page calls it."""

    names: tuple[str, ...]
    ours: tuple[str, ...]
    act: Act
    told: str = ""


class Like(Struct, frozen=True):
    """An option that makes ours behave as theirs, where they have no setting for it; not if one of `unless` is set."""

    option: str
    value: Any
    because: str
    unless: tuple[str, ...] = ()


class System(Struct, frozen=True):
    """A system: its rows, how it behaves, which workspace a mailbox becomes, and what depends on several settings.

    Of `silent` settings nothing needs to be said.
    """

    name: str
    rows: tuple[Row, ...]
    like: tuple[Like, ...]
    home: Callable[[Sequence[Given]], str]
    end: Callable[[Made, Sequence[Given]], None]
    silent: tuple[str, ...] = ()


def flag(value: str) -> bool | None:
    """Read yes or no, as other systems write it; None for neither."""
    word = value.strip().lower()
    return True if word in YES else False if word in NO else None


def to(option: str, remark: str = "") -> Act:
    """Take a text as it is."""

    def act(made: Made, given: Given) -> None:
        if given.text:
            made.put(option, given.text.split("\n")[0], remark)

    return act


def server(option: str) -> Act:
    """Take the name of a server; an address with a login in it is told without its value."""

    def act(made: Made, given: Given) -> None:
        if re.search(r"[@/\s]", given.text):
            made.note(given, "is no name of a server")
        elif given.text:
            made.put(option, given.text)

    return act


def number(option: str) -> Act:
    """Take a whole number."""

    def act(made: Made, given: Given) -> None:
        if given.text.isascii() and given.text.isdigit() and len(given.text) < 8:
            made.put(option, int(given.text))
        elif given.text:
            made.note(given, "is no number", shown=True)

    return act


def yes_or_no(option: str, *, only: bool | None = None) -> Act:
    """Take yes or no, of `only` one where the other is what happens anyway."""

    def act(made: Made, given: Given) -> None:
        said = flag(given.text)
        if said is None:
            made.note(given, "is neither yes nor no", shown=True)
        elif only in (None, said):
            made.put(option, said)

    return act


def words(option: str) -> Act:
    """Take a list, written with commas."""

    def act(made: Made, given: Given) -> None:
        found = [each.strip() for each in re.split(r"[,\n]", given.text) if each.strip()]
        if found:
            made.put(option, found)

    return act


def choice(option: str, of: dict[str, Any], remark: str = "") -> Act:
    """Take one of some words, as ours is called."""

    def act(made: Made, given: Given) -> None:
        word = given.text.lower()
        if word in of:
            made.put(option, of[word], remark)
        else:
            made.note(given, f"is none of {', '.join(of)}", shown=True)

    return act


def password(option: str, variable: str) -> Act:
    """Take no password: name the variable for it."""
    return lambda made, given: made.secret(option, variable, given)


def nothing(said: str, *, shown: bool = True) -> Act:
    """Take nothing, and say why and what to do instead."""
    return lambda made, given: made.note(given, said, shown=shown)


def named(*names: str, ours: str, act: Callable[[str], Act] = to, told: str = "") -> Row:
    """Make the row of settings that become one option."""
    return Row(names, (ours,), act(ours), told)


def gone(*names: str, said: str, shown: bool = True, told: str = "") -> Row:
    """Make the row of settings that have no counterpart."""
    return Row(names, (), nothing(said, shown=shown), told)
