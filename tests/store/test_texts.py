"""Text of SQL stands in hot.py; where else it does, docs/store.md says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "engine" / "store"
TOLD = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
SQL_TEXT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|EXISTS|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|WITH|CREATE|ALTER|DROP)\b"
)
WITH_REASON = {
    "bells.py", "bulk.py", "copying.py", "counting.py", "database.py", "dialect.py", "event_query.py", "figures.py",
    "foreseeing.py", "gathering.py", "hot.py", "item_query.py", "migrations.py", "outbox_query.py", "postgres.py",
    "postgres_schema.py", "query.py", "rates.py", "reading.py", "replica.py", "restoring.py", "series.py", "server.py",
    "session_locks.py", "snapshots.py", "soundness.py", "sqlite.py", "state_files.py", "step_3.py", "step_4.py",
    "step_5.py", "step_6.py", "still_held.py", "transfer.py", "workers.py",
}  # fmt: skip


def texts(path: Path) -> Iterator[str]:
    """The texts of a file that begin like SQL."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_TEXT.match(node.value):
            yield node.value


def test_sql_is_written_in_the_files_that_have_a_reason():
    found = {path.name for path in STORE.rglob("*.py") if any(texts(path))}
    assert found == WITH_REASON


@pytest.mark.parametrize("file", sorted(WITH_REASON | {"listing.py"}))
def test_the_reason_is_told(file):
    assert f"`{file}`" in TOLD[TOLD.index("## Statements") : TOLD.index("## The way of a mail")]


def test_conditions_of_partial_indexes_are_the_only_text_inside_queries():
    inside = {
        f"{path.name}: {ast.unparse(node.args[0])}"
        for path in STORE.glob("*.py")
        if path.name != "search.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("tables.") == "SQL"
    }
    assert len(inside) > 3
    assert {each for each in inside if not re.search(r"\b(OPEN|HELD|PLANNED|DECIDED|QUEUED)\b", each)} == set()
