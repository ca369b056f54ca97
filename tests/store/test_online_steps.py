"""Steps that are taken while others work: they lead from schema 4 to that of today."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from store.stores import rows

from engine.store import migrations
from engine.store.place import Url, Where
from engine.store.store import Store

NEW = {
    "online: who is let in": ("token", "login_failure", "known_network", "session", "credential"),
    "online: versions of rule files, and measures": ("rule_version", "rule_draft", "begun_words", "measure"),
}
"""What each step makes, the last one first of those that hang on each other."""

ON_SERVER = """
    SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT tablename, indexname, indexdef, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2, 3
"""


@pytest.fixture(params=rows(("sqlite in a file", "postgresql")))
def where(request: Any, tmp_path: Path) -> Where:
    """A database with the tables of today."""
    if request.param == "postgresql":
        return Url(request.getfixturevalue("postgres_url"), tmp_path / "beside")
    Store.open(tmp_path / "a.db").close()
    return tmp_path / "a.db"


def schema(store: Store) -> list[Any]:
    asked = ON_SERVER if store.beside_others else "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql"
    return store.database.rows(asked)


def test_the_steps_make_the_tables_of_today_while_a_pass_is_running(where: Where) -> None:
    with Store.open(where) as running:
        today = schema(running)
        for table in (each for tables in NEW.values() for each in tables):
            running.database.run(f"DROP TABLE {table}")
        for index in ("inbound_held", "item_assigned", "tally_held", "sender_first_at"):
            running.database.run(f"DROP INDEX {index}")
        running.database.run("DELETE FROM schema_version WHERE version > 4")
        running.directory.put_account("anna")
        lock = running.database.pass_lock(shared=True)
        assert lock is not None and lock.acquire()
        assert migrations.migrate(where, 0).steps == tuple(NEW)
        assert schema(running) == today
        running.directory.put_account("anna", status="locked")
