"""From a letter to bytes: exactly what was meant, whatever stands in it."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.events import Kind
from engine.outbox import writing
from engine.outbox.compose import compose
from engine.outbox.letter import Composed, ComposeError, File, Letter
from engine.outbox.names import EMPTY, SAMPLE
from engine.outbox.templates import NAMES, Templates

TEMPLATES = Templates(None)
ROOT = "<abcdefghijklmnop.i4711.abcdefghijklmnop@example.com>"
LETTER = Letter(
    Kind.AUTO, "jane@bigcorp.example", "help@example.com", ROOT, "ack", "en", SAMPLE, display="Example help desk",
    reply_to="support+i4711.abcdefghijklmnop@example.com", answers="<m1@bigcorp.example>",
    references=("<m0@bigcorp.example>", "<m1@bigcorp.example>"), loop="Example help desk", about=4711,
    now=datetime(2026, 11, 20, 10, 31, tzinfo=UTC),
    headers={"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"},
)  # fmt: skip


def made(**changes: Any) -> tuple[Composed, Any]:
    composed = compose(replace(LETTER, **changes), TEMPLATES)
    return composed, email.message_from_bytes(composed.content, policy=email.policy.default)


def test_a_mail_says_the_same_as_text_and_as_html() -> None:
    _, message = made(kind=Kind.ANSWER, template="answer")
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert SAMPLE["text"] in message.get_body(("plain",)).get_content()
    assert SAMPLE["text"] in message.get_body(("html",)).get_content()


def test_a_mail_for_who_wants_text_has_no_html() -> None:
    _, message = made(html=False)
    assert message.get_content_type() == "text/plain"


def test_text_with_accents_and_long_lines_survives() -> None:
    text = "Zeile mit Umlauten äöü\n" + "x" * 3000 + "\n.\n..\nFrom here\n  indented \n日本語"
    composed, message = made(template="rejected", values={**SAMPLE, "text": text})
    assert text in message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert all(len(line) <= 998 for line in composed.content.split(b"\r\n"))


def test_a_signature_stands_below_and_the_name_of_the_installation_where_there_is_none() -> None:
    for signature, last in (("Your team\nin Berlin", "Your team\nin Berlin"), ("", "Example help desk")):
        _, message = made(html=False, values={**SAMPLE, "signature": signature})
        assert message.get_content().replace("\r\n", "\n").rstrip().endswith(last)


@pytest.mark.parametrize(
    "to",
    ["", "nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example", "<a@b.example>", "a@b@c.example",
     "a\u202e@b.example", "a\0@b.example", "\ud800@b.example", "a@b.example\n", "a\u2028b@c.example",
     "x" * 65 + "@y.example", "a@=?utf-8?q?x.example=2C_b=40c?=", "=?utf-8?q?b=40c=2C?=@x.example", "a@b/c.example"],
)  # fmt: skip
def test_what_is_no_single_address_is_not_sent_to(to: str) -> None:
    with pytest.raises(ComposeError):
        made(to=to)


def test_a_domain_with_accents_is_encoded() -> None:
    assert made(to="a@bücher.example")[0].recipients == ("a@xn--bcher-kva.example",)


@pytest.mark.parametrize("message_id", ["", "<a b@c>", "<a@b>\r\nX: y", "a@b", "<" + "x" * 300 + "@y>"])
def test_a_mail_without_a_message_id_does_not_go_out(message_id: str) -> None:
    with pytest.raises(ComposeError):
        made(message_id=message_id)


def test_settings_add_headers_but_never_change_ours() -> None:
    theirs = {
        "X-Team": "one\r\ntwo", "From": "evil@evil.example", "X-Allegra-Loop": "no", "x-allegra-item": "1",
        "Precedence": "", "Auto-Submitted": "auto-generated", "BCC": "x@y.example", "List-Id": "<x>",
    }  # fmt: skip
    _, message = made(headers=theirs)
    assert message["X-Team"] == "one two" and message["Precedence"] is None
    assert (message["X-Allegra-Loop"], message["X-Allegra-Item"]) == ("Example help desk", "4711")
    assert message["Auto-Submitted"] == "auto-generated" and message["List-Id"] is None and message["Bcc"] is None
    with pytest.raises(ComposeError):
        made(headers={"X-Bad: y\r\nBcc": "x"})


def test_a_list_can_be_left_by_mail() -> None:
    _, message = made(kind=Kind.NOTICE, list_id="support.example.com", unsubscribe="help+u812.abc@example.com")
    assert message["List-Id"] == "<support.example.com>"
    assert message["List-Unsubscribe"] == "<mailto:help+u812.abc@example.com>"


def test_a_long_chain_keeps_its_beginning_and_its_newest() -> None:
    chain = tuple(f"<m{number}@bigcorp.example>" for number in range(500))
    _, message = made(references=chain, answers=chain[-1])
    kept = message["References"].split()
    assert (kept[0], kept[-1], len(kept)) == (chain[0], chain[-1], 21)


def test_a_template_without_a_subject_has_that_of_every_mail_about_the_item(tmp_path: Any) -> None:
    (tmp_path / "ack.en.txt").write_text("Hello\n", "utf-8")
    message = email.message_from_bytes(compose(LETTER, Templates(tmp_path)).content, policy=email.policy.default)
    assert message["Subject"] == "Re: [#4711] Printer does not print"
    assert message.get_body(("plain",)).get_content() == "Hello\r\n"


def test_a_template_that_fails_is_replaced_by_the_text_built_in_and_the_mail_says_so(tmp_path: Any) -> None:
    (tmp_path / "vip.en.txt").write_text("Subject: x\n\n{{ nosuch }}\n", "utf-8")
    composed = compose(replace(LETTER, template="vip", instead="ack"), Templates(tmp_path))
    assert composed.replaced == "template vip, line 3: 'nosuch' is undefined"
    assert b"we have received your message" in composed.content


# ── whatever stands in it ─────────────────────────────────────────────────────────────────────────────────────

HOSTILE = st.text(max_size=60) | st.sampled_from(
    ["\r\nBcc: evil@evil.example", "a\r\n.\r\nMAIL FROM:<x>", "\n.\n", "\r.\r\n", "\0", "a\u2028Bcc: x",
     "=?utf-8?q?=0ABcc:?=", "=?utf-8?b?DQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?=", "\ud800", "x" * 10_000, "ä" * 10_000,
     "\x85To: evil@evil.example", "\x0b\x0c\x1c\x1d\x1e", 'Name" <evil@evil.example>,', "\u202e",
     "a, b; c: d@e.example",
     '"', "\\", "(comment)", "<evil@evil.example>", "{{ 7 * 7 }}", "{% for x in y %}", "Subject: evil\n\nx", "-- ",
     "--=_alt", "\n--=_mix\nContent-Type: text/html\n\n<script>", "https://x.example/\"onmouseover=alert(1)", "</body>"]
)  # fmt: skip


def hostile(like: object) -> st.SearchStrategy[Any]:
    """Values of the kind of a sample, with anything in their texts."""
    if isinstance(like, bool):
        return st.booleans()
    if isinstance(like, int):
        return st.integers(0, 10**12)
    if isinstance(like, str):
        return HOSTILE
    if isinstance(like, dict):
        return st.fixed_dictionaries({name: hostile(value) for name, value in like.items()})
    assert isinstance(like, tuple)
    return st.lists(hostile(like[0]), max_size=3)


VALUES = st.fixed_dictionaries({name: hostile(value) for name, value in SAMPLE.items()})
LETTERS = st.fixed_dictionaries({
    "kind": st.sampled_from((Kind.AUTO, Kind.NOTICE, Kind.ANSWER)), "template": st.sampled_from(NAMES) | HOSTILE,
    "language": st.sampled_from(("en", "ja", "xx")) | HOSTILE, "values": VALUES | st.just(EMPTY), "display": HOSTILE,
    "answers": HOSTILE, "references": st.lists(HOSTILE, max_size=3).map(tuple), "loop": HOSTILE,
    "headers": st.dictionaries(st.just("X-Team"), HOSTILE), "html": st.booleans(),
    "list_id": st.sampled_from(("", "support.example.com")), "is_topic": st.booleans(),
    "files": st.lists(st.builds(File, HOSTILE, st.binary(max_size=50), HOSTILE), max_size=2).map(tuple),
})  # fmt: skip
KNOWN = {
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "x-allegra-loop",
    "x-auto-response-suppress", "auto-submitted", "precedence", "x-allegra-item", "x-allegra-topic", "x-team",
    "list-id", "mime-version", "content-type", "content-transfer-encoding",
}  # fmt: skip
ALWAYS = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "reply-to"}


@settings(max_examples=300)
@given(LETTERS)
@example({"values": {**SAMPLE, "title": "\r\nBcc: evil@evil.example"}, "kind": Kind.ANSWER, "template": "answer"})
@example({"files": (File("a", b"", "multipart/mixed"), File("b", b"x", "message/rfc822"))})
def test_G21_no_value_makes_a_header_a_recipient_or_a_second_mail(changes: dict[str, Any]) -> None:
    composed, message = made(**changes)
    content = composed.content
    assert composed.recipients == ("jane@bigcorp.example",)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", content)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    names = [name.lower() for name in message.keys()]  # noqa: SIM118 -- iterating gives indices
    assert len(names) == len(set(names)) and ALWAYS <= set(names) <= KNOWN
    assert [each.addr_spec for each in message["To"].addresses] == ["jane@bigcorp.example"]
    assert [each.addr_spec for each in message["From"].addresses] == ["help@example.com"]
    assert [each.addr_spec for each in message["Reply-To"].addresses] == [LETTER.reply_to]
    assert message["X-Allegra-Topic" if changes.get("is_topic") else "X-Allegra-Item"] == "4711"
    assert not message.defects
    files = changes.get("files", ())
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == [file.content for file in files]
    leaves = [part for part in message.walk() if not part.is_multipart()]
    assert len(leaves) == 1 + changes.get("html", True) + len(files)
    assert not any(part.defects for part in leaves)


@settings(max_examples=100)
@given(VALUES, st.sampled_from(NAMES))
def test_what_a_value_says_is_read_in_the_mail_as_it_is(values: dict[str, Any], template: str) -> None:
    _, message = made(template=template, values=values, kind=Kind.ANSWER)
    rendered = TEMPLATES.render(template, "en", values)
    assert rendered.replaced == ""
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "{{ 7 * 7 }}" not in rendered.body or "{{ 7 * 7 }}" in text
    html = message.get_body(("html",)).get_content()
    assert "<script" not in html and not re.search(r"<[^>]*onmouseover", html)


@pytest.mark.parametrize(
    ("meant", "written", "said"),
    [
        (b"Subject:", b"Bcc: x@y.example\r\nSubject:", "other headers"),
        (b"MIME-Version:", b"Cc: x@y.example\r\nMIME-Version:", "other headers"),
        (b"Content-Type: multipart", b"Reply-To: x@y.example\r\nContent-Type: multipart", "other headers"),
        (b"X-Allegra-Item:", b"X-Allegra-Itex:", "other headers"),
        (b"Subject:", b"Content-Type: text/html\r\nSubject:", "other headers"),
        (b"Subject:", b"\r\nSubject:", "other headers"),
        (b"To: jane@bigcorp.example", b"To: jane@bigcorp.example, x@y.example", "other recipients"),
        (b"To: jane@bigcorp.example", b"To: x@y.example", "other recipients"),
        (b"Hello", b"Hel\nlo", "bare line end"),
        (b"Hello", b"Hel\rlo", "bare line end"),
        (b"Hello", b"Hel\rl\no", "bare line end"),
        (b"Hello", b"Hel\n\rlo", "bare line end"),
        (b"Hello", b"Hel\0lo", "NUL"),
    ],
)
def test_bytes_that_say_anything_else_than_was_meant_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, meant: bytes, written: bytes, said: str
) -> None:
    """As if what writes a mail had a hole."""
    whole = writing.message

    def broken(*given: Any) -> bytes:
        content = whole(*given)
        assert meant in content
        return content.replace(meant, written, 1)

    monkeypatch.setattr(writing, "message", broken)
    with pytest.raises(ComposeError, match=said):
        made(kind=Kind.AUTO, laid_out=True, headers={})
