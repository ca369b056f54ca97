"""Mailboxes that are taken up together: each is given back, whatever becomes of its visit or of the connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from engine.model.stored import Taken, Visited
from engine.store.database import time
from engine.store.errors import StoreError
from engine.store.place import Url
from engine.store.store import Store
from engine.worker import rounds
from engine.worker.rounds import AT_ONCE, Rounds

pytestmark = pytest.mark.server

MANY = AT_ONCE + 5


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """What others see meanwhile."""
    with Store.open(Url(postgres_url)) as looking:
        looking.visiting.expect([f"m{number:02}" for number in range(MANY)])
        yield looking


@pytest.fixture
def work(store: Store, postgres_url: str) -> Iterator[Rounds]:
    opened: list[Store] = []

    def another() -> Store:
        opened.append(Store.open(Url(postgres_url)))
        return opened[-1]

    hands = Rounds(another, ())
    yield hands
    hands.close()
    for each in opened:
        each.close()


def held(store: Store) -> set[str]:
    return {each.name for each in store.mailboxes.states() if each.holder}


def now(store: Store) -> datetime:
    return time(store.database.now())


def begun(work: Rounds) -> Taken:
    taken = work.next()
    assert taken is not None
    return taken


def ended(store: Store, taken: Taken, seconds: float = 60.0) -> Visited:
    return Visited(taken, now(store), now(store) + timedelta(seconds=seconds))


def test_mailboxes_are_taken_up_together_and_their_visits_noted_together(store: Store, work: Rounds) -> None:
    turns = [begun(work) for _ in range(AT_ONCE)]
    assert held(store) == {each.name for each in turns} and work.waiting == 0
    for taken in turns[:-1]:
        work.end(ended(store, taken))
    assert len(held(store)) == AT_ONCE
    work.end(ended(store, turns[-1]))
    assert held(store) == set()
    assert len([begun(work) for _ in range(MANY - AT_ONCE)]) == 5
    assert work.next() is None


def test_the_last_visits_are_noted_when_nothing_is_under_way(store: Store, work: Rounds) -> None:
    turns = [begun(work) for _ in range(AT_ONCE)]
    for taken in turns[:3]:
        work.end(ended(store, taken))
    work.tend()
    assert len(held(store)) == AT_ONCE, "not yet: others go on"
    for taken in turns[3:-1]:
        work.end(Visited(taken))
    while work.next() is not None:
        pass
    assert not work.is_anything_to_tend, "one is under way"


def test_a_visit_is_noted_after_a_moment_though_others_last(
    store: Store, work: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = begun(work)
    work.end(ended(store, taken))
    monkeypatch.setattr(rounds, "NOTED_S", 0.0)
    assert work.is_anything_to_tend
    work.tend()
    assert taken.name not in held(store)


def test_what_nobody_began_to_visit_is_given_to_others(
    store: Store, work: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = begun(work)
    monkeypatch.setattr(rounds, "UNBEGUN_S", 0.0)
    work.tend()
    assert held(store) == {taken.name}
    others = store.visiting.take_due(store.owner, MANY, now(store))
    assert len(others) == MANY - 1


def test_a_mailbox_in_which_more_lies_is_handed_out_again_at_once(store: Store, work: Rounds) -> None:
    while (taken := work.next()) is not None:
        work.end(ended(store, taken, 0.0 if taken.name == "m03" else 60.0), again=taken.name == "m03")
        if taken.name == "m03" and work.begun > MANY:
            break
    assert taken is not None


def test_what_could_not_be_noted_is_noted_later_where_nobody_else_came(
    store: Store, work: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [begun(work) for _ in range(2)]
    store.database.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                        " AND datname = current_database()")  # fmt: skip
    monkeypatch.setattr(rounds, "NOTED_S", 0.0)
    monkeypatch.setattr(rounds, "AWAY_S", 0.0)
    for taken in turns:
        work.end(ended(store, taken))
    for _ in range(2):
        try:
            work.tend()
        except StoreError:
            continue
    read = {each.name for each in store.mailboxes.states() if each.ok_at}
    assert read == {each.name for each in turns}


def test_closing_gives_everything_back_that_is_not_under_way(store: Store, postgres_url: str) -> None:
    hands = Rounds(lambda: Store.open(Url(postgres_url)), ())
    taken = begun(hands)
    hands.close()
    assert held(store) == {taken.name} and hands.next() is None
    hands.end(ended(store, taken))
    hands.close()
    assert held(store) == set()
