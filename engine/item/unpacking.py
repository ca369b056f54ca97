"""What stands inside attachments: TNEF containers, forwarded mails, invitations, pictures that are too big.

Here: when they are opened, and what of them joins the item. Not here: the formats themselves (`mail/`).
Invariant: nothing is opened that is not configured to be; what cannot be opened is kept as it came; bytes made here
travel in `Attachment.content`, because they stand nowhere in the raw mail.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.gates import Findings
from engine.item.attachments import TNEF
from engine.model.draft import AttachmentFate, Decider, FieldChange, Mark, Who, note
from engine.model.mail import Attachment, Mail, Part, RawMail

if TYPE_CHECKING:
    from engine.config import Attachments as Options
    from engine.config import Settings

BY = Decider(Who.STAGE, "invitation")

MOST_UNPACKED = 100
"""Files that are taken out of one mail's containers."""

MOST_BYTES = 100 * 1024 * 1024
"""Bytes that are taken out of one mail's containers."""

FORWARDED = frozenset({"message/rfc822", "message/global"})


class Unpacked(Struct, frozen=True):
    """What was inside: more attachments, text, fields; `opened` are the paths of parts that were replaced by it."""

    attachments: tuple[Attachment, ...] = ()
    text: str = ""
    fields: tuple[FieldChange, ...] = ()
    opened: frozenset[str] = frozenset()


NOTHING = Unpacked()


def unpacked(mail: Mail, settings: Settings, timezone: str, found: Findings) -> Unpacked:
    """Open what the configuration wants opened. `timezone` turns the times of an invitation into dates."""
    options = settings.attachments
    if not mail.attachments and settings.body.html != "attach":
        return NOTHING
    more: list[Attachment] = []
    texts: list[str] = []
    fields: tuple[FieldChange, ...] = ()
    opened: set[str] = set()
    if settings.body.html == "attach" and mail.html_part is not None:
        more.append(_html(mail, mail.html_part))
    for attachment in mail.attachments:
        if options.tnef == "unpack" and attachment.content_type in TNEF:
            files = _tnef(mail, attachment, found)
            opened |= {attachment.part.path} if files else set()
            more += files
        elif options.forwarded_mail == "unpack" and attachment.declared_type in FORWARDED:
            text, files = _forwarded(mail, attachment, settings)
            opened.add(attachment.part.path)
            texts.append(text)
            more += files
    if options.calendar == "item":
        fields = _invitation(mail, timezone, found)
    if not (more or texts or fields):
        return NOTHING
    return Unpacked(_bounded(more, found), "\n\n".join(texts), fields, frozenset(opened))


def made_smaller(
    fates: tuple[AttachmentFate, ...], mail: Mail, options: Options, found: Findings
) -> tuple[AttachmentFate, ...]:
    """F131: pictures over `images_maximum_size` are made smaller, if Pillow is there."""
    most = options.images_maximum_size
    if most is None:
        return fates
    return tuple(
        _smaller(fate, mail, most, found)
        if fate.keep and (fate.attachment.width_px > most[0] or fate.attachment.height_px > most[1])
        else fate
        for fate in fates
    )


def content(mail: Mail, attachment: Attachment) -> bytes:
    """The decoded bytes of an attachment, wherever they stand."""
    from engine.mail import parts

    return attachment.content or parts.content(mail.raw.content, attachment.part)


def _bounded(files: list[Attachment], found: Findings) -> tuple[Attachment, ...]:
    """Keep the first files up to the limits; say what was not unpacked."""
    kept: list[Attachment] = []
    total = 0
    for file in files:
        total += file.size_bytes
        if len(kept) >= MOST_UNPACKED or total > MOST_BYTES:
            refused = "draft.attachment_refused"
            found.note("unpacking.stopped", Mark.WARN, refused, kept=len(kept), files=len(files))
            break
        kept.append(file)
    return tuple(kept)


def _html(mail: Mail, part: Part) -> Attachment:
    """The HTML body as a file (body.html = "attach")."""
    from engine.mail import parts

    data = parts.content(mail.raw.content, part)
    return Attachment("message.html", "text/html", "text/html", len(data), sha256(data).hexdigest(), part)


def _tnef(mail: Mail, attachment: Attachment, found: Findings) -> list[Attachment]:
    """The files of a winmail.dat; the container itself stays where it cannot be opened."""
    from engine.mail import tnef

    files = tnef.unpack(content(mail, attachment))
    if not files:
        found.note("unpacking.failed", Mark.WARN, name=attachment.name)
        return []
    found.note("unpacking.opened", Mark.INFO, name=attachment.name, files=len(files))
    return [_made(name, data, attachment.part) for name, data in files]


def _made(name: str, data: bytes, part: Part, declared: str = "") -> Attachment:
    """An attachment of bytes that stand nowhere in the raw mail."""
    from engine.mail import images, types

    kind = types.judge(data, declared, name)
    width, height = images.size(data) if kind.startswith("image/") else (0, 0)
    return Attachment(
        name, kind, declared or kind, len(data), sha256(data).hexdigest(), part, False, "", width, height, data
    )


def _forwarded(mail: Mail, attachment: Attachment, settings: Settings) -> tuple[str, list[Attachment]]:
    """F098: a forwarded mail as text with its head lines, and the files in it; what is forwarded in it stays packed."""
    from engine.mail.parse import parse

    data = content(mail, attachment)
    outer = mail.raw
    inner = parse(RawMail(data, outer.origin, outer.received_at, attachment.digest), settings.limits)
    head = (
        ("From", ", ".join(each.address for each in inner.from_)),
        ("To", ", ".join(each.address for each in inner.to)),
        ("Date", inner.date.isoformat() if inner.date else ""),
        ("Subject", inner.subject),
    )
    lines = [f"{name}: {value}" for name, value in head if value]
    text = "\n".join(["---------- Forwarded message ----------", *lines, "", inner.text.strip("\n")])
    files = []
    for each in inner.attachments:
        made = _made(each.name, content(inner, each), attachment.part, each.declared_type)
        files.append(replace(made, inline=each.inline, content_id=each.content_id))
    return text, files


def _invitation(mail: Mail, timezone: str, found: Findings) -> tuple[FieldChange, ...]:
    """Start and due date from the first invitation, and its UID, by which answers to it find the item (F121).

    A cancellation or an answer sets nothing.
    """
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    from engine.mail import calendar

    event = calendar.of(mail)
    if event is None or event.start is None or event.method in ("CANCEL", "REPLY", "COUNTER", "DECLINECOUNTER"):
        return ()
    first, last = event.start, event.end or event.start
    if event.all_day:
        last = max(first, last - timedelta(days=1) if last > first else last)
    else:
        zone = ZoneInfo(timezone)
        first, last = first.astimezone(zone), last.astimezone(zone)
    begins, ends = first.date().isoformat(), last.date().isoformat()
    found.note("unpacking.invitation", Mark.INFO, first=begins, last=ends)
    uid = (FieldChange(calendar.UID_FIELD, event.uid, BY),) if event.uid else ()
    return FieldChange("start_date", begins, BY), FieldChange("due_date", ends, BY), *uid


def _smaller(fate: AttachmentFate, mail: Mail, most: tuple[int, int], found: Findings) -> AttachmentFate:
    """One picture, made to fit."""
    from engine.mail import images

    attachment = fate.attachment
    was = f"{attachment.width_px}x{attachment.height_px}"
    data = images.resized(content(mail, attachment), most)
    if data is None:
        found.note("attachment.not_smaller", Mark.WARN, name=attachment.name, was=was)
        return fate
    width, height = images.size(data)
    small = replace(
        attachment,
        size_bytes=len(data),
        digest=sha256(data).hexdigest(),
        content=data,
        width_px=width,
        height_px=height,
    )
    because = note("attachment.made_smaller", was=was, width=width, height=height)
    return replace(fate, attachment=small, because=because)
