"""What becomes of the files in a mail, from the bytes to the item and back out."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from builders import tnef

SAMPLES = Path(__file__).resolve().parents[1] / "mail"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def png(width: int, height: int, seed: int = 0) -> bytes:
    """A picture in one colour; its claimed size is all that matters to most tests."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((seed, 80, 160)) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = row * height if width * height < 10**7 else b""
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def letter(
    *files: tuple[str, str, bytes],
    text: str = "See below.\n",
    html: str = "",
    pictures: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """A mail with files (name, type, bytes) and pictures shown in its HTML (Content-ID, bytes)."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@example.com", "help@example.com", "With files"
    message["Message-ID"] = (
        f"<{hashlib.sha256(repr((files, text, html, pictures)).encode()).hexdigest()[:16]}@x.example>"
    )
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
        page: Any = message.get_payload()[1]  # type: ignore[index]
        for content_id, data in pictures:
            page.add_related(data, "image", "png", cid=f"<{content_id}>", filename="image001.png", disposition="inline")
    for name, kind, data in files:
        main, _, sub = kind.partition("/")
        message.add_attachment(data, main, sub, filename=name)
    return message.as_bytes()


def names(desk: Any, number: int = 1) -> list[str]:
    return [each["name"] for each in desk.item(number)["attachments"]]


def bytes_of(desk: Any, name: str, number: int = 1) -> bytes:
    (found,) = [each for each in desk.item(number)["attachments"] if each["name"] == name]
    got: bytes = desk.allegra("item", "file", str(number), str(found["id"])).stdout_bytes
    assert hashlib.sha256(got).hexdigest() == found["digest"]
    return got


def test_F126_all_files_of_a_mail_join_the_item_on_create_and_on_reply(desk: Any) -> None:
    desk.mail(raw=letter(("a.pdf", "application/pdf", PDF), ("b.txt", "text/plain", b"text\n")))
    desk.run()
    assert names(desk) == ["a.pdf", "b.txt"]
    assert bytes_of(desk, "a.pdf") == PDF
    reply = letter(("c.txt", "text/plain", b"more\n")).replace(b"With files", b"Re: [#1] With files")
    desk.mail(raw=reply)
    assert [line["outcome"] for line in desk.run()] == ["comment"]
    assert names(desk) == ["a.pdf", "b.txt", "c.txt"]


@pytest.mark.parametrize(
    ("options", "file", "kept", "said"),
    [
        ("", ("evil.exe", "application/octet-stream", b"MZ" + b"\0" * 200), [], "exclude_names"),
        (
            "exclude_names = []",
            ("harmless.pdf", "application/pdf", b"MZ" + b"\x90\0" * 200),
            [],
            "exclude_attachment_types",
        ),
        (
            'exclude_attachment_types = ["image/*"]',
            ("a.png", "image/png", png(300, 300)),
            [],
            "exclude_attachment_types",
        ),
        ("", ("empty.txt", "text/plain", b""), [], "it is empty"),
        ("", ("a\u00e4\u20ac.txt", "text/plain", b"x"), ["a\u00e4\u20ac.txt"], ""),
        ("", ("../../etc/passwd", "text/plain", b"x"), ["passwd"], ""),
        ("maximum_count = 0", ("a.txt", "text/plain", b"x"), ["a.txt"], ""),
    ],
    ids=["name", "type by content", "group of types", "empty", "odd name", "slashes", "no limit"],
)
def test_F127_F132_F133_files_meet_their_fate_by_name_type_and_size(
    desk: Any, options: str, file: tuple[str, str, bytes], kept: list[str], said: str
) -> None:
    desk.configure(more=f"[attachments]\n{options}\n")
    desk.mail(raw=letter(file))
    assert [line["outcome"] for line in desk.run()] == ["created"]
    assert names(desk) == kept
    assert said in desk.explained()


def test_F128_the_same_bytes_join_an_item_once(desk: Any) -> None:
    picture = png(400, 300)
    desk.mail(raw=letter(("a.png", "image/png", picture), ("b.png", "image/png", picture)))
    desk.run()
    desk.mail(raw=letter(("c.png", "image/png", picture)).replace(b"With files", b"Re: [#1] With files"))
    desk.run()
    assert names(desk) == ["a.png"]
    assert "the item has it already" in desk.explained()


def test_F130_small_pictures_in_the_text_stay_out_and_small_files_come_in(desk: Any) -> None:
    html = '<p>Hello</p><img src="cid:logo@x"><img src="cid:shot@x">'
    pictures = [("logo@x", png(50, 15)), ("shot@x", png(400, 300))]
    desk.mail(raw=letter(("tiny.png", "image/png", png(9, 9)), html=html, pictures=pictures))
    desk.run()
    assert [each["content_id"] for each in desk.item(1)["attachments"]] == ["shot@x", ""]
    assert "images_minimum_size" in desk.explained()


def test_F131_a_big_picture_is_stored_as_it_was_made_smaller(desk: Any) -> None:
    pytest.importorskip("PIL")
    desk.configure(more='[attachments]\nimages_maximum_size = "200x200"\n')
    desk.mail(raw=letter(("big.png", "image/png", png(800, 400))))
    desk.run()
    small = bytes_of(desk, "big.png")
    assert struct.unpack(">II", small[16:24]) == (200, 100)
    assert "800x400 made 200x100" in desk.explained()
    desk.allegra("db", "prune")
    assert bytes_of(desk, "big.png") == small


def test_F131_a_picture_that_only_claims_to_be_huge_is_kept_and_harms_nobody(desk: Any) -> None:
    desk.configure(more='[attachments]\nimages_maximum_size = "1600x1600"\n')
    bomb = png(30_000, 30_000)
    desk.mail("The one before")
    desk.mail(raw=letter(("bomb.png", "image/png", bomb)))
    assert [line["outcome"] for line in desk.run()] == ["created", "created"]
    assert bytes_of(desk, "bomb.png", 2) == bomb
    assert "30000x30000) could not be made smaller and is kept as it is" in desk.explained()


def test_F131_what_is_taken_out_of_a_container_is_stored_by_itself(desk: Any) -> None:
    pytest.importorskip("tnefparse")
    desk.configure(more='[attachments]\ntnef = "unpack"\n')
    desk.mail(raw=letter(("winmail.dat", "application/ms-tnef", tnef(b"plan.txt", b"The plan"))))
    desk.run()
    assert names(desk) == ["plan.txt"]
    assert bytes_of(desk, "plan.txt") == b"The plan"


def test_F129_pictures_stand_in_the_html_of_an_item_and_of_a_reply_that_quotes_them(desk: Any) -> None:
    picture = png(400, 300)
    html = '<p onclick="x()">Look</p><img src="cid:shot%40x"><img src="https://spy.example/p.gif"><script>1</script>'
    desk.mail(raw=letter(html=html, pictures=[("shot@x", picture)]))
    desk.run()
    shown = desk.allegra("item", "show", "1", "--html").stdout
    assert "data:image/png;base64,iVBORw0KGgo" in shown
    assert "spy.example" not in shown and "script" not in shown and "onclick" not in shown
    reply = letter(text="Seen\n", html='<p>Seen</p><img src="cid:shot@x">', pictures=[("shot@x", picture)])
    desk.mail(raw=reply.replace(b"With files", b"Re: [#1] With files"))
    desk.run()
    (comment,) = desk.item(1)["comments"]
    assert (
        "data:image/png;base64," in desk.allegra("item", "show", "1", "--html", "--comment", str(comment["id"])).stdout
    )
    assert desk.allegra("item", "show", "1", "--html", "--comment", "99").exit_code == 1


def test_F129_equal_pictures_join_the_item_once_and_show_at_every_place(desk: Any) -> None:
    picture = png(400, 300)
    html = '<img src="cid:i0"><img src="cid:i1"><img src=cid:i2>'
    desk.mail(raw=letter(html=html, pictures=[(f"i{n}", picture) for n in range(3)]))
    desk.run()
    reply = letter(text="Seen\n", html='<p>Seen</p><img src="cid:other@x">', pictures=[("other@x", picture)])
    desk.mail(raw=reply.replace(b"With files", b"Re: [#1] With files"))
    desk.run()
    item = desk.item(1)
    (kept,), (comment,) = item["attachments"], item["comments"]
    assert kept["content_id"] == "i0" and item["html"].count('src="cid:i0"') == 3
    assert 'src="cid:i0"' in comment["html"]
    assert desk.allegra("item", "show", "1", "--html").stdout.count("data:image/png;base64,") == 3
    said = desk.allegra("item", "show", "1", "--html", "--comment", str(comment["id"])).stdout
    assert "data:image/png;base64," in said


def test_F129_equal_pictures_that_were_made_smaller_show_at_every_place(desk: Any) -> None:
    pytest.importorskip("PIL")
    desk.configure(more='[attachments]\nimages_maximum_size = "200x200"\n')
    desk.mail(
        raw=letter(html='<img src="cid:i0"><img src="cid:i1">', pictures=[("i0", png(400, 300)), ("i1", png(400, 300))])
    )
    desk.run()
    assert desk.allegra("item", "show", "1", "--html").stdout.count("data:image/png;base64,") == 2


@pytest.mark.parametrize(
    ("location", "src"),
    [
        ("image001.png", "image001.png"),
        ("https://news.example/a/logo.png?x=1&y=2", "https://news.example/a/logo.png?x=1&amp;y=2"),
        ("file:///C:/a b.png", "file:///C:/ab.png"),
    ],
)
def test_F129_picture_that_the_html_names_by_its_content_location_is_shown(desk: Any, location: str, src: str) -> None:
    raw = letter(html=f'<p>Look</p><img src="{src}">', pictures=[("shot@x", png(400, 300))])
    assert b"Content-ID: <shot@x>" in raw
    desk.mail(raw=raw.replace(b"Content-ID: <shot@x>", f"Content-Location: {location}".encode()))
    desk.run()
    (kept,) = desk.item(1)["attachments"]
    assert kept["inline"] is True
    assert "data:image/png;base64," in desk.allegra("item", "show", "1", "--html").stdout
    seen = json.loads(
        desk.allegra("parse", "--json", "-", stdin=desk.allegra("mail", "raw", "last").stdout_bytes).stdout
    )
    assert 'src="cid:' in seen["html"]


def test_F129_picture_from_outside_is_never_shown_whatever_it_is_called(desk: Any) -> None:
    desk.mail(
        raw=letter(
            html='<img src="https://spy.example/p.gif"><img src="cid:shot@x">', pictures=[("shot@x", png(400, 300))]
        )
    )
    desk.run()
    assert "spy.example" not in desk.allegra("item", "show", "1", "--html").stdout


def test_F129_pictures_over_the_cap_have_no_address_and_ask_nobody(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.explain.page.MOST_BYTES", 100)
    desk.mail(raw=letter(html='<img src="cid:shot@x">', pictures=[("shot@x", png(400, 300))]))
    desk.run()
    shown = desk.allegra("item", "show", "1", "--html").stdout
    assert "<img" in shown and "src=" not in shown


def test_F098_a_forwarded_mail_is_a_file_or_is_unpacked(desk: Any) -> None:
    inner = message_from_bytes(letter(("deep.txt", "text/plain", b"deep\n")), policy=policy.default)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@example.com", "help@example.com", "Fwd: With files"
    message.set_content("See what they wrote.\n")
    message.add_attachment(inner)
    desk.mail(raw=message.as_bytes())
    desk.run()
    (kept,) = desk.item(1)["attachments"]
    assert kept["content_type"] == "message/rfc822"
    desk.configure(more='[attachments]\nforwarded_mail = "unpack"\n')
    desk.mail(raw=message.as_bytes().replace(b"See what", b"Look what"))
    desk.run()
    assert names(desk, 2) == ["deep.txt"]
    assert bytes_of(desk, "deep.txt", 2) == b"deep\n"
    assert "Forwarded message" in desk.item(2)["text"]


def test_F134_what_is_too_many_stays_in_the_stored_mail(desk: Any) -> None:
    desk.configure(more="[attachments]\nmaximum_count = 2\n")
    desk.mail(raw=letter(*((f"{n}.txt", "text/plain", b"%d" % n) for n in range(4))))
    desk.run()
    assert names(desk) == ["0.txt", "1.txt"]
    assert "maximum_count" in desk.explained()
    assert b'filename="3.txt"' in desk.allegra("mail", "raw", "last").stdout_bytes


def test_F121_an_invitation_sets_the_dates(desk: Any) -> None:
    desk.configure(more='[attachments]\ncalendar = "item"\n')
    event = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261201T090000Z\r\n"
    event += "DTEND:20261203T100000Z\r\nSUMMARY:Move\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    desk.mail(raw=letter(("invite.ics", "text/calendar", event.encode())))
    desk.run()
    fields = desk.item(1)["fields"]
    assert (fields["start_date"], fields["due_date"]) == ("2026-12-01", "2026-12-03")


def test_F121_an_answer_to_an_invitation_joins_its_item_by_the_uid(desk: Any) -> None:
    desk.configure(more='[attachments]\ncalendar = "item"\n')
    event = "BEGIN:VCALENDAR\r\nMETHOD:{}\r\nBEGIN:VEVENT\r\nUID:move-{}@big.example\r\nDTSTART:20261201T090000Z\r\n"
    event += "SUMMARY:Move\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    desk.mail(raw=letter(("invite.ics", "text/calendar", event.format("REQUEST", 7).encode())))
    desk.run()
    desk.mail(raw=letter(("reply.ics", "text/calendar", event.format("REPLY", 7).encode()), text="Accepted: Move\n"))
    desk.mail(raw=letter(("reply.ics", "text/calendar", event.format("REPLY", 8).encode()), text="Accepted: other\n"))
    answered, made = desk.run()
    assert (answered["outcome"], answered["item"], made["outcome"]) == ("comment", 1, "created")
    assert "move-7@big.example" in desk.allegra("explain", answered["mail"]).stdout


def test_a_zip_bomb_is_kept_closed(desk: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 20_000_000)
    desk.mail(raw=letter(("bomb.zip", "application/zip", packed.getvalue())))
    desk.mail("The next one")
    assert [line["outcome"] for line in desk.run()] == ["created", "created"]
    assert bytes_of(desk, "bomb.zip") == packed.getvalue()


def test_005_text_that_stands_only_in_a_winmail_dat_is_the_text_of_the_item(desk: Any) -> None:
    page = b"<html><body><p>The scanner on floor 2 shows <b>E-17</b>.</p></body></html>\0\0"
    desk.mail(raw=letter(("winmail.dat", "application/ms-tnef", tnef_of(0x1013, page)), text="\n"))
    assert [line["outcome"] for line in desk.run()] == ["created"]
    assert desk.item(1)["text"].strip() == "The scanner on floor 2 shows E-17."
    assert names(desk) == ["winmail.dat"]


def test_a_winmail_dat_whose_text_cannot_be_read_is_held_with_that_reason(desk: Any) -> None:
    desk.mail(raw=letter(("winmail.dat", "application/ms-tnef", tnef_of(0x1009, b"\0" * 40)), text="\n"))
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("held", "gate.closed_container")
    assert "winmail.dat, which could not be opened" in line["because"]


def test_signed_mail_in_one_piece_becomes_an_item_with_its_text_and_files(desk: Any) -> None:
    desk.mail(raw=(SAMPLES / "smime_opaque_in_pieces.eml").read_bytes())
    assert [line["outcome"] for line in desk.run()] == ["created"]
    assert desk.item(1)["text"].strip() == "Der Drucker läuft nicht."
    assert names(desk) == ["log.csv"] and bytes_of(desk, "log.csv") == b"a;b\n1;2"


def tnef_of(number: int, value: bytes) -> bytes:
    """A winmail.dat that holds one property of the mail (MS-OXTNEF 2.1.3.4)."""
    data = struct.pack("<IHHII", 1, 0x102, number, 1, len(value)) + value
    head = struct.pack("<IH", 0x223E9F78, 1)
    return head + struct.pack("<BII", 1, 0x00069003, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
