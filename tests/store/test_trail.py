"""Two processes at one database: each forgets what the other touched, and nothing else, and never too little."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store.desk import GATE, NOW, Desk, auto, furnish, notice

from engine.model.changes import Versions
from engine.model.draft import Disposition, Role, Verdict
from engine.model.events import Kind
from engine.model.facts import Facts, Sender
from engine.model.hearing import AUTOMATIC
from engine.model.mail import Address
from engine.model.plan import AddComment, AddLabel, AddPerson, CreateUser, NewUser, Outcome, Plan, SetField
from engine.model.questions import (
    AccountOf,
    CatalogOf,
    EarlierMail,
    GroupNamed,
    ItemByField,
    ItemByMessageIds,
    ItemByNumber,
    May,
    NumberGiven,
    Question,
)
from engine.store.database import us
from engine.store.scene import REPEAT_MAILS, Scene
from engine.store.sqlite import Sqlite
from engine.store.store import Store
from engine.store.trail import LEFT_AT_ONCE, MOST_LEFT

FINGERPRINT, END = "f" * 32, NOW + timedelta(seconds=1)


@pytest.fixture
def two(file_desk: Desk) -> Iterator[tuple[Desk, Desk]]:
    """A process that looks, and another one that writes."""
    with Store.open(file_desk.store.path, clock=file_desk.clock) as other:
        yield file_desk, Desk(other, file_desk.now, numbers=iter(range(5000, 10_000)))


def scene_of(store: Any) -> Scene:
    return Scene(store.database, store.directory, store._memory)


def ask(store: Any, question: Question[Any]) -> Any:
    """What a decision would hear."""
    if isinstance(question, AccountOf):
        return store.directory.account(question.address, question.separators)
    if isinstance(question, GroupNamed):
        return store.directory.group(question.name)
    if isinstance(question, May):
        return store.directory.may(question.login, question.permission, question.workspace)
    if isinstance(question, CatalogOf):
        return store.items.catalog(question.workspace)
    if isinstance(question, ItemByNumber):
        return store.items.item(question.item)
    if isinstance(question, NumberGiven):
        return store.items.given(question.number, question.topic)
    if isinstance(question, ItemByField):
        return store.items.item_by_field(question.name, question.value)
    if isinstance(question, ItemByMessageIds):
        return store.ledger.item_by_message_ids(question.message_ids)
    assert isinstance(question, EarlierMail)
    return store.ledger.duplicate(question.workspace, question.fingerprint, now=NOW)


def reached(store: Any, since: Versions, question: Question[Any], answer: Any) -> bool:
    """Tell whether a commit would ask a question again."""
    return bool(store.changed_since(since).reach(question.depends_on, question.hangs_on(answer)))


@contextmanager
def statements(store: Any) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    ran: list[str] = []
    execute = store.database._execute
    store.database._execute = lambda sql, params: ran.append(sql) or execute(sql, params)
    yield ran
    store.database._execute = execute


def rows(store: Any) -> list[tuple[int, bool]]:
    return [(number, bool(told)) for number, told in store.database.rows("SELECT id, notes IS NOT NULL FROM trail")]


# ── what another process writes is seen by the next decision ──────────────────────────────────────────────────


def test_an_account_that_another_process_changed_is_seen(two):
    mine, theirs = two
    question = AccountOf("bob@example.com", "")
    answer, since = ask(mine.store, question), mine.store.versions()
    theirs.store.directory.put_account("bob", emails=["robert@example.com"])
    assert reached(mine.store, since, question, answer)
    assert ask(mine.store, question).account is None


def test_an_account_that_the_mail_of_another_process_made_is_seen(two):
    mine, theirs = two
    question = AccountOf("new@example.org", "")
    answer, since = ask(mine.store, question), mine.store.versions()
    (spooled,) = theirs.spool()
    theirs.commit(spooled, CreateUser(NewUser(Address("new@example.org"), "New", "One")), outcome=Outcome.DISCARDED)
    assert reached(mine.store, since, question, answer)
    assert ask(mine.store, question).account is not None


def test_a_preference_and_a_mute_that_another_process_wrote_are_seen(two):
    mine, theirs = two
    scene = scene_of(mine.store)
    bob = mine.store.directory.login("bob").id
    assert scene.preference(bob, "support", "new") == "" and not scene.is_muted("a@example.com", 7)
    theirs.store.directory.put_preferences("bob", "support", {"new": "none"})
    with theirs.store.joining():
        theirs.store.database.run("INSERT INTO mute VALUES ('a@example.com', 7, ?, 'x')", us(NOW) + 1_000_000)
    scene.look_anew()
    assert scene.preference(bob, "support", "new") == "none" and scene.is_muted("a@example.com", 7)


def test_a_mute_that_another_process_wrote_with_a_mail_is_seen(two):
    """Equal mails of one sender are found out by a commit, which says what it touched."""
    mine, theirs = two
    scene, other = scene_of(mine.store), scene_of(theirs.store)
    assert not scene.is_muted("jane@example.com", AUTOMATIC)
    for _ in range(REPEAT_MAILS):
        theirs.item(says="I am on holiday")
    (spooled,) = theirs.spool()
    with theirs.store.writing(noted=True):
        theirs.store.database.run(
            "UPDATE inbound SET (sender, body_key, decided_at) = (SELECT sender, body_key, decided_at FROM inbound) "
            "WHERE id = ?",
            spooled.row,
        )
        assert other.is_repeating("jane@example.com", spooled.row)
    scene.look_anew()
    assert ("jane@example.com", AUTOMATIC) in scene._memory.remember(("muted",), scene._muted)


def test_an_item_that_another_process_changed_is_seen_and_others_are_not_asked_again(two):
    mine, theirs = two
    item, other = mine.item().item, mine.item().item
    asked = {number: ask(mine.store, ItemByNumber(number)) for number in (item, other)}
    since = mine.store.versions()
    (spooled,) = theirs.spool()
    theirs.commit(spooled, AddComment(item, "x", "bob"), outcome=Outcome.COMMENT, item=item)
    assert reached(mine.store, since, ItemByNumber(item), asked[item])
    assert not reached(mine.store, since, ItemByNumber(other), asked[other])


def test_what_a_person_did_elsewhere_is_seen(two):
    mine, theirs = two
    item = mine.item().item
    answer, since = ask(mine.store, ItemByNumber(item)), mine.store.versions()
    theirs.act(item, SetField(item, "status", "closed"))
    assert reached(mine.store, since, ItemByNumber(item), answer)


def test_an_equal_mail_that_another_process_decided_is_seen(two):
    mine, theirs = two
    question = EarlierMail("support", FINGERPRINT)
    answer, since = ask(mine.store, question), mine.store.versions()
    theirs.item(fingerprint="a" * 32)
    assert not reached(mine.store, since, question, answer)
    mail = theirs.item(fingerprint=FINGERPRINT).mail
    assert reached(mine.store, since, question, answer)
    assert ask(mine.store, question) == mail


def test_the_mail_that_a_reply_answers_is_seen_when_another_process_decided_it(two):
    mine, theirs = two
    question = ItemByMessageIds(("<a@example.com>",))
    answer, since = ask(mine.store, question), mine.store.versions()
    item = theirs.item(message_id="<a@example.com>").item
    assert reached(mine.store, since, question, answer)
    assert ask(mine.store, question).item.id == item


# ── nothing else is forgotten ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_remembered_of_people_outlives_the_mails_of_another_process(two):
    mine, theirs = two
    ask(mine.store, AccountOf("bob@example.com", ""))
    theirs.item(told=(auto(), notice()))
    mine.store.versions()
    with statements(mine.store) as ran:
        assert ask(mine.store, AccountOf("bob@example.com", "")).account.login == "bob"
    assert ran == []


def test_counts_are_right_after_the_mails_of_another_process_without_reading_them_again(two):
    mine, theirs = two
    scene = scene_of(mine.store)
    mine.item(told=(auto(),))
    with mine.store.reading():
        assert scene.written(Kind.AUTO) == 1
        assert mine.store.ledger.sender_rate("jane@example.com", 3600, mine.later(seconds=1)) == 1
    theirs.item(told=(auto(),))
    with mine.store.reading(), statements(mine.store) as ran:
        assert scene.written(Kind.AUTO) == 2
        assert mine.store.ledger.sender_rate("jane@example.com", 3600, mine.later(seconds=1)) == 2
    assert [sql for sql in ran if "trail" not in sql and "data_version" not in sql] == []


def test_counts_outside_a_transaction_are_not_added_to(two):
    """What came between looking and counting would be counted twice."""
    mine, theirs = two
    scene = scene_of(mine.store)
    mine.store.versions()
    theirs.item(told=(auto(),))
    assert scene.written(Kind.AUTO) == mine.store.ledger.sender_rate("jane@example.com", 60, mine.later(seconds=1)) == 1
    with mine.store.reading():
        assert scene.written(Kind.AUTO) == 1
        assert mine.store.ledger.sender_rate("jane@example.com", 60, mine.now) == 1


def test_what_wrote_nothing_leaves_nothing(file_desk):
    before = rows(file_desk.store)
    with file_desk.store.writing():
        file_desk.store.directory.login("bob")
    assert rows(file_desk.store) == before


# ── never too little ──────────────────────────────────────────────────────────────────────────────────────────


def forgets_all(mine: Desk, write: Callable[[], object]) -> bool:
    """Tell whether nothing of an answer is trusted any more after a write."""
    question = AccountOf("bob@example.com", "")
    answer, since = ask(mine.store, question), mine.store.versions()
    write()
    all_of_it = reached(mine.store, since, question, answer)
    with statements(mine.store) as ran:
        ask(mine.store, question)
    assert bool(ran) == all_of_it
    return all_of_it


def test_what_does_not_say_what_it_touched_may_have_touched_anything(two):
    mine, theirs = two

    def write() -> None:
        with theirs.store.writing():
            theirs.store.database.run("UPDATE mailbox SET name = name")
            theirs.store.database.run("INSERT INTO turn (name) VALUES ('x')")

    assert forgets_all(mine, write)
    assert not forgets_all(mine, theirs.item)


def test_what_no_store_wrote_may_be_anything(two):
    mine, _ = two

    def by_hand() -> None:
        with sqlite3.connect(mine.store.path) as connection:
            connection.execute("UPDATE account SET name = 'Robert' WHERE login = 'bob'")
        connection.close()

    assert forgets_all(mine, by_hand)
    assert ask(mine.store, AccountOf("bob@example.com", "")).account.name == "Robert"


def test_whoever_did_not_look_for_long_forgets_all_and_few_rows_stay(two):
    mine, theirs = two

    def much() -> None:
        for _ in range(MOST_LEFT + LEFT_AT_ONCE + 1):
            with theirs.store.writing(noted=True):
                theirs.store.database.run("UPDATE mailbox SET name = name")
                theirs.store.database.run("INSERT OR REPLACE INTO turn (name) VALUES ('x')")

    assert forgets_all(mine, much)
    assert MOST_LEFT <= len(rows(mine.store)) <= MOST_LEFT + LEFT_AT_ONCE


def test_a_row_that_is_missing_may_have_told_of_anything(two):
    mine, theirs = two

    def two_of_which_one_is_gone() -> None:
        theirs.item()  # spooled and committed
        with sqlite3.connect(mine.store.path) as connection:
            connection.execute("DELETE FROM trail WHERE id = (SELECT max(id) - 1 FROM trail)")
        connection.close()

    assert forgets_all(mine, two_of_which_one_is_gone)
    assert not forgets_all(mine, theirs.item)


def test_a_backup_in_place_of_the_database_makes_everybody_forget_all(two, tmp_path):
    from engine.store.restoring import restore

    mine, theirs = two
    mine.store.archive.backup(tmp_path / "backup")
    theirs.item()
    assert forgets_all(mine, lambda: restore(mine.store.path, tmp_path / "backup"))
    assert not forgets_all(mine, theirs.item)


def test_what_is_taken_back_leaves_no_row_and_what_is_in_part_leaves_one_without_notes(two):
    mine, theirs = two
    theirs.item()
    before = rows(mine.store)
    with suppress(ZeroDivisionError), theirs.store.writing(noted=True):
        theirs.store.directory.put_account("gone")
        raise ZeroDivisionError
    assert rows(mine.store) == before
    with theirs.store.writing(noted=True):
        theirs.store.directory.put_account("there")
        with suppress(ZeroDivisionError), theirs.store.savepoint():
            raise ZeroDivisionError
    assert rows(mine.store) == [*before, (before[-1][0] + 1, False)]
    theirs.item()
    assert rows(mine.store)[-1] == (before[-1][0] + 3, True)  # spooled and committed


def test_half_a_letter_in_a_message_id_is_no_harm(two):
    mine, theirs = two
    assert forgets_all(mine, lambda: theirs.item(message_id="<\ud800@example.com>"))


def test_an_upgrade_and_a_heartbeat_write_without_a_store(file_desk):
    """Nobody has a store meanwhile, and a lease is nothing that is remembered."""
    database = Sqlite(file_desk.store.path)
    database.connect()
    before = rows(file_desk.store)
    with database.writing():
        database.run("UPDATE mailbox SET lease_until = 1")
    database.close()
    assert rows(file_desk.store) == before


# ── the law ───────────────────────────────────────────────────────────────────────────────────────────────────

QUESTIONS: Sequence[Question[Any]] = (
    AccountOf("jane@example.com", ""), AccountOf("new@example.org", ""), GroupNamed("late"), CatalogOf("support"),
    May("bob", "edit_items", "support"), *[ItemByNumber(number) for number in (1, 2, 3)], NumberGiven(3, False),
    ItemByField("order", "7"), *[ItemByMessageIds((f"<{number}@example.com>",)) for number in range(4)],
    EarlierMail("support", FINGERPRINT),
)  # fmt: skip

SENDERS = ("jane@example.com", "bob@example.com", "eve@example.org")

WRITES = (
    "item", "equal", "comment", "label", "user", "spool", "account", "group", "member", "preference", "mute", "act",
    "role", "undone", "in part",
)  # fmt: skip


def write(desk: Desk, what: str, number: int) -> None:
    """Do something that somebody may have asked about."""
    store, sender, item = desk.store, SENDERS[number % 3], number % 3 + 1
    told = {"told": (auto(sender),), "sender": sender, "message_id": f"<{number % 4}@example.com>"}
    if what == "item":
        desk.item("x", fields=(("order", str(number % 9)),), **told)
    elif what == "equal":
        desk.item("x", fingerprint=FINGERPRINT, **told)
    elif what in ("comment", "label", "role") and store.items.item(item) is not None:
        (spooled,) = desk.spool()
        effect = {"comment": AddComment(item, "x", ""), "label": AddLabel(item, str(number)),
                  "role": AddPerson(item, "bob", Role.WATCHER)}[what]  # fmt: skip
        desk.commit(spooled, effect, outcome=Outcome.COMMENT, item=item, **told)
    elif what == "user":
        (spooled,) = desk.spool()
        user = NewUser(Address("new@example.org"), "New", "One")
        desk.commit(spooled, CreateUser(user), outcome=Outcome.DISCARDED, sender=sender)
    elif what == "spool":
        desk.spool()
    elif what == "account":
        store.directory.put_account("jane", name=f"Jane {number}")
    elif what == "group":
        store.directory.put_group(("late", "Late")[number % 2])
    elif what == "member":
        store.directory.put_role("agent", ("edit_items",))
        store.directory.put_member("support", "agent", user=("bob", "jane")[number % 2])
    elif what == "preference":
        store.directory.put_preferences("bob", "support", {"new": ("none", "all")[number % 2]})
    elif what == "mute":
        with store.joining():
            store.database.run("INSERT OR REPLACE INTO mute VALUES (?, 0, ?, 'x')", sender, us(NOW) + 10**9)
            store._memory.forget(("muted",))
    elif what == "act" and store.items.item(item) is not None:
        desk.act(item, SetField(item, "status", ("closed", "new")[number % 2]))
    elif what == "undone":
        with suppress(ZeroDivisionError), store.rehearsal():
            desk.item("x", **told)
            raise ZeroDivisionError
    elif what == "in part":
        first, second = *desk.spool(), *desk.spool()
        with store.writing(noted=True):
            with suppress(ZeroDivisionError), store.savepoint():
                _hold(desk, first, sender)
                raise ZeroDivisionError
            with store.savepoint():
                _hold(desk, second, sender)


def _hold(desk: Desk, spooled: Any, sender: str) -> None:
    plan = Plan(Disposition(Verdict.HOLD, "gate.dmarc", "so", GATE), Outcome.HELD, "support")
    facts = Facts("system", "support", Sender(Address(sender)))
    desk.store.commit(spooled, desk.mail(spooled), facts, plan, b"{}", "", "")


def everything(store: Any) -> tuple[Any, ...]:
    """All that decisions and the question of who hears may ask, in one state of the database."""
    scene = scene_of(store)
    with store.reading():
        store.versions()
        bob = store.directory.login("bob")
        return (
            *[ask(store, question) for question in QUESTIONS],
            [each.login for each in scene.members("support")], scene.preference(bob.id, "support", "new"),
            [scene.is_muted(sender, 0) for sender in SENDERS], scene.is_suspended("jane@example.com"),
            {value: [each.login for each in who] for value, who in scene.who_wait("support", "all").items()},
            [scene.written(kind) for kind in Kind],
            [scene.written(kind, sender) for kind in Kind for sender in SENDERS],
            [store.ledger.sender_rate(sender, 600, END, "") for sender in SENDERS],
            store.ledger.total_rate(600, END),
        )  # fmt: skip


STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from((*WRITES, "look")), st.integers(0, 40)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_two_stores_in_any_order_of_writes_say_what_one_says_that_remembers_nothing(steps: Any) -> None:
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "a", clock=lambda: NOW) as first, \
            Store.open(Path(folder) / "a", clock=lambda: NOW) as second:  # fmt: skip
        desks = (Desk(first), Desk(second, numbers=iter(range(5000, 10_000))))
        furnish(first)
        asked = [(store.versions(), [ask(store, each) for each in QUESTIONS]) for store in (first, second)]
        for whose, what, number in [*steps, (False, "look", 0), (True, "look", 0)]:
            if what != "look":
                write(desks[whose], what, number)
                continue
            store = desks[whose].store
            since, before = asked[whose]
            reach = [
                reached(store, since, question, answer) for question, answer in zip(QUESTIONS, before, strict=True)
            ]
            with Store.open(Path(folder) / "a", clock=lambda: NOW) as fresh:
                true = everything(fresh)
            assert everything(store) == true
            for question, old, new, is_reached in zip(QUESTIONS, before, true, reach, strict=False):
                assert old == new or is_reached, question
            asked[whose] = store.versions(), [ask(store, each) for each in QUESTIONS]
