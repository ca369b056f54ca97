"""`since`: mail from before is left alone altogether, and counted."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import pytest
from served import CONFIG, NOWHERE, of
from servers.dovecot import Dovecot

import engine
from engine.sources.source import Listed, Settled, Source, raw_mail

SINCE = '[defaults.mailbox]\nsince = "2026-01-10"\n'
LONG_AGO = datetime(2023, 5, 1, tzinfo=UTC)


def put(desk: Any, subject: str, at: datetime, **more: Any) -> None:
    """Put a mail into the Maildir of the system that came then."""
    desk.mail(subject, **more)
    path = desk.folder / "mail" / more.get("box", "system") / "new" / f"{desk.written:04d}.test"
    os.utime(path, (at.timestamp(), at.timestamp()))


def summary(desk: Any, *words: str) -> dict[str, Any]:
    """What `run --json` tells of the mailbox of the system at its end."""
    told: dict[str, Any] = json.loads(desk.allegra("run", "--json", *words).stdout.splitlines()[-1])
    return told["mailboxes"]["system"]


@pytest.fixture
def old(desk: Any) -> Any:
    """A mailbox with three old mails and a new one."""
    desk.configure(more=SINCE)
    for number in range(3):
        put(desk, f"Old {number}", LONG_AGO + timedelta(days=number))
    put(desk, "New", datetime(2026, 2, 1, tzinfo=UTC))
    return desk


def test_F016_old_mail_is_not_read_not_in_the_ledger_and_counted(old: Any) -> None:
    told = summary(old)
    assert (told["new"], told["left_alone"], told["older_than"]) == (1, 3, "2026-01-10T00:00:00+00:00")
    assert [row["subject"] for row in old.lines("mail", "list")] == ["New"]
    assert len(old.files()) == 3, "they lie where they lay"
    (system, support) = old.lines("mailbox", "list")
    assert (system["state"], system["left_alone"], "left_alone" in support) == ("ok", 3, False)
    assert "3 older than 10 Jan 2026 left alone" in old.allegra("mailbox", "list").stdout
    assert summary(old)["new"] == 0, "and so they stay"


def test_a_dry_run_says_what_it_would_leave_alone(old: Any) -> None:
    said = old.allegra("run", "--dry-run").stdout
    assert re.search(r"1 new, 3 older than 10 Jan 2026 left alone", said)
    assert "left_alone" not in old.lines("mailbox", "list")[0], "nothing was kept"


def test_without_since_again_all_of_it_is_read(old: Any) -> None:
    old.run()
    old.configure()
    told = summary(old)
    assert (told["new"], "left_alone" in told) == (3, False)
    assert "left_alone" not in old.lines("mailbox", "list")[0]


def test_what_was_read_before_stays_read(old: Any) -> None:
    old.configure(more='[defaults.mailbox]\nafter_success = "keep"\n')
    assert len(old.run()) == 4
    old.configure(more=SINCE + 'after_success = "keep"\n')
    assert summary(old) == {"ok": True, "state": "ok", "new": 0}


@pytest.mark.parametrize(
    ("said", "new", "left"), [("2023-05-02", 3, 1), ("all", 4, 0), ("now", 0, 4), ("2023-05-02T12:00+02:00", 2, 2)]
)
def test_run_since_holds_for_that_run_in_place_of_the_file(old: Any, said: str, new: int, left: int) -> None:
    told = summary(old, "--since", said, "--dry-run")
    assert (told["new"], told.get("left_alone", 0)) == (new, left)
    told = summary(old, "--since", said)
    assert (told["new"], told.get("left_alone", 0)) == (new, left)


def test_since_now_said_in_every_run_is_the_first_run(old: Any) -> None:
    assert summary(old, "--since", "now")["new"] == 0
    put(old, "Between two runs", datetime.now(UTC) - timedelta(minutes=3))
    assert summary(old, "--since", "now")["new"] == 1


@pytest.mark.parametrize("said", ["yesterday", "2026-13-01", "0001-01-01", "\x1b[31m", "9999-12-31T23:59-14:00"])
def test_a_date_that_is_none_is_told_before_anything_happens(old: Any, said: str) -> None:
    result = old.allegra("run", "--since", said)
    assert (result.exit_code, '"2026-11-01"' in result.output, "\x1b" in result.output) == (2, True, False)


def test_a_date_that_is_still_to_come_is_refused(old: Any) -> None:
    result = old.allegra("run", "--since", "2999-01-01")
    assert (result.exit_code, "lies in the future" in result.output) == (2, True)


@pytest.mark.parametrize(("written", "code"), [("soon", "C106"), ("2999-01-01", "C119"), ("2026-02-30", "C106")])
def test_a_since_that_is_no_date_or_lies_in_the_future_is_an_error_of_check(desk: Any, written: str, code: str) -> None:
    desk.configure(more=f'[defaults.mailbox]\nsince = "{written}"\n')
    result = desk.allegra("check")
    assert (result.exit_code, code in result.output) == (78, True)


def test_peek_and_reconcile_name_what_is_left_alone(old: Any) -> None:
    states = [row["state"] for row in old.lines("mailbox", "peek", "system")]
    assert states == ["left alone"] * 3 + ["new"]
    (told,) = old.lines("mailbox", "reconcile", "system")
    assert (told["on_server"], told["known"], told["missing"], told["left_alone"]) == (4, 0, 1, 3)
    assert "3 left alone, 1 are missing here" in old.allegra("mailbox", "reconcile", "system").stdout


def dated(at: datetime, number: int) -> bytes:
    return (
        f"Received: from mx by box; {format_datetime(at)}\r\nFrom: anna@example.com\r\nSubject: Mail {number}\r\n"
        f"Message-ID: <m{number}@example.com>\r\n\r\nText {number}\r\n"
    ).encode()


def served(desk: Any, dovecot: Dovecot, kind: str) -> None:
    """A mailbox on a server with twelve old mails and a new one; what is read stays there."""
    account = dovecot.account()
    account.deliver(*(dated(LONG_AGO + timedelta(days=number), number) for number in range(12)))
    for path in account._files("INBOX"):
        os.utime(path, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    account.deliver(dated(datetime.now(UTC), 99))
    box = of(account, kind, more='since = "2026-01-10"\nafter_success = "keep"')
    (desk.folder / "allegra.toml").write_text(CONFIG.format(system=box, support=NOWHERE, more=""), encoding="utf-8")


@pytest.mark.parametrize("kind", ["imaps", "pop3s"])
def test_a_server_keeps_the_old_mail_and_is_asked_once_for_each(desk: Any, dovecot: Dovecot, kind: str) -> None:
    served(desk, dovecot, kind)
    assert summary(desk) == {
        "ok": True, "state": "ok", "new": 1, "left_alone": 12, "older_than": "2026-01-10T00:00:00+00:00"
    }  # fmt: skip
    asked = one_pass(desk)
    assert (asked.new, asked.left_alone, asked.tops) == (0, 12, 0)


def test_pop3_is_asked_about_so_many_in_a_pass_and_new_mail_does_not_wait_for_that(
    desk: Any, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.sources.pop3.MOST_ASKED", 5)
    served(desk, dovecot, "pop3s")
    passes = [one_pass(desk) for _ in range(4)]
    assert [(each.new, each.left_alone, each.tops) for each in passes] == [(1, 4, 5), (0, 9, 5), (0, 12, 3), (0, 12, 0)]


class Asked(NamedTuple):
    """What a pass read and left alone, and how many headers it asked for."""

    new: int
    left_alone: int
    tops: int


def one_pass(desk: Any) -> Asked:
    from engine.sources.pop3_session import Session

    count, usual = 0, Session.top

    def counted(session: Session, number: int, limit: int) -> bytes:
        nonlocal count
        count += 1
        return usual(session, number, limit)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Session, "top", counted)
        told = summary(desk)
    return Asked(told["new"], told["left_alone"], count)


def test_who_tests_the_mailbox_hears_how_much_is_older(old: Any) -> None:
    assert re.search(r"since +2026-01-10: 3 older than since", old.allegra("mailbox", "test", "system").stdout)
    assert "logged in, 4 mails, 3 older than since" in old.allegra("check", "--online").stdout


def test_a_source_of_a_program_keeps_to_since_by_the_dates_it_lists(old: Any) -> None:
    class Listing(Source):
        def list(self) -> list[Listed]:
            return [Listed("old", 1, LONG_AGO), Listed("new", 1, datetime.now(UTC)), Listed("undated")]

        def fetch(self, keys: Any, limits: Any) -> Any:
            return iter([raw_mail("system", key, f"Subject: {key}\n\n{key}\n".encode(), LONG_AGO) for key in keys])

        def settle(self, actions: Any) -> Any:
            return [Settled(each.key, "done") for each in actions]

    file = old.folder / "allegra.toml"
    file.write_text(file.read_text().replace('"maildir"\npath      = "mail/system"', '"program"'))
    with engine.open(old.folder / "allegra.toml") as desk:
        (report, _) = desk.run(sources={"system": Listing()})
    assert ([line.subject for line in report.lines], report.left_alone) == (["new", "undated"], 1)
