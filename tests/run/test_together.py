"""A batch is decided and told together: what comes of it is what comes of its mails one by one, in fewer trips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from manned import CONFIG as MANNED
from manned import DATA

from engine.config import load
from engine.model.mail import Envelope, Origin, RawMail
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.load import load as load_data
from engine.store.place import Url
from engine.store.store import Store

CONFIG = MANNED.replace("[workspace.support]", '[people]\nunknown_user = "create"\n[workspace.support]')

PUBLIC = [{"identifier": "support", "name": "Support", "public": True}]

MOST_A_MAIL = 4.0
"""Statements on a server, of all that deciding and committing a mail in a batch of fifty asks and writes."""

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@pytest.fixture
def open_desk(tmp_path: Path, request: Any) -> Iterator[Callable[[str], Engine]]:
    """Open another desk with the same data: on a database of its own."""
    numbers, ticks = count(1), count()
    with ExitStack() as opened:

        def open_one(kind: str) -> Engine:
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            (folder / "allegra.toml").write_text(CONFIG)
            server = request.getfixturevalue("postgres") if kind == "postgresql" else None
            url = Url(server.url_of(server.empty())) if server else None
            at = lambda: NOW + timedelta(microseconds=next(ticks))  # noqa: E731
            store = opened.enter_context(Store.open(url or folder / "a.sqlite3", clock=at))
            load_data(store, {**DATA, "workspaces": PUBLIC})
            engine = Engine(load(folder / "allegra.toml"), store)
            opened.callback(engine.close)
            return engine

        yield open_one


def mails() -> list[str]:
    """New ones, known and unknown people, copies, answers to one item, and one who says the same four times."""
    head = "From: {}\nTo: help@example.com\nMessage-ID: <{}@x.example>\nSubject: {}\n"
    made = [head.format("jane@big.example", f"n{n}", f"Printer {n}") + f"\nIt smokes: {n * 'x'}.\n" for n in range(4)]
    made += [head.format(f"new{n}@other.example", f"u{n}", f"Hello {n}") + f"\nI am {n * 'y'} new.\n" for n in range(2)]
    made += [head.format("karl@big.example", f"r{n}", "Disk") + "\nDisk is full.\n" for n in range(5)]
    made.append(head.format("jane@big.example", "c1", "Broken [#12]") + "Cc: friend@big.example\n\nStill smokes.\n")
    made.append(head.format("bob@example.com", "c2", "Copy") + "Cc: jane@big.example, anna@example.com\n\nSee this.\n")
    made.append(head.format("anna@example.com", "c3", "Mine") + "\nAs above.\n")
    return made


def take_in(engine: Engine, *contents: str) -> list[Any]:
    raws = []
    for number, content in enumerate(contents):
        data = content.encode()
        at = NOW - timedelta(seconds=len(contents) - number)
        raws.append(RawMail(data, Origin("system", str(number), len(data)), at, sha256(data).hexdigest(), Envelope()))
    return engine.store.ledger.spool(raws, engine.store.owner)


def came_of(engine: Engine) -> list[list[tuple[Any, ...]]]:
    """What became of every mail, and who was told what of it and why not."""
    told = (
        "SELECT inbound_id, event, class, address_key, account_id, roles, state, why, item FROM outbox ORDER BY id",
        "SELECT inbound_id, name, actor, item, workspace FROM event ORDER BY id",
        "SELECT inbound_id, outcome, code, item, workspace FROM receipt ORDER BY id",
        "SELECT item_id, account_id, role FROM item_person ORDER BY item_id, account_id",
        "SELECT address_key, item FROM mute ORDER BY address_key, item",
    )
    return [engine.store.database.rows(sql) for sql in told]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def test_a_batch_tells_whom_its_mails_tell_one_by_one(open_desk: Callable[[str], Engine], kind: str) -> None:
    together, apart = open_desk(kind), open_desk(kind)
    process(together, take_in(together, *mails()), NOW)
    for spooled in take_in(apart, *mails()):
        process(apart, [spooled], NOW)
    told, also = came_of(together), came_of(apart)
    for mine, theirs in zip(told, also, strict=True):
        assert mine == theirs
    assert {row[6] for row in told[0]} >= {"queued", "suppressed"}, "some hear, some do not"
    assert ("karl@big.example", -1) in told[4], "who says the same again and again is answered no more"


@pytest.mark.server
def test_a_mail_of_a_batch_costs_a_few_statements(
    open_desk: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_desk("postgresql")
    database, sent = engine.store.database, list[str]()
    ask, send = database._asked, database._send  # type: ignore[attr-defined]

    def sending(sql: str) -> None:
        waiting = {*database._gathered._put}  # type: ignore[attr-defined]
        send(sql)
        sent.extend(waiting - {*database._gathered._put})  # type: ignore[attr-defined]

    monkeypatch.setattr(database, "_asked", lambda sql, params: sent.append(sql) or ask(sql, params))
    monkeypatch.setattr(database, "_send", sending)
    made = [
        each.replace("@x.", f"@{n}x.").replace("Printer", f"Printer {n}") for n in range(4) for each in mails()[:11]
    ]
    batch = take_in(engine, *made)
    results = process(engine, batch, NOW)
    assert len(results) == len(made)
    assert len(sent) / len(made) < MOST_A_MAIL


@pytest.mark.server
def test_what_all_mails_of_one_sender_ask_is_asked_once(
    open_desk: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_desk("postgresql")
    database, asked = engine.store.database, list[tuple[str, int]]()
    ask = database._asked  # type: ignore[attr-defined]

    def counted(sql: str, params: Any) -> Any:
        about = "times" if "received_at FROM (" in sql else "letters" if "state = 'held' FROM outbox" in sql else ""
        many = len(params[0]) if params and isinstance(params[0], list) else 1
        asked.extend([(about, many)] if about else [])
        return ask(sql, params)

    monkeypatch.setattr(database, "_asked", counted)
    head = "From: jane@big.example\nTo: help@example.com\nMessage-ID: <{0}@x.example>\nSubject: Printer {0}\n\n{1}\n"
    batch = take_in(engine, *[head.format(number, "z" * number) for number in range(30)])
    assert len(process(engine, batch, NOW)) == 30
    assert [many for about, many in asked if about == "times"] == [1]
    assert sum(many for about, many in asked if about == "letters") <= 3, "the sender, and two who work there"
