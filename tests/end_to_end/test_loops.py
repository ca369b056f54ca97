"""G19: machines that answer each other fall silent by themselves, within the figures, and no mail is lost by it."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import Any

import pytest
from end_to_end.conftest import CONFIG, DATA, Desk
from people import BOB, CARL

JANE = "jane@big.example"
ACCEPT = '[people]\nunknown_user = "accept"\n[replies]\nnew_comment = "comment_ack"\n'
ROUNDS = 30


@pytest.fixture
def open_desk(desk: Any, post: Any) -> Any:
    """A desk that everybody may write to and that acknowledges comments, too."""
    desk.allegra("user", "add", "guest", "--status", "guest")
    post.configure(more=ACCEPT)
    return post


def responded(desk: Any, mail: Any, sender: str, number: int, keeps: str) -> None:
    """Answer a mail as a program does that marks nothing; what it `keeps` leads the answer to its item, or nothing."""
    head = [f"From: {sender}", f"Message-ID: <away.{number}@{sender.partition('@')[2]}>"]
    head += [f"In-Reply-To: {mail['Message-ID']}"] if keeps == "In-Reply-To" else []
    to = mail["Reply-To"].addresses[0].addr_spec if keeps == "Reply-To" and mail["Reply-To"] else "help@example.com"
    subject = f"I am away ({number})" if keeps == "nothing" else f"Away: {mail['Subject']}"
    text = "\n".join([*head, f"To: {to}", f"Subject: {subject}", "", f"I am away. This is answer {number}."])
    desk.mail(raw=text.encode(), box="support" if to.startswith("support") else "system")


@pytest.mark.parametrize(("keeps", "most"), [("In-Reply-To", 5), ("Reply-To", 5), ("the subject", 5), ("nothing", 3)])
def test_G19_a_program_that_answers_every_mail_and_marks_nothing_hears_no_more(
    desk: Any, open_desk: Any, keeps: str, most: int
) -> None:
    desk.mail("Printer broken", sender=JANE)
    sent = 0
    for number in range(ROUNDS):
        desk.run()
        mails = [mail for to, mail in open_desk.mails() if to == JANE]
        sent += len(mails)
        for mail in mails:
            responded(desk, mail, JANE, number, keeps)
        if not mails:
            break
    assert 1 < sent <= most
    desk.run()
    assert [row for row in desk.lines("mail", "list") if row["outcome"] not in ("created", "comment")] == []
    why = {row[4] for row in desk.told() if row[0] == JANE and row[1] == "auto"}
    assert why == {"", "loop"} if keeps == "nothing" else why <= {"", "loop", "cap.item"} and len(why) > 1


def test_G19_a_customer_and_a_colleague_whose_programs_answer_every_mail_are_found_to_loop(
    desk: Any, post: Any
) -> None:
    desk.load(f'[[users]]\nlogin = "jane"\nname = "Jane Doe"\nemails = ["{JANE}"]\n')
    desk.mail("Printer broken", sender=JANE)
    sent: list[str] = []
    for number in range(3 * ROUNDS):
        desk.run()
        mails = [(to, mail) for to, mail in post.mails() if mail["Auto-Submitted"] != "auto-replied"]
        sent += [to for to, _ in mails]
        for each, (to, mail) in enumerate(mails):
            responded(desk, mail, to, 10 * number + each, "Reply-To")
        if not mails:
            break
    assert 1 < sent.count(JANE) <= 6
    assert ("held", "loop") in [row[3:] for row in desk.told()]


def test_G19_our_own_mail_that_is_returned_ends_it(desk: Any, open_desk: Any) -> None:
    desk.mail("Printer broken", sender=JANE)
    desk.run()
    ((_, ack),) = [each for each in open_desk.mails() if each[0] == JANE]
    report = (
        f"From: MAILER-DAEMON@big.example\nTo: help@example.com\nReturn-Path: <>\nSubject: Undelivered\n"
        f"Message-ID: <dsn@big.example>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nNo such user.\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; big.example\n\n"
        f"Final-Recipient: rfc822; {JANE}\nAction: failed\nStatus: 5.1.1\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {ack['Message-ID']}\nSubject: {ack['Subject']}\n\n"
        "--b--\n"
    )
    desk.mail(raw=report.encode())
    desk.run()
    assert [to for to, mail in open_desk.mails() if mail["Auto-Submitted"] == "auto-replied"] == []
    desk.run()
    assert open_desk.mails() == []


def second(tmp_path: Path) -> Desk:
    """Another installation, in another domain, where help@other.example is read."""
    folder = tmp_path / "other"
    made = Desk(folder)
    for box in made.boxes:
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / box / part).mkdir(parents=True)
    (folder / "data.toml").write_text(DATA, encoding="utf-8")
    return made


def other_desk(tmp_path: Path, port: int, sender: str = "help@other.example") -> Desk:
    """That installation, which sends by the same server, perhaps from another address than the one it reads."""
    other = second(tmp_path)
    smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nssl = false\nfrom = "{sender}"\n'
    text = CONFIG.format(system="", gates="", more=smtp + ACCEPT).replace("@example.com", "@other.example")
    (other.folder / "allegra.toml").write_text(text.replace("Test desk", "Other desk"), encoding="utf-8")
    data = (other.folder / "data.toml").read_text().replace("anna@example.com", "ann@other.example")
    (other.folder / "data.toml").write_text(data)
    assert other.allegra("admin", "load", "data.toml").exit_code == 0
    other.allegra("user", "add", "guest", "--status", "guest")
    return other


def passed_on(post: Any, desks: dict[str, Desk]) -> list[Any]:
    """Give each desk the mail that was sent to its domain; gives what desks wrote to desks."""
    taken, post.server.taken = post.server.taken, []
    between = []
    for each in taken:
        local, _, domain = each.recipients[0].partition("@")
        if local.startswith(("help", "support", "desk")):
            desks[domain].mail(raw=each.content, box="system")
            between.append(email.message_from_bytes(each.content, policy=email.policy.default))
    return between


@pytest.mark.parametrize(
    ("ours", "theirs"), [("help@example.com", "help@other.example"), ("desk@example.com", "desk@other.example")]
)
def test_G19_two_installations_that_write_to_each_other_fall_silent_at_once(
    desk: Any, open_desk: Any, tmp_path: Path, ours: str, theirs: str
) -> None:
    toml = desk.folder / "allegra.toml"
    toml.write_text(toml.read_text().replace('from = "help@example.com"', f'from = "{ours}"'))
    desks = {"example.com": desk, "other.example": other_desk(tmp_path, open_desk.server.port, theirs)}
    desk.mail("Printer broken", sender=theirs)
    between = 0
    for _ in range(ROUNDS):
        for each in desks.values():
            each.run()
        passed = passed_on(open_desk, desks)
        between += len(passed)
        if not passed:
            break
    assert between == 1, "the acknowledgement is not answered"


def test_a_monitoring_host_with_500_equal_alarms_loses_no_item_and_is_answered_twice(desk: Any, post: Any) -> None:
    flood = '[gates]\nmails_per_sender = { limit = 1000, per = "1 hour", then = "hold" }\n'
    post.configure(more=ACCEPT)
    file = desk.folder / "allegra.toml"
    file.write_text(file.read_text().replace("[gates]\n", flood, 1))
    desk.allegra("user", "add", "guest", "--status", "guest")
    for number in range(500):
        desk.mail(f"Alarm {number}", f"Disk {number % 100}% full on web7\n", sender="root@web7.example")
    desk.run()
    assert len([row for row in desk.lines("mail", "list", "--limit", "1000") if row["outcome"] == "created"]) == 500
    answers = [row[3:] for row in desk.told() if row[0] == "root@web7.example" and row[1] == "auto"]
    assert answers == [("sent", "")] * 2 + [("suppressed", "loop")] * 498
    assert "3 equal mails" in desk.explained()
    (muted,) = desk.lines("outbox", "addresses")
    assert (muted["address"], muted["state"], muted["item"]) == ("root@web7.example", "muted", 0)
    assert {row[1] for row in desk.told() if row[4] != "loop"} == {"auto", "notice"}, "people hear of each"


def test_a_person_who_says_the_same_three_times_is_still_answered_by_people(desk: Any, open_desk: Any) -> None:
    for number in range(4):
        desk.mail(f"Question {number}", "Any news?\n", sender=JANE)
    desk.run()
    assert [to for to, _ in open_desk.mails("auto-replied")] == [JANE, JANE]
    assert desk.allegra("item", "answer", "4", "-m", "Soon.").exit_code == 0
    desk.run()
    assert [to for to, mail in open_desk.mails("no")] == [JANE]
    desk.allegra("outbox", "clear", JANE)
    desk.mail("Question 5", "Something else\n", sender=JANE)
    desk.run()
    assert [to for to, _ in open_desk.mails("auto-replied")] == [JANE], "mended by a person"


def test_who_sends_again_what_was_refused_is_told_each_time_and_acknowledged_at_last(desk: Any, post: Any) -> None:
    for subject in ("", "", "", "Printer"):
        desk.mail(subject, "Please help me with my printer.\n")
    desk.run()
    assert [mail["Subject"] for _, mail in post.mails("auto-replied")] == ["Not accepted: (no subject)"] * 3 + [
        "Re: [#1] Printer"
    ]


def test_G19_what_a_person_of_one_installation_answers_is_a_person_s_word_for_the_other_and_no_machine_answers_it(
    desk: Any, open_desk: Any, tmp_path: Path
) -> None:
    other = other_desk(tmp_path, open_desk.server.port)
    desks: dict[str, Desk] = {"example.com": desk, "other.example": other}
    desk.mail("Printer broken", sender="help@other.example")
    seen: list[str] = []
    for number in range(6):
        if number in (1, 3):
            answered = desk.allegra("item", "answer", "1", "-m", f"Have you tried it again? ({number})")
            assert answered.exit_code == 0, answered.output
        for each in desks.values():
            each.run()
        seen += [mail["Auto-Submitted"] or "answer" for mail in passed_on(open_desk, desks)]
    assert seen == ["auto-replied", "answer", "answer"]
    assert [row["outcome"] for row in other.lines("mail", "list")] == ["comment", "created", "held"]


# ── people who are away ───────────────────────────────────────────────────────────────────────────────────────────

WATCH = """
[[rule]]
name = "all watch"
when = 'subject contains "Printer"'
then = ['add "bob" as watcher', 'add "carl" as watcher', 'set assignee "anna"']
"""


@pytest.mark.parametrize(("marked", "most"), [(True, 4), (False, 24)])
def test_G19_two_watchers_who_are_away_do_not_talk_for_ever(desk: Any, post: Any, marked: bool, most: int) -> None:
    desk.load(BOB + CARL + 'groups = ["staff"]\n')
    desk.rules("system.toml", WATCH)
    post.configure('rules = "rules/system.toml"')
    desk.mail("Printer broken", sender="Anna Berg <anna@example.com>")
    away, sent, silent = ("bob@example.com", "carl@example.com"), 0, False
    for number in range(ROUNDS):
        desk.run()
        mails = [(to, mail) for to, mail in post.mails() if to in away]
        sent += len(mails)
        silent = not mails
        if silent:
            break
        for each, (to, mail) in enumerate(mails):
            lines = [
                f"From: {to}", f"To: {mail['Reply-To'].addresses[0].addr_spec}", f"In-Reply-To: {mail['Message-ID']}",
                f"Message-ID: <away.{number}.{each}@example.com>", f"Subject: Away: {mail['Subject']}",
                *(["Auto-Submitted: auto-replied"] if marked else []), "", f"I am away ({number}, {each}).",
            ]  # fmt: skip
            box = "support" if "support" in lines[1] else "system"
            desk.mail(raw="\n".join(lines).encode(), box=box)
    assert silent and 2 <= sent <= most
    assert {row["outcome"] for row in desk.lines("mail", "list")} <= {"created", "comment", "note"}, "nothing is lost"


# ── ourselves, and many ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sender", ["help@example.com", "help+i1@example.com", "support@example.com"])
def test_G19_our_own_address_as_the_requester_hears_nothing_of_us(desk: Any, open_desk: Any, sender: str) -> None:
    desk.mail("Printer broken", sender=sender)
    for _ in range(3):
        desk.run()
        to_us = [(to, mail) for to, mail in open_desk.mails() if to.startswith(("help", "support"))]
        assert to_us == []
    desk.allegra("item", "answer", "1", "-m", "Have you tried it again?", "--anyway")
    for _ in range(3):
        desk.run()
        for to, mail in open_desk.mails():
            if to.startswith(("help", "support")):
                desk.mail(raw=mail.as_bytes(), box="system")
    assert len(desk.lines("mail", "list")) <= 2
