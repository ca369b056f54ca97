"""Items as a whole: one is merged into another and leads there; one is deleted, and its number never comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from manned import CONFIG, NUMBERS, an_engine, by, read

from engine.decision import tokens
from engine.desk import items, looking
from engine.desk.doing import done
from engine.desk.item_act import found
from engine.desk.item_whole import weighed
from engine.desk.items import File
from engine.model.acts import Acted
from engine.model.draft import Role
from engine.model.plan import SetField
from engine.outbox.contents import Gone, letter
from engine.run.engine import Engine
from engine.store.errors import NotFound, Refused
from engine.store.load import load as load_data

MORE: dict[str, Any] = {
    "users": [{"login": "olga", "name": "Olga", "emails": ["olga@example.com"], "admin": True}],
    "items": [{"id": 7, "workspace": "support", "title": "Printer on fire", "text": "Help!", "author": "karl",
               "status": "New"},
              {"id": 3, "workspace": "support", "title": "Third", "author": "karl", "status": "New"}],
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    config = CONFIG.replace('name = "Support"', 'name = "Support"\nowner = "olga@example.com"')
    for made in an_engine(tmp_path, config):
        load_data(made.store, MORE)
        made.store.items.put_workspace("support", public=True)
        yield made


def told(acted: Acted) -> dict[str, str]:
    return {each.to: each.why or f"{each.kind} {each.state}" for each in acted.told}


def outcome(engine: Engine, sender: str, subject: str, to: str = "help@example.com", head: str = "") -> tuple[str, int]:
    mail = f"From: {sender}\nTo: {to}\nSubject: {subject}\n{head}Message-ID: <{next(NUMBERS)}@x>\n\nMore.\n"
    receipt = read(engine, mail).receipt
    return str(receipt.outcome), receipt.item


# ── merged ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_an_item_holds_joins_the_other_one(engine: Engine) -> None:
    items.answer(engine, 12, "Toner?", by(engine), [File("a.txt", b"one")])
    items.note(engine, 12, "Out.", by(engine))
    items.draft(engine, 12, "Soon.", by(engine))
    items.join(engine, 12, "bob", Role.READER, by(engine))
    items.relabel(engine, 12, ["urgent"], by(engine))
    items.merge(engine, 12, 7, by(engine))
    view = engine.store.items.view(7)
    assert [(each.text, each.author, each.internal) for each in view.comments] == [
        ("It is on fire.", "jane", False), ("Toner?", "anna", False), ("Out.", "anna", True), ("Soon.", "anna", True),
    ]  # fmt: skip
    assert [each.name for each in view.attachments] == ["a.txt"]
    assert view.labels == ("urgent",) and view.people == (("bob", "reader"), ("jane", "watcher"))
    assert [each.item for each in looking.drafts(engine.store)] == [7]
    left = engine.store.items.view(12)
    assert (left.item.merged_into, left.item.status, left.comments, left.text) == (7, "Closed", (), "It is on fire.")


def test_who_asked_hears_where_it_went_and_nothing_of_the_other_item(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    acted = items.merge(engine, 12, 7, by(engine))
    assert told(acted) == {"jane@big.example": "answer queued", "bob@example.com": "notice queued"}
    row = next(each for each in acted.told if each.to == "jane@big.example")
    made = letter(engine.store.outbox.row(row.id), engine.store, engine.config, datetime.now(UTC))
    assert made.values["sentence"] == "Anna Berg merged [#12] Printer broken into [#7]."
    assert "Printer on fire" not in str(made.values) and made.values["changes"] == []


def test_who_has_the_other_one_hears_what_joins_it(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    items.assign(engine, 7, "olga", by(engine))
    assert told(items.merge(engine, 12, 7, by(engine))) == {
        "jane@big.example": "answer queued", "bob@example.com": "notice queued", "olga@example.com": "notice queued",
    }  # fmt: skip
    items.assign(engine, 3, "olga", by(engine))
    assert list(told(items.merge(engine, 7, 3, by(engine)))).count("olga@example.com") == 1


def test_who_asked_without_an_account_hears_that_the_other_one_is_closed(engine: Engine) -> None:
    engine.store.database.run("UPDATE item SET author_id = NULL, sender = 'Gil <gil@x.example>' WHERE id = 12")
    items.merge(engine, 12, 7, by(engine))
    items.merge(engine, 7, 3, by(engine))
    acted = items.close(engine, 3, by(engine))
    assert told(acted) == {"karl@big.example": "answer queued", "gil@x.example": "answer queued"}
    row = next(each for each in acted.told if each.to == "gil@x.example")
    made = letter(engine.store.outbox.row(row.id), engine.store, engine.config, datetime.now(UTC))
    assert made.values["marker"] == "[#3]"
    assert "gil@x.example" in told(items.answer(engine, 3, "It is out.", by(engine)))
    assert "gil@x.example" not in told(items.reopen(engine, 3, by(engine)))


def test_history_of_both_tells_of_it(engine: Engine) -> None:
    items.merge(engine, 12, 7, by(engine))
    for number, name, other in ((12, "merged_into", "#7"), (7, "merged_from", "#12")):
        last = engine.store.history.of_item(number)[-1]
        assert (last.name, last.actor, last.changes[0].name, last.changes[0].after) == (
            "item.merged",
            "anna",
            name,
            other,
        )


def test_mail_about_a_merged_item_reaches_the_other_one_by_every_way(engine: Engine) -> None:
    items.merge(engine, 7, 3, by(engine))
    items.merge(engine, 12, 3, by(engine))
    secret = engine.config.instance.secret()
    assert outcome(engine, "jane@big.example", "Re: [#12] Printer") == ("comment", 3)
    assert outcome(engine, "karl@big.example", "Re: [#7] Printer") == ("comment", 3)
    assert outcome(engine, "jane@big.example", "Again", f"help+{tokens.sign(12, secret)}@example.com") == ("comment", 3)
    ours = tokens.message_id("k", 12, secret, "example.com")
    assert outcome(engine, "jane@big.example", "More", head=f"In-Reply-To: {ours}\n") == ("comment", 3)
    assert outcome(engine, "anna@example.com", "x", "help+note-12@example.com") == ("note", 3)


def test_a_chain_of_merges_leads_to_its_end(engine: Engine) -> None:
    items.merge(engine, 12, 7, by(engine))
    items.merge(engine, 7, 3, by(engine))
    assert outcome(engine, "jane@big.example", "Re: [#12] Printer") == ("comment", 3)


def test_an_answer_on_the_other_one_reaches_who_asked_first(engine: Engine) -> None:
    items.merge(engine, 12, 7, by(engine))
    acted = items.answer(engine, 7, "It is out.", by(engine))
    assert told(acted) == {
        "karl@big.example": "answer queued", "jane@big.example": "answer queued", "anna@example.com": "actor"
    }  # fmt: skip


def test_a_mail_that_waits_is_sent_with_its_words_and_files_after_a_merge(engine: Engine) -> None:
    acted = items.answer(engine, 12, "See.", by(engine), [File("a.txt", b"one")])
    items.merge(engine, 12, 7, by(engine))
    row = next(each for each in acted.told if each.to == "jane@big.example")
    made = letter(engine.store.outbox.row(row.id), engine.store, engine.config, datetime.now(UTC))
    assert made.values["text"] == "See." and [each.name for each in made.files] == ["a.txt"]


def test_a_mail_that_waits_is_not_sent_without_words_where_they_were_merged_and_deleted(engine: Engine) -> None:
    acted = items.answer(engine, 12, "See.", by(engine))
    items.merge(engine, 12, 7, by(engine))
    items.delete(engine, 7, by(engine, "olga"))
    row = next(each for each in acted.told if each.to == "jane@big.example")
    with pytest.raises(Gone, match="the item is gone"):
        letter(engine.store.outbox.row(row.id), engine.store, engine.config, datetime.now(UTC))


def given(engine: Engine, number: int, login: str) -> None:
    """Give an item to somebody as a rule may: nobody asks for a role."""
    done(engine, found(engine, number), [SetField(number, "assigned_to", login)], by(engine))


def test_a_note_that_waits_is_not_sent_after_a_merge_to_who_works_on_the_other_item_no_more(engine: Engine) -> None:
    given(engine, 12, "karl")  # he has no role: he works on this one
    row = next(each for each in items.note(engine, 12, "He never pays.", by(engine)).told if each.login == "karl")
    send = lambda: letter(engine.store.outbox.row(row.id), engine.store, engine.config, datetime.now(UTC))  # noqa: E731
    assert send().values["text"] == "He never pays."
    items.merge(engine, 12, 7, by(engine))
    with pytest.raises(Gone, match="not_permitted"):
        send()
    given(engine, 7, "karl")
    assert send().values["text"] == "He never pays."


def test_html_of_a_merged_item_is_there_after_its_mail_is_purged(engine: Engine) -> None:
    head = "From: jane@big.example\nTo: help@example.com\nSubject: HTML\nContent-Type: text/html\n\n"
    made = read(engine, f"{head}<p>On <b>fire</b></p>\n").receipt
    items.merge(engine, made.item, 7, by(engine))
    engine.store.database.run("UPDATE presentation SET action_state = 'done'")
    engine.store.archive.purge(made.mail)
    (comment,) = engine.store.items.view(7).comments
    assert "<b>fire</b>" in engine.store.items.html(comment.html)
    items.delete(engine, made.item, by(engine, "olga"))
    assert "<b>fire</b>" in engine.store.items.html(comment.html)
    items.delete(engine, 7, by(engine, "olga"))
    assert engine.store.database.rows("SELECT 1 FROM blob") == []


@pytest.mark.parametrize(
    ("number", "into", "said"),
    [
        (12, 12, "cannot be merged into itself"),
        (12, 99, "there is no item #99"),
        (99, 12, "there is no item #99"),
        (7, 3, "#7 was merged into #12: say that number"),
        (12, 7, "#7 was merged into #12"),
    ],
)
def test_what_cannot_be_merged_is_refused(engine: Engine, number: int, into: int, said: str) -> None:
    items.merge(engine, 7, 12, by(engine))
    with pytest.raises((Refused, NotFound), match=said):
        items.merge(engine, number, into, by(engine))


def test_a_private_item_is_not_merged_into_one_that_more_people_see(engine: Engine) -> None:
    engine.store.database.run("UPDATE item SET private = TRUE WHERE id = 12")
    with pytest.raises(Refused, match="private"):
        items.merge(engine, 12, 7, by(engine))
    assert items.merge(engine, 7, 12, by(engine)).events


def test_merging_needs_the_right_to_edit_in_both_workspaces(engine: Engine) -> None:
    load_data(engine.store, {"workspaces": [{"identifier": "sales"}],
                             "items": [{"id": 20, "workspace": "sales", "title": "x", "author": "jane"}]})  # fmt: skip
    for number, into in ((12, 20), (20, 12)):
        with pytest.raises(Refused, match="anna may not edit items of sales"):
            items.merge(engine, number, into, by(engine))
    assert items.merge(engine, 12, 20, by(engine, "olga")).events


def test_nothing_is_done_to_an_item_that_was_merged(engine: Engine) -> None:
    items.merge(engine, 12, 7, by(engine))
    for act in (items.reopen, items.close):
        with pytest.raises(Refused, match="was merged into #7"):
            act(engine, 12, by(engine))


def test_a_key_merges_once_and_a_dry_run_not_at_all(engine: Engine) -> None:
    assert items.merge(engine, 12, 7, by(engine, dry_run=True)).events
    assert engine.store.items.view(7).comments == ()
    first = items.merge(engine, 12, 7, by(engine, key="k"))
    assert items.merge(engine, 12, 7, by(engine, key="k")).ref == first.ref


# ── deleted ───────────────────────────────────────────────────────────────────────────────────────────────────────


def filled(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    items.answer(engine, 12, "Toner?", by(engine), [File("a.txt", b"only here")])
    items.note(engine, 12, "Out.", by(engine))
    items.draft(engine, 12, "Soon.", by(engine))


def test_an_item_is_deleted_with_all_that_hangs_on_it(engine: Engine) -> None:
    filled(engine)
    (file,) = engine.store.items.view(12).attachments
    items.delete(engine, 12, by(engine, "olga"))
    assert engine.store.items.view(12) is None and looking.drafts(engine.store) == []
    with pytest.raises(NotFound):
        engine.store.items.blob(file.digest)
    tables = ("comment", "attachment", "item_field", "item_label", "item_person", "item_copy")
    for table in tables:
        assert engine.store.database.rows(f"SELECT 1 FROM {table} WHERE item_id = 12") == []  # noqa: S608


def test_who_has_it_and_the_owner_hear_and_what_was_queued_is_dropped(engine: Engine) -> None:
    filled(engine)
    acted = items.delete(engine, 12, by(engine, "olga"))
    assert told(acted) == {"bob@example.com": "notice queued", "olga@example.com": "actor"}
    states = {(each.state, each.why) for each in engine.store.outbox.told(item=12) if each.act != acted.ref}
    assert states == {("dropped", ""), ("suppressed", "actor")}
    row = next(each for each in acted.told if each.state == "queued")
    made = letter(engine.store.outbox.row(row.id), engine.store, engine.config, datetime.now(UTC))
    assert made.values["sentence"] == "Olga deleted [#12] Printer broken."


def test_only_admins_and_the_owner_delete(engine: Engine) -> None:
    with pytest.raises(Refused, match="anna may not delete items of support: admins and its owner may"):
        items.delete(engine, 12, by(engine))


def test_what_is_kept_for_a_court_is_not_deleted(engine: Engine) -> None:
    items.relabel(engine, 12, ["Legal-Hold"], by(engine))
    with pytest.raises(Refused, match="legal-hold"):
        items.delete(engine, 12, by(engine, "olga"))


def test_a_dry_run_deletes_nothing_and_tells_what_would_go(engine: Engine) -> None:
    filled(engine)
    goes = weighed(engine.store, 12)
    assert (goes.comments, goes.notes, goes.drafts, goes.files, goes.unsent) == (1, 1, 1, 1, 4)
    assert items.delete(engine, 12, by(engine, "olga", dry_run=True)).told
    assert weighed(engine.store, 12) == goes


def test_its_number_and_those_of_its_comments_never_come_back(engine: Engine) -> None:
    filled(engine)
    items.delete(engine, 12, by(engine, "olga"))
    assert outcome(engine, "jane@big.example", "New one") == ("created", 13)
    assert items.note(engine, 13, "Next", by(engine)).comment == 4


def test_mail_about_a_deleted_item_is_held_and_so_is_mail_about_one_that_led_there(engine: Engine) -> None:
    items.merge(engine, 7, 12, by(engine))
    items.delete(engine, 12, by(engine, "olga"))
    for number in (12, 7):
        mail = f"From: karl@big.example\nTo: help@example.com\nSubject: Re: [#{number}] x\n\nx{number}\n"
        receipt = read(engine, mail).receipt
        assert (receipt.outcome, receipt.code) == ("held", "thread.item_gone")


def test_a_mail_whose_item_was_deleted_keeps_its_receipt_and_is_decided_again_as_a_new_one(engine: Engine) -> None:
    assert outcome(engine, "jane@big.example", "Once") == ("created", 13)
    items.delete(engine, 13, by(engine, "olga"))
    (mail,) = engine.store.archive.mails("", 1)
    assert [each.item for each in engine.store.archive.receipts(mail.mail)] == [13]
    assert [each.name for each in engine.store.history.of_item(13)][-1] == "item.deleted"
    with pytest.raises(NotFound, match="item #13 was deleted by olga"):
        looking.item(engine.store, 13)


def test_an_item_that_was_merged_can_be_deleted(engine: Engine) -> None:
    items.merge(engine, 12, 7, by(engine))
    items.delete(engine, 12, by(engine, "olga"))
    assert [each.text for each in engine.store.items.view(7).comments] == ["It is on fire."]
