"""A mail before it is bytes: who it is for, the fields of its header, the values of its text, what goes along.

Here: frozen data, and the error of composing. Not here: where it comes from (`contents.py`), the bytes (`compose.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from engine.model.events import Kind


class ComposeError(Exception):
    """This mail cannot be made or is not what was meant; it is not sent."""


class File(Struct, frozen=True):
    """A file that goes along. `content_type` is as it was judged, "" for bytes of any kind."""

    name: str
    content: bytes
    content_type: str = ""


class Picture(Struct, frozen=True):
    """A picture that stands in the HTML, under its Content-ID."""

    content_id: str
    content_type: str
    content: bytes


class Letter(Struct, frozen=True):
    """Everything about one mail.

    `sender` is the address it comes from, `display` the name before it; `reply_to` the address that replies go to, ""
    for the sender. `reverse_path` is "" for automatic answers, so that nothing answers them. `answers` is the
    Message-ID in In-Reply-To, `references` the whole chain. `values` are what the template may use, `instead` names the
    text built in that takes its place where it fails. `list_id` and `unsubscribe` are for notices. `loop` names the
    installation, `about` is the number of the item or topic. `html`: who gets it takes HTML; where the template has
    none of its own it is made of the text, if it is `laid_out`. `shown` is the safe HTML of the words in `values`, with
    its `pictures`, where they came so.
    """

    kind: Kind
    to: str
    sender: str
    message_id: str
    template: str
    language: str
    values: Mapping[str, object]
    workspace: str = ""
    instead: str = "notice"
    display: str = ""
    reply_to: str = ""
    reverse_path: str = ""
    answers: str = ""
    references: tuple[str, ...] = ()
    list_id: str = ""
    unsubscribe: str = ""
    loop: str = ""
    about: int = 0
    is_topic: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    html: bool = True
    shown: str = ""
    pictures: tuple[Picture, ...] = ()
    laid_out: bool = True
    now: datetime | None = None


class Composed(Struct, frozen=True):
    """A mail ready to send. `replaced` says why the built-in text went out in place of a template that failed."""

    message_id: str
    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes
    replaced: str = ""
