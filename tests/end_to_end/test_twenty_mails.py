"""A customer, two colleagues and the engine write twenty mails through real servers, and every pass is killed once.

Each row of the table is a mail, and whom it is told by what class of mail: the table of events, event by event.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from email.utils import parseaddr
from typing import Any, NamedTuple

import pytest
from correspondence import ANNA, BOB, EVERYBODY, KIM, arrived, by, served, write
from people import JANE, KARL
from servers.dovecot import Dovecot
from servers.failpoints import At, run
from servers.postfix import Postfix


class Step(NamedTuple):
    """Somebody writes: a new mail, a reply to the newest mail they have of an item, a note. `acts` come before it.

    `told` is everybody who hears, with the first letter of the class of mail: auto, notice, answer.
    """

    who: str
    how: str
    told: str
    kill: At
    outcome: str = "comment"
    item: int = 1
    copies: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()


CONVERSATION = (
    Step(JANE, "new", "jane=auto anna=notice bob=notice", At("spool"), "created", copies=(KIM,)),
    Step(ANNA, "reply", "jane=answer kim=answer", At("spool", after=True)),
    Step(JANE, "reply", "anna=notice bob=notice", At("decide"), copies=(KIM,)),
    Step(BOB, "reply", "jane=answer kim=answer anna=notice", At("send", 2)),
    Step(KIM, "stripped", "anna=notice bob=notice", At("commit", after=True)),
    Step(JANE, "reply", "anna=notice bob=notice", At("COMMIT", 2)),
    Step(ANNA, "reply", "jane=answer kim=answer bob=notice", At("send", 2, after=True)),
    Step(BOB, "note", "anna=notice", At("settle"), "note"),
    Step(ANNA, "reply", "bob=notice", At("IMAP move"), "note"),
    Step(JANE, "stripped", "anna=notice bob=notice", At("IMAP move", after=True)),
    Step(BOB, "reply", "jane=answer kim=answer anna=notice", At("sent", 2), acts=("assign 1 bob --as anna",)),
    Step(JANE, "reply", "anna=notice bob=notice", At("outbox claim", 2)),
    Step(KARL, "subject", "karl=auto anna=notice bob=notice", At("send", after=True), "created", 2),
    Step(ANNA, "reply", "karl=answer", At("sent"), item=2),
    Step(KARL, "reply", "anna=notice bob=notice", At("outbox claim", after=True), item=2),
    Step(JANE, "subject", "anna=notice bob=notice", At("lease", 2), copies=(KIM,)),
    Step(BOB, "reply", "jane=answer kim=answer anna=notice", At("COMMIT", 3, after=True)),
    Step(JANE, "reply", "anna=notice bob=notice", At("settled"), acts=("close 1 --as bob",)),
    Step(JANE, "absent", "", At("lease back"), "note"),
    Step(BOB, "reply", "jane=answer kim=answer anna=notice", At("sent", 2, after=True)),
)  # fmt: skip

ADDRESS = {parseaddr(who)[1].partition("@")[0]: parseaddr(who)[1] for who in (ANNA, BOB, JANE, KARL, KIM)}


@pytest.fixture
def office(desk: Any, dovecot: Dovecot, postfix: Postfix) -> Any:
    desk.load(
        EVERYBODY + '[[workspaces]]\nidentifier = "support"\nstatuses = ["New", { name = "Closed", closed = true }]\n'
    )
    served(desk, dovecot, by(postfix))
    return desk


def newest(postfix: Postfix, who: str, item: int) -> Any:
    """The newest mail that somebody has of an item."""
    return [mail for mail in arrived(postfix, parseaddr(who)[1]) if f"[#{item}]" in mail["Subject"]][-1]


def say(postfix: Postfix, step: Step, number: int) -> None:
    """Write the mail of a step."""
    words = f"These are the words of mail {number}.\n"
    if step.how in ("new", "subject"):
        subject = "The scanner is slow" if step.how == "new" else "Re: [#1] The scanner is slow"
        write(postfix, step.who, "help@example.com", subject, words, copies=step.copies)
        return
    mail = newest(postfix, step.who, step.item)
    to = mail["Reply-To"].addresses[0].addr_spec
    if step.how == "note":
        (to,) = re.findall(r"\S+\+n\d\S+@\S+\w", mail.get_body(("plain",)).get_content())
    chain = {"In_Reply_To": mail["Message-ID"], "References": f"{mail['References'] or ''} {mail['Message-ID']}"}
    if step.how == "stripped":
        chain = {}
    if step.how == "absent":
        chain["Auto_Submitted"] = "auto-replied"
    subject = "About this" if step.how == "stripped" else str(mail["Subject"])
    write(postfix, step.who, to, subject, words, copies=step.copies, **chain)


def rows(desk: Any) -> list[tuple[Any, ...]]:
    """Everybody who is told, oldest first."""
    rows = desk.told("state, address_key, class, message_id, event")
    return [row[1:] for row in rows if row[0] in ("sent", "unknown")]


def have(postfix: Postfix) -> dict[str, Counter[str]]:
    """How often each person has each mail of ours, by its Message-ID; what they have twice has the same bytes."""
    found: dict[str, Counter[str]] = {}
    contents: dict[str, set[bytes]] = {}
    for address in ADDRESS.values():
        times = found[address] = Counter()
        for content in postfix.mails(address):
            ours = content[content.index(b"\nFrom: ") :]  # what stands above wrote the server
            if b"\nX-Allegra-Loop:" in ours:
                message_id = re.findall(rb"\nMessage-ID: (<.*>)", ours)[0].decode()
                times[message_id] += 1
                contents.setdefault(message_id, set()).add(ours)
    assert all(len(each) == 1 for each in contents.values()), "what goes out again has the same bytes"
    return found


def pass_that_is_killed(desk: Any, postfix: Postfix, at: At) -> bool:
    """Kill a pass, and let another come to an end; tells whether it came so far."""
    killed = run(desk.folder, "run", at=at).code == -signal.SIGKILL
    done = desk.allegra("run")
    assert done.exit_code == 0, done.output
    postfix.wait()
    return killed


def an_hour_passes(desk: Any) -> None:
    """Make all that was an hour older: people who write back at once would be a loop."""
    hour_us = 3_600_000_000
    desk.change("UPDATE outbox SET created_at = created_at - ?, tried_at = tried_at - ?", hour_us, hour_us)
    desk.change("UPDATE inbound SET received_at = received_at - ?", hour_us)


def test_G1_everybody_has_what_is_for_them_after_twenty_mails_and_as_many_kills(office: Any, postfix: Postfix) -> None:
    killed, told, outcomes = [], len(rows(office)), []
    for number, step in enumerate(CONVERSATION, 1):
        for act in step.acts:
            done = office.allegra("item", *act.split())
            assert done.exit_code == 0, done.output
            office.allegra("run")
            told = len(rows(office))
        say(postfix, step, number)
        killed.append(pass_that_is_killed(office, postfix, step.kill))
        mails = office.lines("mail", "list", "--limit", "50")
        outcomes.append((mails[0]["outcome"], mails[0]["item"]))
        assert outcomes[-1] == (step.outcome, step.item), (number, step)
        now, expected = rows(office)[told:], dict(each.split("=") for each in step.told.split())
        assert {row[0]: row[1] for row in now} == {ADDRESS[who]: kind for who, kind in expected.items()}, (number, step)
        assert len(now) == len(expected), "nobody is told twice of one thing"
        told += len(now)
        an_hour_passes(office)
    assert office.run() == []
    assert killed == [True] * len(CONVERSATION)
    assert len(office.lines("mail", "list", "--limit", "50")) == len(CONVERSATION)
    assert len(office.item(1)["comments"]) == 16
    arrived_at = have(postfix)
    for address, kind, message_id, _ in rows(office):
        times = arrived_at[address].pop(message_id, 0)
        assert times in ((0, 1) if kind == "auto" else (1, 2)), (address, kind, message_id, times)
    assert not any(arrived_at.values()), "nobody has a mail that no row tells of"
    noted = [each["text"] for each in office.item(1)["comments"] if each["internal"]]
    assert len(noted) == 3
    outside = b"".join(each for who in (JANE, KARL, KIM) for each in postfix.mails(parseaddr(who)[1]))
    assert not any(text.strip().encode() in outside for text in noted[:2]), "notes stay inside"
