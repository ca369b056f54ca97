"""How every list is searched: words like those of a well-known web mail, each a name and a value, or a value alone.

Here: from text to words, what an age is, pieces of SQL with their parameters. Not here: which words a list knows and
what they find (`search.py` mails, `outbox_query.py` rows, `item_query.py` items, `event_query.py` events).
Invariant: nothing of the text becomes SQL. A word that does not exist is an error that names those that do, and the
one that may be meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.store.database import us
from engine.store.errors import Unclear

TOKEN = re.compile(r'(?P<not>-)?(?:(?P<word>[a-z_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+)|(?<=:))')
_AGE = re.compile(r"(\d{1,6})\s*(min|h|d|w|m|y)")
_UNITS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}

MOST_WORDS = 50


class Word(NamedTuple):
    """A word of a query: its name, "" where there is none, and its value; a negated one must not fit."""

    name: str
    text: str
    negated: bool = False


class Condition(NamedTuple):
    """A piece of SQL with its parameters. `finds`: an index leads to its rows."""

    sql: str
    params: tuple[object, ...] = ()
    finds: bool = False

    @property
    def turned_round(self) -> Condition:
        """The rows that it does not fit."""
        return Condition(f"NOT ({self.sql})", self.params)


class Statement(NamedTuple):
    """A query for numbers of rows; the last parameter, how many, is to be added."""

    sql: str
    params: tuple[object, ...]


def words(query: str, known: Mapping[str, str], guessed: Callable[[str], str] = lambda _: "") -> Iterator[Word]:
    """Read a query whose words are `known`, each with an example of its value; `guessed` names a value alone.

    A text without a name is a free word where the list knows "". Raises Unclear for what it cannot mean.
    """
    for number, token in enumerate(TOKEN.finditer(query)):
        if number >= MOST_WORDS:
            raise Unclear(f"a query has {MOST_WORDS} words at most")
        text = token["quoted"] if token["quoted"] is not None else token["plain"] or ""
        name = token["word"] or guessed(text)
        if name not in known:
            raise Unclear(f'there is no search word "{name}:"{_meant(name, known)} {names(known)}')
        if not text:
            raise Unclear(f'"{name}:" needs something behind it, as in {name}:{known[name]}')
        yield Word(name, text, bool(token["not"]))


def names(known: Iterable[str]) -> str:
    """Name the words of a list, for people."""
    return ", ".join(f"{name}:" for name in sorted(known) if name)


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [each for each in known if each], 1)
    return f"; did you mean {near[0]}:? There are" if near else "; there are"


def one_of(text: str, known: Collection[str], what: str) -> str:
    """Give back a value that exists. Raises Unclear, with the one that may be meant and all there are."""
    if text not in known:
        folded = {each.casefold(): each for each in known}
        near = difflib.get_close_matches(text.casefold(), folded, 1)
        meant = f"did you mean {folded[near[0]]}? " if near else ""
        raise Unclear(f"there is no {what} {text!r}; {meant}there are: {', '.join(known)}")
    return text


def number(text: str, name: str) -> int:
    """Read the number of an item. Raises Unclear."""
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal()):
        raise Unclear(f"{name}: takes a number, not {text!r}")
    return int(digits[:19])  # no item has a number of so many digits


def age(text: str) -> timedelta:
    """Read an age. Raises Unclear."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise Unclear(f"an age is a number and min, h, d, w, m or y, as in newer_than:7d; not {text!r}")
    return timedelta(days=min(int(found[1]) * _UNITS[found[2]], 40_000))


def newer(column: str, text: str, now: datetime) -> Condition:
    """What is younger than an age. Raises Unclear."""
    return Condition(f"{column} >= ?", (us(now - age(text)),))


def older(column: str, text: str, now: datetime) -> Condition:
    """What is older than an age. Raises Unclear."""
    return Condition(f"{column} < ?", (us(now - age(text)),))


def of_mail(column: str, text: str) -> Condition:
    """What has to do with a mail, by the beginning of its id."""
    first = text if text.startswith("m-") else f"m-{text}"
    here = "SELECT id FROM inbound WHERE ref >= ? AND ref < ?"
    sql = f"({column} IN ({here}) AND {column} IS NOT NULL)"
    return Condition(sql, (first, first + "\uffff"), finds=True)


def statement(table: str, conditions: Iterable[Condition], order: str = "id DESC") -> Statement:
    """Put conditions together, all of which have to hold: the numbers of the rows of a table, the newest first."""
    asked = [each for each in conditions if each.sql]
    where = " AND ".join(each.sql for each in asked) or "TRUE"
    params = tuple([value for each in asked for value in each.params])
    return Statement(f"SELECT id FROM {table} WHERE {where} ORDER BY {order} LIMIT ?", params)  # noqa: S608


def among_newest(table: str, window: int) -> Condition:
    """The newest rows of a table, for what no index finds."""
    return Condition(f"{table}.id > (SELECT coalesce(max(id), 0) FROM {table}) - ?", (window,))  # noqa: S608


def named(column: str, text: str, known: Collection[str]) -> Condition:
    """An event by its name, or all of a kind (`item`, `item.*`). Raises Unclear."""
    kind = text.removesuffix(".*").removesuffix(".")
    if text not in known and kind in {each.partition(".")[0] for each in known}:
        return Condition(f"{column} LIKE ?", (f"{kind}.%",))
    return Condition(f"{column} = ?", (one_of(text, known, "event"),))
