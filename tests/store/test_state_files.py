"""The small files beside the database: in the backup, and back again."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest

from engine.store.errors import StoreError
from engine.store.reading import damage
from engine.store.restoring import restore
from engine.store.state_files import TABLE, put_back
from engine.store.store import Store


@pytest.fixture
def backup(file_desk, tmp_path):
    """A backup with two files; a third one was not there."""
    (tmp_path / "secret").write_bytes(b"s" * 32)
    (tmp_path / "hooks.json").write_bytes(b'{"good":{}}')
    files = {name: tmp_path / name for name in ("secret", "hooks.json", "none")}
    file_desk.item("Printer")
    assert file_desk.store.archive.backup(tmp_path / "b.db", files).files == ("secret", "hooks.json")
    return tmp_path / "b.db"


def put_in_place(file_desk, backup, folder):
    path = file_desk.store.path
    file_desk.store.close()
    return restore(path, backup, places={name: folder / "var" / name for name in ("secret", "hooks.json")})


def test_the_files_come_back_whole_and_for_their_owner_only(file_desk, backup, tmp_path):
    assert put_in_place(file_desk, backup, tmp_path).files == ("hooks.json", "secret")
    assert (tmp_path / "var" / "secret").read_bytes() == b"s" * 32
    for name in ("secret", "hooks.json"):
        assert stat.S_IMODE((tmp_path / "var" / name).stat().st_mode) == 0o600


def test_what_stood_there_is_kept_and_what_is_the_same_is_left_alone(file_desk, backup, tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret").write_bytes(b"another")
    (tmp_path / "var" / "hooks.json").write_bytes(b'{"good":{}}')
    assert put_in_place(file_desk, backup, tmp_path).files == ("secret",)
    (kept,) = (tmp_path / "var").glob("secret.before-*")
    assert kept.read_bytes() == b"another"
    assert sorted(each.name for each in (tmp_path / "var").glob("hooks*")) == ["hooks.json"]


def test_the_restored_database_has_no_table_of_files_and_the_backup_is_a_whole_database(file_desk, backup, tmp_path):
    assert damage(backup) == ""
    put_in_place(file_desk, backup, tmp_path)
    with Store.open(file_desk.store.path) as store:
        assert store.database.rows("SELECT 1 FROM sqlite_master WHERE name = ?", TABLE) == []
        assert store.archive.backup(tmp_path / "again.db").files == ()


def test_a_backup_does_not_say_where_to_write(file_desk, backup, tmp_path):
    with closing(sqlite3.connect(backup)) as hand, hand:
        hand.execute(f"INSERT INTO {TABLE} VALUES ('../../evil', x'00')")  # noqa: S608
    path = file_desk.store.path
    file_desk.store.close()
    assert restore(path, backup, places={"secret": tmp_path / "var" / "secret"}).files == ("secret",)
    assert [each.name for each in (tmp_path / "var").iterdir()] == ["secret"]
    assert not list(tmp_path.parent.glob("**/evil"))


def test_a_backup_without_files_is_restored_as_ever(file_desk, tmp_path):
    file_desk.item("Printer")
    file_desk.store.archive.backup(tmp_path / "b.db")
    assert put_in_place(file_desk, tmp_path / "b.db", tmp_path).files == ()


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "var").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        put_back({"secret": b"s"}, {"secret": tmp_path / "var" / "secret"}, "now")
