"""One part of the measurements, run in a process of its own: `python -m bench.measure PART`, answers in JSON.

A process a part, so that peak memory and CPU seconds belong to that part alone.
"""

from __future__ import annotations

import cProfile
import io
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import desk, parts
from bench.filled import fill

ITEMS = int(os.environ.get("ITEMS", "20000"))
"""Items already stored where a part wants a full database."""


def cpu_s() -> float:
    """CPU seconds of this process and of all its ended children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _prepared(folder: Path, count: int, items: int = 0) -> Path:
    """Make the desk with `count` mails in its mailbox and `items` long decided; gives its database."""
    from engine.config import load
    from engine.store.load import load as load_data
    from engine.store.store import Store

    desk.make(folder, count)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.path) as store:
        load_data(store, desk.data())
        if items:
            fill(store, items)
    return config.store.path


def one_pass(folder: Path) -> dict[str, Any]:
    """A whole pass of the engine over the corpus, as `allegra run` does it, in this process."""
    began, wall = cpu_s(), time.perf_counter()
    from engine.config import load
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.store.store import Store

    config = load(folder / "allegra.toml")
    with Store.open(config.store.path) as store:
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


def engine(count: int, items: int = 0) -> dict[str, Any]:
    """The whole engine: spool, decide with 25 rules and both hooks, commit durably, settle."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        _prepared(Path(name), count, items)
        return one_pass_apart(Path(name))


def filled(count: int) -> dict[str, Any]:
    """The same with `ITEMS` mails and items already stored; `database_mb` is its size before."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        size = _prepared(Path(name), count, ITEMS).stat().st_size
        return one_pass_apart(Path(name)) | {"items": ITEMS, "database_mb": size / 1e6}


def one_pass_apart(folder: Path) -> dict[str, Any]:
    """Run `one_pass` in a fresh interpreter: preparing must not count."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.measure", "pass", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def idle(_count: int) -> dict[str, Any]:
    """CPU seconds of `allegra run` when there is nothing to do."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        folder = Path(name)
        _prepared(folder, 0)
        command = [sys.executable, "-c", "from engine.cli.main import main; main()", "run"]
        figures = []
        for _ in range(6):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode or done.stdout:
                raise SystemExit(f"idle run: status {done.returncode}\n{done.stdout}{done.stderr}")
            figures.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return {"cpu_s": sorted(figures[1:])[2]}


def profile(count: int) -> dict[str, Any]:
    """Where the time goes: own time by file, from cProfile (which slows Python code, C code less)."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        _prepared(Path(name), count)
        profiler = cProfile.Profile()
        profiler.enable()
        one_pass(Path(name))
        profiler.disable()
    stats = pstats.Stats(profiler, stream=io.StringIO())
    by_file: dict[str, float] = {}
    top: list[tuple[float, int, str]] = []
    for (file, line, function), (_, calls, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = _place(file)
        by_file[place] = by_file.get(place, 0.0) + own
        top.append((own, calls, f"{place}:{line} {function}" if line else function))
    total = sum(by_file.values())
    return {
        "files": sorted(((seconds / total, place) for place, seconds in by_file.items()), reverse=True)[:14],
        "functions": sorted(top, reverse=True)[:16],
    }


def _place(file: str) -> str:
    parts = Path(file).parts
    for root in ("engine", "rules", "hooks"):
        if root in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(root) :])
    return "C functions" if file == "~" else Path(file).name


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "engine": engine,
    "filled": filled,
    "idle": idle,
    "profile": profile,
    "rules": parts.rules,
    "hooks": parts.hooks,
    "reply": parts.reply,
}


def main() -> None:
    """Run one part and print its figures."""
    part, *rest = sys.argv[1:]
    if part == "pass":
        print(json.dumps(one_pass(Path(rest[0]))))
    else:
        print(json.dumps(PARTS[part](int(rest[0]))))


if __name__ == "__main__":
    main()
