"""Words that came as HTML leave as HTML, safe, with the pictures that stand in them; the text says the same."""

from __future__ import annotations

import re
import struct
import zlib
from email.message import EmailMessage
from typing import Any

from end_to_end.test_conversation import JANE, asked, got, office, outcome, reply_to, words

__all__ = ["office"]

ANNA = "Anna Berg <anna@example.com>"


def png(seed: int = 0, width: int = 200) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress((b"\0" + bytes((seed, 80, 160)) * width) * width)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, width, 8, 2, 0, 0, 0)) + chunk(
        b"IDAT", pixels
    ) + chunk(b"IEND", b"")  # fmt: skip


def page_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def pictures(mail: Any) -> dict[str, bytes]:
    """Content-ID -> bytes of what the HTML may show."""
    return {str(part["Content-ID"])[1:-1]: part.get_content() for part in mail.walk() if part["Content-ID"]}


def write(desk: Any, mail: EmailMessage, sender: str, html: str, shown: dict[str, bytes], text: str) -> None:
    """Answer in HTML, with pictures in it, as mail programs do."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, reply_to(mail), str(mail["Subject"])
    made["Message-ID"], made["In-Reply-To"] = f"<html.{desk.written}@example.com>", str(mail["Message-ID"])
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    related: Any = made.get_payload()[1]  # type: ignore[index]
    for name, content in shown.items():
        related.add_related(content, "image", "png", cid=f"<{name}>", filename="image001.png", disposition="inline")
    desk.mail(raw=made.as_bytes(), box="support" if "support" in made["To"] else "system")
    assert outcome(desk) == "comment"


HTML = (
    '<html><body><p>Press the <b>red</b> button:</p><img src="cid:red@pc"><script>alert(1)</script>'
    '<img src="https://tracker.example/x.png"><p onclick="x()">Bye</p></body></html>'
)


def test_the_answer_of_a_colleague_keeps_its_form_and_its_picture(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    write(desk, told["anna@example.com"], ANNA, HTML, {"red@pc": png()}, "Press the red button:\n\nBye\n")
    answer = got(office)["jane@big.example"]
    page = page_of(answer)
    assert "<b>red</b>" in page and "Press the red button:" in words(answer)
    assert "script" not in page and "onclick" not in page and "tracker.example" not in page
    ((content_id, content),) = pictures(answer).items()
    assert content == png() and f'src="cid:{content_id}"' in page
    assert content_id.endswith("@example.com") and "red@pc" not in page, "the name is ours"
    assert "It takes an hour." in page, "what was quoted stands below"
    assert answer.get_body(("plain",)) is not None and "text/html" in str(answer), "both stand there"


def test_a_picture_that_the_answer_quotes_from_elsewhere_leaves_no_hole(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    write(desk, told["anna@example.com"], ANNA, HTML, {}, "Press the red button:\n\nBye\n")
    answer = got(office)["jane@big.example"]
    assert pictures(answer) == {} and "<img" not in page_of(answer)


def test_pictures_go_along_as_far_as_there_is_room(desk: Any, office: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.outbox.shown.MOST_BYTES", len(png(1)) + 10)
    told = asked(desk, office)
    html = '<p>Press</p><img src="cid:a@pc"><img src="cid:b@pc">'
    write(desk, told["anna@example.com"], ANNA, html, {"a@pc": png(1), "b@pc": png(2)}, "Press\n")
    answer = got(office)["jane@big.example"]
    assert list(pictures(answer).values()) == [png(1)] and page_of(answer).count("<img") == 1


def test_a_picture_of_a_note_never_leaves_the_inside(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    note = re.search(r"\S+\+n1-\S+@example\.com", words(told["anna@example.com"]))
    assert note is not None
    inside = EmailMessage()
    inside["Reply-To"], inside["Subject"], inside["Message-ID"] = note[0], "Re: [#1]", "<x@example.com>"
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = ANNA, note[0], "Re: [#1]"
    made["Message-ID"] = "<note@example.com>"
    made.set_content("Look\n")
    made.add_alternative('<p>Look</p><img src="cid:secret@pc">', subtype="html")
    made.get_payload()[1].add_related(png(7), "image", "png", cid="<secret@pc>", disposition="inline")  # type: ignore[index]
    desk.mail(raw=made.as_bytes(), box="support" if "support" in note[0] else "system")
    assert outcome(desk) == "note"
    got(office)
    write(desk, told["anna@example.com"], ANNA, '<p>See</p><img src="cid:secret@pc">', {}, "See\n")
    answer = got(office)["jane@big.example"]
    assert pictures(answer) == {} and "<img" not in page_of(answer)


def test_who_wants_text_gets_no_picture_either(desk: Any, office: Any) -> None:
    desk.allegra("user", "notify", "jane", "format=text")
    told = asked(desk, office)
    write(desk, told["anna@example.com"], ANNA, HTML, {"red@pc": png()}, "Press the red button:\n\nBye\n")
    answer = got(office)["jane@big.example"]
    assert answer.get_content_type() == "text/plain" and pictures(answer) == {}


def test_the_words_of_a_customer_reach_people_inside_as_they_came(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    write(
        desk,
        told["jane@big.example"],
        JANE,
        '<p>It is <i>this</i> one</p><img src="cid:p">',
        {"p": png(3)},
        "It is this one\n",
    )
    notice = got(office)["anna@example.com"]
    assert "<i>this</i>" in page_of(notice) and list(pictures(notice).values()) == [png(3)]
