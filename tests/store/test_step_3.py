"""Rows of releases before events are carried over: what waited is sent, under the Message-ID it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from builders import config
from deciding import NOW
from store.older import database, queue

from engine.model.events import Kind
from engine.model.stored import OutboxRow
from engine.outbox.compose import compose
from engine.outbox.contents import letter
from engine.outbox.templates import Templates
from engine.store.store import Store

KINDS = ("ack", "comment_ack", "rejected", "held", "report", "forward", "notify", "account")
STATES = ("queued", "sending", "sent", "unknown", "failed", "held")
SMTP = '[instance]\nsecret_file = "{}"\n[smtp]\nhost = "localhost"\nfrom = "help@example.com"\n'

Upgraded = Callable[..., Store]


def said(kind: str, to: str = "Jane@example.com", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "template": kind, "to": [to], **more}


@pytest.fixture
def upgraded(tmp_path: Any) -> Iterator[Upgraded]:
    """Open an old database with these rows of the outbox: (kind, payload, columns)."""
    stores: list[Store] = []

    def opened(*rows: tuple[str, dict[str, Any], dict[str, Any]]) -> Store:
        with database(tmp_path / "db") as old:
            for kind, payload, columns in rows:
                queue(old, kind, payload, **columns)
        old.close()
        stores.append(Store.open(tmp_path / "db", clock=lambda: NOW))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def one(store: Store) -> OutboxRow:
    (row,) = store.outbox.claim(9, NOW, "me")
    return row


@pytest.mark.parametrize("kind", KINDS)
def test_a_queued_mail_of_every_kind_is_still_sent_under_its_message_id(
    upgraded: Upgraded, tmp_path: Any, kind: str
) -> None:
    payload = said(
        kind, reason="It was held.", language="de", **({"template": "config_error"} if kind == "held" else {})
    )
    store = upgraded((kind, payload, {"item": 1}))
    row = one(store)
    automatic = kind not in ("report", "forward", "notify")
    assert (row.kind, row.automatic) == (Kind.AUTO if automatic else Kind.NOTICE, automatic)
    assert (row.told.to, row.message_id, row.item, row.language) == ("Jane@example.com", "<1@example.com>", 1, "de")
    assert row.told.because == "It was held."
    made = compose(letter(row, store, config(SMTP.format(tmp_path / "secret")), NOW), Templates(tmp_path, "en"))
    assert (made.message_id, made.recipients, made.replaced) == ("<1@example.com>", ("Jane@example.com",), "")
    assert b"Jane@example.com" in made.content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
def test_a_row_of_every_kind_and_state_keeps_what_it_was(upgraded: Upgraded, kind: str, state: str) -> None:
    columns = {
        "state": state, "owner": "dead/boot/1/1" if state == "sending" else None, "claimed_until": 3, "attempts": 2,
        "next_at": 4, "error": "451 later", "tried_at": 6, "item": 1, "generation": 7,
    }  # fmt: skip
    store = upgraded((kind, said(kind), columns))
    kept = ", ".join((*columns, "id", "dedupe", "message_id", "created_at", "address_key", "why", "content"))
    assert store.database.rows(f"SELECT {kept} FROM outbox") == [  # noqa: S608
        (*columns.values(), 1, "1:1:1:jane@example.com", "<1@example.com>", 5, "jane@example.com", "", None)
    ]


def test_what_was_being_sent_goes_again_unless_it_was_automatic(upgraded: Upgraded) -> None:
    sending = {"state": "sending", "owner": "dead/boot/1/1"}
    store = upgraded(("ack", said("ack"), sending), ("notify", said("notify"), sending))
    assert one(store).message_id == "<2@example.com>"
    assert store.database.rows("SELECT state FROM outbox ORDER BY id") == [("unknown",), ("sending",)]


@pytest.mark.parametrize(("state", "waits"), [("queued", 1), ("sent", 0), ("failed", 0)])
def test_a_webhook_is_called_by_its_name_with_its_event(upgraded: Upgraded, state: str, waits: int) -> None:
    store = upgraded(("webhook", {"name": "chat", "event": "item.created"}, {"state": state, "item": 1}))
    assert store.outbox.waiting(NOW) == waits
    for row in store.outbox.claim(9, NOW, "me"):
        assert (row.kind, row.told.to, row.event, row.item) == (Kind.WEBHOOK, "chat", "item.created", 1)


@pytest.mark.parametrize("who", ["anna", "Anna  Berg"])
def test_a_notice_to_a_login_or_a_name_goes_to_the_first_address_of_that_person(upgraded: Upgraded, who: str) -> None:
    row = one(upgraded(("notify", said("notify", who), {})))
    assert (row.told.to, row.address_key, row.account) == ("Anna@example.com", "anna@example.com", 1)


@pytest.mark.parametrize("who", ["nobody", "a name that is not there", ""])
def test_a_notice_to_nobody_with_an_address_is_kept_as_it_was(upgraded: Upgraded, who: str) -> None:
    row = one(upgraded(("notify", said("notify", who), {})))
    assert (row.told.to, row.account) == (who, 0)


def test_mail_about_a_topic_is_about_no_item(upgraded: Upgraded) -> None:
    """Early releases wrote down the number of the topic in both columns."""
    row = one(upgraded(("comment_ack", said("comment_ack"), {"item": 1, "topic": 1})))
    assert (row.item, row.topic) == (0, 1)


def test_a_row_without_a_payload_of_ours_breaks_nothing(upgraded: Upgraded) -> None:
    assert one(upgraded(("ack", {}, {"recipient": "jane@example.com"}))).told.to == "jane@example.com"


def test_a_mailbox_that_was_read_before_is_known_to_have_been(upgraded: Upgraded) -> None:
    assert upgraded().database.rows("SELECT first_read_at FROM mailbox") == [(77,)]


def test_a_reply_to_a_mail_of_an_earlier_release_finds_its_item(upgraded: Upgraded) -> None:
    store = upgraded(("ack", said("ack"), {"state": "sent", "item": 1}))
    found = store.ledger.item_by_message_ids(("<1@example.com>",))
    assert found is not None and (found.item.id, found.private, found.account) == (1, False, 0)


def test_two_rows_of_one_mail_stay_two(upgraded: Upgraded) -> None:
    store = upgraded(("ack", said("ack"), {"item": 1}), ("notify", said("notify", "bob@example.com"), {"item": 1}))
    assert [(line.id, line.to, line.event) for line in store.outbox.told(item=1)] == [
        (1, "Jane@example.com", "item.created"), (2, "bob@example.com", "item.changed")
    ]  # fmt: skip
