"""The sample mails beside this file, named by what is wrong with them: what the reader makes of each."""

from __future__ import annotations

import pytest
from mail_builders import SAMPLES, all_samples, codes, raw_mail, sample
from mail_oracle import comparable, oracle

from engine.mail import calendar, html, parts
from engine.mail.addresses import sender
from engine.mail.parse import parse

SUBJECTS = {
    "plain": "Printer",
    "subject_split_inside_a_character": "Müller öffnet [#12]",
    "subject_base64_split_anywhere": "Müller öffnet",
    "subject_encoded_word_without_end": "Grüße",
    "subject_encoded_word_with_blanks": "Grüße aus Köln und Wien",
    "subject_encoded_words_without_blanks_around": "Re: café(2)",
    "subject_encoded_line_break": "one Bcc: eve@example.org",
    "subject_raw_utf8": "Größe prüfen",
    "subject_raw_koi8_r": "Ошибка сервера",
    "subject_raw_latin1": "Größe prüfen",
    "subject_raw_iso_2022_jp": "障害報告",
    "subject_folded_with_tab": "a long subject that goes on here",
    "charset_iso_2022_jp_ms": "②",
    "charset_ks_c_5601_1987": "오류 똠",
    "charset_gb2312_is_gb18030": "朱镕基",
    "charset_windows_1252_called_iso_8859_1": "“hi” €",
    "charset_windows_1251": "Привет",
    "charset_windows_1256": "مرحبا",
    "charset_iso_8859_2": "žółć",
    "charset_shift_jis": "報告①",
    "charset_big5": "錯誤",
    "charset_utf_7": "Grüße",
    "charset_unknown_8bit": "Grüße",
    "charset_does_not_exist": "naïve",
    "header_stray_line": "hi this line was broken by a gateway",
    "header_without_blank_line": "hi",
    "header_begins_with_mbox_line": "hi",
    "header_after_bom_and_blank_lines": "hi",
    "header_blank_before_colon": "hi",
    "line_ends_crcrlf": "hi",
}

TEXTS = {
    "plain": "The printer is on fire.\n\nAnna\n",
    "subject_raw_koi8_r": "Пароль не работает\n",
    "subject_raw_latin1": "für Köln\n",
    "subject_raw_iso_2022_jp": "接続できません\n",
    "charset_iso_2022_jp_ms": "① サーバー ｶﾅ\n",
    "charset_ks_c_5601_1987": "서버 연결 똠방각하\n",
    "charset_gb2312_is_gb18030": "朱镕基 €100\n",
    "charset_windows_1252_called_iso_8859_1": "“quoted” – €100\n",
    "charset_windows_1251": "Привет, мир\n",
    "charset_windows_1256": "مرحبا بالعالم\n",
    "charset_iso_8859_2": "źródło łódź\n",
    "charset_shift_jis": "接続できません①\n",
    "charset_big5": "伺服器錯誤\n",
    "charset_utf_7": "Grüße\n",
    "charset_unknown_8bit": "Größe\n",
    "charset_does_not_exist": "naïve\n",
    "charset_says_utf8_is_latin1": "für Köln\n",
    "charset_utf8_with_one_bad_byte": "Здравствуйте\ufffd\n",
    "charset_missing_raw_utf8": "für Köln €\n",
    "charset_only_in_html": "Ошибка",
    "uuencode_in_text": "Hello,\n\nthe file is below.\n\n\n\nRegards\nAnna\n",
    "flowed_delsp": "Hello Bob, this is one paragraph.\nSecond line.\n-- \nAnna\n",
    "flowed_quotes": "> You wrote this.\n>> Older text.\nStuffed and joined.\nFrom space\n",
    "boundary_parameter_missing": "Hello from a part.",
    "boundary_never_closed": "See attachment.",
    "boundary_not_in_body": "Just text after all.\n",
    "boundary_inner_never_closed": "plain words",
    "boundary_used_twice": "plain words",
    "message_in_message": "See attachment.",
    "digest": "",
    "alternative_with_calendar": "You are invited.",
    "related_html_with_pictures": "See the picture.",
    "apple_mixed_text_parts": "First part.\n\n\nSecond part.\n",
    "apple_alternative_with_mixed_html": "Before after.",
    "text_part_marked_as_attachment": "See attachment.",
    "smime_signed": "Signed words.\n",
    "smime_encrypted": "",
    "smime_opaque": "Der Drucker läuft nicht.",
    "smime_opaque_in_pieces": "Der Drucker läuft nicht.",
    "pgp_encrypted": "",
    "pgp_signed": "Signed words.\n",
    "html_only": (
        "Hello & welcome,\n\nsee the ticket <https://www.example.com/t/1?a=1&b=2> or https://www.example.com/."
        "\n\n* one\n* two"
    ),
    "html_with_empty_plain_part": "Only here.",
    "html_with_a_list_footer_in_plain": "The words.\n___\nlist footer",
    "alternative_called_mixed": "The same words, twice.",
    "alternative_html_first": "From plain.",
    "header_stray_line": "Grüße\n",
    "header_without_blank_line": "Hello, this is the body.\nMore of it.\n",
    "header_only": "",
    "header_after_bom_and_blank_lines": "x\n",
    "header_content_type_without_semicolons": "Köln",
    "line_ends_crcrlf": "One.\nTwo.\n",
    "line_ends_mixed": "One.\nTwo.\nThree.\n",
    "base64_without_padding": "Grüße aus Köln\n",
    "base64_with_a_list_footer": "Grüße aus Köln.\n\n",
    "quoted_printable_broken": "Grüße und Köln, 100=zz.\n",
    "text_with_nul": "beforeafter\n",
    "text_base64_says_7bit": "hello\n",
    "delivery_status": "Your mail could not be delivered.",
    "part_after_the_end": "first\nsecond",
    "multipart_inside_base64": "hello",
    "content_type_nonsense": "hello\n",
}

ATTACHMENTS = {
    "plain": [],
    "name_rfc2231_continuations": [("Übersicht für 2026.pdf", "application/pdf", 15)],
    "name_rfc2231_split_inside_a_character": [("für.pdf", "application/pdf", 15)],
    "name_in_encoded_words": [("Übersicht für.pdf", "application/pdf", 15)],
    "name_in_encoded_word_iso_2022_jp": [("障害報告.pdf", "application/pdf", 15)],
    "name_raw_utf8": [("Übersicht für.pdf", "application/pdf", 15)],
    "name_raw_latin1": [("Übersicht.pdf", "application/pdf", 15)],
    "name_unquoted_with_blanks": [("my report 2026.pdf", "application/pdf", 15)],
    "name_only_in_content_type": [("report.pdf", "application/pdf", 15)],
    "name_is_a_path": [("passwd", "application/pdf", 15), ("report.pdf", "application/pdf", 15)],
    "name_with_nul_and_bidi": [("abfdp.exe", "application/x-msdownload", 84)],
    "name_missing": [
        ("image001.png", "image/png", 33),
        ("attachment002.dat", "application/octet-stream", 4),
        ("attachment003.pdf", "application/pdf", 15),
    ],
    "names_the_same": [("image001.png", "image/png", 33), ("image001.png", "image/png", 34)],
    "attachment_empty": [("empty.pdf", "application/pdf", 0)],
    "attachment_type_is_a_lie": [
        ("photo.jpg", "application/x-msdownload", 85),
        ("report.bin", "application/pdf", 15),
        ("x.pdf", "application/pdf", 5),
    ],
    "uuencode_in_text": [("report.pdf", "application/pdf", 150)],
    "uuencode_as_transfer_encoding": [("report.pdf", "application/pdf", 150)],
    "boundary_parameter_missing": [("report.pdf", "application/pdf", 15)],
    "boundary_never_closed": [("report.pdf", "application/pdf", 15)],
    "boundary_inner_never_closed": [("report.pdf", "application/pdf", 15)],
    "boundary_used_twice": [("report.pdf", "application/pdf", 15)],
    "message_in_message": [("Grüße_2026.eml", "message/rfc822", 360)],
    "message_in_message_in_base64": [("Grüße_2026.eml", "message/rfc822", 360)],
    "digest": [("one.eml", "message/rfc822", 40), ("two.eml", "message/rfc822", 41)],
    "alternative_with_calendar": [("invite.ics", "text/calendar", 261)],
    "related_html_with_pictures": [("pic.png", "image/png", 33)],
    "apple_mixed_text_parts": [("report.pdf", "application/pdf", 15)],
    "apple_alternative_with_mixed_html": [("report.pdf", "application/pdf", 15)],
    "text_part_marked_as_attachment": [("log.txt", "text/plain", 17), ("page.html", "text/html", 24)],
    "smime_signed": [("smime.p7s", "application/pkcs7-signature", 44)],
    "smime_encrypted": [("smime.p7m", "application/pkcs7-mime", 44)],
    "smime_opaque": [("log.csv", "text/csv", 7)],
    "smime_opaque_in_pieces": [("log.csv", "text/csv", 7)],
    "pgp_signed": [("signature.asc", "application/pgp-signature", 64)],
    "pgp_encrypted": [
        ("version.asc", "application/pgp-encrypted", 11),
        ("encrypted.asc", "application/octet-stream", 61),
    ],
    "alternative_called_mixed": [],
    "delivery_status": [
        ("delivery-status.txt", "message/delivery-status", 106),
        ("headers.txt", "text/rfc822-headers", 38),
    ],
}

SENDERS = {
    "plain": ("Anna Berg", "anna@example.com", True),
    "from_address_in_front_of_the_bracket": ("alice@example.org]", "bob@evil.example", False),
    "from_name_is_another_address": ("ceo@example.com", "eve@evil.example", True),
    "from_name_is_another_address_encoded": ("Boss <ceo@example.com>", "eve@evil.example", True),
    "from_twice": ("Anna Berg", "anna@example.com", False),
    "from_two_addresses": ("", "anna@example.com", False),
    "from_encoded_as_a_whole": ("Anna Berg", "anna@example.com", False),
    "from_missing": ("Bob", "bob@example.com", False),
    "from_unquoted_comma": ("Berg, Anna", "anna@example.com", True),
    "from_comment_as_name": ("Anna (from Berlin) Berg", "anna@example.com", True),
    "from_group": ("", "anna@example.com", False),
    "delivery_status": ("Mail Delivery System", "MAILER-DAEMON@mx.example.com", True),
    "not_a_mail": ("", "", False),
}

DEFECTS = {
    "from_twice": {"from_several"},
    "header_stray_line": {"header_stray_line"},
    "header_without_blank_line": {"header_no_blank_line"},
    "header_begins_with_mbox_line": {"mbox_line"},
    "boundary_parameter_missing": {"mime_boundary_guessed"},
    "boundary_never_closed": {"mime_no_end"},
    "boundary_not_in_body": {"mime_no_boundary"},
    "part_after_the_end": {"mime_part_after_end"},
    "multipart_inside_base64": {"mime_encoded_multipart"},
    "base64_with_a_list_footer": {"base64_broken"},
    "charset_does_not_exist": {"charset_unknown"},
    "charset_says_utf8_is_latin1": {"charset_bad_bytes"},
    "text_with_nul": {"nul_in_text"},
    "date_impossible": {"date_unreadable"},
    "not_a_mail": {"no_header"},
    "plain": set[str](),
}

BETTER_THAN_THE_LIBRARY = {
    "header_stray_line",
    "header_blank_before_colon",
    "header_after_bom_and_blank_lines",
    "header_content_type_without_semicolons",
    "line_ends_crcrlf",
    "boundary_parameter_missing",
    "boundary_used_twice",
    "part_after_the_end",
}
"""Samples that the standard library loses fields or parts of, so that it cannot be the measure."""


@pytest.mark.parametrize("name", SUBJECTS)
def test_F092_subject_is_read(name: str) -> None:
    assert sample(name).subject == SUBJECTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_F093_F096_F097_text_is_read(name: str) -> None:
    assert sample(name).text == TEXTS[name]


@pytest.mark.parametrize("name", ATTACHMENTS)
def test_F126_F133_attachments_are_found_named_and_typed(name: str) -> None:
    found = [(file.name, file.content_type, file.size_bytes) for file in sample(name).attachments]
    assert found == ATTACHMENTS[name]


@pytest.mark.parametrize("name", SENDERS)
def test_F053_sender_is_read_and_believed_or_not(name: str) -> None:
    address, problem = sender(sample(name))
    assert (address.name, address.address, problem == "") == SENDERS[name]


@pytest.mark.parametrize("name", DEFECTS)
def test_F048_what_is_odd_is_named(name: str) -> None:
    found = codes(sample(name))
    assert DEFECTS[name] <= found
    assert name != "plain" or not found


@pytest.mark.parametrize("name", sorted(set(all_samples()) - BETTER_THAN_THE_LIBRARY))
@pytest.mark.parametrize("ends", ["lf", "crlf"])
def test_splitter_and_standard_library_make_the_same_mail(name: str, ends: str) -> None:
    content = (SAMPLES / f"{name}.eml").read_bytes()
    if ends == "crlf":
        content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    raw = raw_mail(content)
    assert comparable(parse(raw)) == comparable(oracle(raw))


@pytest.mark.parametrize("name", all_samples())
def test_every_part_is_a_slice_in_order_and_decodes(name: str) -> None:
    mail = sample(name)
    slices = [(part.start, part.end) for part in mail.parts]
    assert slices == sorted(slices)
    assert all(0 <= start <= end <= len(mail.raw.content) for start, end in slices)
    for file in mail.attachments:
        assert len(file.content or parts.content(mail.raw.content, file.part)) == file.size_bytes


def test_mail_of_one_text_part_says_the_same_by_its_part() -> None:
    mail = sample("charset_gb2312_is_gb18030")
    assert parts.text(mail.raw.content, mail.parts[0]) == mail.text


def test_F098_message_in_message_stays_one_attachment_with_its_bytes() -> None:
    mail = sample("message_in_message")
    inner = parts.content(mail.raw.content, mail.attachments[0].part)
    assert inner.startswith(b"From: Jane") and inner.endswith(b"--inner--\n")
    assert (
        parts.content((other := sample("message_in_message_in_base64")).raw.content, other.attachments[0].part) == inner
    )


def test_F129_picture_that_the_html_shows_is_inline_and_measured() -> None:
    picture = sample("related_html_with_pictures").attachments[0]
    assert (picture.inline, picture.content_id) == (True, "pic@example.com")
    assert (picture.width_px, picture.height_px) == (120, 40)


def test_F096_html_of_several_parts_is_joined() -> None:
    mail = sample("apple_alternative_with_mixed_html")
    assert html.to_text(mail.html) == "Before\n\nafter."
    assert mail.html_part is not None and mail.html_part.path == "2.1"


def test_html_beside_a_plain_footer_keeps_both() -> None:
    assert "list footer" in sample("html_with_a_list_footer_in_plain").html


def test_calendar_part_becomes_an_invitation() -> None:
    mail = sample("alternative_with_calendar")
    found = calendar.invitation(parts.content(mail.raw.content, mail.attachments[0].part))
    assert found is not None
    assert (found.method, found.summary, found.location) == ("REQUEST", "Review, part 2", "Room 1")
    assert found.organizer == "anna@example.com"
    assert found.start and found.start.isoformat() == "2026-12-01T09:00:00+00:00"
    assert found.end and found.end.isoformat() == "2026-12-01T10:30:00+00:00"


def test_ids_are_in_brackets_unfolded_and_named_once() -> None:
    mail = sample("ids_without_brackets")
    assert mail.message_id == "<abc@mail.example.com>"
    assert mail.in_reply_to == ("<one@mail.example.com>",)
    assert mail.references == ("<one@mail.example.com>", "<two@mail.example.com>")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("plain", "2026-11-20T09:31:00+00:00"), ("date_obsolete", "2026-11-20T18:31:00+00:00"), ("date_impossible", "")],
)
def test_date_is_read_as_utc(name: str, expected: str) -> None:
    date = sample(name).date
    assert (date.isoformat() if date else "") == expected


def test_recipients_are_read_from_lists_groups_and_semicolons() -> None:
    mail = sample("to_undisclosed")
    assert mail.to == ()
    assert [(person.name, person.address) for person in mail.cc] == [
        ("Doe, Jane", "jane@bigcorp.example"),
        ("Jörg", "joerg@example.com"),
        ("", "bob@example.com"),
    ]


def test_name_of_4000_characters_keeps_its_extension() -> None:
    name = sample("name_of_4000_characters").attachments[0].name
    assert len(name) <= 200 and name.endswith(".pdf")


def test_every_sample_field_of_the_model_is_text_that_can_be_stored() -> None:
    for name in all_samples():
        mail = sample(name)
        for name in mail.__struct_fields__:
            if name != "raw":
                repr(getattr(mail, name)).encode("utf-8")
        assert not any("\n" in header.value or "\x00" in header.value for header in mail.headers)
