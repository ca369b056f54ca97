"""What every archive promises: mails are found, read and let go of."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from store.desk import attachment

from engine.model.facts import Release
from engine.model.figures import Facet
from engine.model.plan import Attach, Outcome
from engine.model.sight import ALL, Sight
from engine.store.errors import NotFound, Refused, Unclear
from engine.store.place import Url

YEAR_S = 365 * 86_400.0


@pytest.fixture
def archive(store):
    return store.archive


def settle(desk):
    mailboxes = desk.store.mailboxes
    mailboxes.actions_done("system", [(row[0], "done") for row in mailboxes.pending_actions("system", 99)])


def test_a_mail_is_found_by_id_beginning_message_id_and_last(desk, archive):
    first = desk.end(Outcome.HELD, message_id="<1@example.com>")
    last = desk.item("x").mail
    assert archive.find_mail(first[:8]).mail == archive.find_mail("1@example.com").mail == first
    assert (archive.find_mail("last").mail, archive.find_mail("last-held").mail) == (last, first)
    assert archive.find_mail("m-ffffffffffff") is None
    with pytest.raises(NotFound):
        archive.mail("<2@example.com>")
    with pytest.raises(NotFound, match="more than one"):
        archive.find_mail("m-")


def test_a_row_tells_what_became_of_a_mail(desk, archive):
    receipt = desk.item("x", message_id="<1@example.com>")
    row = archive.mail(receipt.mail)
    assert (row.outcome, row.code, row.workspace, row.item) == ("created", "draft.created", "support", receipt.item)
    assert (row.subject, row.sender, row.recipients) == ("Printer", "jane@example.com", "help@example.com")
    (spooled,) = desk.spool()
    assert archive.mail(spooled.mail).outcome == "deferred"


def test_a_mail_belongs_to_the_workspace_of_its_newest_receipt_while_it_is_decided_again(desk, store, archive):
    mail = desk.end(Outcome.HELD, workspace="finance")
    store.ledger.reopen(mail, Release("anna"))
    row = archive.mail(mail)
    assert (row.outcome, row.workspace, row.home) == ("deferred", "", "finance")
    desk.commit(store.ledger.claim_one(mail, desk.now, desk.owner), outcome=Outcome.HELD, workspace="support")
    store.ledger.reopen(mail, Release("anna"))
    assert (archive.mail(mail).workspace, archive.mail(mail).home) == ("", "support")


def test_what_somebody_may_not_see_is_not_there(desk, store, archive):
    finance, support = Sight(workspaces=frozenset({"finance"})), Sight(workspaces=frozenset({"support"}))
    mail = desk.end(Outcome.HELD, workspace="finance", message_id="<1@example.com>")
    for ref in (mail, mail[:8], "1@example.com", "last", "last-held"):
        assert archive.seen(ref, finance).mail == archive.seen(ref, ALL).mail == mail
        assert archive.seen(ref, support) is None
    for sight, found in ((finance, 1), (support, 0), (Sight(), 0), (ALL, 1)):
        assert len(archive.search("", 9, sight=sight).mails) == len(archive.held(sight=sight)) == found
        assert len(archive.mails_of("jane@example.com", 9, sight=sight)) == found
        assert archive.facets(sight=sight).mails == found and bool(archive.oldest(sight=sight)) == bool(found)
    store.ledger.reopen(mail, Release("anna"))
    assert archive.seen("last", finance).mail == mail and archive.seen("last", support) is None
    with pytest.raises(NotFound, match="too short"):
        archive.seen("m-", support)


def test_mail_without_a_workspace_is_seen_by_who_sees_its_mailbox(desk, archive):
    (waiting,) = desk.spool(mailbox="second")
    held = desk.end(Outcome.HELD, workspace="")
    for name, mail, other in (("second", waiting.mail, held), ("system", held, waiting.mail)):
        sight = Sight(workspaces=frozenset({"support", ""}), mailboxes=frozenset({name}))
        assert archive.seen(mail, sight).mail == mail and archive.seen(other, sight) is None


def test_facets_tell_what_most_mails_have(desk, archive):
    for outcome, workspace in ((Outcome.HELD, "finance"), (Outcome.HELD, ""), (Outcome.REJECTED, "finance")):
        desk.end(outcome, workspace=workspace)
    told = archive.facets()
    assert (told.mails, told.since, told.until) == (3, None, None)
    assert told.outcome == (Facet("held", 2), Facet("rejected", 1)) and told.by == (Facet("gate dmarc", 3),)
    assert told.workspace == (Facet("finance", 2),) and told.mailbox == (Facet("system", 3),)
    assert told.domain == (Facet("example.com", 3),) and told.code == (Facet("gate.dmarc", 3),)
    assert archive.facets("outcome:held workspace:finance").mails == 1
    assert archive.facets("older_than:1d").mails == archive.facets(since=desk.later(days=1)).mails == 0
    assert archive.facets("printer") is None and archive.facets("from:jane") is None
    with pytest.raises(Unclear):
        archive.facets("nix:1")


@pytest.mark.parametrize(
    ("query", "found"),
    [("", 2), ("outcome:held", 1), ("-outcome:held", 1), ("code:gate", 1), ("code:gate.dmarc", 1), ("from:JANE", 1),
     ("subject:print", 2), ("to:help", 2), ("mailbox:system", 2), ("workspace:finance", 0), ("newer_than:1h", 2),
     ("older_than:1h", 0), ("eve@", 1), ('"no such words"', 0), ("100%_", 0), ("item:1", 1), ("item:2", 0),
     ("rule:anything", 0)],
)  # fmt: skip
def test_a_query_finds(desk, archive, query, found):
    desk.item("x")
    desk.end(Outcome.HELD, sender="eve@example.com")
    assert len(archive.mails(query)) == found


def test_a_query_that_means_nothing_is_said(archive):
    with pytest.raises(Unclear, match="there are"):
        archive.mails("colour:red")


def test_lists_are_newest_first_and_what_waits_for_a_person_oldest_first(desk, archive):
    held = [desk.end(Outcome.HELD), desk.end(Outcome.HELD, workspace="finance")]
    assert [row.mail for row in archive.mails(limit=1)] == held[1:]
    assert [row.mail for row in archive.held()] == held
    assert [row.mail for row in archive.held("finance")] == held[1:]
    assert [row.mail for row in archive.held(query="workspace:finance")] == held[1:]
    assert archive.held(query="from:eve") == []
    by_code = archive.held_by_code(1)
    assert [(count, [row.mail for row in rows]) for _, count, rows in by_code] == [(2, held[:1])]
    assert archive.held_by_code(9, "workspace:finance")[0][1:] == (1, [archive.held()[1]])
    assert archive.held_by_code(9, "from:eve") == []
    assert archive.held_by_code(9, sight=Sight(workspaces=frozenset({"finance"})))[0][1] == 1
    with pytest.raises(Unclear):
        archive.held_by_code(9, "nix:1")
    (first, second) = archive.held()
    assert archive.held(after=first.row) == [second] and archive.held(after=second.row) == []
    assert archive.held(after=first.row, query="workspace:finance", limit=1) == [second]
    with pytest.raises(Unclear):
        archive.held(query="nix:1")


def test_the_mails_of_a_sender_are_listed_newest_first(desk, archive):
    mails = [desk.end(Outcome.HELD), desk.item("x").mail]
    desk.end(Outcome.HELD, sender="eve@example.com")
    assert [row.mail for row in archive.mails_of("jane@example.com", 5)] == mails[::-1]
    assert [row.mail for row in archive.mails_of("jane@example.com", 1)] == mails[1:]
    assert archive.mails_of("jane", 5) == []


def test_mails_that_wait_to_be_decided_again_are_listed(desk, store, archive):
    first, second, _ = desk.spool(b"one", b"two", b"three")
    for each in (first, second):
        store.ledger.defer(each, "config.broken", "a rule file", desk.now)
    assert [row.mail for row in archive.waiting()] == [first.mail, second.mail]


def test_the_oldest_mail_is_known_once_there_is_one(desk, archive):
    assert archive.oldest() is None
    began = desk.now
    desk.end(Outcome.HELD)
    desk.later(days=1)
    desk.end(Outcome.HELD)
    assert archive.oldest() == began


def test_receipts_traces_and_bytes_of_a_mail_can_be_read(desk, archive):
    mail = desk.end(Outcome.HELD, content=b"hello", trace=b'{"x":1}')
    assert [receipt.outcome for receipt in archive.receipts(mail)] == [Outcome.HELD]
    assert archive.trace(mail) == archive.trace(mail, 1) == b'{"x":1}' and archive.trace(mail, 2) is None
    assert archive.raw(mail).content == b"hello"
    with pytest.raises(NotFound):
        archive.raw("m-000000000000")


def test_decided_mails_of_a_time_are_gone_through_oldest_first(desk, archive):
    mails = []
    for _ in range(3):
        mails.append(desk.end(Outcome.HELD))
        desk.later(hours=1)
    since, until = (archive.mail(mail).received_at for mail in (mails[0], mails[2]))
    assert [stored.mail for stored in archive.stored_mails(since)] == mails
    assert [stored.mail for stored in archive.stored_mails(since, until)] == mails[:2]


def test_texts_of_rule_files_are_kept_once(archive):
    archive.keep_text("d", "text")
    archive.keep_text("d", "text")
    assert (archive.text("d"), archive.text("e")) == ("text", "")


def test_old_bytes_and_traces_go_and_attachments_stay(desk, store, archive):
    file = attachment(b"hello", b"aGVsbG8=", 0)
    receipt = desk.item("x", Attach(0, file), content=b"aGVsbG8=")
    waiting = desk.end(Outcome.HELD)
    settle(desk)
    desk.later(days=400)
    pruned = archive.prune(desk.now, YEAR_S, YEAR_S)
    assert (pruned.mails, pruned.bytes, pruned.traces, pruned.kept) == (1, 8, 1, 1)
    assert archive.raw(receipt.mail) is None and archive.trace(receipt.mail) is None
    assert archive.raw(waiting) is not None, "it waits for a person"
    assert store.items.blob(file.digest) == b"hello"
    assert archive.prune(desk.now, YEAR_S, YEAR_S).mails == 0


def test_an_erased_mail_is_still_known(desk, store, archive):
    receipt = desk.item("x", content=b"hello")
    with pytest.raises(Refused, match="still to be moved"):
        archive.purge(receipt.mail)
    assert "still to be moved" in archive.not_to_purge(receipt.mail)
    settle(desk)
    assert archive.not_to_purge(receipt.mail) == ""
    archive.purge(receipt.mail)
    archive.wipe()
    archive.wipe(anew=True)
    row = archive.mail(receipt.mail)
    assert (row.sender, row.subject, archive.raw(row.mail), archive.trace(row.mail)) == ("", "", None, None)
    assert store.ledger.spool([desk.raw(b"hello")], "me")[0].seen_before
    with pytest.raises(Refused, match="ignore or release"):
        archive.purge(desk.end(Outcome.HELD))


def test_a_person_is_forgotten_and_others_are_not(desk, store, archive):
    item = desk.item("x", content=b"From: jane@example.com\n\nhello").item
    with pytest.raises(Refused, match="still to be moved"):
        archive.forget("jane@example.com", "anna")
    settle(desk)
    other = 50
    store.items.put_item({"id": other, "workspace": "support", "title": "y", "author": "bob"})
    store.items.put_item({"id": item, "workspace": "support", "title": "x", "labels": ["legal-hold"]})
    with pytest.raises(Refused, match="legal-hold"):
        archive.forget("jane@example.com", "anna")
    assert store.directory.account("jane@example.com", "").account is not None, "all of it is taken back"
    store.database.run("DELETE FROM item_label")
    done = archive.forget("Jane@Example.com", "anna", "", ("Janey",), "Janey (jane@example.com) asked", "console")
    (noted,) = store.history.events("person.forgotten")[0]
    assert (noted.via, noted.detail["said"]) == ("console", "[erased] ([erased]) asked")
    assert (done.login, done.names) == ("jane", ("Janey", "Jane Doe"))
    assert dict(done.counts)["item"] == 1
    assert [store.items.view(each).item.title for each in (item, other)] == ["[erased]", "y"]
    assert store.directory.account("jane@example.com", "").account is None
    assert archive.forget("jane@example.com", "anna").counts == ()


def test_a_backup_never_overwrites_and_one_of_a_server_is_made_by_its_own_tools(desk, store, archive, tmp_path):
    desk.item()
    target = tmp_path / "copy"
    if isinstance(store.where, Url):
        with pytest.raises(Refused, match="pg_dump"):
            archive.backup(target)
        assert not target.exists()
        return
    assert archive.backup(target).size_bytes == target.stat().st_size > 0
    with pytest.raises(Refused, match="exists"):
        archive.backup(target)


def test_a_search_gives_a_page_and_says_whether_there_is_more(desk, archive):
    mails = [desk.end(Outcome.HELD) for _ in range(3)]
    desk.end(Outcome.REJECTED)
    found = archive.search("outcome:held", 2)
    assert [row.mail for row in found.mails] == mails[:0:-1] and found.more and found.looked_since is None
    rest = archive.search("outcome:held", 2, before=found.mails[-1].row)
    assert [row.mail for row in rest.mails] == mails[:1] and not rest.more


def test_days_of_a_search_are_those_of_a_zone(desk, archive):
    mail = desk.end(Outcome.HELD)  # at 10:31 UTC, 02:31 in Los Angeles
    desk.later(hours=16)  # the next day, but there
    assert archive.search("on:today", 9).mails == []
    assert [row.mail for row in archive.search("on:yesterday", 9).mails] == [mail]
    assert [row.mail for row in archive.search("on:today", 9, zone=ZoneInfo("America/Los_Angeles")).mails] == [mail]


def test_all_can_be_counted_anew(desk, archive):
    mail = desk.end(Outcome.HELD)
    archive.prune(desk.later(days=900), 1e9, 1.0)
    desk.store.ledger.ignore(mail, "anna", "no")
    told = []
    done = archive.recount(lambda *both: told.append(both))
    assert (done.mails, done.decisions, done.untraced) == (1, 2, 1) and told[-1][0] == told[-1][1]
