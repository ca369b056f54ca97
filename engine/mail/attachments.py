"""Leaves that are not body text -> attachments.

Here: safe names, types by content, digests, sizes of pictures, what counts as shown inline.
Not here: which attachments an item gets (a stage).
Invariant: every leaf that is not part of the body is listed, the empty ones too; decoded bytes are not kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container

from engine.mail import headers, images, names, parts, types
from engine.mail.html import picture_names
from engine.mail.split import Node
from engine.model.mail import Attachment, Defect, Part

_SUBJECT = re.compile(rb"^subject:[ \t]*((?:[^\r\n]|\r?\n[ \t]){0,2000})", re.IGNORECASE | re.MULTILINE)
_BODY_VARIANTS = frozenset(
    {"text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html"}
)
HEADER_BYTES = 32_768
MOST_PICTURES = 500


def build(
    raw: bytes, rest: tuple[tuple[Node, Part], ...], html: str, hint: str, note: list[Defect]
) -> tuple[Attachment, ...]:
    """Make an attachment of every leaf in `rest`; `html` tells which pictures are shown."""
    found: list[Attachment] = []
    nameless = 0
    shown_names = picture_names(html) if rest else frozenset[str]()
    for leaf, part in rest:
        if (
            leaf.alternative
            and part.content_type in _BODY_VARIANTS
            and not part.filename
            and part.disposition != "attachment"
        ):
            continue  # another wording of the body
        content, broken = parts.decoded(raw, part)
        if broken:
            note.append(Defect(broken, f"part {part.path}"))
        kind = types.judge(
            content, part.content_type if leaf.typed or not part.content_type.startswith("text/") else "", part.filename
        )
        name = names.safe(part.filename, "") if part.filename else ""
        if not name:
            nameless += 1
            kind_for_name = part.content_type if part.content_type[:8] == "message/" else kind
            name = names.default(kind_for_name, nameless, _inner_subject(part, content, hint))
        elif part.content_type == "message/rfc822" and "." not in name[-6:]:
            name = names.safe(f"{name}.eml")
        picture = kind[:6] == "image/"
        width, height = images.size(content) if picture else (0, 0)
        shown = picture and (part.disposition == "inline" or _is_shown(part, shown_names))
        found.append(
            Attachment(
                name,
                kind,
                part.content_type,
                len(content),
                hashlib.sha256(content).hexdigest(),
                part,
                shown,
                part.content_id or part.location,
                width,
                height,
            )
        )
    return tuple(found)


def shown_in(html: str, files: tuple[Attachment, ...]) -> tuple[tuple[str, str], ...]:
    """Tell which pictures among `files` some HTML shows: how it names them, and their digests."""
    pictures = [file for file in files[:MOST_PICTURES] if file.content_type[:6] == "image/"]
    names = picture_names(html) if pictures else frozenset[str]()
    told: dict[str, str] = {}
    for file in pictures:
        for name in (file.part.content_id, file.part.location):
            if name in names:
                told.setdefault(name, file.digest)
    return tuple(told.items())


def _is_shown(part: Part, shown_names: Container[str]) -> bool:
    if part.content_id in shown_names or part.location in shown_names:
        return True
    return bool(part.content_id) and part.related and part.disposition != "attachment"


def _inner_subject(part: Part, content: bytes, hint: str) -> str:
    """Read the subject of an attached mail, which names it."""
    if part.content_type not in ("message/rfc822", "message/global"):
        return ""
    block = content[:HEADER_BYTES].lstrip()
    found = _SUBJECT.search(block, 0, _header_end(block))
    if found is None:
        return ""
    return headers.decode(re.sub(rb"\r?\n[ \t]+", b" ", found[1]), hint).strip()


def _header_end(block: bytes) -> int:
    ends = [end for end in (block.find(b"\n\n"), block.find(b"\n\r\n")) if end >= 0]
    return min(ends, default=len(block))
