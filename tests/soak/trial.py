"""The trial of the engine: three mailboxes on a real Dovecot, runners that are killed, connections that break.

Here: `Trial`: the desk, feeding it in step with the kills, waiting until all is quiet, what must be true then. Not
here: processes (`runners.py`), the naive loop (`naive.py`). Nothing sets a clock or asks for a mail again: what waits,
waits as it would at a customer's.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

from servers.dovecot import Account, Dovecot
from servers.flaky import Flaky
from servers.postgres import Postgres
from servers.taker import Taker

from engine.store.postgres import numbered
from soak.runners import Runners

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = (b"UID FETCH", b"UID MOVE", b"UID SEARCH", b"LOGIN", b"SELECT", b"LOGOUT")

ALLEGRA = (sys.executable, "-c", "from engine.cli.main import main; main()")

CONFIG = """
schema = 1
[instance]
name = "Soak"
[defaults.mailbox]
protocol = "imap"
host = "localhost"
port = {port}
ssl = false
password_env = "SOAK_PASSWORD"
timeout = "10 s"
max_emails = 60
move_on_success = "Done"
[gates]
mails_per_sender = {{ limit = 1000000, per = "1 hour", then = "hold" }}
total_rate       = {{ limit = 1000000, per = "1 hour", then = "hold" }}
trusted_authserv_ids = ["mx.example.com"]
[replies]
automatic_total         = 1000000
automatic_per_recipient = 1000000
automatic_per_item      = 1000000
[smtp]
host = "localhost"
port = {smtp}
ssl = false
from = "help@example.com"
max_per_run = 1000
timeout = "10 s"
[system]
default_workspace = "w0"
[system.mailbox]
username = "{users[0]}"
addresses = ["help@example.com"]
"""

WORKSPACE = """
[workspace.w{n}]
name = "W{n}"
"""

MAILBOX = """
[workspace.w{n}.mailbox]
username = "{user}"
addresses = ["w{n}@example.com"]
"""

RUN = (*ALLEGRA, "run", "--mailbox", "system", "--mailbox", "w1", "--mailbox", "w2")
"""A pass as by somebody who names the mailboxes: one that waits after failures is tried all the same."""

WORKER = (*ALLEGRA, "worker", "--deciders", "2", "--fetchers", "3")

SERVER = """
[store]
driver = "postgresql"
[workers]
tick = "1 s"
"""

USERS = 40

NAIVE_S = 30.0


class Trial:
    """One trial below a folder; `faulty` is the share of connections that break, of IMAP and SMTP alike."""

    def __init__(
        self, folder: Path, dovecot: Dovecot, faulty: float, seed: int, postgres: Postgres | None = None
    ) -> None:
        self.folder, self.seed, self.postgres, self.crashes = folder, seed, postgres, 0
        self.accounts = [dovecot.account() for _ in range(3)]
        self.taker = Taker().__enter__()
        self.imap = Flaky(dovecot.imap, faulty, COMMANDS, seed)
        self.smtp = Flaky(self.taker.port, faulty, (b"MAIL FROM", b"\r\n.\r\n", b"RCPT", b"QUIT"), seed + 1)
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT), "SOAK_PASSWORD": dovecot.password, "ALLEGRA_AS": "u0"}
        self.given: list[str] = []
        users = [each.user for each in self.accounts]
        config = CONFIG.format(port=self.imap.port, smtp=self.smtp.port, users=users)
        config += "".join(WORKSPACE.format(n=n) + (MAILBOX.format(n=n, user=users[n]) if n else "") for n in range(3))
        if postgres is not None:
            config += SERVER
            self.environ["ALLEGRA_DATABASE_URL"] = postgres.url_of(postgres.empty())
        (folder / "allegra.toml").write_text(config, encoding="utf-8")
        (folder / "data.toml").write_text(_people(), encoding="utf-8")
        if postgres is not None:
            self.allegra("db", "migrate")
        self.allegra("admin", "load", "data.toml")
        self.database = folder / "var" / "allegra.sqlite3"

    def close(self) -> None:
        """End the servers that are its own."""
        for proxy in (self.imap, self.smtp):
            proxy.close()
        self.taker.__exit__(None, None, None)

    def allegra(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would."""
        return subprocess.run(
            [*ALLEGRA, *words], cwd=self.folder, env=self.environ, text=True, capture_output=True, check=False
        )

    def feed(self, count: int) -> None:
        """Put new mails into the mailboxes, in turn."""
        mails: dict[int, list[bytes]] = {}
        for _ in range(count):
            number = len(self.given)
            message_id = f"<soak.{self.seed}.{number}@example.com>"
            self.given.append(message_id)
            mails.setdefault(number % 3, []).append(_mail(number, message_id))
        for box, contents in mails.items():
            self.accounts[box].deliver(*contents)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the database."""
        if self.postgres is not None:
            return self._asked(sql, values)
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()

    def _asked(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Ask the server, again and again while it is down."""
        import psycopg

        until = time.monotonic() + 60
        while True:
            try:
                where = self.environ["ALLEGRA_DATABASE_URL"]
                with psycopg.connect(where, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
                    return connection.execute(numbered(sql), values).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def is_at_work(self, pids: Sequence[int]) -> bool:
        """Tell whether one of these processes, which are dead, had something in hand."""
        return any(
            self.rows(
                "SELECT 1 FROM mailbox WHERE lease_owner LIKE ? UNION ALL SELECT 1 FROM inbound WHERE owner LIKE ?"
                " UNION ALL SELECT 1 FROM outbox WHERE owner LIKE ? LIMIT 1", here, here, here,
            ) for here in (f"%/{pid}/%" for pid in pids)
        )  # fmt: skip

    def under_fire(self, mails: int, kills: int, runners: int, crashes: int = 0) -> Runners:
        """Feed and kill until so many mails came and so many kills struck; the server of the database `crashes`, too.

        On a server every third process is a pass, the others are workers.
        """
        commands = (RUN,) if self.postgres is None else (RUN, WORKER, WORKER)
        running = Runners(
            runners, commands, self.folder, self.environ, self.is_at_work, kills, self.seed
        )  # fmt: skip
        self.feed(min(mails, 300))
        running.start()
        while running.kills < kills or len(self.given) < mails:
            time.sleep(0.1)
            if self.postgres is not None and self.crashes < crashes * min(1.0, running.kills / kills):
                self.postgres.halt()
                self.postgres.start()
                self.crashes += 1
            self.feed(min(mails, 300 + mails * (running.kills + 1) // kills) - len(self.given))
            _tell(f"{len(self.given)} mails given, {self._decided()} decided, {running.kills} kills struck")
        running.end()
        return running

    def until_quiet(self, longest_s: float) -> float:
        """Run undisturbed until nothing waits; gives how long that took."""
        self.imap.calm()
        self.smtp.calm()
        began = time.monotonic()
        while time.monotonic() - began < longest_s:
            self.allegra(*RUN[len(ALLEGRA) :])
            waits = self._waits()
            _tell(f"quiet after {time.monotonic() - began:.0f} s? {waits}")
            if not any(waits.values()):
                break
            time.sleep(2.0)
        return time.monotonic() - began

    def _decided(self) -> int:
        return int(self.rows("SELECT count(*) FROM receipt")[0][0])

    def _waits(self) -> dict[str, int]:
        asked = {
            "mails that are not in": f"SELECT {len(self.given)} - count(*) FROM inbound",  # noqa: S608
            "mails": "SELECT count(*) FROM inbound WHERE state NOT IN ('done', 'ignored', 'duplicate')",
            "moves": "SELECT count(*) FROM presentation WHERE action_state IN ('pending', 'failed')",
            "letters": "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')",
        }
        return {name: int(self.rows(sql)[0][0]) for name, sql in asked.items()}

    def verdict(self) -> dict[str, int]:
        """Count what must not be: mails lost, done twice or stuck; letters twice, unknown, or never sent."""
        receipts = Counter(name for (name,) in self.rows(
            "SELECT message_id FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id"
            " AND receipt.generation = inbound.generation WHERE outcome IN ('created', 'comment')"
        ))  # fmt: skip
        made = Counter(name for (name,) in self.rows(
            "SELECT message_id FROM effect JOIN inbound ON inbound.id = inbound_id"
            " WHERE kind IN ('create_item', 'add_comment')"
        ))  # fmt: skip
        (items,), (comments,) = self.rows("SELECT count(*) FROM item")[0], self.rows("SELECT count(*) FROM comment")[0]
        there = Counter(_id(content) for each in self.accounts for content in each.mails("Done"))
        left = [content for each in self.accounts for content in each.mails()]
        sent = Counter(each.message_id for each in self.taker.taken)
        kinds = dict(self.rows("SELECT message_id, class FROM outbox WHERE message_id <> ''"))
        gone = [
            name for (name,) in self.rows("SELECT message_id FROM outbox WHERE state = 'sent' AND class = 'notice'")
        ]
        return {
            "lost": sum(1 for each in self.given if not receipts[each] or not there[each]),
            "twice": sum(1 for each in self.given if made[each] > 1 or there[each] > 1)
            + abs(items + comments - len(self.given)),
            "stuck": sum(self._waits().values()) + len(left),
            "automatic answers sent twice": sum(1 for each, n in sent.items() if n > 1 and kinds.get(each) == "auto"),
            "letters that no row knows": sum(1 for each in sent if each not in kinds),
            "notices that never went out": sum(1 for each in gone if not sent[each]),
        }


def _people() -> str:
    users = "".join(
        f'[[users]]\nlogin = "u{n}"\nname = "User {n}"\nemails = ["u{n}@example.com"]\n' for n in range(USERS)
    )
    places = "".join(f'[[workspaces]]\nidentifier = "w{n}"\nname = "W{n}"\n' for n in range(3))
    return users + places


def _mail(number: int, message_id: str) -> bytes:
    now, sender = formatdate(), f"u{number % USERS}@example.com"
    return (
        f"Received: from mail.example.net by mx.example.com; {now}\r\n"
        "Authentication-Results: mx.example.com; dmarc=pass\r\n"
        f"From: {sender}\r\nTo: help@example.com\r\nSubject: Matter {number}\r\nMessage-ID: {message_id}\r\n"
        f"Date: {now}\r\n\r\nWords about matter {number}: {hash(message_id)}\r\n" + "More of it.\r\n" * (number % 90)
    ).encode()


def _id(content: bytes) -> str:
    return next(line[12:].decode() for line in content.splitlines() if line.startswith(b"Message-ID: "))


def naive(
    folder: Path, account: Account, faulty: float, seed: int, mails: int, kills: int, runners: int
) -> dict[str, int]:
    """The same with a loop that believes the flags of the server: what it lost and what it did twice."""
    proxy = Flaky(account.server.imap, faulty, (b"FETCH", b"STORE", b"SEARCH"), seed)
    database, given = folder / "naive.sqlite3", [f"<naive.{number}@example.com>" for number in range(mails)]
    command: Sequence[str] = (
        sys.executable, str(Path(__file__).with_name("naive.py")), str(proxy.port), account.user, account.password,
        str(database),
    )  # fmt: skip
    account.deliver(*[_mail(number, message_id) for number, message_id in enumerate(given)])
    running = Runners(runners, (command,), folder, {**os.environ}, lambda _: True, kills, seed)
    running.start()
    until = time.monotonic() + NAIVE_S
    while running.kills < kills and time.monotonic() < until:  # once all is read there is nobody left to kill
        time.sleep(0.1)
    running.end()
    proxy.calm()
    for _ in range(mails // 40 + 5):
        subprocess.run(command, check=False, capture_output=True)
    proxy.close()
    with closing(sqlite3.connect(database)) as store:
        made = Counter(name for (name,) in store.execute("SELECT message_id FROM item"))
    return {"lost": sum(1 for each in given if not made[each]), "twice": sum(1 for each in given if made[each] > 1)}


def _tell(said: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)
