"""`allegra run` against a real IMAP server: the system mailbox and one of a workspace."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from served import Boxes, configure, mail, options
from servers.chaos import Chaos
from servers.dovecot import Dovecot, free_ports, make_certificate
from servers.failpoints import At, run
from servers.scripted import Scripted, Talk, fetch_reply, imap

FOLDERS = {
    ("system", "created"): "Done", ("system", "comment"): "Done", ("system", "rejected"): "Failed",
    ("system", "held"): "Held", ("support", "created"): "Done",
}  # fmt: skip


@pytest.fixture
def boxes(desk: Any, dovecot: Dovecot) -> Boxes:
    return Boxes(desk, dovecot, "imaps", FOLDERS)


@pytest.fixture
def chaos(boxes: Boxes) -> Iterator[Chaos]:
    """A proxy before the plain port of the system mailbox."""
    with Chaos(boxes.accounts["system"].server.imap) as proxy:
        yield proxy


def test_mails_of_two_mailboxes_become_items_and_are_moved_by_their_outcome(boxes: Boxes) -> None:
    boxes.fill()
    lines = boxes.desk.run()
    assert {(line["mailbox"], line["outcome"]) for line in lines} == set(FOLDERS)
    boxes.conserved()
    boxes.nothing_new()


@pytest.mark.parametrize("kind", ["imap", "imaps"])
def test_mails_over_the_size_of_a_batch_are_all_read(boxes: Boxes, kind: str) -> None:
    boxes.configure(kind)
    for number in range(1, 121):
        boxes.put("created", mail(number))
    assert len(boxes.desk.run()) == 120
    boxes.conserved()


def test_a_new_uidvalidity_processes_nothing_again_and_the_mail_that_came_meanwhile(boxes: Boxes) -> None:
    boxes.configure(system='after_success = "keep"')
    kept = [mail(number) for number in range(1, 31)]
    boxes.accounts["system"].deliver(*kept)
    assert len(boxes.desk.run()) == 30
    boxes.accounts["system"].deliver(mail(31))
    boxes.accounts["system"].doveadm("mailbox", "update", "--uid-validity", "4242", "INBOX")
    result = boxes.desk.allegra("run")
    assert "began its message numbers anew" in result.stderr
    assert len(boxes.desk.lines("item", "list", "--limit", "99")) == 31
    assert boxes.desk.allegra("run").output == ""


def test_actions_planned_before_a_new_uidvalidity_are_planned_again(boxes: Boxes) -> None:
    boxes.fill()
    assert boxes.desk.allegra("run", "--no-move").exit_code == 0
    boxes.accounts["system"].doveadm("mailbox", "update", "--uid-validity", "4242", "INBOX")
    assert boxes.desk.run() == []
    boxes.conserved()


def test_numbers_that_start_anew_under_the_same_uidvalidity_hide_no_new_mail(boxes: Boxes) -> None:
    """A server that lost its index gives new mail the UIDs of mail that was moved away."""
    account = boxes.accounts["system"]
    for number in range(1, 6):
        boxes.put("created", mail(number))
    assert len(boxes.desk.run()) == 5
    account.doveadm("mailbox", "update", "--uid-validity", "77", "INBOX")
    assert boxes.desk.run() == []
    boxes.put("created", mail(6))
    assert len(boxes.desk.run()) == 1
    for index in account.maildir.glob("dovecot*"):
        index.unlink()
    account.doveadm("mailbox", "update", "--uid-validity", "77", "INBOX")
    boxes.put("created", mail(7))
    assert "began its message numbers anew" in boxes.desk.allegra("run").stderr
    assert len(boxes.desk.lines("item", "list")) == 7
    boxes.conserved()


def test_a_server_that_is_away_costs_one_sentence_and_the_other_mailbox_goes_on(boxes: Boxes) -> None:
    boxes.put("created", mail(1), "support")
    boxes.configure(port=free_ports(1)[0])
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert result.stderr.startswith("mailbox system: localhost:")
    assert "cannot be reached (Connection refused)" in result.stderr
    assert result.stderr.count("\n") == 1
    boxes.conserved()
    boxes.put("created", mail(2))
    boxes.configure()
    assert len(boxes.desk.run()) == 1
    boxes.conserved()


def test_a_wrong_password_is_said_without_the_password(boxes: Boxes) -> None:
    boxes.put("created", mail(1), "support")
    boxes.configure(password="canary-wrong")
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert f"refuses the login of {boxes.accounts['system'].user}" in result.stderr
    assert "canary" not in result.stderr
    boxes.conserved()


def test_a_certificate_that_nobody_vouches_for_ends_it_before_the_login(boxes: Boxes) -> None:
    boxes.put("created", mail(1), "support")
    made, _ = make_certificate(boxes.desk.folder, "other")
    boxes.configure(more="")
    text = (boxes.desk.folder / "allegra.toml").read_text()
    theirs = f'ca_file = "{boxes.accounts["system"].server.ca_file}"'
    (boxes.desk.folder / "allegra.toml").write_text(text.replace(theirs, f'ca_file = "{made}"', 1))
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert "mailbox system: localhost:" in result.stderr
    assert "certificate that cannot be trusted (self-signed certificate)" in result.stderr
    boxes.conserved()


def test_a_mail_put_back_by_hand_is_moved_away_again_and_not_processed(boxes: Boxes) -> None:
    boxes.fill()
    boxes.desk.run()
    boxes.accounts["system"].doveadm("move", "INBOX", "mailbox", "Done", "all")
    assert len(boxes.accounts["system"].mails()) == 2
    assert boxes.desk.run() == []
    boxes.conserved()
    boxes.nothing_new()


def test_mail_that_a_person_has_read_is_processed_all_the_same(boxes: Boxes) -> None:
    boxes.fill()
    boxes.accounts["system"].doveadm("flags", "add", r"\Seen", "mailbox", "INBOX", "all")
    assert len(boxes.desk.run()) == 5
    boxes.conserved()


def test_what_a_person_moved_away_before_us_is_let_go(boxes: Boxes) -> None:
    boxes.put("created", mail(1))
    assert boxes.desk.allegra("run", "--no-move").exit_code == 0
    boxes.accounts["system"].doveadm("mailbox", "create", "Mine")
    boxes.accounts["system"].doveadm("move", "Mine", "mailbox", "INBOX", "all")
    assert boxes.desk.run() == []
    assert boxes.case.rows("SELECT action_state FROM presentation") == [("gone",)]
    assert boxes.accounts["system"].mails("Mine") == [mail(1)]


def test_numbers_that_started_anew_and_ran_ahead_again_hide_no_new_mail_either(boxes: Boxes) -> None:
    account = boxes.accounts["system"]
    account.doveadm("mailbox", "update", "--uid-validity", "77", "INBOX")
    boxes.put("created", mail(1))
    assert len(boxes.desk.run()) == 1
    for index in account.maildir.glob("dovecot*"):
        index.unlink()
    account.doveadm("mailbox", "update", "--uid-validity", "77", "INBOX")
    for number in (2, 3, 4):
        boxes.put("created", mail(number))
    assert len(boxes.desk.run()) == 3
    boxes.conserved()


def test_a_folder_that_refuses_is_said_and_tried_again_and_nothing_is_processed_twice(desk: Any) -> None:
    refusing = imap(uid_move=lambda talk, tag, rest: talk.send(tag + b" NO [OVERQUOTA] the account is full"))
    with Scripted(refusing) as server:
        configure(desk, options(server))
        for passes in (1, 2):
            result = desk.allegra("run")
            assert result.exit_code == 0
            assert "1 mail could not be moved, marked or deleted and will be tried again" in result.stderr
            assert "the account is full" in result.stderr
            assert server.heard.count(b"UID MOVE") == passes
    assert len(desk.lines("mail", "list")) == 1


def test_a_message_that_breaks_every_session_does_not_keep_the_others_from_being_read(desk: Any) -> None:
    """UID 7 is never handed out whole; 8 and 9 stand behind it."""

    def handing_out(talk: Talk, tag: bytes, rest: bytes) -> None:
        uids = [int(uid) for part in rest.split()[2].split(b",") for uid in range_of(part)]
        for uid in uids:
            content = mail(uid, sender="stranger@elsewhere.example")
            if b"BODY" not in rest:
                talk.send(b"* %d FETCH (UID %d RFC822.SIZE %d FLAGS ())" % (uid, uid, len(content)))
            elif uid == 7:
                talk.raw(b"* 7 FETCH (UID 7 BODY[] {%d}\r\n" % len(content) + content[:20])
                raise ValueError("hangs up")
            else:
                talk.raw(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(content), content))
        talk.send(tag + b" OK done")

    with Scripted(imap(uid_search="* SEARCH 7 8 9", uid_fetch=handing_out)) as server:
        configure(desk, options(server))
        counts = []
        for _ in range(4):
            result = desk.allegra("run")
            assert result.exit_code == 69
            counts.append(len(desk.lines("mail", "list")))
        assert counts == [0, 0, 2, 2]
        server.script = imap(uid_search="* SEARCH 7", uid_fetch=fetch_reply)
        assert desk.allegra("run").exit_code == 0
    assert len(desk.lines("mail", "list")) == 3


def range_of(part: bytes) -> range:
    first, _, last = part.partition(b":")
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("at", ["drop_reply", "drop_command"])
@pytest.mark.parametrize("command", [b"UID MOVE", b"BODY.PEEK[]", b"UID SEARCH"])
def test_a_connection_lost_at_any_command_settles_everything_once(
    boxes: Boxes, chaos: Chaos, at: str, command: bytes
) -> None:
    boxes.fill()
    boxes.configure("imap", port=chaos.port)
    setattr(chaos, at, command)
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert "mailbox system: localhost:" in result.stderr
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


@pytest.mark.parametrize("cut", [300, 900, 1500, 2500])
def test_a_connection_cut_anywhere_is_read_on_from_where_it_broke(boxes: Boxes, chaos: Chaos, cut: int) -> None:
    boxes.fill()
    boxes.configure("imap", port=chaos.port)
    chaos.cut_after = cut
    boxes.desk.allegra("run")
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()


@pytest.mark.parametrize("side", ["before", "behind"])
@pytest.mark.parametrize("step", ["spool", "decide", "COMMIT", "IMAP move", "settled", "lease back"])
def test_G1_a_pass_killed_on_imap(boxes: Boxes, step: str, side: str) -> None:
    boxes.fill()
    hit = 12 if step == "COMMIT" else 1
    assert run(boxes.desk.folder, "run", batch=2, at=At(step, hit, side == "behind")).code == -signal.SIGKILL
    for _ in range(2):
        assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


def without(*words: str) -> Callable[[Chaos], None]:
    """A server that cannot do these."""

    def take_away(chaos: Chaos) -> None:
        chaos.replace = {f" {word}".encode(): b" X-NO" for word in words}

    return take_away


@pytest.mark.parametrize("side", ["before", "behind"])
@pytest.mark.parametrize("step", ["IMAP move", "IMAP flag", "IMAP expunge"])
def test_G1_a_pass_killed_while_it_copies_and_deletes_leaves_one_copy(
    boxes: Boxes, chaos: Chaos, step: str, side: str
) -> None:
    boxes.fill()
    without("MOVE")(chaos)
    boxes.configure("imap", port=chaos.port)
    for hit in (1, 2):
        assert run(boxes.desk.folder, "run", batch=2, at=At(step, hit, side == "behind")).code == -signal.SIGKILL
    for _ in range(2):
        assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


@pytest.mark.parametrize("capability", ["as it is", "without MOVE and UIDPLUS"])
def test_held_mail_without_a_message_id_is_moved_on_when_it_is_released(
    boxes: Boxes, chaos: Chaos, capability: str
) -> None:
    account = boxes.accounts["system"]
    boxes.configure("imap", port=chaos.port)
    if capability != "as it is":
        chaos.replace = {b" MOVE ": b" XOVE ", b" UIDPLUS ": b" XIDPLUS ", b"[COPYUID ": b"[XOPYUID "}
        boxes.configure("imap", system="exclusive_mailbox = true", port=chaos.port)
    account.deliver(*(mail(number, sender="x@elsewhere.example").replace(b"Message-ID", b"X-Was") for number in (1, 2)))
    held = boxes.desk.run()
    assert ([line["outcome"] for line in held], len(account.mails("Held"))) == (["held"] * 2, 2)
    assert boxes.desk.allegra("held", "release", held[0]["mail"]).exit_code == 0
    boxes.desk.run()
    assert (len(account.mails("Held")), len(account.mails("Done")), account.mails("INBOX")) == (1, 1, [])
    assert boxes.desk.allegra("run").output == ""


def test_a_move_that_is_answered_ok_and_not_done_is_told_at_every_run(desk: Any) -> None:
    """It used to be found again, planned again and called done again, for ever."""
    with Scripted(imap(uid_move="")) as server:
        configure(desk, options(server))
        for _ in range(3):
            result = desk.allegra("run")
            assert "the server says OK and leaves it where it is" in result.stderr
            assert "1 mail could not be moved" in result.stderr
    assert [row["attempts"] for row in desk.lines("mail", "list")] == [1]
