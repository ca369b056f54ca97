"""The part `server`: the same pass on SQLite and on PostgreSQL, and several processes deciding what lies there.

Here: what a mail costs this process and the server, how many statements it takes, and how much faster two and four
processes are than one. Not here: the server (`tests/servers/postgres.py`). Ratios of one run; the server is on the same
machine, so the processes share its cores with it.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import desk, passes
from bench.clock import Line

TESTS = Path(__file__).resolve().parents[1] / "tests"
ROUNDS = int(os.environ.get("ROUNDS", "3"))

PASS = """
import json, sys
from pathlib import Path
from bench import passes
from engine.store import postgres
asked, ask = [0, 0], postgres.Postgres._asked
def counted(self, sql, params):
    asked[0] += 1
    return ask(self, sql, params)
def sent(self, sql, send=postgres.Postgres._send):
    waiting = len(self._gathered._put)
    done = send(self, sql)
    gone = waiting - len(self._gathered._put)
    asked[0] += gone
    asked[1] += bool(gone)
    return done
if "count" in sys.argv:
    postgres.Postgres._asked, postgres.Postgres._send = counted, sent
print(json.dumps({**passes.one_pass(Path(sys.argv[1])), "outcomes": 0, "statements": asked[0], "sent": asked[1]}))
"""


def server(count: int) -> dict[str, Any]:
    """A pass over `count` mails on each database, in turn; then the same mails, spooled, by 1, 2 and 4 processes."""
    sys.path.insert(0, str(TESTS))
    servers: Any = importlib.import_module("servers.postgres")
    if absent := servers.missing():
        return {"about": f"not measured, not installed: {absent}", "lines": []}
    postgres = servers.Postgres()
    try:
        with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
            lines = [*_passes(postgres, Path(name), count), *_together(postgres, Path(name), count)]
    finally:
        postgres.stop()
    return {"about": f"{count} mails, PostgreSQL on the same {os.cpu_count()} cores, its fsync off", "lines": lines}


def _passes(postgres: Any, folder: Path, count: int) -> list[Line]:
    kept = folder / "kept"
    kept.mkdir()
    passes.prepared(kept, count)
    own, its, both = list[float](), list[float](), list[float]()
    for number in range(ROUNDS):
        for kind in ("sqlite", "server") if number % 2 == 0 else ("server", "sqlite"):
            here = _copied(kept, folder / "here")
            environ = _on_server(postgres, here) if kind == "server" else {}
            before = _used(postgres)
            told = _run(PASS, here, environ)
            figure = told["us_per_mail"]
            if kind == "sqlite":
                own.append(figure)
            else:
                its.append(figure)
                time.sleep(0.5)
                both.append((_used(postgres) - before) / told["mails"] * 1e6)
    here = _copied(kept, folder / "here")
    counted = _run(PASS, here, _on_server(postgres, here), "count")
    ratios = sorted(two / one for one, two in zip(own, its, strict=True))
    beside = sorted(two / one for one, two in zip(own, both, strict=True))
    return [
        ("CPU a mail, SQLite", f"{statistics.median(own):.0f} us", ""),
        ("CPU a mail of the process on PostgreSQL, of that", _spread(ratios), "goal < 1.15"),
        ("CPU a mail of the server, of that", _spread(beside), "goal < 0.30"),
        ("statements a mail", f"{counted['statements'] / counted['mails']:.1f}", "goal < 4"),
    ]


DECIDE = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from servers import deciding_beside
deciding_beside.main(Path(sys.argv[1]) / "allegra.toml", 50, int(sys.argv[3]), careless=False)
"""

SPOOL = """
import sys
from pathlib import Path
from engine.config import load
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.store.store import Store
config = load(Path(sys.argv[1]) / "allegra.toml")
with Store.open(config.store.where) as store:
    engine = Engine(config, store)
    Pass(engine, decide=False).run(config.mailboxes)
    engine.close()
print("{}")
"""


def _together(postgres: Any, folder: Path, count: int) -> list[Line]:
    took = {}
    for processes in (1, 2, 4):
        here = _copied(folder / "kept", folder / "here")
        environ = _on_server(postgres, here)
        _run(SPOOL, here, environ)
        began = time.perf_counter()
        command = [sys.executable, "-c", DECIDE, str(here), str(TESTS), str(processes)]
        started = [subprocess.Popen(command, env={**os.environ, **environ}) for _ in range(processes)]
        if any(each.wait() for each in started):
            raise SystemExit("a process that decides failed")
        took[processes] = time.perf_counter() - began
    return [
        (f"mails a wall second, {many} processes against 1", f"{took[1] / took[many]:.2f}", goal)
        for many, goal in ((2, "goal > 1.8 on cores of their own"), (4, ""))
    ] + [("mails a wall second, 1 process", f"{count / took[1]:.0f}", "")]


def _copied(kept: Path, here: Path) -> Path:
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(kept, here, symlinks=True)
    file = here / "allegra.toml"
    file.write_text(file.read_text().replace(str(kept), str(here)))
    return here


def _on_server(postgres: Any, here: Path) -> dict[str, str]:
    """Let a desk use an empty database of the server; gives what its environment has to say."""
    from engine.store.load import load as load_data
    from engine.store.place import Url
    from engine.store.store import Store

    url, file = postgres.url_of(postgres.furnished()), here / "allegra.toml"
    text = re.sub(r'(?m)^path = ".*sqlite3"\n', "", file.read_text())
    driver = 'driver = "postgresql"\n'
    has = "[store]\n" in text
    file.write_text(text.replace("[store]\n", f"[store]\n{driver}") if has else f"{text}\n[store]\n{driver}")
    with Store.open(Url(url)) as store:
        load_data(store, desk.data())
    return {"ALLEGRA_DATABASE_URL": url}


def _run(code: str, here: Path, environ: dict[str, str], *words: str) -> dict[str, Any]:
    own = {**os.environ, **environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", code, str(here), *words], env=own, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _used(postgres: Any) -> float:
    """CPU seconds of the server and all it started, ended ones too."""
    first = int((postgres.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == first:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == first:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
