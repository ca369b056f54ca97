"""What a winmail.dat says about its mail."""

from __future__ import annotations

import struct

import pytest
from container_builders import HTML, attribute, packed, prop, winmail
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mail import tnef_message
from engine.mail.tnef_message import Message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (winmail(prop(0x1E, 0x1000, b"Gr\xfc\xdfe\r\n\0")), Message("IPM.Note", "Grüße\n")),
        (winmail(prop(0x1E, 0x1000, b"\xcf\xf0"), page=1251), Message("IPM.Note", "Пр")),
        (winmail(prop(0x1F, 0x1000, "Grüße\0".encode("utf-16-le"))), Message("IPM.Note", "Grüße")),
        (winmail(prop(0x102, 0x1013, HTML)), Message("IPM.Note", "", HTML.decode())),
        (
            winmail(prop(0x102, 0x1013, "<p>é</p>".encode()), struct.pack("<HHI", 3, 0x3FDE, 65001)),
            Message("IPM.Note", "", "<p>é</p>"),
        ),
        (winmail(prop(0x102, 0x1009, packed(b"{\\rtf1 Words}"))), Message("IPM.Note", "Words")),
        (winmail(prop(0x102, 0x1009, packed(b"{\\rtf1\\pard\\par}"))), Message("IPM.Note")),
        (winmail(prop(0x102, 0x1009, b"\0" * 40)), Message("IPM.Note", closed=True)),
        (winmail(prop(0x1E, 0x001A, b"IPM.Note.Custom\0")), Message("IPM.Note.Custom")),
        (winmail(name="IPM.Microsoft Mail.Non-Delivery"), Message("REPORT.IPM.Note.NDR")),
        (winmail(more=attribute(1, 0x0002800C, b"Old body\0")), Message("IPM.Note", "Old body")),
    ],
)  # fmt: skip
def test_text_and_class_are_read(content: bytes, expected: Message) -> None:
    assert tnef_message.read(content) == expected


def test_named_and_many_valued_properties_are_passed_over() -> None:
    named = struct.pack("<HH", 0x1F, 0x8001) + b"g" * 16 + struct.pack("<II", 1, 6) + b"a\0b\0\0\0" + b"\0\0"
    named += struct.pack("<II", 1, 4) + b"x\0\0\0"
    numbered = struct.pack("<HH", 3, 0x8002) + b"g" * 16 + struct.pack("<III", 0, 7, 42)
    many = (
        struct.pack("<HHI", 0x101E, 0x1234, 2) + struct.pack("<I", 2) + b"a\0\0\0" + struct.pack("<I", 1) + b"\0\0\0\0"
    )
    fixed = b"".join(
        struct.pack("<HH", kind, 0x0E00) + b"\0" * size for kind, size in ((2, 4), (5, 8), (0x40, 8), (0x48, 16))
    )
    content = winmail(named, numbered, many, fixed, prop(0x1E, 0x1000, b"Words\0"))
    assert tnef_message.read(content) == Message("IPM.Note", "Words")


def test_other_bytes_are_none() -> None:
    assert tnef_message.read(b"") is None and tnef_message.read(b"words") is None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.binary(max_size=8), st.integers(0, 400))
def test_no_bytes_make_reading_raise(at: int, noise: bytes, end: int) -> None:
    whole = winmail(prop(0x102, 0x1013, HTML), prop(0x102, 0x1009, packed(b"{\\rtf1 Words}")))
    message = tnef_message.read((whole[:at] + noise + whole[at + len(noise) :])[: max(end, 4)])
    assert message is None or (message.text + message.html + message.message_class).encode("utf-8") is not None
