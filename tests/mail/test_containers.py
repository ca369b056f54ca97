"""Containers that hold the text of a mail and need no key."""

from __future__ import annotations

import base64

import pytest
from container_builders import ENVELOPED, HTML, PACKED, SIGNED, container, packed, prop, winmail
from mail_builders import codes, mail_of, multipart, read

from engine.mail.auto import bounce, classify
from engine.mail.secrecy import closed, encrypted, signed
from engine.model.facts import Auto
from engine.model.mail import Mail

INNER = b"Content-Type: text/plain; charset=utf-8\n\nIt does not print.\n"
FILE = b"Content-Type: text/csv; name=a.csv\nContent-Disposition: attachment\n\na;b"


def part(data: bytes, kind: str, name: str) -> bytes:
    head = f"Content-Type: {kind}; name={name}\nContent-Transfer-Encoding: base64\n"
    return f"{head}Content-Disposition: attachment; filename={name}\n\n".encode() + base64.encodebytes(data)


def smime(data: bytes, kind: str = "application/pkcs7-mime; smime-type=signed-data") -> Mail:
    return read(b"From: anna@example.com\nSubject: x\n" + part(data, kind, "smime.p7m"))


def outlook(data: bytes, text: str = "") -> Mail:
    return mail_of("mixed", f"Content-Type: text/plain\n\n{text}", part(data, "application/ms-tnef", "winmail.dat"))


def test_opaque_signed_mail_is_read_and_its_container_replaced_by_what_is_in_it() -> None:
    mail = smime(container(SIGNED, multipart("mixed", INNER, FILE)))
    (file,) = mail.attachments
    assert (mail.text, file.name, file.content, mail.opened) == ("It does not print.\n", "a.csv", b"a;b", ("1",))
    assert signed(mail) and not encrypted(mail) and closed(mail) == ""
    assert "message_id_missing" in codes(mail) and mail.subject == "x"


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-pkcs7-mime", "application/pkcs7-mime"])
def test_container_is_known_by_its_bytes_where_its_type_does_not_say_what_it_is(kind: str) -> None:
    assert smime(container(SIGNED, INNER), kind).text == "It does not print.\n"
    assert signed(smime(container(SIGNED, INNER), kind)) and not encrypted(smime(container(SIGNED, INNER), kind))
    assert encrypted(smime(container(ENVELOPED, INNER), kind))


def test_text_beside_a_signed_container_is_kept_behind_it() -> None:
    mail = mail_of(
        "mixed", part(container(SIGNED, INNER), "application/pkcs7-mime", "smime.p7m"), "\n--\nlist footer\n"
    )
    assert mail.text == "It does not print.\n\n--\nlist footer\n"
    assert mail.attachments == ()


def test_html_in_a_container_is_read_as_html_and_stands_nowhere() -> None:
    mail = smime(container(SIGNED, b"Content-Type: text/html\n\n<p>It <b>smokes</b></p>"))
    assert (mail.text, mail.html, mail.html_part) == ("It smokes", "<p>It <b>smokes</b></p>", None)


def test_containers_in_containers_are_opened_only_so_deep() -> None:
    data = INNER
    for depth in range(1, 8):
        data = part(container(SIGNED, data), "application/pkcs7-mime", "smime.p7m")
        mail = read(b"From: anna@example.com\n" + data)
        assert bool(mail.text) == (depth <= 3)


def test_packed_mail_is_read() -> None:
    import zlib

    assert smime(container(PACKED, zlib.compress(INNER))).text == "It does not print.\n"


def test_signed_container_that_cannot_be_opened_is_closed_and_not_encrypted() -> None:
    mail = smime(b"\x30\x03\x02\x01\x00")
    assert (closed(mail), encrypted(mail)) == ("smime.p7m", False)


def test_005_text_that_stands_only_in_a_winmail_dat_is_the_text_of_the_mail() -> None:
    mail = outlook(winmail(prop(0x102, 0x1013, HTML)))
    assert (mail.text, mail.message_class) == ("The scanner shows E-17.", "IPM.Note")
    assert [file.name for file in mail.attachments] == ["winmail.dat"]
    assert closed(mail) == ""
    assert outlook(winmail(prop(0x102, 0x1009, packed(b"{\\rtf1 Words}")))).text == "Words"


def test_winmail_dat_beside_a_text_adds_nothing() -> None:
    mail = outlook(winmail(prop(0x1E, 0x1000, b"Other words\0")), "The words")
    assert (mail.text, mail.html, mail.message_class) == ("The words", "", "IPM.Note")


def test_closed_is_a_winmail_dat_with_a_text_that_cannot_be_read_and_not_an_empty_one() -> None:
    assert closed(outlook(winmail(prop(0x102, 0x1009, b"\0" * 40)))) == "winmail.dat"
    assert closed(outlook(b"\x78\x9f\x3e\x22")) == "winmail.dat"
    assert closed(outlook(winmail(prop(0x102, 0x1013, HTML))[:90])) == "winmail.dat"
    assert closed(outlook(winmail(prop(0x102, 0x1009, packed(b"{\\rtf1\\par}"))))) == ""
    assert closed(outlook(winmail(prop(0x102, 0x1009, b"\0" * 40)), "The words")) == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("IPM.Note", Auto.NONE),
        ("IPM.Microsoft Mail.Non-Delivery", Auto.BOUNCE),
        ("IPM.Microsoft Mail.Read Receipt", Auto.DISPOSITION),
        ("IPM.Note.Rules.OofTemplate.Microsoft", Auto.AUTO_REPLY),
        ("IPM.Microsoft Schedule.MtgRespP", Auto.NONE),
    ],
)
def test_message_class_tells_the_machine_mail_of_exchange(name: str, kind: Auto) -> None:
    mail = outlook(winmail(name=name), "Words")
    assert classify(mail).kind is kind
    assert (bounce(mail) is not None) == (kind is Auto.BOUNCE)


@pytest.mark.parametrize("name", ["invoice.xml.p7m", "smime.p7m"])
def test_document_that_somebody_signed_is_a_file_and_neither_closed_nor_encrypted(name: str) -> None:
    document = part(container(SIGNED, b"<?xml version='1.0'?><Invoice/>"), "application/pkcs7-mime", name)
    for text in ("See the invoice.", ""):
        mail = mail_of("mixed", f"Content-Type: text/plain\n\n{text}", document)
        assert [file.name for file in mail.attachments] == [name]
        assert (mail.text, mail.opened, encrypted(mail), closed(mail)) == (text, (), False, "")


def test_encrypted_mail_inside_a_signature_is_encrypted() -> None:
    inner = part(container(ENVELOPED, b"secret"), "application/pkcs7-mime", "smime.p7m")
    mail = smime(container(SIGNED, inner))
    assert (mail.text, encrypted(mail), signed(mail)) == ("", True, True)
