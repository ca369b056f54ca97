"""The query language of `allegra mail list`: words like those of a well-known web mail.

Here: from text to a condition in SQL with its parameters. Not here: running it (`mails.py`).
Invariant: nothing of the text becomes SQL; every value is a parameter. A word that does not exist is an error that
names those that do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from engine.model.plan import Outcome
from engine.store.database import us
from engine.store.errors import Unclear

_TOKEN = re.compile(r'(?P<not>-)?(?:(?P<word>[a-z_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+)|(?<=:))')
_AGE = re.compile(r"(\d{1,6})\s*(min|h|d|w|m|y)")
_UNITS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}

Condition = tuple[str, tuple[Any, ...]]

RulesCalled = Callable[[str], Iterable[tuple[str, int]]]
"""Gives the rules whose name holds a text: the digest of their file and their number in it."""

MOST_WORDS = 50
MOST_RULES = 20

_HIT = """(instr(receipt.trace, CAST(? AS BLOB)) > 0 AND EXISTS (
  SELECT 1 FROM json_each(CAST(receipt.trace AS TEXT), '$.rules') AS read, json_each(read.value, '$.hits') AS hit
  WHERE json_extract(read.value, '$.digest') = ? AND json_extract(hit.value, '$.rule') = ?))"""


def condition(query: str, now: datetime, rules: RulesCalled = lambda _: ()) -> Condition:
    """Turn a query into a condition over `inbound`, `receipt` and `mailbox`. Raises Unclear for what it cannot mean."""
    parts: list[str] = []
    params: list[Any] = []
    for number, token in enumerate(_TOKEN.finditer(query)):
        if number >= MOST_WORDS:
            raise Unclear(f"a query has {MOST_WORDS} words at most")
        text = token["quoted"] if token["quoted"] is not None else token["plain"] or ""
        word = token["word"] or ""
        if word not in (*_WORDS, "rule"):
            known = ", ".join(f"{name}:" for name in sorted((*_WORDS, "rule")) if name)
            raise Unclear(f'there is no search word "{word}:"; there are {known}')
        if not text:
            raise Unclear(f'"{word}:" needs something behind it, as in {word}:{_EXAMPLES.get(word, "printer")}')
        sql, values = _WORDS[word](text, now) if word != "rule" else _rule(text, rules)
        parts.append(f"NOT ({sql})" if token["not"] else f"({sql})")
        params += values
    return " AND ".join(parts) or "1 = 1", tuple(params)


def _contains(column: str) -> Callable[[str, datetime], Condition]:
    return lambda text, _: (f"{column} LIKE ? ESCAPE '\\'", (f"%{_escaped(text)}%",))


def _equals(column: str) -> Callable[[str, datetime], Condition]:
    return lambda text, _: (f"{column} = ?", (text,))


def _outcome(text: str, _: datetime) -> Condition:
    words = [outcome.value for outcome in Outcome]
    if text not in words:
        raise Unclear(f"there is no outcome {text!r}; there are: {', '.join(words)}")
    if text == "deferred":
        return "inbound.state = 'received'", ()
    return "receipt.outcome = ?", (text,)


def _code(text: str, _: datetime) -> Condition:
    """A reason code, or all of a kind: `code:gate`."""
    return "receipt.code = ? OR receipt.code LIKE ? ESCAPE '\\'", (text, f"{_escaped(text)}.%")


def _item(text: str, _: datetime) -> Condition:
    number = text.removeprefix("#")
    if not number.isdigit():
        raise Unclear(f"item: takes a number, not {text!r}")
    return "inbound.id IN (SELECT inbound_id FROM receipt WHERE item = ?)", (int(number),)


def _newer(text: str, now: datetime) -> Condition:
    return "inbound.received_at >= ?", (us(now - _age(text)),)


def _older(text: str, now: datetime) -> Condition:
    return "inbound.received_at < ?", (us(now - _age(text)),)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise Unclear(f"an age is a number and min, h, d, w, m or y, as in newer_than:7d; not {text!r}")
    return timedelta(days=min(int(found[1]) * _UNITS[found[2]], 40_000))


def _rule(text: str, rules: RulesCalled) -> Condition:
    """The rule decided, or the stored trace says that it matched."""
    params: list[Any] = [f"%{_escaped(text)}%"]
    sql = ["receipt.by_kind = 'rule' AND receipt.by_name LIKE ? ESCAPE '\\'"]
    for digest, number in islice(rules(text), MOST_RULES):
        sql.append(_HIT)
        params += [digest, digest, number]
    return " OR ".join(sql), tuple(params)


def _free(text: str, _: datetime) -> Condition:
    pattern = f"%{_escaped(text)}%"
    columns = ("inbound.subject", "inbound.sender", "inbound.recipients")
    return " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns), (pattern,) * len(columns)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_WORDS: dict[str, Callable[[str, datetime], Condition]] = {
    "": _free,
    "from": _contains("inbound.sender"),
    "to": _contains("inbound.recipients"),
    "subject": _contains("inbound.subject"),
    "outcome": _outcome,
    "code": _code,
    "mailbox": _equals("mailbox.name"),
    "workspace": _equals("receipt.workspace"),
    "item": _item,
    "newer_than": _newer,
    "older_than": _older,
}
"""Every search word and what it means, but for `rule:`, which asks the texts of the rule files too."""

_EXAMPLES = {"code": "gate.dmarc", "mailbox": "system", "workspace": "support", "item": "4711", "newer_than": "7d",
             "older_than": "1y", "outcome": "held", "from": "anna@example.com", "to": "help@example.com"}  # fmt: skip
