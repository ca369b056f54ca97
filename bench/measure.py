"""One part of the measurements, run in a process of its own: `python -m bench.measure PART`, answers in JSON.

A process a part, so that peak memory and CPU seconds belong to that part alone.
"""

from __future__ import annotations

import cProfile
import io
import json
import os
import pstats
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import imap, letters, many, pages, parts, passes, server, visits, watched
from bench.clock import cpu_s, side_by_side
from bench.corpus import write_maildir

ITEMS = int(os.environ.get("ITEMS", "20000"))
"""Items already stored where a part wants a full database."""

ROUNDS = int(os.environ.get("ROUNDS", "3"))


def engine(count: int) -> dict[str, Any]:
    """The whole engine: spool, decide with 25 rules and both hooks, commit durably, settle."""
    with passes.folder() as folder:
        passes.prepared(folder, count)
        return passes.apart("pass", folder)


def least(count: int) -> dict[str, Any]:
    """The floor, over the same corpus in the same Maildir."""
    with passes.folder() as folder:
        write_maildir(folder / "mail", count)
        return passes.apart("least", folder)


def least_pass(folder: Path) -> dict[str, Any]:
    """The floor in this process; what it imports counts, as it does for the engine."""
    began = cpu_s()
    from bench.floor import one_pass

    return one_pass(folder, began)


def growth(count: int) -> dict[str, Any]:
    """The same mails on an empty database and on one with `ITEMS` mails and items, in turn, in each round others.

    The full one is filled once and keeps what the rounds put there; `database_mb` is its size before.
    """
    rounds = []
    with passes.folder() as full:
        size = passes.prepared(full, 0, ITEMS).stat().st_size
        for number in range(1, ROUNDS + 1):
            write_maildir(full / "mail", count, seed=number)
            with passes.folder() as empty:
                passes.prepared(empty, count, seed=number)
                turn = (empty, full) if number % 2 else (full, empty)
                took = {folder: passes.apart("pass", folder) for folder in turn}
                rounds.append({"empty": took[empty], "full": took[full]})
    return {"rounds": rounds, "items": ITEMS, "database_mb": size / 1e6}


def jobs(count: int) -> dict[str, Any]:
    """A pass over two mailboxes with half the mails each, by one process and by two, in turn: wall and CPU seconds.

    `machine` is what the machine costs two processes that share nothing, in the same minute.
    """
    rounds = []
    for number in range(1, ROUNDS + 1):
        took: dict[str, Any] = {"machine": side_by_side()}
        for processes in (1, 2) if number % 2 else (2, 1):
            with passes.folder() as folder:
                many.two_mailboxes(folder, count)
                ran = passes.allegra(folder, "run", "--jobs", str(processes))
                took[f"{processes}"] = {"wall_s": ran.wall_s, "cpu_s": ran.cpu_s}
        rounds.append(took)
    return {"rounds": rounds}


def idle(_count: int) -> dict[str, Any]:
    """CPU seconds of `allegra run` when there is nothing to do."""
    with passes.folder() as folder:
        passes.prepared(folder, 0)
        runs = [passes.allegra(folder, "run") for _ in range(6)]
        if any(run.said for run in runs):
            raise SystemExit(f"an idle run says something: {runs[0].said}")
        return {"cpu_s": sorted(run.cpu_s for run in runs[1:])[2]}


def profile(count: int) -> dict[str, Any]:
    """Where the time goes: own time by file, from cProfile (which slows Python code, C code less)."""
    with passes.folder() as folder:
        passes.prepared(folder, count)
        profiler = cProfile.Profile()
        profiler.enable()
        passes.one_pass(folder)
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
    "least": least,
    "growth": growth,
    "jobs": jobs,
    "idle": idle,
    "workspaces": many.workspaces,
    "listing": many.listing,
    "imap": imap.imap,
    "server": server.server,
    "visits": visits.visits,
    "pages": pages.pages,
    "watch": watched.watch,
    "slow": many.slow,
    "only_senders": letters.only_senders,
    "acks": lambda count: letters.acks(count, ROUNDS),
    "hearers": letters.hearers,
    "sending": letters.sending,
    "looking": lambda _count: letters.looking(ITEMS, ROUNDS),
    "reports": letters.reports,
    "profile": profile,
    "rules": parts.rules,
    "hooks": parts.hooks,
    "reply": parts.reply,
}

PASSES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "pass": passes.one_pass,
    "least": least_pass,
    "telling": letters.telling,
}


def main() -> None:
    """Run one part, or one pass over a folder that was prepared, and print its figures."""
    part, given = sys.argv[1:]
    figures = PARTS[part](int(given)) if given.isdigit() else PASSES[part](Path(given))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
