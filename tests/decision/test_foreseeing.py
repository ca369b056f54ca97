"""What a mail will make its decision ask, told from the mail alone."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from deciding import NOW

from engine.decision import tokens
from engine.decision.foreseeing import foreseen
from engine.mail.parse import parse
from engine.model.mail import Origin, RawMail
from engine.model.questions import AccountOf, EarlierMail, ItemByMessageIds, ItemByNumber, SenderRate
from engine.run.engine import Engine
from engine.run.process import process


def raw(header: str = "", sender: str = "anna@example.com") -> RawMail:
    text = f"From: {sender}\r\nTo: help@example.com\r\nSubject: Printer\r\n{header}\r\nHello\r\n".encode()
    return RawMail(text, Origin("system", header or "1", len(text)), NOW, sha256(text).hexdigest())


def ours(engine: Engine, item: int = 12) -> str:
    """The header of an answer to a letter of ours about an item."""
    return f"In-Reply-To: {tokens.message_id('1', item, engine.config.instance.secret(), 'desk.example')}\r\n"


def asked(engine: Engine, mail: RawMail) -> dict[type, Any]:
    read = parse(mail, engine.config.settings("").limits)
    return {type(each): each for each in foreseen(read, engine.config, "system")}


def test_a_new_mail_asks_for_its_sender_their_rate_and_an_earlier_mail(engine: Engine) -> None:
    assert set(asked(engine, raw())) == {AccountOf, SenderRate, EarlierMail}
    assert set(asked(engine, raw(sender=""))) == {EarlierMail}


def test_an_answer_asks_for_its_conversation_and_one_to_a_letter_of_ours_for_the_item(engine: Engine) -> None:
    told = asked(engine, raw("In-Reply-To: <a@x.example>\r\n"))
    assert told[ItemByMessageIds].message_ids == ("<a@x.example>",) and ItemByNumber not in told
    assert asked(engine, raw(ours(engine)))[ItemByNumber].item == 12


def test_where_nothing_was_ever_signed_nothing_is_ours(engine: Engine) -> None:
    signed = f"In-Reply-To: {tokens.message_id('1', 12, b'', 'desk.example')}\r\n"
    assert ItemByNumber not in asked(engine, raw(signed))


@pytest.mark.parametrize("header", ["", "In-Reply-To: <a@x.example>\r\n", "ours"])
def test_whatever_is_foreseen_is_asked(engine: Engine, header: str) -> None:
    """A guess that never comes true costs each mail a row for nothing. An earlier mail is asked for of one place."""
    (made,) = process(engine, engine.store.ledger.spool([raw("X-First: yes\r\n")], "a"), NOW)
    assert made.receipt is not None
    mail = raw(ours(engine, made.receipt.item) if header == "ours" else header)
    (case,) = engine.decide(engine.store.ledger.spool([mail], "a"))
    names = {type(question) for question in case.look.answers}
    assert set(asked(engine, mail)) <= names
