"""Questions that are foreseen go over together and have the answers they have by themselves (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.plan import AddComment, CreateItem, Outcome
from engine.model.whole import whole
from engine.store import hot
from engine.store.errors import Conflict
from engine.store.foreseeing import together

pytestmark = pytest.mark.server

ROWS = "SELECT ? AS one, n, '?' FROM generate_series(1, CAST(? AS bigint)) AS n WHERE n <> 3 ORDER BY n DESC"
ASKED = "SELECT title, 'it''s ?' FROM item WHERE id = ?"


@pytest.fixture
def trips(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that were sent, in their order."""
    database, sent = desk.store.database, list[str]()
    ask = database._asked
    monkeypatch.setattr(database, "_asked", lambda sql, params: sent.append(sql) or ask(sql, params))
    yield sent


def test_all_questions_of_a_statement_cost_one_trip_and_those_that_were_not_foreseen_one_each(desk, trips):
    made = [desk.item(f"Number {number}").item for number in range(4)]
    with desk.store.reading():
        for item in (*made[:3], 99):
            desk.store.database.foresee(ASKED, item)
        trips.clear()
        found = [desk.store.database.rows(ASKED, item) for item in (*made, 99)]
    assert found == [[(f"Number {number}", "it's ?")] for number in range(4)] + [[]]
    assert len(trips) == 2


WORDS = st.text(max_size=4) | st.sampled_from(["a", "\0", "ü", "\ud800"])


@given(asked=st.lists(st.tuples(WORDS, st.integers(0, 5)), max_size=6), wanted=st.lists(st.integers(0, 5), max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_that_was_foreseen_is_the_answer(desk, asked, wanted):
    database = desk.store.database
    with desk.store.reading():
        alone = [database.rows(ROWS, *each) for each in asked]
        for number in wanted:
            if number < len(asked):
                database.foresee(ROWS, *asked[number])
        assert [database.rows(ROWS, *each) for each in asked] == alone


def test_what_is_written_after_it_was_foreseen_is_seen(desk, trips):
    item, database = desk.item("Before").item, desk.store.database
    with desk.store.writing():
        for number in (item, item + 1):
            database.foresee(ASKED, number)
        assert database.one(ASKED, item)[0] == "Before"
        database.put("UPDATE item SET title = ? WHERE id = ?", "After", item)
        assert database.stored(ASKED, item)[0][0] == "Before", "to `stored` nothing matters that was put"
        assert database.one(ASKED, item)[0] == "After"
        database.run("UPDATE item SET title = ? WHERE id = ?", "Last", item)
        assert database.one(ASKED, item)[0] == "Last"


def test_nothing_is_known_behind_the_end_of_a_transaction_or_savepoint(desk, trips):
    item, database = desk.item("Before").item, desk.store.database
    with pytest.raises(RuntimeError), desk.store.writing():
        with pytest.raises(KeyError), desk.store.savepoint():
            database.run("UPDATE item SET title = 'Within' WHERE id = ?", item)
            database.foresee(ASKED, item)
            assert database.one(ASKED, item)[0] == "Within"
            raise KeyError
        assert database.one(ASKED, item)[0] == "Before"
        database.run("UPDATE item SET title = 'Within' WHERE id = ?", item)
        database.foresee(ASKED, item)
        assert database.one(ASKED, item)[0] == "Within"
        raise RuntimeError
    assert database.one(ASKED, item)[0] == "Before"
    database.foresee(ASKED, item)
    trips.clear()
    assert database.one(ASKED, item) and database.one(ASKED, item)
    assert len(trips) == 2, "outside of transactions nothing is kept"


def test_whoever_foresees_hears_the_answer_first_and_may_foresee_more(desk, trips):
    made, database = [desk.item("One").item, desk.item("Two").item], desk.store.database
    with desk.store.reading():
        for item in made:
            database.foresee(ASKED, item, then=lambda rows: database.foresee(hot.SIGNED, rows[0][0], "a", "b"))
        database.one(ASKED, made[0])
        trips.clear()
        assert [database.rows(hot.SIGNED, title, "a", "b") for title in ("One", "Two")] == [[], []]
        assert len(trips) == 1


def test_the_answers_of_a_statement_stand_in_its_own_order():
    text = together("SELECT a FROM b WHERE c = ? AND d = '?' ORDER BY e LIMIT ?", ("text", "bigint"))
    assert "c = asked.p0 AND d = '?' ORDER BY e LIMIT asked.p1" in text
    assert "unnest(CAST(? AS text[]), CAST(? AS bigint[])) WITH ORDINALITY AS asked(p0, p1, number)" in text


def test_a_new_item_goes_before_the_comments_that_were_put_before_it(desk):
    """A batch puts a comment on an item, then makes another one with a note of its own."""
    old = desk.item("Old").item
    mails = desk.spool(b"one", b"two")
    with desk.store.writing(noted=True):
        for spooled, *effects in (
            (mails[0], AddComment(old, "Still broken.", "jane")),
            (mails[1], CreateItem("support", "New", "", "jane"), AddComment(0, "By a rule.", "", internal=True)),
        ):
            outcome = Outcome.COMMENT if spooled is mails[0] else Outcome.CREATED
            plan, facts = desk.plan(effects, outcome, item=old if outcome is Outcome.COMMENT else 0)
            desk.store.commit(spooled, desk.mail(spooled), facts, plan, b"{}", "", "", None)
    assert desk.count("comment") == 2 and desk.count("item") == 2
    assert desk.count("comment", "item_id > (SELECT min(id) FROM item)") == 1


def test_new_rows_are_copied_whatever_they_hold_and_one_that_is_there_already_is_a_conflict(desk):
    database = desk.store.database
    values = ["plain", "ü 😀", "tab\tline\n\\N", "", "nul \0 and \ud800"]
    insert = "INSERT INTO listed (directory, address_key, at, answer) VALUES (?, ?, ?, ?)"
    with desk.store.writing():
        for number, text in enumerate(values * 3):
            database.put(insert, str(number), "a@example.com", number - 2**40, text)
    found = database.rows("SELECT at, answer FROM listed ORDER BY at")
    assert found == [(number - 2**40, whole(text).replace("\0", "\ufffd")) for number, text in enumerate(values * 3)]
    with pytest.raises(Conflict), desk.store.writing():
        for number in range(20, 10, -1):
            database.put(insert, str(number), "a@example.com", 0, "")
    with desk.store.writing(), desk.store.savepoint():
        for number in range(20, 10, -1):
            database.put(f"{insert} ON CONFLICT DO NOTHING", str(number), "a@example.com", 0, "")
    assert desk.count("listed") == 21
