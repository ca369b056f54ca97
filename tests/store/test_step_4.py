"""From schema 3 to 4: traces apart, and everything counted that was decided before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store.stores import rows

from engine.model.figures import Span
from engine.store.connecting import connection
from engine.store.migrations import STEPS, version
from engine.store.place import Url
from engine.store.store import Store

HERE = Path(__file__).parent

AT = 1_790_000_000_000_000

TRACE = (
    b'{"facts":{"sender":{"address":{"name":"Jane Doe"}},"authentication":{"dmarc":"pass"}},'
    b'"rules":[{"file":"rules/system.toml","digest":"d1","hits":[{"rule":2}]}]}'
)

FILL = (
    ("INSERT INTO mailbox (id, name, first_read_at) VALUES (1, 'system', ?)", AT - 5),
    ("INSERT INTO raw_mail (id, digest, size) VALUES (1, ?, 10)", b"1"),
    ("INSERT INTO raw_mail (id, digest, size) VALUES (2, ?, 10)", b"2"),
    *[
        (
            "INSERT INTO inbound (id, ref, mailbox_id, raw_id, received_at, state, generation, decided_at, sender)"
            " VALUES (?, ?, 1, ?, ?, ?, ?, ?, 'jane@example.com')",
            number, f"m-{number:012x}", number, AT, state, generation, AT + 2_000_000,
        )
        for number, state, generation in ((1, "done", 2), (2, "held", 1))
    ],
    *[
        (
            "INSERT INTO receipt (inbound_id, generation, outcome, code, because, by_kind, by_name, workspace, item,"
            " decided_at, trace) VALUES (?, ?, ?, 'rule.hold', 'so', 'rule', 'VIP', 'support', ?, ?, ?)",
            mail, generation, outcome, item, AT + 2_000_000, trace,
        )
        for mail, generation, outcome, item, trace in (
            (1, 1, "held", None, TRACE), (1, 2, "created", 7, TRACE), (2, 1, "held", None, None)
        )
    ],
)  # fmt: skip


def older(where: Path | Url) -> None:
    """Make a database of schema 3 with two mails in it, one of which was released."""
    if isinstance(where, Path):
        with sqlite3.connect(where) as made:
            made.execute("PRAGMA page_size = 8192")
            made.executescript((HERE / "schema_3.sql").read_text(encoding="utf-8"))
            made.executemany("INSERT INTO schema_version VALUES (?, 'step', 0)", [(1,), (2,), (3,)])
            for sql, *values in FILL:
                made.execute(sql, values)
        made.close()
        return
    database = connection(where)
    database.connect()
    with database.writing():
        database.run("DROP SCHEMA public CASCADE")
        database.run("CREATE SCHEMA public")
        for line in (HERE / "schema_3_postgres.sql").read_text(encoding="utf-8").split(";;\n"):
            database.run(line)
        for step in (1, 2, 3):
            database.run("INSERT INTO schema_version (version, name, applied_at) VALUES (?, 'step', 0)", step)
        for sql, *values in FILL:
            database.run(sql, *values)
    database.close()


@pytest.fixture(params=rows(("sqlite in a file", "postgresql")))
def upgraded(request: Any, tmp_path: Path) -> Iterator[Store]:
    where = Url(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else tmp_path / "db"
    older(where)
    with Store.open(where) as store:
        yield store


def test_traces_stand_apart_and_are_told_as_before(upgraded: Store) -> None:
    assert version(upgraded.database) == len(STEPS)
    assert upgraded.archive.trace("m-000000000001") == upgraded.archive.trace("m-000000000001", 1) == TRACE
    assert upgraded.archive.trace("m-000000000002") is None
    assert [row.mail for row in upgraded.archive.mails("item:7")] == ["m-000000000001"]


def test_what_was_decided_before_is_counted(upgraded: Store) -> None:
    asked = "SELECT outcome, by_name, lag > 0, sum(mails) FROM tally WHERE span = ? GROUP BY 1, 2, 3 ORDER BY 1"
    found = [(*each[:2], bool(each[2]), int(each[3])) for each in upgraded.database.rows(asked, Span.DAY.value)]
    assert found == [("created", " VIP", False, 1), ("held", " VIP", True, 1)]
    assert upgraded.database.rows("SELECT address, name, mails, made, held, passed FROM sender") == [
        ("jane@example.com", "Jane Doe", 2, 1, 1, 1)
    ]
    (hits,) = upgraded.counting.hits(upgraded.counting.first_day())  # type: ignore[arg-type]
    assert (hits.hit, hits.decisions) == (("rules/system.toml", "d1", 2), 2)


@pytest.mark.server
def test_the_step_leads_to_the_schema_of_today_on_a_server(postgres_url: str) -> None:
    columns = """SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"""
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    room = "SELECT relname, reloptions::text FROM pg_class WHERE reloptions IS NOT NULL AND relkind = 'r' ORDER BY 1"
    older(Url(postgres_url))
    shapes = []
    with Store.open(Url(postgres_url)) as store:
        shapes.append([store.database.rows(each) for each in (columns, indexes, room)])
        store.database.run("DROP SCHEMA public CASCADE")
        store.database.run("CREATE SCHEMA public")
    with Store.open(Url(postgres_url)) as store:
        shapes.append([store.database.rows(each) for each in (columns, indexes, room)])
    for upgraded, fresh in zip(*shapes, strict=True):
        assert set(upgraded) ^ set(fresh) == set()
