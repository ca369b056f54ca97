"""G16, G17: the disk is full, the database is locked or read-only: nothing is acknowledged, nothing is charged."""

from __future__ import annotations

from typing import Any

import databases
import pytest
from servers import limits
from servers.failpoints import At, run

MAIL = (
    b"From: Anna Berg <anna@example.com>\nTo: help@example.com\nSubject: Piped\nMessage-ID: <p1@example.com>\n\nHello\n"
)

SENTENCES = {
    "no_page_more": "cannot grow: the disk is full",
    "few_pages_more": "cannot grow: the disk is full",
    "small_files": "cannot be written: the disk reports an error, or is full",
    "read_only": "is read-only for this user",
}


def fill(desk: Any) -> None:
    for number in range(8):
        desk.mail(f"Mail {number}", body="x" * 20_000 + f"\nend {number}\n")


def moved_means_decided(desk: Any) -> None:
    """The server heard of nothing that is not written down."""
    rows = {row["message_id"]: row["outcome"] for row in desk.lines("mail", "list")}
    moved = len(desk.files(folder="Done"))
    assert list(rows.values()).count("created") >= moved
    assert moved + len(desk.files()) == 8


def recovers(desk: Any) -> None:
    assert desk.allegra("run").exit_code == 0
    assert len(desk.lines("item", "list")) == 8
    assert len(desk.files(folder="Done")) == 8
    assert {row["attempts"] for row in desk.lines("mail", "list")} == {1}, "a mail was charged with a full disk"
    assert desk.run() == []


@pytest.mark.parametrize("how", SENTENCES)
@pytest.mark.sqlite
def test_a_run_without_room_says_so_and_goes_on_when_there_is_room_again(desk: Any, how: str) -> None:
    fill(desk)
    for _ in range(6):  # more often than a mail may be tried
        ended = run(desk.folder, "run", batch=2, before=getattr(limits, how))
        assert ended.code == 69
        assert SENTENCES[how] in ended.output
        assert ended.output.count("\n") == 1
        assert "Traceback" not in ended.output
        moved_means_decided(desk)
    recovers(desk)


@pytest.mark.parametrize("how", ["no_page_more", "small_files", "read_only"])
@pytest.mark.sqlite
def test_deliver_without_room_lets_the_mail_server_keep_the_mail(desk: Any, how: str) -> None:
    mail = MAIL + b"x" * 100_000
    ended = run(desk.folder, "deliver", "--mailbox", "system", stdin=mail, before=getattr(limits, how))
    assert ended.code == 75
    assert SENTENCES[how] in ended.output
    assert desk.lines("mail", "list") == []
    assert desk.allegra("deliver", "--mailbox", "system", stdin=mail).exit_code == 0
    assert len(desk.lines("item", "list")) == 1


def test_a_run_on_a_locked_database_acknowledges_nothing_and_goes_on_later(desk: Any) -> None:
    desk.configure(more='[store]\nbusy_timeout = "0.2 s"')
    fill(desk)
    with databases.locked(desk.where):
        ended = run(desk.folder, "run")
    assert ended.code == 69
    assert "is locked by another process" in ended.output
    assert len(desk.files()) == 8
    recovers(desk)


def test_a_maildir_that_cannot_be_written_keeps_its_mail_and_nothing_is_done_twice(desk: Any) -> None:
    """The folder for done mail is a file: nothing can be moved into it."""
    desk.mail("One")
    (desk.folder / "mail" / "system" / ".Done").write_text("in the way")
    result = desk.allegra("run")
    assert result.exit_code == 0
    assert "1 mail could not be moved" in result.stderr
    (desk.folder / "mail" / "system" / ".Done").unlink()
    assert desk.run() == []
    assert len(desk.files(folder="Done")) == 1
    assert len(desk.lines("item", "list")) == 1


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.sqlite
def test_what_only_looks_needs_no_room_on_the_disk(desk: Any, killed: bool) -> None:
    """A run that was killed leaves a log whose index has to be made before anything can be read."""
    fill(desk)
    at = At("settle", 2) if killed else None
    assert (run(desk.folder, "run", at=at).code < 0) == killed
    beside = desk.folder / "var"
    log = beside / "allegra.sqlite3-wal"
    assert (log.exists() and log.stat().st_size > 0) == killed
    (beside / "allegra.sqlite3-shm").unlink(missing_ok=True)
    for words in (("mail", "list", "--json"), ("item", "list", "--json")):
        looked = run(desk.folder, *words, before=limits.no_index)
        assert (looked.code, looked.output.count('"schema"')) == (0, 8), looked.output
    assert run(desk.folder, "mailbox", "list", before=limits.no_index).code == 0
    desk.mail("One more")
    ended = run(desk.folder, "run", before=limits.no_index)
    assert (ended.code, "the disk" in ended.output, "Traceback" in ended.output) == (69, True, False)
    assert desk.allegra("run").exit_code == 0
    assert len(desk.lines("item", "list")) == 9
    assert desk.run() == []
