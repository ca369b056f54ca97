"""A server that is away, goes away, is full, read only or not ours: a sentence, nothing half written, and on again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from store.desk import Desk, furnish, notice

from engine.stop import Stopped
from engine.store.errors import Busy, Conflict, Refused, StoreError
from engine.store.place import Url
from engine.store.store import Store

pytestmark = pytest.mark.server

SECRET = "s3cr3t-c4n4ry"


@pytest.fixture
def url(postgres_url: str) -> Url:
    return Url(postgres_url)


@pytest.fixture
def here(url: Url) -> Iterator[Desk]:
    with Store.open(url, clock=lambda: made.now) as store:
        made = Desk(store)
        furnish(store)
        yield made


@contextmanager
def halted(postgres: Any, mode: str = "immediate") -> Iterator[None]:
    postgres.halt(mode)
    try:
        yield
    finally:
        postgres.start()


def refused(url: str) -> str:
    """Give the sentence with which a URL is refused, its words in one line and without any secret."""
    with pytest.raises(StoreError) as caught:
        Store.open(Url(url)).close()
    said = str(caught.value)
    assert SECRET not in said and "\n" not in said and type(caught.value) in (StoreError, Busy)
    return said


def groups(url: Url) -> set[str]:
    with Store.open(url) as store:
        return {key for (key,) in store.database.rows("SELECT key FROM account_group")}


# ── it does not open ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_is_not_there(postgres: Any, url: Url) -> None:
    with halted(postgres):
        assert "cannot be reached" in refused(url.secret)
    Store.open(url).close()


def test_what_is_wrong_in_a_url_is_said_without_its_password(postgres: Any, url: Url) -> None:
    host = f"host={postgres.folder}"
    assert 'does not let us in: database "nothing" does not exist (createdb makes one)' in refused(
        f"postgresql://test:{SECRET}@/nothing?{host}"
    )
    assert "cannot be reached" in refused(f"postgresql://test:{SECRET}@nowhere.invalid/desk")
    assert "cannot be reached" in refused(f"postgresql://test:{SECRET}@127.0.0.1:1/desk")
    assert 'role "nobody" does not exist' in refused(f"postgresql://nobody:{SECRET}@/postgres?{host}")
    assert SECRET not in refused(f"postgresql://test@/postgres?{host}&passwort={SECRET}")
    assert SECRET not in refused(f"postgresql://test@/postgres?{host}&password={SECRET}&sslmode=wrong")


def test_a_wrong_password_is_refused_and_not_repeated(postgres: Any) -> None:
    file = postgres.folder / "data" / "pg_hba.conf"
    before = file.read_text()
    postgres.run("DROP ROLE IF EXISTS asked")
    postgres.run("CREATE ROLE asked LOGIN PASSWORD 'right'")
    try:
        file.write_text("local all asked scram-sha-256\n" + before)
        postgres.run("SELECT pg_reload_conf()")
        until = time.monotonic() + 10
        while "password authentication failed" not in (
            said := refused(f"postgresql://asked:{SECRET}@/postgres?host={postgres.folder}")
        ):
            assert time.monotonic() < until, said
            time.sleep(0.05)
        assert "no password" in refused(f"postgresql://asked@/postgres?host={postgres.folder}")
    finally:
        file.write_text(before)
        postgres.run("SELECT pg_reload_conf()")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_refused_before_anything_is_made(postgres: Any, encoding: str) -> None:
    postgres.run(f"CREATE DATABASE other ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    try:
        assert f"has the encoding {encoding}" in refused(postgres.url_of("other"))
        assert postgres.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "other") == [(0,)]
    finally:
        postgres.drop("other")


def test_a_role_that_may_only_read_is_told_what_it_lacks(postgres: Any, url: Url, here: Desk) -> None:
    name = url.name.partition(" ")[0]
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN")
    postgres.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
    with Store.open(Url(url.secret.replace("test@", "reader@"))) as store:
        with pytest.raises(StoreError, match="gives this user too few rights"):
            store.directory.put_group("new")
        assert store.directory.login("anna").name == "Anna Berg"
    postgres.run("DROP OWNED BY reader", name)


@pytest.mark.parametrize("where", ["the database", "a standby"])
def test_a_database_that_is_read_only(postgres: Any, url: Url, here: Desk, where: str) -> None:
    from servers.postgres import Postgres

    name = url.name.partition(" ")[0]
    if where == "the database":
        postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with Store.open(url) as store:
            with pytest.raises(StoreError, match="is read-only: a standby, or set so"):
                store.directory.put_group("new")
            assert store.directory.login("anna").name == "Anna Berg"
        return
    standby = Postgres(of=postgres)
    try:
        with Store.open(Url(standby.url_of(name))) as store, pytest.raises(StoreError, match="is read-only: a standby"):
            store.directory.put_group("new")
    finally:
        standby.stop()


def test_no_connection_is_left(postgres: Any, url: Url) -> None:
    name = url.name.partition(" ")[0]
    postgres.run("DROP ROLE IF EXISTS few")
    postgres.run("CREATE ROLE few LOGIN CONNECTION LIMIT 1")
    postgres.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO few", name)
    few = url.secret.replace("test@", "few@")
    with Store.open(Url(few)):
        assert 'too many connections for role "few" (raise max_connections' in refused(few)
    postgres.run("DROP OWNED BY few", name)


# ── it goes away ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_a_store_lives_through_a_stop_of_the_server(postgres: Any, url: Url, here: Desk, mode: str) -> None:
    here.item("Printer")
    before = here.store.owner
    with halted(postgres, mode), pytest.raises(StoreError):
        here.store.directory.put_group("lost")
    here.store.directory.put_group("kept")
    assert here.store.owner != before, "its claims and locks are gone: it is somebody else"
    here.item("Scanner")
    assert {"kept"} == groups(url) & {"lost", "kept"}


def test_a_stop_in_a_transaction_takes_all_of_it_back(postgres: Any, url: Url, here: Desk) -> None:
    with pytest.raises(StoreError), here.store.writing():
        here.store.directory.put_group("first")
        with halted(postgres):
            pass
        with suppress(StoreError):  # what somebody passes over
            here.store.directory.put_group("second")
        here.store.directory.put_group("third")
    assert not groups(url) & {"first", "second", "third"}
    with here.store.writing():
        here.store.directory.put_group("again")
    assert "again" in groups(url)


def test_a_stop_in_a_savepoint_a_reading_and_a_rehearsal(postgres: Any, url: Url, here: Desk) -> None:
    for kind in ("savepoint", "reading", "rehearsal"):
        with pytest.raises(StoreError), here.store.rehearsal() if kind == "rehearsal" else here.store.reading():
            if kind == "savepoint":
                with here.store.writing(), here.store.savepoint():
                    here.store.directory.put_group("gone")
                    with halted(postgres):
                        pass
                    here.store.directory.put_group("gone, too")
            here.store.directory.login("anna")
            with halted(postgres):
                pass
            here.store.database.rows("SELECT 1")
        here.store.directory.put_group(f"after a {kind}")
    assert {f"after a {kind}" for kind in ("savepoint", "reading", "rehearsal")} <= groups(url)
    assert not groups(url) & {"gone", "gone, too"}


def test_a_commit_that_nobody_answers_is_an_error_and_the_next_one_is_not(postgres: Any, url: Url, here: Desk) -> None:
    with pytest.raises(StoreError), here.store.writing():
        here.store.directory.put_group("unknown")
        postgres.halt()
    postgres.start()
    here.store.directory.put_group("known")
    assert {"known"} == groups(url) & {"known", "unknown"}


def test_a_claim_of_a_lost_connection_is_void(postgres: Any, here: Desk) -> None:
    (spooled,) = here.store.ledger.spool([here.raw()], here.store.owner)
    held = here.store.owner
    with halted(postgres):
        pass
    here.store.queue.due_mailboxes(here.now)
    assert here.store.database.is_alive(here.store.owner) and here.store.database.is_alive(held) is False
    assert spooled.mail


def test_a_store_goes_on_at_the_standby_that_took_over(postgres: Any) -> None:
    from servers.postgres import Postgres

    primary = Postgres()
    standby = Postgres(of=primary)
    both = f"postgresql://test@/desk?host={primary.folder},{standby.folder}&target_session_attrs=read-write"
    primary.run("CREATE DATABASE desk")
    primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.run("SELECT pg_reload_conf()")
    try:
        with Store.open(Url(both), clock=lambda: made.now) as store:
            made = Desk(store)
            furnish(store)
            last = made.item("Printer").item
            primary.halt()
            with pytest.raises(StoreError, match=r"lost|cannot be reached"):
                made.item("Lost")
            standby.promote()
            assert made.item("Scanner").item > last
            assert {title for (title,) in store.database.rows("SELECT title FROM item")} == {"Printer", "Scanner"}
    finally:
        primary.start()
        standby.stop()
        primary.stop()


# ── it has no room ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small(postgres: Any) -> Iterator[tuple[str, Path]]:
    """A database on a disk of a few megabytes, of a server of its own."""
    from servers.postgres import Postgres

    if os.getuid() != 0:
        pytest.skip("only root mounts a small disk")
    disk = Path(tempfile.mkdtemp(prefix="allegra-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk], check=False).returncode:
        disk.rmdir()
        pytest.skip("no disk can be mounted here")
    shutil.chown(disk, "postgres", "postgres")
    server = Postgres()
    try:
        server.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
        server.run("CREATE DATABASE narrow TABLESPACE small")
        yield server.url_of("narrow"), disk
    finally:
        server.stop()
        subprocess.run(["umount", disk], check=True)
        disk.rmdir()


def test_a_full_disk_is_said_nothing_is_half_written_and_it_goes_on_with_room(small: tuple[str, Path]) -> None:
    url, disk = small
    with Store.open(Url(url), clock=lambda: made.now) as store:
        made = Desk(store)
        furnish(store)
        kept = 0
        with pytest.raises(StoreError, match="cannot grow: its disk is full"):
            for _ in range(400):
                made.spool(os.urandom(200_000))
                kept += 1
        assert 0 < kept < 400
        with suppress(StoreError):  # to read, the server may have to write what it holds in memory
            assert made.count("raw_mail") == kept
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        assert made.count("raw_mail") == made.count("inbound") == made.count("presentation") == kept
        made.spool(os.urandom(200_000))
        assert made.count("raw_mail") == made.count("inbound") == kept + 1


# ── it does not wait ──────────────────────────────────────────────────────────────────────────────────────────

FROZEN = """
import sys, time
from engine.store.place import Url
from engine.store.store import Store
with Store.open(Url(sys.argv[1])) as store:
    try:
        with store.writing():
            store.database.run("SET LOCAL idle_in_transaction_session_timeout = '1s'")
            store.directory.put_group("frozen")
            print("in", flush=True)
            sys.stdin.readline()
            store.directory.put_group("thawed")
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    store.directory.put_group("again")
    print("again", flush=True)
"""


def test_a_process_that_freezes_in_a_transaction_loses_it_and_nobody_waits_for_it(url: Url, here: Desk) -> None:
    frozen = subprocess.Popen(
        [sys.executable, "-c", FROZEN, url.secret], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert frozen.stdin and frozen.stdout and frozen.stdout.readline() == "in\n"
    frozen.send_signal(signal.SIGSTOP)
    here.store.database.run("UPDATE account_group SET name = key WHERE key = 'staff'")
    here.store.directory.put_group("frozen")
    frozen.send_signal(signal.SIGCONT)
    told, _ = frozen.communicate("\n", timeout=30)
    assert told.startswith("StoreError the database ") and "ended a transaction in which nothing happened" in told
    assert told.endswith("again\n")
    assert groups(url) & {"frozen", "thawed", "again"} == {"frozen", "again"}


def test_a_lock_that_somebody_holds_is_waited_for_and_then_said(url: Url, here: Desk) -> None:
    with Store.open(url, busy_s=0.2) as other, here.store.writing():
        here.store.database.run("UPDATE account_group SET name = 'x' WHERE key = 'staff'")
        began = time.monotonic()
        with pytest.raises(Busy, match="is busy: it is locked by another process"):
            other.database.run("UPDATE account_group SET name = 'y' WHERE key = 'staff'")
        assert 0.1 < time.monotonic() - began < 10
        with pytest.raises(Busy):
            other.database.run("DELETE FROM account_group WHERE key = 'staff'")
        other.directory.put_group("free")
    assert "free" in groups(url)


def test_two_that_wait_for_each_other_are_told_apart_and_one_goes_on(url: Url, here: Desk) -> None:
    import threading

    came: list[str] = []

    def cross() -> None:
        with Store.open(url) as other:
            try:
                with other.writing():
                    other.database.run("UPDATE account_group SET name = 'b' WHERE key = 'customers'")
                    ready.set()
                    other.database.run("UPDATE account_group SET name = 'b' WHERE key = 'staff'")
            except Busy as error:
                came.append(str(error))

    ready, thread = threading.Event(), threading.Thread(target=cross)
    try:
        with here.store.writing():
            here.store.database.run("UPDATE account_group SET name = 'a' WHERE key = 'staff'")
            thread.start()
            assert ready.wait(10)
            here.store.database.run("UPDATE account_group SET name = 'a' WHERE key = 'customers'")
    except Busy as error:
        came.append(str(error))
    thread.join()
    assert len(came) == 1 and "two transactions waited for each other" in came[0]


def test_a_value_that_the_database_refuses_ends_its_transaction_only(here: Desk) -> None:
    with pytest.raises(Conflict), here.store.writing():
        here.store.database.run("INSERT INTO account_group (key, name) VALUES ('staff', 'again')")
    with pytest.raises(Exception, match="index row requires"), here.store.writing():
        here.store.database.run("UPDATE account SET login = ?", os.urandom(9000).hex())
    here.store.directory.put_group("new")


def test_whoever_lost_a_connection_is_somebody_else_afterwards(postgres: Any, url: Url) -> None:
    with Store.open(url) as store:
        before = store.owner
        with halted(postgres), suppress(StoreError):
            store.database.one("SELECT 1")
        after = store.owner
        assert after != before and store.database.is_alive(after) and store.database.is_alive(before) is False


def test_a_letter_that_was_composed_is_known_after_the_server_crashed(postgres: Any, url: Url, here: Desk) -> None:
    row = here.store.outbox
    here.item(told=(notice(),))
    (claimed,) = row.claim(1, here.now, "me")
    row.composed(claimed.id, "<known@desk.example>", b"To: anna@example.com\n\nHello")
    with halted(postgres):
        pass
    assert here.count("outbox", "message_id = '<known@desk.example>'") == 1


def test_a_key_that_is_too_long_for_an_index_is_refused_with_a_sentence(here: Desk) -> None:
    with pytest.raises(Refused, match="no room for a value as long as this: index row size"):
        here.store.directory.put_account(os.urandom(2000).hex())
    here.store.directory.put_account("short")


def test_the_folder_for_files_of_this_host_is_made_with_the_database_and_by_nobody_who_only_looks(
    url: Url, tmp_path: Path
) -> None:
    """Else the mail in hand, counters and what was warned of are remembered nowhere, and nobody says so."""
    there = Url(url.secret, tmp_path / "var" / "allegra")
    Store.open(there, create=False, migrate=False).close()
    assert not (tmp_path / "var").exists()
    Store.open(there).close()
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


class _Enough(Exception):
    """What a limit on processor time raises in the middle of anything."""


def _interrupted(desk: Desk, what: type[BaseException]) -> None:
    """Let a signal interrupt a statement."""

    def raising(*_: Any) -> None:
        raise what

    before = signal.signal(signal.SIGALRM, raising)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(what):
            desk.store.database.rows("SELECT pg_sleep(20)")
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("what", [Stopped, _Enough, KeyboardInterrupt])
def test_a_statement_that_a_signal_interrupts_is_cancelled_and_the_connection_works_on(
    here: Desk, what: type[BaseException]
) -> None:
    """A pass that was asked to stop gives back what it holds, by the same session."""
    owner, began = here.store.owner, time.monotonic()
    _interrupted(here, what)
    with pytest.raises(what), here.store.database.writing():
        here.store.database.run("UPDATE mailbox SET name = 'gone'")
        _interrupted(here, what)
        raise what
    assert here.store.database.rows("SELECT 1") == [(1,)] and here.store.owner == owner
    here.spool()
    assert here.count("mailbox", "name = 'gone'") == 0
    assert time.monotonic() - began < 10
