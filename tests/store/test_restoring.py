"""A backup put in place of the database: nothing goes out twice, no number is given twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from servers.limits import no_file_above
from store.desk import Desk, auto, notice
from store.older import database, queue

from engine.model.access import Arrival
from engine.run.lease import Lease
from engine.store import restoring
from engine.store.errors import Busy, Refused, StoreError
from engine.store.reading import damage
from engine.store.restoring import restore
from engine.store.store import Store


def broken(path):
    """Write over pages in the middle of a database file."""
    content = bytearray(path.read_bytes())
    content[20_000:60_000] = b"\xff" * 40_000
    path.write_bytes(content)


@pytest.fixture
def backup(file_desk, tmp_path):
    """The backup of a desk with one item, whose acknowledgement was queued then; it has gone out since."""
    file_desk.item("Printer", told=(auto(),))
    target = tmp_path / "yesterday.db"
    file_desk.store.archive.backup(target)
    (row,) = file_desk.store.outbox.claim(9, file_desk.now, "me")
    file_desk.store.outbox.sent(row.id)
    return target


def test_what_was_queued_then_is_held_and_not_sent_again(file_desk, backup):
    path = file_desk.store.path
    file_desk.store.close()
    assert restore(path, backup).held == 1
    with Store.open(path) as store:
        assert store.outbox.waiting() == 0 and store.outbox.claim(9, file_desk.now, "me") == []
        assert store.database.rows("SELECT state, error FROM outbox") == [
            ("held", "held: it was queued when the backup was written and may have been sent since")
        ]


def test_whoever_knows_that_nothing_went_out_lets_it_go_on(file_desk, backup):
    path = file_desk.store.path
    file_desk.store.close()
    assert restore(path, backup, send_queued=True).held == 0
    with Store.open(path) as store:
        assert store.outbox.waiting() == 1


def test_a_session_that_has_ended_since_does_not_begin_again(file_desk, tmp_path):
    access, anna = file_desk.store.access, file_desk.store.directory.login("anna").id
    access.put_credential(anna, "proof", "root")
    assert access.begin_session("a" * 64, Arrival(anna, "proof", "csrf"), 60.0)
    file_desk.store.archive.backup(tmp_path / "yesterday.db")
    path = file_desk.store.path
    file_desk.store.close()
    restore(path, tmp_path / "yesterday.db")
    with Store.open(path) as store:
        assert store.access.session("a" * 64) is None
        assert store.access.credential(anna) is not None


def test_numbers_that_were_given_since_the_backup_are_not_given_again(file_desk, backup):
    since = [file_desk.item(f"Item {n}").item for n in range(3)]
    path = file_desk.store.path
    assert restore(path, backup, gap=10).next_item == 12
    again = file_desk.item("After")
    assert again.item == 12 and again.item not in since
    assert file_desk.item("And another").item == 13


def test_a_second_restore_leaves_another_gap(file_desk, backup):
    path = file_desk.store.path
    restore(path, backup, gap=10)
    second = path.with_name("today.db")
    file_desk.store.archive.backup(second)
    assert restore(path, second, gap=10).next_item == 22


def test_whoever_has_it_open_sees_the_restored_one_and_what_stood_there_is_kept(file_desk, backup):
    file_desk.item("Since")
    done = restore(file_desk.store.path, backup)
    assert file_desk.store.database.one("SELECT count(*) FROM item") == (1,)
    with sqlite3.connect(done.kept) as kept:
        assert kept.execute("SELECT count(*) FROM item").fetchone() == (2,)
    kept.close()
    assert done.kept.stat().st_mode & 0o077 == 0


def test_a_damaged_database_is_moved_aside(file_desk, backup):
    path = file_desk.store.path
    file_desk.store.close()
    broken(path)
    assert damage(path)
    done = restore(path, backup)
    assert damage(path) == "" and damage(done.kept)
    with Store.open(path) as store:
        assert store.database.one("SELECT count(*) FROM item") == (1,)


def test_a_backup_that_is_damaged_or_none_changes_nothing(file_desk, backup, tmp_path):
    path = file_desk.store.path
    before = file_desk.store.database.one("SELECT count(*) FROM outbox WHERE state = 'sent'")
    broken(backup)
    other, text = tmp_path / "other.db", tmp_path / "text"
    with sqlite3.connect(other) as made:
        made.execute("CREATE TABLE x (y)")
    made.close()
    text.write_text("no database")
    for file in (backup, other, text, tmp_path / "none"):
        with pytest.raises(Refused):
            restore(path, file)
    assert file_desk.store.database.one("SELECT count(*) FROM outbox WHERE state = 'sent'") == before
    assert not list(path.parent.glob("*.restoring*")) and not list(path.parent.glob("*.before-*"))


def test_a_running_pass_is_waited_for(file_desk, backup):
    with Lease(file_desk.store, "system", lambda: file_desk.now), pytest.raises(Busy, match="a pass is running"):
        restore(file_desk.store.path, backup, wait_s=0.01)


def test_what_was_to_go_along_with_others_then_is_held_too(file_desk, tmp_path):
    file_desk.item(told=(notice(state="digest", due=file_desk.now),))
    file_desk.store.archive.backup(tmp_path / "b.db")
    path = file_desk.store.path
    file_desk.store.close()
    assert restore(path, tmp_path / "b.db").held == 1
    with Store.open(path) as store:
        assert store.ledger.carry(file_desk.now) == ()


def test_an_older_backup_gets_the_schema_of_today_and_what_it_had_queued_is_held(file_desk, tmp_path):
    with database(tmp_path / "old.db", 1) as old:
        queue(old, "ack", {"kind": "ack", "template": "ack", "to": ["jane@example.com"]}, item=1)
    old.close()
    path = file_desk.store.path
    file_desk.store.close()
    assert restore(path, tmp_path / "old.db", gap=5).held == 1
    with Store.open(path) as store:
        assert store.database.rows("SELECT class, state FROM outbox") == [("auto", "held")]
        assert Desk(store).item("After").item == 7


@pytest.fixture
def one_second(monkeypatch):
    """A clock that stands still."""
    still = SimpleNamespace(now=lambda _zone: datetime(2026, 11, 29, 22, 39, 30, tzinfo=UTC))
    monkeypatch.setattr(restoring, "datetime", still)


def test_what_is_kept_in_one_second_is_kept_each_time(file_desk, backup, one_second):
    path, kept = file_desk.store.path, []
    for title in ("Since", "And since"):
        file_desk.item(title)
        kept.append(restore(path, backup).kept)
    file_desk.store.close()
    for _ in range(2):
        broken(path)
        kept.append(restore(path, backup).kept)
    assert [each.name.removeprefix(path.name) for each in kept] == [
        f".before-20261129T223930{end}" for end in ("", ".2", ".3", ".4")
    ]
    assert [titles(each) for each in kept[:2]] == [["Printer", "Since"], ["Printer", "And since"]]
    assert all(map(damage, kept[2:]))


def test_small_files_that_are_kept_in_one_second_are_kept_each_time(file_desk, tmp_path, one_second):
    secret = tmp_path / "secret"
    secret.write_bytes(b"first")
    file_desk.store.archive.backup(tmp_path / "b.db", {"secret": secret})
    for content in (b"second", b"third"):
        secret.write_bytes(content)
        restore(file_desk.store.path, tmp_path / "b.db", places={"secret": secret})
    assert [each.read_bytes() for each in sorted(tmp_path.glob("secret.before-*"))] == [b"second", b"third"]


@pytest.mark.parametrize(
    ("then", "since", "room", "said"),
    [
        (90, 0, -100_000, "cannot be restored: the database .* or is full"),
        (0, 90, 300_000, "what stands there cannot be kept: .*; nothing was changed"),
        (90, -1, 1000, "the backup cannot be put in place: .*; what stood there is in .*before-"),
    ],
)
def test_a_restore_without_room_changes_nothing_and_leaves_no_half(file_desk, tmp_path, then, since, room, said):
    path, target = file_desk.store.path, tmp_path / "yesterday.db"
    _fill(file_desk, then)
    file_desk.store.archive.backup(target)
    _fill(file_desk, since)
    file_desk.store.database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    before, ours = titles(path), {"", "-wal", "-shm", ".pass"}
    with no_file_above(target.stat().st_size + room), pytest.raises(StoreError, match=said):
        restore(path, target)
    assert titles(path) == before
    kept = {each for each in path.parent.iterdir() if each.name.startswith(f"{path.name}.before-")}
    assert {each.name.removeprefix(path.name) for each in path.parent.iterdir() if each not in kept} <= ours
    assert all(titles(each) == before for each in kept)
    assert restore(path, target).kept is not None, "where there is room again"


def _fill(file_desk, items):
    """Make so many items of 9 kB, or let go of all (-1)."""
    if items < 0:
        with file_desk.store.writing():
            file_desk.store.database.run("UPDATE raw_mail SET content = NULL")
            file_desk.store.database.run("UPDATE item SET title = 'emptied'")
        file_desk.store.database.run("VACUUM")
    for number in range(items):
        file_desk.item(f"Item {number}", content=b"x" * 9000 + bytes([number]))


def titles(path):
    with closing(sqlite3.connect(path)) as found:
        return [title for (title,) in found.execute("SELECT title FROM item ORDER BY id")]
