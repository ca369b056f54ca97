"""Transfer encodings, bodies of text, and which parts are the body."""

from __future__ import annotations

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_builders import codes, mail_of, multipart, read, with_header

from engine.mail import parts
from engine.mail.defects import MEANINGS
from engine.model.mail import Part


def decoded(body: bytes, encoding: str) -> bytes:
    return parts.content(body, Part("application/octet-stream", 0, len(body), encoding))


@given(st.binary(max_size=6000), st.sampled_from([b"\n", b"\r\n", b""]), st.integers(4, 80))
def test_base64_of_any_bytes_comes_back(data: bytes, end: bytes, width: int) -> None:
    text = base64.b64encode(data)
    written = end.join(text[at : at + width] for at in range(0, len(text), width))
    assert decoded(written, "base64") == data


@given(st.binary(max_size=9000))
def test_fast_path_of_base64_says_no_to_what_it_would_read_otherwise(data: bytes) -> None:
    fast, _ = parts._base64(b"A" * 4096 + data)
    assert fast[:3000] == b"\x00" * 3000


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"SGVsbG8", b"Hello"),
        (b"SGVs bG8=\n", b"Hello"),
        (b"SGVs*bG8=", b"Hello"),
        (b"SGVsbG8=\nSGVsbG8=\n", b"HelloHello"),
        (b"SGVsbG8=\n-- \nA list, https://lists.example.org\n", b"Hello"),
        (b"SGVsbG8=A", b"Hello"),
        (b"!!!", b""),
        (b"", b""),
    ],
)
def test_base64_of_broken_programs_is_read_as_far_as_it_goes(written: bytes, expected: bytes) -> None:
    assert decoded(written, "base64") == expected


@given(st.binary(max_size=500))
def test_quoted_printable_of_any_bytes_comes_back(data: bytes) -> None:
    data = data.replace(b"\r", b"")  # line breaks of both kinds in one text are made one kind by the encoder
    assert decoded(quopri.encodestring(data), "quoted-printable") == data


@given(st.binary(min_size=1, max_size=500))
def test_uuencoded_bytes_come_back(data: bytes) -> None:
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    assert decoded(b"begin 644 x\n" + lines + b"`\nend\n", "x-uuencode") == data


@given(st.binary(max_size=300), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit", "nonsense"]))
def test_any_bytes_in_any_encoding_decode(data: bytes, encoding: str) -> None:
    found, broken = parts.decoded(data, Part("text/plain", 0, len(data), encoding))
    assert broken == "" or broken in MEANINGS
    if encoding in ("7bit", "nonsense"):
        assert found == data
    lines = data.count(b"\n") + 1  # blanks that a gateway took from the end of a uuencoded line are zeros
    assert len(found) <= (63 * lines if encoding == "x-uuencode" else len(data))


@given(st.lists(st.text(st.sampled_from("ab> -"), max_size=12), max_size=8))
def test_unflowed_text_keeps_every_letter(lines: list[str]) -> None:
    words = "\n".join(lines)
    for delsp in (False, True):
        found = parts.unflowed(words, delsp)
        assert found.count("a") == words.count("a") and found.count("b") == words.count("b")


def test_flowed_text_of_the_rfc_is_joined_by_quote_depth() -> None:
    words = ">> Do you \n>> agree?\n> Yes \n> I do.\nGood.\n-- \nAnna \nBerg\n"
    assert parts.unflowed(words, False) == ">> Do you agree?\n> Yes I do.\nGood.\n-- \nAnna Berg\n"


def test_uuencode_that_is_none_stays_text() -> None:
    text = "begin 644 is how a file begins\nThe rest is prose.\n\nend\n"
    mail = read(with_header("Subject: x", body=text.encode()))
    assert mail.text == text and mail.attachments == ()


def test_several_uuencoded_files_in_one_text_are_all_found() -> None:
    body = b"one\nbegin 644 a.bin\n#86)C\n`\nend\ntwo\nbegin 644 b.bin\n#9&5F\n`\nend\n"
    mail = read(with_header("Subject: x", body=body))
    assert [(file.name, file.size_bytes) for file in mail.attachments] == [("a.bin", 3), ("b.bin", 3)]
    assert mail.text.split() == ["one", "two"]
    assert [parts.content(mail.raw.content, file.part) for file in mail.attachments] == [b"abc", b"def"]


PLAIN, HTML = "Content-Type: text/plain\n\nplain", "Content-Type: text/html\n\n<p>html</p>"


def test_F094_plain_wins_over_html_in_an_alternative_whatever_the_order() -> None:
    assert mail_of("alternative", PLAIN, HTML).text == mail_of("alternative", HTML, PLAIN).text == "plain"
    assert mail_of("alternative", HTML, PLAIN).html.strip() == "<p>html</p>"


def test_F094_html_counts_where_the_plain_part_is_blank() -> None:
    assert mail_of("alternative", "Content-Type: text/plain\n\n \n\t\n", HTML).text == "html"


def test_F096_inline_text_parts_are_joined_and_listed() -> None:
    mail = mail_of("mixed", "\none", "Content-Type: application/pdf\n\n%PDF-", "\ntwo")
    assert (mail.text, mail.text_parts) == ("one\ntwo", ("one", "two"))


def test_F096_html_beside_other_words_is_joined_too() -> None:
    assert mail_of("mixed", PLAIN, HTML).text == "plain\nhtml"


def test_text_with_a_name_is_a_file_unless_it_opens_the_mail() -> None:
    named = "Content-Type: text/plain; name=notes.txt\n\nnotes"
    assert mail_of("mixed", PLAIN, named).attachments[0].name == "notes.txt"
    assert mail_of("mixed", named, PLAIN).text == "notes\nplain"
    assert read("Content-Type: text/plain; name=notes.txt\n\nnotes").text == "notes"


def test_only_part_marked_as_attachment_is_body_unless_it_has_a_name() -> None:
    marked = "Content-Type: text/plain\nContent-Disposition: attachment"
    assert read(f"{marked}\n\nwords").text == "words"
    mail = read(f"{marked}; filename=a.txt\n\nwords")
    assert (mail.text, mail.attachments[0].name) == ("", "a.txt")


def test_other_wordings_of_an_alternative_are_no_attachments() -> None:
    mail = mail_of("alternative", PLAIN, "Content-Type: text/x-amp-html\n\n<html amp4email>", HTML)
    assert mail.attachments == ()


def test_enriched_text_loses_its_commands() -> None:
    mail = read("Content-Type: text/enriched\n\n<bold>Big</bold> <<news>>, <color><param>red</param>red</color>\n")
    assert mail.text == "Big <news>>, red\n"


def test_html_of_an_alternative_around_a_related_is_found() -> None:
    related = multipart("related", HTML, "Content-Type: image/png\nContent-ID: <a>\n\nx", boundary="rel")
    mail = mail_of("alternative", PLAIN, related)
    assert (mail.text, mail.html.strip()) == ("plain", "<p>html</p>")
    assert mail.html_part is not None and mail.html_part.path == "2.1"


def test_undeclared_charset_is_that_of_the_other_parts() -> None:
    russian = "Ошибка".encode("koi8-r")
    mail = mail_of("mixed", b"Content-Type: text/plain; charset=koi8-r\n\n" + russian, b"\n" + russian)
    assert mail.text_parts == ("Ошибка", "Ошибка")


def test_broken_parts_are_named() -> None:
    body = "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nSGVsbG8"
    assert "base64_broken" in codes(mail_of("mixed", PLAIN, body))
