"""The bench: what it fills a database with is what the engine could have left there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import desk
from bench.filled import fill
from engine.store.load import load
from engine.store.store import Store

ITEMS = 300


@pytest.fixture
def full(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "full.db") as store:
        load(store, desk.data())
        fill(store, ITEMS)
        yield store


def test_a_filled_database_is_sound_and_every_mail_has_its_end(full: Any) -> None:
    rows = full.database.rows
    assert rows("PRAGMA integrity_check") == [("ok",)]
    assert rows("PRAGMA foreign_key_check") == []
    for table in ("raw_mail", "inbound", "presentation", "item", "receipt", "effect"):
        assert rows(f"SELECT count(*) FROM {table}") == [(ITEMS,)]  # noqa: S608
    joined = "inbound JOIN receipt ON receipt.inbound_id = inbound.id JOIN item ON item.id = receipt.item"
    assert rows(f"SELECT count(*) FROM {joined}") == [(ITEMS,)]  # noqa: S608


def test_the_old_mails_are_found_as_others_are_and_wait_for_nothing(full: Any) -> None:
    (ref,) = full.database.one("SELECT ref FROM inbound WHERE id = 7")
    row = full.archive.find_mail(ref[:10])
    assert (row.sender, row.subject) == ("user07@example.com", "Old mail 7")
    assert full.mailboxes.pending_actions("system", 10) == []


def test_a_pass_works_on_a_filled_database(tmp_path: Path) -> None:
    from bench.measure import _prepared, one_pass

    _prepared(tmp_path, 3, ITEMS)
    assert sum(one_pass(tmp_path)["outcomes"].values()) == 3
