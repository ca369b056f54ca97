"""A pass by itself: what it sends at its end, and what a rehearsal leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import databases
import pytest
from deciding import CONFIG, DATA, raw

from engine.config import load
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.run.rehearsal import rehearse
from engine.sources import open_source
from engine.store import hot
from engine.store.clock import now as utc_now
from engine.store.load import load as load_data
from engine.store.store import Store


@pytest.fixture
def passing(tmp_path: Path, sink: Callable[..., Any]) -> Any:
    """An engine over a Maildir with one mail in it, and a server that takes mail."""
    server = sink()
    smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {server.port}\nssl = false\nfrom = "help@example.com"\n'
    databases.configured(tmp_path, CONFIG + smtp)
    for part in ("new", "cur", "tmp"):
        (tmp_path / "mail" / part).mkdir(parents=True)
    (tmp_path / "mail" / "new" / "1.test").write_bytes(raw().content)
    config = load(tmp_path / "allegra.toml")
    with Store.open(databases.place(tmp_path / databases.FILE)) as store:
        load_data(store, DATA)
        made = Engine(config, store)
        yield made, server
        made.close()


def test_a_pass_sends_at_its_end_what_it_decided_to_say(passing: Any) -> None:
    engine, server = passing
    (report,) = Pass(engine).run(engine.config.mailboxes)
    assert [line.outcome.value for line in report.lines] == ["created"]
    assert [each.recipients for each in server.taken] == [["anna@example.com"]]
    assert engine.store.outbox.waiting() == 0


def test_a_pass_that_was_asked_to_stop_reads_and_sends_nothing(passing: Any) -> None:
    engine, server = passing
    engine.stop.set()
    assert Pass(engine).run(engine.config.mailboxes) == []
    assert server.taken == []


def test_a_rehearsal_tells_the_same_keeps_nothing_and_sends_nothing(passing: Any) -> None:
    engine, server = passing
    (rehearsed,) = rehearse(engine, engine.config.mailboxes)
    assert (engine.store.archive.mails(), engine.store.items.newest(), server.taken) == ([], [], [])
    (report,) = Pass(engine).run(engine.config.mailboxes)
    told = ("outcome", "code", "because", "sender", "subject")
    assert [[getattr(line, name) for name in told] for line in rehearsed.lines] == [
        [getattr(line, name) for name in told] for line in report.lines
    ]


def test_a_mailbox_that_cannot_be_rehearsed_does_not_hide_the_others(passing: Any, tmp_path: Path) -> None:
    engine, _ = passing
    (box,) = engine.config.mailboxes
    broken = box.filled(path=tmp_path / "nowhere")
    reports = list(rehearse(engine, [broken, box]))
    assert [(each.state, each.code) for each in reports] == [("failed", "source.unreachable"), ("ok", "")]
    assert reports[1].new == 1


def flushes(engine: Any, **how: Any) -> list[tuple[str, bool]]:
    """What a pass stored of its mail, in order, and whether it waited for the disk with it."""
    database, begun = engine.store.database, list[tuple[str, bool]]()
    named = {hot.RAW: "spooled", hot.RECEIPT: "decided", hot.ACTION_DONE: "settled"}
    run = database.run

    def noting(sql: str, *values: Any) -> Any:
        if sql in named:
            begun.append((named[sql], database.one("PRAGMA synchronous") == (2,)))
        return run(sql, *values)

    database.run = noting
    Pass(engine, **how).run(engine.config.mailboxes)
    assert database.one("PRAGMA synchronous") == (2,)
    return begun


@pytest.mark.sqlite
def test_what_was_decided_flushes_what_was_spooled_before_the_server_is_told(passing: Any) -> None:
    engine, _ = passing
    assert flushes(engine) == [("spooled", False), ("decided", True), ("settled", False)]


@pytest.mark.sqlite
def test_mail_of_a_source_that_a_host_hands_in_is_flushed_as_it_is_taken_in(passing: Any) -> None:
    engine, _ = passing
    (box,) = engine.config.mailboxes
    with open_source(box, engine.config.settings("").limits, utc_now) as source:
        assert flushes(engine, sources={box.name: source})[:2] == [("spooled", True), ("decided", True)]
