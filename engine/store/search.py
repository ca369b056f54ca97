"""The query language of `allegra mail list`: words like those of a well-known web mail.

Here: from text to a condition in SQL with its parameters. Not here: running it (`mails.py`).
Invariant: nothing of the text becomes SQL; every value is a parameter. A word that does not exist is an error that
names those that do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine.store.database import us
from engine.store.errors import Refused

_TOKEN = re.compile(r'(?P<not>-)?(?:(?P<word>[a-z_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))')
_AGE = re.compile(r"(\d{1,6})\s*(min|h|d|w|m|y)")
_UNITS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}

Condition = tuple[str, tuple[Any, ...]]

MOST_WORDS = 50


def condition(query: str, now: datetime) -> Condition:
    """Turn a query into a condition over `inbound`, `receipt` and `mailbox`. Raises Refused for what it cannot mean."""
    parts: list[str] = []
    params: list[Any] = []
    for number, token in enumerate(_TOKEN.finditer(query)):
        if number >= MOST_WORDS:
            raise Refused(f"a query has {MOST_WORDS} words at most")
        text = token["quoted"] if token["quoted"] is not None else token["plain"]
        word = token["word"] or ""
        if word not in _WORDS:
            known = ", ".join(f"{name}:" for name in sorted(_WORDS) if name)
            raise Refused(f'there is no search word "{word}:"; there are {known}')
        sql, values = _WORDS[word](text, now)
        parts.append(f"NOT ({sql})" if token["not"] else f"({sql})")
        params += values
    return " AND ".join(parts) or "1 = 1", tuple(params)


def _contains(column: str) -> Callable[[str, datetime], Condition]:
    return lambda text, _: (f"{column} LIKE ? ESCAPE '\\'", (f"%{_escaped(text)}%",))


def _equals(column: str) -> Callable[[str, datetime], Condition]:
    return lambda text, _: (f"{column} = ?", (text,))


def _outcome(text: str, _: datetime) -> Condition:
    if text == "deferred":
        return "inbound.state = 'received'", ()
    return "receipt.outcome = ?", (text,)


def _item(text: str, _: datetime) -> Condition:
    number = text.removeprefix("#")
    if not number.isdigit():
        raise Refused(f"item: takes a number, not {text!r}")
    return "inbound.id IN (SELECT inbound_id FROM receipt WHERE item = ?)", (int(number),)


def _newer(text: str, now: datetime) -> Condition:
    return "inbound.received_at >= ?", (us(now - _age(text)),)


def _older(text: str, now: datetime) -> Condition:
    return "inbound.received_at < ?", (us(now - _age(text)),)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise Refused(f"an age is a number and min, h, d, w, m or y, as in newer_than:7d; not {text!r}")
    return timedelta(days=min(int(found[1]) * _UNITS[found[2]], 40_000))


def _rule(text: str, _: datetime) -> Condition:
    """The rule decided, or the stored trace names it."""
    named = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "(receipt.by_kind = 'rule' AND receipt.by_name = ?) OR instr(receipt.trace, CAST(? AS BLOB)) > 0", (
        text,
        named,
    )


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
    "code": _equals("receipt.code"),
    "mailbox": _equals("mailbox.name"),
    "workspace": _equals("receipt.workspace"),
    "item": _item,
    "newer_than": _newer,
    "older_than": _older,
    "rule": _rule,
}
"""Every search word and what it means."""
