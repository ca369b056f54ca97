"""`make bench`: run the measurements and print them beside what they should reach.

MAILS (2000), SENDERS (50), ROUNDS (3), ITEMS (20000: mails and items already stored, for the parts `growth` and
`looking`) and BASE (another tree of this project, for the part `against`) come from the environment. What is compared
runs in turn, and what is printed of it is the median of the ratios of each round: a neighbour slows both.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MAILS = int(os.environ.get("MAILS", "2000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BASE = os.environ.get("BASE", "")

Figures = dict[str, Any]


def measured(part: str, count: int = MAILS, tree: Path | None = None) -> Figures:
    """Run one part in a process of its own, of this tree or of another, and give its figures."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if tree is not None:
        own["PYTHONPATH"] = str(tree)
    command = [sys.executable, "-m", "bench.measure", part, str(count)]
    done = subprocess.run(command, cwd=tree, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench {part} failed:\n{done.stdout}{done.stderr}")
    figures: Figures = json.loads(done.stdout)
    return figures


def in_turn(first: Callable[[], Figures], second: Callable[[], Figures]) -> list[tuple[Figures, Figures]]:
    """Measure two things, ROUNDS times, each first every other time."""
    rounds = []
    for number in range(ROUNDS):
        if number % 2:
            late = second()
            rounds.append((first(), late))
        else:
            rounds.append((first(), second()))
    return rounds


def median(runs: Sequence[Figures], name: str) -> float:
    """The median of one figure over several runs."""
    return float(statistics.median(run[name] for run in runs))


def ratio(rounds: Sequence[tuple[Figures, Figures]], name: str) -> str:
    """The second of the first, by one figure: the median of the rounds, least and most."""
    each = sorted(second[name] / first[name] for first, second in rounds)
    return f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})"


def line(says: str, figure: str, goal: str = "") -> None:
    """Print one figure and its goal."""
    print(f"  {says:<58} {figure:>19}   {goal}".rstrip())


def engine() -> None:
    """The engine and the floor, in turn: messages per CPU second and per wall second, peak memory."""
    rounds = in_turn(lambda: measured("least"), lambda: measured("engine"))
    floors, runs = [each for each, _ in rounds], [each for _, each in rounds]
    first = runs[0]
    about = "spool + 25 rules + both hooks + stored traces + durable commits (synchronous=FULL)"
    print(f"\nengine: {first['mails']} mails, {about}")
    print("  (mails_per_sender and total_rate are raised so that no mail is held as a flood)")
    print("  floor: the same files read, parsed by the standard library, text decoded, a row each, as durable commits")
    line("messages per CPU second, floor", f"{median(floors, 'per_cpu_s'):.0f}")
    line("messages per CPU second, engine and hook worker", f"{median(runs, 'per_cpu_s'):.0f}")
    line("of the floor", ratio(rounds, "per_cpu_s"), "goal 0.55, aim 0.65")
    line("wall seconds, floor", f"{median(floors, 'wall_s'):.2f}")
    line("wall seconds, engine", f"{median(runs, 'wall_s'):.2f}")
    line("messages per wall second", f"{median(runs, 'per_wall_s'):.0f}")
    line("CPU microseconds a mail, start included", f"{median(runs, 'us_per_mail'):.0f}")
    line("of it: importing and loading, CPU seconds once", f"{median(runs, 'start_cpu_s'):.2f}")
    line("peak memory of the engine, MB", f"{median(runs, 'peak_mb'):.0f}", "goal < 100")
    print("  outcomes: " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(first["outcomes"].items())))


def against() -> None:
    """This tree and the tree at BASE, in turn, each with its own `bench.measure`: with equal letters, and with all."""
    if not BASE:
        raise SystemExit("bench against: BASE names no tree to compare with, BASE=path")
    tree = Path(BASE).resolve()
    for each in (tree, None):  # compiles what is not compiled yet
        measured("engine", 50, each)

    def both() -> Figures:
        return {"equal": measured("only_senders"), "all": measured("engine")}

    rounds = in_turn(lambda: measured("engine", tree=tree), both)
    others = [each for each, _ in rounds]
    equal, whole = ([(other, run[kind]) for other, run in rounds] for kind in ("equal", "all"))
    more = sorted(run["us_per_mail"] - other["us_per_mail"] for other, run in equal)
    print(f"\nagainst: the same {others[0]['mails']} mails with the tree at BASE and with this one, in turn;")
    print("  equal letters: only senders hear, as in trees before there were notices; all letters: 2 to the mail")
    line("CPU microseconds a mail, the tree at BASE", f"{median(others, 'us_per_mail'):.0f}")
    line("the same, this tree, equal letters", f"{median([run for _, run in equal], 'us_per_mail'):.0f}")
    line("of the tree at BASE, equal letters", ratio(equal, "us_per_mail"), "goal 0.58, aim 0.50")
    line("more, microseconds a mail", f"{statistics.median(more):.0f} ({more[0]:.0f} to {more[-1]:.0f})")
    line("of the tree at BASE, all letters", ratio(whole, "us_per_mail"))
    line("wall seconds, of the tree at BASE, equal letters", ratio(equal, "wall_s"))
    line("peak memory, of the tree at BASE, all letters", ratio(whole, "peak_mb"))
    for other, run in (*equal, *whole):
        if other["outcomes"] != run["outcomes"]:
            print(f"  THE OUTCOMES DIFFER: {other['outcomes']} there, {run['outcomes']} here")


def growth() -> None:
    """What a mail costs on an empty and on a full database, in turn."""
    figures = measured("growth")
    rounds = [(each["empty"], each["full"]) for each in figures["rounds"]]
    size = f"{figures['items']:,} mails and items stored ({figures['database_mb']:,.0f} MB)"
    print(f"\ngrowth: the same {rounds[0][0]['mails']} mails on an empty and on a full database, in turn")
    line("CPU microseconds a mail, empty", f"{median([each for each, _ in rounds], 'us_per_mail'):.0f}")
    line(f"the same, {size}", f"{median([each for _, each in rounds], 'us_per_mail'):.0f}")
    line("of empty", ratio(rounds, "us_per_mail"), "goal 1.10")
    line("peak memory, of empty", ratio(rounds, "peak_mb"))


def acks() -> None:
    """What it costs that the sender of a mail hears of it, in turn with nobody who does."""
    rounds = [(each["nobody"], each["sender"]) for each in measured("acks")["rounds"]]
    letters, mails = median([sender for _, sender in rounds], "letters"), rounds[0][0]["mails"]
    more, inside = (
        sorted((sender[name] - nobody[name]) * mails / sender["letters"] for nobody, sender in rounds)
        for name in ("us_per_mail", "telling_us")
    )
    print(f"\nacks: the same {mails} mails, {letters:.0f} of them acknowledged, and with nobody to tell, in turn")
    line("CPU microseconds a mail, nobody is told", f"{median([each for each, _ in rounds], 'us_per_mail'):.0f}")
    line("the same, the sender is", f"{median([each for _, each in rounds], 'us_per_mail'):.0f}")
    line("more, an acknowledgement, whole pass", f"{statistics.median(more):.0f} ({more[0]:.0f} to {more[-1]:.0f})")
    line("of it in the commit: event, who hears, rows",
         f"{statistics.median(inside):.0f} ({inside[0]:.0f} to {inside[-1]:.0f})", "goal 40")  # fmt: skip
    line("of nobody", ratio(rounds, "us_per_mail"))


def jobs() -> None:
    """Two mailboxes by one process and by two."""
    measurements = measured("jobs")["rounds"]
    rounds = [(each["1"], each["2"]) for each in measurements]
    print(f"\njobs: {MAILS} mails in two mailboxes, allegra run --jobs 1 and --jobs 2, in turn")
    line("wall seconds, one process", f"{median([each for each, _ in rounds], 'wall_s'):.2f}")
    line("wall seconds, two processes", f"{median([each for _, each in rounds], 'wall_s'):.2f}")
    line("of one process", ratio(rounds, "wall_s"), "goal 0.60")
    line("CPU seconds, of one process", ratio(rounds, "cpu_s"))
    line("two loops that share nothing side by side, of one alone", f"{median(measurements, 'machine'):.2f}")


def idle() -> None:
    """CPU seconds of a run without new mail."""
    print("\nidle: allegra run with nothing to do, 5 runs")
    line("CPU seconds, whole process", f"{measured('idle')['cpu_s']:.3f}", "goal < 0.12")


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


TABLES = (
    "hearers",
    "sending",
    "looking",
    "reports",
    "imap",
    "workspaces",
    "listing",
    "slow",
    "rules",
    "hooks",
    "reply",
    "watch",
    "server",
    "visits",
    "pages",
)
PARTS: dict[str, Callable[[], None]] = {
    "engine": engine, "against": against, "growth": growth, "jobs": jobs, "idle": idle, "acks": acks,
    **{part: (lambda part=part: table(part)) for part in TABLES},  # type: ignore[misc]
    "profile": profile,
}  # fmt: skip


def main() -> None:
    """Print the parts named on the command line, or all."""
    wanted = sys.argv[1:] or [part for part in PARTS if BASE or part != "against"]
    for part in wanted:
        if part not in PARTS:
            raise SystemExit(f"bench: there is no part {part!r}; there are: {', '.join(PARTS)}")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, {os.cpu_count()} cores with a load of {os.getloadavg()[0]:.1f}; median of {ROUNDS} rounds")
    for part in wanted:
        PARTS[part]()


if __name__ == "__main__":
    main()
