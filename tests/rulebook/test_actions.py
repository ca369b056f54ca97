"""The vocabulary: every field reads what it says, and every word is in the documentation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import ANNA, NOW, answers, config, facts, item, mail, proven
from msgspec.structs import replace

from engine.model.facts import Auto, Automatic, Bounce, Cut, Facts, Sender
from engine.model.gates import SKIPPABLE
from engine.model.mail import Address, Envelope, Mail
from engine.rulebook.actions import ACTIONS, Vocabulary, settings
from engine.rulebook.sight import FIELDS, KEYED
from rules.parse import ACTIONS as GRAMMAR_ACTIONS
from rules.parse import parse_action
from rules.schema import DAYS, Type

DOCS = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
VOCABULARY = Vocabulary(config('[instance]\ntimezone = "Europe/Berlin"\n'))


def value(name: str, about: Mail | None = None, known: Facts | None = None, key: str | None = None) -> Any:
    about = about or mail()
    field = VOCABULARY.schema.field(name, key)
    assert field is not None, name
    return VOCABULARY.values(about, known or facts(about))[field.name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("from", "Jane@BigCorp.example"),
        ("from.name", "Jane Doe"),
        ("from.local", "Jane"),
        ("from.domain", "bigcorp.example"),
        ("to", ("help@example.com", "anna@example.com")),
        ("cc", ("bob@example.com",)),
        ("delivered_to", ("in@example.com",)),
        ("reply_to", "other@x.example"),
        ("reply_to.domain", "x.example"),
        ("subject", "AW: Re[2]: [support #7] Printer"),
        ("subject.clean", "Printer"),
        ("message_id", "<m1@bigcorp.example>"),
        ("attachments", True),
        ("attachments.count", 2),
        ("attachments.name", ("a.txt", "b.pdf")),
        ("attachments.total", 11),
        ("mailbox", "system"),
        ("workspace", ""),
        ("thread.item", None),
        ("thread.found", False),
        ("auto", False),
        ("sender.known", True),
        ("sender.login", "jane"),
        ("sender.groups", ("customers",)),
        ("lang", "en"),
        ("received.time", 11 * 60 + 31),
        ("received.weekday", DAYS.index("fri")),
        ("encrypted", False),
        ("invite", False),
    ],
)
def test_fields_of_an_ordinary_mail(name: str, expected: Any) -> None:
    about = mail(
        "Hello", "AW: Re[2]: [support #7] Printer", "Jane Doe <Jane@BigCorp.example>",
        "help@example.com, anna@example.com",
        headers=[("Cc", "bob@example.com"), ("Delivered-To", "in@example.com"), ("Reply-To", "<other@x.example>")],
        attachments=[("a.txt", "text/plain", b"12345"), ("b.pdf", "application/pdf", b"%PDF-1")],
    )  # fmt: skip
    assert value(name, about) == expected


def test_recipients_are_everybody_the_mail_was_for() -> None:
    about = mail(headers=[("Cc", "cc@x.example"), ("Envelope-To", "HELP@example.com")])
    received = "from a by b for <alias@example.com>; Fri, 20 Nov 2026 10:30:00 +0000"
    about = replace(
        about,
        headers=(replace(about.headers[0], name="Received", value=received), *about.headers),
        raw=replace(about.raw, envelope=Envelope("", ("rcpt@example.com",))),
    )
    assert [address.lower() for address in value("recipients", about)] == [
        "help@example.com", "cc@x.example", "rcpt@example.com", "alias@example.com",
    ]  # fmt: skip


def test_the_body_is_what_the_sender_wrote_now() -> None:
    about = mail("new\n> old")
    known = facts(about, cut=Cut("new", "> old"))
    assert value("body", about, known) == "new"
    assert value("body.full", about, known).startswith("new\n> old")
    assert value("text", about, known) == "Printer\nnew"


def test_thread_fields_speak_of_the_item_answered() -> None:
    about = mail()
    closed = item(
        7, status="Closed", closed=True, closed_at=NOW - timedelta(days=40), changed_at=NOW - timedelta(hours=2),
        fields=(("Order number", "4711"), ("Tags", ("a", "b"))),
    )  # fmt: skip
    known = facts(about, thread=answers(closed, by="subject"))
    expected = {"thread.item": 7, "thread.found": True, "thread.closed": True, "thread.by": "subject",
                "thread.status": "Closed", "thread.workspace": "support", "thread.closed_for": 40 * 86400.0,
                "thread.idle_for": 7200.0}  # fmt: skip
    assert {name: value(name, about, known) for name in expected} == expected
    assert value("item", about, known, "order NUMBER") == ("4711",)
    assert value("item", about, known, "Tags") == ("a", "b")
    assert value("item", about, facts(about), "Tags") == ()


def test_what_servers_and_programs_wrote() -> None:
    about = mail(headers=[("X-Spam-Flag", "YES"), ("x-spam-flag", "no")])
    known = facts(
        about, authentication=proven("fail"), automatic=Automatic(Auto.BOUNCE, "DSN"), bounce=Bounce(), plus="billing",
        spam_score=7.5, spam_flag=True, sender_mails_last_hour=21,
    )  # fmt: skip
    expected = {"auth.dmarc": "fail", "auth.spf": "pass", "auth.arc": "none", "auto": True, "auto.bounce": True,
                "auto.reply": False, "auto.reason": "DSN", "plus": "billing", "spam.score": 7.5, "spam.flag": True,
                "sender.mails_last_hour": 21}  # fmt: skip
    assert {name: value(name, about, known) for name in expected} == expected
    assert value("headers", about, known, "X-SPAM-FLAG") == ("YES", "no")


def test_an_absent_sender_is_nobody() -> None:
    about = mail(sender="")
    known = facts(about, None, sender=Sender(Address("")))
    assert not value("from", about, known)
    assert value("sender.login", about, known) is None
    assert value("envelope.from", about, known) is None


def test_signed_invited_encrypted() -> None:
    assert value("signed", mail(attachments=[("s.asc", "application/pgp-signature", b"x")]))
    assert value("invite", mail(attachments=[("i.ics", "text/calendar", b"BEGIN:VCALENDAR")]))
    assert value("encrypted", mail("-----BEGIN PGP MESSAGE-----\nabc"))
    assert not value("signed")


def test_dates_are_in_the_zone_of_the_instance() -> None:
    assert value("received").isoformat() == "2026-11-20T11:31:00+01:00"
    assert value("date").astimezone(UTC) == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


def test_every_field_reads_an_empty_mail_without_raising() -> None:
    about = replace(mail(), from_=(), to=(), subject="", text="", headers=(), date=None)
    values = VOCABULARY.values(about, Facts("system"))
    for field in FIELDS:
        values[field.name]
    for make in KEYED.values():
        assert VOCABULARY.values(about, Facts("system")) is not None and make("x").name


def test_every_field_has_the_type_it_claims() -> None:
    about = mail(
        attachments=[("a.txt", "text/plain", b"1")], headers=[("Reply-To", "a@b.example"), ("Cc", "c@d.example")]
    )
    known = facts(about, ANNA, thread=answers(item(closed=True, closed_at=NOW, changed_at=NOW)), spam_score=1.0)
    kinds: dict[Type, type | tuple[type, ...]] = {
        Type.ADDRESS: str, Type.TEXT: str, Type.CHOICE: str, Type.ADDRESSES: tuple, Type.TEXTS: tuple,
        Type.NUMBER: (int, float), Type.SIZE: int, Type.DURATION: (int, float), Type.DATE: datetime, Type.TIME: int,
        Type.DAY: int, Type.YESNO: bool, Type.ITEM: int,
    }  # fmt: skip
    values = VOCABULARY.values(about, known)
    for field in FIELDS:
        assert values[field.name] is None or isinstance(values[field.name], kinds[field.type]), field.name


def test_every_action_is_in_the_grammar_and_its_sentence_is_one() -> None:
    assert sorted(each.name for each in ACTIONS) == sorted(GRAMMAR_ACTIONS)
    for each in ACTIONS:
        assert parse_action(each.sentence).name == each.name


def test_every_word_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    fields = [each.name for each in FIELDS if f"`{each.name}`" not in text]
    actions = [each.sentence for each in ACTIONS if f"`{each.sentence}`" not in text]
    fields += [each.name for each in settings() if f"`{each.name}`" not in text]
    gates = [gate for gate in SKIPPABLE if f"`{gate}`" not in text]
    assert (fields, actions, gates) == ([], [], [])


def test_every_code_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    bad = Path(__file__).resolve().parents[1] / "bad_rules"
    codes = {path.stem.split("_")[0] for path in bad.glob("*.toml")} | {"W470"}
    assert sorted(code for code in codes if f"`{code}`" not in text) == []


def test_example_conditions_load() -> None:
    from rules.load import Source, load_file

    for field in FIELDS:
        if field.example:
            text = f"[[rule]]\nname = 'x'\nwhen = '''{field.example}'''\nthen = ['stop']\n"
            assert load_file(Source("x", text), VOCABULARY.schema)[1] == (), field.example
