"""What stands in a mail, made fit for a browser: its HTML, its files.

Here: `safe_body`, `shown_file`. Not here: what makes HTML safe (`mail/html.py`), the text, which is text already.
Invariant: nothing from outside is asked for; only a picture that is one by its bytes is called a picture.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.mail import parts
from engine.mail.html import sanitise, with_images

if TYPE_CHECKING:
    from engine.model.mail import Mail

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")

_STYLE = (
    "body{font:14px sans-serif;background:#fff;color:#111;margin:8px;overflow-wrap:anywhere}"
    "img{max-width:100%;height:auto}pre{white-space:pre-wrap}"
)

_HEAD = f'<!doctype html><meta charset="utf-8"><title>Body</title><base target="_blank"><style>{_STYLE}</style>'


class File(Struct, frozen=True):
    """A file of a mail: its name, its bytes, and its type where it is a picture that may be shown."""

    name: str
    content: bytes
    picture: str = ""


def safe_body(mail: Mail) -> str:
    """Give the HTML of a mail as a page of its own; where it has none, its text."""
    return _HEAD + (with_images(sanitise(mail.html), {}) if mail.html else f"<pre>{escape(mail.text)}</pre>")


def shown_file(mail: Mail, number: int) -> File:
    """Give a file of a mail."""
    found = mail.attachments[number]
    kind = found.content_type if found.content_type in PICTURES else ""
    return File(found.name or f"file {number + 1}", found.content or parts.content(mail.raw.content, found.part), kind)
