"""A watch over many mailboxes in which nothing happens, on a real Dovecot: its memory and its processor time.

The Dovecot is that of the tests; where it is not installed the part says so.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.clock import Line

TESTS = Path(__file__).resolve().parents[1] / "tests"
MAILBOXES, SECONDS = 100, 30

BOX = """
[workspace.w{number}]
name = "W{number}"
[workspace.w{number}.mailbox]
host = "localhost"
port = {port}
ca_file = "{ca_file}"
username = "{user}"
password = "{password}"
addresses = ["w{number}@example.com"]
"""


def watch(count: int) -> dict[str, Any]:
    """MAILBOXES mailboxes at rest over TLS for SECONDS, then a mail: how long until it is decided; fewer of few."""
    sys.path.insert(0, str(TESTS))
    dovecot: Any = importlib.import_module("servers.dovecot")
    if absent := dovecot.missing():
        return {"about": f"not measured, not installed: {absent}", "lines": []}
    server = dovecot.Dovecot()
    try:
        with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
            return _measured(server, Path(name), min(MAILBOXES, count), min(SECONDS, count))
    finally:
        server.stop()


def _measured(server: Any, folder: Path, mailboxes: int, seconds: int) -> dict[str, Any]:
    accounts = [server.account() for _ in range(mailboxes)]
    config = folder / "allegra.toml"
    config.touch(0o600)
    told = {"port": server.imaps, "ca_file": server.ca_file}
    boxes = [
        BOX.format(number=number, user=each.user, password=each.password, **told)
        for number, each in enumerate(accounts)
    ]
    people = '[people]\nunknown_user = "accept"\n'
    config.write_text('[system]\ndefault_workspace = "w0"\n' + people + "".join(boxes), "utf-8")
    program = "from engine.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", program, "run", "--watch", "--json"], cwd=folder,
                               stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TESTS.parent)})  # fmt: skip
    try:
        began = time.monotonic()
        while _idling(server) < mailboxes and time.monotonic() - began < 60:
            time.sleep(0.2)
        all_rest = time.monotonic() - began
        time.sleep(2)
        before, since = _cpu_s(process.pid), time.monotonic()
        time.sleep(seconds)
        share = (_cpu_s(process.pid) - before) / (time.monotonic() - since)
        rss = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        waits = [_decided_after(process, accounts[number], number) for number in range(min(5, mailboxes))]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    lines: list[Line] = [
        ("seconds until all of them rest", f"{all_rest:.1f}", ""),
        (f"of a core, {seconds} s in which nothing happens", f"{share:.2%}", "goal 1 %"),
        ("memory, MB", f"{rss:.0f}", "goal < 100"),
        ("a mail that arrives is decided after, worst of 5", f"{max(waits):.2f} s", "goal 2 s"),
    ]
    return {"about": f"allegra run --watch over {mailboxes} mailboxes of a Dovecot, TLS and IDLE", "lines": lines}


def _idling(server: Any) -> int:
    """How many sessions there are."""
    told = subprocess.run(["doveadm", "-c", str(server.base / "dovecot.conf"), "who", "-1"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    return told.stdout.count(" imap ")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _decided_after(process: subprocess.Popen[bytes], account: Any, number: int) -> float:
    head = f"From: anna@example.com\r\nTo: w{number}@example.com\r\nSubject: Mail {number}\r\n"
    began = time.monotonic()
    account.deliver(f"{head}Message-ID: <m{number}@example.com>\r\n\r\nHello\r\n".encode())
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    while b'"outcome"' not in process.stdout.readline():
        pass
    return time.monotonic() - began
