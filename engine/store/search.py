"""The query language of `allegra mail list`: words like those of a well-known web mail.

Here: from text to conditions over mails, as peewee writes them. Not here: running it (`mails.py`).
Invariant: nothing of the text becomes SQL; every value is a parameter. A word that does not exist is an error that
names those that do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from peewee import SQL, Field, NodeList

from engine.model.plan import Outcome
from engine.store.database import us
from engine.store.errors import Unclear
from engine.store.tables import Inbound, Mailbox, Receipt

TOKEN = re.compile(r'(?P<not>-)?(?:(?P<word>[a-z_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+)|(?<=:))')
_AGE = re.compile(r"(\d{1,6})\s*(min|h|d|w|m|y)")
_UNITS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}

Condition = Any
"""An expression of peewee over `Inbound`, `Receipt` and `Mailbox`."""

RulesCalled = Callable[[str], Iterable[tuple[str, int]]]
"""Gives the rules whose name holds a text: the digest of their file and their number in it."""

MOST_WORDS = 50
MOST_RULES = 20

_HIT = (
    "EXISTS (SELECT 1 FROM json_each(CAST(",
    " AS TEXT), '$.rules') AS read, json_each(read.value, '$.hits') AS hit "
    "WHERE json_extract(read.value, '$.digest') = ? AND json_extract(hit.value, '$.rule') = ?)",
)
"""A stored trace says that a rule matched; the column of the trace stands between the two."""


def condition(query: str, now: datetime, rules: RulesCalled = lambda _: ()) -> list[Condition]:
    """Turn a query into conditions that all have to hold. Raises Unclear for what it cannot mean."""
    conditions: list[Condition] = []
    for number, token in enumerate(TOKEN.finditer(query)):
        if number >= MOST_WORDS:
            raise Unclear(f"a query has {MOST_WORDS} words at most")
        text = token["quoted"] if token["quoted"] is not None else token["plain"] or ""
        word = token["word"] or ""
        if word not in (*_WORDS, "rule"):
            known = ", ".join(f"{name}:" for name in sorted((*_WORDS, "rule")) if name)
            raise Unclear(f'there is no search word "{word}:"; there are {known}')
        if not text:
            raise Unclear(f'"{word}:" needs something behind it, as in {word}:{_EXAMPLES.get(word, "printer")}')
        meant = _WORDS[word](text, now) if word != "rule" else _rule(text, rules)
        conditions.append(~meant if token["not"] else meant)
    return conditions


def _contains(column: Field[Any]) -> Callable[[str, datetime], Condition]:
    return lambda text, _: column.contains(text)


def _equals(column: Field[Any]) -> Callable[[str, datetime], Condition]:
    return lambda text, _: column == text


def _outcome(text: str, _: datetime) -> Condition:
    words = [outcome.value for outcome in Outcome]
    if text not in words:
        raise Unclear(f"there is no outcome {text!r}; there are: {', '.join(words)}")
    return Inbound.state == "received" if text == "deferred" else Receipt.outcome == text


def _code(text: str, _: datetime) -> Condition:
    """A reason code, or all of a kind: `code:gate`."""
    return (Receipt.code == text) | Receipt.code.startswith(f"{text}.")


def _item(text: str, _: datetime) -> Condition:
    number = text.removeprefix("#")
    if not number.isdigit():
        raise Unclear(f"item: takes a number, not {text!r}")
    earlier = Receipt.alias()  # a receipt of any generation
    return Inbound.id.in_(earlier.select(earlier.inbound).where(earlier.item == int(number)))


def _newer(text: str, now: datetime) -> Condition:
    return Inbound.received_at >= us(now - age(text))


def _older(text: str, now: datetime) -> Condition:
    return Inbound.received_at < us(now - age(text))


def age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise Unclear(f"an age is a number and min, h, d, w, m or y, as in newer_than:7d; not {text!r}")
    return timedelta(days=min(int(found[1]) * _UNITS[found[2]], 40_000))


def _rule(text: str, rules: RulesCalled) -> Condition:
    """The rule decided, or the stored trace says that it matched."""
    meant = (Receipt.by_kind == "rule") & Receipt.by_name.contains(text)
    for digest, number in islice(rules(text), MOST_RULES):
        named = NodeList((SQL("instr("), Receipt.trace, SQL(", CAST(? AS BLOB)) > 0", (digest,))))
        meant |= named & NodeList((SQL(_HIT[0]), Receipt.trace, SQL(_HIT[1], (digest, number))))
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

_EXAMPLES = {"code": "gate.dmarc", "mailbox": "system", "workspace": "support", "item": "4711", "newer_than": "7d",
             "older_than": "1y", "outcome": "held", "from": "anna@example.com", "to": "help@example.com"}  # fmt: skip
