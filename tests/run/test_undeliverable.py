"""Mails of ours that do not arrive: told to who can act, and the address is spared.

A report of another server is known by the signed Message-ID in it; a server that refuses says it to our face.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from manned import CONFIG, DATA, NUMBERS, an_engine, by, composed, read

from engine.desk import items
from engine.outbox.deliver import Delivered, deliver
from engine.run.engine import Engine
from engine.store.load import load as load_data


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
    """An answer to jane that was composed: its row."""
    (row,) = [each for each in items.answer(engine, 12, "Hello", by(engine, "anna")).told if not each.inside]
    composed(engine, row.id)
    return row_of(engine, row.id)


def row_of(engine: Engine, number: int) -> Any:
    return next(each for each in engine.store.outbox.told(item=12) if each.id == number)


def told(engine: Engine) -> Counter[str]:
    """How often everybody was told that something did not arrive."""
    return Counter([each.to for each in engine.store.outbox.told(item=12) if each.event == "mail.undeliverable"])


def happened(engine: Engine) -> int:
    return [each.name for each in engine.store.history.of_item(12)].count("mail.undeliverable")


def suspended(engine: Engine) -> list[str]:
    return [
        key for (key,) in engine.store.database.rows("SELECT address_key FROM address_state WHERE suspended_at > 0")
    ]


def test_a_report_is_matched_to_the_row_it_is_about_and_the_assignee_hears(engine: Engine) -> None:
    sent = answered(engine)
    read(engine, report(sent.message_id), "")
    assert (row_of(engine, sent.id).state, row_of(engine, sent.id).said) == ("bounced", "550 5.1.1 no such user")
    assert engine.store.history.of_item(12)[-1].name in ("mail.undeliverable", "mail.discarded")
    assert told(engine) == {"bob@example.com": 1, "anna@example.com": 1}, "who is assigned, and who answered"


def test_three_reports_of_one_row_are_one_event(engine: Engine) -> None:
    sent = answered(engine)
    for _ in range(3):
        read(engine, report(sent.message_id), "")
    names = [each.name for each in engine.store.history.of_item(12)]
    assert names.count("mail.undeliverable") == 1
    assert suspended(engine) == []


def test_a_message_id_that_is_not_ours_changes_nothing(engine: Engine) -> None:
    sent = answered(engine)
    forged = sent.message_id.replace(".i12.", ".i13.")
    for message_id in (forged, "<anything@example.com>"):
        read(engine, report(message_id), "")
    assert row_of(engine, sent.id).state == "queued"
    assert "mail.undeliverable" not in [each.name for each in engine.store.history.of_item(12)]


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


# ── refused to our face ───────────────────────────────────────────────────────────────────────────────────────────

Refusing = Callable[..., Engine]

NO_SUCH = "550 5.1.1 no such user"


@pytest.fixture
def refusing(tmp_path: Path, sink: Any) -> Iterator[Refusing]:
    """Make the engine above, with a server that says something to jane's address, or to what stands in a line."""
    made: list[Iterator[Engine]] = []

    def making(reply: str, to: str = "JANE@") -> Engine:
        server = sink(refuses={to.encode(): reply})
        reached = f'host = "127.0.0.1"\nport = {server.port}\nssl = false'
        made.append(an_engine(tmp_path, CONFIG.replace('host = "smtp.example.com"', reached)))
        engine = next(made[-1])
        items.assign(engine, 12, "bob", by(engine, "anna"))
        return engine

    yield making
    for each in made:
        next(each, None)


def out(engine: Engine, **later: float) -> Delivered:
    return deliver(engine.store, engine.config, 100, lambda: datetime.now(UTC) + timedelta(**later))


def test_a_refusal_for_good_is_told_to_who_is_assigned_and_who_answered(refusing: Refusing) -> None:
    engine = refusing(NO_SUCH)
    sent = answered(engine)
    out(engine)
    assert (row_of(engine, sent.id).state, row_of(engine, sent.id).said) == ("failed", NO_SUCH)
    assert told(engine) == {"bob@example.com": 1, "anna@example.com": 1}
    (event,) = [each for each in engine.store.history.of_item(12) if each.name == "mail.undeliverable"]
    assert [(each.name, each.after) for each in event.changes] == [("jane@big.example", NO_SUCH)]
    assert {each.state for each in engine.store.outbox.told(item=12) if each.event == "mail.undeliverable"} == {"sent"}


def test_what_is_refused_is_told_once_of_an_address_an_item_and_a_day(refusing: Refusing) -> None:
    engine = refusing("550 no")
    for _ in range(3):
        answered(engine)
        out(engine)
    assert happened(engine) == 1 and set(told(engine).values()) == {1}
    read(engine, report(answered(engine).message_id), "")
    assert happened(engine) == 1, "by whichever way it is known"
    engine.store.database.clock = lambda: datetime.now(UTC) + timedelta(days=1)
    answered(engine)
    out(engine, days=1)
    assert happened(engine) == 2 and set(told(engine).values()) == {2}


def test_what_was_tried_too_long_is_told_like_a_refusal(refusing: Refusing) -> None:
    engine = refusing("451 4.7.1 greylisted")
    sent = answered(engine)
    out(engine)
    assert (row_of(engine, sent.id).state, happened(engine)) == ("queued", 0)
    out(engine, days=6)
    assert (row_of(engine, sent.id).state, happened(engine)) == ("failed", 1)
    assert told(engine) == {"bob@example.com": 1, "anna@example.com": 1}


def test_what_waited_too_long_for_a_server_that_is_away_is_told_when_it_is_back(refusing: Refusing) -> None:
    engine = refusing("421 closing", to="RCPT")
    sent = answered(engine)
    assert out(engine).away
    engine.store.database.clock = lambda: datetime.now(UTC) + timedelta(days=6)
    assert out(engine, days=6).away
    assert row_of(engine, sent.id).state == "failed"
    rows = [each for each in engine.store.outbox.told(item=12) if each.event == "mail.undeliverable"]
    assert {each.to: each.state for each in rows} == {"bob@example.com": "queued", "anna@example.com": "queued"}


def test_notices_that_an_outage_lost_are_told_once_and_answers_each(refusing: Refusing) -> None:
    engine = refusing("421 closing", to="RCPT")
    lamp = {"workspace": "support", "title": "Lamp", "author": "jane", "status": "New", "priority": "Normal"}
    load_data(engine.store, {**DATA, "items": [{"id": number, **lamp} for number in (13, 14, 15)]})
    for item in (13, 14, 15):
        items.assign(engine, item, "bob", by(engine, "anna"))
        items.answer(engine, item, "Hello", by(engine, "anna"))
    for day in (6, 8):
        engine.store.database.clock = lambda day=day: datetime.now(UTC) + timedelta(days=day)  # type: ignore[misc]
        assert out(engine, days=day).away
        items.note(engine, 13, f"Day {day}", by(engine, "anna"))
    events = engine.store.history.events("event:mail.undeliverable")[0]
    lost = Counter(change.name for each in events for change in each.changes)
    assert lost["jane@big.example"] == 3, "the words of people are told one by one"
    assert sum(lost.values()) == 4


def test_where_nobody_is_assigned_the_owner_hears_of_it(tmp_path: Path) -> None:
    for engine in an_engine(tmp_path, CONFIG + 'owner = "olga@example.com"\n'):
        read(engine, report(answered(engine).message_id), "")
        assert told(engine) == {"olga@example.com": 1, "anna@example.com": 1}


def test_that_the_assignee_is_not_reached_is_told_to_the_owner(tmp_path: Path, sink: Any) -> None:
    server = sink(refuses={b"BOB@": NO_SUCH})
    reached = f'host = "127.0.0.1"\nport = {server.port}\nssl = false'
    config = CONFIG.replace('host = "smtp.example.com"', reached) + 'owner = "olga@example.com"\n'
    for engine in an_engine(tmp_path, config):
        items.assign(engine, 12, "bob", by(engine, "anna"))
        out(engine)
        assert told(engine) == {"olga@example.com": 1, "anna@example.com": 1}


def test_an_automatic_answer_that_is_refused_is_told_to_nobody(refusing: Refusing) -> None:
    engine = refusing(NO_SUCH)
    read(engine, "From: Jane Doe <jane@big.example>\nTo: help@example.com\nSubject: Lamp\n\nIt is dark.\n")
    out(engine)
    ((_, state),) = engine.store.database.rows("SELECT id, state FROM outbox WHERE class = 'auto'")
    assert state == "failed"
    assert engine.store.database.one("SELECT count(*) FROM event WHERE name = 'mail.undeliverable'") == (0,)


def test_that_a_notice_of_it_is_refused_in_turn_is_told_to_nobody(refusing: Refusing) -> None:
    engine = refusing(NO_SUCH, to="RCPT")
    answered(engine)
    for hour in range(5):
        out(engine, hours=hour)
    of_jane = [each for each in engine.store.history.of_item(12) if each.name == "mail.undeliverable"
               and each.changes[0].name == "jane@big.example"]  # fmt: skip
    assert len(of_jane) == 1
    rows = [each for each in engine.store.outbox.told(item=12) if each.event == "mail.undeliverable"]
    assert {each.state for each in rows} == {"failed"}
    assert happened(engine) <= 3, "of each address that was told of the item at first, once"


def test_an_address_that_a_server_refuses_three_times_takes_no_more(refusing: Refusing) -> None:
    engine = refusing(NO_SUCH)
    for _ in range(2):
        answered(engine)
        out(engine)
    assert suspended(engine) == []
    read(engine, report(answered(engine).message_id), "")
    assert suspended(engine) == ["jane@big.example"], "reports and refusals count alike"


@pytest.mark.parametrize("reply", ["550 5.7.1 relaying denied", "550 5.1.8 no such sender", "552 5.2.2 full", "550 no"])
def test_what_is_not_about_the_address_spares_none(refusing: Refusing, reply: str) -> None:
    engine = refusing(reply)
    for day in range(4):
        answered(engine)
        out(engine, days=10 * day)
    assert suspended(engine) == []
