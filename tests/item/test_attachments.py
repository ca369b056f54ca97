"""Which attachments join the item, and what is made of containers and big pictures."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from builders import World, answers, config, draft, facts, item, mail, tnef
from msgspec.structs import replace

from engine.item.unpacking import content
from engine.model.draft import AttachmentFate, Draft
from engine.model.mail import Mail
from engine.stages.draft import DraftStage
from engine.wording.sentence import sentence

EXE = b"MZ\x90\x00" + b"\0" * 100


def decide(about: Mail, toml: str = "", known: object = None, **before: object) -> Draft:
    return DraftStage(config(toml)).decide(about, known or facts(about), draft(**before), World())  # type: ignore[arg-type]


def with_files(*files: tuple[str, str, bytes]) -> Mail:
    return mail(attachments=files)


def kept(decided: Draft) -> list[str]:
    return [fate.attachment.name for fate in decided.attachments if fate.keep]


def out(decided: Draft) -> AttachmentFate:
    return next(fate for fate in decided.attachments if not fate.keep)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_F126_all_attachments_join_on_create_and_on_reply() -> None:
    about = with_files(("a.pdf", "application/pdf", b"%PDF-1"), ("b.txt", "text/plain", b"b"))
    assert kept(decide(about)) == ["a.pdf", "b.txt"]
    assert kept(decide(about, known=facts(about, thread=answers(item(7))))) == ["a.pdf", "b.txt"]


def test_F127_excluded_names_and_types_stay_out_and_the_trace_says_why() -> None:
    decided = decide(with_files(("tool.EXE", "application/octet-stream", b"x"), ("ok.txt", "text/plain", b"x")))
    assert kept(decided) == ["ok.txt"]
    assert "exclude_names" in sentence(out(decided).because)
    assert any(note.code == "draft.attachment_refused" for note in decided.notes)


def test_F127_types_are_judged_by_the_bytes_not_by_the_claim() -> None:
    about = with_files(("report.pdf", "application/pdf", EXE))
    assert "application/x-msdownload" in sentence(out(decide(about)).because)
    assert kept(decide(about, "[attachments]\ncheck_content = false\n")) == ["report.pdf"]


def test_F127_a_whole_family_of_types_can_be_excluded() -> None:
    about = with_files(("a.png", "image/png", png(200, 200)), ("b.txt", "text/plain", b"b"))
    assert kept(decide(about, '[attachments]\nexclude_attachment_types = ["image/*"]\n')) == ["b.txt"]


def test_a_rule_drops_attachments_by_name() -> None:
    about = with_files(("WINMAIL.dat", "application/octet-stream", b"x"), ("[a].txt", "text/plain", b"b"))
    assert kept(decide(about, drop_names=("winmail.*",))) == ["[a].txt"]
    assert kept(decide(about, drop_names=("[a]*",))) == ["WINMAIL.dat"]


def test_F128_the_same_bytes_join_an_item_once() -> None:
    about = with_files(("logo.png", "image/png", png(200, 200)), ("logo2.png", "image/png", png(200, 200)))
    digest = about.attachments[0].digest
    assert kept(decide(about)) == ["logo.png"]
    known = facts(about, thread=answers(item(7, attachment_digests=(digest,))))
    assert kept(decide(about, known=known)) == []
    assert kept(decide(about, '[attachments]\nduplicate_images = "keep"\n', known)) == ["logo.png", "logo2.png"]


def test_F128_what_only_a_note_holds_joins_a_public_comment_and_no_second_note() -> None:
    about = with_files(("logo.png", "image/png", png(200, 200)))
    on = item(7, internal_digests=(about.attachments[0].digest,))
    assert kept(decide(about, known=facts(about, thread=answers(on)))) == ["logo.png"]
    assert kept(decide(about, known=facts(about, thread=answers(on, private=True)))) == []


def test_F129_inline_pictures_stay_inline_unless_that_is_off() -> None:
    about = with_files(("pic.png", "inline image/png", png(200, 200)))
    assert decide(about).attachments[0].attachment.inline
    assert not decide(about, "[attachments]\ninline_images = false\n").attachments[0].attachment.inline


def test_F130_small_inline_pictures_are_signatures() -> None:
    about = with_files(("dot.png", "inline image/png", png(99, 20)), ("file.png", "image/png", png(99, 20)))
    decided = decide(about)
    assert kept(decided) == ["file.png"]
    assert "99x20 is under 100x20" in sentence(out(decided).because)


def test_F131_big_pictures_are_made_smaller() -> None:
    pytest.importorskip("PIL")
    about = with_files(("wide.png", "image/png", png(400, 100)))
    decided = decide(about, '[attachments]\nimages_maximum_size = "200x200"\n')
    small = decided.attachments[0].attachment
    assert (small.width_px, small.height_px) == (200, 50)
    assert small.content.startswith(b"\x89PNG")
    assert len(small.content) == small.size_bytes
    assert content(about, small) == small.content


def test_F131_pictures_stay_as_they_are_where_nothing_is_set() -> None:
    about = with_files(("wide.png", "image/png", png(400, 100)))
    assert decide(about, '[attachments]\nimages_maximum_size = ""\n').attachments[0].attachment.content == b""
    huge = with_files(("wide.png", "image/png", png(4000, 3000)))
    assert decide(huge, "").attachments[0].attachment.content == b""


def test_F131_a_picture_of_thirty_thousand_pixels_a_side_is_kept_and_told() -> None:
    huge = png(1, 1).replace(struct.pack(">II", 1, 1), struct.pack(">II", 30_000, 30_000))
    decided = decide(with_files(("bomb.png", "image/png", huge)), '[attachments]\nimages_maximum_size = "1600x1600"\n')
    assert kept(decided) == ["bomb.png"]
    assert any("could not be made smaller" in sentence(note) for note in decided.notes)


def test_F132_empty_attachments_stay_out() -> None:
    decided = decide(with_files(("empty.txt", "text/plain", b""), ("ok.txt", "text/plain", b"x")))
    assert kept(decided) == ["ok.txt"]
    assert sentence(out(decided).because) == "it is empty"


def test_F133_names_are_safe() -> None:
    about = with_files(("../../etc/passwd", "text/plain", b"x"))
    assert kept(decide(about)) == ["passwd"]


def test_F134_no_more_than_the_maximum_join() -> None:
    about = with_files(*((f"{n}.txt", "text/plain", f"{n}".encode()) for n in range(5)))
    decided = decide(about, "[attachments]\nmaximum_count = 2\n")
    assert kept(decided) == ["0.txt", "1.txt"]
    assert "maximum_count" in sentence(out(decided).because)


INNER = (
    b"From: ada@example.org\nTo: jane@bigcorp.example\nSubject: Old mail\nMIME-Version: 1.0\n"
    b"Content-Type: multipart/mixed; boundary=in\n\n--in\nContent-Type: text/plain\n\nOld text.\n--in\n"
    b"Content-Type: text/plain; name=notes.txt\nContent-Disposition: attachment; filename=notes.txt\n\nNotes\n--in--\n"
)


def forwarded() -> Mail:
    from builders import raw

    from engine.mail.parse import parse

    return parse(
        raw(
            b"From: jane@bigcorp.example\nSubject: Fwd: Old mail\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: text/plain\n\nSee below.\n--out\n"
            b"Content-Type: message/rfc822\n\n" + INNER + b"--out--\n"
        )
    )


def test_F098_a_forwarded_mail_is_an_attachment() -> None:
    about = forwarded()
    decided = decide(about)
    (fate,) = decided.attachments
    assert (fate.keep, fate.attachment.declared_type, fate.attachment.name) == (True, "message/rfc822", "Old mail.eml")
    assert content(about, fate.attachment) + b"\n" == INNER
    assert decided.text == "See below."


def test_F098_a_forwarded_mail_is_unpacked_where_that_is_set() -> None:
    about = forwarded()
    decided = decide(about, '[attachments]\nforwarded_mail = "unpack"\n')
    assert kept(decided) == ["notes.txt"]
    assert content(about, decided.attachments[0].attachment).strip() == b"Notes"
    assert "See below." in decided.text
    assert "From: ada@example.org" in decided.text
    assert "Old text." in decided.text


def calendar(method: str = "REQUEST", start: str = "20261201T090000Z", end: str = "20261203T100000Z") -> bytes:
    return (
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:{start}\r\nDTEND:{end}\r\n"
        "SUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


ITEM = '[attachments]\ncalendar = "item"\n'


def dates(decided: Draft) -> tuple[object, object]:
    values = {change.name: change.value for change in decided.fields}
    return values.get("start_date"), values.get("due_date")


def test_F121_an_invitation_gives_the_item_its_dates() -> None:
    about = with_files(("invite.ics", "text/calendar", calendar()))
    assert dates(decide(about, ITEM)) == ("2026-12-01", "2026-12-03")
    assert dates(decide(about)) == (None, None)


def test_F121_the_dates_are_those_of_the_instances_time_zone() -> None:
    about = with_files(("invite.ics", "text/calendar", calendar(start="20261201T233000Z", end="20261201T234500Z")))
    assert dates(decide(about, ITEM + '[instance]\ntimezone = "Europe/Berlin"\n')) == ("2026-12-02", "2026-12-02")


def test_F121_the_last_day_of_an_all_day_event_is_the_day_before_its_end() -> None:
    data = calendar().replace(b"DTSTART:20261201T090000Z", b"DTSTART;VALUE=DATE:20261201")
    data = data.replace(b"DTEND:20261203T100000Z", b"DTEND;VALUE=DATE:20261203")
    assert dates(decide(with_files(("i.ics", "text/calendar", data)), ITEM)) == ("2026-12-01", "2026-12-02")


def test_F121_a_cancellation_sets_no_dates() -> None:
    assert dates(decide(with_files(("i.ics", "text/calendar", calendar("CANCEL"))), ITEM)) == (None, None)


def test_F121_invitations_stay_out_where_that_is_set() -> None:
    about = with_files(("invite.ics", "text/calendar", calendar()))
    assert kept(decide(about, '[attachments]\ncalendar = "discard"\n')) == []


def test_tnef_containers_are_kept_dropped_or_unpacked() -> None:
    pytest.importorskip("tnefparse")
    about = with_files(("winmail.dat", "application/ms-tnef", tnef(b"plan.txt", b"The plan")))
    assert kept(decide(about)) == ["winmail.dat"]
    assert kept(decide(about, '[attachments]\ntnef = "drop"\n')) == []
    opened = decide(about, '[attachments]\ntnef = "unpack"\n')
    assert kept(opened) == ["plan.txt"]
    assert content(about, opened.attachments[0].attachment) == b"The plan"


def test_a_tnef_container_that_cannot_be_opened_is_kept() -> None:
    about = with_files(("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22noise"))
    decided = decide(about, '[attachments]\ntnef = "unpack"\n')
    assert kept(decided) == ["winmail.dat"]
    assert any("could not be unpacked" in sentence(note) for note in decided.notes)


def test_signatures_stay_out_where_that_is_set() -> None:
    about = with_files(("signature.asc", "application/pgp-signature", b"-----BEGIN PGP SIGNATURE-----\n"))
    assert kept(decide(about)) == ["signature.asc"]
    assert kept(decide(about, '[attachments]\nsmime_pgp = { signed = "drop" }\n')) == []


def test_every_attachment_has_one_fate() -> None:
    about = with_files(*((f"{n}.{kind}", "text/plain", b"x" * n) for n in range(6) for kind in ("txt", "exe")))
    decided = decide(about)
    assert len(decided.attachments) == len(about.attachments)
    assert all(fate.keep or fate.because for fate in decided.attachments)


def test_a_zip_bomb_is_a_file_like_any_other() -> None:
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 20_000_000)
    about = with_files(("bomb.zip", "application/zip", packed.getvalue()))
    assert kept(decide(about)) == ["bomb.zip"]


def test_picture_sizes_are_never_trusted_to_be_there() -> None:
    about = with_files(("odd.png", "inline image/png", b"\x89PNG\r\n\x1a\n"))
    odd = replace(about, attachments=tuple(replace(each, width_px=0) for each in about.attachments))
    assert kept(decide(odd)) == ["odd.png"]
