"""A mail that broke the machine twice: its header alone, and the original as it came, as one attachment.

Here: what is given to the reader of such a mail, and what is made of its answer. Not here: the process in which it is
read (`isolated.py`), which mails those are (`run/engine.py`).
Invariant: of the body nobody reads a byte; the attachment is the whole mail; two different mails never look alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.model.mail import Attachment, Defect, Mail, Part, RawMail

if TYPE_CHECKING:
    from engine.mail.parse import ReadLimits

DEGRADED = Defect("degraded", "it broke the machine twice: only its header was read, and the original is attached")

SAID = "This mail could not be read in full: only its header was. The original is attached."
"""The text of what is made of it."""


def head(raw: RawMail, limits: ReadLimits) -> RawMail:
    """Cut a mail behind its header."""
    content = raw.content[: limits.header_block]
    ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := content.find(mark)) >= 0]
    return replace(raw, content=content[: min(ends)] if ends else content)


def whole(mail: Mail, raw: RawMail) -> Mail:
    """Put the original to the mail that was made of its header."""
    size = len(raw.content)
    part = Part("message/rfc822", 0, size, "binary", filename="original.eml", disposition="attachment", path="0")
    original = Attachment("original.eml", "message/rfc822", "", size, raw.digest, part)
    return replace(
        mail, raw=raw, text=SAID, html="", text_parts=(SAID,), html_part=None, parts=(part,), attachments=(original,),
        opened=(), defects=(DEGRADED, *mail.defects), fingerprint=raw.digest[:32],
    )  # fmt: skip
