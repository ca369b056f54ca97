"""What people do to items: judged as mail is, told as mail is, done once for a key, refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from manned import CONFIG, an_engine, by

from engine.desk import heard, items, preferences
from engine.desk.doing import done
from engine.desk.item_act import found
from engine.desk.items import File
from engine.model.acts import Act, Acted
from engine.model.draft import Role
from engine.model.plan import AddComment
from engine.outbox.contents import letter
from engine.outbox.letter import Letter
from engine.run.engine import Engine
from engine.store.errors import NotFound, Refused, Unclear
from engine.store.load import load as load_data


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path)


def told(acted: Acted) -> dict[str, str]:
    return {each.to: each.why or f"{each.kind} {each.state}" for each in acted.told}


def events(acted: Acted) -> list[str]:
    return [each.event for each in acted.events]


def changes(acted: Acted) -> list[tuple[str, str, str]]:
    return [(each.name, each.before, each.after) for event in acted.events for each in event.changes]


def letter_to(engine: Engine, acted: Acted, to: str) -> Letter:
    (number,) = [each.id for each in acted.told if each.to == to]
    return letter(engine.store.outbox.row(number), engine.store, engine.config, engine.store.database.clock())


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_reaches_the_customer_and_those_who_take_part_once(engine: Engine) -> None:
    items.join(engine, 12, "bob", Role.WATCHER, by(engine, "bob"))
    acted = items.answer(engine, 12, "New toner is on its way.", by(engine), close=True)
    assert events(acted) == ["item.answered", "item.closed"]
    assert changes(acted) == [("status", "New", "Closed")]
    assert told(acted) == {
        "jane@big.example": "answer queued", "bob@example.com": "notice queued", "anna@example.com": "actor"
    }  # fmt: skip
    (comment,) = engine.store.items.view(12).comments
    assert (comment.text, comment.internal, comment.author) == ("New toner is on its way.", False, "anna")
    assert engine.store.items.view(12).closed_at is not None


def test_files_go_with_an_answer_and_their_type_is_judged_by_their_bytes(engine: Engine) -> None:
    items.answer(engine, 12, "See the photo.", by(engine), [File("../photo.png", b"\x89PNG\r\n\x1a\n" + b"0" * 20)])
    (file,) = engine.store.items.view(12).attachments
    assert (file.name, file.content_type, file.comment) == ("photo.png", "image/png", 1)
    assert engine.store.items.blob(file.digest).startswith(b"\x89PNG")


@pytest.mark.parametrize("act", [items.answer, items.note, items.draft])
def test_an_empty_file_is_named_and_nothing_is_written(engine: Engine, act: Any) -> None:
    with pytest.raises(Unclear, match=r"nothing\.txt is empty"):
        act(engine, 12, "See the file.", by(engine), [File("a.txt", b"a"), File("nothing.txt", b"")])
    assert (engine.store.items.view(12).comments, engine.store.items.view(12).attachments) == ((), ())


def test_an_answer_that_nobody_outside_would_get_is_refused_with_the_reason(engine: Engine) -> None:
    engine.store.directory.put_account("jane", status="locked")
    with pytest.raises(Refused, match=r"nobody outside would get this answer to #12 .*locked.*--anyway"):
        items.answer(engine, 12, "Hello", by(engine))
    assert engine.store.items.view(12).comments == (), "nothing was written"
    assert events(items.answer(engine, 12, "Hello", by(engine, anyway=True))) == ["item.answered"]


def test_an_answer_of_somebody_who_does_not_work_there_is_refused_for_that_and_nothing_is_advised_against_it(
    engine: Engine,
) -> None:
    engine.store.items.put_workspace("support", public=True)
    with pytest.raises(Refused, match=r"^karl has no role in support that may edit items.* answer to #12$"):
        items.answer(engine, 12, "Hello", by(engine, "karl"))
    assert engine.store.items.view(12).comments == (), "nothing was written"


def test_an_answer_where_nobody_outside_is_on_the_item_is_refused_for_that(engine: Engine) -> None:
    load_data(engine.store, {"items": [{"id": 7, "workspace": "support", "title": "Other", "author": "bob"}]})
    with pytest.raises(Refused, match=r"there is nobody outside on it"):
        items.answer(engine, 7, "Hello", by(engine))


def test_an_answer_is_refused_with_the_switch_that_keeps_people_from_hearing(tmp_path: Path) -> None:
    for engine in an_engine(tmp_path, f"{CONFIG}\n[notify]\nenabled = false\n"):
        with pytest.raises(Refused, match=r"\(notify\.enabled is false\)"):
            items.answer(engine, 12, "Hello", by(engine))


def test_a_copy_joins_and_gets_the_answer(engine: Engine) -> None:
    acted = items.answer(engine, 12, "Hello", by(engine), copy_to=["karl"])
    assert told(acted)["karl@big.example"] == "answer queued"
    assert ("karl", "reader") in engine.store.items.view(12).people


def test_a_note_stays_inside(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    items.join(engine, 12, "karl", Role.READER, by(engine))
    acted = items.note(engine, 12, "He called again.", by(engine))
    assert told(acted) == {"bob@example.com": "notice queued", "karl@big.example": "outside"}
    assert engine.store.items.view(12).comments[0].internal


def test_a_note_that_is_published_is_heard_as_an_answer(engine: Engine) -> None:
    number = items.note(engine, 12, "Toner is out.", by(engine)).comment
    acted = items.publish(engine, 12, number, by(engine))
    assert events(acted) == ["item.answered"]
    assert told(acted) == {"jane@big.example": "answer queued"}
    with pytest.raises(Refused, match="public already"):
        items.publish(engine, 12, number, by(engine))
    with pytest.raises(NotFound, match="has no note 99"):
        items.publish(engine, 12, 99, by(engine))


def test_a_colleague_s_note_that_is_published_goes_out_as_theirs_and_they_hear_of_it(engine: Engine) -> None:
    number = items.note(engine, 12, "Toner is out.", by(engine)).comment
    acted = items.publish(engine, 12, number, by(engine, "bob"))
    assert told(acted) == {"jane@big.example": "answer queued", "anna@example.com": "notice queued"}
    to_jane, to_anna = (letter_to(engine, acted, to) for to in ("jane@big.example", "anna@example.com"))
    assert to_jane.display == "Anna Berg via Help" and to_jane.values["author"] == ""
    assert to_anna.display == "Bob Lund via Help" and to_anna.values["author"] == "Anna Berg"
    said = str(to_anna.values["sentence"])
    assert said == "Bob Lund hat eine Notiz von Anna Berg zu [#12] „Printer broken“ öffentlich gemacht."
    assert to_anna.values["changes"] == [], "what was done is told in words"


@pytest.mark.parametrize(("relay", "karl"), [("inside", "outside"), ("everybody", "answer queued")])
def test_what_somebody_outside_wrote_is_published_as_their_words(tmp_path: Path, relay: str, karl: str) -> None:
    for engine in an_engine(tmp_path, f'{CONFIG}[notify]\nrelay = "{relay}"\n'):
        items.assign(engine, 12, "anna", by(engine))
        items.join(engine, 12, "karl", Role.READER, by(engine))
        jane = engine.store.directory.person("jane")
        assert jane is not None
        note = AddComment(12, "It is 12345.", "jane", internal=True)
        number = engine.store.act(Act(jane, (note,), 12), engine.teller).comment
        acted = items.publish(engine, 12, number, by(engine, "bob"), authorise=True)
        assert events(acted) == ["item.commented"]
        assert told(acted) == {
            "anna@example.com": "notice queued", "jane@big.example": "actor", "karl@big.example": karl,
        }  # fmt: skip
        assert letter_to(engine, acted, "anna@example.com").values["author"] == "Jane Doe"
        if relay == "everybody":
            assert letter_to(engine, acted, "karl@big.example").display == "Jane Doe (big.example) via Help"


def test_a_note_of_somebody_without_an_account_is_published_as_theirs(engine: Engine) -> None:
    items.assign(engine, 12, "anna", by(engine))
    number = items.note(engine, 12, "Me too.", by(engine)).comment
    engine.store.database.run("UPDATE comment SET author_id = NULL, sender = 'Max Roe <max@other.example>'")
    acted = items.publish(engine, 12, number, by(engine, "bob"), authorise=True)
    assert events(acted) == ["item.commented"]
    assert told(acted) == {
        "anna@example.com": "notice queued", "jane@big.example": "outside", "max@other.example": "actor",
    }  # fmt: skip
    assert letter_to(engine, acted, "anna@example.com").values["author"] == "Max Roe"
    engine.store.database.run(
        "INSERT INTO item_person (item_id, account_id, role) SELECT 12, id, 'reader' FROM account WHERE login = 'karl'"
    )
    assert heard.of_item(engine.store, engine.config, 12, "karl").why == "would_not", "it is asked as it was"


def test_what_a_customer_writes_by_a_face_is_a_comment_not_an_answer(engine: Engine) -> None:
    acted = items.answer(engine, 12, "Still on fire.", by(engine, "jane", anyway=True))
    assert events(acted) == ["item.commented"]
    assert told(acted) == {"anna@example.com": "notice queued", "bob@example.com": "notice queued"}


@pytest.mark.parametrize("words", ["", " \n\t"])
def test_no_words_are_no_answer(engine: Engine, words: str) -> None:
    with pytest.raises(Unclear, match="no words"):
        items.answer(engine, 12, words, by(engine))


# ── state ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_gets_an_item_hears_of_it_and_who_had_it_too(engine: Engine) -> None:
    assert told(items.assign(engine, 12, "bob", by(engine))) == {"bob@example.com": "notice queued"}
    acted = items.assign(engine, 12, "group:onsite", by(engine))
    assert changes(acted) == [("assigned_to", "bob", "group:onsite")]
    assert told(items.assign(engine, 12, "-", by(engine))) == {"bob@example.com": "notice queued"}


@pytest.mark.parametrize("public", [False, True])
def test_an_item_is_not_given_to_somebody_who_does_not_work_there(engine: Engine, public: bool) -> None:
    engine.store.items.put_workspace("support", public=public)
    for act in (lambda: items.assign(engine, 12, "jane@big.example", by(engine)),
                lambda: items.set_values(engine, 12, [("priority", "High"), ("assignee", "karl")], by(engine)),
    ):  # fmt: skip
        with pytest.raises(Refused, match=r"^assigned_to: (jane|karl) has no role in support that may edit items"):
            act()
    assert engine.store.history.of_item(12) == []
    engine.store.directory.put_member("support", "agent", user="karl")
    assert changes(items.assign(engine, 12, "karl", by(engine))) == [("assigned_to", "", "karl")]


def test_an_owner_and_an_admin_have_items_without_a_role(tmp_path: Path) -> None:
    for engine in an_engine(tmp_path, f'{CONFIG}owner = "karl@big.example"\n'):
        engine.store.directory.put_account("jane", admin=True)
        for who in ("karl", "jane"):
            assert events(items.assign(engine, 12, who, by(engine))) == ["item.assigned"]


def test_what_stays_as_it_was_is_no_event_and_tells_nobody(engine: Engine) -> None:
    acted = items.set_values(engine, 12, [("priority", "Normal")], by(engine))
    assert (events(acted), told(acted)) == ([], {})


def test_an_item_is_closed_and_opened_once(engine: Engine) -> None:
    acted = items.close(engine, 12, by(engine))
    assert (events(acted), told(acted)) == (["item.closed"], {"jane@big.example": "answer queued"})
    with pytest.raises(Refused, match="closed already"):
        items.close(engine, 12, by(engine))
    assert events(items.reopen(engine, 12, by(engine))) == ["item.reopened"]
    with pytest.raises(Refused, match="is open"):
        items.reopen(engine, 12, by(engine))


def test_a_key_closes_and_opens_once(engine: Engine) -> None:
    for act in (items.close, items.reopen):
        first, second = (act(engine, 12, by(engine, key=act.__name__)) for _ in range(2))
        assert (second.ref, second.again) == (first.ref, True)


def test_several_values_are_one_act_and_one_mail(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    acted = items.set_values(engine, 12, [("priority", "high"), ("title", "Printer on fire")], by(engine))
    assert changes(acted) == [("priority", "Normal", "High"), ("title", "Printer broken", "Printer on fire")]
    assert len(acted.told) == 1


def test_an_item_that_becomes_private_is_told_tried_and_remembered_as_other_changes_are(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    wanted = [("private", "yes"), ("priority", "High")]
    tried = items.set_values(engine, 12, wanted, by(engine, dry_run=True))
    acted = items.set_values(engine, 12, wanted, by(engine))
    assert changes(tried) == changes(acted) == [("private", "no", "yes"), ("priority", "Normal", "High")]
    assert (events(acted), told(acted)) == (["item.changed"], {"bob@example.com": "notice queued"})
    assert engine.store.history.of_item(12)[-1].changes == acted.events[0].changes
    again = items.set_values(engine, 12, [("private", "yes")], by(engine))
    assert (events(again), told(again)) == ([], {})
    assert changes(items.set_values(engine, 12, [("private", "")], by(engine))) == [("private", "yes", "no")]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("priorty", "High", "did you mean priority"),
        ("priority", "Highest", "there are: Low, Normal, High"),
        ("assigned_to", "nobody", "nobody and no group"),
        ("assigned_to", "lola", "is locked"),
        ("status", "Done", "is no status"),
    ],
)
def test_a_value_is_judged_as_that_of_a_mail_is(engine: Engine, name: str, value: str, said: str) -> None:
    with pytest.raises(Unclear, match=said):
        items.set_values(engine, 12, [(name, value)], by(engine))
    assert engine.store.history.of_item(12) == []


def test_labels_go_on_and_come_off(engine: Engine) -> None:
    assert changes(items.relabel(engine, 12, ["+hot", "blue"], by(engine))) == [
        ("label", "", "hot"),
        ("label", "", "blue"),
    ]
    assert changes(items.relabel(engine, 12, ["-hot", "-gone"], by(engine))) == [("label", "hot", "")]
    assert engine.store.items.view(12).labels == ("blue",)


# ── who may ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_works_elsewhere_may_not_and_nothing_is_written(engine: Engine) -> None:
    for act in (
        lambda: items.answer(engine, 12, "Hi", by(engine, "karl")),
        lambda: items.note(engine, 12, "Hi", by(engine, "jane")),
        lambda: items.assign(engine, 12, "karl", by(engine, "karl")),
        lambda: items.close(engine, 12, by(engine, "jane")),
        lambda: items.join(engine, 12, "karl", Role.WATCHER, by(engine, "karl")),
    ):
        with pytest.raises(Refused, match="may not"):
            act()
    assert engine.store.history.of_item(12) == []


def test_whoever_acts_is_an_active_account(engine: Engine) -> None:
    with pytest.raises(Unclear, match=r'no user "root": say who acts, --as LOGIN'):
        items.whoever(engine, "", "root")
    with pytest.raises(Refused, match="locked"):
        items.whoever(engine, "lola", "")
    assert items.whoever(engine, "", "anna").login == "anna"
    with pytest.raises(NotFound, match="there is no item #99"):
        items.note(engine, 99, "x", by(engine))


def test_a_private_item_is_for_who_works_there_and_who_is_on_it(engine: Engine) -> None:
    engine.store.items.put_workspace("support", public=True)
    items.join(engine, 12, "karl", Role.WATCHER, by(engine, "karl"))
    items.leave(engine, 12, "karl", by(engine, "karl"))
    items.set_values(engine, 12, [("private", "yes")], by(engine))
    with pytest.raises(Refused, match="private items of support"):
        items.join(engine, 12, "karl", Role.WATCHER, by(engine, "karl"))
    with pytest.raises(Refused, match="may not comment"):
        items.answer(engine, 12, "Me, too.", by(engine, "karl"))
    items.join(engine, 12, "bob", Role.WATCHER, by(engine, "bob"))
    items.answer(engine, 12, "Thank you.", by(engine, "jane", anyway=True))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("title", " ", "needs one"), ("status", "", "needs one"), ("type", "", "needs one"), ("priority", "", "needs one"),
     ("workspace", "finance", "stays where it is"), ("parent", "12", "no part of itself")],
)  # fmt: skip
def test_what_would_make_no_item_of_it_is_refused(engine: Engine, name: str, text: str, said: str) -> None:
    with pytest.raises(Unclear, match=said):
        items.set_values(engine, 12, [(name, text)], by(engine))


def test_a_title_is_one_line_that_can_be_printed(engine: Engine) -> None:
    items.set_values(engine, 12, [("title", "a\x1b[31mb\r\nX: y " + "z" * 300)], by(engine))
    title = engine.store.items.view(12).item.title
    assert title.startswith("a[31mb X: y zzz") and len(title) == 255


def test_a_status_that_is_named_ends_the_work_or_does_not_as_was_said(engine: Engine) -> None:
    for act in (lambda: items.close(engine, 12, by(engine), "New"),
                lambda: items.answer(engine, 12, "Done.", by(engine), close=True, status="New")):  # fmt: skip
        with pytest.raises(Unclear, match='"New" does not end the work'):
            act()
    items.close(engine, 12, by(engine), "Closed")
    with pytest.raises(Unclear, match='"Closed" ends the work'):
        items.reopen(engine, 12, by(engine), "Closed")
    items.reopen(engine, 12, by(engine), "new")
    assert engine.store.items.view(12).item.status == "New"


def test_a_number_that_no_database_holds_is_not_there(engine: Engine) -> None:
    with pytest.raises(NotFound, match=f"there is no item #{10**20}"):
        items.answer(engine, 10**20, "Hello", by(engine))
    assert engine.store.items.exactly(10**20) is None
    with pytest.raises(NotFound, match="so large a number"), engine.store.writing():
        engine.store.database.run("UPDATE item SET merged_into = ? WHERE id = 12", 10**20)


# ── once, tried, quiet ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_repetition_with_the_same_key_gives_the_first_result_and_does_nothing(engine: Engine) -> None:
    first = items.answer(engine, 12, "Hello", by(engine, key="click-1"))
    again = items.answer(engine, 12, "Hello", by(engine, key="click-1"))
    assert again.again
    assert (again.ref, again.comment, told(again), events(again)) == (
        first.ref, first.comment, told(first), events(first)
    )  # fmt: skip
    assert len(engine.store.items.view(12).comments) == 1


def test_a_repetition_gives_the_first_result_whatever_became_of_the_item(engine: Engine) -> None:
    load_data(engine.store, {"items": [{"id": 7, "workspace": "support", "title": "Other", "author": "jane"}]})
    acts: list[Callable[[], Acted]] = [
        lambda: items.answer(engine, 12, "Hello", by(engine, key="answer")),
        lambda: items.note(engine, 12, "Hm", by(engine, key="note")),
        lambda: items.assign(engine, 12, "bob", by(engine, key="assign")),
        lambda: items.relabel(engine, 12, ["+x"], by(engine, key="label")),
        lambda: items.join(engine, 12, "karl", Role.READER, by(engine, key="join")),
    ]
    first = [act().ref for act in acts]
    items.merge(engine, 12, 7, by(engine))
    assert [act().ref for act in acts] == first
    engine.store.directory.put_account("anna", admin=True)
    items.delete(engine, 12, by(engine))
    assert [(act().ref, act().again) for act in acts] == [(ref, True) for ref in first]


def test_a_key_that_was_used_for_another_item_is_refused(engine: Engine) -> None:
    load_data(engine.store, {"items": [{"id": 7, "workspace": "support", "title": "Other", "author": "jane"}]})
    items.answer(engine, 12, "Hello", by(engine, key="k"))
    with pytest.raises(Refused, match='the key "k" was used for #12'):
        items.answer(engine, 7, "Hello", by(engine, key="k"))
    assert engine.store.items.view(7).comments == ()


def test_nothing_is_said_on_an_item_that_was_merged_or_deleted_since_it_was_looked_at(engine: Engine) -> None:
    load_data(engine.store, {"items": [{"id": 7, "workspace": "support", "title": "Other", "author": "jane"}]})
    engine.store.directory.put_account("anna", admin=True)
    looked_at, words = found(engine, 12), [AddComment(12, "Hello", "anna")]
    items.merge(engine, 12, 7, by(engine))
    with pytest.raises(Refused, match="merged into #7"):
        done(engine, looked_at, words, by(engine))
    items.delete(engine, 12, by(engine))
    with pytest.raises(NotFound, match="deleted"):
        done(engine, looked_at, words, by(engine))


def test_what_is_tried_says_what_would_be_and_keeps_nothing(engine: Engine) -> None:
    before = engine.store.items.view(12)
    tried = items.answer(engine, 12, "Hello", by(engine, dry_run=True, key="k"), close=True)
    assert engine.store.items.view(12) == before
    assert engine.store.outbox.told(item=12) == []
    done = items.answer(engine, 12, "Hello", by(engine, key="k"), close=True)
    assert (events(tried), changes(tried), told(tried)) == (events(done), changes(done), told(done))


def test_what_is_tried_makes_no_secret(engine: Engine) -> None:
    secret = engine.config.instance.secret_file
    items.answer(engine, 12, "Hello", by(engine, dry_run=True))
    assert not secret.exists()


def test_what_is_done_quietly_tells_nobody_and_says_so(engine: Engine) -> None:
    assert told(items.answer(engine, 12, "Hello", by(engine, quiet=True))) == {
        "jane@big.example": "quiet", "anna@example.com": "actor"
    }  # fmt: skip


def test_events_keep_who_did_it_and_by_which_act(engine: Engine) -> None:
    acted = items.assign(engine, 12, "bob", by(engine, "anna", typed_by="root", via="console"))
    (event,) = engine.store.history.of_item(12)
    assert (event.name, event.actor, event.via, event.act) == ("item.assigned", "anna", "console", acted.ref)
    assert event.changes == acted.events[0].changes
    assert engine.store.database.one("SELECT by, typed_by, via FROM act") == ("anna", "root", "console")


# ── preferences ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_people_want_is_heeded_and_shown_with_where_it_comes_from(engine: Engine) -> None:
    preferences.put(engine.store, "bob", {"assigned": "no"}, "support")
    assert told(items.assign(engine, 12, "bob", by(engine))) == {"bob@example.com": "prefers_not"}
    found = {each.key: (each.value, each.origin) for each in
             preferences.effective(engine.config, engine.store, "bob", "support")}  # fmt: skip
    assert found["assigned"] == ("no", "bob, in support")
    assert found["new"] == ("unassigned", "usual")
    preferences.put(engine.store, "bob", {}, "support", reset=True)
    assert told(items.assign(engine, 12, "-", by(engine))) == {"bob@example.com": "notice queued"}


def test_what_somebody_said_for_one_workspace_is_shown_where_none_is_asked_about(engine: Engine) -> None:
    preferences.put(engine.store, "bob", {"new": "none"}, "support")
    shown = preferences.effective(engine.config, engine.store, "bob", "")
    assert [(each.value, each.origin, each.workspace) for each in shown if each.key == "new"] == [
        ("unassigned", "usual", ""), ("none", "bob, in support", "support")
    ]  # fmt: skip
    here = preferences.effective(engine.config, engine.store, "bob", "support")
    assert [(each.value, each.workspace) for each in here if each.key == "new"] == [("none", "support")]


def test_a_preset_stands_in_place_of_what_was_said_before(engine: Engine) -> None:
    preferences.put(engine.store, "bob", {"own": "yes"})
    preferences.put(engine.store, "bob", {"notes": "no"}, preset="assigned")
    said = engine.store.directory.preferences("bob")
    assert said == {("", "new"): "none", ("", "mine"): "no", ("", "watched"): "no", ("", "notes"): "no"}


@pytest.mark.parametrize(
    ("key", "value", "said"), [("watchd", "no", "did you mean watched"), ("new", "yes", "is one of")]
)
def test_what_is_no_preference_is_refused(engine: Engine, key: str, value: str, said: str) -> None:
    with pytest.raises(Unclear, match=said):
        preferences.put(engine.store, "bob", {key: value})
