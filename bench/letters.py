"""What it costs that people hear: an acknowledgement, five hearers of one event, ten thousand rows, a million kept.

Here: those desks, and the parts that measure them. Not here: the server that takes the mails (`sink.py`), passes
(`passes.py`), the database that is not empty (`filled.py`).
"""

from __future__ import annotations

import resource
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import desk, passes
from bench.clock import Line, cpu_of, ms, us
from bench.corpus import write_maildir
from bench.sink import Sink

NO_ANSWER, NO_NOTICE = '[replies]\nnew_item = ""\nrejected = ""\n', "[notify]\nenabled = false\n[notify.defaults]\n"

BY_RULE = "'reply with template \"ack-night\"', "
"""What a rule of the desk answers out of office hours."""

OCCASIONS, ACTOR = 19, "user30@example.com"
"""Old items that somebody answers, in one transaction as the mails of a batch; the next one has a copy, too."""

WORDS = "\n".join(["A line of a perfectly ordinary answer that somebody wrote about the printer."] * 16)
"""The words of an answer: 1.2 kB."""

DATABASE_KEPT = 1_000_000
"""Rows for which the goals of looking are meant."""

BROKEN = "def guard(mail, ctx):\n    return ctx.no_such_thing()\n"

TO_ADMINS = '[errors]\nforward_to = ["it@example.com"]\n'


def acknowledged(folder: Path, count: int, *, told: bool, seed: int) -> dict[str, Any]:
    """A pass over mails whose senders hear that an item was made, or nobody; other hearers there are none."""
    passes.prepared(folder, count, seed=seed)
    nobody = () if told else (("[replies]\n", NO_ANSWER),)
    _changed(folder / "allegra.toml", ("[notify.defaults]\n", NO_NOTICE), *nobody)
    _changed(folder / "rules" / "support.toml", (BY_RULE, ""))
    return passes.apart("telling", folder)


def telling(folder: Path) -> dict[str, Any]:
    """A pass in this process that tells also how long a mail took in writing events and who hears (thread time)."""
    from engine.store.dispatches import Dispatches

    write, took = Dispatches.write, 0.0

    def timed(*words: Any, **named: Any) -> Any:
        nonlocal took
        began = time.thread_time()
        rows = write(*words, **named)
        took += time.thread_time() - began
        return rows

    Dispatches.write = timed  # type: ignore[method-assign]
    figures = passes.one_pass(folder)
    return {**figures, "telling_us": took / figures["mails"] * 1e6}


def only_senders(count: int) -> dict[str, Any]:
    """The engine where senders of new items hear and nobody else, as before there were notices."""
    with passes.folder() as folder:
        return acknowledged(folder, count, told=True, seed=1)


def _changed(path: Path, *words: tuple[str, str]) -> None:
    """Change a file of a desk."""
    text = path.read_text(encoding="utf-8")
    for before, after in words:
        if before not in text:
            raise SystemExit(f"{path.name} has no {before!r}")
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def acks(count: int, rounds: int) -> dict[str, Any]:
    """The same mails with an acknowledgement and with nobody to tell, in turn: the figures of both and the rows."""
    found = []
    for number in range(1, rounds + 1):
        took = {}
        for told in (True, False) if number % 2 else (False, True):
            with passes.folder() as folder:
                took[told] = acknowledged(folder, count, told=told, seed=number)
                took[told]["letters"] = _counted(folder, "state = 'queued'")
        if took[False]["letters"]:
            raise SystemExit("acks: somebody was told where nobody should be")
        found.append({"nobody": took[False], "sender": took[True]})
    return {"rounds": found}


def _counted(folder: Path, which: str) -> int:
    """Count rows of the outbox of a desk."""
    from engine.config import load
    from engine.store.store import Store

    with Store.open(load(folder / "allegra.toml").store.where) as store:
        (number,) = store.database.one(f"SELECT count(*) FROM outbox WHERE {which}")  # noqa: S608
        return int(number)


# ── five hearers ──────────────────────────────────────────────────────────────────────────────────────────────


def hearers(_count: int) -> dict[str, Any]:
    """Who hears of an answer is found and written, and their mails are composed: the requester and four who watch."""
    from engine.config import load
    from engine.outbox.compose import compose
    from engine.outbox.contents import letter
    from engine.outbox.templates import Templates
    from engine.store.store import Store

    with passes.folder() as folder:
        passes.prepared(folder, 0, OCCASIONS)
        config = load(folder / "allegra.toml")
        now = datetime.now(UTC)
        with Store.open(config.store.where) as store:
            queueing = _queueing(store, config)
            rows = store.outbox.claim(5, now, "bench")
            templates = Templates(config.settings("support").replies.directory, config.instance.language, "support")

            def composing() -> list[bytes]:
                return [compose(letter(row, store, config, now), templates).content for row in rows]

            made = composing()
            if len(made) != 5 or not all(b"text/html" in each for each in made):
                raise SystemExit(f"{len(made)} mails were composed, or one without HTML")
            composed = cpu_of(composing, 50)
    return {
        "about": "an answer of 1.2 kB about an item, to five people inside",
        "lines": [
            ("who hears found, event and rows written, CPU", ms(queueing), "goal < 0.400 ms"),
            ("five mails composed, text and HTML, CPU", ms(composed), "goal < 1.6 ms"),
            ("both, CPU", ms(queueing + composed), "goal < 2 ms"),
        ],
    }


def _queueing(store: Any, config: Any) -> float:
    """CPU seconds of finding and writing who hears of something: in each round once of every item, none told before."""
    from engine.decision.hearing import Hearing
    from engine.model.hearing import Actor
    from engine.store.directory import Directory
    from engine.store.dispatches import Dispatches, Source
    from engine.store.memory import Memory
    from engine.store.scene import Scene

    database, memory = store.database, Memory(store.database)
    actor = Actor(store.directory.person(ACTOR), ACTOR)
    with store.writing():
        batches = [_answered(database, item, actor) for item in range(1, OCCASIONS + 1)]
    dispatches = Dispatches(database, Scene(database, Directory(database, memory), memory), Hearing(config))
    took = []
    for _ in range(10):
        with store.writing():
            database.run("DELETE FROM outbox")
            began = time.process_time()
            rows = [dispatches.write(each, Source(act=f"a-{each.item}", via="command")) for each in batches]
            took.append(time.process_time() - began)
        if any(len(each) != 6 for each in rows):
            raise SystemExit(
                f"{[len(each) for each in rows]} rows were written, not one for each of five and who wrote it"
            )
    return statistics.median(took[1:]) / OCCASIONS


def _answered(database: Any, item: int, actor: Any) -> Any:
    """Somebody's answer to an old item, which its requester and four others hear of."""
    from engine.model.hearing import Batch, Happened
    from engine.model.plan import Tell

    for login in ("user40", "user41"):  # beside those whom the old item has
        database.run(
            "INSERT INTO item_person (item_id, account_id, role) SELECT ?, id, 'watcher' FROM account WHERE login = ?",
            item, login,
        )  # fmt: skip
    comment = database.insert(
        "INSERT INTO comment (item_id, author_id, sender, text, created_at) VALUES (?, ?, ?, ?, ?)",
        item, actor.account.id, actor.key, WORDS, database.now(),
    )  # fmt: skip
    (workspace,) = database.one(
        "SELECT identifier FROM item JOIN workspace ON workspace.id = workspace_id WHERE item.id = ?", item
    )
    return Batch((Happened("item.answered", item, comment=comment),), Tell(), actor, workspace, item)


# ── the way out ───────────────────────────────────────────────────────────────────────────────────────────────


def sending(count: int) -> dict[str, Any]:
    """Send five times as many rows over one connection at a time, then let them wait for a server that is away."""
    rows = count * 5
    with passes.folder() as folder:
        passes.prepared(folder, 0, rows)
        with Sink() as server:
            _through(folder, server.port)
            took, grown = _drained(folder, rows)
            if server.mails != rows:
                raise SystemExit(f"{server.mails} of {rows} mails came")
            connections = server.connections
        with Sink(is_open=False) as server:
            _changed(folder / "allegra.toml", ("max_per_run = 1000000\n", "max_per_run = 200\n"))
            _changed(folder / "allegra.toml", (f"port = {_port(folder)}\n", f"port = {server.port}\n"))
            quiet = min(passes.allegra(folder, "run").cpu_s for _ in range(5))
            _queued(folder)
            passes.allegra(folder, "run", codes=(69,))  # the first one notes that it is away
            before = server.connections
            away = min(passes.allegra(folder, "run", codes=(69,)).cpu_s for _ in range(5))
            tried = (server.connections - before) / 5
    lines: list[Line] = [
        ("rows a wall second", f"{rows / took:.0f}", "goal 200"),
        ("wall time of a row", ms(took / rows), ""),
        ("connections, one at a time, of 100 mails each", f"{connections}", ""),
        ("memory grown after the first tenth, MB (a cache of 16 fills)", f"{grown:.1f}", "goal < 20"),
        ("allegra run with nothing to send, whole process, CPU", ms(quiet), ""),
        (f"the same with {rows:,} rows waiting and the server away", ms(away), ""),
        ("so it takes longer by", ms(away - quiet), "goal < 100 ms"),
        ("connections tried a pass", f"{tried:.1f}", "goal 1"),
    ]
    return {"about": f"{rows:,} acknowledgements to a server on this machine", "lines": lines}


def _through(folder: Path, port: int) -> None:
    """Let mail of a desk go through a server on this machine."""
    _changed(folder / "allegra.toml", (
        'host = "smtp.invalid"\n', f'host = "127.0.0.1"\nport = {port}\nssl = false\nmax_per_run = 1000000\n'
    ), ("max_per_run = 0\n", ""))  # fmt: skip


def _port(folder: Path) -> str:
    text = (folder / "allegra.toml").read_text(encoding="utf-8")
    return text.partition("port = ")[2].partition("\n")[0]


def _queued(folder: Path) -> None:
    """Let all rows of a desk wait, as if they had been written just now."""
    from engine.config import load
    from engine.store.store import Store

    with Store.open(load(folder / "allegra.toml").store.where) as store, store.writing():
        store.database.run(
            "UPDATE outbox SET state = 'queued', content = NULL, next_at = 0, attempts = 0, created_at = ?",
            store.database.now(),
        )


def _drained(folder: Path, rows: int) -> tuple[float, float]:
    """Send all rows of a desk: wall seconds, and MB by which memory grew after the first tenth of them."""
    from engine.config import load
    from engine.outbox.deliver import deliver
    from engine.store.store import Store

    _queued(folder)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.where) as store:
        began = time.perf_counter()
        deliver(store, config, rows // 10)
        first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        deliver(store, config, rows)
        took = time.perf_counter() - began
    return took, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first) / 1000


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

LOOKS = (
    ("outbox", "list"), ("outbox", "list", "--all"), ("outbox", "list", "to:user07@example.com", "--all"),
    ("health",), ("item", "told", "20"), ("stats",), ("stats", "--last", "1d"), ("stats", "--by", "why"),
    ("stats", "--by", "event"), ("log",), ("log", "item:20"),
)  # fmt: skip


def looking(items: int, rounds: int) -> dict[str, Any]:
    """Commands that look at a database with so many rows in its outbox, each a process of its own."""
    goal = "goal < 300 ms" if items >= DATABASE_KEPT else ""
    with passes.folder() as folder:
        size = passes.prepared(folder, 1, items).stat().st_size
        least = min(passes.allegra(folder, "version").cpu_s for _ in range(5))
        new = statistics.median(passes.allegra(folder, "health", codes=(0, 1, 2)).cpu_s for _ in range(rounds))
        passes.allegra(folder, "run")  # one mail: from then on its rules are known without parsing
        lines: list[Line] = [
            ("allegra version, CPU", ms(least), ""),
            ("allegra health, until a mail met the rules, CPU", ms(new), goal),
        ]
        for words in LOOKS:
            took = [passes.allegra(folder, *words, codes=(0, 1, 2)).cpu_s for _ in range(rounds)]
            lines.append((f"allegra {' '.join(words)}, CPU", ms(statistics.median(took)), goal))
    return {"about": f"{items:,} mails, items and rows of the outbox ({size / 1e6:,.0f} MB)", "lines": lines}


# ── reports ───────────────────────────────────────────────────────────────────────────────────────────────────


def reports(count: int) -> dict[str, Any]:
    """Mails that all meet a script that is broken: how many reports an admin gets of them, and what a mail costs."""
    mails = min(count, 200)
    with passes.folder() as folder:
        desk.write(folder, TO_ADMINS)
        (folder / "hooks" / "guard.py").write_text(BROKEN, encoding="utf-8")
        write_maildir(folder / "mail", mails)
        passes.stored(folder, desk.data())
        took = passes.allegra(folder, "run", codes=(0, 1, 69)).cpu_s
        to_admin = "address_key = 'it@example.com'"
        at_once = _counted(folder, f"{to_admin} AND state <> 'digest' AND event LIKE 'mail.%'")
        later = _counted(folder, f"{to_admin} AND state = 'digest'")
        others = _counted(folder, f"{to_admin} AND state <> 'digest' AND event NOT LIKE 'mail.%'")
    return {
        "about": f"{mails} mails for a guard script that breaks over each",
        "lines": [
            ("reports at once: the script failed, then it is off", f"{at_once}", "goal 2"),
            ("that it was switched off", f"{others}", ""),
            ("reports that go along in one an hour", f"{later}", ""),
            ("allegra run, whole process, CPU a mail", us(took / mails), ""),
        ],
    }
