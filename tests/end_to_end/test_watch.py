"""F015: a process that stays: mail is decided as it comes, whatever servers, files and signals do meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import databases
import pytest
from conservation import Case
from served import CANARY, configure, mail, of, options
from servers.chaos import Chaos
from servers.scripted import Scripted, imap

FAST = 'poll = "1 hour"'
PROMPT_S = 2.0


class Watching:
    """A watch in a process of its own, and what it printed."""

    def __init__(self, desk: Any, *words: str, before: str = "", **environ: str) -> None:
        self.desk, self.said = desk, desk.folder / "said"
        desk.environ.update(environ)
        with self.said.open("ab") as said:
            command = [
                sys.executable,
                "-c",
                f"{before}\nfrom engine.cli.main import main; main()",
                "run",
                "--watch",
                *words,
            ]
            environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **desk.environ}
            self.process = subprocess.Popen(command, cwd=desk.folder, env=environ, stdout=said, stderr=said)

    def until(self, what: Callable[[], Any], seconds: float = 40.0) -> float:
        """Wait until something is so; gives how long it took."""
        began = time.monotonic()
        while not what():
            assert self.process.poll() is None, self.output
            assert time.monotonic() - began < seconds, self.output
            time.sleep(0.02)
        return time.monotonic() - began

    @property
    def output(self) -> str:
        return self.said.read_text()

    @property
    def rss_kb(self) -> int:
        """The memory it holds now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def watching(desk: Any) -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def start(*words: str, before: str = "", **environ: str) -> Watching:
        started.append(Watching(desk, *words, before=before, **environ))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def items(desk: Any) -> int:
    return len(desk.lines("item", "list"))


def heard(proxy: Chaos, times: int = 1) -> Callable[[], bool]:
    return lambda: proxy.heard.count(b" IDLE\r\n") >= times


@pytest.mark.parametrize("kind", ["imap", "imaps"])
def test_mail_that_arrives_is_decided_within_two_seconds(desk: Any, dovecot: Any, watching: Any, kind: str) -> None:
    account = dovecot.account()
    configure(desk, of(account, kind, more=FAST))
    account.deliver(mail(1))
    watch = watching()
    watch.until(lambda: items(desk) == 1)
    took = []
    for number in range(2, 6):
        time.sleep(0.7)
        account.deliver(mail(number))
        took.append(watch.until(lambda number=number: items(desk) == number))
    assert sorted(took)[1] < PROMPT_S, took  # others work on this machine; by asking again it would take an hour
    watch.until(lambda: len(account.mails("Done")) == 5)
    assert watch.stop() == 0
    assert desk.allegra("run").exit_code == 0


def test_it_says_what_a_run_says_and_nothing_where_nothing_happens(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    configure(desk, of(account, more=FAST))
    watch = watching("--json")
    time.sleep(1.5)
    assert watch.output == ""
    account.deliver(mail(1))
    watch.until(lambda: watch.output.count("\n") == 2)
    line, summary = map(json.loads, watch.output.splitlines())
    assert (line["outcome"], summary["summary"]["created"]) == ("created", 1)
    assert watch.stop(signal.SIGINT) == 0


def test_health_tells_that_a_watch_lives_and_that_one_died(desk: Any, dovecot: Any, watching: Any) -> None:
    configure(desk, of(dovecot.account(), more=FAST))

    def told() -> dict[str, Any]:
        (answer,) = desk.lines("health")
        return next(check for check in answer["checks"] if check["name"] == "watch")

    desk.run()
    assert told()["said"] == "none: mail is read by cron or by hand"
    watch = watching()
    watch.until(lambda: f"process {watch.process.pid} since " in told()["said"])
    assert watch.stop(signal.SIGKILL) == -signal.SIGKILL
    assert (told()["status"], "ended without a word" in told()["said"]) == ("warning", True)
    again = watching()
    again.until(lambda: told()["status"] == "ok")
    other = watching()
    assert other.process.wait(20) == 75
    assert "another allegra run --watch is at work" in other.output
    assert again.stop() == 0
    assert told()["said"].startswith("none")


def test_a_run_beside_it_works(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    configure(desk, of(account, more=FAST))
    watch = watching()
    for number in range(1, 8):
        account.deliver(mail(number))
        assert desk.allegra("run").exit_code == 0
    watch.until(lambda: items(desk) == 7)
    assert len(account.mails("Done")) == 7
    assert watch.stop() == 0


def test_a_server_that_goes_away_is_asked_again_and_nothing_is_lost(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    with Chaos(dovecot.imap) as proxy:
        configure(desk, options(proxy, "imap", account.user, account.password, more=FAST))
        watch = watching(before="import engine.run.lookout\nengine.run.lookout.BROKE_S = 0.5")
        watch.until(heard(proxy))
        for number in range(1, 4):
            time.sleep(0.3)
            dovecot.doveadm("kick", account.user)
            account.deliver(mail(number))
            watch.until(lambda number=number: items(desk) == number, 40)
        assert watch.stop() == 0


def test_a_server_without_idle_is_polled(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    with Chaos(dovecot.imap) as proxy:
        proxy.replace = {b" IDLE": b" IDLX"}
        configure(desk, options(proxy, "imap", account.user, account.password, more='poll = "1 s"'))
        watch = watching()
        for number in range(1, 3):
            account.deliver(mail(number))
            watch.until(lambda number=number: items(desk) == number)
        assert b" IDLE\r\n" not in proxy.heard
        assert watch.stop() == 0


@pytest.mark.parametrize("kind", ["pop3", "maildir"])
def test_other_protocols_are_polled(desk: Any, dovecot: Any, watching: Any, kind: str) -> None:
    account = dovecot.account()
    if kind == "pop3":
        configure(desk, options(account.server, "pop3", account.user, account.password, more='poll = "1 s"')
                  .replace("move_on", "#"), more="")  # fmt: skip
        text = (desk.folder / "allegra.toml").read_text()
        text = "\n".join(line for line in text.splitlines() if not line.startswith("move_on"))
        (desk.folder / "allegra.toml").write_text(text)
    else:
        configure(desk, f'protocol = "maildir"\npath = "{account.maildir}"\npoll = "1 s"')
    watch = watching()
    for number in range(1, 3):
        account.deliver(mail(number))
        watch.until(lambda number=number: items(desk) == number)
    assert watch.stop() == 0


def test_other_rules_and_settings_are_followed_and_broken_ones_are_told(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    configure(desk, of(account, more=FAST))
    watch = watching()
    account.deliver(mail(1))
    watch.until(lambda: items(desk) == 1)
    rule = "[[rule]]\nname = 'x'\nwhen = 'subject contains \"Mail 2\"'\nthen = ['route to workspace \"finance\"']\n"
    desk.rules("system.toml", rule)
    watch.process.send_signal(signal.SIGHUP)
    account.deliver(mail(2))
    watch.until(lambda: items(desk) == 2)
    assert {row["workspace"] for row in desk.lines("item", "list")} == {"support", "finance"}
    good = (desk.folder / "allegra.toml").read_text()
    (desk.folder / "allegra.toml").write_text(good + "[nonsense]\nx = 1\n")
    watch.process.send_signal(signal.SIGHUP)
    watch.until(lambda: "does not load: the watch goes on with what it had" in watch.output)
    account.deliver(mail(3))
    (desk.folder / "allegra.toml").write_text(good)
    watch.until(lambda: items(desk) == 3)
    assert watch.stop() == 0


def test_a_stop_finishes_what_is_being_committed_and_gives_back_the_rest_uncharged(
    desk: Any, dovecot: Any, watching: Any
) -> None:
    account = dovecot.account()
    configure(desk, of(account, more=FAST))
    account.deliver(*(mail(number) for number in range(300)))
    watch = watching()
    watch.until(lambda: items(desk) > 0)
    assert watch.stop() == 0
    stored = Case(desk.where).rows
    told = "count(*), coalesce(sum(attempts), 0), count(owner), count(nullif(code, ''))"
    left = f"SELECT {told} FROM inbound WHERE state = ?"  # noqa: S608 - our own columns
    back, *charged = stored(left, "received")[0]
    assert charged == [0, 0, 0], "not tried, nobody's, and for no reason of its own"
    done = "SELECT count(*), count(DISTINCT inbound_id) FROM receipt WHERE outcome = 'created'"
    assert stored(done)[0][0] + back == stored("SELECT count(*) FROM inbound")[0][0] > back
    for _ in range(10):
        assert desk.allegra("run").exit_code == 0
    assert stored(done) == [(300, 300)]


def test_the_service_manager_hears_that_it_is_ready_lives_and_ends(desk: Any, dovecot: Any, watching: Any) -> None:
    configure(desk, of(dovecot.account(), more=FAST))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(desk.folder / "notify"))
        manager.settimeout(20)
        watch = watching(NOTIFY_SOCKET=str(desk.folder / "notify"), WATCHDOG_USEC="900000")
        assert manager.recv(100) == b"READY=1"
        assert [manager.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        assert watch.stop() == 0
        told = b""
        while told != b"STOPPING=1":
            told = manager.recv(100)


def test_a_wrong_password_locks_no_account_and_a_new_one_is_taken_up(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    with Chaos(dovecot.imap) as proxy:
        secret = desk.folder / "password"
        secret.write_text("wrong")
        text = options(proxy, "imap", account.user, CANARY, more=FAST + f'\npassword_file = "{secret}"')
        configure(desk, text.replace(f'password = "{CANARY}"\n', ""))
        watch = watching()
        watch.until(lambda: proxy.heard.count(b" LOGIN ") == 1, 30)
        time.sleep(2)
        assert proxy.heard.count(b" LOGIN ") == 1
        secret.write_text(account.password)
        account.deliver(mail(1))
        watch.process.send_signal(signal.SIGHUP)
        watch.until(lambda: items(desk) == 1, 90)
        assert watch.stop() == 0


def test_the_mailboxes_of_an_account_do_not_try_a_wrong_password_all_at_once(
    desk: Any, dovecot: Any, watching: Any
) -> None:
    account = dovecot.account()
    with Chaos(dovecot.imap) as proxy:
        text = options(proxy, "imap", account.user, "wrong", more=FAST)
        more = [f'[workspace.w{n}]\nname = "W{n}"\n[workspace.w{n}.mailbox]\n{text}\nfolder = "F{n}"' for n in range(6)]
        configure(desk, text, more="\n".join(more))
        watch = watching()
        watch.until(lambda: watch.output.count("no account is to be locked") >= 1, 30)
        time.sleep(2)
        assert proxy.heard.count(b" LOGIN ") == 1
        assert watch.stop() == 0


def test_a_database_that_is_away_is_waited_for(desk: Any, dovecot: Any, watching: Any) -> None:
    account = dovecot.account()
    configure(desk, of(account, more=FAST), more='[store]\nbusy_timeout = "0.2 s"')
    watch = watching()
    account.deliver(mail(1))
    watch.until(lambda: items(desk) == 1)
    with databases.locked(desk.where):
        account.deliver(mail(2))
        watch.until(lambda: "the watch waits for it" in watch.output)
    watch.until(lambda: items(desk) == 2)
    assert watch.stop() == 0


IMPATIENT = """
import engine.run.lookout as lookout
lookout.BROKE_S, lookout.SOUND_S, lookout.GAP_S = 0.001, 0.0, 0.01
"""


def test_a_day_of_traffic_and_reconnects_costs_no_memory(desk: Any, dovecot: Any, watching: Any) -> None:
    """As many mails and broken sessions as a busy day brings; what grows is the cache of the database, to its bound."""
    account = dovecot.account()
    with Chaos(dovecot.imap) as proxy:
        configure(desk, options(proxy, "imap", account.user, account.password, more='poll = "20 s"'))
        toml = desk.folder / "allegra.toml"
        toml.write_text(toml.read_text().replace("limit = 1000,", "limit = 100000,"))
        watch = watching(before=IMPATIENT)
        number = 0

        def bring(mails: int) -> int:
            nonlocal number
            for _ in range(mails // 150):
                account.deliver(*(mail(number := number + 1) for _ in range(150)))
                watch.until(lambda: len(account.mails("Done")) == number)
            return int(watch.rss_kb)

        def reconnect(times: int) -> int:
            for _ in range(times):
                count = proxy.heard.count(b" IDLE\r\n")
                proxy.cut()
                watch.until(heard(proxy, count + 1))
            return int(watch.rss_kb)

        bring(450)
        first, last = reconnect(40), reconnect(200)  # in some runs 13 MB come here, once
        assert last - first < 2_000, (first, last)
        after = bring(1500)
        assert after - last < (35_000 if databases.ON_SERVER else 20_000), (last, after)
        assert watch.stop() == 0
    assert after < 110_000


def test_what_does_not_go_with_a_watch_is_wrong_usage(desk: Any) -> None:
    for words in (("--limit", "3"), ("--dry-run",), ("--since", "now"), ("--jobs", "2"), ("--wait", "3")):
        told = desk.allegra("run", "--watch", *words)
        assert told.exit_code and "--watch reads all mail as it comes" in told.stderr


# ── a server that is no friend ────────────────────────────────────────────────────────────────────────────────

IDLE = "IMAP4rev1 IDLE UIDPLUS MOVE"


def _never_done(talk: Any, tag: bytes, rest: bytes) -> None:
    talk.send("+ idling", "* 9 EXISTS")
    talk.hang()


def _rings(talk: Any, tag: bytes, rest: bytes) -> None:
    talk.send("+ idling")
    for number in range(100_000):
        talk.send(f"* {number + 2} EXISTS")
        time.sleep(0.001)


def _floods(talk: Any, tag: bytes, rest: bytes) -> None:
    talk.send("+ idling")
    while True:
        talk.raw(b"* OK more of it\r\n" * 1000)


@pytest.mark.parametrize(
    "scripts",
    [
        [
            lambda talk: talk.hang(),
            lambda talk: talk.drip(b"* OK " + b"x" * 5000),
            imap(capability=IDLE, login=lambda talk, tag, rest: talk.hang()),
            imap(capability=IDLE, idle=lambda talk, tag, rest: talk.hang()),
        ],
        [
            imap(capability=IDLE, idle=lambda talk, tag, rest: talk.send("+ idling", "* BYE no")),
            imap(capability=IDLE, idle=_never_done),
        ],
        [imap(capability=IDLE, idle=_rings)],
        [imap(capability=IDLE, idle=_floods)],
    ],
    ids=["silent, drips, hangs at login, never begins", "bye, never done", "rings for ever", "floods"],
)
def test_other_mailboxes_do_not_wait_for_servers_that_are_no_friends(
    desk: Any, dovecot: Any, watching: Any, scripts: list[Any]
) -> None:
    account = dovecot.account()
    with ExitStack() as stack:
        servers = [stack.enter_context(Scripted(script)) for script in scripts]
        bad = [options(each, user=f"x{n}", password="y", more='poll = "1 s"') for n, each in enumerate(servers)]
        more = [f'[workspace.w{n}]\nname = "W{n}"\n[workspace.w{n}.mailbox]\n{box}' for n, box in enumerate(bad[1:])]
        configure(desk, of(account, more=FAST), bad[0], more="\n".join(more))
        watch = watching()
        watch.until(lambda: all(server.connections for server in servers))
        time.sleep(1)
        for number in range(1, 5):
            account.deliver(mail(number))
            assert watch.until(lambda number=number: items(desk) >= number) < 5
            time.sleep(0.5)
        assert max(server.connections for server in servers) < 20
        spent = sum(float(part) for part in Path(f"/proc/{watch.process.pid}/stat").read_text().split()[13:15])
        assert spent / os.sysconf("SC_CLK_TCK") < 4
        assert watch.stop() == 0
