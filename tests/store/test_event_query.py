"""How events are looked for: no search reads all of them, whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from store.plans import read_whole

from engine.model.sight import EVERY_ACT, ActSight
from engine.store.event_query import WINDOW, read

NOW = datetime(2026, 5, 1, tzinfo=UTC)

OWNER = ActSight(False, frozenset({"support", "sales"}), frozenset({"support"}))


@pytest.mark.parametrize("sight", [EVERY_ACT, OWNER, ActSight()])
@pytest.mark.parametrize("before", [0, 5_000_000])
@pytest.mark.parametrize("query", ["", "-actor:- -via:mail", "event:held", "item:12", "act:a-7c01", "actor:anna"])
def test_no_search_reads_all_events(desk, query, before, sight):
    asked = read(query, NOW, before=before, sight=sight).statement
    whole = read_whole(desk.store.database, asked.sql, len(asked.params) + 1, ())
    assert [table for table, _ in whole if table != "account"] == []


def test_a_page_back_looks_at_a_window_of_its_own():
    asked = read("via:console", NOW, before=5_000_000).statement
    assert {5_000_000, 5_000_000 - WINDOW} <= set(asked.params)
