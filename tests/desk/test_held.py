"""What a person decides about held mail, and who hears of it."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from engine.decision import facts
from engine.model.extra import Extra
from rules.schema import Field, Type

HOLD = """
[[rule]]
name = "Look at it"
when = 'from is "anna@example.com"'
then = ['hold because "look at it"']
"""


SMTP = '[smtp]\nhost = "127.0.0.1"\nport = 9\nssl = false\nfrom = "help@example.com"\n'
"""A mail server that never answers, so that what is to be sent stays queued."""


@pytest.fixture
def desk(desk: Any) -> Any:
    desk.configure(more=SMTP)
    return desk


def queued(desk: Any) -> list[tuple[str, str]]:
    """Event and recipient of all that is to be sent about one mail."""
    rows = desk.told("event, address_key, state")
    return [(event, key) for event, key, state in rows if state == "queued" and event.startswith("mail.")]


def why_not(desk: Any) -> list[str]:
    """Why the others are not told."""
    rows = desk.told("event, why, state")
    return [why for event, why, state in rows if state != "queued" and event.startswith("mail.")]


def payloads(desk: Any) -> list[dict[str, Any]]:
    return [json.loads(text) for (text,) in desk.rows("SELECT payload FROM outbox ORDER BY id")]


def held(desk: Any, sender: str, subject: str = "Help me", headers: tuple[str, ...] = ()) -> str:
    desk.mail(subject, sender=sender, headers=headers)
    (line,) = desk.run()
    assert line["outcome"] == "held"
    return str(line["mail"])


def rejected(desk: Any, mail: str) -> bool:
    """Refuse a mail; gives whether its sender is told."""
    (said,) = desk.lines("held", "reject", mail, "--reason", "we sell no printers")
    assert said["done"] == "rejected"
    return bool(said["sender_told"])


def test_F135_a_stranger_whose_mail_a_person_refuses_hears_nothing(desk: Any) -> None:
    assert rejected(desk, held(desk, "stranger@elsewhere.example")) is False
    assert (queued(desk), why_not(desk)) == ([], ["no_template", "stranger"])


def test_a_sender_we_know_reads_the_sentence_of_the_person_who_refuses(desk: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"', more=SMTP)
    desk.rules("system.toml", HOLD)
    assert rejected(desk, held(desk, "anna@example.com")) is True
    assert queued(desk) == [("mail.rejected", "anna@example.com")]
    assert payloads(desk)[-1]["because"] == "we sell no printers"


def test_while_the_rules_cannot_be_asked_nobody_is_told_for_they_might_forbid_it(desk: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"', more=SMTP)
    desk.rules("system.toml", HOLD)
    mail = held(desk, "anna@example.com")
    desk.rules("system.toml", HOLD + '[[rule]]\nname = "Broken"\nwhen = "((("\nthen = ["stop"]\n')
    assert rejected(desk, mail) is False
    assert queued(desk) == []


def test_a_stranger_hears_where_errors_are_reported_to_everybody(desk: Any) -> None:
    desk.configure(more=SMTP + "[errors]\nreport_incoming_email_errors = true\n")
    assert rejected(desk, held(desk, "stranger@elsewhere.example")) is True


def test_the_answer_that_strangers_get_at_once_is_not_sent_again_when_a_person_refuses(desk: Any) -> None:
    desk.configure(more=SMTP + '[people]\nunknown_sender_reply = "unknown_sender"\n')
    mail = held(desk, "stranger@elsewhere.example")
    assert queued(desk) == [("mail.held", "stranger@elsewhere.example")]
    assert rejected(desk, mail) is False
    assert (len(queued(desk)), why_not(desk)) == (1, ["stranger"])


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-generated", "Precedence: bulk", "List-Id: <a.b>", "Return-Path: <>"],
)
def test_what_a_machine_may_not_answer_is_not_answered_for_a_person_either(desk: Any, header: str) -> None:
    desk.configure(
        system='rules = "rules/system.toml"',
        more=SMTP + "[errors]\nreport_incoming_email_errors = true\n",
    )
    desk.rules("system.toml", HOLD)
    assert rejected(desk, held(desk, "anna@example.com", headers=(header,))) is False
    assert (queued(desk), why_not(desk)) == ([], ["no_template", "machine"])


def test_a_rule_that_forbids_answers_is_heard_when_a_person_refuses(desk: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"', more=SMTP)
    desk.rules("system.toml", HOLD.replace("'hold", "'no reply', 'hold"))
    assert rejected(desk, held(desk, "anna@example.com")) is False


def test_a_webhook_hears_of_a_refusal_by_a_person_and_the_admin_does_not_get_the_mail_again(desk: Any) -> None:
    desk.configure(
        more=f'{SMTP}[errors]\nforward_to = ["admin@example.com"]\n'
        '[webhooks.chat]\nurl = "https://127.0.0.1:9/x"\nevents = ["mail.rejected"]\n',
        gates='maximum_email_size = "1 kB"\n',
    )
    desk.mail("Big", body="x" * 3000)
    (line,) = desk.run()
    assert queued(desk) == [("mail.held", "admin@example.com")]
    rejected(desk, line["mail"])
    assert queued(desk)[1:] == [("mail.rejected", "anna@example.com"), ("mail.rejected", "chat")]


def test_what_broke_the_machine_is_not_read_again_to_be_refused(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gather = facts.gather

    def breaking(*_: Any) -> Any:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("engine.run.process.MAX_ATTEMPTS", 1)
    monkeypatch.setattr(facts, "gather", breaking)
    desk.mail(sender="anna@example.com")
    (line,) = desk.run()
    assert line["outcome"] == "error"
    assert rejected(desk, line["mail"]) is False
    monkeypatch.setattr(facts, "gather", gather)
    assert desk.lines("mail", "list")[0]["outcome"] == "rejected"


# ── afterwards, in the mailbox ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "words", [("held", "reject", "--reason", "no"), ("held", "discard"), ("mail", "ignore", "--reason", "no")]
)
@pytest.mark.parametrize("place", ["Held", ""])
def test_a_mail_that_a_person_closes_goes_where_refused_mail_goes(
    desk: Any, words: tuple[str, ...], place: str
) -> None:
    toml = desk.folder / "allegra.toml"
    toml.write_text(toml.read_text().replace('move_on_hold    = "Held"', f'move_on_hold    = "{place}"'))
    mail = held(desk, "stranger@elsewhere.example")
    assert len(desk.files(folder=place)) == 1
    noun, verb, *options = words
    assert desk.allegra(noun, verb, mail, *options).exit_code == 0
    desk.run()
    assert (desk.files(), desk.files(folder="Held"), len(desk.files(folder="Failed"))) == ([], [], 1)
    desk.run()
    assert len(desk.files(folder="Failed")) == 1


def test_a_released_mail_leaves_the_folder_of_those_that_wait(desk: Any) -> None:
    mail = held(desk, "stranger@elsewhere.example")
    assert len(desk.files(folder="Held")) == 1
    assert desk.allegra("held", "release", mail).exit_code == 0
    desk.run()
    assert (desk.files(folder="Held"), len(desk.files(folder="Done"))) == ([], 1)


def test_a_refusal_that_is_tried_again_comes_back_from_the_folder_of_the_refused(desk: Any) -> None:
    mail = held(desk, "stranger@elsewhere.example")
    desk.allegra("held", "reject", mail, "--reason", "no")
    desk.run()
    desk.load('[[users]]\nlogin = "max"\nname = "Max"\nemails = ["stranger@elsewhere.example"]\ngroups = ["staff"]\n')
    desk.allegra("mail", "retry", mail)
    desk.run()
    assert (desk.files(folder="Failed"), len(desk.files(folder="Done"))) == ([], 1)


def test_a_mail_of_a_mailbox_that_is_gone_can_still_be_closed(desk: Any) -> None:
    desk.mail("Hold me", sender="stranger@elsewhere.example", box="support")
    (line,) = desk.run()
    toml = desk.folder / "allegra.toml"
    text = toml.read_text()
    toml.write_text(text[: text.index("[workspace.support.mailbox]")] + text[text.index("[workspace.finance]") :])
    assert desk.allegra("held", "discard", line["mail"]).exit_code == 0
    assert desk.lines("held", "list") == []


def test_a_refusal_is_told_to_nobody_where_a_word_of_the_host_breaks(desk: Any) -> None:
    from engine.config import load
    from engine.desk.held import reject
    from engine.run.engine import Engine
    from engine.store.store import Store

    def broken(sight: Any) -> str:
        raise LookupError("no customer")

    desk.configure(system='rules = "rules/system.toml"', more=SMTP)
    desk.rules("system.toml", HOLD)
    mail = held(desk, "anna@example.com")
    desk.rules("system.toml", "[[rule]]\nname = 'x'\nwhen = 'crm.tier is \"a\"'\nthen = ['stop']\n")
    tier = Field("crm.tier", Type.TEXT, "what the customer pays for", broken)
    config = replace(load(desk.folder / "allegra.toml"), extra=Extra((tier,)))
    with Store.open(config.store.where) as store, closing(Engine(config, store)) as engine:
        closed = reject(engine, store.archive.mail(mail), "bob", "no")
        assert (closed.sender_told, store.archive.mail(mail).outcome) == (False, "rejected")


@pytest.mark.parametrize("deed", ["reject", "discard", "release"])
def test_what_a_person_decides_is_written_down_with_why_and_by_which_way(desk: Any, deed: str) -> None:
    mail = held(desk, "stranger@elsewhere.example")
    desk.lines("held", deed, mail, "--reason", "we sell no printers")
    (event,) = desk.lines("log", f"event:held.{deed}")
    assert (event["via"], event["mail"], event["detail"]) == ("command", mail, {"said": "we sell no printers"})
    assert event["actor"], "who typed it"


def test_what_a_release_would_come_to_is_no_act(desk: Any) -> None:
    mail = held(desk, "stranger@elsewhere.example")
    desk.lines("held", "show", mail)
    assert desk.rows("SELECT count(*) FROM event WHERE name LIKE 'held.%'") == [(0,)]
