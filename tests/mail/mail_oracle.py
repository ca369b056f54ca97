"""A second way from bytes to `Mail`: headers and structure by the standard library, the rest by the engine.

Here: `oracle`, against which the byte splitter is held, and what of two mails is `comparable`. Not here: assertions.
Invariant: the standard library decides where a header ends, which fields there are and what is a part of what;
offsets are found by looking for the payload it gives, in order.
"""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser
from typing import Any

from msgspec.structs import replace

from engine.mail import headers
from engine.mail.parse import Limits, assemble
from engine.mail.split import Node, _described
from engine.model.mail import Defect, Mail, Part, RawMail

_FOLD = re.compile(r"\r*\n[ \t]+")


class _Leafy(Message):
    """A message whose attached messages stay closed: one leaf, as an item gets them."""

    opened = False

    def get_content_type(self) -> str:
        kind = super().get_content_type()
        return kind if self.opened or not kind.startswith("message/") else "application/x-closed"


def oracle(raw: RawMail, limits: Limits = Limits()) -> Mail:  # noqa: B008
    """Read a mail by way of the standard library."""
    note: list[Defect] = []
    message = BytesParser(_factory).parsebytes(raw.content)
    fields = _fields(message)
    if not fields:
        note.append(Defect("no_header", "there is no header field"))
    block = headers.read(raw.content, 0, len(raw.content), limits, [])
    tree, _ = _node(message, raw.content, block.body, "", "text/plain")
    if tree.children is None:
        tree.path = "1"
    return assemble(raw, limits, fields, tree, note)


def _factory(*args: Any, **kwargs: Any) -> _Leafy:
    return _Leafy(*args, **kwargs)


def _fields(message: Message) -> headers.Fields:
    return [(name, _FOLD.sub(" ", str(value)).strip()) for name, value in message.raw_items()]


def _node(message: Message, raw: bytes, cursor: int, path: str, default: str) -> tuple[Node, int]:
    """Turn a parsed entity into a node; `cursor` is where its body cannot begin before."""
    node = _described(_fields(message), cursor, cursor, path, default)
    payload = message._payload  # type: ignore[attr-defined]  # get_payload would decode raw bytes
    if isinstance(payload, list):
        children = []
        inner = "message/rfc822" if node.content_type == "multipart/digest" else "text/plain"
        for number, child in enumerate(payload, 1):
            below, cursor = _node(child, raw, cursor, f"{path}.{number}" if path else str(number), inner)
            below.alternative = below.alternative or node.content_type == "multipart/alternative"
            below.related = node.content_type == "multipart/related"
            children.append(below)
        node.children = tuple(children)
        if node.content_type == "multipart/alternative":
            for leaf in node.leaves():
                leaf.alternative = True
        return node, cursor
    content = (payload or "").encode("utf-8", "surrogateescape")
    if node.content_type.startswith("multipart/"):
        node.content_type, node.parameters = "text/plain", {}
    node.start = _place(raw, content, cursor)
    node.end = node.start + len(content)
    return node, node.end


def _place(raw: bytes, content: bytes, cursor: int) -> int:
    """Find a payload: behind an empty line, if it stands behind one, and not in the line of a boundary there."""
    at = first = raw.index(content, cursor)
    while at >= 0 and not _may_begin(raw, content, at):
        at = raw.find(content, at + 1)
    return at if at >= 0 else first


def _may_begin(raw: bytes, content: bytes, at: int) -> bool:
    in_boundary = raw.startswith(b"--", at) and not content.startswith(b"--")
    blank = not content.strip()
    before_boundary = blank and raw.startswith(b"--", at + len(content))  # its line end is not of the part
    return raw[:at].endswith((b"\n\n", b"\n\r\n")) and not in_boundary and not before_boundary


def comparable(mail: Mail) -> Mail:
    """Leave out what cannot be the same: where an empty part stands, and the defects."""

    def placed(part: Part) -> Part:
        return part if part.end > part.start else replace(part, start=0, end=0)

    return replace(
        mail,
        parts=tuple(placed(part) for part in mail.parts),
        attachments=tuple(replace(file, part=placed(file.part)) for file in mail.attachments),
        html_part=mail.html_part and placed(mail.html_part),
        defects=(),
    )
