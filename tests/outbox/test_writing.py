"""Encodings: what is written is what is read, in lines that servers take."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.outbox import writing
from engine.outbox.plain import one_line, text

LINES = st.text(max_size=400).map(lambda value: one_line(value, 300))


def read(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=email.policy.default)


def unfolded(field: str) -> str:
    return field.replace("\r\n ", " ")


@settings(max_examples=500)
@given(LINES)
def test_a_field_reads_as_it_was_meant(value: str) -> None:
    written = writing.unstructured(value)
    assert written.isascii() and all(len(line) <= 76 for line in written.split("\r\n"))
    assert str(make_header(decode_header(unfolded(written)))) == value or not value


@given(LINES.map(lambda value: value.replace("\\", "").replace('"', "").replace("<", "").replace("@", "")))
def test_a_name_never_changes_the_address(name: str) -> None:
    written = unfolded(writing.mailbox(name, "a@b.example"))
    assert parseaddr(written)[1] == "a@b.example"
    assert str(make_header(decode_header(parseaddr(written)[0]))) == name or not name


@settings(max_examples=300)
@given(st.text(max_size=600).map(text))
def test_a_text_survives_and_its_lines_are_short(value: str) -> None:
    part = writing.text_part(value)
    assert all(len(line) <= 76 for line in part.split(b"\r\n"))
    got = read(part).get_content().replace("\r\n", "\n")
    assert got.rstrip("\n") == value.rstrip("\n")


@given(st.binary(max_size=2000))
def test_a_file_survives_byte_for_byte(content: bytes) -> None:
    part = writing.file_part("a.bin", content)
    assert read(part).get_payload(decode=True) == content
    assert all(len(line) <= 78 for line in part.split(b"\r\n"))
    assert len(part) <= writing.encoded_size(len(content))


@settings(max_examples=300)
@given(st.text(min_size=1, max_size=150).map(lambda value: one_line(value, 150)))
@example("名" * 150)
@example("\U0001f4ce" * 150)
@example("a%41b'c;d\"e" * 12)
def test_a_name_of_a_file_survives(name: str) -> None:
    part = writing.file_part(name, b"x")
    assert max(map(len, part.split(b"\r\n"))) <= 78
    message = email.message_from_bytes(part)
    assert message.get_filename() == (name or "file") or name != name.strip()
    assert message.get_content_disposition() == "attachment"


@pytest.mark.parametrize("kind", ["", "text/html; x=y", "text", "a/b\r\nX: y", "TEXT/HTML", "text/" + "x" * 100])
def test_a_type_that_is_none_is_bytes_of_any_kind(kind: str) -> None:
    assert read(writing.file_part("a", b"x", kind)).get_content_type() == "application/octet-stream"


@given(st.text(max_size=200).map(text), st.lists(st.binary(max_size=100), max_size=3))
def test_parts_come_out_as_they_went_in(value: str, files: list[bytes]) -> None:
    parts = (
        writing.alternative(value, writing.html_part(f"<p>{value}")),
        *(writing.file_part("f", each) for each in files),
    )
    message = read(writing.message([("Subject", "x")], parts))
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == files
    body = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert body.rstrip("\n") == value.rstrip("\n") and not message.defects


def test_what_a_text_says_of_boundaries_parts_nothing() -> None:
    first = writing.alternative("x", writing.html_part("y"))
    boundary = first.split(b'"')[1].decode()
    again = read(
        writing.alternative(
            f"--{boundary}\nContent-Type: text/html\n\n<script>\n--{boundary}--", writing.html_part("y")
        )
    )
    assert [part.get_content_type() for part in again.iter_parts()] == ["text/plain", "text/html"]
