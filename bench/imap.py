"""A mailbox on a real Dovecot with very many mails: the first look, a poll when all are known, and fetching.

The Dovecot is that of the tests; where it is not installed the part says so.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import passes
from bench.clock import Line, ms, us
from bench.watched import TESTS

CONFIG = """
[system]
default_workspace = "support"
[system.mailbox]
host = "localhost"
port = {port}
ssl = false
username = "{user}"
password = "{password}"
addresses = ["help@example.com"]
max_emails = 50
[people]
unknown_user = "accept"
[workspace.support]
name = "Support"
"""

LINKS = 60_000
"""Names of one file, of which ext4 permits 65,000."""

FETCHED, BIG = 1000, 20_000
"""Mails that are fetched, and their size."""


def imap(count: int) -> dict[str, Any]:
    """A hundred times `count` mails in INBOX: `allegra run` at first and when all are known; then 1,000 are fetched."""
    sys.path.insert(0, str(TESTS))
    dovecot: Any = importlib.import_module("servers.dovecot")
    if absent := dovecot.missing():
        return {"about": f"not measured, not installed: {absent}", "lines": []}
    server = dovecot.Dovecot()
    try:
        with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
            return _measured(server, Path(name), count * 100)
    finally:
        server.stop()


def _measured(server: Any, folder: Path, many: int) -> dict[str, Any]:
    account, big = server.account(), server.account()
    _lying(account, many)
    _desk(folder, server, account)
    passes.allegra(folder, "mailbox", "test", "system")  # Dovecot makes its index of a mailbox that was filled by hand
    first = passes.allegra(folder, "run")
    _known(folder)
    passes.allegra(folder, "run")
    again = [passes.allegra(folder, "run") for _ in range(3)]
    few = min(FETCHED, many)
    big.deliver(*[_mail(number, BIG) for number in range(few)])
    (folder / "big").mkdir()
    took = _fetched(folder / "big", server, big, few)
    lines: list[Line] = [
        ("first allegra run: listed, 50 decided; wall", f"{first.wall_s:.1f} s", "goal < 60 s"),
        ("peak memory of it, MB", f"{first.peak_mb:.0f}", "goal < 100"),
        ("allegra run, all known, whole process, CPU", ms(min(each.cpu_s for each in again)), "goal < 500 ms"),
        (f"a mail of 20 kB fetched, CPU of the client ({few} mails)", us(took), "goal < 60 us"),
    ]
    return {"about": f"{many:,} mails in a mailbox of a Dovecot on this machine", "lines": lines}


def _mail(number: int, size: int) -> bytes:
    head = f"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Mail {number}\r\n"
    head += f"Message-ID: <b{number}@example.com>\r\n\r\n"
    return head.encode() + b"A line of text that is there to be fetched, and nothing else.\r\n" * (size // 63)


def _lying(account: Any, many: int) -> None:
    """Fill INBOX with names of a few files: what listing costs hangs on their number."""
    directory = account.folder() / "cur"
    for number in range(many):
        if number % LINKS == 0:
            source = directory / f"{1_700_000_000 + number}.M{number}.bench:2,S"
            source.write_bytes(_mail(number, 500))
        else:
            os.link(source, directory / f"{1_700_000_000 + number}.M{number}.bench:2,S")
    account.server.give_to_mail_user(account.home)


def _desk(folder: Path, server: Any, account: Any) -> None:
    config = folder / "allegra.toml"
    config.touch(0o600)
    config.write_text(CONFIG.format(port=server.imap, user=account.user, password=account.password), "utf-8")


def _known(folder: Path) -> None:
    """Note every mail that is listed as one that came long ago."""
    from engine.config import load
    from engine.sources import open_source
    from engine.store.store import Store

    config = load(folder / "allegra.toml")
    with Store.open(config.store.where) as store:
        with open_source(config.mailbox("system"), config.settings("").limits, lambda: datetime.now(UTC)) as source:
            keys = [each.key for each in source.list()]
        new = set(store.mailboxes.unknown_keys("system", keys))
        mailbox, inbound = store.database.one("SELECT mailbox_id, max(id) FROM inbound")
        with store.writing():
            for key in keys:
                if key in new:
                    store.database.run(
                        "INSERT INTO presentation (mailbox_id, key, inbound_id, size, first_seen, last_seen)"
                        " VALUES (?, ?, ?, 500, 1, 1)", mailbox, key, inbound,
                    )  # fmt: skip


def _fetched(folder: Path, server: Any, account: Any, few: int) -> float:
    """CPU seconds of this process for a mail that is fetched, and for nothing else."""
    from engine.config import load
    from engine.sources import open_source

    _desk(folder, server, account)
    config = load(folder / "allegra.toml")
    with open_source(config.mailbox("system"), config.settings("").limits, lambda: datetime.now(UTC)) as source:
        listed = [each.key for each in source.list()]
        began = time.process_time()
        came = sum(1 for _ in source.fetch(listed, config.settings("").limits))
        took = time.process_time() - began
    if came != few:
        raise SystemExit(f"{came} of {few} mails were fetched")
    return took / few
