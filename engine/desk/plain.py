"""Frozen data as JSON knows it: what `--json` prints and what a page gives beside itself are one shape.

Here: `plain`, and the shapes that take more than that. Not here: printing (`cli/common.py`).
Invariant: a shape that was released only gains fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from engine.model.reasons import OUR_FAULT

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.heard import Answer
    from engine.desk.mailboxes import Fare, Peeked, Tried
    from engine.model.stored import CommentView, ItemView, TopicView, Waiting
    from engine.run.line import Line
    from engine.store.store import Store


def plain(value: Any) -> Any:
    """Turn frozen data into what JSON knows: structs to objects, times to ISO text, bytes to hex."""
    if hasattr(value, "__struct_fields__") and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in value]
    return value


def line(this: Line) -> dict[str, Any]:
    """A mail and what became of it (`allegra.run/1`)."""
    by = this.by
    return {
        "mail": this.mail,
        "message_id": this.message_id,
        "mailbox": this.mailbox,
        "workspace": this.workspace or None,
        "from": this.sender,
        "subject": this.subject,
        "outcome": this.outcome.value,
        "code": this.code,
        "stage": this.stage,
        "by": {"kind": by.kind, "name": by.name, "file": by.file or None, "line": by.line or None},
        "because": this.because,
        "item": this.item or None,
        "ms": round(this.ms, 2),
    }


def item(store: Store, config: Config, view: ItemView) -> dict[str, Any]:
    """An item with all that hangs on it (`allegra.item/1`)."""
    data: dict[str, Any] = plain(view)
    data = {**data.pop("item"), **data}
    data["html"] = _html(store, config, view.html, view.text, view)
    data["fields"] = {name: plain(value) for name, value in view.fields}
    data["people"] = [{"login": login, "role": role} for login, role in view.people]
    data["copies"] = [{"address": address, "name": name} for address, name in view.copies]
    data["comments"] = [
        {**plain(each), "html": _html(store, config, each.html, each.text, view)} for each in view.comments
    ]
    return data


def comment(store: Store, config: Config, view: ItemView, this: CommentView) -> dict[str, Any]:
    """A comment or a note of an item (`allegra.comment/1`)."""
    return {**plain(this), "item": view.item.id, "html": _html(store, config, this.html, this.text, view)}


def topic(view: TopicView) -> dict[str, Any]:
    """A topic with its posts (`allegra.topic/1`)."""
    posts = [{name: value for name, value in plain(each).items() if name != "html"} for each in view.posts]
    return {**plain(view.topic), "attachments": plain(view.attachments), "posts": posts}


def _html(store: Store, config: Config, reference: str, text: str, view: ItemView) -> str | None:
    """The body for JSON: sanitised; pictures stay `cid:`, the attachments tell which is which."""
    from engine.explain.page import safe

    return (safe(store, config, reference, text, view) or None) if reference else None


def fare(this: Fare) -> dict[str, Any]:
    """A mailbox and how it fares (`allegra.mailbox/1`)."""
    box = this.mailbox
    place = {"protocol": box.protocol, "place": box.place, "folder": box.folder, "active": box.active}
    now = {"state": this.state, "since": this.since, "sentence": this.sentence, "holder": this.holder}
    left = {"left_alone": this.left_alone, "older_than": this.older_than} if this.left_alone else {}
    waits = [waiting(each) for each in this.waiting]
    again = {"retry_at": this.retry_at} if this.retry_at is not None else {}
    return {"mailbox": box.name, "workspace": box.workspace or None, **place, **now, "waiting": waits, **left, **again}


def waiting(this: Waiting) -> dict[str, Any]:
    """Mails that wait; no time for those whose file is looked at in every pass."""
    until = None if this.code in OUR_FAULT else this.until
    return {"mails": this.mails, "code": this.code, "because": this.because, "until": until}


def tried(this: Tried) -> dict[str, Any]:
    """What came of a log-in (`allegra.mailbox/1`)."""
    if not this.works:
        return {"mailbox": this.mailbox.name, "ok": False, "code": this.code, "sentence": this.sentence}
    if this.brought:
        return {"mailbox": this.mailbox.name, "ok": True, "brought": this.brought}
    return {"mailbox": this.mailbox.name, "ok": True, **{name.replace(" ", "_"): value for name, value in this.told}}


def peeked(mailbox: str, this: Peeked) -> dict[str, Any]:
    """A mail as it lies in a mailbox (`allegra.mailbox/1`)."""
    there = {"size": this.size_bytes, "received": this.received_at, "flags": this.flags}
    says = {"from": this.sender, "subject": this.subject, "message_id": this.message_id}
    return {"mailbox": mailbox, "key": this.key, "state": this.state, **there, **says}


def heard(this: Answer) -> list[dict[str, Any]]:
    """Whether somebody heard, and if not, why as things are now (`allegra.told/1`); `state` is then not_considered."""
    from engine.explain import hearers

    if this.rows:
        return [hearers.as_json(row) for row in this.rows]
    nothing: dict[str, Any] = {"address": None, "inside": None, "roles": [], "event": this.event or None, "class": None}
    nothing |= {"state": "not_considered", "why": this.why, "said": this.said, "template": None}
    return [{"who": this.who, **nothing, "sent_at": None, "goes_at": None, "outbox": None}]
