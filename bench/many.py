"""What comes in numbers: two mailboxes, 200 workspaces with their rule files, 200,000 mails in a folder, slow scripts.

Here: those desks, and the parts that measure them. Not here: passes (`passes.py`), what one mail or one rule costs.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import desk, passes
from bench.clock import Line, cpu_of, ms, wall_of
from bench.corpus import corpus, write_maildir

SECOND = """
[workspace.support.mailbox]
protocol  = "maildir"
path      = "second"
addresses = ["support@example.com"]
max_emails = 1000000
move_on_success = "Done"
"""

WORKSPACES, RULES_EACH = 200, 5

WORKSPACE = """
[workspace.{name}]
name = "Workspace {name}"
rules = "rules/{name}.toml"
plus = ["{name}"]
"""

RULE = """
[[rule]]
name = "{name}, number {n}"
when = 'subject contains "word{n} {name}" or (from.domain is "{name}.example" and text matches /ref{n}-(\\\\d+)/i)'
then = ['add label "l{n}"']
"""

KEPT = """
schema = 1
[instance]
name = "Bench"
timezone = "UTC"
[system]
default_workspace = "support"
[system.mailbox]
protocol  = "maildir"
path      = "mail"
addresses = ["help@example.com"]
after_success = "keep"
[workspace.support]
name = "Support"
"""

SLOW_RULE = """
[[rule]]
name = "Slow ones"
on   = "any"
when = 'headers["X-Slow"] exists'
then = ['run hook "slow"']
"""

SLOW_MS = 100
TURNS = 200_000
"""Of the loop, to learn how many take that long on this machine."""

SLOW_EVERY = 10

SLOW = """
def activity(mail, item, ctx):
    total = 0
    for number in range({turns}):
        total = total + number % 7
"""


def two_mailboxes(folder: Path, count: int) -> None:
    """Make a desk with a mailbox of the system and one of a workspace, half the mails in each."""
    desk.write(folder, SECOND)
    write_maildir(folder / "mail", count - count // 2, seed=1)
    write_maildir(folder / "second", count // 2, seed=2)
    passes.stored(folder, desk.data())


# ── workspaces ────────────────────────────────────────────────────────────────────────────────────────────────


def workspaces(count: int) -> dict[str, Any]:
    """Load 200 workspaces, each with a rule file, and decide mails to all of them."""
    from engine.config import load
    from engine.rulebook.book import load_rules
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.store.store import Store

    names = [f"w{number:03d}" for number in range(WORKSPACES)]
    mails = min(count, 500)
    with passes.folder() as folder:
        desk.write(folder, "".join(WORKSPACE.format(name=name) for name in names))
        for name in names:
            rules = "".join(RULE.format(name=name, n=number) for number in range(RULES_EACH))
            (folder / "rules" / f"{name}.toml").write_text(rules, encoding="utf-8")
        passes.stored(folder, desk.data(*names))
        _addressed(folder / "mail", 1, names, seed=3)
        first, idle = passes.allegra(folder, "run").cpu_s, passes.allegra(folder, "run").cpu_s
        _addressed(folder / "mail", mails, names)
        configuration = cpu_of(lambda: load(folder / "allegra.toml"))
        config = load(folder / "allegra.toml")
        rules_s = cpu_of(lambda: load_rules(config))
        with Store.open(config.store.where) as store:
            engine = Engine(config, store)
            Pass(engine).run(config.mailboxes)
            _addressed(folder / "mail", mails, names, seed=2)
            each = cpu_of(lambda: Pass(engine).run(config.mailboxes), 1) / mails
            engine.close()
    return {
        "about": f"{WORKSPACES} workspaces with a rule file of {RULES_EACH} rules each, beside the 25 of the desk",
        "lines": [
            ("configuration loaded, CPU", ms(configuration), ""),
            ("rule files loaded and checked, grammar built, CPU", ms(rules_s), ""),
            ("both, CPU", ms(configuration + rules_s), "goal < 500 ms"),
            ("allegra run with one mail, whole process, CPU", ms(first), ""),
            ("allegra run with nothing to do, whole process, CPU", ms(idle), ""),
            ("a mail, spooled, decided and committed, CPU of the engine", ms(each), "goal < 5 ms"),
        ],
    }


def _addressed(maildir: Path, count: int, names: Sequence[str], seed: int = 1) -> None:
    """Write mails into a Maildir, each to another workspace."""
    write_maildir(maildir, 0)
    for number, content in enumerate(corpus(count, seed)):
        to = f"help+{names[number % len(names)]}@example.com".encode()
        path = maildir / "new" / f"{seed}-{number:06d}.bench"
        path.write_bytes(content.replace(b"To: Help desk <help@example.com>", b"To: " + to, 1))


# ── a big folder ──────────────────────────────────────────────────────────────────────────────────────────────


def listing(count: int) -> dict[str, Any]:
    """List a Maildir with a hundred times as many mails, and pass over it when all are known."""
    from datetime import UTC, datetime

    from engine.config import load
    from engine.sources import open_source
    from engine.store.store import Store

    many = count * 100
    with passes.folder() as folder:
        (folder / "allegra.toml").write_text(KEPT, encoding="utf-8")
        write_maildir(folder / "mail", 0)
        path = passes.stored(folder, desk.data(), many)
        with Store.open(path) as store:
            for (key,) in store.database.rows("SELECT key FROM presentation"):
                (folder / "mail" / "cur" / f"{key}:2,S").touch()
        passes.allegra(folder, "run")  # the first look notes that the mails are still there
        runs = [passes.allegra(folder, "run") for _ in range(3)]
        config = load(folder / "allegra.toml")
        mailbox, limits = config.mailbox("system"), config.settings("").limits
        with Store.open(path) as store, open_source(mailbox, limits, lambda: datetime.now(UTC)) as source:
            listed = cpu_of(source.list, 3)
            here = [each.key for each in source.list()]
            told = cpu_of(lambda: store.mailboxes.sort_keys("system", here), 3)
            new = cpu_of(lambda: store.mailboxes.sort_keys("system", [f"{key}x" for key in here]), 3)
    known = statistics.median(run.cpu_s for run in runs)
    return {
        "about": f"{many:,} mails in a Maildir",
        "lines": [
            ("listed, CPU", ms(listed), ""),
            ("told which are new: none is, CPU", ms(told), ""),
            ("told which are new: all are, CPU", ms(new), ""),
            ("allegra run, all known, whole process, CPU", ms(known), "goal < 3000 ms" if many == 200_000 else ""),
            ("peak memory of it", f"{max(run.peak_mb for run in runs):.0f} MB", "goal < 200 MB"),
        ],
    }


# ── slow scripts ──────────────────────────────────────────────────────────────────────────────────────────────


def slow(count: int) -> dict[str, Any]:
    """How long mails wait that share a batch with some that a rule sends to a slow script."""
    mails = min(count, 300)
    turns = int(TURNS * SLOW_MS / 1000 / _alone(TURNS))
    rounds = []
    for _ in range(3):
        script = _alone(turns)
        rounds.append((script, *(statistics.median(_batches(mails, turns, every)) for every in (0, SLOW_EVERY))))
    here = -(-min(mails, 50) // SLOW_EVERY)
    script, without, beside = (statistics.median(column) for column in zip(*rounds, strict=True))
    share = statistics.median((beside - without) / (here * script) for script, without, beside in rounds)
    lines: list[Line] = [
        ("the script by itself, wall", ms(script), ""),
        (f"a batch of {min(mails, 50)} mails that need no script, wall", ms(without), ""),
        (f"the same, {here} of them need the script, wall", ms(beside), ""),
        ("so the others wait longer by", ms(beside - without), ""),
        (f"of {here} times the script", f"{share:.2f}", ""),
    ]
    return {"about": f"every {SLOW_EVERY}th mail is sent to a script of {SLOW_MS} ms by `run hook`", "lines": lines}


def _alone(turns: int) -> float:
    """Wall seconds of the script with so many turns, in a warm worker."""
    from hooks import case
    from hooks.limits import Limits
    from hooks.sandbox import Call, Isolation, Program, Sandbox, Script

    sample = case.made({"mail": {"body": "The printer is broken."}, "item": {"title": "t"}})
    sandbox = Sandbox(Limits(10.0, 64 * 1024 * 1024), Isolation("worker", True))
    program = Program((Script("slow.py", "activity", SLOW.format(turns=turns)),))
    call = Call(program, sample.mail, sample.item, sample.context)
    result = sandbox.run(call)
    if result.outcome != "ok":
        raise SystemExit(f"the script does not run: {result}")
    took = wall_of(lambda: sandbox.run(call), 5)
    sandbox.close()
    return took


def _batches(mails: int, turns: int, every: int) -> list[float]:
    """Wall seconds of each batch of a pass in which every so many mails need the script."""
    from engine.config import load
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.run.report import Listener, MailboxReport
    from engine.store.store import Store

    moments = []

    class Watch(Listener):
        def mailbox_started(self, report: MailboxReport, new: int) -> None:
            moments.append(time.perf_counter())

        def mails_done(self, report: MailboxReport, lines: Sequence[Any]) -> None:
            moments.append(time.perf_counter())

    with passes.folder() as folder:
        _slow_desk(folder, mails, turns, every)
        config = load(folder / "allegra.toml")
        with Store.open(config.store.where) as store:
            engine = Engine(config, store)
            Pass(engine, Watch()).run(config.mailboxes)
            engine.close()
    return [after - before for before, after in pairwise(moments)]


def _slow_desk(folder: Path, mails: int, turns: int, every: int) -> None:
    desk.write(folder)
    text = (folder / "allegra.toml").read_text(encoding="utf-8").replace("rules/system.toml", "rules/slow.toml")
    kept = [line for line in text.split("\n") if not line.startswith(("guard ", "activity "))]
    (folder / "allegra.toml").write_text("\n".join(kept), encoding="utf-8")
    (folder / "rules" / "slow.toml").write_text(SLOW_RULE, encoding="utf-8")
    (folder / "hooks" / "slow.py").write_text(SLOW.format(turns=turns), encoding="utf-8")
    write_maildir(folder / "mail", 0)
    for number, content in enumerate(corpus(mails)):
        marked = b"X-Slow: yes\n" + content if every and number % every == 0 else content
        path = folder / "mail" / "new" / f"{number:06d}.bench"
        path.write_bytes(marked)
        os.utime(path, (number, number))  # the order of arrival
    passes.stored(folder, desk.data())
