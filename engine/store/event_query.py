"""The query language of `allegra log`: words as in `allegra mail list`, which find events.

Here: from words to a statement that gives the numbers of events, the newest first. Not here: reading the text
(`query.py`), running it (`history.py`). Invariant: what no index finds is looked for among the newest `WINDOW` events
only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from engine.model.addresses import key_of
from engine.model.events import BY_HAND, BY_LOOKING, BY_NAME, OF_ACCESS, OF_RULES
from engine.model.sight import EVERY_ACT, ActSight
from engine.store.errors import Unclear
from engine.store.query import (
    Condition,
    Statement,
    among_newest,
    named,
    names,
    newer,
    number,
    of_mail,
    older,
    statement,
    words,
)

WINDOW = 100_000
"""Events, the newest, among which is looked for what no index knows."""

_NAMES = (*BY_NAME, *BY_HAND, *OF_ACCESS, *OF_RULES, *BY_LOOKING)
"""What an event may be called."""

ENGINE = "-"
"""What stands for the engine, where it is asked who did it."""


class Found(NamedTuple):
    """The statement that a query comes to, and whether it looks at the newest events only."""

    statement: Statement
    windowed: bool = False


def read(query: str, now: datetime, after: int = 0, before: int = 0, sight: ActSight = EVERY_ACT) -> Found:
    """Turn a query into a statement about what is seen; events `after` one come oldest first. Raises Unclear."""
    conditions = [
        meant.turned_round if negated else meant
        for word, text, negated in words(query, _EXAMPLES, _guessed)
        if (meant := _WORDS[word](text, now))
    ]
    conditions += _seen(sight)
    if before:
        conditions.append(Condition("event.id < ?", (before,)))
    if after:
        return Found(statement("event", (Condition("id > ?", (after,)), *conditions), "id"))
    if any(each.finds for each in conditions):
        return Found(statement("event", conditions, "+id DESC"))
    window = Condition("event.id >= ?", (before - WINDOW,)) if before else among_newest("event", WINDOW)
    return Found(statement("event", (window, *conditions)), windowed=True)


def _seen(sight: ActSight) -> Iterator[Condition]:
    """Narrow events to what people did where somebody may see it."""
    if sight.all:
        return
    yield Condition("event.via <> 'mail'")
    inside, there = _among("event.workspace", sight.workspaces & sight.inside), _among("workspace", sight.workspaces)
    public = "item IS NULL OR EXISTS (SELECT 1 FROM item AS its WHERE its.id = event.item AND its.private = FALSE)"
    yield Condition(f"({inside.sql} OR ({there.sql} AND ({public})))", (*inside.params, *there.params))


def _among(column: str, workspaces: frozenset[str]) -> Condition:
    names = tuple(sorted(workspaces - {""}))
    return Condition(f"{column} IN ({', '.join('?' * len(names)) or 'NULL'})", names)


def _guessed(text: str) -> str:
    """The word that stands before nothing but the name of an event, the number of an item, an id or an address."""
    if text in _NAMES:
        return "event"
    for beginning, word in (("#", "item"), ("m-", "mail"), ("a-", "act")):
        if text.startswith(beginning):
            return word
    if "@" in text:
        return "actor"
    raise Unclear(f'what is "{text[:40]}"? name it by one of {names(_EXAMPLES)}')


def _event(text: str, _: datetime) -> Condition:
    return named("name", text, _NAMES)


def _item(text: str, _: datetime) -> Condition:
    return Condition("(item = ? AND item IS NOT NULL)", (number(text, "item"),), finds=True)


def _act(text: str, _: datetime) -> Condition:
    first = text if text.startswith("a-") else f"a-{text}"
    return Condition("(act >= ? AND act < ? AND act <> '')", (first, first + "\uffff"), finds=True)


def _actor(text: str, _: datetime) -> Condition:
    """Who did it: an account by login or address, an address, or the engine."""
    if text == ENGINE:
        return Condition("actor = ''")
    by_address = "SELECT login FROM account JOIN email ON account.id = account_id WHERE email.key = ?"
    addresses = "SELECT email.key FROM email JOIN account ON account.id = account_id WHERE login = ?"
    key = key_of(text)
    return Condition(
        f"(actor IN (SELECT ? UNION SELECT ? UNION {by_address} UNION {addresses}))", (text, key, key, text)
    )


_WORDS: dict[str, Callable[[str, datetime], Condition]] = {
    "event": _event, "item": _item, "act": _act, "actor": _actor,
    "mail": lambda text, _: of_mail("inbound_id", text),
    "via": lambda text, _: Condition("via = ?", (text,)),
    "workspace": lambda text, _: Condition("workspace = ?", (text,)),
    "newer_than": lambda text, now: newer("at", text, now),
    "older_than": lambda text, now: older("at", text, now),
}  # fmt: skip
"""Every search word and what it means."""

_EXAMPLES = {"event": "item.answered", "item": "12", "mail": "m-4f2a", "act": "a-7c01", "actor": "anna", "via": "mail",
             "workspace": "support", "newer_than": "7d", "older_than": "1d"}  # fmt: skip
