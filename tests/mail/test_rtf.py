"""RTF as Outlook packs it into winmail.dat."""

from __future__ import annotations

import re
import struct
import time

import pytest
from container_builders import packed
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mail import rtf


def test_packed_text_is_unpacked_with_its_references() -> None:
    example = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert rtf.unpacked(example) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.unpacked(packed(b"{\\rtf1 x}" * 700)) == b"{\\rtf1 x}" * 700
    assert rtf.unpacked(struct.pack("<II", 20, 8) + b"MELA\0\0\0\0{\\rtf1 }x") == b"{\\rtf1 }"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\pard Gr\'fc\'dfe\par\par Anna}", "Grüße\n\nAnna"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1\uc1 \u8364?5 \u-10179?\u-8704?}", "€5 \U0001f600"),
        (rb"{\rtf1 a\{b\}\\c\~d\tab e\line f}", "a{b}\\c d\te\nf"),
        (
            rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hello{\*\htmltag84 <b>} world"
            rb"\htmlrtf\par}\htmlrtf0}",
            "Hello world",
        ),
        (rb"{\rtf1{\*\generator Word;}{\info{\title x}}words}", "words"),
        (b"no rtf", ""),
        (b"", ""),
    ],
)
def test_words_of_an_rtf_text_are_read(written: bytes, text: str) -> None:
    assert rtf.to_text(written) == text


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_no_bytes_make_reading_raise(noise: bytes, size: int) -> None:
    assert len(rtf.unpacked(struct.pack("<II", 0, size) + b"LZFu\0\0\0\0" + noise)) <= rtf.MOST_BYTES
    assert not re.search("[\ud800-\udfff]", rtf.to_text(b"{\\rtf1" + noise))


def test_large_text_is_read_in_bounded_time() -> None:
    started = time.process_time()
    rtf.to_text(b"{\\rtf1" + b"{\\*" * 300_000)
    rtf.unpacked(struct.pack("<II", 0, 1_000_000) + b"LZFu\0\0\0\0" + b"\xff" * 1_000_000)
    assert time.process_time() - started < 10
