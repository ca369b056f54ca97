"""The query language of `allegra outbox list`: words as in `allegra mail list`, which find rows of the outbox.

Here: from words to a statement that gives the numbers of rows, the newest first. Not here: reading the text
(`query.py`), running it (`outbox_views.py`). Invariant: nothing of the text becomes SQL, every value is a parameter;
every statement goes through an index, and what no index finds is looked for among the newest `WINDOW` rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.model.addresses import base_key, key_of
from engine.model.events import BY_NAME, Kind, Why
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.store.database import us
from engine.store.errors import Unclear
from engine.store.item_query import seen
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
    one_of,
    statement,
    words,
)
from engine.store.terms import COLLECTED, QUEUED, TO_SEE

WINDOW = 100_000
"""Rows, the newest, among which is looked for what no index knows."""

BOUNCED_FOR = timedelta(days=7)
"""How long a mail that came back is shown among what is not over."""

STATES = ("queued", "sending", "digest", "sent", "unknown", "failed", "bounced", "held", "suppressed", "dropped")
COLLECTING = frozenset({"digest"})
WAITING, TROUBLED = frozenset({"queued", "sending"}), frozenset({"held", "failed", "unknown", "bounced"})


class Found(NamedTuple):
    """The statements that a query comes to, and whether they look at the newest rows only."""

    statements: tuple[Statement, ...]
    windowed: bool = False


def read(
    query: str, now: datetime, everything: bool = False, separators: str = "", sight: ItemSight = EVERY_ITEM,
    before: int = 0,
) -> Found:  # fmt: skip
    """Turn a query into statements about items that are seen. Raises Unclear for what it cannot mean.

    Unless `everything` is asked for, or a state, rows that are over are left out. `separators` part the tag of an
    address from the rest, beside `+`. `before` leaves the rows below a number.
    """
    conditions, states = _conditions(query, now, separators)
    conditions += [*_seen(sight), *([Condition("id < ?", (before,))] if before else [])]
    wanted = states or (frozenset(STATES) if everything else WAITING | COLLECTING | TROUBLED)
    week = (Condition("created_at >= ?", (us(now - BOUNCED_FOR),)),) if not (everything or states) else ()
    if any(each.finds for each in conditions):
        recent = tuple([Condition(f"(state <> 'bounced' OR {each.sql})", each.params) for each in week])
        return Found((_statement("+id", _in(wanted), *recent, *conditions),))
    if wanted <= WAITING | COLLECTING | TROUBLED:
        waiting = [_statement("+id", Condition(QUEUED, ()), _in(wanted & WAITING), *conditions)]
        collecting = [_statement("+id", Condition(COLLECTED, ()), *conditions)]
        order = "+id" if before else "created_at DESC, id"
        troubled = [
            _statement(order, Condition(TO_SEE, ()), Condition("state = ?", (state,)),
                       *(week if state == "bounced" else ()), *conditions)
            for state in sorted(wanted & TROUBLED)
        ]  # fmt: skip
        collecting = collecting if wanted & COLLECTING else []
        return Found((*(waiting if wanted & WAITING else ()), *collecting, *troubled))
    return Found((_statement("id", among_newest("outbox", WINDOW), _in(wanted), *conditions),), windowed=True)


def _seen(sight: ItemSight) -> Iterator[Condition]:
    """What is about an item that somebody sees: for who does not see all, the rest is not there."""
    if not sight.all:
        those = [*seen(sight)]
        here = f"SELECT id FROM item WHERE {' AND '.join(each.sql for each in those)}"  # noqa: S608 - our own texts
        yield Condition(f"item IN ({here})", tuple([value for each in those for value in each.params]))


def _statement(order: str, *conditions: Condition) -> Statement:
    return statement("outbox", conditions, f"{order} DESC")


def _in(states: frozenset[str]) -> Condition:
    if len(states) == len(STATES):
        return Condition("", ())
    return Condition(f"state IN ({', '.join('?' * len(states))})", tuple(sorted(states)))


def _conditions(query: str, now: datetime, separators: str) -> tuple[list[Condition], frozenset[str]]:
    """The conditions of a query, and the states it names: any of them, or all but those that must not fit."""
    conditions: list[Condition] = []
    states: frozenset[str] = frozenset()
    for word, text, negated in words(query, _EXAMPLES, _guessed):
        if word == "state":
            those = frozenset({one_of(text, STATES, "state")})
            states = (states or frozenset(STATES)) - those if negated else states | those
            continue
        meant = _WORDS[word](text, now, separators)
        conditions.append(meant.turned_round if negated else meant)
    return conditions, states


def _guessed(text: str) -> str:
    """The word that stands before nothing but an address or the number of an item."""
    if "@" in text:
        return "to"
    if text.startswith("#"):
        return "item"
    raise Unclear(f'what is "{text[:40]}"? name it by one of {names(_EXAMPLES)}')


def _to(text: str, _: datetime, separators: str) -> Condition:
    """An address, whatever its tag, or the login of an account, or the name of a webhook."""
    key = key_of(text)
    base = base_key(key, separators)
    theirs = "SELECT email.key FROM email JOIN account ON account.id = account_id WHERE login = ?"
    return Condition(f"address_key IN (SELECT ? UNION SELECT ? UNION {theirs})", (key, base, text), finds=True)


def _item(text: str, _: datetime, __: str) -> Condition:
    return Condition("(item = ? AND item IS NOT NULL)", (number(text, "item"),), finds=True)


def _mail(text: str, _: datetime, __: str) -> Condition:
    return of_mail("inbound_id", text)


def _class(text: str, _: datetime, __: str) -> Condition:
    return Condition("class = ?", (one_of(text, tuple(map(str, Kind)), "class"),))


def _event(text: str, _: datetime, __: str) -> Condition:
    return named("event", text, BY_NAME)


def _why(text: str, _: datetime, __: str) -> Condition:
    if text == "cap":
        return Condition("why LIKE 'cap.%'")
    return Condition("why = ?", (one_of(text, tuple(map(str, Why)), "reason"),))


def _newer(text: str, now: datetime, _: str) -> Condition:
    return newer("created_at", text, now)


def _older(text: str, now: datetime, _: str) -> Condition:
    return older("created_at", text, now)


_WORDS: dict[str, Callable[[str, datetime, str], Condition]] = {
    "to": _to, "item": _item, "mail": _mail, "class": _class, "event": _event, "why": _why, "newer_than": _newer,
    "older_than": _older,
}  # fmt: skip
"""Every search word and what it means, but for `state:`, which says what is looked at."""

_EXAMPLES = {"to": "jane@example.com", "item": "12", "mail": "m-4f2a", "state": "failed", "class": "answer",
             "event": "item.answered", "why": "loop", "newer_than": "7d", "older_than": "1d"}  # fmt: skip
