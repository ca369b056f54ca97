"""A call as a worker reads it.

Here: the shape of a mail, an item and a context in JSON, with their defaults. Not here: what a script sees of them
(`mail.py`, `item.py`, `context.py`), what the engine reads (`protocol.py`).
Invariant: after reading, every value has its type; lists are tuples.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class AttachmentData(msgspec.Struct, frozen=True, gc=False):
    """One attachment: what it is called, what it is, how many bytes it has."""

    name: str = ""
    content_type: str = ""
    size: int = 0


class MailData(msgspec.Struct, frozen=True):
    """The mail; `headers` are pairs of name and value, top first. A field that was not sent is UNSET, never empty."""

    subject: str | UnsetType = UNSET
    body: str | UnsetType = UNSET
    html: str | UnsetType = UNSET
    from_address: str | UnsetType = UNSET
    from_name: str | UnsetType = UNSET
    to: tuple[str, ...] | UnsetType = UNSET
    cc: tuple[str, ...] | UnsetType = UNSET
    reply_to: str | tuple[str, ...] | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    date: datetime | UnsetType | None = UNSET
    size: int | UnsetType = UNSET
    is_reply: bool | UnsetType = UNSET
    is_auto: bool | UnsetType = UNSET
    project: str | UnsetType = UNSET
    headers: tuple[tuple[str, str], ...] | UnsetType = UNSET
    attachments: tuple[AttachmentData, ...] | UnsetType = UNSET


class ItemData(msgspec.Struct, frozen=True):
    """The item: the kind of each field, the values it has, whether it is still to be made.

    A kind `=other` makes a name another name of the field `other`.
    """

    schema: dict[str, str]
    values: dict[str, Any]
    is_new: bool = True


class UserData(msgspec.Struct, frozen=True):
    """The account behind the sender."""

    login: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()


class ContextData(msgspec.Struct, frozen=True):
    """The clock, the user and the language of a call."""

    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    user: UserData | None = None
    locale: str = ""


class CallData(msgspec.Struct, frozen=True):
    """One call; the answer repeats the nonce. `probe` only looks whether each script has its function."""

    nonce: str
    mail: MailData
    item: ItemData
    context: ContextData
    trace: bool = False
    probe: bool = False


class BindingData(msgspec.Struct, frozen=True):
    """What a worker is for: scripts (name, hook, source), parameters, lookup tables."""

    nonce: str
    scripts: tuple[tuple[str, str, str], ...]
    params: dict[str, Any]
    tables: dict[str, dict[str, Any]]


read_call = msgspec.json.Decoder(CallData).decode
read_binding = msgspec.json.Decoder(BindingData).decode
write = msgspec.json.Encoder().encode
