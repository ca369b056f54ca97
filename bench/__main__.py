"""`make bench`: run the measurements and print them beside what they should reach.

MAILS (2000), ROUNDS (3) and ITEMS (20000: mails and items already stored, for the part `growth`) come from the
environment.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from typing import Any

MAILS = int(os.environ.get("MAILS", "2000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def measured(part: str, count: int = MAILS) -> dict[str, Any]:
    """Run one part in a process of its own and give its figures."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.measure", part, str(count)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench {part} failed:\n{done.stdout}{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def median(runs: list[dict[str, Any]], name: str) -> float:
    """The median of one figure over several runs."""
    return float(statistics.median(run[name] for run in runs))


def line(says: str, figure: str, goal: str = "") -> None:
    """Print one figure and its goal."""
    print(f"  {says:<58} {figure:>14}   {goal}".rstrip())


def engine() -> None:
    """Messages per CPU second and per wall second, peak memory."""
    runs = [measured("engine") for _ in range(ROUNDS)]
    first = runs[0]
    about = "spool + 25 rules + both hooks + stored traces + durable commits (synchronous=FULL)"
    print(f"\nengine: {first['mails']} mails, {about}")
    print("  (mails_per_sender and total_rate are raised so that no mail is held as a flood)")
    line("messages per CPU second (engine and hook worker)", f"{median(runs, 'per_cpu_s'):.0f}", "goal 400, aim 780")
    line("messages per wall second", f"{median(runs, 'per_wall_s'):.0f}")
    line("CPU microseconds a mail, start included", f"{median(runs, 'us_per_mail'):.0f}")
    line("of it: importing and loading, CPU seconds once", f"{median(runs, 'start_cpu_s'):.2f}")
    line("peak memory of the engine, MB", f"{median(runs, 'peak_mb'):.0f}", "goal < 120")
    print("  outcomes: " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(first["outcomes"].items())))


def growth() -> None:
    """What a mail costs on an empty and on a full database, alternating."""
    runs = [(measured("engine"), measured("filled")) for _ in range(ROUNDS)]
    empty, full = median([each for each, _ in runs], "us_per_mail"), median([each for _, each in runs], "us_per_mail")
    size = f"{runs[0][1]['items']:,} mails and items stored ({runs[0][1]['database_mb']:.0f} MB)"
    print("\ngrowth: the same mails on an empty and on a full database, alternating")
    line("CPU microseconds a mail, empty", f"{empty:.0f}")
    line(f"the same, {size}", f"{full:.0f}")
    line("of empty", f"{full / empty:.2f}")


def idle() -> None:
    """CPU seconds of a run without new mail."""
    print("\nidle: allegra run with nothing to do, 5 runs")
    line("CPU seconds, whole process", f"{measured('idle')['cpu_s']:.3f}", "goal < 0.30")


def profile() -> None:
    """Where the time goes."""
    figures = measured("profile", min(MAILS, 1000))
    print("\nprofile: share of the profiled time by file (cProfile slows Python more than C)")
    for share, place in figures["files"]:
        line(place, f"{share:.1%}")
    print("  most expensive functions, own seconds and calls")
    for seconds, calls, function in figures["functions"]:
        line(function[-58:], f"{seconds:.3f} s", f"{calls} calls")


def table(part: str) -> None:
    """A part that brings its own lines: (what, figure, goal)."""
    figures = measured(part)
    print(f"\n{part}: {figures['about']}")
    for says, figure, goal in figures["lines"]:
        line(says, figure, goal)


PARTS = ("engine", "growth", "idle", "rules", "hooks", "reply", "profile")


def main() -> None:
    """Print the parts named on the command line, or all."""
    wanted = sys.argv[1:] or PARTS
    for part in wanted:
        if part not in PARTS:
            raise SystemExit(f"bench: there is no part {part!r}; there are: {', '.join(PARTS)}")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, {os.cpu_count()} cores; median of {ROUNDS} runs")
    for part in wanted:
        own = {"engine": engine, "growth": growth, "idle": idle, "profile": profile}.get(part)
        own() if own else table(part)


if __name__ == "__main__":
    main()
