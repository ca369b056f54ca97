"""From a committed decision to the wire and back: the answer to our mail finds its item."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import builders
import pytest

from engine.config import Config, parse
from engine.decision.tokens import message_ids
from engine.mail.parse import parse as parse_mail
from engine.model.draft import Decider, Disposition, Mark, Note, Verdict
from engine.model.plan import CreateItem, Effect, Outcome, Plan, SendMail
from engine.model.trace import StageTrace, Trace, encode
from engine.outbox.deliver import deliver
from engine.store.store import Store

BY = Decider("gate", "dmarc")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:", clock=lambda: builders.NOW) as opened:
        opened.items.put_workspace("support", name="Support")
        opened.directory.put_account("jane", name="Jane Doe", emails=["jane@bigcorp.example"])
        opened.directory.put_account("anna", name="Anna Berg", emails=["anna@example.com"])
        yield opened


def configured(tmp_path: Path, port: int) -> Config:
    return parse(
        "[system.mailbox]\nprotocol='maildir'\npath='m'\naddresses=['help@example.com']\n"
        "[workspace.support.mailbox]\nprotocol='maildir'\npath='s'\naddresses=['support@example.com']\n"
        "[replies]\nonce_per_sender = 0\n"
        f"[smtp]\nhost='127.0.0.1'\nport={port}\nssl=false\nfrom='Help desk <help@example.com>'\nsend_as='user'\n",
        tmp_path / "allegra.toml",
        {},
    )


def commit(store: Store, config: Config, *effects: Effect, outcome: Outcome = Outcome.CREATED) -> None:
    mail = builders.mail(subject="Drücker kaputt", headers=[("References", "<m0@bigcorp.example>")])
    facts = builders.facts(mail)
    (spooled,) = store.ledger.spool([mail.raw], "test/boot/1/1")
    verdict = Verdict.ACCEPT if outcome is Outcome.CREATED else Verdict.HOLD
    plan = Plan(Disposition(verdict, "draft.created", "so", BY), outcome, "support", effects)
    stages = (StageTrace("route", notes=(Note(mark=Mark.STOP, text="rule 2 says hold"),)),)
    trace = encode(Trace("system", facts, stages, plan.disposition))
    with store.writing(), store.savepoint():
        store.commit(spooled, mail, facts, plan, trace, "keep", "", message_ids(config))


ITEM = CreateItem("support", "Drücker kaputt", "Er brennt.", "jane")


def sent(server: Any) -> list[Any]:
    return [email.message_from_bytes(taken.content, policy=email.policy.default) for taken in server.taken]


def test_F106_the_answer_to_an_acknowledgement_finds_its_item(store: Store, sink: Any, tmp_path: Path) -> None:
    from engine.decision.facts import gather
    from engine.run.engine import Engine

    server = sink()
    config = configured(tmp_path, server.port)
    commit(store, config, ITEM, SendMail("ack", "ack", ("jane@bigcorp.example",), "de"))
    assert deliver(store, config, 10, lambda: builders.NOW).sent == 1
    (ack,) = sent(server)
    assert ack["Subject"] == "[#1] Drücker kaputt" and "Guten Tag Jane Doe" in ack.get_content()
    assert ack["In-Reply-To"] == "<m1@bigcorp.example>" and "<m0@bigcorp.example>" in ack["References"]
    assert ack["Reply-To"].addresses[0].addr_spec.startswith("support+i1.")

    to, about = ack["Reply-To"].addresses[0].addr_spec, ack["Message-ID"]
    for headers in (f"To: {to.upper()}", f"To: help@example.com\nIn-Reply-To: {about}"):
        raw = builders.raw(f"From: jane@bigcorp.example\nSubject: Re\n{headers}\n\nDanke\n")
        look = Engine(config, store).look(raw)
        facts = gather(parse_mail(raw), config, "system", look)
        assert facts.thread.item is not None and facts.thread.item.id == 1
        assert (facts.thread.by, facts.thread.proven) == ("token", True)


def test_F136_the_admin_gets_the_original_and_the_trace(store: Store, sink: Any, tmp_path: Path) -> None:
    server = sink()
    config = configured(tmp_path, server.port)
    report = SendMail("report", "report", ("it@example.com",), reason="DMARC failed", automatic=False)
    commit(store, config, report, outcome=Outcome.HELD)
    assert deliver(store, config, 10, lambda: builders.NOW).sent == 1
    (message,) = sent(server)
    parts = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert b"Message-ID: <m1@bigcorp.example>" in parts["original.eml"]
    assert parts["trace.txt"] == b"route: rule 2 says hold"
    assert "DMARC failed" in message.get_body().get_content()


def test_a_forward_holds_the_original_and_nothing_internal(store: Store, sink: Any, tmp_path: Path) -> None:
    server = sink()
    config = configured(tmp_path, server.port)
    commit(store, config, ITEM, SendMail("forward", "forward", ("partner@x.example",), automatic=False))
    deliver(store, config, 10, lambda: builders.NOW)
    (message,) = sent(server)
    assert [part.get_filename() for part in message.iter_attachments()] == ["original.eml"]


def test_a_person_named_by_login_is_told_in_the_name_of_the_sender(store: Store, sink: Any, tmp_path: Path) -> None:
    server = sink()
    config = configured(tmp_path, server.port)
    commit(store, config, ITEM, SendMail("notify", "notify", ("anna",), automatic=False))
    deliver(store, config, 10, lambda: builders.NOW)
    (message,) = sent(server)
    assert message["To"] == "anna@example.com"
    sender = message["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Jane Doe (Help desk)", "help@example.com")
