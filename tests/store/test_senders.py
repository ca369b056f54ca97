"""Those who write are found by an index, however many they are."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.sqlite  # PostgreSQL chooses among indexes by what is in the table
def test_new_domains_are_found_among_those_who_wrote_first_since_then(desk: Any, monkeypatch: Any) -> None:
    asked, rows = list[Any](), desk.store.database.all
    monkeypatch.setattr(type(desk.store.database), "all", lambda self, query: asked.append(query) or rows(query))
    desk.store.senders.new_domains(desk.now, 10)
    sql, params = asked[0].sql()
    lines = [row[-1] for row in desk.store.database.rows(f"EXPLAIN QUERY PLAN {sql}", *params)]
    assert any("sender_first_at" in each for each in lines), lines
    assert [each for each in lines if each.startswith("SCAN")] in ([], ["SCAN new"], ["SCAN t1"]), lines
