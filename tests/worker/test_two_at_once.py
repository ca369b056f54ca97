"""Two processes that take work from one database at the same moment: step by step, not by luck."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from store.desk import Desk, auto
from store.stores import furnish

from engine.model.plan import Outcome
from engine.model.stored import Spooled
from engine.store.place import Url
from engine.store.store import Store
from engine.worker.loop import make_tables
from engine.worker.sweeping import sweep

SOON = timedelta(seconds=1)


@pytest.fixture
def two(postgres_url: str) -> Iterator[tuple[Desk, Store]]:
    """A furnished desk, and the store of another process."""
    with Store.open(Url(postgres_url)) as mine, Store.open(Url(postgres_url)) as other:
        furnish(mine)
        make_tables(mine.database)
        yield Desk(mine), other


def later(work: object) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def test_mails_that_another_one_is_taking_are_left_to_it_and_nobody_waits(two: tuple[Desk, Store]) -> None:
    desk, other = two
    desk.store.ledger.unclaim(desk.spool(b"a", b"b", b"c"))
    with desk.store.writing():
        mine = desk.store.ledger.claim_any(2, desk.now, desk.store.owner)
        its = other.ledger.claim_any(9, desk.now, other.owner)
    assert (len(mine), len(its)) == (2, 1)
    assert {each.row for each in mine}.isdisjoint(each.row for each in its)


def test_mailboxes_that_another_one_is_taking_are_left_to_it(two: tuple[Desk, Store]) -> None:
    desk, other = two
    desk.store.visiting.expect(["system", "support"])
    with desk.store.writing():
        mine = desk.store.visiting.take_due(desk.store.owner, 1, desk.now)
        its = other.visiting.take_due(other.owner, 9, desk.now)
    assert sorted([each.name for each in (*mine, *its)]) == ["support", "system"]


def test_a_claim_for_one_mailbox_that_comes_second_gets_nothing(two: tuple[Desk, Store]) -> None:
    """`allegra run` beside a worker: it reads the rows before the worker's claim is committed, and waits for it."""
    desk, other = two
    desk.store.ledger.unclaim(desk.spool(b"a"))
    found: list[int] = []
    with desk.store.writing():
        mine = desk.store.ledger.claim_any(9, desk.now, desk.store.owner)
        thread = later(lambda: found.append(len(other.ledger.claim("system", 9, desk.now, other.owner).mails)))
        thread.join(0.5)
    thread.join(10)
    assert (len(mine), found) == (1, [0])


def test_a_row_that_another_one_is_about_to_send_is_not_sent_twice(two: tuple[Desk, Store]) -> None:
    desk, other = two
    desk.item("x", told=(auto("a@b.example"),))
    with desk.store.writing():
        mine = desk.store.outbox.claim(1, desk.now + SOON, desk.store.owner)
        its = other.outbox.claim(1, desk.now + SOON, other.owner)
    assert (len(mine), its) == (1, [])


def test_what_a_session_held_that_ended_is_given_back_by_the_sweep_after_a_while(
    two: tuple[Desk, Store], postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deciding import CONFIG

    from engine.config import parse

    desk, other = two
    desk.store.ledger.unclaim(desk.spool(b"a"))
    with Store.open(Url(postgres_url)) as dead:
        (mail,) = dead.ledger.claim_any(9, dead.database.clock(), dead.owner)
        dead.visiting.expect(["system"])
        assert dead.mailboxes.lease("system", dead.owner, dead.database.clock())
    config = parse(CONFIG, tmp_path / "allegra.toml")
    while other.database.is_alive(mail.owner):  # the server ends a session a moment after it was closed
        time.sleep(0.01)
    sweep(other, config)
    claimed = "SELECT owner IS NULL, attempts FROM inbound WHERE id = ?"
    assert other.database.rows(claimed, mail.row) == [(False, 1)], "its parent may know which mail was in hand"
    monkeypatch.setattr("engine.worker.sweeping.GRACE_S", -1.0)
    sweep(other, config)
    assert other.database.rows(claimed, mail.row) == [(True, 1)], "charged: nobody knows"
    assert other.visiting.is_due(other.database.clock())


@pytest.mark.parametrize("word", ["release", "replay"])
def test_a_mail_that_a_person_lets_go_on_is_decided_for_them_though_a_worker_hears_of_it(
    two: tuple[Desk, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    from deciding import CONFIG

    from engine.config import parse
    from engine.desk.acting import replay
    from engine.desk.held import release
    from engine.run.engine import Engine

    desk, other = two
    mail = desk.end(Outcome.HELD)
    reopen, taken = desk.store.ledger.reopen, list[Spooled]()

    def and_a_worker_looks(*values: object, **more: object) -> None:
        reopen(*values, **more)  # type: ignore[arg-type]
        taken.extend(other.ledger.claim_any(9, other.database.clock(), other.owner))

    monkeypatch.setattr(desk.store.ledger, "reopen", and_a_worker_looks)
    with closing(Engine(parse(CONFIG, tmp_path / "allegra.toml"), desk.store)) as engine:
        row = desk.store.archive.mail(mail)
        lines = [*(release(engine, [row], "anna") if word == "release" else replay(engine, row))]
    assert ([line.mail for line in lines], taken) == ([mail], [])
