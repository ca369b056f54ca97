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
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import cores, desk, passes
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
            before = used(postgres)
            told = _run(PASS, here, environ)
            figure = told["us_per_mail"]
            if kind == "sqlite":
                own.append(figure)
            else:
                its.append(figure)
                time.sleep(0.5)
                both.append((used(postgres) - before) / told["mails"] * 1e6)
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
    """Mails a wall second of several processes against one: on the cores there are, and each on a core of its own."""
    lines: list[Line] = [("mails a wall second, 1 process", "", "")]
    took = {many: _deciding(postgres, folder, many) for many in (1, 2, 4)}
    lines[0] = (lines[0][0], f"{count / took[1]:.0f}", "")
    lines += [(f"{many} processes against 1, on {os.cpu_count()} cores in all", f"{took[1] / took[many]:.2f}", "")
              for many in (2, 4)]  # fmt: skip
    if absent := cores.missing():
        return [*lines, (f"each on a core of its own: not measured, {absent}", "", "")]
    rounds = [{many: _deciding(postgres, folder, many, PART) for many in (1, 2, 4)} for _ in range(ROUNDS)]
    return lines + [
        (f"{many} against 1, each process on {PART} of a core of its own",
         _spread(sorted(took[1] / took[many] for took in rounds)), goal)
        for many, goal in ((2, "goal > 1.8"), (4, ""))
    ]  # fmt: skip


PART = 0.25
"""Of a core, for each of nine processes: they wait for each other in turn, so that two cores are enough for all."""


def _deciding(postgres: Any, folder: Path, processes: int, part: float = 0.0) -> float:
    """Seconds that so many processes take to decide what is spooled, from when all of them are ready."""
    here = _copied(folder / "kept", folder / "here")
    environ = _on_server(postgres, here)
    _run(SPOOL, here, environ)
    command = [sys.executable, "-c", DECIDE, str(here), str(TESTS), str(processes + 1)]
    with cores.Cores(part) as own:
        started = [subprocess.Popen(command, env={**os.environ, **environ}) for _ in range(processes)]
        while len([*here.glob("there-*")]) < processes:
            time.sleep(0.01)
            if any(each.poll() for each in started):
                raise SystemExit("a process that decides failed")
        if part:
            for pid in [*(each.pid for each in started), *_of_server(postgres)]:
                own.own(pid)
        (here / "there-now").touch()
        began = time.perf_counter()
        if any(each.wait() for each in started):
            raise SystemExit("a process that decides failed")
        return time.perf_counter() - began


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


def _of_server(postgres: Any) -> dict[int, list[str]]:
    """The processes of the server, the first before those it started, with their fields of `stat` after the name."""
    first = int((postgres.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    found: dict[int, list[str]] = {first: []}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields, pid = stat.read_text().rpartition(")")[2].split(), int(stat.parent.name)
            if first in (pid, int(fields[1])):
                found[pid] = fields
    return found


def used(postgres: Any) -> float:
    """CPU seconds of the server and all it started, ended ones too."""
    (first, *others) = _of_server(postgres).values()
    ticks = sum(map(int, first[11:15])) + sum(int(each) for other in others for each in other[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
