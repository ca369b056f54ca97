"""A desk on a real PostgreSQL with mailboxes of Maildir, and workers that share its work. Not here: assertions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.store.place import Url
from engine.store.store import Store

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """
schema = 1
[store]
driver = "postgresql"
url_env = "OFFICE_URL"
[workers]
tick = "{tick} s"
drain = "10 s"
[errors]
retry = ["0 s"]
[people]
unknown_user = "create"
default_group = ["staff"]
[gates]
mails_per_sender = {{ limit = 100000, per = "1 hour", then = "hold" }}
total_rate = {{ limit = 100000, per = "1 hour", then = "hold" }}
[system]
default_workspace = "support"
[system.mailbox]
{mailbox}
poll = "2 s"
addresses = ["help@example.com"]
move_on_success = "Done"
[workspace.support]
name = "Support"
{more}
"""

MAILDIR = 'protocol = "maildir"\npath = "mail"'

DATA: dict[str, Any] = {
    "groups": [{"name": "staff"}],
    "users": [{"login": "anna", "name": "Anna Berg", "emails": ["anna@example.com"]}],
    "workspaces": [{"identifier": "support", "name": "Support"}],
}


class Office:
    """A folder with a configuration, a database and mail."""

    def __init__(self, folder: Path, url: str, tick: int = 1, more: str = "", mailbox: str = MAILDIR) -> None:
        from engine.store.load import load
        from engine.worker.loop import make_tables

        self.folder, self.url, self.box = folder, url, folder / "mail"
        folder.mkdir(exist_ok=True)
        (folder / "allegra.toml").write_text(CONFIG.format(tick=tick, more=more, mailbox=mailbox))
        (folder / "allegra.toml").chmod(0o600)
        for each in ("cur", "new", "tmp"):
            (self.box / each).mkdir(parents=True, exist_ok=True)
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT), "OFFICE_URL": url}
        self.written = 0
        with self.store() as store:
            load(store, DATA)
            make_tables(store.database)

    def store(self) -> Store:
        """Open the store as another process would."""
        return Store.open(Url(self.url))

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.store() as store:
            return store.database.rows(sql, *params)

    def mail(self, body: str = "Hello", answers: str = "", sender: str = "anna@example.com") -> str:
        """Put a mail into the mailbox; gives its Message-ID."""
        self.written += 1
        named = f"m{self.written}@example.com"
        head = [
            f"From: {sender}", "To: help@example.com", f"Subject: Mail {self.written}", f"Message-ID: <{named}>",
            "Date: Mon, 30 Nov 2026 01:00:00 +0000", *([f"In-Reply-To: <{answers}>"] if answers else []),
        ]  # fmt: skip
        name = f"17{self.written:08}.{self.written}.host"
        (self.box / "tmp" / name).write_bytes("\r\n".join([*head, "", f"{body} {self.written}", ""]).encode())
        (self.box / "tmp" / name).rename(self.box / "new" / name)
        return named

    def allegra(self, *words: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "engine", *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=seconds, check=False
        )

    @property
    def outcomes(self) -> Counter[str]:
        """What became of all mails."""
        return Counter(dict(self.rows("SELECT outcome, count(*) FROM receipt GROUP BY outcome")))

    @property
    def decided(self) -> int:
        return int(self.rows("SELECT count(*) FROM receipt")[0][0])

    @property
    def waiting(self) -> int:
        return int(self.rows("SELECT count(*) FROM inbound WHERE state = 'received'")[0][0])

    def is_sound(self) -> None:
        """Each mail has one end, and nobody holds anything."""
        assert self.rows("SELECT count(*), count(DISTINCT inbound_id) FROM receipt") == [(self.written, self.written)]
        assert self.rows("SELECT count(*) FROM inbound WHERE owner IS NOT NULL") == [(0,)]


class Working:
    """A worker in a process of its own, and what it said."""

    def __init__(self, office: Office, *words: str, **environ: str) -> None:
        self.said = office.folder / f"said-{time.monotonic_ns()}"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine", "worker", *words], cwd=office.folder,
                env={**office.environ, **environ}, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def until(self, what: Callable[[], Any], seconds: float = 40.0) -> float:
        """Wait until something is so; gives how long it took."""
        began = time.monotonic()
        while not what():
            assert self.process.poll() is None, self.output
            assert time.monotonic() - began < seconds, self.output
            time.sleep(0.1)
        return time.monotonic() - began

    @property
    def output(self) -> str:
        return self.said.read_text()

    @property
    def deciders(self) -> list[int]:
        """The processes that decide."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = [int(each) for each in found.read_text().split()]
        return [each for each in children if b"engine.worker.decider" in Path(f"/proc/{each}/cmdline").read_bytes()]

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def end(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()
