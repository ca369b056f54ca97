"""What a row is about is read when it is composed, and a note is for people inside only."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from store.desk import Desk, answer, attachment, auto, furnish, notice

from engine.model.acts import Act
from engine.model.plan import AddComment, Attach, CreateItem, MergeItem, Outcome, PostToTopic, Publish, SetField
from engine.model.preferences import SIGNATURE
from engine.model.stored import OutboxContext, OutboxRow
from engine.store import hot
from engine.store.about import _LAST, About
from engine.store.memory import Memory
from engine.store.store import Store

PUBLIC, NOTE = "It is on its way.", "The customer pays late."
INSIDE, OUTSIDE = notice("anna@example.com"), answer("karl@example.com")


def about(desk: Any, told: Any = None) -> OutboxContext:
    """What the one row to be sent is about."""
    (row,) = desk.store.outbox.claim(9, desk.now, "me")
    return desk.store.outbox.context(row)


def say(
    desk: Any, item: int, text: str, *more: Any, internal: bool = False, told: Any = (), by: str = "bob", **kept: Any
) -> Any:  # fmt: skip
    (spooled,) = desk.spool(kept.pop("content", b""))
    outcome = Outcome.NOTE if internal else Outcome.COMMENT
    effects = (AddComment(item, text, by, internal), *more)
    return desk.commit(spooled, *effects, told=told, outcome=outcome, item=item, **kept)


def test_a_row_about_an_item_has_its_words_and_facts(desk):
    (spooled,) = desk.spool()
    fields = (("status", "In Progress"), ("type", "Incident"), ("priority", "High"), ("assigned_to", "bob"))
    made = CreateItem("support", "Printer", "It is on fire.", "jane", fields)
    desk.commit(spooled, made, told=(INSIDE,), message_id="<first@example.com>", name="Jane Doe")
    found = about(desk)
    assert (found.title, found.text, found.workspace) == ("Printer", "It is on fire.", "support")
    assert (found.status, found.type, found.priority, found.assigned_to) == ("In Progress", "Incident", "High", "bob")
    assert (found.requester, found.requester_address) == ("Jane Doe <jane@example.com>", "jane@example.com")
    assert (found.first_id, found.opened_at, found.quoted) == ("<first@example.com>", desk.now, "")


def test_an_answer_has_its_words_and_the_last_public_ones_of_who_gets_it(desk):
    item = desk.item().item
    desk.later(hours=1)
    say(desk, item, "First.", by="karl", sender="karl@example.com", name="Karl")
    said_at = desk.now
    desk.later(hours=1)
    say(desk, item, "Of somebody else.", by="eve", sender="eve@example.com")
    say(desk, item, NOTE, internal=True, sender="karl@example.com")
    say(desk, item, PUBLIC, told=(OUTSIDE,), by="anna", sender="anna@example.com")
    found = about(desk)
    assert (found.text, found.quoted, found.quoted_at) == (PUBLIC, "First.", said_at)
    assert found.quoted_from == "Karl <karl@example.com>"


def test_the_first_answer_quotes_the_item_to_who_opened_it_and_nothing_to_others(desk):
    item = desk.item().item
    opened = desk.now
    desk.later(hours=1)
    say(desk, item, PUBLIC, told=(answer(), OUTSIDE), by="anna", sender="anna@example.com")
    to_jane, to_karl = map(desk.store.outbox.context, desk.store.outbox.claim(9, desk.now, "me"))
    assert (to_jane.quoted, to_jane.quoted_from, to_jane.quoted_at) == ("It is on fire.", "Jane Doe", opened)
    assert (to_karl.text, to_karl.quoted, to_karl.quoted_from, to_karl.quoted_at) == (PUBLIC, "", "", None)


def test_what_somebody_wrote_from_another_address_of_theirs_or_by_an_act_is_quoted_to_them(desk):
    desk.store.directory.put_account("jane", emails=["jane@example.com", "jane@home.example"])
    item = desk.item().item
    say(desk, item, "From home.", by="jane", sender="jane@home.example")
    say(desk, item, PUBLIC, told=(answer(),), by="anna", sender="anna@example.com")
    assert about(desk).quoted == "From home."
    jane = desk.store.directory.person("jane")
    desk.store.act(Act(jane, (AddComment(item, "By command.", "jane", internal=False),), item), None)
    say(desk, item, PUBLIC, told=(answer(),), by="anna", sender="anna@example.com")
    (row,) = desk.store.outbox.claim(9, desk.now, "me")
    assert desk.store.outbox.context(row).quoted == "By command."


def test_words_that_were_written_in_somebody_s_name_by_a_colleague_are_not_quoted_to_them(desk):
    item = desk.item(sender="anna@example.com").item
    say(desk, item, "Called: she pays late.", by="jane", sender="anna@example.com")
    say(desk, item, PUBLIC, told=(answer(),), by="anna", sender="anna@example.com")
    assert about(desk).quoted == ""


def test_what_was_merged_into_an_item_is_quoted_to_who_wrote_it_only(desk):
    first = desk.item().item
    second = desk.item(sender="karl@example.com").item
    say(desk, second, "Of Karl.", by="karl", sender="karl@example.com")
    say(desk, second, "About the second.", told=(answer(), OUTSIDE), by="anna", sender="anna@example.com")
    desk.act(second, MergeItem(second, first))
    to_jane, to_karl = map(desk.store.outbox.context, desk.store.outbox.claim(9, desk.now, "me"))
    assert (to_jane.quoted, to_karl.quoted) == ("It is on fire.", "Of Karl.")


def test_words_that_were_changed_meanwhile_are_those_of_now(desk):
    item = desk.item().item
    say(desk, item, PUBLIC, told=(OUTSIDE,))
    desk.store.database.run("UPDATE comment SET text = 'Changed.'")
    assert about(desk).text == "Changed."


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("hearer", "words"), [(INSIDE, NOTE), (OUTSIDE, ""), (auto(), ""), (notice("karl@example.com", inside=False), "")]
)
def test_F119_the_words_of_a_note_are_for_people_inside(desk, hearer, words):
    item = desk.item().item
    say(desk, item, NOTE, SetField(item, "status", "Closed"), internal=True, told=(hearer,))
    found = about(desk)
    assert (found.text, found.quoted) == (words, "")


@pytest.mark.parametrize(("hearer", "files"), [(INSIDE, ["a.txt"]), (OUTSIDE, [])])
def test_F119_the_files_of_a_note_are_for_people_inside(desk, hearer, files):
    item = desk.item().item
    file = attachment(b"hello", b"aGVsbG8=", 0)
    say(desk, item, NOTE, Attach(item, file), internal=True, told=(hearer,), content=b"aGVsbG8=")
    assert [each.name for each in about(desk).files] == files


def test_a_note_that_a_person_made_public_is_for_everybody(desk):
    item = desk.item().item
    note = say(desk, item, NOTE, internal=True, told=(OUTSIDE,))
    desk.act(item, Publish(item, note.comment, "anna"))
    assert about(desk).text == NOTE


def test_a_comment_that_became_a_note_meanwhile_is_for_nobody_outside(desk):
    item = desk.item().item
    say(desk, item, NOTE, told=(OUTSIDE,))
    desk.store.database.run("UPDATE comment SET internal = TRUE")
    found = about(desk)
    assert (found.text, found.files, found.quoted) == ("", (), "")


def test_the_last_mail_of_a_recipient_is_none_that_became_a_note(desk):
    item = desk.item().item
    say(desk, item, "One.", sender="karl@example.com", message_id="<one@example.com>")
    say(desk, item, "Two.", sender="karl@example.com", message_id="<two@example.com>", internal=True)
    say(desk, item, "Three.", sender="eve@example.com", message_id="<three@example.com>", told=(OUTSIDE,))
    assert about(desk).last_id == "<one@example.com>"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_F119_no_word_of_any_note_is_in_what_a_row_for_somebody_outside_is_about(history):
    with Store.open(":memory:") as store:
        desk = Desk(store)
        store.database.clock = desk.clock
        furnish(store)
        item = desk.item().item
        for number, (internal, closes, by_rule) in enumerate(history):
            hearer = notice("karl@example.com", inside=False) if by_rule else OUTSIDE
            more = (SetField(item, "status", "Closed" if closes else "New"),)
            say(desk, item, f"secret {number}" if internal else f"open {number}", *more, internal=internal,
                told=(hearer, auto()))  # fmt: skip
        for row in store.outbox.claim(99, desk.now, "me"):
            assert "secret" not in str(store.outbox.context(row))


# ── what is remembered from row to row ────────────────────────────────────────────────────────────────────────

SIDES = (INSIDE, OUTSIDE, auto(), notice("karl@example.com", inside=False), answer("eve@example.com"))
EDITS = (
    "UPDATE comment SET text = text || '!', html = ''", "UPDATE comment SET internal = NOT internal",
    "UPDATE item SET title = title || '!', status = 'Closed'", "DELETE FROM comment WHERE id = 2",
    "UPDATE inbound SET subject = 'Other', message_id = message_id || 'x'", "UPDATE raw_mail SET content = NULL",
    "UPDATE account SET name = 'Somebody else'", "UPDATE item SET merged_into = 99",
    "INSERT OR IGNORE INTO item_copy (item_id, address) VALUES (1, 'copy@example.com')", "DELETE FROM preference",
    "UPDATE preference SET value = 'Greetings'", "UPDATE attachment SET name = 'other.txt'",
)  # fmt: skip


def talked_about(desk: Any) -> list[OutboxRow]:
    """Rows about two comments and a note, each for people inside and outside."""
    item = desk.item(told=SIDES).item
    desk.store.directory.put_preferences("anna", "", {SIGNATURE: "Anna"})
    file = attachment(b"hello", b"aGVsbG8=", 0)
    say(desk, item, PUBLIC, Attach(item, file), told=SIDES, content=b"aGVsbG8=", sender="karl@example.com",
        message_id="<karl@example.com>")  # fmt: skip
    say(desk, item, NOTE, internal=True, told=SIDES)
    say(desk, item, "It came.", told=SIDES, by="anna")
    return desk.store.outbox.claim(99, desk.now, "me")


def asked(desk: Any) -> list[str]:
    """The questions that the database gets from now on."""
    seen: list[str] = []
    asking = desk.store.database.rows

    def noting(sql: str, *params: Any) -> Any:
        seen.append(sql)
        return asking(sql, *params)

    desk.store.database.rows = noting
    return seen


def test_what_a_row_is_about_is_read_once_for_those_about_the_same_that_go_one_after_the_other(desk):
    item = desk.item().item
    people = tuple(notice(f"{name}@example.com") for name in ("anna", "bob", "karl"))
    say(desk, item, PUBLIC, told=people)
    seen, found = asked(desk), []
    while claimed := desk.store.outbox.claim(1, desk.now, "me"):
        found.append(desk.store.outbox.context(claimed[0]))
        desk.store.outbox.composed(claimed[0].id, f"<{claimed[0].id}@example.com>", b"bytes")
        desk.store.outbox.sent(claimed[0].id)
    assert len(found) == len(people) and all(each is found[0] for each in found)
    assert seen.count(hot.WORDS["comment"]) == seen.count(hot.ABOUT["item"]) == 1


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("by", ["this connection", "another connection"])
def test_what_was_read_for_a_row_is_forgotten_when_anybody_writes(file_desk, edit, by):
    rows = talked_about(file_desk)
    own = file_desk.store
    with Store.open(own.path) as other:
        for row in rows:
            own.outbox.context(row)
            writer = own if by == "this connection" else other
            with writer.writing():
                writer.database.run(edit)
            assert own.outbox.context(row) == About(other.database, Memory(other.database)).context(row)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_F119_what_a_row_is_about_is_as_if_it_was_read_anew_whatever_was_read_and_written_before(data):
    with Store.open(":memory:") as store:
        desk = Desk(store)
        store.database.clock = desk.clock
        furnish(store)
        rows = talked_about(desk)
        for _ in range(data.draw(st.integers(1, 15))):
            row = said_by(data.draw(st.sampled_from(rows)), data.draw(st.integers(0, 3)), data.draw(st.booleans()))
            how, edit = data.draw(st.sampled_from(("", "kept", "tried", "broken"))), data.draw(st.sampled_from(EDITS))
            if how == "kept":
                with store.writing():
                    store.database.run(edit)
            elif how == "tried":
                with store.rehearsal():
                    store.database.run(edit)
                    store.outbox.context(row)
            elif how == "broken":
                with store.writing(), suppress(RuntimeError), store.savepoint():
                    store.database.run(edit)
                    store.outbox.context(row)
                    raise RuntimeError
            found = store.outbox.context(row)
            store._memory.forget(_LAST)
            assert found == store.outbox.context(row)
            assert row.told.inside or NOTE not in str(found) or not is_note(store)


def said_by(row: OutboxRow, comment: int, inside: bool) -> OutboxRow:
    """The same row about other words, of anna or somebody outside."""
    told = replace(row.told, comment=comment, actor_inside=inside, actor_address="anna@example.com")
    return replace(row, told=told)


def is_note(store: Store) -> bool:
    return bool(store.database.one("SELECT max(internal) FROM comment WHERE text LIKE ?", f"{NOTE}%")[0])


def test_rows_about_the_same_words_have_the_signature_of_who_acts_and_the_last_mail_of_who_gets_them(desk):
    rows = talked_about(desk)
    (row,) = [each for each in rows if each.told.to == "karl@example.com" and each.told.comment == 3][:1]
    of_anna, of_nobody = (desk.store.outbox.context(said_by(row, 3, inside)) for inside in (True, False))
    assert (of_anna.signature, of_nobody.signature) == ("Anna", "")
    of_eve = replace(row, address_key="eve@example.com", told=replace(row.told, to="eve@example.com"))
    to_eve = desk.store.outbox.context(of_eve)
    assert (of_nobody.last_id, to_eve.last_id) == ("<karl@example.com>", "")


def test_long_words_are_remembered_of_one_row_only(desk):
    item = desk.item().item
    for number in range(20):
        say(desk, item, f"{number}" * 100_000, told=(INSIDE,))
    rows = desk.store.outbox.claim(99, desk.now, "me")
    desk.store.outbox.context(rows[0])
    kept = desk.store._memory._remembered
    before = len(kept)
    for row in rows:
        assert len(desk.store.outbox.context(row).text) >= 100_000
        assert (len(kept), len(str(kept)) < 400_000) == (before, True)


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_of_a_comment_go_with_it_and_those_of_the_item_do_not(desk):
    content = b"aGVsbG8="
    file = attachment(b"hello", content, 0, "of the item.txt")
    item = desk.item("x", Attach(0, file), told=(INSIDE,), content=content).item
    assert [(each.name, each.size_bytes, each.digest) for each in about(desk).files] == [
        ("of the item.txt", 5, hashlib.sha256(b"hello").hexdigest())
    ]
    other = attachment(b"hello", content, 8, "of the comment.txt")
    say(desk, item, PUBLIC, Attach(item, other), told=(OUTSIDE,), content=b"        " + content)
    assert [each.name for each in about(desk).files] == ["of the comment.txt"]


# ── topics, and what is gone ──────────────────────────────────────────────────────────────────────────────────


def test_a_row_about_a_topic_has_the_words_of_its_post(desk):
    desk.store.database.run("INSERT INTO topic (id, workspace_id, title, created_at) VALUES (7, 1, 'Which?', 0)")
    (spooled,) = desk.spool()
    desk.commit(spooled, PostToTopic(7, "This one.", "jane"), told=(INSIDE,), outcome=Outcome.COMMENT, item=7)
    found = about(desk)
    assert (found.topic, found.item, found.title, found.text) == (7, 0, "Which?", "This one.")


def test_what_is_gone_leaves_less(desk):
    item = desk.item().item
    say(desk, item, PUBLIC, told=(OUTSIDE,))
    desk.store.database.run("DELETE FROM comment")
    found = about(desk)
    assert (found.title, found.text, found.files) == ("Printer", "", ())


def test_an_item_that_is_gone_has_no_title(desk):
    desk.item(told=(INSIDE,))
    (row,) = desk.store.outbox.claim(9, desk.now, "me")
    desk.store.database.run("DELETE FROM effect")
    desk.store.database.run("DELETE FROM item")
    assert (desk.store.outbox.context(row).item, desk.store.outbox.context(row).title) == (0, "")


def test_the_name_and_the_chain_of_a_mail_are_read_as_long_as_its_bytes_are_there(desk):
    content = b"From: =?utf-8?q?J=C3=A4ne?= <jane@example.com>\nReferences: <a@x>\n <b@x>\n\n<c@x>"
    receipt = desk.item(told=(auto(),), content=content, action="")
    (row,) = desk.store.outbox.claim(9, desk.now, "me")
    found = desk.store.outbox.context(row)
    assert (found.name, found.references, found.mailbox) == ("Jäne", ("<a@x>", "<b@x>"), "system")
    desk.store.archive.purge(receipt.mail)
    found = desk.store.outbox.context(row)
    assert (found.name, found.references, found.sender) == ("", (), "")
