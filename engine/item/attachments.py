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

from engine.gates import sized
from engine.model.draft import AttachmentFate
from engine.model.mail import Attachment

if TYPE_CHECKING:
    from engine.config import Attachments as Options

SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
CALENDAR = frozenset({"text/calendar", "application/ics"})


def fates(
    attachments: Iterable[Attachment], options: Options, drop_names: tuple[str, ...] = (), known: Iterable[str] = ()
) -> tuple[AttachmentFate, ...]:
    """Judge attachments in order. `drop_names` are globs of rules, `known` the digests the item has already."""
    seen = dict.fromkeys(known, "the item has it already") if options.duplicate_images == "skip" else {}
    dropped = tuple(map(_glob, drop_names))
    chosen: list[AttachmentFate] = []
    kept = 0
    for attachment in attachments:
        why = _why_not(attachment, options, dropped) or seen.get(attachment.digest, "")
        if not why and options.maximum_count and kept >= options.maximum_count:
            why = f"only {options.maximum_count} are kept (attachments.maximum_count)"
        if attachment.inline and not options.inline_images:
            attachment = replace(attachment, inline=False)
        chosen.append(AttachmentFate(attachment, keep=not why, because=why))
        if not why:
            kept += 1
            if options.duplicate_images == "skip":
                seen[attachment.digest] = "it is in this mail twice"
    return tuple(chosen)


def _why_not(attachment: Attachment, options: Options, dropped: tuple[Callable[[str], object], ...]) -> str:
    """Say why an attachment is left out, "" if it is not."""
    name = attachment.name
    for matches in dropped:
        if matches(name.casefold()):
            return "a rule drops this name"
    for pattern in options.exclude_names:
        if pattern.search(name):
            return f"the name matches {pattern.source} (attachments.exclude_names)"
    types = (
        (attachment.content_type, attachment.declared_type) if options.check_content else (attachment.declared_type,)
    )
    for excluded in options.exclude_attachment_types:
        if any(_is_type(each, excluded) for each in types):
            return f"the type {excluded} is excluded (attachments.exclude_attachment_types)"
    if attachment.size_bytes == 0:
        return "it is empty"
    if attachment.content_type in SIGNATURES and options.smime_pgp.signed == "drop":
        return "it is a signature (attachments.smime_pgp)"
    if attachment.content_type in CALENDAR and options.calendar == "discard":
        return "it is an invitation (attachments.calendar)"
    if attachment.content_type in TNEF and options.tnef == "drop":
        return "it is a TNEF container (attachments.tnef)"
    return _too_small(attachment, options)


def _too_small(attachment: Attachment, options: Options) -> str:
    """F130: small pictures shown in the text belong to signatures."""
    least = options.images_minimum_size
    if least is None or not attachment.inline or not attachment.width_px:
        return ""
    if attachment.width_px >= least[0] and attachment.height_px >= least[1]:
        return ""
    return (
        f"{attachment.width_px}x{attachment.height_px} is under {least[0]}x{least[1]} (attachments.images_minimum_size)"
    )


def _is_type(content_type: str, excluded: str) -> bool:
    """Compare types; `image/*` takes them all."""
    content_type, excluded = content_type.casefold(), excluded.casefold()
    return content_type == excluded or (excluded.endswith("/*") and content_type.startswith(excluded[:-1]))


@lru_cache(maxsize=256)
def _glob(pattern: str) -> Callable[[str], object]:
    """Compile `*` and `?`; the rest is meant as written."""
    return re.compile(translate(pattern.casefold().replace("[", "[[]"))).match


def told(fate: AttachmentFate) -> str:
    """One line about one attachment."""
    attachment = fate.attachment
    what = f"{attachment.name} ({attachment.content_type}, {sized(attachment.size_bytes)})"
    return f"{what}: {fate.because}" if fate.because else what
