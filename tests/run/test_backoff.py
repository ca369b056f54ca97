"""G14: what cannot be read is tried more and more rarely, no account is locked, and nobody waits for another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import databases
import pytest
from manned import DATA
from served import mail
from servers.chaos import Chaos

from engine.config import load
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.run.report import MailboxReport
from engine.store.load import load as load_data
from engine.store.store import Store

CONFIG = """
[system]
default_workspace = "support"
[defaults.mailbox]
protocol = "imap"
host = "localhost"
port = {port}
ssl = false
timeout = "2 s"
username = "{user}"
{password}
[system.mailbox]
addresses = ["help@example.com"]
{system}
[workspace.support]
name = "Support"
{support}
[errors]
forward_to = ["ops@example.com"]
"""

REFUSED = "source.login_refused"

FROM_ENV = 'password_env = "ALLEGRA_TEST_PASSWORD"'
"""In place of a password: where it is."""


class Tried:
    """An installation before a Dovecot, whose clock is moved by hand; `logins` counts what the server heard."""

    def __init__(self, folder: Path, account: Any, proxy: Chaos) -> None:
        self.folder, self.account, self.proxy, self.at = folder, account, proxy, datetime.now(UTC)
        self.configure()
        self.store = Store.open(databases.place(folder / databases.FILE), clock=lambda: self.at)
        load_data(self.store, DATA)

    def configure(self, password: str = "", port: int = 0, system: str = "", support: str = "") -> None:
        path = self.folder / "allegra.toml"
        path.touch(0o600)
        path.write_text(
            CONFIG.format(
                port=port or self.proxy.port, user=self.account.user, system=system, support=support,
                password=f'password = "{password or self.account.password}"' if password != FROM_ENV else FROM_ENV,
            )
        )  # fmt: skip

    def run(self, *names: str, **later: float) -> list[MailboxReport]:
        """Make a pass, some time later; with names as somebody does who asks for them."""
        self.at += timedelta(**later)
        engine = Engine(load(self.folder / "allegra.toml"), self.store)
        boxes = [box for box in engine.config.mailboxes if box.name in (names or ("system", "support"))]
        reports = Pass(engine, now=lambda: self.at, named=bool(names)).run(boxes)
        engine.close()
        return reports

    @property
    def logins(self) -> int:
        return self.proxy.heard.count(b" LOGIN ")

    def told(self) -> list[str]:
        return [event for (event,) in self.store.database.rows("SELECT event FROM outbox ORDER BY id")]


@pytest.fixture
def tried(tmp_path: Path, dovecot: Any) -> Iterator[Tried]:
    account = dovecot.account()
    with Chaos(dovecot.imap) as proxy:
        made = Tried(tmp_path, account, proxy)
        yield made
        made.store.close()


def nowhere() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_no_hour_has_more_than_three_refused_logins_however_often_a_pass_is_made(tried: Tried) -> None:
    tried.configure(password="wrong")
    times: list[datetime] = []
    for _ in range(3 * 60):
        before = tried.logins
        (report,) = tried.run(minutes=1)
        times += [tried.at] * (tried.logins - before)
        assert (report.state, report.code) == ("failed", REFUSED)
    assert len(times) >= 6, "it is tried all the same"
    assert all(later - first >= timedelta(hours=1) for first, later in zip(times, times[3:], strict=False))


def test_a_mailbox_that_waits_says_until_when_and_other_mail_goes_on(tried: Tried) -> None:
    tried.configure(password="wrong")
    for _ in range(3):
        tried.run(minutes=10)
    (report,) = tried.run(minutes=1)
    assert report.retry_at is not None and timedelta(minutes=35) < report.retry_at - tried.at < timedelta(hours=1)
    assert "refuses the login" in report.sentence
    (state,) = tried.store.mailboxes.states()
    assert (state.failures, state.retry_at) == (2, report.retry_at), "who was not asked did not fail"


def test_who_asks_for_it_by_name_is_not_kept_waiting(tried: Tried) -> None:
    tried.configure(password="wrong")
    for _ in range(4):
        tried.run(minutes=10)
    before = tried.logins
    tried.run("system")
    assert tried.logins == before + 1


def test_another_password_is_tried_at_once(tried: Tried) -> None:
    tried.configure(password="wrong")
    for _ in range(4):
        tried.run(minutes=10)
    tried.account.deliver(mail(1))
    tried.configure()
    (report,) = tried.run(minutes=1)
    assert (report.state, report.new) == ("ok", 1)


@pytest.mark.parametrize(
    "passwords", [("wrong", "wrong too"), ("wrong", FROM_ENV), ("1", "2", "3", "4", "5", "6", "7")]
)
def test_no_hour_has_more_than_three_refused_logins_whoever_tries_which_password(
    tried: Tried, passwords: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where two processes have different environments, or one of them none."""
    monkeypatch.delenv("ALLEGRA_TEST_PASSWORD", raising=False)
    times: list[datetime] = []
    for number in range(2 * 60):
        tried.configure(password=passwords[number % len(passwords)])
        before = tried.logins
        tried.run(minutes=1)
        times += [tried.at] * (tried.logins - before)
    assert len(times) >= 4, "it is tried all the same"
    assert all(later - first >= timedelta(hours=1) for first, later in zip(times, times[3:], strict=False))


def test_a_password_that_cannot_be_read_ends_no_wait_and_begins_none(
    tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried.configure(password="wrong")
    for _ in range(3):
        tried.run(minutes=10)
    monkeypatch.delenv("ALLEGRA_TEST_PASSWORD", raising=False)
    tried.configure(password=FROM_ENV)
    (report,) = tried.run(minutes=1)
    assert (report.code, report.retry_at is None) == (REFUSED, False)
    tried.at += timedelta(hours=1)
    for _ in range(4):
        (report,) = tried.run(minutes=1)
        assert (report.code, report.retry_at) == ("source.secret", None), "it asks no server"
    monkeypatch.setenv("ALLEGRA_TEST_PASSWORD", tried.account.password)
    assert tried.run(minutes=1)[0].state == "ok"


def test_a_login_that_works_between_leaves_the_refusals_of_the_hour(tried: Tried) -> None:
    for number in range(3):
        tried.configure(password=f"wrong {number}")
        tried.run(minutes=6)
        tried.configure()
        (report,) = tried.run(minutes=1)
        assert report.state == ("ok" if number < 2 else "failed")
    assert "no account is to be locked" in report.sentence
    (state,) = tried.store.mailboxes.states()
    assert (state.code, state.sentence, state.retry_at) == (REFUSED, report.sentence, report.retry_at)
    assert tried.run(hours=1)[0].state == "ok"


def test_what_did_not_change_is_told_the_same_by_every_process(tried: Tried) -> None:
    import subprocess
    import sys

    from engine.run.backoff import settings_of

    config = load(tried.folder / "allegra.toml")
    code = (
        "import sys\nfrom pathlib import Path\nfrom engine.config import load\n"
        "from engine.run.backoff import settings_of\n"
        "config = load(Path(sys.argv[1])); print(settings_of(config, config.mailboxes[0]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code, tried.folder / "allegra.toml"], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in range(3)
    }  # fmt: skip
    assert told == {settings_of(config, config.mailboxes[0])}
    assert tried.account.password not in told.pop()


def test_mailboxes_of_one_account_share_its_refusals(tried: Tried) -> None:
    more = '[workspace.support.mailbox]\naddresses = ["support@example.com"]\nfolder = "Support"'
    tried.configure(password="wrong", support=more)
    for _ in range(60):
        tried.run(minutes=1)
    assert tried.logins == 2, "the third is for another password"
    reports = tried.run(minutes=1)
    assert [report.code for report in reports] == [REFUSED, REFUSED]
    assert all(report.retry_at is not None for report in reports)
    assert [state.code for state in tried.store.mailboxes.states()] == [REFUSED, REFUSED], "both say why they wait"
    tried.configure(support=more)
    assert REFUSED not in [report.code for report in tried.run(minutes=1)], "a mended password is tried for both"


def test_a_server_that_is_away_is_asked_again_within_a_quarter_of_an_hour(tried: Tried) -> None:
    tried.configure(port=nowhere())
    tried_at = []
    for _ in range(120):
        (report,) = tried.run(minutes=1)
        assert report.code == "source.unreachable"
        if tried.store.mailboxes.states()[0].failed_at == tried.at:
            tried_at.append(tried.at)
    gaps = [later - first for first, later in pairwise(tried_at)]
    assert gaps[0] == timedelta(minutes=1), "one failure is the network"
    assert max(gaps) <= timedelta(minutes=15) and gaps[-1] > timedelta(minutes=10)
    assert len(tried_at) < 20


def test_a_server_that_comes_and_goes_is_one_incident_and_loses_nothing(tried: Tried) -> None:
    """Up for five passes, away for five, for two hours; a mail in each pass."""
    for number in range(60):
        tried.account.deliver(mail(number))
        tried.proxy.drop_command, tried.proxy.times = (b"LOGIN", 1000) if number // 5 % 2 else (b"", 0)
        tried.run(minutes=2)
    tried.proxy.drop_command = b""
    tried.run(minutes=20)
    assert len(tried.store.archive.mails("", limit=100)) == 60
    assert tried.told().count("mailbox.down") <= 1


def test_a_clock_that_ran_ahead_makes_nobody_wait(tried: Tried) -> None:
    tried.configure(password="wrong")
    tried.at += timedelta(days=400)
    for _ in range(4):
        tried.run(minutes=10)
    tried.at -= timedelta(days=400)
    before = tried.logins
    tried.run(minutes=1)
    assert tried.logins == before + 1


def test_a_session_that_breaks_over_a_message_keeps_no_other_mail_waiting(tried: Tried) -> None:
    for number in range(3):
        tried.account.deliver(mail(number))
    tried.proxy.cut_after, tried.proxy.times = 900, 100
    reports = [tried.run(minutes=1)[0] for _ in range(4)]
    assert {report.state for report in reports} == {"failed"}
    assert [report.retry_at for report in reports if report.new] == [None] * sum(bool(each.new) for each in reports)


def test_an_incident_is_told_once_however_long_it_waits(tried: Tried) -> None:
    tried.configure(password="wrong")
    for _ in range(60):
        tried.run(minutes=10)
    assert tried.told() == ["mailbox.down"]
    tried.configure()
    tried.run(minutes=3)
    assert tried.told() == ["mailbox.down", "mailbox.up"]
