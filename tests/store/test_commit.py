"""One transaction for all effects, and nothing at all if the claim is lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from store.desk import auto, notice, webhook

from engine.model.draft import NewUser, Role
from engine.model.mail import Address, Cutting, Part
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CreateItem,
    CreateUser,
    Outcome,
    PostToTopic,
    SetField,
)
from engine.store import hot
from engine.store.errors import ClaimLost, Conflict


def test_created_item_has_fields_author_and_mail(desk):
    receipt = desk.item("Printer", fields=(("type", "Incident"), ("priority", "High"), ("Order number", "47112")))
    view = desk.store.items.view(receipt.item)
    assert (view.item.title, view.item.type, view.item.priority) == ("Printer", "Incident", "High")
    assert view.fields == (("Order number", "47112"),)
    assert view.item.author == "jane"
    assert view.mail == receipt.mail


def test_other_names_of_columns_reach_the_columns(desk):
    receipt = desk.item(fields=(("tracker", "Incident"), ("assignee", "bob"), ("is_private", True)))
    view = desk.store.items.view(receipt.item)
    assert (view.item.type, view.item.assigned_to, view.private) == ("Incident", "bob", True)


def test_item_in_a_closed_status_is_closed(desk):
    receipt = desk.item(fields=(("status", "Closed"),))
    assert desk.store.items.item(receipt.item).closed


def test_comment_changes_the_item_and_keyword_status_closes_and_reopens_it(desk):
    item = desk.item().item
    desk.later(hours=2)
    (spooled,) = desk.spool()
    receipt = desk.commit(
        spooled,
        AddComment(item, "Done.", "bob"),
        SetField(item, "status", "Closed"),
        outcome=Outcome.COMMENT,
        item=item,
    )
    assert desk.store.items.item(item).closed_at == desk.now == desk.store.items.item(item).changed_at
    assert desk.store.items.view(item).comments[0].id == receipt.comment
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(item, "No.", "jane"), SetField(item, "status", "New"), outcome=Outcome.COMMENT)
    assert not desk.store.items.item(item).closed


def test_a_field_set_to_nothing_is_gone(desk):
    item = desk.item(fields=(("Order number", "1"),)).item
    (spooled,) = desk.spool()
    desk.commit(spooled, SetField(item, "order NUMBER", None), outcome=Outcome.COMMENT, item=item)
    assert desk.store.items.view(item).fields == ()


@pytest.mark.parametrize("value", ["text", 47112, 1.5, True, ("a", "b")])
def test_values_of_fields_keep_their_kind(desk, value):
    item = desk.item(fields=(("F", value),)).item
    assert dict(desk.store.items.item(item).fields)["F"] == value


def test_new_user_is_the_author_of_the_new_item(desk):
    user = NewUser(
        Address("New.Person@example.org", "New Person"), "New", "Person", ("customers", "no such group"), "de"
    )
    (spooled,) = desk.spool()
    made = CreateItem("support", "Hello", "", "New.Person@example.org")
    receipt = desk.commit(spooled, CreateUser(user), made, sender="new.person@example.org")
    account = desk.store.directory.account("new.PERSON@example.org", "+").account
    assert (account.login, account.name, account.groups) == ("new.person@example.org", "New Person", ("customers",))
    assert desk.store.items.view(receipt.item).item.author == "new.person@example.org"


def test_a_user_that_somebody_made_meanwhile_is_taken(desk):
    user = NewUser(Address("jane@example.com"), "Jane", "Doe")
    (spooled,) = desk.spool()
    receipt = desk.commit(spooled, CreateUser(user), CreateItem("support", "Hello", "", "jane@example.com"))
    assert desk.store.items.view(receipt.item).item.author == "jane"
    assert desk.count("account") == 3


def test_a_login_that_is_taken_gets_a_number(desk):
    desk.store.directory.put_account("x@example.org")
    user = NewUser(Address("x@example.org"), "X", "Y")
    (spooled,) = desk.spool()
    desk.commit(spooled, CreateUser(user), outcome=Outcome.DISCARDED)
    assert desk.store.directory.account("x@example.org", "").account.login == "x@example.org-2"


def test_F123_a_person_keeps_the_higher_role(desk):
    roles = [AddPerson(0, "bob", Role.WATCHER), AddPerson(0, "bob", Role.EDITOR), AddPerson(0, "bob", Role.READER)]
    item = desk.item("x", *roles, AddPerson(0, "nobody", Role.READER)).item
    assert desk.store.items.view(item).people == (("bob", "editor"),)


@pytest.mark.parametrize("before", ["editor", "reader", "watcher", "owner of a later release"])
@pytest.mark.parametrize("role", Role)
def test_F123_only_a_higher_role_takes_the_place_of_a_known_one(desk, before, role):
    item = desk.item("x", AddPerson(0, "bob", Role.READER)).item
    desk.store.database.run("UPDATE item_person SET role = ?", before)
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(item, "", "jane"), AddPerson(item, "bob", role), outcome=Outcome.COMMENT, item=item)
    order = ["owner of a later release", "editor", "reader", "watcher"]
    kept = min(before, str(role), key=order.index)
    assert desk.store.database.rows("SELECT role FROM item_person") == [(kept,)]


def test_labels_are_kept_once(desk):
    item = desk.item("x", AddLabel(0, "vip"), AddLabel(0, "vip"), AddLabel(0, "late")).item
    assert desk.store.items.view(item).labels == ("late", "vip")


def test_F126_attachments_of_a_comment_hang_on_it(desk, attached):
    item = desk.item().item
    (spooled,) = desk.spool(b"From: a@example.com\n\naGVsbG8=")
    file = attached(b"hello", b"aGVsbG8=", 21)
    receipt = desk.commit(spooled, AddComment(item, "", "jane"), Attach(item, file), outcome=Outcome.COMMENT, item=item)
    (shown,) = desk.store.items.view(item).attachments
    assert (shown.name, shown.comment) == ("a.txt", receipt.comment)
    assert desk.store.items.blob(shown.digest) == b"hello"
    assert desk.store.items.item(item).attachment_digests == (shown.digest,)
    assert desk.store.items.item(item).internal_digests == ()


def test_a_file_of_a_note_is_told_apart_from_what_everybody_sees(desk, attached):
    item = desk.item().item
    (spooled,) = desk.spool(b"From: a@example.com\n\naGVsbG8=")
    note = AddComment(item, "", "jane", internal=True)
    desk.commit(spooled, note, Attach(item, attached(b"hello", b"aGVsbG8=", 21)), outcome=Outcome.COMMENT, item=item)
    (shown,), facts = desk.store.items.view(item).attachments, desk.store.items.item(item)
    assert (facts.attachment_digests, facts.internal_digests) == ((), (shown.digest,))


def test_F120_a_post_hangs_on_the_topic(desk):
    desk.store.database.run("INSERT INTO topic (id, workspace_id, title, created_at) VALUES (7, 1, 'Which?', 0)")
    (spooled,) = desk.spool()
    receipt = desk.commit(
        spooled, PostToTopic(7, "This one.", "jane"), AddPerson(7, "bob", Role.READER), outcome=Outcome.COMMENT, item=7
    )
    assert receipt.item == 0 and receipt.comment
    assert "jane@example.com" in desk.store.items.topic(7).people
    found = desk.store.archive.mail(receipt.mail)
    assert (found.item, found.topic) == (0, 7)


def test_every_hearer_gets_a_row_of_its_own_with_the_number_of_the_item(desk):
    receipt = desk.item("x", told=(auto("Jane@example.com"), notice("bob@example.com"), webhook("chat")))
    rows = desk.store.outbox.claim(10, desk.now, "me")
    assert [(row.told.to, row.kind, row.item, row.event) for row in rows] == [
        ("Jane@example.com", "auto", receipt.item, "item.created"),
        ("bob@example.com", "notice", receipt.item, "item.created"),
        ("chat", "webhook", receipt.item, "item.created"),
    ]
    assert receipt.outbox == tuple(row.id for row in rows)
    assert len({row.key for row in rows}) == 3


def test_every_effect_leaves_one_row(desk):
    desk.item("x", AddLabel(0, "a"), AddLabel(0, "b"), AddPerson(0, "bob", Role.READER))
    rows = desk.store.database.rows("SELECT kind, n FROM effect ORDER BY kind, n")
    assert rows == [("AddLabel", 1), ("AddLabel", 2), ("AddPerson", 1), ("CreateItem", 1)]


def test_receipt_says_what_was_decided_by_whom(desk):
    mail = desk.end(Outcome.HELD, trace=b'{"x":1}')
    (receipt,) = desk.store.archive.receipts(mail)
    assert (receipt.outcome, receipt.code, receipt.by.name) == (Outcome.HELD, "gate.dmarc", "dmarc")
    assert json.loads(desk.store.archive.trace(mail)) == {"x": 1}


def test_who_lost_the_claim_writes_nothing(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.claim("system", 1, desk.later(hours=1), "another/boot/1/1")
    with pytest.raises(ClaimLost):
        desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    assert desk.count("item") == desk.count("receipt") == desk.count("effect") == 0


def test_committing_twice_is_impossible(desk):
    (spooled,) = desk.spool()
    desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    with pytest.raises(ClaimLost):
        desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    assert desk.count("item") == 1


def test_the_keys_of_the_database_are_the_last_line(desk):
    """Even code that forgot the claim cannot make a second receipt or effect of a generation."""
    receipt = desk.item()
    row = desk.store.archive.mail(receipt.mail).row
    with pytest.raises(Conflict):
        desk.store.database.run(
            "INSERT INTO effect (inbound_id, generation, kind, n) VALUES (?, 1, 'CreateItem', 1)", row
        )
    with pytest.raises(Conflict):
        desk.store.database.run(hot.RECEIPT, row, 1, "error", "x", "y", "engine", "engine", *["", 0, ""], *[None] * 4)


def test_one_bad_mail_of_a_batch_takes_only_its_own_effects_back(desk):
    good, bad, fine = desk.spool(b"", b"", b"")
    for spooled, workspace in ((good, "support"), (bad, "nowhere"), (fine, "support")):
        try:
            desk.commit(spooled, CreateItem(workspace, spooled.mail, "", "jane"), told=(auto(),))
        except Exception:
            assert spooled is bad
    assert [row.title for row in desk.store.items.newest()] == [fine.mail, good.mail]
    assert desk.count("outbox") == desk.count("event") == 2


def test_commit_plans_the_action_on_every_presentation(desk):
    (spooled,) = desk.spool(b"From: a@example.com\n\nx")
    desk.spool(b"From: a@example.com\n\nx")
    desk.commit(spooled, outcome=Outcome.HELD, action="move", folder="Held", message_id="<a@example.com>")
    rows = desk.store.mailboxes.pending_actions("system", 10)
    assert [(kind, folder, message_id) for _, kind, folder, _, message_id, _ in rows] == [
        ("move", "Held", "<a@example.com>")
    ] * 2
    desk.store.mailboxes.actions_done("system", [(rows[0][0], "done"), (rows[1][0], "gone", "no such message")])
    assert desk.store.mailboxes.pending_actions("system", 10) == []


@pytest.mark.parametrize("action", ["", "keep"])
def test_keeping_a_mail_plans_nothing(desk, action):
    desk.end(Outcome.HELD, action=action)
    assert desk.store.mailboxes.pending_actions("system", 10) == []


def test_an_action_that_failed_is_tried_again_behind_the_others(desk):
    desk.end(Outcome.DISCARDED)
    (first,) = desk.store.mailboxes.pending_actions("system", 10)
    desk.store.mailboxes.actions_done("system", [(first[0], "failed", "over quota")])
    desk.end(Outcome.DISCARDED)
    assert [row[0] for row in desk.store.mailboxes.pending_actions("system", 10)][1] == first[0]


def test_html_is_read_from_the_raw_mail(desk):
    content = b"Content-Type: text/html\n\n<p>Gr\xfc\xdfe</p>"
    (spooled,) = desk.spool(content)
    part = Part("text/html", 25, len(content), "8bit", "iso-8859-1")
    receipt = desk.commit(spooled, CreateItem("support", "x", "Grüße", "jane", html_part=part))
    assert desk.store.items.html(desk.store.items.view(receipt.item).html) == "<p>Grüße</p>"


def test_F103_how_html_is_cut_is_kept_with_it(desk):
    content = b"Content-Type: text/html\n\n<p>Gr\xfc\xdfe</p><blockquote>old</blockquote>"
    (spooled,) = desk.spool(content)
    how = Cutting("Re: x", "-- \nJane", True)
    part = Part("text/html", 25, len(content), "8bit", "iso-8859-1", cutting=how)
    item = desk.commit(spooled, CreateItem("support", "x", "Grüße", "jane", html_part=part)).item
    reference = desk.store.items.view(item).html
    assert desk.store.items.cutting(reference) == how
    assert desk.store.items.html(reference) == "<p>Grüße</p><blockquote>old</blockquote>"
    assert desk.store.items.cutting("") is None


def test_versions_move_with_what_changes_and_name_it(desk):
    before = desk.store.versions()
    assert desk.store.changed_since(before).counters == frozenset()
    desk.end(Outcome.HELD)
    assert desk.store.changed_since(before).counters == {"receipts"}
    before = desk.store.versions()
    desk.store.directory.put_account("new")
    assert desk.store.changed_since(before).counters == {"accounts"}


def test_what_was_remembered_inside_a_transaction_that_failed_is_forgotten(desk):
    user = CreateUser(NewUser(Address("new@example.org"), "New", "One"))
    (spooled,) = desk.spool()
    with pytest.raises(RuntimeError), desk.store.writing():
        desk.store.directory.put_account("temp", emails=["temp@example.org"])
        assert desk.store.directory.account("temp@example.org", "").account
        raise RuntimeError
    assert desk.store.directory.account("temp@example.org", "").account is None
    with pytest.raises(RuntimeError), desk.store.rehearsal():
        desk.commit(spooled, user, outcome=Outcome.DISCARDED)
        raise RuntimeError
    assert desk.store.directory.login("new@example.org") is None


def test_a_rehearsal_does_everything_and_keeps_nothing(desk):
    with desk.store.rehearsal():
        desk.item("x", told=(auto(),))
        assert desk.count("item") == 1
    for table in ("item", "inbound", "raw_mail", "outbox", "event"):
        assert desk.count(table) == 0


def test_transactions_do_not_nest(desk):
    with desk.store.writing(), pytest.raises(RuntimeError), desk.store.writing():
        pass


def test_commit_outside_a_transaction_is_a_mistake(desk):
    from engine.model.facts import Facts
    from engine.model.plan import Plan

    (spooled,) = desk.spool()
    with pytest.raises(RuntimeError):
        desk.store.commit(spooled, desk.mail(spooled), Facts("system"), Plan(None, Outcome.HELD, ""), b"", "", "")


def test_a_mail_released_days_later_counts_once_for_the_rates(desk):
    mail = desk.end(Outcome.HELD)
    at = desk.later(seconds=1)
    assert desk.store.ledger.total_rate(3600, at) == 1
    desk.store.ledger.reopen(mail, None, retry=True)
    spooled = desk.store.ledger.claim_one(mail, at, desk.owner)
    desk.commit(spooled, outcome=Outcome.DISCARDED)
    assert desk.store.ledger.total_rate(3600, at + timedelta(seconds=1)) == 1
