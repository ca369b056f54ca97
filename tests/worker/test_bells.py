"""Doorbells: rung in the transaction that made the work, once, and only where somebody may hear them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from store.desk import Desk, notice
from store.stores import furnish

from engine.store.bells import Bell
from engine.store.place import Url
from engine.store.store import Store
from engine.worker.loop import cron, make_tables

HANGING = "SELECT task_name, count(*) FROM procrastinate_jobs WHERE status = 'todo' GROUP BY 1 ORDER BY 1"


@pytest.fixture
def bells(postgres_url: str) -> Iterator[Store]:
    """A store with what rings."""
    with Store.open(Url(postgres_url)) as store:
        assert make_tables(store.database)
        yield store


def hanging(store: Store) -> dict[str, int]:
    return dict(store.database.rows(HANGING))


def test_the_tables_are_made_once_and_say_for_which_version(bells: Store) -> None:
    assert not make_tables(bells.database)
    with bells.writing():
        bells.database.run("COMMENT ON TABLE procrastinate_jobs IS 'made for procrastinate 3.10.0'")
    assert make_tables(bells.database) == (bells.database.one("SELECT 1")[0] == 1 and _version() != "3.10.0")


def _version() -> str:
    from importlib.metadata import version

    return version("procrastinate")


def test_a_bell_is_rung_by_the_commit_and_hangs_there_once(bells: Store) -> None:
    with bells.writing():
        bells.database.ring(Bell.DECIDE)
        bells.database.ring(Bell.DECIDE)
        bells.database.ring(Bell.DELIVER)
        assert hanging(bells) == {}
    assert hanging(bells) == {"decide": 1, "deliver": 1}
    with bells.writing():
        bells.database.ring(Bell.DECIDE)
    assert hanging(bells) == {"decide": 1, "deliver": 1}


def test_a_bell_of_a_transaction_that_is_taken_back_does_not_ring(bells: Store) -> None:
    with pytest.raises(ZeroDivisionError), bells.writing():
        bells.database.ring(Bell.DECIDE)
        raise ZeroDivisionError
    with bells.rehearsal():
        bells.database.ring(Bell.DECIDE)
    with bells.writing():
        pass
    assert hanging(bells) == {}


def test_the_installed_version_tells_its_listeners_of_our_bell(bells: Store, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as listener:
        listener.execute('LISTEN "procrastinate_queue_v1#decide"')
        with bells.writing():
            bells.database.ring(Bell.DECIDE)
        (heard,) = listener.notifies(timeout=5.0, stop_after=1)
    assert "job_inserted" in heard.payload


def test_without_the_tables_and_in_a_file_nothing_is_rung(postgres_url: str, tmp_path: Path) -> None:
    for where in (Url(postgres_url), tmp_path / "db.sqlite3"):
        with Store.open(where) as store:
            with store.writing():
                store.directory.put_group("staff")
                store.database.ring(Bell.DECIDE)
            assert store.directory.group("staff"), "what was written with it is there"


def test_mail_that_is_given_back_rings_for_deciders_and_a_row_for_senders(bells: Store) -> None:
    desk = Desk(bells)
    furnish(bells)
    spooled = desk.spool()
    assert hanging(bells) == {}, "who spools decides"
    bells.ledger.unclaim(spooled)
    assert hanging(bells) == {"decide": 1}
    desk.item("x", told=(notice(),))
    assert hanging(bells) == {"decide": 1, "deliver": 1}


@pytest.mark.parametrize(("seconds", "written"), [(1, "* * * * * */1"), (10, "* * * * * */10"), (120, "*/2 * * * *")])
def test_a_tick_is_written_as_procrastinate_reads_it(seconds: float, written: str) -> None:
    import croniter

    assert cron(seconds) == written
    times = croniter.croniter(written, 0)
    first: Any = times.get_next()
    assert times.get_next() - first == seconds
