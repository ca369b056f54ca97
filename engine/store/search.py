"""The query language of `allegra mail list`: words like those of a well-known web mail.

Here: what each word means, as conditions over mails that peewee writes. Not here: reading the text (`query.py`),
running it (`mails.py`). Invariant: nothing of the text becomes SQL; every value is a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from peewee import Field

from engine.model.plan import Outcome
from engine.store.database import us
from engine.store.query import age, number, one_of, words
from engine.store.tables import Inbound, Mailbox, Receipt

Condition = Any
"""An expression of peewee over `Inbound`, `Receipt` and `Mailbox`."""

RulesCalled = Callable[[str], Iterable[tuple[str, int]]]
"""Gives the rules whose name holds a text: the digest of their file and their number in it."""

SaysThatRule = Callable[[Any, str, int], Condition]
"""Says that a stored trace tells that a rule matched: the column, the digest of its file and its number in it."""

MOST_RULES = 20


def condition(query: str, now: datetime, rules: RulesCalled, says: SaysThatRule) -> list[Condition]:
    """Turn a query into conditions that all have to hold. Raises Unclear for what it cannot mean."""
    conditions: list[Condition] = []
    for word, text, negated in words(query, _EXAMPLES):
        meant = _WORDS[word](text, now) if word != "rule" else _rule(text, rules, says)
        conditions.append(~meant if negated else meant)
    return conditions


def _contains(column: Field[Any]) -> Callable[[str, datetime], Condition]:
    return lambda text, _: column.contains(text)


def _equals(column: Field[Any]) -> Callable[[str, datetime], Condition]:
    return lambda text, _: column == text


def _outcome(text: str, _: datetime) -> Condition:
    one_of(text, [outcome.value for outcome in Outcome], "outcome")
    return Inbound.state == "received" if text == "deferred" else Receipt.outcome == text


def _code(text: str, _: datetime) -> Condition:
    """A reason code, or all of a kind: `code:gate`."""
    return (Receipt.code == text) | Receipt.code.startswith(f"{text}.")


def _item(text: str, _: datetime) -> Condition:
    asked = number(text, "item")
    earlier = Receipt.alias()  # a receipt of any generation
    return Inbound.id.in_(earlier.select(earlier.inbound).where(earlier.item == asked))


def _newer(text: str, now: datetime) -> Condition:
    return Inbound.received_at >= us(now - age(text))


def _older(text: str, now: datetime) -> Condition:
    return Inbound.received_at < us(now - age(text))


def _rule(text: str, rules: RulesCalled, says: SaysThatRule) -> Condition:
    """The rule decided, or the stored trace says that it matched."""
    meant = (Receipt.by_kind == "rule") & Receipt.by_name.contains(text)
    for digest, nth in islice(rules(text), MOST_RULES):
        meant |= says(Receipt.trace, digest, nth)
    return meant


def _free(text: str, _: datetime) -> Condition:
    return Inbound.subject.contains(text) | Inbound.sender.contains(text) | Inbound.recipients.contains(text)


_WORDS: dict[str, Callable[[str, datetime], Condition]] = {
    "": _free,
    "from": _contains(Inbound.sender),
    "to": _contains(Inbound.recipients),
    "subject": _contains(Inbound.subject),
    "outcome": _outcome,
    "code": _code,
    "mailbox": _equals(Mailbox.name),
    "workspace": _equals(Receipt.workspace),
    "item": _item,
    "newer_than": _newer,
    "older_than": _older,
}
"""Every search word and what it means, but for `rule:`, which asks the texts of the rule files too."""

_EXAMPLES = {"": "printer", "from": "anna@example.com", "to": "help@example.com", "subject": "printer",
             "outcome": "held", "code": "gate.dmarc", "mailbox": "system", "workspace": "support", "item": "4711",
             "rule": "printer", "newer_than": "7d", "older_than": "1y"}  # fmt: skip
