"""S/MIME containers that need no key; samples that OpenSSL made stand in test_samples.py."""

from __future__ import annotations

import time
import zlib

import pytest
from container_builders import ENVELOPED, PACKED, SIGNED, container
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_builders import sample

from engine.mail import cms, parts


@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("piece", [0, 7, 1000])
def test_content_of_a_signed_container_is_read_in_every_encoding(endless: bool, piece: int) -> None:
    content = b"Content-Type: text/plain\n\n" + b"words " * 300
    assert cms.content(container(SIGNED, content, endless=endless, piece=piece)) == ("signed", content)


def test_packed_container_is_unpacked() -> None:
    assert cms.content(container(PACKED, zlib.compress(b"words " * 300))) == ("compressed", b"words " * 300)
    assert cms.content(container(PACKED, b"no zlib")) == ("compressed", b"")


def test_encrypted_container_stays_closed_and_other_bytes_are_none() -> None:
    assert cms.content(container(ENVELOPED, b"secret")) == ("encrypted", b"")
    assert cms.content(b"") == cms.content(b"MIIB") == ("", b"")


def test_container_that_was_cut_off_gives_what_is_there() -> None:
    content = b"words " * 300
    whole = container(SIGNED, content)
    assert cms.content(whole[:1000])[1] == content[: len(cms.content(whole[:1000])[1])] != b""


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=4), st.booleans())
def test_no_bytes_make_reading_a_container_raise(noise: bytes, at: int, mutation: bytes, endless: bool) -> None:
    whole = container(SIGNED, b"words " * 30, endless=endless, piece=11)
    for data in (noise, whole[:at] + mutation + whole[at + len(mutation) :]):
        kind, content = cms.content(data)
        assert kind in ("", "signed", "encrypted", "compressed") and len(content) <= len(data)
        assert not content or kind == "signed", "only what needs no key has a content"


@pytest.mark.parametrize("hostile", [b"\x30\x80" * 500_000, b"\x24\x80" * 500_000, b"\x04\x00" * 500_000])
def test_hostile_container_is_read_in_bounded_time(hostile: bytes) -> None:
    head = container(SIGNED, b"", endless=True, piece=1)
    started = time.process_time()
    for at in range(0, len(head), 3):
        cms.content(head[:at] + hostile)
    assert time.process_time() - started < 10


def test_samples_of_openssl_are_opened() -> None:
    for name in ("smime_opaque", "smime_opaque_in_pieces"):
        mail = sample(name)
        assert mail.opened == ("1",)
        assert cms.content(parts.content(mail.raw.content, mail.parts[0]))[0] == "signed"
