"""From a committed decision to the wire and back: the answer to any mail of ours finds its item, from any program."""

from __future__ import annotations

import email
import email.policy
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import builders
import databases
import pytest

from engine.config import Config, parse
from engine.decision.facts import gather
from engine.decision.hearing import Hearing
from engine.mail.parse import parse as parse_mail
from engine.mail.reply import cut
from engine.model.draft import Decider, Disposition, Note, Verdict
from engine.model.facts import Facts
from engine.model.plan import AddComment, CreateItem, Effect, Outcome, Plan, SetField, Tell
from engine.model.trace import StageTrace, Trace, encode
from engine.outbox.deliver import deliver
from engine.run.engine import Engine
from engine.store.store import Store

CREATED = CreateItem("support", "Drücker kaputt", "Er brennt.", "jane", fields=(("assigned_to", "anna"),))
ACK = Tell(answer_to="jane@bigcorp.example", template="ack", language="de")


class Desk:
    """An installation with a mail server: commits what was decided, sends, and hands over what arrived there."""

    def __init__(self, store: Store, server: Any, folder: Path) -> None:
        self.store, self.server = store, server
        self.config: Config = parse(
            "[system.mailbox]\nprotocol='maildir'\npath='m'\naddresses=['help@example.com']\n"
            "[workspace.support]\nname='Support'\n"
            "[workspace.support.mailbox]\nprotocol='maildir'\npath='s'\naddresses=['support@example.com']\n"
            f"[smtp]\nhost='127.0.0.1'\nport={server.port}\nssl=false\nfrom='help@example.com'\n"
            "[errors]\nforward_to=['it@example.com']\n",
            folder / "allegra.toml",
            {},
        )
        self._number = itertools.count(1)
        store.directory.put_group("staff")
        store.directory.put_account("anna", name="Anna Berg", emails=["anna@example.com"], groups=["staff"])
        store.directory.put_account("jane", name="Jane Doe", emails=["jane@bigcorp.example"])
        store.directory.put_role("member", ("view_items", "add_items", "add_comments", "edit_items", "watch"))
        store.items.put_workspace("support", name="Support")
        store.directory.put_member("support", "member", group="staff")

    def commit(
        self, *effects: Effect, outcome: Outcome = Outcome.CREATED, sender: str = "Jane Doe <jane@bigcorp.example>",
        account: Any = builders.JANE,
    ) -> None:  # fmt: skip
        number = next(self._number)
        mail = builders.mail(
            subject="Drücker kaputt", sender=sender, headers=[("References", f"<m{number}0@b.example>")]
        )
        facts = builders.facts(mail, account)
        (spooled,) = self.store.ledger.spool([mail.raw], "test/boot/1/1")
        verdict = Verdict.ACCEPT if outcome is not Outcome.HELD else Verdict.HOLD
        plan = Plan(Disposition(verdict, "draft.created", "so", Decider("gate", "dmarc")), outcome, "support", effects)
        trace = encode(Trace("system", facts, (StageTrace("route", notes=(Note(text="rule 2"),)),), plan.disposition))
        with self.store.writing(), self.store.savepoint():
            self.store.commit(spooled, mail, facts, plan, trace, "keep", "", teller=Hearing(self.config))

    def sent(self) -> dict[str, Any]:
        """Send what waits; the mails by recipient."""
        before = len(self.server.taken)
        deliver(self.store, self.config, 100, lambda: builders.NOW)
        return {
            taken.recipients[0]: email.message_from_bytes(taken.content, policy=email.policy.default)
            for taken in self.server.taken[before:]
        }

    def facts(self, raw: str) -> Facts:
        read = builders.raw(raw)
        return gather(parse_mail(read), self.config, "system", Engine(self.config, self.store).look(read))


@pytest.fixture
def desk(sink: Any, tmp_path: Path) -> Iterator[Desk]:
    with Store.open(databases.fresh(), clock=lambda: builders.NOW) as store:
        yield Desk(store, sink(), tmp_path)


def answered(desk: Desk) -> Any:
    """What Jane gets when Anna answers."""
    desk.commit(CREATED, ACK)
    desk.sent()
    words = AddComment(1, "Der Toner ist unterwegs.", "anna")
    desk.commit(words, Tell(), outcome=Outcome.COMMENT, sender="Anna Berg <anna@example.com>", account=builders.ANNA)
    return desk.sent()["jane@bigcorp.example"]


def quoted(message: Any) -> str:
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    return "\n".join(f"> {line}" for line in text.split("\n"))


def plain(message: Any) -> str:
    return str(message.get_body(("plain",)).get_content().replace("\r\n", "\n"))


def to(message: Any) -> str:
    return str(message["Reply-To"].addresses[0].addr_spec)


def chain(message: Any) -> str:
    ours = message["Message-ID"]
    return f"In-Reply-To: {ours}\nReferences: {' '.join(message['References'].split())} {ours}"


CLIENTS: dict[str, Callable[[Any], str]] = {
    "Gmail": lambda m: f"To: {to(m)}\nSubject: {m['Subject']}\n{chain(m)}\n\nDanke!\n\n"
    f"On Fri, Nov 20, 2026 at 10:31 AM Anna Berg via Support <help@example.com> wrote:\n\n{quoted(m)}\n",
    "Outlook": lambda m: f"To: {to(m)}\nSubject: AW: {m['Subject'].removeprefix('Re: ')}\n{chain(m)}\n\nDanke!\n\n"
    f"Von: Anna Berg via Support <help@example.com>\nGesendet: Freitag, 20. November 2026 10:31\nAn: Jane\n"
    f"Betreff: {m['Subject']}\n\n{plain(m)}\n",
    "Apple Mail": lambda m: f"To: {to(m)}\nSubject: {m['Subject']}\n{chain(m)}\n\nDanke!\n\n"
    f"> Am 20.11.2026 um 10:31 schrieb Anna Berg via Support <help@example.com>:\n> \n{quoted(m)}\n",
    "Thunderbird": lambda m: f"To: {to(m)}\nSubject: {m['Subject']}\n{chain(m)}\n\n"
    f"Am 20.11.26 um 10:31 schrieb Anna Berg via Support:\n{quoted(m)}\n\nDanke!\n",
    "a program that drops the chain": lambda m: f"To: {to(m).upper()}\nSubject: hello\n\nDanke!\n",
    "a program that drops the tag": lambda m: f"To: help@example.com\nSubject: hello\n{chain(m)}\n\nDanke!\n",
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("to_whom", ["acknowledgement", "answer", "notice"])
def test_F106_the_answer_to_every_mail_of_ours_finds_its_item(desk: Desk, client: str, to_whom: str) -> None:
    who = "anna@example.com" if to_whom == "notice" else "jane@bigcorp.example"
    if to_whom == "answer":
        message = answered(desk)
    else:
        desk.commit(CREATED, ACK)
        message = desk.sent()[who]
    facts = desk.facts(f"From: {who}\nMessage-ID: <r1@x.example>\n" + CLIENTS[client](message))
    assert facts.thread.item is not None and facts.thread.item.id == 1
    assert (facts.thread.by, facts.thread.proven) == ("token", True)
    assert facts.cut.new == "Danke!"


def test_what_strips_everything_but_the_subject_finds_the_item_and_proves_nothing(desk: Desk) -> None:
    message = answered(desk)
    raw = f"From: jane@bigcorp.example\nTo: help@example.com\nSubject: {message['Subject']}\n\nDanke!\n"
    thread = desk.facts(raw).thread
    assert thread.item is not None and (thread.item.id, thread.by, thread.proven) == (1, "subject", False)


def test_the_reply_of_somebody_inside_is_proven_to_be_theirs(desk: Desk) -> None:
    desk.commit(CREATED, ACK)
    sent = desk.sent()
    notice = desk.facts(f"From: anna@example.com\nTo: {to(sent['anna@example.com'])}\n\nx\n").thread
    ack = desk.facts(f"From: anna@example.com\nTo: {to(sent['jane@bigcorp.example'])}\n\nx\n").thread
    anna = desk.store.database.one("SELECT id FROM account WHERE login = 'anna'")[0]
    assert (notice.account, ack.account) == (anna, 0)


def test_F142_each_who_hears_gets_one_mail_of_the_right_kind(desk: Desk) -> None:
    desk.commit(CREATED, ACK)
    sent = desk.sent()
    assert sent.keys() == {"jane@bigcorp.example", "anna@example.com"}
    ack, notice = sent["jane@bigcorp.example"], sent["anna@example.com"]
    assert ack["Subject"] == notice["Subject"] == "Re: [#1] Drücker kaputt"
    assert (ack["Auto-Submitted"], notice["Auto-Submitted"]) == ("auto-replied", "auto-generated")
    assert "Guten Tag Jane Doe" in ack.get_content() and "Er brennt." in plain(notice)
    assert "Jane Doe" in notice["From"].addresses[0].display_name


def test_the_requester_reads_the_words_of_a_person_and_whether_it_is_done(desk: Desk) -> None:
    desk.commit(CREATED, ACK)
    desk.sent()
    words = AddComment(1, "Erledigt.", "anna")
    desk.commit(
        words, SetField(1, "status", "Closed"), Tell(), outcome=Outcome.COMMENT, sender="Anna Berg <anna@example.com>",
        account=builders.ANNA,
    )  # fmt: skip
    sent = desk.sent()
    assert list(sent) == ["jane@bigcorp.example"], "who did it needs no mail"
    message = sent["jane@bigcorp.example"]
    assert "Erledigt." in plain(message) and "Status: Closed" in plain(message) and "> Er brennt." in plain(message)
    assert message["Auto-Submitted"] is None and "Anna Berg via Support" in str(message["From"])


def test_a_note_reaches_nobody_outside(desk: Desk) -> None:
    desk.commit(CREATED, ACK)
    desk.sent()
    note = AddComment(1, "She is a pain.", "jane", internal=True)
    desk.commit(note, Tell(), outcome=Outcome.NOTE)
    sent = desk.sent()
    assert list(sent) == ["anna@example.com"] and "She is a pain." in plain(sent["anna@example.com"])
    facts = desk.facts(f"From: anna@example.com\nTo: {to(sent['anna@example.com'])}\n\nindeed\n")
    assert facts.thread.private


def test_F136_the_admin_gets_the_original_and_the_trace(desk: Desk) -> None:
    tell = Tell("mail.rejected", because="DMARC failed", code="gate.dmarc", report=True)
    desk.commit(tell, outcome=Outcome.HELD)
    message = desk.sent()["it@example.com"]
    parts = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert b"Message-ID: <m1@bigcorp.example>" in parts["original.eml"]
    assert parts["trace.txt"] == b"route: rule 2"
    assert "DMARC failed" in message.get_body().get_content()


def test_a_forward_holds_the_original_and_nothing_internal(desk: Desk) -> None:
    desk.commit(CREATED, Tell(forwards=("partner@x.example",)))
    message = desk.sent()["partner@x.example"]
    assert [part.get_filename() for part in message.iter_attachments()] == ["original.eml"]
    assert cut(message.get_body().get_content()).new.startswith("The mail")
