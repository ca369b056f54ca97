"""What is let go, and what is kept of it."""

from __future__ import annotations

import base64
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta

import pytest
from servers.limits import no_file_above
from store.desk import Hears, answer, auto, notice

from engine.model.mail import Cutting, Part
from engine.model.plan import AddComment, Attach, CreateItem, Outcome, Tell
from engine.model.reasons import REASONS
from engine.store.errors import NotFound, Refused, StoreError
from engine.store.reading import damage
from engine.store.store import Store

YEAR = 365 * 86400.0


def settle(desk):
    desk.store.mailboxes.actions_done(
        "system", [(row[0], "done", "") for row in desk.store.mailboxes.pending_actions("system", 99)]
    )


def test_old_mails_lose_their_bytes_and_are_still_known(desk):
    content = b"From: a@example.com\n\nold"
    mail = desk.item(content=content).mail
    settle(desk)
    desk.later(days=91)
    pruned = desk.store.archive.prune(desk.now, 90 * 86400.0, 5 * YEAR)
    assert (pruned.mails, pruned.bytes, pruned.traces) == (1, len(content), 0)
    assert desk.store.archive.raw(mail) is None and desk.store.archive.trace(mail)
    assert desk.spool(content)[0].seen_before
    assert desk.store.archive.prune(desk.now, 90 * 86400.0, 5 * YEAR).mails == 0


def test_young_waiting_held_quarantined_and_unsettled_mails_keep_their_bytes(desk):
    held = desk.end(Outcome.HELD, action="")
    (waiting,) = desk.spool()
    (broken,) = desk.spool()
    desk.store.ledger.fail(broken, "x", desk.now, [], max_attempts=1)
    unsettled = desk.end(Outcome.DISCARDED, action="move")
    desk.later(days=1000)
    young = desk.end(Outcome.DISCARDED, action="")
    assert desk.store.archive.prune(desk.now, 90 * 86400.0, 90 * 86400.0).mails == 0
    for mail in (held, waiting.mail, broken.mail, unsettled, young):
        assert desk.store.archive.raw(mail) is not None


def test_G18_a_mail_that_came_while_the_clock_ran_behind_is_as_young_as_those_before_it(desk):
    old = desk.end(Outcome.DISCARDED, action="")
    desk.later(days=100)
    before = desk.end(Outcome.DISCARDED, action="")
    now = desk.now
    desk.now = now.replace(year=2000)
    behind = desk.end(Outcome.DISCARDED, action="")
    desk.now = now + timedelta(days=1)
    pruned = desk.store.archive.prune(desk.now, 90 * 86400.0, 90 * 86400.0)
    assert (pruned.mails, pruned.traces) == (1, 1)
    assert [desk.store.archive.raw(mail) is None for mail in (old, before, behind)] == [True, False, False]
    pruned = desk.store.archive.prune(desk.later(days=100), 90 * 86400.0, 90 * 86400.0)
    assert (pruned.mails, pruned.traces) == (2, 2)


def test_G18_a_mail_that_came_while_the_clock_ran_ahead_keeps_no_other_for_ever(desk):
    now = desk.now
    desk.later(days=4000)
    ahead = desk.end(Outcome.DISCARDED, action="")
    desk.now = now
    later = desk.end(Outcome.DISCARDED, action="")
    assert desk.store.archive.prune(desk.later(days=100), 90 * 86400.0, YEAR).mails == 1
    assert [desk.store.archive.raw(mail) is None for mail in (ahead, later)] == [False, True]


def test_bytes_that_another_mailbox_still_needs_stay(desk):
    content = b"From: a@example.com\n\nx"
    mail = desk.end(Outcome.DISCARDED, content=content, action="")
    desk.spool(content, mailbox="support")
    desk.later(days=100)
    assert desk.store.archive.prune(desk.now, 0.0, YEAR).mails == 0
    with pytest.raises(Refused):
        desk.store.archive.purge(mail)


def test_attachments_and_html_are_kept_as_bytes_of_their_own(desk, attached):
    encoded = base64.b64encode(b"picture")
    content = b"From: a@example.com\n\n<b>hi</b>\n" + encoded
    at = content.index(encoded)
    file = attached(b"picture", encoded, at)
    html = Part("text/html", 21, 30, "8bit", "utf-8", pictures=(("a@x", file.digest),))
    (spooled,) = desk.spool(content)
    made = CreateItem("support", "x", "hi", "jane", html_part=html)
    item = desk.commit(spooled, made, Attach(0, file), action="").item
    (reply,) = desk.spool(b"From: b@example.com\n\n<b>hi</b>\n")
    desk.commit(reply, AddComment(item, "hi", "jane", html_part=html), outcome=Outcome.COMMENT, item=item, action="")
    assert desk.store.database.one("SELECT content FROM blob") == (None,)
    desk.later(days=100)
    assert desk.store.archive.prune(desk.now, 86400.0, YEAR).kept == 3
    view = desk.store.items.view(item)
    assert desk.store.items.blob(view.attachments[0].digest) == b"picture"
    assert desk.store.items.html(view.html) == desk.store.items.html(view.comments[0].html) == "<b>hi</b>"
    assert desk.store.items.pictures(view.html) == {"a@x": file.digest}


def test_F103_how_html_is_cut_is_known_when_its_mail_has_gone(desk):
    content = b"From: a@example.com\n\n<b>hi</b><blockquote>old</blockquote>"
    (spooled,) = desk.spool(content)
    how = Cutting("Re: x", "", True)
    html = Part("text/html", 21, len(content), "8bit", "utf-8", cutting=how)
    item = desk.commit(spooled, CreateItem("support", "x", "hi", "jane", html_part=html), action="").item
    desk.later(days=100)
    assert desk.store.archive.prune(desk.now, 86400.0, YEAR).kept == 1
    reference = desk.store.items.view(item).html
    assert desk.store.items.html(reference) == "<b>hi</b><blockquote>old</blockquote>"
    assert desk.store.items.cutting(reference) == how


def test_the_same_attachment_of_two_mails_is_kept_once(desk, attached):
    for number in range(2):
        content = b"From: a@example.com\n\n%d aGVsbG8=" % number
        (spooled,) = desk.spool(content)
        file = attached(b"hello", b"aGVsbG8=", content.index(b"aGV"), name=f"{number}.txt")
        desk.commit(spooled, CreateItem("support", "x", "", "jane"), Attach(0, file), action="")
    assert desk.count("blob") == 1 and desk.count("attachment") == 2
    desk.later(days=100)
    desk.store.archive.prune(desk.now, 0.0, YEAR)
    assert desk.store.items.blob(desk.store.items.view(2).attachments[0].digest) == b"hello"


def test_old_traces_go_and_receipts_stay(desk):
    mail = desk.end(Outcome.DISCARDED, action="")
    desk.later(days=2000)
    assert desk.store.archive.prune(desk.now, 90 * 86400.0, 5 * YEAR).traces == 1
    assert desk.store.archive.trace(mail) is None and desk.store.archive.receipts(mail)


def test_purging_erases_addresses_and_subject_and_keeps_the_item(desk):
    receipt = desk.item("Printer", content=b"From: jane@example.com\n\nprivate", action="", subject="private")
    desk.store.archive.purge(receipt.mail)
    row = desk.store.archive.mail(receipt.mail)
    assert (row.sender, row.subject, row.recipients) == ("", "", "")
    assert desk.store.archive.raw(receipt.mail) is None and desk.store.archive.trace(receipt.mail) is None
    assert desk.store.items.view(receipt.item).item.title == "Printer"
    assert desk.spool(b"From: jane@example.com\n\nprivate")[0].seen_before


def test_no_word_of_a_purged_mail_or_about_a_person_is_left_in_its_rows(desk):
    content = b"From: max@stranger.example\n\nprivate"
    mail = desk.end(Outcome.HELD, content=content, action="", subject="private",
                    message_id="<private.1@stranger.example>", sender="max@stranger.example")  # fmt: skip
    tell = Tell("mail.rejected", because="no, Max private", text="private")
    hears = Hears(auto("max@stranger.example", name="Max"), answer("max@stranger.example", state="held"),
                  notice("max@stranger.example", state="suppressed", said="stranger"))  # fmt: skip
    desk.store.ledger.reject(mail, "anna", "no, Max private", tell, hears)
    (again,) = desk.spool(content, mailbox="support")
    desk.commit(
        again, Tell("mail.discarded", because="private"), outcome=Outcome.DISCARDED, action="", subject="private",
        sender="max@stranger.example",
    )  # fmt: skip
    (row,) = desk.store.outbox.claim(1, desk.now, "me")
    desk.store.outbox.composed(row.id, "<ours@example.com>", b"To: max@stranger.example")
    desk.store.outbox.sent(row.id)
    desk.store.archive.purge(mail)
    every = sorted(name for name in desk.store.database.tables() if not name.startswith("sqlite_"))
    everything = str([desk.store.database.rows(f"SELECT * FROM {name}") for name in every])  # noqa: S608
    for word in ("stranger", "private", "Max"):
        assert word not in everything
    assert [(each.outcome, each.because, each.by.name) for each in desk.store.archive.receipts(mail)] == [
        ("held", REASONS["gate.dmarc"].sentence, "dmarc"), ("rejected", REASONS["gate.dmarc"].sentence, "anna")
    ]  # fmt: skip
    assert desk.store.archive.mail(mail).purged_at == desk.now
    assert desk.store.archive.mail(again.mail).purged_at == desk.now


def test_a_mail_whose_bytes_were_let_go_in_time_is_not_said_to_be_purged(desk):
    mail = desk.end(Outcome.DISCARDED, action="")
    desk.later(days=100)
    desk.store.archive.prune(desk.now, 86400.0, YEAR)
    row = desk.store.archive.mail(mail)
    assert (row.erased_at, row.purged_at) == (desk.now, None)


def test_what_waits_is_not_purged(desk):
    with pytest.raises(Refused, match="ignore or release"):
        desk.store.archive.purge(desk.end(Outcome.HELD, action=""))
    with pytest.raises(Refused, match="still to be moved"):
        desk.store.archive.purge(desk.end(Outcome.DISCARDED))


def test_an_attachment_that_does_not_exist_is_not_found(desk):
    with pytest.raises(NotFound):
        desk.store.items.blob("00" * 32)


def test_damaged_bytes_are_noticed(desk, attached):
    (spooled,) = desk.spool(b"From: a@example.com\n\naGVsbG8=")
    file = attached(b"hello", b"aGVsbG8=", 21)
    desk.commit(spooled, CreateItem("support", "x", "", "jane"), Attach(0, file), action="")
    desk.store.database.run("UPDATE raw_mail SET content = ?", b"From: a@example.com\n\nWFhYWFg=")
    with pytest.raises(StoreError, match="not what was stored"):
        desk.store.items.blob(file.digest)


def test_backup_is_a_whole_database_for_its_owner_only(file_desk, tmp_path):
    file_desk.item("Printer")
    target = tmp_path / "backup.sqlite3"
    assert file_desk.store.archive.backup(target).size_bytes == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = sqlite3.connect(target)
    assert copy.execute("SELECT title FROM item").fetchall() == [("Printer",)]
    copy.close()
    with pytest.raises(Refused, match="never overwrites"):
        file_desk.store.archive.backup(target)
    with pytest.raises(Refused, match=r"there is no folder .*nowhere: make it first"):
        file_desk.store.archive.backup(tmp_path / "nowhere" / "b")


def test_a_backup_that_has_no_room_leaves_nothing_and_can_be_tried_again(file_desk, tmp_path):
    for n in range(40):
        file_desk.item(f"Item {n}", content=b"x" * 9000 + bytes([n]))
    file_desk.store.database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    target, folder = tmp_path / "backup.sqlite3", sorted(tmp_path.iterdir())
    with no_file_above(200_000), pytest.raises(StoreError, match=r"backup\.sqlite3 cannot be written: "):
        file_desk.store.archive.backup(target)
    assert sorted(tmp_path.iterdir()) == folder
    file_desk.store.archive.backup(target)
    assert damage(target) == ""


def test_a_backup_that_is_stopped_or_whose_files_cannot_be_read_leaves_nothing(file_desk, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    folder = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        file_desk.store.archive.backup(tmp_path / "b.db", told=stop)
    with pytest.raises(StoreError, match="Is a directory"):
        file_desk.store.archive.backup(tmp_path / "b.db", {"secret": tmp_path})
    assert sorted(tmp_path.iterdir()) == folder


def test_a_backup_of_a_damaged_database_says_so(file_desk, tmp_path):
    path = file_desk.store.path
    for n in range(20):
        file_desk.item(f"Item {n}", content=b"x" * 9000 + bytes([n]))
    file_desk.store.database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(40_000)
        file.write(b"\xff" * 60_000)
    with Store.open(path) as fresh, pytest.raises(StoreError, match="damaged"):
        fresh.archive.backup(tmp_path / "copy")


def test_rows_of_the_outbox_that_are_over_go_after_a_year_and_who_was_not_told_after_90_days(desk):
    told = (
        answer("a@x.example"), answer("b@x.example"), notice("c@x.example"), notice("d@x.example"), auto("e@x.example"),
        notice("f@x.example", state="suppressed", why="actor"), answer("g@x.example", state="held", why="unproven"),
        notice("h@x.example", state="digest", due=desk.later(days=900)),
    )  # fmt: skip
    desk.item(told=told)
    states = iter(("sent", "bounced", "dropped", "failed", "unknown"))
    for number in range(1, 6):
        with desk.store.writing():
            desk.store.database.run("UPDATE outbox SET state = ? WHERE id = ?", next(states), number)

    def left():
        return [state for (state,) in desk.store.database.rows("SELECT state FROM outbox ORDER BY id")]

    prune = desk.store.archive.prune
    assert prune(desk.later(days=89), YEAR, YEAR, YEAR).outbox == 0
    assert prune(desk.later(days=2), YEAR, YEAR, YEAR).outbox == 1
    assert "suppressed" not in left()
    assert prune(desk.now, YEAR, YEAR).outbox == 0
    assert prune(desk.later(days=275), YEAR, YEAR, YEAR).outbox == 3
    assert left() == ["failed", "unknown", "held", "digest"], "what waits, or needs somebody's eyes, stays"
    assert prune(desk.later(days=4000), YEAR, YEAR, YEAR).outbox == 0


def test_more_old_rows_than_fit_in_one_transaction_all_go(desk):
    desk.item()
    old = "INSERT INTO outbox (dedupe, message_id, class, payload, state, created_at) VALUES (?, ?, 'auto', '{}', ?, 1)"
    with desk.store.writing():
        for number in range(1201):
            desk.store.database.run(old, f"x{number}", f"<x{number}@x>", "sent")
    assert desk.store.archive.prune(desk.now, YEAR, YEAR, YEAR).outbox == 1201


def test_a_purged_mail_leaves_no_words_in_the_mail_that_carried_what_was_told_of_it(desk):
    receipt = desk.item(content=b"secret", told=(notice("a@x.example", state="digest", due=desk.now),))
    settle(desk)
    (carrier,) = desk.store.ledger.carry(desk.now)
    (row,) = desk.store.outbox.claim(9, desk.now, "me")
    desk.store.outbox.composed(carrier, "<ours@example.com>", b"Subject: secret words")
    desk.store.outbox.sent(row.id)
    desk.store.archive.purge(receipt.mail)
    assert desk.store.database.rows("SELECT content FROM outbox WHERE id = ?", carrier) == [(None,)]


def test_what_waits_for_a_digest_keeps_its_recipient_when_its_mail_is_purged(desk):
    receipt = desk.item(content=b"x", told=(notice("a@x.example", state="digest", due=desk.later(hours=1)),))
    settle(desk)
    desk.store.archive.purge(receipt.mail)
    (row,) = desk.store.ledger.carry(desk.now)
    assert desk.store.outbox.row(row).told.to == "a@x.example"


def test_a_backup_under_way_is_of_one_moment_and_tells_how_far_it_is(file_desk, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.store.sqlite.COPIED_PAGES", 2)
    file_desk.item("Before")
    heard = []
    with Store.open(file_desk.store.path) as other:

        def meanwhile(done, total):
            heard.append((done, total))
            with other.writing():
                other.database.run("UPDATE item SET title = title || '!'")

        file_desk.store.archive.backup(tmp_path / "b.db", told=meanwhile)
    assert len(heard) > 5 and heard[-1][0] == heard[-1][1]
    assert [done for done, _ in heard] == sorted(done for done, _ in heard), "it began anew"
    with closing(sqlite3.connect(tmp_path / "b.db")) as copy:
        assert copy.execute("SELECT title FROM item").fetchall() == [("Before",)]


def test_letting_go_tells_how_many_went(desk):
    for number in range(3):
        desk.item(f"Item {number}")
    settle(desk)
    heard = []
    desk.store.archive.prune(desk.later(days=400), 1.0, YEAR, told=lambda *each: heard.append(each))
    assert heard == [(3, 0)]
