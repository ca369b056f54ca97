"""docs/store.md describes what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.store.tables import TABLES, columns

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "store.md").read_text(encoding="utf-8")


def section(table: str) -> str:
    found = re.search(rf"^### `{table}`\n(.*?)(?=^##|\Z)", DOCS, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def name_of(table):
    return table._meta.table_name


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_every_table_and_column_is_documented(table):
    text = section(name_of(table))
    assert text, f"docs/store.md has no section ### `{name_of(table)}`"
    assert [column for column in columns(table) if f"`{column}`" not in text] == []


def test_nothing_is_documented_that_is_not_there():
    assert set(re.findall(r"^### `(\w+)`", DOCS, re.MULTILINE)) == {name_of(table) for table in TABLES}
