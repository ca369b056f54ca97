"""Rows of the outbox, as a commit would leave them: what tests of sending and of looking share."""
# ruff: noqa: S608 - names of columns that tests write

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.model.hearing import Outgoing
from engine.store.database import us
from engine.store.store import Store

NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)

MAILBOX = "[system.mailbox]\nprotocol='maildir'\npath='m'\naddresses=['help@example.com']\n"
"""What every configuration needs, whatever goes out."""

_numbers = itertools.count(1)


def row(
    store: Store, kind: str = "notice", to: str = "jane@bigcorp.example", event: str = "item.created", *,
    at: datetime = NOW, template: str = "ack", state: str = "queued", why: str = "", error: str = "", **known: Any,
) -> int:  # fmt: skip
    """Write a row; gives its number."""
    number = next(_numbers)
    told = Outgoing(to, "" if kind == "webhook" else template, events=(event,), inside=kind == "notice", text="Hello")
    columns = {
        "dedupe": f"posted:{number}", "message_id": f"<posted{number}@example.com>", "class": kind, "event": event,
        "address_key": to.casefold(), "payload": msgspec.json.encode(told).decode(), "state": state, "why": why,
        "error": error, "created_at": us(at), **known,
    }  # fmt: skip
    marks = ", ".join("?" * len(columns))
    with store.database.joining():
        return store.database.insert(
            f"INSERT INTO outbox ({', '.join(columns)}) VALUES ({marks})", *columns.values()
        )  # fmt: skip


def of(store: Store, number: int, *names: str) -> Any:
    """Give columns of a row: the state alone, or those named."""
    found = store.database.one(f"SELECT {', '.join(names or ('state',))} FROM outbox WHERE id = ?", number)
    return found if len(names) > 1 else found[0]


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)
