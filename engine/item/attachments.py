"""What becomes of each attachment: it joins the item, or is left out and why.

Here: the choice by name, type, size, picture, digest and count. Not here: reading attachments (`mail/`), or what is
made of containers and big pictures (`unpacking.py`).
Invariant: every attachment of the mail has exactly one fate; what is left out stays in the stored mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.mail.secrecy import SIGNATURES
from engine.mail.types import CALENDAR
from engine.model.draft import AttachmentFate, Mark, Note, note
from engine.model.mail import Attachment

if TYPE_CHECKING:
    from engine.config import Attachments as Options

TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


def fates(
    attachments: Iterable[Attachment], options: Options, drop_names: tuple[str, ...] = (), known: Iterable[str] = ()
) -> tuple[AttachmentFate, ...]:
    """Judge attachments in order. `drop_names` are globs of rules, `known` the digests the item has already."""
    seen = dict.fromkeys(known, note("attachment.known")) if options.duplicate_images == "skip" else {}
    dropped = tuple(map(_glob, drop_names))
    chosen: list[AttachmentFate] = []
    kept = 0
    for attachment in attachments:
        why = _why_not(attachment, options, dropped) or seen.get(attachment.digest)
        if why is None and options.maximum_count and kept >= options.maximum_count:
            why = note("attachment.too_many", limit=options.maximum_count)
        if attachment.inline and not options.inline_images:
            attachment = replace(attachment, inline=False)
        chosen.append(AttachmentFate(attachment, keep=why is None, because=why))
        if why is None:
            kept += 1
            if options.duplicate_images == "skip":
                seen[attachment.digest] = note("attachment.twice")
    return tuple(chosen)


def _why_not(attachment: Attachment, options: Options, dropped: tuple[Callable[[str], object], ...]) -> Note | None:
    """Say why an attachment is left out, None if it is not."""
    name = attachment.name
    for matches in dropped:
        if matches(name.casefold()):
            return note("attachment.dropped")
    for pattern in options.exclude_names:
        if pattern.search(name):
            return note("attachment.name", pattern=pattern.source)
    types = (
        (attachment.content_type, attachment.declared_type) if options.check_content else (attachment.declared_type,)
    )
    for excluded in options.exclude_attachment_types:
        if any(_is_type(each, excluded) for each in types):
            return note("attachment.type", type=excluded)
    if attachment.size_bytes == 0:
        return note("attachment.empty")
    if attachment.content_type in SIGNATURES and options.smime_pgp.signed == "drop":
        return note("attachment.signature")
    if attachment.content_type in CALENDAR and options.calendar == "discard":
        return note("attachment.invitation")
    if attachment.content_type in TNEF and options.tnef == "drop":
        return note("attachment.container")
    return _too_small(attachment, options)


def _too_small(attachment: Attachment, options: Options) -> Note | None:
    """F130: small pictures shown in the text belong to signatures."""
    least = options.images_minimum_size
    if least is None or not attachment.inline or not attachment.width_px:
        return None
    width, height = attachment.width_px, attachment.height_px
    if width >= least[0] and height >= least[1]:
        return None
    return note("attachment.too_small", width=width, height=height, least_width=least[0], least_height=least[1])


def _is_type(content_type: str, excluded: str) -> bool:
    """Compare types; `image/*` takes them all."""
    content_type, excluded = content_type.casefold(), excluded.casefold()
    return content_type == excluded or (excluded.endswith("/*") and content_type.startswith(excluded[:-1]))


@lru_cache(maxsize=256)
def _glob(pattern: str) -> Callable[[str], object]:
    """Compile `*` and `?`; the rest is meant as written."""
    return re.compile(translate(pattern.casefold().replace("[", "[[]"))).match


def told(fate: AttachmentFate) -> Note:
    """One line about one attachment; one that is left out is worth a look."""
    mark, code = (Mark.OK, "") if fate.keep else (Mark.WARN, "draft.attachment_refused")
    name, kind, size = fate.attachment.name, fate.attachment.content_type, fate.attachment.size_bytes
    return note("attachment", mark, code, name=name, type=kind, size=size, because=fate.because)
