"""The parts measured by themselves: rule language, sandbox, reply cutter. Each gives lines of (what, figure, goal)."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench import desk
from bench.clock import Line, cpu_of, ms, us, wall_of


@contextmanager
def made_desk(count: int) -> Iterator[Path]:
    """A desk with mails in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="allegra-bench-") as name:
        desk.make(Path(name), count)
        yield Path(name)


# ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────────


def rules(_count: int) -> dict[str, Any]:
    """Load and check 25 and 1,000 rules, evaluate them over mails, patterns that take a backtracking engine seconds."""
    from engine.config import load as load_config
    from engine.rulebook.book import load_rules
    from rules.pattern import compile_pattern

    lines: list[Line] = []
    with made_desk(400) as folder:
        config = load_config(folder / "allegra.toml")
        book = load_rules(config)
        lines.append(("load and check 25 rules, grammar built", ms(cpu_of(lambda: load_rules(config))), "goal < 15 ms"))
        seen = _seen(config, folder)
        work = _evaluation(book, ("", "support"))
        for mail, facts in seen:
            work(mail, facts)
        gc.collect()
        gc.disable()
        each = cpu_of(lambda: [work(mail, facts) for mail, facts in seen]) / len(seen)
        gc.enable()
        lines.append(("25 rules evaluated, trace made and encoded, a mail", ms(each), "goal < 0.15 ms"))
        lines += _thousand(folder, config, seen)
    pattern = compile_pattern("/^(\\w+\\s*)+$/")
    text = "a" * 26 + "!"
    lines.append(
        (f"{pattern.source} against 26 letters and a !", ms(cpu_of(lambda: pattern.search(text))), "goal < 10 ms")
    )
    return {"about": "CPU time in one process, median of 5", "lines": lines}


def _seen(config: Any, folder: Path) -> list[tuple[Any, Any]]:
    """Mails with their facts, against an empty store with the desk's accounts."""
    from engine.decision.facts import gather
    from engine.mail.parse import parse
    from engine.run.engine import Engine
    from engine.sources.disk import read_mail
    from engine.sources.source import content_key, raw_mail
    from engine.store.clock import now as utc_now
    from engine.store.load import load as load_data
    from engine.store.store import Store

    with Store.open(":memory:") as store:
        load_data(store, desk.data())
        engine = Engine(config, store)
        limits = config.settings("").limits
        seen = []
        for path in sorted((folder / "mail" / "new").iterdir()):
            content, size_bytes, _ = read_mail(path, limits)
            mail = parse(raw_mail("system", content_key(content), content, utc_now(), size_bytes), limits)
            seen.append((mail, gather(mail, config, "system", engine.look(mail.raw))))
    return seen


def _evaluation(book: Any, places: tuple[str, ...]) -> Callable[[Any, Any], bytes]:
    import msgspec

    from rules.run import Ledger, evaluate

    encode = msgspec.json.Encoder().encode

    def work(mail: Any, facts: Any) -> bytes:
        values = book.vocabulary.values(mail, facts)
        ledger = Ledger()
        reply = facts.thread.item is not None
        day = values["received"].date()
        return encode([evaluate(book.rules.files[place], values, reply, ledger, day).trace for place in places])

    return work


def _thousand(folder: Path, config: Any, seen: list[tuple[Any, Any]]) -> list[Line]:
    from engine.rulebook.book import load_rules

    one = """
[[rule]]
name = "Rule {n}"
when = 'subject contains "word{n}" or (from.domain is "d{n}.example" and text matches /ref{n}-(\\d+)/i)'
then = ['add label "l{n}"']
"""
    (folder / "rules" / "system.toml").write_text(
        "".join(one.replace("{n}", str(n)) for n in range(1000)), encoding="utf-8"
    )
    took = cpu_of(lambda: load_rules(config), 3)
    work = _evaluation(load_rules(config), ("",))
    some = seen[:60]
    for mail, facts in some:
        work(mail, facts)
    each = cpu_of(lambda: [work(mail, facts) for mail, facts in some], 3) / len(some)
    return [
        ("load and check 1,000 rules", ms(took), "goal < 1000 ms"),
        ("1,000 rules evaluated, a mail", ms(each), "goal < 5 ms"),
    ]


# ── hooks ─────────────────────────────────────────────────────────────────────────────────────────────────────

LOOP = "def guard(mail, ctx):\n    while True:\n        pass\n"
BOMB = "def guard(mail, ctx):\n    hoard = []\n    while True:\n        hoard.append('x' * 100000 + str(len(hoard)))\n"


def hooks(_count: int) -> dict[str, Any]:
    """Round trips, start, deadline and memory of the sandbox."""
    from hooks import case
    from hooks.limits import Limits
    from hooks.sandbox import Call, Isolation, Program, Sandbox, Script

    lines: list[Line] = []
    sample = case.made({"mail": {"body": "The printer on the second floor is broken.\n" * 235}, "item": {"title": "t"}})
    both = Program((Script("guard.py", "guard", desk.GUARD), Script("activity.py", "activity", desk.ACTIVITY)))
    call = Call(both, sample.mail, sample.item, sample.context)
    sandbox = Sandbox(Limits(2.0, 64 * 1024 * 1024), Isolation("worker", True))
    lines.append(
        ("worker ready: started, fenced, scripts compiled", ms(wall_of(lambda: _fresh(call), 5)), "goal < 150 ms")
    )
    for _ in range(50):
        sandbox.run(call)
    trips = [wall_of(lambda: sandbox.run(call), 1) for _ in range(2000)]
    lines.append(
        ("guard and activity, one warm round trip, 10 KB body, wall", us(statistics.median(trips)), "goal < 150 us")
    )
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(300):
        sandbox.run(call)
    after = resource.getrusage(resource.RUSAGE_SELF)
    own = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 300
    lines.append(("of it CPU in the engine", us(own), ""))
    lines.append(("resident memory of a worker", f"{_children_rss_mb():.0f} MB", "goal < 40 MB"))
    sandbox.close()
    lines += _misbehaving(call)
    return {"about": "guard and activity of the bench desk", "lines": lines}


def _fresh(call: Any) -> None:
    from hooks.limits import Limits
    from hooks.sandbox import Isolation, Sandbox

    sandbox = Sandbox(Limits(2.0, 64 * 1024 * 1024), Isolation("worker", True))
    try:
        result = sandbox.run(call)
        if result.outcome != "ok":
            raise SystemExit(f"the sandbox does not run: {result}")
    finally:
        sandbox.close()


def _misbehaving(call: Any) -> list[Line]:
    """An endless loop and a memory bomb: when they are over, and how soon the next mail is served."""
    from hooks.limits import Limits
    from hooks.sandbox import Call, Isolation, Program, Sandbox, Script

    deadline = 0.3
    sandbox = Sandbox(Limits(deadline, 64 * 1024 * 1024), Isolation("worker", True))
    loop = Call(Program((Script("guard.py", "guard", LOOP),)), call.mail, call.item, call.context)
    bomb = Call(Program((Script("guard.py", "guard", BOMB),)), call.mail, call.item, call.context)
    sandbox.run(call)
    over, served = [], []
    for _ in range(5):
        sandbox.check(loop.program)
        over.append(wall_of(lambda: sandbox.run(loop), 1) - deadline)
        served.append(wall_of(lambda: sandbox.run(call), 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        sandbox.run(bomb)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1000
    sandbox.close()
    return [
        ("an endless loop ends after its deadline by", ms(statistics.median(over)), "goal < 50 ms"),
        ("the next mail is served within", ms(statistics.median(served)), "goal < 200 ms"),
        ("a memory bomb adds to the engine's own memory", f"{grown:.1f} MB", "goal < 10 MB"),
    ]


def _children_rss_mb() -> float:
    """Resident memory of the largest child process, from /proc."""
    found = [0]
    for stat in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in stat.read_text(encoding="utf-8").splitlines() if ":" in line)
        except OSError:
            continue
        if int(fields.get("PPid", "0")) == os.getpid() and "VmRSS" in fields:
            found.append(int(fields["VmRSS"].split()[0]))
    return max(found) / 1000


# ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────


def reply(_count: int) -> dict[str, Any]:
    """Cutting the new part out of replies."""
    from engine.config.content import Body
    from engine.mail.html_reply import left_out
    from engine.mail.reply import cut
    from engine.model.facts import Cut

    body = "The spare part arrived and works.\n\nAnna\n\n"
    intro = "On Fri, 20 Nov 2026 08:06:00 +0000, Help desk wrote:\n"
    ten = body + intro + "> We looked at the printer and ordered a spare part.\n" * 190
    large = body + intro + "> We looked at the printer and ordered a spare part.\n" * 20_000
    nested = body + "".join(">" * (depth % 50 + 1) + " line\n" for depth in range(100_000))
    fresh = "Nothing is quoted in this mail, it just is long. On and on it goes.\n" * 150
    small = statistics.median([cpu_of(partial(cut, text), 1) for text in (ten, fresh) for _ in range(200)])
    line = "<div>We looked at the <b>printer</b> and ordered a spare part.<br></div>\n"
    quoted = (
        f"<p>The spare part arrived and works.</p><p>Anna</p><div>{intro}</div><blockquote>{line * 130}</blockquote>"
    )
    page = partial(left_out, quoted, Body(), Cut(body.strip()))
    return {
        "about": "CPU time in one process",
        "lines": [
            ("cutting 10 KB, median", ms(small), "goal < 0.5 ms"),
            (f"cutting {len(large) / 1e6:.1f} MB of quotes", ms(cpu_of(lambda: cut(large), 3)), "goal < 50 ms"),
            ("cutting 10 KB of HTML, median", ms(statistics.median([cpu_of(page, 1) for _ in range(50)])), ""),
            (f"cutting {len(nested) / 1e6:.1f} MB of nested quotes", ms(cpu_of(lambda: cut(nested), 3)), ""),
        ],
    }
