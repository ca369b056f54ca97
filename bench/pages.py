"""The part `pages`: every page of the web console before MAILS decided mails, on SQLite and on PostgreSQL.

Here: the time of the server, the bytes and the memory. Not here: what a browser makes of a page, the bytes of a mail
(nobody has them in a database this old: the text of a mail is read from its own bytes, whatever else there is). One in
50 mails is held, others were refused or thrown away. Each page is asked 31 times, the first of which does not count.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import desk
from bench.clock import Line
from bench.filled import fill
from bench.server import TESTS

TIMES, FEW = 31, 2
"""How often a page is asked for, and where there are too few mails to measure anything."""

GOALS = {"/": 50, "/mails": 50, "/held": 50}
"""Milliseconds, p95; 100 for the others."""

MIXED = (
    "UPDATE receipt SET outcome = 'held', code = 'gate.unknown_sender', item = NULL WHERE inbound_id % 50 = 1",
    "UPDATE inbound SET state = 'held', code = 'gate.unknown_sender' WHERE id % 50 = 1",
    "UPDATE receipt SET outcome = 'rejected', code = 'gate.empty_subject', item = NULL WHERE inbound_id % 50 = 2",
    "UPDATE receipt SET outcome = 'discarded', code = 'rule.discard', by_kind = 'rule', by_name = 'Newsletters', "
    "item = NULL WHERE inbound_id % 50 = 3",
    "UPDATE receipt SET outcome = 'comment', code = 'thread.token' WHERE inbound_id % 50 BETWEEN 5 AND 14",
)
"""What became of mail, as a desk has it."""

CONSOLE = '\n[console]\nauth = "none"\n'


def pages(count: int) -> dict[str, Any]:
    """Ask for every page on both databases."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        folder = Path(name)
        times = TIMES if count >= 1000 else FEW
        lines = [*_alone(_filled, folder, count), *_alone(_asked, folder, "SQLite", times), *_on_server(folder, times)]
    return {"about": f"{count:,} mails, server time of a page, p95 of {TIMES - 1}, and its size", "lines": lines}


def _alone(work: Callable[..., Iterator[Line]], *given: Any) -> list[Line]:
    """Do it in a process of its own: what comes after it would seem to have used its memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_listed, work, given).result()


def _listed(work: Callable[..., Iterator[Line]], given: tuple[Any, ...]) -> list[Line]:
    return list(work(*given))


def _filled(folder: Path, count: int) -> Iterator[Line]:
    from engine.config import load as load_config
    from engine.store.load import load
    from engine.store.store import Store

    desk.write(folder, CONSOLE)
    began = time.perf_counter()
    with Store.open(load_config(folder / "allegra.toml").store.where) as store:
        load(store, desk.data())
        fill(store, count, MIXED)
        store.directory.put_account("admin", name="Admin", emails=["admin@example.com"], admin=True)
    yield "filling the database, s", f"{time.perf_counter() - began:.0f}", ""


def _on_server(folder: Path, times: int) -> Iterator[Line]:
    sys.path.insert(0, str(TESTS))
    servers: Any = importlib.import_module("servers.postgres")
    if absent := servers.missing():
        yield f"PostgreSQL: not measured, not installed: {absent}", "", ""
        return
    postgres = servers.Postgres()
    try:
        url = postgres.url_of(postgres.furnished())
        _alone(_carried, folder, url)
        file = folder / "allegra.toml"
        text = re.sub(r'(?m)^path = ".*sqlite3"\n', "", file.read_text())
        driver = 'driver = "postgresql"\n'
        file.write_text(
            text.replace("[store]\n", f"[store]\n{driver}") if "[store]\n" in text else f"{text}\n[store]\n{driver}"
        )
        os.environ["ALLEGRA_DATABASE_URL"] = url
        yield from _alone(_asked, folder, "PostgreSQL", times)
    finally:
        os.environ.pop("ALLEGRA_DATABASE_URL", None)
        postgres.stop()


def _carried(folder: Path, url: str) -> Iterator[Line]:
    from engine.config import load
    from engine.store.place import Url
    from engine.store.transfer import copy

    copy(load(folder / "allegra.toml").store.where, Url(url))
    yield "", "", ""


def _asked(folder: Path, name: str, times: int) -> Iterator[Line]:
    from engine.config import load
    from engine.console.app import create
    from engine.console.serving import collect_rarely
    from engine.desk.installation import Installation

    collect_rarely()
    file = folder / "allegra.toml"
    installation = Installation(file, load(file))
    try:
        client = create(installation).test_client()
        for address, goal in _addresses(client):
            took, size = [], 0
            for _ in range(times):
                began = time.perf_counter()
                answer = client.get(address, base_url="http://localhost")
                took.append((time.perf_counter() - began) * 1000)
                size = len(answer.data)
                if answer.status_code not in (200, 422):
                    raise SystemExit(f"{address}: {answer.status_code}")
            warm = sorted(took[1:])
            middle, late = statistics.median(warm), warm[int(len(warm) * 0.95)]
            figure = f"{late:.0f} ms ({middle:.0f}), {size / 1000:.0f} kB"
            print(f"{name} {address}: {figure}", file=sys.stderr, flush=True)
            yield f"{name} {address[:44]}", figure, f"goal {goal} ms"
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield f"{name}: memory of the process", f"{memory:.0f} MB", "goal 200 MB"
    finally:
        installation.close()


def _addresses(client: Any) -> Iterator[tuple[str, int]]:
    """Every page, of one mail and one item in the middle of all."""
    old, any_one = [
        json.loads(client.get(f"/mails.json?q=outcome:created{more}", base_url="http://localhost").data)["mails"]
        for more in ("+older_than:100d", "")
    ]
    row = (old or any_one)[0]
    held = json.loads(client.get("/mails.json?q=outcome:held", base_url="http://localhost").data)["mails"][0]["mail"]
    sender = row["sender"]
    for address in (
        "/", "/?last=30d", "/mails", "/mails?q=outcome:created", f"/mails?q=from:{sender}", "/mails?q=nosuchword",
        "/mails?q=mailbox:system+newer_than:30d", f"/mail/{row['mail']}", f"/mail/{held}", "/held", f"/held/{held}",
        "/items", "/items?q=status:open+assigned:-", f"/item/{row['item']}", "/topics", "/outbox", "/rules",
        "/rules/system", "/rules/system/edit", "/rules/system/versions", "/playground",
        "/playground?condition=subject+contains+%22mail%22", "/stats", "/stats?last=1y", "/stats?show=Rules",
        "/stats?show=People", "/stats?show=Machine", "/mailboxes", "/mailbox/system", "/people",
        f"/person/{sender}", "/hooks", "/settings", "/audit", "/audit?q=item:100", "/me",
    ):  # fmt: skip
        yield address, GOALS.get(address.partition("?")[0], 100)
