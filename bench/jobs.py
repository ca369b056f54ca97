"""What a second process is worth: `python -m bench.jobs [MAILS [ROUNDS]]`, wall time of `allegra run --jobs 1` and 2.

A desk with two mailboxes of 1,000 mails each is made anew for every run, and the runs take turns, so that a neighbour
who comes and goes hits both alike. Says the load of the machine before each.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import desk
from bench.corpus import write_maildir

SECOND = """[workspace.support.mailbox]
protocol  = "maildir"
path      = "more"
addresses = ["more@example.com"]
max_emails = 1000000
move_on_success = "Done"
"""


def prepared(folder: Path, count: int) -> None:
    """Make a desk with two mailboxes of `count` mails each."""
    from engine.config import load
    from engine.store.load import load as load_data
    from engine.store.store import Store

    desk.make(folder, count)
    write_maildir(folder / "more", count, seed=2)
    with (folder / "allegra.toml").open("a", encoding="utf-8") as file:
        file.write(SECOND)
    with Store.open(load(folder / "allegra.toml").store.path) as store:
        load_data(store, desk.data())


def one_run(jobs: int, count: int) -> float:
    """Seconds of wall time of one `allegra run`, from its start to its end."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        prepared(Path(name), count)
        os.sync()
        command = [
            sys.executable,
            "-c",
            "from engine.cli.main import main; main()",
            "run",
            "--json",
            "--jobs",
            f"{jobs}",
        ]
        environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        began = time.perf_counter()
        done = subprocess.run(command, cwd=name, capture_output=True, text=True, check=False, env=environ)
        took = time.perf_counter() - began
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or done.stderr or len(told) != 2 * count + 1:
        raise SystemExit(f"status {done.returncode}, {len(told)} lines\n{done.stderr}")
    return took


def main() -> None:
    """Print each pair of runs, then the medians and their ratio."""
    count, rounds = [*map(int, sys.argv[1:]), 1000, 3][:2] if len(sys.argv) < 3 else map(int, sys.argv[1:3])
    figures: dict[int, list[float]] = {1: [], 2: []}
    for number in range(rounds):
        for jobs in (1, 2) if number % 2 == 0 else (2, 1):
            load = os.getloadavg()[0]
            figures[jobs].append(one_run(jobs, count))
            print(f"--jobs {jobs}: {figures[jobs][-1]:6.2f} s   (load before: {load:.2f})", flush=True)
    ratios = [two / one for one, two in zip(figures[1], figures[2], strict=True)]
    one, two = (statistics.median(each) for each in figures.values())
    print(f"medians {one:.2f} s and {two:.2f} s; ratio of a pair {statistics.median(ratios):.2f} (median of {rounds})")


if __name__ == "__main__":
    main()
