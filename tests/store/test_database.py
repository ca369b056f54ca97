"""The file: who may read it, what it survives, what is said when it cannot be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest

from engine.store.errors import Busy, Conflict, StoreError
from engine.store.store import Store


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_database_and_its_side_files_are_for_their_owner_only(tmp_path):
    path = tmp_path / "var" / "db.sqlite3"
    before = os.umask(0)
    try:
        with Store.open(path) as store:
            store.directory.put_group("x")
            names = {each.name for each in path.parent.iterdir()}
            assert {"db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"} <= names
            assert {mode(each) for each in path.parent.iterdir()} == {0o600}
            assert mode(path.parent) == 0o700
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    path = tmp_path / "db.sqlite3"
    Store.open(path).close()
    path.chmod(0o644)
    Store.open(path).close()
    assert mode(path) == 0o600


def test_it_is_durable_and_uses_a_log(file_desk):
    pragma = file_desk.store.database.one
    assert pragma("PRAGMA journal_mode") == ("wal",)
    assert pragma("PRAGMA synchronous") == (2,)
    assert pragma("PRAGMA page_size") == (8192,)
    assert pragma("PRAGMA foreign_keys") == (1,)


def test_what_was_committed_is_there_after_opening_again(file_desk):
    receipt = file_desk.item("Printer")
    with Store.open(file_desk.store.path) as again:
        assert again.archive.mail(receipt.mail).outcome == "created"


def test_a_missing_database_is_not_made_unasked(tmp_path):
    with pytest.raises(StoreError, match="there is no database"):
        Store.open(tmp_path / "no.sqlite3", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"this is a letter and no database " * 20, os.urandom(4096)])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "db.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="no SQLite database"):
        Store.open(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused(tmp_path):
    path = tmp_path / "db.sqlite3"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    with pytest.raises(StoreError, match="a database of something else"):
        Store.open(path)


def test_a_directory_in_place_of_the_file_is_said_plainly(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(tmp_path)


READS_THE_LOG = """
import fcntl, os, sys, time
index = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(index, fcntl.LOCK_EX, 3, 120)  # the locks of who writes, moves the log into the file, and reads it anew
fcntl.lockf(index, fcntl.LOCK_SH, 1, 128)
os.pwrite(index, bytes(136), 0)
print(flush=True)
time.sleep(0.5)
"""


def test_who_comes_while_another_reads_the_log_of_a_killed_process_waits(file_desk):
    """SQLite tells this apart from a transaction in its way."""
    file_desk.item("Printer")
    path = file_desk.store.path
    left = path.with_name("left.sqlite3")
    for end in ("", "-wal", "-shm"):
        shutil.copy(f"{path}{end}", f"{left}{end}")
    with subprocess.Popen([sys.executable, "-c", READS_THE_LOG, f"{left}-shm"], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        with Store.open(left, create=False, busy_s=20.0) as store:
            assert [item.title for item in store.items.newest()] == ["Printer"]


def test_G17_a_locked_database_is_busy_and_nothing_was_written(file_desk):
    with Store.open(file_desk.store.path, busy_s=0.01) as other, file_desk.store.writing():
        with pytest.raises(Busy, match="locked"):
            other.ledger.spool([file_desk.raw()], "me")
        assert other.archive.mails() == []
    with Store.open(file_desk.store.path, busy_s=0.01) as other:
        assert other.ledger.spool([file_desk.raw()], "me")


def test_G16_a_full_disk_takes_nothing_and_goes_on_when_there_is_room(file_desk):
    store = file_desk.store
    (pages,) = store.database.one("PRAGMA page_count")
    store.database.run(f"PRAGMA max_page_count = {pages + 20}")
    before = file_desk.count("inbound")
    with pytest.raises(StoreError, match="full"):
        file_desk.spool(os.urandom(400_000))
    assert file_desk.count("inbound") == before and not store.database.is_writing
    store.database.run("PRAGMA max_page_count = 1000000")
    file_desk.spool(os.urandom(400_000))
    assert store.database.one("PRAGMA integrity_check") == ("ok",)


def test_G16_a_disk_that_fills_in_the_middle_of_a_batch_takes_nothing_of_it(file_desk):
    store = file_desk.store
    spooled = file_desk.spool(*[b""] * 5)
    (pages,) = store.database.one("PRAGMA page_count")
    with pytest.raises(StoreError, match="full"), store.writing():
        for number in range(len(spooled)):
            with store.savepoint():
                if number == 3:
                    store.database.run(f"PRAGMA max_page_count = {pages}")
                store.archive.keep_text(str(number), "x" * 200_000 if number == 3 else "x")
    store.database.run("PRAGMA max_page_count = 1000000")
    assert file_desk.count("rule_text") == 0
    file_desk.commit(spooled[0])


def test_a_read_only_database_is_said_plainly(file_desk):
    file_desk.store.database.run("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="read-only"):
        file_desk.store.directory.put_group("x")


def test_mistakes_in_the_code_stay_what_they_are(desk):
    with pytest.raises(Conflict):
        desk.store.database.run("INSERT INTO membership (account_id, group_id) VALUES (99, 99)")


def test_closing_twice_is_fine(desk):
    desk.store.close()
    desk.store.close()
    with pytest.raises(RuntimeError, match="not open"):
        desk.store.database.rows("SELECT 1")


def test_a_savepoint_takes_back_only_its_own(desk):
    with desk.store.writing():
        desk.store.archive.keep_text("a", "1")
        with pytest.raises(ValueError), desk.store.savepoint():
            desk.store.archive.keep_text("b", "2")
            raise ValueError
        with desk.store.savepoint(), desk.store.savepoint():
            desk.store.archive.keep_text("c", "3")
    assert [desk.store.archive.text(digest) for digest in "abc"] == ["1", "", "3"]
