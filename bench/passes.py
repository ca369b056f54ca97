"""Whole passes of the engine over a corpus, each in an interpreter of its own: preparing one must not count.

Here: preparing a desk, one pass in this process, one apart, the command line over a desk. Not here: what is compared
with what (`__main__.py`, `measure.py`).
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench import desk
from bench.clock import cpu_s


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        yield Path(name)


def prepared(folder: Path, count: int, items: int = 0, seed: int = 1) -> Path:
    """Make the desk with `count` mails in its mailbox and `items` long decided; gives its database."""
    desk.make(folder, count, seed)
    return stored(folder, desk.data(), items)


def stored(folder: Path, data: dict[str, object], items: int = 0) -> Path:
    """Make the database of a desk that was written; gives its path."""
    from engine.config import load
    from engine.store.load import load as load_data
    from engine.store.store import Store

    config = load(folder / "allegra.toml")
    with Store.open(config.store.where) as store:
        load_data(store, data)
    if items:
        _output("-m", "bench.filled", str(config.store.path), str(items))
    return config.store.path


def one_pass(folder: Path) -> dict[str, Any]:
    """A whole pass of the engine over the corpus, as `allegra run` does it, in this process."""
    began, wall = cpu_s(), time.perf_counter()
    from engine.config import load
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.store.store import Store

    config = load(folder / "allegra.toml")
    with Store.open(config.store.where) as store:
        engine = Engine(config, store)
        started = cpu_s()
        try:
            reports = Pass(engine).run(config.mailboxes)
        finally:
            engine.close()
    outcomes: dict[str, int] = {}
    for report in reports:
        if report.state != "ok":
            raise SystemExit(f"the pass failed: {report.sentence}")
        for line in report.lines:
            outcomes[line.outcome] = outcomes.get(line.outcome, 0) + 1
    mails = sum(outcomes.values())
    used, seen = cpu_s(), time.perf_counter() - wall
    return {
        "mails": mails,
        "outcomes": outcomes,
        "cpu_s": used - began,
        "start_cpu_s": started - began,
        "wall_s": seen,
        "per_cpu_s": mails / (used - began),
        "per_wall_s": mails / seen,
        "us_per_mail": (used - began) / mails * 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def apart(kind: str, folder: Path) -> dict[str, Any]:
    """Run a pass of the engine ("pass") or of the floor ("least") in a fresh interpreter."""
    result: dict[str, Any] = json.loads(_output("-m", "bench.measure", kind, str(folder)))
    return result


def _output(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


class Ran(NamedTuple):
    """What a command took with all its children, and what it printed."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    said: str


ALLEGRA = """
import atexit, os
atexit.register(lambda: os.write(int(os.environ["BENCH_PEAK"]), open("/proc/self/status", "rb").read()))
from engine.cli.main import main
main()
"""
"""The command, which tells at its end how much memory it had. What the system tells of an ended child (`ru_maxrss`) is
at least the memory of who started it."""


def allegra(folder: Path, *words: str, codes: Sequence[int] = (0,)) -> Ran:
    """Run `allegra …` as a user would, in that folder; it must end with one of `codes`."""
    began = time.perf_counter()
    told, tells = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", ALLEGRA, *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=(tells,),
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "BENCH_PEAK": str(tells)},
    )  # fmt: skip
    os.close(tells)
    assert process.stdout is not None  # noqa: S101 - asked for above
    with process.stdout as printed:
        said = printed.read()
    _, status, used = os.wait4(process.pid, 0)  # of this child alone, which subprocess would not tell
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"allegra {' '.join(words)}: status {process.returncode}\n{said}")
    with os.fdopen(told, "rb") as last:
        peak = re.search(rb"VmHWM:\s+(\d+)", last.read())
    return Ran(used.ru_utime + used.ru_stime, time.perf_counter() - began, int(peak[1]) / 1000 if peak else 0.0, said)
