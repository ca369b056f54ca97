"""The lists in mails that tell of many things: what is held, what a digest carries, the mails of a report.

Here: their entries, as plain text. Not here: the other values of a mail (`values.py`), when it goes (`run/digests.py`),
which rows it carries (`store/carrying.py`). Invariant: a list is bounded and says how much of it is missing; an entry
tells its reader no more than the mail by itself would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.model.events import Why
from engine.outbox.plain import SUBJECT_CHARS, one_line
from engine.wording.units import spanned
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.model.stored import MailRow, OutboxContext, OutboxLine, OutboxRow
    from engine.store.store import Store

MOST_MAILS, MOST_ENTRIES = 50, 100
"""Mails that are listed, and things that happened."""

WORDS_CHARS = 300
"""Characters of the words of an entry."""

MOST_READ = 10_000

Values = dict[str, object]


def held(workspace: str, store: Store, mailboxes: Sequence[str], now: datetime) -> Values:
    """Give what waits for a person in a workspace: mails that are held or failed, those of `mailboxes` that wait, ours.

    The oldest first.
    """
    mails = [row for row in store.archive.held(limit=MOST_READ) if row.workspace == workspace]
    mails += [row for row in store.archive.waiting(MOST_READ) if row.mailbox in mailboxes]
    ours, _ = store.outbox_views.lines("state:held", limit=MOST_READ)
    waits = [(row.received_at, _mail(row, now)) for row in mails]
    waits += [(line.created_at, _of_ours(line, now)) for line in ours if line.workspace == workspace]
    entries = [entry for _, entry in sorted(waits, key=lambda each: each[0])]
    return {"mails": entries[:MOST_MAILS], "number": len(entries), "more": max(len(entries) - MOST_MAILS, 0)}


def reported(row: OutboxRow, store: Store, now: datetime) -> Values:
    """Give the mails that a report tells of, which were too many for one each."""
    mails = [store.archive.find_mail(store.outbox.row(number).mail) for number in row.told.collected[:MOST_MAILS]]
    number = len(row.told.collected)
    return {"mails": [_mail(each, now) for each in mails if each is not None], "number": number,
            "more": max(number - MOST_MAILS, 0)}  # fmt: skip


def happened(
    row: OutboxRow, store: Store, values_of: Callable[[OutboxRow, OutboxContext], Values],
    may_read: Callable[[OutboxRow, OutboxContext], bool],
) -> Values:  # fmt: skip
    """Give what a digest carries, item by item; `values_of` gives what a mail about one row would say.

    What is gone meanwhile, or not for them any more, is left out.
    """
    entries: dict[tuple[int, int], list[Values]] = {}
    for number in row.told.collected[:MOST_ENTRIES]:
        each = store.outbox.row(number)
        about = store.outbox.context(each)
        told_last = each.event == "item.deleted"  # then nothing is left, and that is what is told
        there = (not each.item or about.item or told_last) and (not each.topic or about.topic)
        if there and may_read(each, about):
            entries.setdefault((each.item, each.topic), []).append(_entry(values_of(each, about)))
    listed = [entry for group in entries.values() for entry in group]
    more = max(len(row.told.collected) - MOST_ENTRIES, 0)
    return {"entries": listed, "number": len(listed) + more, "more": more}


def _entry(said: Values) -> Values:
    changes = said["changes"]
    told = [f"{each['name']}: {each['before'] or '–'} → {each['after'] or '–'}" for each in changes]  # type: ignore[attr-defined]
    text = one_line(str(said["text"]), WORDS_CHARS + 1)
    return {
        "at": said["at"], "marker": said["marker"], "title": said["title"], "url": said["url"],
        "sentence": said["sentence"], "changes": "; ".join(told),
        "text": text if len(text) <= WORDS_CHARS else text[: WORDS_CHARS - 1].rstrip() + "…",
    }  # fmt: skip


def _mail(row: MailRow, now: datetime) -> Values:
    return {
        "id": row.mail[:8],
        "sender": one_line(row.sender, 80),
        "subject": one_line(row.subject, 80),
        "code": row.code,
        "reason": one_line(row.because or row.error, 200),
        "since": _since(row.received_at, now),
    }


def _of_ours(line: OutboxLine, now: datetime) -> Values:
    """A row of the outbox that is held, beside mails: its number takes the place of the id."""
    about = f"#{line.item} {line.title}" if line.item else line.title
    return {
        "id": str(line.id),
        "sender": one_line(line.to, 80),
        "subject": one_line(about, 80),
        "code": line.why,
        "reason": one_line(why_not(Why(line.why), line.said) if line.why else line.said, SUBJECT_CHARS),
        "since": _since(line.created_at, now),
    }


def _since(at: datetime, now: datetime) -> str:
    seconds = int((now - at).total_seconds())
    return spanned(seconds // 3600 * 3600 if seconds >= 3600 else max(seconds // 60, 1) * 60)
