"""The part `visits`: many mailboxes that are due, and nothing new in them: what a worker's reading costs.

Here: what a visit costs the process and the server, with one known mail in each folder and with none. Not here: what a
minute of a worker costs besides (bells, tick, sweeping), the server itself (`tests/servers/postgres.py`). MAILS is how
many mailboxes there are. The first round compares each folder with what is known, later ones remember it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.clock import Line
from bench.server import TESTS, used

HEAD = """
schema = 1
[store]
driver = "postgresql"
[system]
default_workspace = "w0"
[people]
unknown_user = "create"
"""

ONE = """
[workspace.w{0}]
name = "Desk {0}"
[workspace.w{0}.mailbox]
protocol = "maildir"
path = "mail{0}"
addresses = ["help{0}@example.com"]
"""

MAIL = "From: a{0}@example.com\r\nTo: help@example.com\r\nMessage-ID: <{0}@example.com>\r\n\r\nHello {0}\r\n"

THREADS, ROUNDS, AT_ONCE = 16, 4, 10_000


def visits(count: int) -> dict[str, Any]:
    """Let a worker's threads read `count` mailboxes again and again, on a server on this machine."""
    sys.path.insert(0, str(TESTS))
    servers: Any = importlib.import_module("servers.postgres")
    if absent := servers.missing():
        return {"about": f"not measured, not installed: {absent}", "lines": []}
    lines: list[Line] = []
    for what, known in (("one known mail in each", True), ("nothing in them", False)):
        postgres = servers.Postgres()
        try:
            os.environ["ALLEGRA_DATABASE_URL"] = postgres.url_of(postgres.furnished())
            with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
                rounds = asyncio.run(_rounds(postgres, _made(Path(name), count, known), count))
        finally:
            postgres.stop()
        first, later = rounds[0], min(rounds[1:])
        for which, (own, its) in (("first round", first), ("later, the least of 3", later)):
            lines.append((f"a visit, {what}, {which}: process · server", f"{own:.0f} · {its:.0f} us", ""))
        goal = f"{later[0] * AT_ONCE / 1e6:.1f} · {later[1] * AT_ONCE / 1e6:.1f} s"
        lines.append(("10,000 mailboxes once a minute, CPU: process · server", goal, "goal < 2 s"))
    return {"about": f"{count} mailboxes, all due, PostgreSQL on this machine", "lines": lines}


def _made(folder: Path, count: int, known: bool) -> Any:
    """Mailboxes, and what lies in them decided."""
    from engine.config import load
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.store.load import load as load_data
    from engine.store.store import Store

    for number in range(count):
        for name in ("cur", "new", "tmp"):
            (folder / f"mail{number}" / name).mkdir(parents=True)
        if known:
            (folder / f"mail{number}" / "cur" / "1.1.host:2,S").write_text(MAIL.format(number), newline="")
    file = folder / "allegra.toml"
    file.write_text(HEAD + "".join(ONE.format(number) for number in range(count)))
    file.chmod(0o600)
    config = load(file)
    with Store.open(config.store.where) as store:
        load_data(store, {"workspaces": [{"identifier": f"w{each}", "name": f"Desk {each}"} for each in range(count)]})
        engine = Engine(config, store)
        Pass(engine).run(config.mailboxes)
        engine.close()
        store.database.run("ANALYZE")
    return config


async def _rounds(postgres: Any, config: Any, count: int) -> list[tuple[float, float]]:
    """CPU microseconds of a visit: of this process, of the server."""
    from engine.store.store import Store
    from engine.worker.fetching import Fetching

    fetching = Fetching(config, THREADS, (), print, print)
    running = asyncio.create_task(fetching.run())
    found = list[tuple[float, float]]()
    with Store.open(config.store.where) as store:
        for _ in range(ROUNDS):
            store.database.run("UPDATE mailbox SET next_at = 0, ok_at = 0")
            own, its = time.process_time(), used(postgres)
            fetching.ring()
            while store.database.rows("SELECT 1 FROM mailbox WHERE ok_at = 0 OR lease_owner <> '' LIMIT 1"):
                await asyncio.sleep(0.1)
            found.append(((time.process_time() - own) / count * 1e6, (used(postgres) - its) / count * 1e6))
    await fetching.stop(5.0)
    await running
    return found
