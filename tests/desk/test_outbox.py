"""What a person may do to the outbox, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databases
import pytest
from posted import NOW, later, of, row

from engine.config import Config, parse
from engine.desk import outbox as desk
from engine.model.events import Why
from engine.store.errors import NotFound, Refused, Unclear
from engine.store.outbox_query import STATES
from engine.store.store import Store

MAILBOX = "[system.mailbox]\nprotocol='maildir'\npath='m'\naddresses=['help@example.com']\n"


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(databases.fresh(), clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> Config:
    smtp = "[smtp]\ntransport='maildir'\npath='out'\nfrom='help@example.com'\n"
    return parse(MAILBOX + smtp, tmp_path / "allegra.toml", {})


def does(store: Store, config: Config, act: str, *numbers: int, query: str | None = None, force: bool = False) -> Any:
    lines = desk.chosen(store, config, act, numbers, query, force=force)
    return desk.change(store, config, act, lines, "anna", "too late", force=force)


AFTER = {
    ("retry", False): {"failed", "held", "bounced", "queued", "digest"},
    ("retry", True): {"failed", "held", "bounced", "queued", "digest", "unknown", "suppressed"},
    ("hold", False): {"queued", "digest"},
    ("drop", False): {"queued", "digest", "held", "failed", "unknown", "bounced"},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("act", "force"), AFTER)
def test_an_act_changes_the_states_it_may_and_refuses_the_others_in_a_sentence(
    store: Store, config: Config, act: str, force: bool, state: str
) -> None:
    number = row(store, state=state, why="old" if state == "suppressed" else "")
    if state in AFTER[act, force]:
        assert does(store, config, act, number, force=force) == [number]
        assert of(store, number) == desk.DONE[act]
    else:
        with pytest.raises(Refused, match=f"row {number} "):
            does(store, config, act, number, force=force)
        assert of(store, number) == state


def test_of_rows_that_are_named_all_are_changed_or_none(store: Store, config: Config) -> None:
    failed, sent = row(store, state="failed"), row(store, state="sent")
    with pytest.raises(Refused, match=f"row {sent} is sent"):
        does(store, config, "retry", failed, sent)
    assert of(store, failed) == "failed"
    with pytest.raises(NotFound, match="no row 999"):
        does(store, config, "retry", failed, 999)


def test_of_what_a_query_finds_only_what_may_be_changed_is(store: Store, config: Config) -> None:
    rows = [row(store, state=state, item=12) for state in ("failed", "sent", "suppressed", "bounced", "unknown")]
    assert sorted(does(store, config, "retry", query="item:12")) == [rows[0], rows[3]]
    assert sorted(does(store, config, "retry", query="item:12", force=True)) == [rows[n] for n in (0, 2, 3, 4)]
    with pytest.raises(NotFound, match="sent again matches 'item:13'"):
        does(store, config, "retry", query="item:13")
    with pytest.raises(Unclear):
        does(store, config, "retry", query="colour:red")


@pytest.mark.parametrize("why", [Why.NOBODY, Why.NOBODY_ELSE, Why.CAP_HEARERS, Why.NO_ADDRESS])
def test_what_names_nobody_cannot_be_sent_even_by_force(store: Store, config: Config, why: Why) -> None:
    number = row(store, to="", state="suppressed", why=why)
    with pytest.raises(Refused, match="names nobody"):
        does(store, config, "retry", number, force=True)


@pytest.mark.parametrize("why", [Why.NOT_PERMITTED, Why.OUTSIDE])
def test_what_somebody_may_not_read_is_not_sent_to_them_even_by_force(store: Store, config: Config, why: Why) -> None:
    number = row(store, state="suppressed", why=why, item=12)
    with pytest.raises(Refused, match="may not read it"):
        does(store, config, "retry", number, force=True)
    with pytest.raises(NotFound):
        does(store, config, "retry", query="item:12", force=True)
    assert of(store, number) == "suppressed"


def test_a_drop_needs_a_reason_and_keeps_it(store: Store, config: Config) -> None:
    number = row(store)
    lines = desk.chosen(store, config, "drop", [number])
    with pytest.raises(Unclear):
        desk.change(store, config, "drop", lines, "anna", "  ")
    desk.change(store, config, "drop", lines, "anna", "she phoned")
    assert desk.because(store.outbox_views.line(number)) == "dropped by anna: she phoned"


def test_what_is_sent_again_has_its_time_anew(store: Store, config: Config) -> None:
    number = row(store, state="failed", at=later(days=-30))
    does(store, config, "retry", number)
    assert store.outbox.queued() == (1, NOW)
    assert store.outbox.overdue(later(days=-5), 9) == []
    assert desk.send_now(store, config).sent == 1


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"state": "suppressed", "why": "loop", "error": "3 equal mails in 1 h"}, "this looks like a loop: 3 equal"),
        ({"state": "suppressed", "why": "prefers_not"}, "prefers not"),
        ({"state": "held", "why": "unproven"}, "nothing proves"),
        ({"state": "held", "error": "held by anna"}, "held by anna"),
        ({"state": "dropped", "why": "locked"}, "the account is locked"),
        ({"state": "dropped", "error": "the item is gone"}, "the item is gone"),
        ({"state": "bounced", "error": "550 5.1.1 no such user"}, "550 5.1.1 no such user"),
        ({"state": "suppressed", "why": "of a later release"}, "of a later release"),
        ({"state": "sent"}, ""),
    ],
)
def test_every_row_says_why_it_is_as_it_is(store: Store, known: dict[str, str], said: str) -> None:
    line = store.outbox_views.line(row(store, **known))  # type: ignore[arg-type]
    assert desk.because(line, NOW).startswith(said) and bool(desk.because(line, NOW)) == bool(said)


def test_what_waits_says_when_it_is_tried_next(store: Store) -> None:
    number = row(store, error="450 4.2.0 greylisted")
    store.outbox.failed(number, "450 4.2.0 greylisted", later(minutes=4))
    line = store.outbox_views.line(number)
    assert desk.because(line, NOW) == "450 4.2.0 greylisted; next try in 4 min"
    assert desk.because(line, later(minutes=5)) == "450 4.2.0 greylisted"


def test_a_mail_is_shown_as_it_would_go_and_then_as_it_went(store: Store, config: Config) -> None:
    number = row(store, "answer")
    before = desk.raw(store, config, number)
    assert b"To: jane@bigcorp.example" in before and store.outbox_views.content(number) == b""
    desk.send_now(store, config)
    assert desk.raw(store, config, number) == store.outbox_views.content(number) != b""
    with pytest.raises(Refused, match="is a webhook"):
        desk.raw(store, config, row(store, "webhook", "chat"))
    with pytest.raises(Refused, match="cannot be composed"):
        desk.raw(store, config, row(store, to="nobody"))


def test_a_row_as_data_has_the_fields_of_its_schema(store: Store, config: Config) -> None:
    number = row(store, "answer")
    assert set(desk.as_data(store.outbox_views.line(number))) == {
        "id", "state", "class", "event", "to", "person", "roles", "item", "topic", "mail", "act", "about", "subject",
        "why", "said", "attempts", "next_at", "created_at", "sent_at", "message_id", "sent_in",
    }  # fmt: skip
    desk.send_now(store, config)
    data = desk.as_data(store.outbox_views.line(number))
    assert data["state"] == "sent" and data["sent_at"] is not None and data["next_at"] is None and data["subject"]


def test_without_a_way_out_nothing_can_be_sent_now(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"\[smtp\]"):
        desk.send_now(store, parse(MAILBOX, tmp_path / "allegra.toml", {}))


def test_an_address_is_cleared_by_any_of_its_tags(store: Store, config: Config) -> None:
    with store.writing():
        store.database.run("INSERT INTO address_state VALUES ('jane@x.example', 3, '550', 1)")
    assert desk.clear(store, config, " Jane+tag@X.example ", "anna") == "jane@x.example"
    with pytest.raises(NotFound, match="nothing is known against"):
        desk.clear(store, config, "jane@x.example", "anna")
