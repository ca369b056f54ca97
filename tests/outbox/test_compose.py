"""From data to bytes: exactly what was meant."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.decision import tokens
from engine.model.plan import SendMail
from engine.outbox.compose import Composed, ComposeError, Context, compose
from engine.outbox.templates import Templates

SECRET = b"k" * 32
TEMPLATES = Templates(None)
ACK = SendMail("ack", "ack", ("jane@bigcorp.example",), "en")
CONTEXT = Context(
    key="1:1:1:jane",
    sender="Example help desk <help@example.com>",
    secret=SECRET,
    instance="Example help desk",
    item=4711,
    title="Drucker brennt",
    subject="Drucker brennt",
    original_id="<m1@bigcorp.example>",
    references=("<m0@bigcorp.example>",),
    reply_address="support@example.com",
    now=datetime(2026, 11, 20, 10, 31, tzinfo=UTC),
    headers={"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"},
)


def made(mail: SendMail = ACK, **changes: Any) -> tuple[Composed, Any]:
    composed = compose(mail, replace(CONTEXT, **changes), TEMPLATES)
    return composed, email.message_from_bytes(composed.content, policy=email.policy.default)


def test_F142_an_acknowledgement_carries_the_number_and_answers_the_mail() -> None:
    composed, message = made()
    assert message["Subject"] == "[#4711] Drucker brennt"
    assert message["In-Reply-To"] == "<m1@bigcorp.example>"
    assert message["References"].split() == ["<m0@bigcorp.example>", "<m1@bigcorp.example>"]
    assert message["To"] == "jane@bigcorp.example" == composed.recipients[0]
    assert "[#4711]" in message.get_content()


def test_F143_markers_keep_machines_from_answering() -> None:
    composed, message = made()
    assert composed.reverse_path == ""
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Allegra-Loop"] == "Example help desk"
    assert message["Precedence"] == "bulk"


def test_a_notification_has_a_reverse_path_and_says_that_a_machine_wrote_it() -> None:
    composed, message = made(SendMail("notify", "notify", ("anna@example.com",), automatic=False))
    assert composed.reverse_path == "help@example.com"
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_reply_address_carries_a_signed_token() -> None:
    _, message = made()
    address = message["Reply-To"].addresses[0].addr_spec
    assert address.startswith("support+i4711.") and tokens.read(address, SECRET) == 4711


def test_without_tokens_the_reply_address_is_plain() -> None:
    _, message = made(reply_token=False)
    assert message["Reply-To"].addresses[0].addr_spec == "support@example.com"


def test_a_topic_has_tokens_of_its_own() -> None:
    _, message = made(kind="t", message_id="")
    assert tokens.read(message["Reply-To"].addresses[0].addr_spec, SECRET, "t") == 4711
    assert "[msg4711]" in message["Subject"] and "[#" not in message["Subject"]
    assert (message["X-Allegra-Topic"], message["X-Allegra-Item"]) == ("4711", None)


def test_a_message_id_that_nobody_signed_never_goes_out() -> None:
    composed, message = made(message_id="<m-1.1.1.0.abcd@allegra.invalid>")
    assert composed.message_id == message["Message-ID"] == made()[0].message_id
    assert composed.message_id.endswith("@example.com>")


def test_the_same_row_gives_the_same_message_id() -> None:
    assert made()[0].message_id == made(title="other")[0].message_id == made()[1]["Message-ID"]
    assert made(key="2")[0].message_id != made()[0].message_id
    assert tokens.read_message_id(made()[0].message_id, SECRET) == 4711
    assert made(message_id="<kept@example.com>")[0].message_id == "<kept@example.com>"


def test_text_with_accents_and_long_lines_survives() -> None:
    text = "Zeile mit Umlauten äöü\n" + "x" * 3000 + "\n.\n..\nFrom here\n"
    composed, message = made(SendMail("rejected", "rejected", ("jane@bigcorp.example",), text=text))
    assert text.strip() in message.get_content().replace("\r\n", "\n")
    assert all(len(line) <= 998 for line in composed.content.split(b"\r\n"))


def test_F136_a_report_holds_the_original_byte_for_byte() -> None:
    original = b"From: x\r\n\r\n\0\r\xff bare \n lines\n" * 50
    report = SendMail("report", "report", ("it@example.com",), reason="too big", automatic=False)
    _, message = made(report, original=original, trace="route: rule 2\n")
    parts = {part.get_filename(): part for part in message.iter_attachments()}
    assert parts["original.eml"].get_payload(decode=True) == original
    assert parts["trace.txt"].get_content().strip() == b"route: rule 2"
    assert message["Reply-To"] is None


def test_the_name_of_a_person_never_takes_the_address() -> None:
    _, message = made(send_as='Anna "<evil@evil.example>" Berg')
    sender = message["From"].addresses[0]
    assert sender.addr_spec == "help@example.com"
    assert "@" not in sender.display_name and sender.display_name.startswith("Anna")


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example", "<a@b.example>"]
)
def test_what_is_no_single_address_is_not_sent_to(to: str) -> None:
    with pytest.raises(ComposeError):
        made(replace(ACK, to=(to,)))


def test_a_domain_with_accents_is_encoded() -> None:
    assert made(replace(ACK, to=("a@bücher.example",)))[0].recipients == ("a@xn--bcher-kva.example",)


def test_settings_add_headers_but_never_change_ours() -> None:
    _, message = made(
        headers={"X-Team": "one\r\ntwo", "From": "evil@evil.example", "X-Allegra-Loop": "no", "Precedence": ""}
    )
    assert message["X-Team"] == "one two"
    assert message["X-Allegra-Loop"] == "Example help desk"
    assert message["Precedence"] is None
    with pytest.raises(ComposeError):
        made(headers={"X-Bad: y\r\nBcc": "x"})


HOSTILE = st.text(max_size=60) | st.sampled_from(
    ["\r\nBcc: evil@evil.example", "a\r\n.\r\nMAIL FROM:<x>", "\n.\n", "\r.\r\n", "\0", "a\u2028Bcc: x",
     "=?utf-8?q?=0ABcc:?=",
     "\ud800", "x" * 5000, "\x85To: evil@evil.example", "\x0b\x0c\x1c\x1d\x1e", 'Name" <evil@evil.example>,', "\u202e"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.fixed_dictionaries({
    "instance": HOSTILE, "title": HOSTILE, "subject": HOSTILE, "person": HOSTILE, "workspace": HOSTILE,
    "original_id": HOSTILE, "references": st.tuples(HOSTILE, HOSTILE), "send_as": HOSTILE, "message_id": HOSTILE,
    "base_url": HOSTILE, "trace": HOSTILE, "headers": st.dictionaries(st.just("X-Team"), HOSTILE),
}), HOSTILE, HOSTILE, st.sampled_from(["ack", "rejected", "report", "notify"]))  # fmt: skip
def test_G21_no_value_makes_a_header_a_recipient_or_a_second_mail(
    values: dict[str, Any], reason: str, text: str, template: str
) -> None:
    mail = SendMail(
        template, template, ("jane@bigcorp.example",), reason=reason, text=text, automatic=template != "report"
    )
    composed = compose(mail, replace(CONTEXT, **values), TEMPLATES)
    assert composed.recipients == ("jane@bigcorp.example",)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", composed.content)
    head = composed.content.split(b"\r\n\r\n")[0]
    fields = [line.split(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    known = {b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to",
             b"x-allegra-loop", b"x-auto-response-suppress", b"auto-submitted", b"precedence", b"x-allegra-item",
             b"x-team", b"mime-version", b"content-type", b"content-transfer-encoding"}  # fmt: skip
    assert set(fields) <= known and len(fields) == len(set(fields))
    assert b"evil@evil.example" not in head.split(b"Subject:")[0]
