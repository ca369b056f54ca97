"""A mailbox that is away or silent, and a way out that is closed, are told once an incident, to who looks after it."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import databases
import pytest
from manned import DATA

from engine.config import load
from engine.model.rhythm import Rhythm, written
from engine.outbox.templates import LANGUAGES
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.run.report import MailboxReport
from engine.store.load import load as load_data
from engine.store.store import Store

CONFIG = """
[system]
default_workspace = "support"
[system.mailbox]
protocol = "maildir"
path = "mail"
addresses = ["help@example.com"]
[errors]
forward_to = ["ops@example.com"]
[smtp]
transport = "maildir"
path = "out"
from = "Help <help@example.com>"
[webhooks.pager]
url = "http://127.0.0.1:9/"
events = ["mailbox.down", "mailbox.up", "mailbox.silent", "smtp.down", "smtp.up"]
[workspace.support]
name = "Support"
"""


class Watched:
    """An installation whose clock is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at = folder, datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
        databases.configured(folder, CONFIG)
        self.mailbox(there=True)
        self.store = Store.open(databases.place(folder / databases.FILE), clock=lambda: self.at)
        load_data(self.store, DATA)

    def mailbox(self, *, there: bool) -> None:
        for part in ("new", "cur", "tmp"):
            (self.folder / "mail" / part).mkdir(parents=True, exist_ok=True)
        if not there:
            (self.folder / "mail").rename(self.folder / f"gone{self.at:%d%H%M}")

    def run(self, **later: float) -> MailboxReport:
        """Make a pass, some time later."""
        self.at += timedelta(**later)
        engine = Engine(load(self.folder / "allegra.toml"), self.store)
        (report,) = Pass(engine, now=lambda: self.at).run(engine.config.mailboxes)
        engine.close()
        return report

    def told(self) -> list[tuple[str, str]]:
        """Every row by its event and whom it is for."""
        return [
            (event, key)
            for event, key in self.store.database.rows(
                "SELECT event, address_key FROM outbox WHERE class <> 'webhook' ORDER BY id"
            )
        ]

    def hooked(self) -> list[str]:
        rows = self.store.database.rows("SELECT event FROM outbox WHERE class = 'webhook' ORDER BY id")
        return [event for (event,) in rows]

    def mails(self) -> list[Any]:
        found = sorted((self.folder / "out" / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in found]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.store.close()


def test_a_mailbox_that_is_away_is_told_after_half_an_hour_and_three_failures_once(watched: Watched) -> None:
    watched.run()
    watched.mailbox(there=False)
    for minutes in (0, 10, 10):
        assert watched.run(minutes=minutes).state == "failed"
    assert watched.told() == []
    watched.run(minutes=15)
    watched.run(hours=5)
    assert watched.told() == [("mailbox.down", "ops@example.com")]
    (mail,) = watched.mails()
    assert mail["To"] == "ops@example.com" and mail["Auto-Submitted"] == "auto-generated"
    assert "The mailbox system (" in mail["Subject"] and "has not been read since 2026-11-20 10:00" in mail["Subject"]
    assert str(watched.folder / "mail") in mail.get_body(("plain",)).get_content()


TOKENS = """
protocol = "imap"
host = "localhost"
username = "help@example.com"
oauth = "m365"
addresses = ["help@example.com"]
[oauth.m365]
provider = "other"
grant = "client_credentials"
client_id = "a"
client_secret = "canary"
token_url = "http://127.0.0.1:1/token"
"""


def test_F005_a_token_server_that_is_away_is_told_as_that_and_not_as_a_password(watched: Watched) -> None:
    file = watched.folder / "allegra.toml"
    file.touch(0o600)
    file.chmod(0o600)
    mailbox = 'protocol = "maildir"\npath = "mail"\naddresses = ["help@example.com"]\n'
    file.write_text(CONFIG.replace(mailbox, TOKENS))
    for _ in range(4):
        assert watched.run(minutes=15).code == "oauth.server_away"
    assert watched.told() == [("mailbox.down", "ops@example.com")]
    (mail,) = watched.mails()
    text = mail.get_body(("plain",)).get_content()
    assert "oauth m365: 127.0.0.1 cannot be reached" in " ".join(text.split())
    assert "password" not in text and "canary" not in text


def test_two_failures_are_no_incident_however_long_they_last(watched: Watched) -> None:
    watched.mailbox(there=False)
    watched.run()
    watched.run(hours=10)
    assert watched.told() == []
    watched.run(hours=10)
    assert [event for event, _ in watched.told()] == ["mailbox.down"]


def test_that_it_works_again_is_told_only_where_it_was_told_that_it_did_not(watched: Watched) -> None:
    watched.mailbox(there=False)
    watched.run()
    watched.mailbox(there=True)
    watched.run(minutes=5)
    assert watched.told() == [] and watched.store.troubles.all() == {}
    watched.mailbox(there=False)
    for _ in range(4):
        watched.run(minutes=20)
    watched.mailbox(there=True)
    watched.run(minutes=5)
    watched.run(minutes=5)
    assert [event for event, _ in watched.told()] == ["mailbox.down", "mailbox.up"]
    assert "can be read again" in watched.mails()[-1]["Subject"]
    assert watched.hooked() == ["mailbox.down", "mailbox.up"]


def test_the_next_incident_is_told_again(watched: Watched) -> None:
    for _ in range(2):
        watched.mailbox(there=False)
        for _ in range(4):
            watched.run(minutes=20)
        watched.mailbox(there=True)
        watched.run(minutes=5)
    assert [event for event, _ in watched.told()] == ["mailbox.down", "mailbox.up"] * 2


def came(watched: Watched, **before: float) -> None:
    """Say that mail comes every few hours, and last came some time ago."""
    last = watched.at - timedelta(**before)
    week = int(last.timestamp()) // 604_800
    watched.store.database.run(
        "UPDATE mailbox SET first_read_at = 1, last_mail_at = ?, rhythm = ?",
        int(last.timestamp()) * 1_000_000, written(Rhythm(((week, 100, 8 * 3600),))),
    )  # fmt: skip


def test_a_mailbox_to_which_no_mail_comes_is_told_once_until_mail_comes(watched: Watched) -> None:
    watched.run()
    came(watched, hours=11)
    watched.run()
    assert watched.told() == []
    watched.run(hours=2)
    watched.run(hours=2)
    watched.run(days=3)
    assert watched.told() == [("mailbox.silent", "ops@example.com")]
    assert "No mail has come to the mailbox system" in watched.mails()[0]["Subject"]
    came(watched, minutes=1)
    watched.run()
    assert watched.store.troubles.all() == {}
    watched.run(days=2)
    assert [event for event, _ in watched.told()] == ["mailbox.silent"] * 2


def test_a_mailbox_that_is_away_is_not_silent(watched: Watched) -> None:
    watched.run()
    came(watched, hours=11)
    watched.mailbox(there=False)
    watched.run(days=1)
    assert watched.told() == []


def test_how_long_silence_is_can_be_said_and_that_it_does_not_matter(watched: Watched) -> None:
    file = watched.folder / "allegra.toml"
    watched.run()
    file.write_text(CONFIG.replace('path = "mail"', 'path = "mail"\nsilence = "1 hour"'))
    came(watched, minutes=70)
    watched.run()
    assert [event for event, _ in watched.told()] == ["mailbox.silent"]
    file.write_text(CONFIG.replace('path = "mail"', 'path = "mail"\nsilence = ""'))
    watched.run(days=30)
    assert len(watched.told()) == 1 and watched.store.troubles.all() == {}


def test_a_way_out_that_is_closed_is_told_by_webhook_and_by_mail_once_it_is_open(watched: Watched) -> None:
    file = watched.folder / "allegra.toml"
    closed = 'host = "127.0.0.1"\nport = 9\nssl = false\n'
    watched.run()
    came(watched, hours=20)
    file.write_text(CONFIG.replace('transport = "maildir"\npath = "out"\n', closed))
    watched.run()
    assert watched.hooked() == ["mailbox.silent"]
    watched.run(minutes=20)
    watched.run(minutes=20)
    watched.run(minutes=20)
    assert watched.hooked() == ["mailbox.silent", "smtp.down"]
    assert [event for event, _ in watched.told()] == ["mailbox.silent"]
    file.write_text(CONFIG)
    watched.run(minutes=5)
    watched.run(minutes=5)
    assert [event for event, _ in watched.told()] == ["mailbox.silent", "smtp.up"]
    assert "which was away since 2026-11-20 10:00" in watched.mails()[-1]["Subject"]


def test_after_a_clock_that_ran_ahead_the_next_incident_is_told(watched: Watched) -> None:
    watched.run()
    for ahead in (timedelta(days=3), timedelta(0)):
        watched.mailbox(there=False)
        watched.at += ahead
        for _ in range(4):
            watched.run(minutes=20)
        watched.at -= ahead
        watched.mailbox(there=True)
        watched.run(minutes=20)
    assert [event for event, _ in watched.told()] == ["mailbox.down", "mailbox.up"] * 2


def test_after_a_clock_that_ran_ahead_it_is_told_once_that_mail_goes_out_again(watched: Watched) -> None:
    file = watched.folder / "allegra.toml"
    closed = 'host = "127.0.0.1"\nport = 9\nssl = false\n'
    watched.run()
    came(watched, hours=20)
    file.write_text(CONFIG.replace('transport = "maildir"\npath = "out"\n', closed))
    watched.at += timedelta(days=3)
    for _ in range(4):
        watched.run(minutes=20)
    assert watched.hooked().count("smtp.down") == 1
    watched.at -= timedelta(days=3)
    file.write_text(CONFIG)
    for _ in range(5):
        watched.run(minutes=5)
    assert [event for event, _ in watched.told()].count("smtp.up") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_in_the_language_of_who_reads_it(watched: Watched, language: str) -> None:
    from engine.run.alarms import _happened

    watched.store.directory.put_account("ada", emails=["ada@example.com"], language=language, admin=True)
    databases.configured(watched.folder, CONFIG.replace('forward_to = ["ops@example.com"]', ""))
    config = load(watched.folder / "allegra.toml")
    for event in ("mailbox.down", "mailbox.up", "mailbox.silent", "smtp.up"):
        _happened(watched.store, config, event, "", "the server said no", watched.at)
    watched.run()
    subjects = {mail["Subject"] for mail in watched.mails()}
    assert len(subjects) == 4 and all("2026-11-20 10:00" in each for each in subjects)
    for mail in watched.mails():
        assert mail["To"] == "ada@example.com"
        assert "{{" not in mail.as_string() and "The server said no." in mail.get_body(("plain",)).get_content()


def test_these_events_are_kept_with_what_was_said(watched: Watched) -> None:
    watched.mailbox(there=False)
    for _ in range(4):
        watched.run(minutes=20)
    ((name, detail),) = watched.store.database.rows("SELECT name, detail FROM event")
    assert name == "mailbox.down" and '"code":"source.unreachable"' in detail


def test_where_nobody_looks_after_it_a_row_says_that_nobody_heard(watched: Watched) -> None:
    databases.configured(watched.folder, CONFIG.replace('forward_to = ["ops@example.com"]', ""))
    watched.mailbox(there=False)
    for _ in range(4):
        watched.run(minutes=20)
    rows = watched.store.database.rows("SELECT event, state, why FROM outbox WHERE class <> 'webhook'")
    assert rows == [("mailbox.down", "suppressed", "nobody")]


def test_a_mailbox_that_is_paused_is_neither_away_nor_silent(watched: Watched) -> None:
    watched.run()
    came(watched, days=9)
    watched.store.mailboxes.pause("system", "the server moves")
    watched.mailbox(there=False)
    for _ in range(4):
        watched.run(hours=1)
    assert watched.told() == [] and watched.store.troubles.all() == {}
