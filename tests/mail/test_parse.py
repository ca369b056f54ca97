"""`parse`: it never raises, it keeps its limits, it stays quick on what was made to be slow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mail_builders import SAMPLES, all_samples, codes, mail_of, multipart, raw_mail, read, with_header

from engine.mail.addresses import sender
from engine.mail.parse import Limits, parse
from engine.model.mail import Mail
from engine.workbench.seen import Reading, seen

MB = 1_000_000
SECONDS = 3.0
"""Generous: everything below takes a fraction on any machine; what it guards against takes minutes."""


def nested(depth: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)
    )
    return b"From: anna@example.com\r\nSubject: x\r\n" + head + b"Content-Type: text/plain\r\n\r\nhi\r\n"


HAZARDS: dict[str, Callable[[], bytes]] = {
    "420 kB of encoded words": lambda: with_header(b"Subject: " + b"\n ".join([b"=?utf-8?q?=C3=A9?="] * 20_000)),
    "100,000 times =?": lambda: with_header(b"Subject: " + b"=?" * 100_000),
    "encoded words that never end": lambda: with_header(b"Subject: " + b"=?a?q?" * 5300 + b"?="),
    "50,000 semicolons": lambda: with_header(b"Content-Type: text/plain" + b";" * 50_000),
    "5,000 sections of a parameter": lambda: with_header(
        b"Content-Type: text/plain" + b"".join(b";\n name*%d=x" % number for number in range(5000))
    ),
    "300,000 empty parts": lambda: multipart("mixed", *[b""] * 300_000),
    "1,000 nested multiparts": lambda: nested(1000),
    "1,000 nested messages": lambda: b"From: anna@example.com\n" + b"Content-Type: message/rfc822\n\n" * 1000 + b"hi",
    "20,000 addresses": lambda: with_header(
        b"To: " + b",\n ".join(b"n%d <a%d@example.org>" % (number, number) for number in range(20_000))
    ),
    "5,000 open comments": lambda: b"From: " + b"(" * 5000 + b"anna@example.com\n\nhi",
    "20,000 angle brackets": lambda: b"From: " + b"<" * 20_000 + b"anna@example.com\n\nhi",
    "16,000 escaped quotes": lambda: b"From: " + b'\\"' * 16_000 + b"\n\nhi",
    "200 kB of brackets in Message-ID": lambda: with_header(b"Message-ID: <" + b"[" * 200_000),
    "50,000 ids in References": lambda: with_header(
        b"References: " + b"\n ".join(b"<%d@example.com>" % number for number in range(50_000))
    ),
    "punycode": lambda: with_header(
        "Content-Type: text/plain; charset=punycode", body=b"a" * 150_000 + b"-" + b"9" * 150_000
    ),
    "idna": lambda: with_header("Content-Type: text/plain; charset=idna", body=b"a" * MB),
    "undefined": lambda: with_header("Content-Type: text/plain; charset=undefined"),
    "unicode_escape": lambda: with_header("Content-Type: text/plain; charset=unicode_escape", body=b"\\x41" * 100_000),
    "charset with NUL": lambda: with_header(b'Content-Type: text/plain; charset="utf\x00-8"'),
    "100,000 fields": lambda: b"".join(b"X-%d: y\n" % number for number in range(100_000)) + b"\nhi",
    "a field of 5 MB": lambda: b"Subject: " + b"a" * 5 * MB + b"\n\nhi",
    "a line of 10 MB": lambda: with_header("Subject: x", body=b"a" * 10 * MB),
    "5 MB of empty lines in front": lambda: b"\n" * 5 * MB + with_header("Subject: x"),
    "5 MB that are no base64": lambda: with_header("Content-Transfer-Encoding: base64", body=b"!" * 5 * MB),
    "5 MB of padding": lambda: with_header("Content-Transfer-Encoding: base64", body=b"QQ==\n" * MB),
    "almost boundaries": lambda: with_header("Content-Type: multipart/mixed; boundary=b", body=b"\n--b x" * MB),
    "3 MB of open elements": lambda: with_header("Content-Type: text/html", body=b"<div>" * 600_000),
    "html of 20,000 nested elements": lambda: with_header("Content-Type: text/html", body=b"<div>" * 20_000 + b"deep"),
    "an element of 50,000 attributes": lambda: with_header(
        "Content-Type: text/html", body=b"<a " + b" ".join(b"a%d=1" % number for number in range(50_000)) + b">x"
    ),
    "100,000 scripts": lambda: with_header("Content-Type: text/html", body=b"<script>" * 100_000),
    "60,000 open links": lambda: with_header("Content-Type: text/html", body=b"<a href=http://x>" * 60_000 + b"y"),
    "800,000 Received fields": lambda: b"Received: x\n" * 800_000 + b"\nhi",
    "1,000,000 uuencoded files": lambda: with_header("Subject: x", body=b"begin 644 x\n#86)C\n`\nend\n" * 200_000),
    "stray lines": lambda: b"Subject: x\n" + b"junk\nX-A: b\n" * 20_000 + b"\nhi",
}


@pytest.mark.parametrize("name", HAZARDS)
def test_hazard_is_read_in_bounded_time(name: str) -> None:
    raw = raw_mail(HAZARDS[name]())
    started = time.process_time()
    mail = parse(raw)
    assert time.process_time() - started < SECONDS
    assert mail.raw is raw


def test_references_of_50_000_ids_keep_the_first_and_the_last() -> None:
    mail = read(HAZARDS["50,000 ids in References"]().replace(b"\n ", b" "), Limits(header_block=2 * MB))
    assert mail.references[0] == "<0@example.com>" and mail.references[-1] == "<49999@example.com>"
    assert len(mail.references) < 5000 and "header_field_cut" in codes(mail)


def test_addresses_stop_at_their_limit() -> None:
    mail = read(with_header(b"Cc: " + b", ".join(b"a%d@example.org" % number for number in range(10_000))))
    assert len(mail.cc) == 200
    assert {"addresses_cut", "header_field_cut"} <= codes(mail)


def test_parts_stop_at_their_limit() -> None:
    mail = mail_of("mixed", *["Content-Type: text/plain\n\nx"] * 40)
    assert len(mail.parts) == 40
    few = read(mail.raw.content, Limits(parts=7))
    assert len(few.parts) == 7 and "mime_too_many_parts" in codes(few)


def test_multiparts_stop_at_their_depth() -> None:
    mail = read(nested(40), Limits(depth=5))
    assert "mime_too_deep" in codes(mail)
    assert [part.content_type for part in mail.parts] == ["multipart/mixed"]
    deep = read(nested(40), Limits(depth=50))
    assert (deep.text, [part.content_type for part in deep.parts]) == ("hi", ["text/plain"])
    assert "mime_too_deep" not in codes(deep)


def test_fields_stop_at_their_limit_and_the_body_is_still_found() -> None:
    content = b"Subject: x\n" + b"X-A: b\n" * 50 + b"\nthe body\n"
    mail = read(content, Limits(headers=10))
    assert (len(mail.headers), mail.text, mail.subject) == (10, "the body\n", "x")
    assert "header_too_many" in codes(mail)


def test_block_over_its_limit_is_cut_and_the_body_is_still_found() -> None:
    mail = read(b"Subject: x\n" + b"X-A: bbbbbbbb\n" * 100 + b"\nthe body\n", Limits(header_block=200))
    assert (mail.subject, mail.text) == ("x", "the body\n")
    assert "header_block_cut" in codes(mail) and len(mail.headers) < 20


def test_single_field_over_the_block_limit_keeps_its_beginning() -> None:
    mail = read(b"Subject: " + b"a" * 1000 + b"\n\nhi", Limits(header_block=100, header=50))
    assert (mail.subject, mail.text) == ("a" * 50, "hi")


def test_mail_over_the_raw_limit_gives_its_header_only() -> None:
    mail = read(with_header("Subject: big", body=b"x" * 1000), Limits(raw=500))
    assert (mail.subject, mail.text, mail.parts[0].start) == ("big", "", len(mail.raw.content))
    assert "raw_too_big" in codes(mail)


def test_no_bytes_are_a_mail_that_says_so() -> None:
    mail = read(b"")
    assert codes(mail) == {"empty"} and mail.headers == ()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
@example(b"\n")
@example(b"\r")
@example(b":")
@example(b"From:\n \n")
@example(b"Content-Type: multipart/mixed; boundary=\n\n--\n--\n")
@example(b'Content-Type: multipart/mixed; boundary="\xff"\n\n--\xff\n')
def test_no_bytes_make_parse_raise(content: bytes) -> None:
    assert sane(read(content))


FRAGMENTS = st.sampled_from(
    [
        b"From: ", b"Subject: ", b"To: ", b"Content-Type: ", b"Content-Disposition: attachment", b"Message-ID: ",
        b"References: ", b"Date: ",
        b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=c", b"text/html",
        b"text/plain", b"; charset=", b"iso-2022-jp", b"utf-7", b"utf-16", b"gb2312", b"hz", b"; filename=",
        b"; filename*0*=",
        b"utf-8''", b"%C3", b"=?utf-8?", b"q?", b"B?", b"?=", b"=C3=A9", b"w6k=", b"\n", b"\r\n", b"\n\n", b"\n--b\n",
        b"\n--c\n", b"\n--b--\n", b"\n--c--", b"Content-Transfer-Encoding: base64", b"quoted-printable", b"x-uuencode",
        b"begin 644 a\n#86)C\n`\nend\n", b"<", b">", b"@", b"anna@example.com", b'"', b"(", b")", b"\\", b",", b";",
        b":", b"\x00", b"\xff", b"\xe9", b"\x1b$B%5", b"\x1b(B", b"~{", b"+2AA-", b" ", b"\t", b"<p>", b"<a href='",
        b"&#xD800;", b"&#999999999999;", b"; format=flowed; delsp=yes", b"message/rfc822",
        b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0",
        b"RIFF0000WEBPVP8X", b"GIF89a", b"9" * 40, b"Thu, 31 Feb 2026 25:61:61 +9999", b"Content-ID: <x>", b"cid:x",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=40).map(b"".join))
def test_no_pieces_of_mail_make_parse_raise(content: bytes) -> None:
    assert sane(read(content))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(all_samples()), st.integers(0), st.integers(0, 40), st.binary(max_size=6))
def test_no_mutation_of_a_sample_makes_parse_raise(name: str, where: int, removed: int, added: bytes) -> None:
    content = (SAMPLES / f"{name}.eml").read_bytes()
    at = where % (len(content) + 1)
    assert sane(read(content[:at] + added + content[at + removed :]))


NAMES = """From Sender Reply-To To Cc Delivered-To Subject Date Message-ID In-Reply-To References Return-Path Received
Content-Type Content-Transfer-Encoding Content-Disposition Content-ID Content-Location Content-Description
Content-Language MIME-Version Auto-Submitted Precedence List-Id X-Failed-Recipients X-Auto-Response-Suppress
X-Allegra-Loop Authentication-Results ARC-Authentication-Results DKIM-Signature X-Spam-Score X-Spam-Status
X-Autoreply X-Unknown"""
FIELDS = st.sampled_from(NAMES.split())
VALUES = st.sampled_from(
    [
        b"Anna <anna@example.com>", b"anna@example.com", b"multipart/mixed; boundary=b", b"multipart/report;",
        b" report-type=delivery-status; boundary=b", b"text/html; charset=utf-8", b"application/pkcs7-mime;",
        b" smime-type=signed-data", b"attachment; filename*=utf-8''%E4", b"inline; filename=", b"<1@example.com>",
        b"=?utf-8?q?=FF?=", b"=?utf-8?b?", b"base64", b"dmarc=pass", b"yes", b"Out of Office", b"\x94", b'"', b"<",
        b">", b"(", b"@", b";", b",", b"/", b"=", b"\\",
    ]
) | st.binary(max_size=8)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(FIELDS, st.lists(VALUES, max_size=5).map(b"".join)), max_size=8), st.integers(0, 2))
@example([("Content-Type", b"multipart/\x94x")], 0)
@example([("Content-Type", b"multipart/\x94x; boundary=b"), ("Content-ID", b"\x94"), ("Content-Location", b"\x94")], 1)
def test_no_header_field_makes_reading_raise_or_breaks_a_sink(fields: list[tuple[str, bytes]], where: int) -> None:
    odd = b"".join(name.encode() + b": " + value.replace(b"\n", b"") + b"\n" for name, value in fields)
    content = (
        odd + b"\nhello\n",
        b"From: anna@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + odd + b"\nhello\n--b--\n",
        b"From: anna@example.com\nContent-Type: message/rfc822\n\n" + odd + b"\nhello\n",
    )[where]
    assert sane(read(content))
    told = seen("x.eml", content, Reading())
    assert json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8")) == told


def sane(mail: Mail) -> bool:
    """What holds for every mail: storable text, no control characters in fields, slices within the bytes."""
    size = len(mail.raw.content)
    for words in (mail.subject, mail.text, mail.html, mail.message_id, *mail.text_parts):
        words.encode("utf-8")
        assert "\x00" not in words
    for header in mail.headers:
        assert header.name.isascii()
        assert not set(header.value) & set("\r\n\x00")
        header.value.encode("utf-8")
    for people in (mail.from_, mail.sender, mail.reply_to, mail.to, mail.cc, mail.delivered_to):
        for person in people:
            assert person.address and not set(person.address + person.name) & set("\r\n\x00")
            (person.address + person.name).encode("utf-8")
    for part in mail.parts:
        assert 0 <= part.start <= part.end <= size
        f"{part.filename}{part.charset}{part.content_type}{part.content_id}".encode()
    for file in mail.attachments:
        assert file.name and not set(file.name) & set("/\\\x00\n") and len(file.name) <= 200
        file.name.encode("utf-8")
    for defect in mail.defects:
        assert not set(defect.detail) & set("\r\n\x00")
        defect.detail.encode("utf-8")
    address, problem = sender(mail)
    assert address.address or problem
    return True


# ── digests ───────────────────────────────────────────────────────────────────────────────────────────────────


BODY = b"Message-ID: <1@example.com>\nFrom: anna@example.com\nSubject: hi\n\nThe same words.\n"
TRACE = b"Return-Path: <x@example.com>\nDelivered-To: help@example.com\nReceived: from a\n\tby b; Fri\n"


def test_fingerprint_is_the_same_whichever_way_a_mail_came() -> None:
    one = read(BODY).fingerprint
    assert read(TRACE + BODY).fingerprint == one
    assert read(TRACE.replace(b"\n", b"\r\n") + BODY).fingerprint == one
    assert read(BODY.replace(b"same", b"other")).fingerprint != one


def test_fingerprint_survives_another_encoding_and_other_line_breaks() -> None:
    head = b"Message-ID: <1@example.com>\nFrom: Anna <anna@example.com>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
    one = head + b"Content-Type: text/plain; charset=utf-8\n\nF\xc3\xbcr K\xc3\xb6ln gilt das.\n"
    two = head + (
        b"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
        b"F=FCr K=F6ln\ngilt das.\n"
    )
    assert read(one).fingerprint == read(two).fingerprint


@pytest.mark.parametrize(
    ("old", "new"), [(b"same", b"other"), (b"anna@", b"eve@"), (b"<1@", b"<2@"), (b"hi", b"ho"), (b"words", b"word")]
)
def test_fingerprint_tells_mails_apart(old: bytes, new: bytes) -> None:
    assert read(BODY).fingerprint != read(BODY.replace(old, new)).fingerprint


def test_fingerprint_tells_attachments_apart() -> None:
    one = mail_of("mixed", "\nx", "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1")
    two = mail_of("mixed", "\nx", "Content-Type: application/pdf; name=a.pdf\n\n%PDF-2")
    assert one.fingerprint != two.fingerprint


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Fri, 20 Nov 2026 10:31:00 +0100", "2026-11-20T09:31:00+00:00"),
        ("20 Nov 2026 10:31:00 -0530", "2026-11-20T16:01:00+00:00"),
        ("Fri, 20 Nov 2026 10:31 GMT", "2026-11-20T10:31:00+00:00"),
        ("Fri, 20 Nov 2026 23:59:60 +0000 (UTC)", "2026-11-20T23:59:59+00:00"),
        ("Friday, 20-Nov-26 10:31:00 GMT", "2026-11-20T10:31:00+00:00"),
        ("Fri Nov 20 10:31:00 2026", "2026-11-20T10:31:00+00:00"),
        ("yesterday", ""),
        ("Fri, 31 Feb 2026 10:31:00 +0100", ""),
        ("Mon, 01 Jan 0001 00:00:00 +0100", ""),
    ],
)
def test_date_is_read_as_rfc_5322_and_before(written: str, expected: str) -> None:
    mail = read(with_header(f"Date: {written}"))
    assert (mail.date.isoformat() if mail.date else "") == expected
    assert ("date_unreadable" in codes(mail)) == (expected == "")
