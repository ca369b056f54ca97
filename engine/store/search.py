"""The query language of `allegra mail list`: words like those of a well-known web mail.

Here: what each word means, as conditions that peewee writes: of mails, and where that can be told of what is counted,
so that only those parts of the ledger are read where such a mail is. Not here: reading the text (`query.py`), the walk
through the ledger (`walking.py`). Invariant: nothing of the text becomes SQL; every value is a parameter; what is said
of counts never leaves out a mail that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, NamedTuple

from peewee import SQL, fn

from engine.model.draft import Who
from engine.model.plan import Outcome
from engine.store.database import us
from engine.store.errors import Unclear
from engine.store.query import age, number, one_of, words
from engine.store.tables import Inbound, Mailbox, Receipt, RuleHit, Sender, Tally, Trace
from engine.store.tallying import MOST_NAME

Condition = Any
"""An expression of peewee."""

RulesCalled = Callable[[str], Iterable[tuple[str, int]]]
"""Gives the rules whose name holds a text: the digest of their file and their number in it."""

SaysThatRule = Callable[[Any, str, int], Condition]
"""Says that a stored trace tells that a rule matched: the column, the digest of its file and its number in it."""

MOST_RULES = 20

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Meaning(NamedTuple):
    """What a word means: `rows` of mails, their receipts and mailboxes.

    Where it can be told of what is counted: which rows of `tally` or `rule_hit` it leaves, `exactly` or some more, or
    which senders; that of mails that have no receipt yet is not told there. `found`: an index leads to the few mails.
    `since` and `until` are times between which it came.
    """

    rows: Condition
    tally: Condition = None
    exactly: bool = True
    hits: Condition = None
    senders: Condition = None
    found: bool = False
    since: int | None = None
    until: int | None = None

    @property
    def is_counted(self) -> bool:
        """Tell whether what is counted says how many decided mails fit, a time to a quarter of an hour."""
        return (self.tally is not None and self.exactly) or self.since is not None or self.until is not None

    @property
    def turned_round(self) -> Meaning:
        """What does not fit."""
        return Meaning(~self.rows, ~self.tally if self.tally is not None and self.exactly else None)


def meanings(query: str, now: datetime, rules: RulesCalled, says: SaysThatRule) -> list[Meaning]:
    """Read a query whose words all have to fit; days are those of the zone of `now`.

    Raises Unclear for what it cannot mean.
    """
    found: list[Meaning] = []
    for word, text, negated in words(query, _EXAMPLES):
        meant = _WORDS[word](text, now) if word != "rule" else _rule(text, rules, says)
        found.append(meant.turned_round if negated else meant)
    return found


# ── who and what ──────────────────────────────────────────────────────────────────────────────────────────────


def _free(text: str, _: datetime) -> Meaning:
    return Meaning(Inbound.subject.contains(text) | Inbound.sender.contains(text) | Inbound.recipients.contains(text))


def _from(text: str, _: datetime) -> Meaning:
    return Meaning(Inbound.sender.contains(text), senders=Sender.address.contains(text))


def _domain(text: str, _: datetime) -> Meaning:
    domain = text.removeprefix("@").casefold()
    return Meaning(Inbound.sender.endswith(f"@{domain}"), senders=Sender.domain == domain)


def _to(text: str, _: datetime) -> Meaning:
    return Meaning(Inbound.recipients.contains(text))


def _subject(text: str, _: datetime) -> Meaning:
    return Meaning(Inbound.subject.contains(text))


# ── what became of it ─────────────────────────────────────────────────────────────────────────────────────────


def _outcome(text: str, _: datetime) -> Meaning:
    one_of(text, [outcome.value for outcome in Outcome], "outcome")
    if text == Outcome.DEFERRED:
        return Meaning(Inbound.state == "received", SQL("1 = 0"), exactly=False)
    return Meaning(Receipt.outcome == text, Tally.outcome == text)


def _code(text: str, _: datetime) -> Meaning:
    """A reason code, or all of a kind: `code:gate`."""

    def fits(column: Any) -> Condition:
        return (column == text) | column.startswith(f"{text}.")

    return Meaning(fits(Receipt.code), fits(Tally.code))


def _mailbox(text: str, _: datetime) -> Meaning:
    return Meaning(Mailbox.name == text, Tally.mailbox == text)


def _workspace(text: str, _: datetime) -> Meaning:
    return Meaning(Receipt.workspace == text, Tally.workspace == text)


def _by(text: str, _: datetime) -> Meaning:
    """Who decided: a kind (rule, hook, gate, person, engine), that and a name as it is counted, or a part of a name."""
    kind, *name = text.split(" ", 1)
    if kind in [each.value for each in Who]:
        return _by_kind(kind, "".join(name)[:MOST_NAME])
    counted = Tally.by_name.contains(text) | (Tally.by_kind == Who.PERSON.value)  # of people no names are counted
    return Meaning(Receipt.by_name.contains(text), counted, exactly=False)


def _by_kind(kind: str, name: str) -> Meaning:
    """A rule is named with its file, as it is counted."""
    if not name:
        return Meaning(Receipt.by_kind == kind, Tally.by_kind == kind)
    whole = Receipt.by_file.concat(" ").concat(Receipt.by_name) if kind == Who.RULE else Receipt.by_name
    here = (Receipt.by_kind == kind) & (whole == name if len(name) < MOST_NAME else whole.startswith(name))
    if kind == Who.PERSON:
        return Meaning(here, Tally.by_kind == kind, exactly=False)
    return Meaning(here, (Tally.by_kind == kind) & (Tally.by_name == name))


def _item(text: str, _: datetime) -> Meaning:
    asked = number(text, "item")
    earlier = Receipt.alias()  # a receipt of any generation
    mails = earlier.select(earlier.inbound).where(earlier.item == asked, earlier.item.is_null(False))
    return Meaning(Inbound.id.in_(mails), found=True)


def _rule(text: str, rules: RulesCalled, says: SaysThatRule) -> Meaning:
    """The rule decided, or the stored trace says that it matched."""
    decided = (Receipt.by_kind == "rule") & Receipt.by_name.contains(text)
    matched: Condition = SQL("1 = 0")
    hits: Condition = SQL("1 = 0")
    for digest, nth in islice(rules(text), MOST_RULES):
        matched |= says(Trace.content, digest, nth)
        hits |= (RuleHit.digest == digest) & (RuleHit.rule == nth)
    told = Trace.select(Trace.id).where(Trace.id == Receipt.id, matched)
    counted = (Tally.by_kind == "rule") & Tally.by_name.contains(text)
    return Meaning(decided | fn.EXISTS(told), counted, exactly=False, hits=hits)


# ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _newer(text: str, now: datetime) -> Meaning:
    return _between(now - age(text), None)


def _older(text: str, now: datetime) -> Meaning:
    return _between(None, now - age(text))


def _after(text: str, now: datetime) -> Meaning:
    return _between(_day(text, now, "after") + timedelta(days=1), None)


def _before(text: str, now: datetime) -> Meaning:
    return _between(None, _day(text, now, "before"))


def _on(text: str, now: datetime) -> Meaning:
    day = _day(text, now, "on")
    return _between(day, day + timedelta(days=1))


def _between(since: datetime | None, until: datetime | None) -> Meaning:
    first, end = us(since) if since is not None else None, us(until) if until is not None else None
    rows = [Inbound.received_at >= first] if first is not None else []
    rows += [Inbound.received_at < end] if end is not None else []
    return Meaning(rows[0] & rows[1] if len(rows) == 2 else rows[0], since=first, until=end)


def _day(text: str, now: datetime, word: str) -> datetime:
    """The beginning of a day: 2026-05-03, today, yesterday, or the last Tuesday as tue. Raises Unclear."""
    today, name = now.date(), text.casefold()
    if name in ("today", "yesterday"):
        day = today - timedelta(days=name == "yesterday")
    elif name in _DAYS:
        day = today - timedelta(days=(today.weekday() - _DAYS.index(name)) % 7)
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Unclear(
                f"{word}: takes a day, as in {word}:{today}, {word}:tue, {word}:yesterday; not {text!r}"
            ) from None
    return datetime.combine(day, time(), now.tzinfo)


_WORDS: dict[str, Callable[[str, datetime], Meaning]] = {
    "": _free, "from": _from, "domain": _domain, "to": _to, "subject": _subject, "outcome": _outcome, "code": _code,
    "mailbox": _mailbox, "workspace": _workspace, "by": _by, "item": _item, "newer_than": _newer, "older_than": _older,
    "after": _after, "before": _before, "on": _on,
}  # fmt: skip
"""Every search word and what it means, but for `rule:`, which asks the texts of the rule files too."""

_EXAMPLES = {"": "printer", "from": "anna@example.com", "domain": "example.com", "to": "help@example.com",
             "subject": "printer", "outcome": "held", "code": "gate.dmarc", "mailbox": "system",
             "workspace": "support", "by": "gate", "item": "4711", "rule": "printer", "newer_than": "7d",
             "older_than": "1y", "after": "2026-05-03", "before": "2026-05-03", "on": "tue"}  # fmt: skip

WORDS = (*_EXAMPLES,)
"""The words that there are, "" among them."""
