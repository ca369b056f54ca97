"""Mails of ours that come back: known by their signed Message-ID, told to who can act, and the address is spared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manned import NUMBERS, an_engine, by, read

from engine.desk import items
from engine.run.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    for made in an_engine(tmp_path):
        items.assign(made, 12, "bob", by(made, "anna"))
        yield made


def report(message_id: str, status: str = "5.1.1", action: str = "failed") -> str:
    return f"""From: Mail Delivery System <mailer-daemon@mx.example.com>
To: help@example.com
Subject: Undelivered Mail Returned to Sender {next(NUMBERS)}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; jane@big.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user
--b
Content-Type: message/rfc822

From: help@example.com
To: jane@big.example
Subject: Re: [#12] Printer broken
Message-ID: {message_id}

Hello
--b--
"""


def answered(engine: Engine) -> Any:
    """An answer to jane: its row."""
    (row,) = [each for each in items.answer(engine, 12, "Hello", by(engine, "anna")).told if not each.inside]
    return row


def row_of(engine: Engine, number: int) -> Any:
    return next(each for each in engine.store.outbox.told(item=12) if each.id == number)


def suspended(engine: Engine) -> list[str]:
    return [
        key for (key,) in engine.store.database.rows("SELECT address_key FROM address_state WHERE suspended_at > 0")
    ]


def test_a_report_is_matched_to_the_row_it_is_about_and_the_assignee_hears(engine: Engine) -> None:
    sent = answered(engine)
    read(engine, report(sent.message_id), "")
    assert (row_of(engine, sent.id).state, row_of(engine, sent.id).said) == ("bounced", "550 5.1.1 no such user")
    assert engine.store.items.history(12)[-1].name in ("mail.undeliverable", "mail.discarded")
    told = {each.to: each.state for each in engine.store.outbox.told(item=12) if each.event == "mail.undeliverable"}
    assert told == {"bob@example.com": "queued"}


def test_three_reports_of_one_row_are_one_event(engine: Engine) -> None:
    sent = answered(engine)
    for _ in range(3):
        read(engine, report(sent.message_id), "")
    names = [each.name for each in engine.store.items.history(12)]
    assert names.count("mail.undeliverable") == 1
    assert suspended(engine) == []


def test_a_message_id_that_is_not_ours_changes_nothing(engine: Engine) -> None:
    sent = answered(engine)
    forged = sent.message_id.replace(".i12.", ".i13.")
    for message_id in (forged, "<anything@example.com>"):
        read(engine, report(message_id), "")
    assert row_of(engine, sent.id).state == "queued"
    assert "mail.undeliverable" not in [each.name for each in engine.store.items.history(12)]


def test_a_mail_that_is_only_late_did_not_come_back(engine: Engine) -> None:
    sent = answered(engine)
    read(engine, report(sent.message_id, "4.4.7", "delayed"), "")
    assert row_of(engine, sent.id).state == "queued"


def test_an_address_that_refuses_three_times_takes_no_more_until_it_writes(engine: Engine) -> None:
    for _ in range(3):
        read(engine, report(answered(engine).message_id), "")
    assert suspended(engine) == ["jane@big.example"]
    acted = items.answer(engine, 12, "Hello?", by(engine, "anna", anyway=True))
    assert {each.to: each.why for each in acted.told if not each.inside} == {"jane@big.example": "suspended"}
    read(engine, "From: Jane Doe <jane@big.example>\nTo: help@example.com\nSubject: I am back\n\nHello\n")
    assert suspended(engine) == []
    assert not [each for each in items.answer(engine, 12, "Hello!", by(engine, "anna")).told if each.why == "suspended"]


def test_a_mailbox_that_is_full_spares_no_address(engine: Engine) -> None:
    for _ in range(4):
        read(engine, report(answered(engine).message_id, "5.2.2"), "")
    assert suspended(engine) == []
