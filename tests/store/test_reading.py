"""A database file that is only read: nothing is left beside it, and it need not be possible to leave something."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.store.errors import Refused, StoreError
from engine.store.migrations import STEPS
from engine.store.reading import damage, only_read, readable
from engine.store.restoring import restore
from engine.store.soundness import examine

READ = (
    "import sys\nfrom pathlib import Path\nfrom engine.store.reading import readable\n"
    "from engine.store.soundness import examine\nfile = Path(sys.argv[1])\n"
    "try:\n    (file.parent / 'new').touch()\n    sys.exit('it can be written')\nexcept PermissionError:\n    pass\n"
    "readable(file)\nprint(examine(file, 3, read_mails=True, told=lambda *_: None).findings)"
)


@pytest.fixture(params=["of today", "of before"])
def backup(request, file_desk, tmp_path):
    """A backup in a folder of its own; the one of before says that it has a log."""
    file_desk.item("Printer")
    (tmp_path / "rob").mkdir()
    target = tmp_path / "rob" / "b.db"
    file_desk.store.archive.backup(target)
    if request.param == "of before":
        with closing(sqlite3.connect(target)) as made:
            made.execute("PRAGMA journal_mode = WAL")
    return target


def written_only_by_others(folder: Path) -> list[str]:
    """The beginning of a command for which a folder cannot be written, though root asks."""
    folder.chmod(0o555)
    begin = ["unshare", "--user", "--map-user=1000"]
    if shutil.which("unshare") is None or subprocess.run([*begin, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare and namespaces of users")
    return begin


def test_a_backup_is_read_on_a_disk_that_cannot_be_written(backup):
    begin = written_only_by_others(backup.parent)
    done = subprocess.run([*begin, sys.executable, "-c", READ, str(backup)], capture_output=True, text=True)
    backup.parent.chmod(0o755)
    assert (done.stdout, done.stderr) == ("()\n", "")


def test_whoever_reads_a_backup_leaves_nothing_beside_it(backup, file_desk):
    before = backup.read_bytes()
    readable(backup)
    assert damage(backup) == "" and examine(backup, len(STEPS), read_mails=True, told=lambda *_: None).findings == ()
    kept = restore(file_desk.store.path, backup).kept
    assert [each.name for each in backup.parent.iterdir()] == ["b.db"] and backup.read_bytes() == before
    assert examine(kept, len(STEPS), read_mails=True, told=lambda *_: None).findings == ()
    assert not list(kept.parent.glob(f"{kept.name}-*"))


def test_a_database_that_is_worked_with_is_read_with_what_is_in_its_log(file_desk):
    file_desk.item("Printer")
    assert file_desk.store.path.with_name("db.sqlite3-wal").stat().st_size
    with only_read(file_desk.store.path) as connection:
        assert connection.execute("SELECT title FROM item").fetchall() == [("Printer",)]


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        damage(tmp_path / "b.db")


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ((), "holds nothing: it is no backup"),
        (("CREATE TABLE t (a)",), "holds a database of something else"),
        (("CREATE TABLE schema_version (id)", "INSERT INTO schema_version VALUES (1)"), "a database of something else"),
        (
            ("CREATE TABLE schema_version (version, applied_at)", "INSERT INTO schema_version VALUES (9, 1)"),
            f"has schema 9, this release knows {len(STEPS)}: install the release that wrote it",
        ),
    ],
)
def test_what_is_no_backup_of_ours_is_called_so(tmp_path, statements, said):
    file = tmp_path / "b.db"
    with closing(sqlite3.connect(file)) as made, made:
        for statement in statements:
            made.execute(statement)
    file.touch()
    with pytest.raises(Refused, match=said):
        readable(file)
