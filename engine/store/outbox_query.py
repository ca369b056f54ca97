"""The query language of `allegra outbox list`: words as in `allegra mail list`, which find rows of the outbox.

Here: from text to a statement that gives the numbers of rows, the newest first. Not here: running it
(`outbox_views.py`). Invariant: nothing of the text becomes SQL, every value is a parameter; every statement goes
through an index, and what no index finds is looked for among the newest `WINDOW` rows only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.model.addresses import base_key, key_of
from engine.model.events import BY_NAME, Kind, Why
from engine.store.database import us
from engine.store.errors import Unclear
from engine.store.search import MOST_WORDS, TOKEN, age
from engine.store.terms import QUEUED, TO_SEE

WINDOW = 100_000
"""Rows, the newest, among which is looked for what no index knows."""

BOUNCED_FOR = timedelta(days=7)
"""How long a mail that came back is shown among what is not over."""

STATES = ("queued", "sending", "sent", "unknown", "failed", "bounced", "held", "suppressed", "dropped")
WAITING, TROUBLED = frozenset({"queued", "sending"}), frozenset({"held", "failed", "unknown", "bounced"})


class Condition(NamedTuple):
    """A piece of SQL with its parameters. `finds`: an index leads to its rows."""

    sql: str
    params: tuple[object, ...]
    finds: bool = False


class Statement(NamedTuple):
    """A query for numbers of rows; the last parameter, how many, is to be added."""

    sql: str
    params: tuple[object, ...]


class Found(NamedTuple):
    """The statements that a query comes to, and whether they look at the newest rows only."""

    statements: tuple[Statement, ...]
    windowed: bool = False


def read(query: str, now: datetime, everything: bool = False, separators: str = "") -> Found:
    """Turn a query into statements. Raises Unclear for what it cannot mean.

    Unless `everything` is asked for, or a state, rows that are over are left out. `separators` part the tag of an
    address from the rest, beside `+`.
    """
    conditions, states = _conditions(query, now, separators)
    wanted = states or (frozenset(STATES) if everything else WAITING | TROUBLED)
    week = (Condition("created_at >= ?", (us(now - BOUNCED_FOR),)),) if not (everything or states) else ()
    if any(each.finds for each in conditions):
        recent = tuple([Condition(f"(state <> 'bounced' OR {each.sql})", each.params) for each in week])
        return Found((_statement("+id", _in(wanted), *recent, *conditions),))
    if wanted <= WAITING | TROUBLED:
        waiting = [_statement("+id", Condition(QUEUED, ()), _in(wanted & WAITING), *conditions)]
        troubled = [
            _statement("created_at DESC, id", Condition(TO_SEE, ()), Condition("state = ?", (state,)),
                       *(week if state == "bounced" else ()), *conditions)
            for state in sorted(wanted & TROUBLED)
        ]  # fmt: skip
        return Found((*(waiting if wanted & WAITING else ()), *troubled))
    newest = Condition("id > (SELECT coalesce(max(id), 0) FROM outbox) - ?", (WINDOW,))
    return Found((_statement("id", newest, _in(wanted), *conditions),), windowed=True)


def _statement(order: str, *conditions: Condition) -> Statement:
    where = " AND ".join(each.sql for each in conditions if each.sql)
    params = tuple([value for each in conditions for value in each.params])
    return Statement(f"SELECT id FROM outbox WHERE {where} ORDER BY {order} DESC LIMIT ?", params)  # noqa: S608


def _in(states: frozenset[str]) -> Condition:
    if len(states) == len(STATES):
        return Condition("", ())
    return Condition(f"state IN ({', '.join('?' * len(states))})", tuple(sorted(states)))


def _conditions(query: str, now: datetime, separators: str) -> tuple[list[Condition], frozenset[str]]:
    """The conditions of a query, and the states it names: any of them, or all but those that must not fit."""
    conditions: list[Condition] = []
    states: frozenset[str] = frozenset()
    for number, token in enumerate(TOKEN.finditer(query)):
        if number >= MOST_WORDS:
            raise Unclear(f"a query has {MOST_WORDS} words at most")
        text = token["quoted"] if token["quoted"] is not None else token["plain"] or ""
        word = token["word"] or _guessed(text)
        if word != "state" and word not in _WORDS:
            raise Unclear(f'there is no search word "{word}:"; there are {_known()}')
        if not text:
            raise Unclear(f'"{word}:" needs something behind it, as in {word}:{_EXAMPLES[word]}')
        if word == "state":
            named = frozenset({_one_of(text, STATES, "state")})
            states = (states or frozenset(STATES)) - named if token["not"] else states | named
            continue
        meant = _WORDS[word](text, now, separators)
        conditions.append(Condition(f"NOT ({meant.sql})", meant.params) if token["not"] else meant)
    return conditions, states


def _guessed(text: str) -> str:
    """The word that stands before nothing but an address or the number of an item."""
    if "@" in text:
        return "to"
    if text.startswith("#"):
        return "item"
    raise Unclear(f'what is "{text[:40]}"? name it by one of {_known()}')


def _known() -> str:
    return ", ".join(f"{name}:" for name in sorted((*_WORDS, "state")))


def _to(text: str, _: datetime, separators: str) -> Condition:
    """An address, whatever its tag, or the login of an account, or the name of a webhook."""
    key = key_of(text)
    base = base_key(key, separators)
    theirs = "SELECT email.key FROM email JOIN account ON account.id = account_id WHERE login = ?"
    return Condition(f"address_key IN (SELECT ? UNION SELECT ? UNION {theirs})", (key, base, text), finds=True)


def _item(text: str, _: datetime, __: str) -> Condition:
    number = text.removeprefix("#")
    if not number.isdecimal() or len(number) > 18:
        raise Unclear(f"item: takes a number, not {text!r}")
    return Condition("(item = ? AND item IS NOT NULL)", (int(number),), finds=True)


def _mail(text: str, _: datetime, __: str) -> Condition:
    first = text if text.startswith("m-") else f"m-{text}"
    here = "SELECT id FROM inbound WHERE ref >= ? AND ref < ?"
    return Condition(f"(inbound_id IN ({here}) AND inbound_id IS NOT NULL)", (first, first + "\uffff"), finds=True)


def _class(text: str, _: datetime, __: str) -> Condition:
    return Condition("class = ?", (_one_of(text, tuple(map(str, Kind)), "class"),))


def _event(text: str, _: datetime, __: str) -> Condition:
    if text in BY_NAME:
        return Condition("event = ?", (text,))
    kinds = {name.partition(".")[0] for name in BY_NAME}
    if text.rstrip(".*") in kinds:
        return Condition("event LIKE ?", (f"{text.rstrip('.*')}.%",))
    raise Unclear(f"there is no event {text!r}; there are: {', '.join(BY_NAME)}")


def _why(text: str, _: datetime, __: str) -> Condition:
    words = tuple(map(str, Why))
    if text == "cap":
        return Condition("why LIKE 'cap.%'", ())
    return Condition("why = ?", (_one_of(text, words, "reason"),))


def _one_of(text: str, words: tuple[str, ...], what: str) -> str:
    if text not in words:
        raise Unclear(f"there is no {what} {text!r}; there are: {', '.join(words)}")
    return text


def _newer(text: str, now: datetime, _: str) -> Condition:
    return Condition("created_at >= ?", (us(now - age(text)),))


def _older(text: str, now: datetime, _: str) -> Condition:
    return Condition("created_at < ?", (us(now - age(text)),))


_WORDS: dict[str, Callable[[str, datetime, str], Condition]] = {
    "to": _to, "item": _item, "mail": _mail, "class": _class, "event": _event, "why": _why, "newer_than": _newer,
    "older_than": _older,
}  # fmt: skip
"""Every search word and what it means, but for `state:`, which says what is looked at."""

_EXAMPLES = {"to": "jane@example.com", "item": "12", "mail": "m-4f2a", "state": "failed", "class": "answer",
             "event": "item.answered", "why": "loop", "newer_than": "7d", "older_than": "1d"}  # fmt: skip
