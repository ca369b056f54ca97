"""Whether a database is whole: what a person is told of pages, references, promises and bytes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from store.desk import auto
from store.older import database

from engine.store.errors import Refused
from engine.store.migrations import STEPS
from engine.store.soundness import COUNTED_WRONGLY, PROMISES, examine

TODAY = len(STEPS)


def look(path, *, mails=False):
    return examine(path, TODAY, read_mails=mails, told=lambda *_: None)


def changed(file_desk, *statements):
    """The database of a desk with an item and a held mail, after somebody wrote into it by hand."""
    file_desk.item("Printer", told=(auto(),))
    file_desk.end("held")
    file_desk.spool()
    path = file_desk.store.path
    file_desk.store.close()
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            hand.execute(statement)
    return path


def test_a_database_that_was_worked_with_is_whole(file_desk):
    found = look(changed(file_desk), mails=True)
    assert found.findings == () and found.promises and found.version == TODAY
    assert found.mails_read == 3 and found.rows > 10


def test_looking_changes_nothing_and_needs_nobody_to_stop(file_desk):
    file_desk.item("Printer")
    with file_desk.store.writing():
        assert look(file_desk.store.path).findings == ()
    before = file_desk.store.path.read_bytes()
    look(file_desk.store.path, mails=True)
    assert file_desk.store.path.read_bytes() == before


@pytest.mark.parametrize(
    "statement, what",
    [
        ("DELETE FROM receipt", PROMISES[0][0]),
        ("UPDATE raw_mail SET content = NULL", PROMISES[1][0]),
        ("UPDATE receipt SET item = 99 WHERE item IS NOT NULL", PROMISES[2][0]),
        ("UPDATE presentation SET action_state = 'pending'", PROMISES[3][0]),
        ("UPDATE outbox SET act = 'a-nobody'", PROMISES[4][0]),
        ("INSERT INTO blob (id, digest, size) VALUES (7, x'07', 1)", ""),
        (
            "INSERT INTO attachment (blob_id, name, content_type, created_at) SELECT 1, 'a', 'b', 1 WHERE EXISTS"
            " (SELECT 1 FROM blob)",
            "",
        ),
        ("UPDATE inbound SET raw_id = 900 + id", "rows name another row that is not there"),
    ],
)
def test_what_must_never_be_is_found_and_named(file_desk, statement, what):
    found = look(changed(file_desk, statement))
    told = {each.what: each for each in found.findings}
    assert (what in told) if what else not told
    for each in found.findings:
        assert each.count >= 1 and each.named and ("db restore" in each.remedy or each.what == COUNTED_WRONGLY)


def test_an_attachment_of_nothing_and_without_bytes_is_found(file_desk):
    path = changed(
        file_desk,
        "INSERT INTO blob (id, digest, size) VALUES (7, x'07', 1)",
        "INSERT INTO attachment (blob_id, name, content_type, created_at) VALUES (7, 'a', 'b', 1)",
    )
    assert [each.what for each in look(path).findings] == [PROMISES[5][0], PROMISES[6][0]]


def test_a_mail_whose_bytes_are_others_now_is_found_where_bytes_are_read(file_desk):
    path = changed(file_desk, "UPDATE raw_mail SET content = CAST('other' AS BLOB) WHERE id = 2")
    assert look(path).findings == ()
    (finding,) = look(path, mails=True).findings
    assert (finding.count, finding.named) == (1, ("mail 2",))


def test_damaged_pages_are_said(file_desk):
    for number in range(40):
        file_desk.item(f"Item {number}")
    path = file_desk.store.path
    file_desk.store.close()
    content = bytearray(path.read_bytes())
    content[20_000:60_000] = b"\xff" * 40_000
    path.write_bytes(content)
    (finding,) = look(path).findings
    assert "damaged" in finding.what or "cannot be read" in finding.what


def test_an_older_backup_is_looked_at_but_for_its_promises(tmp_path):
    path = tmp_path / "old.db"
    database(path, 1).close()
    found = look(path)
    assert found.version == 1 and not found.promises and found.findings == ()


def test_a_file_that_is_none_of_ours_is_refused(tmp_path):
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as made, made:
        made.execute("CREATE TABLE x (y)")
    with pytest.raises(Refused, match="no database of ours"):
        look(other)
    with pytest.raises(Refused, match="there is no file"):
        look(text)


def test_how_far_it_has_come_is_told(file_desk):
    file_desk.spool(*[b"From: a@example.com\n\nmail %d" % n for n in range(1100)])
    heard = []
    examine(file_desk.store.path, TODAY, read_mails=True, told=lambda *each: heard.append(each))
    assert heard == [(500, 1100), (1000, 1100)]


@pytest.mark.parametrize("statement", [statement for _, statement in PROMISES])
def test_every_promise_is_asked_of_the_schema_of_today(file_desk, statement):
    file_desk.item()
    assert file_desk.store.database.rows(statement) == []
