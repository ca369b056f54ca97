"""What is broken is told apart: one mail, the machine, the disk; and nobody is stopped by what somebody else sends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from servers import poison
from servers.failpoints import Ended, run

RETRY = """
[errors]
retry = ["0 s"]
forward_to = ["ops@example.com"]
[smtp]
transport = "maildir"
path = "out"
from = "help@example.com"
"""


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[bytes], bool]], None]:
    """Let the machine break on mails of a kind; a function of their bytes."""
    from engine.decision import facts

    gather = facts.gather

    def install(when: Callable[[bytes], bool]) -> None:
        def gathering(mail: Any, *rest: Any) -> Any:
            if when(mail.raw.content):
                raise KeyError("the machine is broken")
            return gather(mail, *rest)

        monkeypatch.setattr(facts, "gather", gathering)

    return install


def sql(desk: Any, text: str) -> list[Any]:
    with closing(sqlite3.connect(desk.folder / "var" / "allegra.sqlite3")) as database, database:
        return database.execute(text).fetchall()


def attempts(desk: Any) -> list[int]:
    return [attempts for (attempts,) in sql(desk, "SELECT attempts FROM inbound WHERE state = 'received' ORDER BY id")]


def due(desk: Any) -> None:
    """Let the time of the pause be over."""
    sql(desk, "UPDATE mailbox SET retry_at = 1 WHERE retry_at > 0")


def events(desk: Any) -> list[str]:
    return [event for (event,) in desk.told("event") if event != "item.created"]


def test_a_machine_that_breaks_on_every_mail_pauses_the_mailbox_and_charges_nobody(desk: Any, breaks: Any) -> None:
    desk.configure(more=RETRY)
    desk.mail("It works")
    assert desk.run()[0]["outcome"] == "created"
    breaks(lambda content: True)
    for number in range(7):
        desk.mail(f"Mail {number}", sender="Monitoring <anna@example.com>")
    told = desk.allegra("run")
    assert told.exit_code == 69
    said = "mailbox system: paused, because 7 mails in a row broke the machine in the same way (KeyError "
    assert said in told.stderr and "`allegra run --mailbox system` tries now" in told.stderr
    assert attempts(desk) == [0] * 7
    desk.mail("One more")
    assert desk.allegra("run").exit_code == 69
    assert len(desk.files()) == 8, "a mailbox that pauses is not read"
    assert [event for event in events(desk) if event.startswith("mailbox")] == ["mailbox.down"]
    (box, _) = desk.lines("mailbox", "list")
    assert box["state"] == "failing" and box["retry_at"]
    assert "paused, because 7 mails" in desk.allegra("health").stdout


def test_it_goes_on_by_itself_once_the_machine_works(desk: Any, breaks: Any) -> None:
    desk.configure(more=RETRY)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: True)
    for number in range(5):
        desk.mail(f"Mail {number}")
    desk.run()
    due(desk)
    assert desk.run() == [], "it was tried and breaks as before"
    assert attempts(desk) == [0] * 5
    breaks(lambda content: False)
    assert desk.run() == [], "the pause is not over"
    due(desk)
    assert [line["outcome"] for line in desk.run()] == ["created"] * 5
    assert desk.allegra("run").exit_code == 0
    assert [event for event in events(desk) if event.startswith("mailbox")] == ["mailbox.down", "mailbox.up"]


@pytest.mark.parametrize("how", [("mailbox", "resume", "system"), ("run", "--mailbox", "system")])
def test_or_by_hand(desk: Any, breaks: Any, how: tuple[str, ...]) -> None:
    desk.configure(more=RETRY)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: True)
    for number in range(5):
        desk.mail(f"Mail {number}")
    desk.run()
    breaks(lambda content: False)
    assert desk.allegra(*how).exit_code == 0
    desk.run()
    assert len(desk.lines("item", "list")) == 6


def test_nobody_stops_a_mailbox_by_mail_that_breaks_the_machine(desk: Any, breaks: Any) -> None:
    """Under however many names: what went well before still does, so the mails are to blame."""
    desk.configure(more=RETRY)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: b"poison" in content)
    for number in range(8):
        desk.mail(f"Mail {number}", sender=f"eve{number}@evil.example", body="poison\n")
    lines = desk.run()
    assert {line["outcome"] for line in lines} == {"deferred"}
    assert min(attempts(desk)) >= 1, "they are charged"
    desk.mail("Good")
    assert "created" in [line["outcome"] for line in desk.run()]
    for _ in range(20):
        desk.run()
    assert len(desk.lines("held", "list")) == 8
    assert [event for event in events(desk) if event.startswith("mailbox")] == []


def test_where_nothing_ever_went_well_five_senders_have_to_agree_and_a_mail_is_the_probe(
    desk: Any, breaks: Any
) -> None:
    desk.configure(more=RETRY)
    breaks(lambda content: True)
    for number in range(5):
        desk.mail(f"Mail {number}", sender="eve@evil.example")
    desk.run()
    assert min(attempts(desk)) >= 1
    sql(desk, "DELETE FROM receipt")
    for number in range(5):
        desk.mail(f"More {number}", sender=f"nobody{number}@example.org", box="support")
    desk.run()
    (state,) = sql(desk, "SELECT code FROM mailbox WHERE name = 'support'")
    assert state == ("mailbox.broken",)
    breaks(lambda content: False)
    due(desk)
    assert {line["mailbox"] for line in desk.run()} >= {"support"}
    assert sql(desk, "SELECT code FROM mailbox WHERE name = 'support'") == [("",)]


def test_five_mailboxes_with_a_mail_each_are_five_mails_in_a_row(desk: Any, breaks: Any) -> None:
    desk.configure(more=RETRY)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: True)
    for number in range(3):
        desk.mail(f"Mail {number}")
    for number in range(3):
        desk.mail(f"Other {number}", box="support")
    desk.run()
    assert desk.allegra("run").exit_code == 69
    assert sql(desk, "SELECT code FROM mailbox") == [("mailbox.broken",)] * 2
    assert attempts(desk) == [0] * 6


def test_a_mail_delivered_by_the_mail_server_waits_while_its_mailbox_pauses(desk: Any, breaks: Any) -> None:
    desk.configure(more=RETRY)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: True)
    for number in range(5):
        desk.mail(f"Mail {number}")
    desk.run()
    mail = b"From: anna@example.com\nTo: help@example.com\nSubject: Piped\nMessage-ID: <p@example.com>\n\nHello\n"
    assert desk.allegra("deliver", "--mailbox", "system", stdin=mail).exit_code == 0
    assert attempts(desk) == [0] * 6


# ── a mail that breaks the reader ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sick(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    desk.configure(more='[errors]\nretry = ["0 s"]')
    environ = poison.everywhere(tmp_path_factory.mktemp("site"))
    return lambda *words: run(desk.folder, "run", *words, environ=environ, before=poison.install)


def test_what_breaks_the_reader_is_an_item_with_its_subject_and_the_original(desk: Any, sick: Any) -> None:
    desk.mail("Unreadable", body="kill me reading\n", headers=["Content-Type: multipart/mixed; boundary=x"])
    for _ in range(3):
        sick()
    (item,) = desk.lines("item", "list")
    assert item["title"] == "Unreadable"
    shown = desk.item(item["id"])
    assert "could not be read in full" in shown["text"]
    (file,) = shown["attachments"]
    assert file["name"] == "original.eml"
    assert len(desk.files(folder="Done")) == 1
    assert "only its header was read, and the original is attached" in desk.explained()


def test_a_reply_that_breaks_the_reader_still_finds_its_item(desk: Any, sick: Any) -> None:
    first = desk.mail("Printer broken")
    sick()
    desk.mail("Re: Printer broken", body="raise reading\n", headers=[f"In-Reply-To: {first}"])
    for _ in range(3):
        sick()
    assert len(desk.lines("item", "list")) == 1
    assert desk.lines("mail", "list")[0]["outcome"] == "comment"


def test_two_mails_that_differ_only_in_what_nobody_can_read_are_two(desk: Any, sick: Any) -> None:
    for number in range(2):
        desk.mail("Same", body=f"raise reading {number}\n", message_id="<same@example.com>", headers=["X: y"])
    head = [path.read_bytes() for path in sorted((desk.folder / "mail" / "system" / "new").iterdir())]
    for path in (desk.folder / "mail" / "system" / "new").iterdir():
        path.write_bytes(head[0].replace(b"reading 0", b"reading " + path.name[:4].encode()))
    for _ in range(6):
        sick()
    assert [row["outcome"] for row in desk.lines("mail", "list")] == ["created"] * 2


@pytest.mark.parametrize("first", ["system", "support"])
def test_one_mail_in_two_mailboxes_is_one_item_although_one_of_them_was_read_by_its_header_alone(
    desk: Any, sick: Any, first: str
) -> None:
    desk.mail("In both", body="raise reading\n", box="system")
    (copy,) = (desk.folder / "mail" / "system" / "new").iterdir()
    (desk.folder / "mail" / "support" / "new" / copy.name).write_bytes(copy.read_bytes())
    if first == "system":
        desk.run("--mailbox", "system")
    else:
        for _ in range(4):
            sick("--mailbox", "system")
        desk.run("--mailbox", "support")
    for _ in range(4):
        sick()
    assert sorted(row["outcome"] for row in desk.lines("mail", "list")) == ["created", "duplicate"]


def test_the_admin_hears_once_of_a_mail_that_is_given_up(desk: Any, breaks: Any) -> None:
    desk.configure(more=RETRY)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: b"poison" in content)
    desk.mail("Bad", body="poison\n")
    for _ in range(8):
        desk.run()
    (row,) = desk.lines("held", "list")
    assert (row["outcome"], row["attempts"]) == ("error", 5)
    assert [key for key, event in desk.told("address_key, event") if event == "mail.failed"] == ["ops@example.com"]


# ── the disk ──────────────────────────────────────────────────────────────────────────────────────────────────

FULL = '[store]\nkeep_free = "900000 GB"\n'


def test_below_the_room_that_has_to_be_nothing_is_fetched_and_the_rest_goes_on(desk: Any) -> None:
    desk.configure(more=RETRY)
    desk.mail("Waits")
    assert desk.allegra("deliver", "--mailbox", "system", stdin=b"From: a@b.example\n\nx\n").exit_code == 0
    desk.configure(more=FULL + RETRY)
    told = desk.allegra("run")
    assert told.exit_code == 69
    assert "MB are free where allegra.sqlite3 is" in told.stderr and "no mail is fetched" in told.stderr
    assert len(desk.files()) == 1
    desk.run()
    assert events(desk).count("disk.low") == 1, "one disk is one incident"
    assert "no mail is fetched below" in desk.allegra("health").stdout
    assert desk.allegra("deliver", "--mailbox", "system", stdin=b"From: a@b.example\n\ny\n").exit_code == 75
    desk.configure(more=RETRY)
    assert [line["outcome"] for line in desk.run()] == ["created"]
    assert events(desk).count("disk.free") == 1
    assert desk.lines("mailbox", "list")[0]["state"] == "ok"


def test_a_disk_that_fills_up_ends_the_fetching_in_the_middle(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.run import room

    left = iter([10**9] * 2 + [0] * 100)
    monkeypatch.setattr(room, "free", lambda config: next(left))
    for number in range(120):
        desk.mail(f"Mail {number}")
    lines = desk.run("--mailbox", "system")
    assert 50 <= len(lines) < 120
    monkeypatch.undo()
    assert len(lines) + len(desk.run()) == 120


def test_a_reply_waits_for_the_mail_it_answers_while_that_waits_for_its_next_attempt(desk: Any, breaks: Any) -> None:
    breaks(lambda content: b"Subject: Broken" in content)
    desk.mail("Broken", message_id="<first@example.com>")
    desk.run()
    reply = ["In-Reply-To: <first@example.com>", "References: <first@example.com>"]
    desk.mail("Re: Broken", message_id="<second@example.com>", headers=reply)
    desk.mail("Re: Broken", message_id="<third@example.com>", headers=["In-Reply-To: <second@example.com>"])
    assert [line["code"] for line in desk.run()] == ["commit.parent"] * 2, "the reply waits, and what answers it"
    waits = sql(desk, "SELECT code, error FROM inbound WHERE state = 'received' ORDER BY id")[1:]
    first, second = (mail for (mail,) in sql(desk, "SELECT ref FROM inbound ORDER BY id LIMIT 2"))
    because = "it answers {}, which is not decided yet"
    assert waits == [("commit.parent", because.format(first)), ("commit.parent", because.format(second))]
    breaks(lambda content: False)
    sql(desk, "UPDATE inbound SET next_at = 1 WHERE code = 'fault.exception'")
    assert [line["outcome"] for line in desk.run()] == ["created", "comment", "comment"], "in the same pass"


def test_a_parent_that_goes_on_breaking_does_not_hold_its_replies_for_ever(desk: Any, breaks: Any) -> None:
    breaks(lambda content: b"Subject: Broken" in content)
    desk.configure(more='[errors]\nparent_wait = "0 s"\n')
    desk.mail("Broken", message_id="<first@example.com>")
    desk.run()
    desk.mail("Re: Broken", message_id="<second@example.com>", headers=["In-Reply-To: <first@example.com>"])
    assert [line["outcome"] for line in desk.run()] == ["created"]
