"""Which mail a machine may answer."""

from __future__ import annotations

import builders
import pytest
from msgspec.structs import replace

from engine.decision.answering import may_answer
from engine.model.facts import Auto, Automatic, Bounce, Sender
from engine.model.mail import Address


def test_ordinary_mail_may_be_answered() -> None:
    mail = builders.mail()
    assert may_answer(mail, builders.facts(mail), builders.config()) == (True, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "auto-replied"),
        ("Auto-Submitted", "auto-generated; x=1"),
        ("Precedence", "bulk"),
        ("Precedence", "LIST"),
        ("List-Id", "<x.example.com>"),
        ("List-Unsubscribe", "<mailto:x@example.com>"),
        ("X-Allegra-Loop", "Another desk"),
        ("X-Auto-Response-Suppress", "DR, AutoReply"),
        ("Return-Path", "<>"),
        ("Reply-To", "allegra@example.com"),
        ("Reply-To", "help+x@example.com"),
        ("Reply-To", "no-reply@bigcorp.example"),
    ],
)
def test_G19_no_machine_is_answered(name: str, value: str) -> None:
    mail = builders.mail(headers=[(name, value)])
    allowed, why = may_answer(mail, builders.facts(mail), builders.config())
    assert not allowed and why


@pytest.mark.parametrize(("name", "value"), [("Auto-Submitted", "no"), ("X-Auto-Response-Suppress", "DR, RN")])
def test_headers_that_only_look_alike_do_no_harm(name: str, value: str) -> None:
    mail = builders.mail(headers=[(name, value)])
    assert may_answer(mail, builders.facts(mail), builders.config())[0]


@pytest.mark.parametrize(
    "sender",
    ["MAILER-DAEMON@mx.example", "noreply@x.example", "do-not-reply@x.example", "postmaster@x.example",
     "owner-list@x.example", "list-request@x.example", "bounce@x.example", "help@example.com", "HELP+i1@example.com"],
)  # fmt: skip
def test_nobody_who_does_not_read_mail_is_answered(sender: str) -> None:
    mail = builders.mail(sender=sender)
    facts = builders.facts(mail, account=None, sender=Sender(Address(sender)))
    assert not may_answer(mail, facts, builders.config())[0]


def test_a_null_reverse_path_is_never_answered() -> None:
    mail = builders.mail(reverse_path="")
    assert may_answer(mail, builders.facts(mail), builders.config()) == (False, "its reverse-path is null")


@pytest.mark.parametrize(
    "known",
    [
        {"automatic": Automatic(Auto.AUTO_REPLY, "subject")},
        {"automatic": Automatic(Auto.BOUNCE, "report")},
        {"bounce": Bounce()},
        {"own_loop": True},
        {"authentication": builders.proven("fail")},
        {"sender": Sender(Address("a@b.example"), problem="two From headers")},
        {"sender": Sender()},
    ],
)
def test_facts_that_forbid_an_answer(known: dict[str, object]) -> None:
    mail = builders.mail()
    assert not may_answer(mail, replace(builders.facts(mail), **known), builders.config())[0]  # type: ignore[arg-type]
