"""Attachments: safe names, types by their bytes, sizes of pictures."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_builders import mail_of

from engine.mail import images, names, types

# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht für 2026.pdf", "Übersicht für 2026.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\anna\\report.pdf", "report.pdf"),
        ("\\\\server\\share\\report.pdf", "report.pdf"),
        ("Report 1/2.pdf", "Report 1_2.pdf"),
        ("a\x00b.pdf", "ab.pdf"),
        ("a\r\nb.pdf", "ab.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("..", ""),
        (".htaccess", "htaccess"),
        ("  a.pdf . ", "a.pdf"),
        ("con.txt", "_con.txt"),
        ("///", ""),
        ("", ""),
    ],
)
def test_F133_names_are_made_safe(written: str, expected: str) -> None:
    assert names.safe(written, "") == expected
    assert names.safe(written) != ""


@given(st.text(max_size=400))
def test_any_name_is_safe_to_save(written: str) -> None:
    found = names.safe(written)
    assert 0 < len(found) <= 200 and len(found.encode()) <= 240
    assert not set(found) & set("/\\\x00\r\n") and not found.startswith(".")
    assert names.safe(found) == found


def test_long_names_keep_their_extension(tmp_path: Path) -> None:
    for written in ("x" * 4000 + ".pdf", "報" * 4000 + ".pdf", "a." * 2000 + "pdf"):
        found = names.safe(written)
        assert found.endswith(".pdf")
        (tmp_path / found).write_bytes(b"")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("image/png", "image007.png"),
        ("image/x-strange", "image007.strange"),
        ("message/rfc822", "message.eml"),
        ("text/calendar", "invite.ics"),
        ("application/pdf", "attachment007.pdf"),
        ("application/octet-stream", "attachment007.dat"),
        ("application/../../x", "attachment007.dat"),
        ("application/pgp-signature", "signature.asc"),
    ],
)
def test_F133_parts_without_a_name_get_one(kind: str, expected: str) -> None:
    assert names.default(kind, 7) == expected


def test_F133_attached_mail_is_named_by_its_subject() -> None:
    inner = "From: a@example.com\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n =?utf-8?q?_aus?= K/L\n\nx\nSubject: not this\n"
    assert (
        mail_of("mixed", "\nx", f"Content-Type: message/rfc822\n\n{inner}").attachments[0].name == "Grüße aus K_L.eml"
    )
    assert (
        mail_of("mixed", "\nx", "Content-Type: message/rfc822\n\nFrom: a\n\nSubject: x").attachments[0].name
        == "message.eml"
    )


# ── types ─────────────────────────────────────────────────────────────────────────────────────────────────────

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("content", "declared", "name", "expected"),
    [
        (b"%PDF-1.7", "application/octet-stream", "a.bin", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "application/pdf", "a.pdf", "image/png"),
        (b"MZ\x90\x00", "image/jpeg", "photo.jpg", "application/x-msdownload"),
        (b"MZ says the text", "text/plain", "a.txt", "text/plain"),
        (b"\x7fELF\x02", "text/plain", "a.txt", "application/x-executable"),
        (b"PK\x03\x04", DOCX, "a.docx", DOCX),
        (b"PK\x03\x04", "application/octet-stream", "a.docx", DOCX),
        (b"PK\x03\x04", "application/pdf", "a.pdf", "application/zip"),
        (b"PK\x03\x04", "application/zip", "a.zip", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "a.doc", "application/msword"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/octet-stream", "a.msg", "application/vnd.ms-outlook"),
        (b"<!DOCTYPE html><html>", "image/png", "a.png", "text/html"),
        (b"<?xml version='1.0'?><svg xmlns='x'>", "image/png", "a.png", "image/svg+xml"),
        (b"{\\rtf1", "application/msword", "a.doc", "application/msword"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/jpeg", "a.jpg", "image/webp"),
        (b"\x78\x9f\x3e\x22xx", "application/ms-tnef", "winmail.dat", "application/ms-tnef"),
        (b"a,b\n1,2\n", "application/octet-stream", "a.csv", "text/csv"),
        (b"hello", "application/octet-stream", "a.pdf", "application/octet-stream"),
        (b"hello", "text/x-patch", "a.patch", "text/x-patch"),
        (b"he\x00lo", "text/plain", "a.txt", "application/octet-stream"),
        (b"hello", "application/x-special", "a.special", "application/x-special"),
        (b"", "application/pdf", "a.pdf", "application/pdf"),
        (b"", "", "", "application/octet-stream"),
    ],
)
def test_F127_type_is_judged_by_the_bytes(content: bytes, declared: str, name: str, expected: str) -> None:
    assert types.judge(content, declared, name) == expected


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_any_bytes_have_a_type(content: bytes, declared: str, name: str) -> None:
    assert types.judge(content, declared, name)


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 30_000, 30_000) + b"\x08\x02\0\0\0"


def picture(kind: str, size: tuple[int, int]) -> bytes:
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra")
    out = io.BytesIO()
    image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_F130_size_is_read_from_the_header(kind: str) -> None:
    assert images.size(picture(kind, (320, 41))) == (320, 41)


def test_F130_huge_picture_is_measured_and_never_decoded() -> None:
    assert images.size(PNG) == (30_000, 30_000)
    assert images.resized(PNG, 100) is None


MAGIC = {
    b"\x89PNG\r\n\x1a\n": 2**32 - 1,
    b"GIF89a": 2**16 - 1,
    b"\xff\xd8": 2**16 - 1,
    b"RIFF0000WEBPVP8X": 2**24,
    b"RIFF0000WEBPVP8L": 2**14,
    b"BM": 2**31,
}
"""How formats begin, and the most pixels that a side can have."""


@given(st.sampled_from(sorted(MAGIC)), st.binary(max_size=80))
def test_any_header_has_a_size_that_its_format_can_have_or_none(magic: bytes, rest: bytes) -> None:
    width, height = images.size(magic + rest)
    assert 0 <= width <= MAGIC[magic] and 0 <= height <= MAGIC[magic]


@given(st.integers(0, 65_535), st.integers(0, 65_535), st.binary(max_size=20))
def test_the_size_is_the_one_that_the_header_claims(width: int, height: int, rest: bytes) -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + rest
    gif = b"GIF89a" + struct.pack("<HH", width, height) + rest
    bmp = b"BM" + bytes(16) + struct.pack("<ii", width, -height) + rest
    jpeg = b"\xff\xd8\xff\xe0\0\4??\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + rest
    assert [images.size(each) for each in (png, gif, bmp, jpeg)] == [(width, height)] * 4


@pytest.mark.parametrize("cut", [*MAGIC, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0", b"GIF89a\1\0\1"])
def test_a_header_that_ends_too_soon_has_no_size(cut: bytes) -> None:
    assert images.size(cut) == (0, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_F131_big_picture_is_made_to_fit_in_its_own_format(kind: str) -> None:
    small = images.resized(picture(kind, (900, 300)), (300, 300))
    assert small is not None and images.size(small) == (300, 100)
    assert types.judge(small, "") == f"image/{kind.lower()}"


def test_F131_picture_that_fits_or_is_broken_is_left_alone() -> None:
    assert images.resized(picture("PNG", (50, 50)), 100) is None
    assert images.resized(picture("PNG", (500, 500))[:200], 100) is None
    assert images.resized(b"no picture", 100) is None


def test_picture_is_inline_by_disposition_or_because_html_shows_it() -> None:
    shown = "Content-Type: text/html\n\n<img src='cid:one@example.com'>"
    head = "Content-Type: image/gif\nContent-Disposition: attachment\nContent-ID: "
    mail = mail_of("mixed", shown, f"{head}<one@example.com>\n\nGIF89a", f"{head}<two@example.com>\n\nGIF89a")
    assert [file.inline for file in mail.attachments] == [True, False]


def test_file_that_is_no_picture_is_never_inline() -> None:
    mail = mail_of("mixed", "\nx", "Content-Type: application/pdf\nContent-Disposition: inline\n\n%PDF-")
    assert mail.attachments[0].inline is False


def test_content_location_names_a_part_that_has_no_other_name() -> None:
    head = "Content-Type: image/gif\nContent-Location: https://www.example.com/pics/logo.gif\n\nGIF89a"
    assert mail_of("related", "Content-Type: text/html\n\n<p>x", head).attachments[0].name == "logo.gif"
