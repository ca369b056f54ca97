"""The conservation law: what must be true of mails, ledger, folders and outgoing mail whatever happened on the way.

Here: `Case` (what was injected and how each mail has to end) and `conserved`. Not here: what happens on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import databases

from engine.model.place import Where

TERMINAL = {"created": "done", "comment": "done", "note": "done", "held": "held", "rejected": "ignored",
            "discarded": "ignored", "duplicate": "duplicate", "error": "quarantined"}  # fmt: skip

TABLES = ("inbound", "raw_mail", "presentation", "item", "comment", "receipt", "effect", "event", "outbox")


@dataclass
class Case:
    """Mails by their bytes: the mailbox they came to and the outcome they have to have."""

    database: Where
    mails: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return databases.rows(self.database, sql, *params)

    def snapshot(self) -> list[tuple[Any, ...]]:
        """All rows that mail makes."""
        return [row for table in TABLES for row in self.rows(f"SELECT * FROM {table} ORDER BY 1, 2")]  # noqa: S608

    def add(self, mailbox: str, content: bytes, outcome: str) -> bytes:
        self.mails[mailbox, content] = outcome
        return content


def conserved(
    case: Case,
    folders: Callable[[str], Iterable[tuple[str, bytes]]],
    wanted: dict[tuple[str, str], str | None] | None = None,
    sent: Sequence[tuple[str, str, bytes]] = (),
    crashed: bool = True,
) -> None:
    """Assert the law. `folders` lists (folder, bytes) of a mailbox, `wanted` maps mailbox and outcome to a folder."""
    rows = case.rows
    ledger = rows(
        "SELECT mailbox.name, content, state, receipt.outcome, inbound.owner, generation FROM inbound "
        "JOIN mailbox ON mailbox.id = mailbox_id JOIN raw_mail ON raw_mail.id = raw_id "
        "LEFT JOIN receipt USING (generation) WHERE receipt.inbound_id = inbound.id OR receipt.id IS NULL"
    )  # fmt: skip
    assert {(name, bytes(content)): outcome for name, content, _, outcome, *_ in ledger} == case.mails
    assert rows("SELECT count(*) FROM inbound") == rows("SELECT count(*) FROM receipt") == [(len(case.mails),)]
    assert [(name, state) for name, _, state, outcome, *_ in ledger if TERMINAL[outcome] != state] == []
    assert [row for row in ledger if row[4] is not None] == [], "a claim was left behind"
    assert rows("SELECT name FROM mailbox WHERE lease_owner <> ''") == [], "a lease was left behind"
    ends = Counter(case.mails.values())
    assert rows("SELECT count(*) FROM item") == [(ends["created"],)]
    assert rows("SELECT count(*) FROM comment") == [(ends["comment"] + ends["note"],)]
    assert {state for (state,) in rows("SELECT action_state FROM presentation")} <= {"none", "done", "gone"}
    _in_folders(case, folders, wanted or {})
    _sent(case, sent, crashed)


def _in_folders(
    case: Case, folders: Callable[[str], Iterable[tuple[str, bytes]]], wanted: dict[tuple[str, str], str | None]
) -> None:
    """Each mail in exactly one folder, and in the right one."""
    for mailbox in {name for name, _ in case.mails}:
        there = sorted((content, folder) for folder, content in folders(mailbox))
        assert there == sorted(
            (content, wanted.get((name, outcome), "")) for (name, content), outcome in case.mails.items()
            if name == mailbox and wanted.get((name, outcome), "") is not None
        )  # fmt: skip


def _sent(case: Case, sent: Sequence[tuple[str, str, bytes]], crashed: bool) -> None:
    """Who is considered has one row for each occasion: automatic mail went out once at most, other mail once at least.

    What is not sent says why, and never went out.
    """
    rows = case.rows("SELECT dedupe, message_id, class, event, state, why FROM outbox")
    assert len({row[0] for row in rows}) == len(rows)
    sends = Counter(message_id for _, message_id, _ in sent)
    assert set(sends) <= {row[1] for row in rows}, "something went out that no row knows"
    for _, message_id, kind, event, state, why in rows:
        assert bool(why) == (state == "suppressed")
        if why:
            assert not sends[message_id], f"{kind} about {event} went out though {why}"
        elif not sent:
            continue
        elif kind == "auto":
            assert sends[message_id] <= 1, f"{kind} about {event} went out twice"
            assert state == ("sent" if sends[message_id] and not crashed else state)
            assert state in (("sent", "unknown") if crashed else ("sent",))
        else:
            assert state == "sent" and 1 <= sends[message_id] <= 2
