"""Every kind of mail that we send about an item, answered by every kind of mail program, finds its item."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import builders
import pytest
from manned import CONFIG, an_engine, by, read
from outbox.test_round_trip import CLIENTS
from run.test_undeliverable import report

from engine.decision.facts import gather
from engine.desk import items
from engine.mail.parse import parse
from engine.model.draft import Role
from engine.model.facts import Facts
from engine.outbox.deliver import deliver
from engine.run.engine import Engine

EVENTS = (
    "item.answered", "item.commented", "item.noted", "item.assigned", "item.closed", "item.reopened", "item.changed",
    "mail.undeliverable",
)  # fmt: skip


@pytest.fixture
def server(sink: Any) -> Any:
    return sink()


@pytest.fixture
def engine(tmp_path: Path, server: Any) -> Iterator[Engine]:
    """The engine of `manned.py`, which sends by that server and lets everybody write."""
    reached = f'host = "127.0.0.1"\nport = {server.port}\nssl = false'
    config = (
        CONFIG.replace('host = "smtp.example.com"', reached)
        + '[replies]\nnew_comment = "comment_ack"\n[people]\nno_permission_check = true\n'
    )
    yield from an_engine(tmp_path, config)


def everything(engine: Engine, server: Any) -> dict[tuple[str, str], Any]:
    """Let everything happen; gives the mails by the event and kind of their row."""
    anna, bob = by(engine, "anna"), by(engine, "bob")
    items.assign(engine, 12, "bob", anna)
    items.join(engine, 12, "anna", Role.WATCHER, bob)
    sent = [row for row in items.answer(engine, 12, "It is on its way.", bob).told if not row.inside]
    deliver(engine.store, engine.config, 100)
    made = engine.store.outbox.row(sent[0].id).message_id
    answer = next(taken for taken in server.taken if taken.message_id == made)
    read(engine, f"From: jane@big.example\nTo: help@example.com\nIn-Reply-To: {answer.message_id}\n"
                 "Message-ID: <c1@big.example>\nSubject: Re: x\n\nThank you.\n")  # fmt: skip
    items.note(engine, 12, "She never pays.", bob)
    items.set_values(engine, 12, [("priority", "High")], anna)
    items.close(engine, 12, bob)
    items.reopen(engine, 12, bob)
    read(engine, report(made), "")
    read(engine, "From: jane@big.example\nTo: help@example.com\nMessage-ID: <n1@big.example>\nSubject: Lamp\n\nDark.\n")
    deliver(engine.store, engine.config, 100)
    found = {}
    for taken in server.taken:
        row = engine.store.database.one("SELECT event, class, item FROM outbox WHERE message_id = ?", taken.message_id)
        mail = email.message_from_bytes(taken.content, policy=email.policy.default)
        found[row[0], row[1]] = (taken.recipient, row[2], mail)
    return found


def facts(engine: Engine, raw: str) -> Facts:
    mail = builders.raw(raw)
    return gather(parse(mail), engine.config, "system", engine.look(mail))


def test_F106_every_mail_of_ours_is_found_again_in_what_every_program_makes_of_it(engine: Engine, server: Any) -> None:
    mails = everything(engine, server)
    assert {event for event, _ in mails} == {*EVENTS, "item.created"}
    assert {kind for _, kind in mails} == {"auto", "notice", "answer"}
    for kind, (who, item, mail) in mails.items():
        for client, shape in CLIENTS.items():
            head = f"From: {who}\nMessage-ID: <r1@x.example>\n"
            thread = facts(engine, head + shape(mail)).thread
            assert thread.item is not None and (thread.item.id, thread.proven) == (item, True), (kind, client)
            assert thread.private == (kind[0] == "item.noted"), (kind, client)
        bare = f"From: {who}\nTo: help@example.com\nSubject: Re: {mail['Subject']}\n\nThanks!\n"
        thread = facts(engine, bare).thread
        assert thread.item is not None and (thread.item.id, thread.proven) == (item, False), kind
