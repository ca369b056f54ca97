"""`allegra` in a process of its own that dies, or is asked to stop, at a chosen step.

Here: the steps of a pass by name, and `run`, which forks from a server that has everything imported: 20 ms instead of
400. Not here: what must be true afterwards. Nothing of this is in the product: the child changes its own copy.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import databases
from servers.forks import process

import engine.cli.deliver
import engine.cli.doors
import engine.cli.run
import engine.config
import engine.decision.facts
import engine.decision.pipeline
import engine.doors.http
import engine.doors.listening
import engine.doors.lmtp
import engine.doors.reception
import engine.mail.isolated
import engine.outbox.compose
import engine.outbox.deliver
import engine.outbox.wire
import engine.rulebook.book
import engine.run.engine
import engine.run.passing
import engine.run.taking_up
import engine.run.visit
import engine.sources.gmail_settle
import engine.sources.graph_settle
import engine.sources.imap
import engine.sources.imap_settle
import engine.sources.maildir
import engine.sources.pop3
from engine.store.claims import Claims
from engine.store.commit import Commit
from engine.store.lease import Leases
from engine.store.listing import Listing
from engine.store.outbox import Outbox
from engine.store.queue import Queue
from engine.store.settling import Settling
from engine.store.spool import Spool

STEPS: dict[str, tuple[Any, str]] = {
    "COMMIT": (databases.kind(), "_commit"),
    "lease": (Leases, "lease"),
    "epoch": (Listing, "begin_epoch"),
    "spool": (Spool, "spool"),
    "due": (Queue, "is_due"),
    "claim": (Claims, "claim"),
    "decide": (engine.decision.facts, "gather"),
    "commit": (Commit, "commit"),
    "settle": (engine.run.visit.Visit, "_settle"),
    "move": (engine.sources.maildir.MaildirSource, "_do"),
    "IMAP move": (engine.sources.guarded.Session, "copy"),
    "IMAP flag": (engine.sources.guarded.Session, "store"),
    "IMAP expunge": (engine.sources.guarded.Session, "expunge"),
    "Gmail change": (engine.sources.gmail_settle, "_changed"),
    "Graph act": (engine.sources.graph_settle, "_act"),
    "POP3 DELE": (engine.sources.pop3_session.Session, "mark"),
    "POP3 QUIT": (engine.sources.pop3_session.Session, "quit"),
    "settled": (Settling, "actions_done"),
    "outbox claim": (Outbox, "claim"),
    "send": (engine.outbox.wire.Wire, "send"),
    "sent": (Outbox, "sent"),
    "lease back": (Leases, "end"),
    "door take": (engine.doors.reception.Reception, "take"),
    "door reply": (engine.doors.listening.Client, "send"),
}
"""What a step is called, and the method that does it. `COMMIT` is the end of every transaction."""


@dataclass(frozen=True)
class At:
    """Strike (`times` times) at the `hit`-th time of a step, from 1, before it begins, or with `after` behind it."""

    step: str
    hit: int = 1
    after: bool = False
    how: signal.Signals = signal.SIGKILL
    times: int = 1

    @property
    def name(self) -> str:
        return f"{self.step}+" if self.after else self.step


@dataclass
class Ended:
    """How the process ended: its exit code (minus a signal that killed it), what it printed, the steps it took."""

    code: int
    output: str
    steps: Counter[str]


def run(
    folder: Path,
    *arguments: str,
    at: At | None = None,
    batch: int = 50,
    environ: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
    stdin: bytes = b"",
) -> Ended:
    """Run a command in `folder` and wait for its end. `before` is called in the child, and must be importable."""
    options = {"at": at, "batch": batch, "environ": environ, "before": before, "stdin": stdin}
    return ended(start(folder, *arguments, **options))


def start(folder: Path, *arguments: str, **options: Any) -> Any:
    """Start a command; `ended` waits for it."""
    number = len(list(folder.glob("*.out")))
    output = folder / f"{number}.out"
    output.touch()
    made = process(_child, folder, output, arguments, options)
    made.output = output
    made.start()
    return made


def ended(started: Any, wait_s: float = 60.0) -> Ended:
    """Wait for a process that `start` gave; raises where it does not end in time: killed by us, it never was struck."""
    started.join(wait_s)
    if started.exitcode is None:
        started.kill()
        started.join()
        raise AssertionError(f"the process did not end in {wait_s:.0f} s: {started.output.read_text(errors='replace')}")
    code, output = started.exitcode, started.output
    started.close()
    steps = output.with_suffix(".steps")
    taken = Counter(steps.read_text().splitlines()) if steps.exists() else Counter()
    return Ended(code, output.read_text(errors="replace"), taken)


def wait_for_step(started: Any, name: str, seconds: float = 30.0) -> None:
    """Wait until a process that runs has begun a step."""
    steps, end = started.output.with_suffix(".steps"), time.monotonic() + seconds
    while name not in (steps.read_text().splitlines() if steps.exists() else ()):
        if time.monotonic() > end:
            raise AssertionError(f"the process did not come to {name}")
        time.sleep(0.01)


def wait_to_decide() -> None:
    """In the child: let the first decision wait until there is a file called `go on`."""
    gather = engine.decision.facts.gather

    def waiting(*mail: Any) -> Any:
        os.write(_steps, b"decide\n")
        end = time.monotonic() + 30
        while not Path("go on").exists() and time.monotonic() < end:
            time.sleep(0.01)
        return gather(*mail)

    engine.decision.facts.gather = waiting  # type: ignore[assignment]


_steps = -1
"""In the child: where its steps are written down."""


# ── in the child ──────────────────────────────────────────────────────────────────────────────────────────────


def _child(folder: Path, output: Path, arguments: Sequence[str], options: dict[str, Any]) -> None:
    os.chdir(folder)
    os.environ.update(options.get("environ") or {})
    descriptor = os.open(output, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    source = folder / f"{output.stem}.in"
    source.write_bytes(options.get("stdin") or b"")
    with source.open("rb") as file:
        os.dup2(file.fileno(), 0)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    engine.run.taking_up.BATCH = options.get("batch", 50)
    engine.doors.listening.LOOK_S = 0.01
    _install(options.get("at"), output.with_suffix(".steps"))
    if options.get("before"):
        options["before"]()
    main = importlib.import_module("engine.cli.main")
    sys.argv = ["allegra", *arguments]
    try:
        main.main()
    finally:
        sys.stdout.flush()


def _install(at: At | None, steps: Path) -> None:
    """Put a counter around every step; with `at` one of them strikes."""
    taken: Counter[str] = Counter()
    counting = threading.Lock()  # a door takes steps in several threads
    global _steps
    log = _steps = os.open(steps, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def step(name: str) -> None:
        with counting:
            taken[name] += 1
            times = taken[name]
        os.write(log, f"{name}\n".encode())
        if at is not None and name == at.name and times == at.hit:
            for _ in range(at.times):
                os.kill(os.getpid(), at.how)

    def around(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def stepping(*args: Any, **kwargs: Any) -> Any:
            step(name)
            result = method(*args, **kwargs)
            step(f"{name}+")
            return result

        return stepping

    for name, (owner, method) in STEPS.items():
        setattr(owner, method, around(name, getattr(owner, method)))
