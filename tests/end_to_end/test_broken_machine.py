"""What is broken is told apart: one mail, the machine, the disk; and nobody is stopped by what somebody else sends."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import databases
import pytest
from servers import poison
from servers.failpoints import Ended, run

from engine.config import load
from engine.run.at_once import decide_fresh
from engine.run.engine import Engine
from engine.store.store import Store

RETRY = """
[errors]
retry = ["0 s"]
forward_to = ["ops@example.com"]
[smtp]
transport = "maildir"
path = "out"
from = "help@example.com"
"""


SLOW = RETRY.replace("0 s", "1 h")
"""A mail that broke is not tried again in the same run."""


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
    found: list[tuple[Any, ...]] = desk.change(text)
    return found


def attempts(desk: Any) -> list[int]:
    return [attempts for (attempts,) in sql(desk, "SELECT attempts FROM inbound WHERE state = 'received' ORDER BY id")]


def due(desk: Any) -> None:
    """Let the time of the pause be over."""
    sql(desk, "UPDATE mailbox SET retry_at = 1 WHERE retry_at > 0")


def later(desk: Any) -> None:
    """Let the mails that broke be due."""
    sql(desk, "UPDATE inbound SET next_at = 0 WHERE state = 'received'")


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
    """Under however many names: a mail of our own still goes well, so the mails are to blame."""
    desk.configure(more=SLOW)
    desk.mail("It works")
    desk.run()
    breaks(lambda content: b"poison" in content)
    for number in range(8):
        desk.mail(f"Mail {number}", sender=f"eve{number}@evil.example", body="poison\n")
    lines = desk.run()
    assert {line["outcome"] for line in lines} == {"deferred"}
    assert attempts(desk) == [1] * 8, "they are charged"
    desk.mail("Good")
    assert "created" in [line["outcome"] for line in desk.run()]
    for _ in range(4):
        later(desk)
        desk.run()
    assert len(desk.lines("held", "list")) == 8
    assert [event for event in events(desk) if event.startswith("mailbox")] == []


@pytest.mark.parametrize("before", ["nothing", "pruned", "purged", "held"])
def test_nobody_stops_a_mailbox_where_no_mail_is_left_that_went_well(desk: Any, breaks: Any, before: str) -> None:
    """On a desk that is new, that keeps no mail, or where nothing ever became an item."""
    desk.configure(more=SLOW + ("[store.archive]\nenabled = false\n" if before == "pruned" else ""))
    if before != "nothing":
        for number in range(3):
            who = "eve@evil.example" if before == "held" else "anna@example.com"
            desk.mail(f"It works {number}", sender=who)
        desk.run()
    if before == "pruned":
        assert desk.allegra("db", "prune", "--commit").exit_code == 0
    if before == "purged":
        assert desk.allegra("mail", "purge", "outcome:created", "--commit").exit_code == 0
    breaks(lambda content: b"poison" in content)
    for number in range(5):
        desk.mail(f"Mail {number}", sender=f"evil{number}@evil.example", body="poison\n")
    assert desk.allegra("run").exit_code == 0
    desk.mail("Good")
    assert [line["outcome"] for line in desk.run() if line["outcome"] != "deferred"] == ["created"]
    for _ in range(4):
        later(desk)
        desk.run()
    assert [row["outcome"] for row in desk.lines("held", "list")].count("error") == 5
    assert [event for event in events(desk) if event.startswith("mailbox")] == []


def test_what_stands_behind_many_mails_that_break_the_machine_is_decided_in_the_same_run(
    desk: Any, breaks: Any
) -> None:
    desk.configure(more=SLOW)
    breaks(lambda content: b"poison" in content)
    for number in range(120):
        desk.mail(f"Mail {number}", sender=f"evil{number}@evil.example", body="poison\n")
    desk.mail("Good")
    assert "created" in [line["outcome"] for line in desk.run()]


def test_what_broke_before_keeps_a_run_from_ending_for_a_minute_at_most(
    desk: Any, breaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many mails that is: the next run reads new mail first."""
    from engine.run import visit

    desk.configure(more=RETRY)
    monkeypatch.setattr(visit, "TRIED_S", 0.0)
    breaks(lambda content: b"poison" in content)
    for number in range(3):
        desk.mail(f"Mail {number}", body="poison\n")
    desk.run()
    assert sorted(attempts(desk)) == [1, 1, 2]


def test_where_nothing_ever_went_well_a_broken_machine_is_told_from_mail_as_well(desk: Any, breaks: Any) -> None:
    """Also where one sender wrote all of it, and nobody is an admin."""
    desk.configure(more=RETRY)
    breaks(lambda content: True)
    for number in range(5):
        desk.mail(f"Mail {number}", sender="anna@example.com", box="support")
    assert desk.allegra("run").exit_code == 69
    assert sql(desk, "SELECT code FROM mailbox WHERE name = 'support'") == [("mailbox.broken",)]
    assert attempts(desk) == [0] * 5
    breaks(lambda content: False)
    due(desk)
    assert [line["outcome"] for line in desk.run()] == ["created"] * 5
    assert sql(desk, "SELECT code FROM mailbox WHERE name = 'support'") == [("",)]


def test_a_suspicion_that_is_not_true_changes_nothing_else_of_a_mailbox(desk: Any, breaks: Any) -> None:
    """One whose server is away waits as before: nobody has it asked sooner by what they send."""
    desk.configure(more=SLOW)
    shutil.move(desk.folder / "mail" / "system", desk.folder / "mail" / "gone")
    desk.run()
    soon = (int(time.time()) + 600) * 1_000_000
    sql(desk, f"UPDATE mailbox SET retry_at = {soon}, refused = {soon} WHERE name = 'system'")  # noqa: S608
    columns = "SELECT code, sentence, failures, failing_since, retry_at, refused FROM mailbox WHERE name = 'system'"
    before = sql(desk, columns)
    breaks(lambda content: b"poison" in content)
    for number in range(5):
        mail = f"From: e{number}@evil.example\nSubject: {number}\n\npoison\n".encode()
        assert desk.allegra("deliver", "--mailbox", "system", stdin=mail).exit_code == 0
    assert sql(desk, "SELECT fault <> '' FROM mailbox WHERE name = 'system'") == [(1,)]
    desk.run()
    assert sql(desk, columns) == before
    assert attempts(desk) == [1] * 5
    assert sql(desk, "SELECT fault FROM mailbox WHERE name = 'system'") == [("",)]


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


def decided_by_a_door(desk: Any) -> None:
    """Do what a door that stays open does with mail that it took."""
    config = load(desk.folder / "allegra.toml")
    with Store.open(config.store.where) as store, closing(Engine(config, store)) as engine:
        assert decide_fresh(engine, config.mailboxes[0]), "there is nothing to come back for"


@pytest.mark.parametrize("how", ["by hand", "by itself"])
def test_nothing_is_decided_while_a_mailbox_pauses_however_it_comes(desk: Any, breaks: Any, how: str) -> None:
    desk.configure(more=SLOW)
    tried: list[bytes] = []
    breaks(lambda content: tried.append(content) is None)
    if how == "by hand":
        assert desk.allegra("mailbox", "pause", "system").exit_code == 0
    else:
        for number in range(5):
            desk.mail(f"Mail {number}")
        assert desk.allegra("run").exit_code == 69
    tried.clear()
    mail = b"From: anna@example.com\nTo: help@example.com\nSubject: Pushed\nMessage-ID: <p@example.com>\n\nHello\n"
    assert desk.allegra("deliver", "--mailbox", "system", stdin=mail).exit_code == 0
    decided_by_a_door(desk)
    assert tried == [] and {*attempts(desk)} == {0}
    breaks(lambda content: False)
    assert desk.allegra("mailbox", "resume", "system").exit_code == 0
    assert "created" in [line["outcome"] for line in desk.run()]


@pytest.mark.parametrize("how", ["by hand", "by itself"])
def test_a_mail_that_waits_for_the_end_of_a_pause_says_so_everywhere(desk: Any, breaks: Any, how: str) -> None:
    desk.configure(more=SLOW)
    breaks(lambda content: True)
    for number in range(5):
        desk.mail(f"Mail {number}")
    if how == "by hand":
        mail = b"From: anna@example.com\nSubject: Pushed\n\nHello\n"
        assert desk.allegra("mailbox", "pause", "system", "--reason", "we move house").exit_code == 0
        assert desk.allegra("deliver", "--mailbox", "system", stdin=mail).exit_code == 0
        code, why = "mailbox.paused", "we move house"
    else:
        desk.run()
        code, why = "mailbox.broken", "5 mails in a row broke the machine in the same way"
    mail, *_ = desk.lines("mail", "list")
    assert mail["code"] == code and why in mail["because"]
    assert (mail["waits_until"] is None) is (how == "by hand")
    assert code in desk.allegra("mail", "list").stdout
    assert why in desk.allegra("mail", "show", "last").stdout
    said = desk.allegra("explain", "last").stdout
    assert f"code {code}" in said and why in said and "allegra mailbox resume NAME" in said
    assert "became an item" not in said and "decides it now" not in said and "would be" not in said
    (told,) = desk.lines("explain", "last")
    assert (told["code"], told["waits"], told["would"]) == (code, True, None)
    assert told["waits_until"] == (mail["waits_until"] and told["waits_until"])
    assert why in desk.allegra("mailbox", "list").stdout
    assert "none of them is charged with it" in desk.allegra("mailbox", "list").stdout or how == "by hand"


def test_health_names_a_mailbox_once(desk: Any) -> None:
    shutil.move(desk.folder / "mail" / "system", desk.folder / "mail" / "gone")
    desk.run()
    sql(desk, "UPDATE mailbox SET ok_at = 0, failing_since = 1 WHERE name = 'system'")
    said = desk.allegra("health").stdout.partition("|")[0]
    assert "mailbox system: cannot be read since" in said and said.count("mailbox system") == 1


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


def test_a_mail_that_was_read_by_its_header_alone_is_no_measure_of_the_machine(desk: Any, sick: Any) -> None:
    """It went well, and breaks the reader when it is read whole: whoever sends it chooses what is tried."""
    desk.mail("Unreadable", body="raise reading\n")
    for _ in range(3):
        sick()
    assert len(desk.lines("item", "list")) == 1
    for number in range(6):
        desk.mail(f"Mail {number}", body="raise reading\n")
    desk.mail("Good")
    sick()
    assert len(desk.lines("item", "list")) == 8
    assert sql(desk, "SELECT code FROM mailbox WHERE name = 'system'") == [("",)]


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
    assert "MB are free where " in told.stderr and "no mail is fetched" in told.stderr
    assert len(desk.files()) == 1
    desk.run()
    assert events(desk).count("disk.low") == 1, "one disk is one incident"
    assert "no mail is fetched below" in desk.allegra("health").stdout
    assert desk.allegra("deliver", "--mailbox", "system", stdin=b"From: a@b.example\n\ny\n").exit_code == 75
    desk.configure(more=RETRY)
    assert [line["outcome"] for line in desk.run()] == ["created"]
    assert events(desk).count("disk.free") == 1
    assert desk.lines("mailbox", "list")[0]["state"] == "ok"


def test_a_desk_that_is_only_pushed_to_says_that_it_lacks_room_too(desk: Any) -> None:
    desk.configure(more=RETRY)
    path = desk.folder / "allegra.toml"
    pushed = re.sub(
        r'protocol  = "maildir"\npath .*\n(addresses.*\n)(move_on.*\n)*', r'protocol = "pipe"\n\1', path.read_text()
    )
    databases.configured(desk.folder, pushed + FULL)
    told = desk.allegra("run")
    assert told.exit_code == 69 and "no mail is fetched or taken until there is room" in told.stderr
    desk.run()
    assert events(desk) == ["disk.low"], "one disk is one incident"
    for box in desk.lines("mailbox", "list"):
        assert box["state"] == "failing" and "store.keep_free" in box["sentence"]
    path.write_text(pushed)
    assert desk.allegra("run").exit_code == 0
    assert events(desk) == ["disk.low", "disk.free"]
    assert "failing" not in [box["state"] for box in desk.lines("mailbox", "list")]


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
    said = desk.allegra("explain", second).stdout
    assert "code commit.parent" in said and because.format(first) in said and "would be" not in said
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
