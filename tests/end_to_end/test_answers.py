"""What leaves the building, and what comes back to it: a real mail server takes down every byte."""

from __future__ import annotations

from typing import Any

import pytest
from people import BOB, CARL, LOLA

BROKEN = "[[rule]]\nname = \"x\"\nwhen = 'form is \"a\"'\nthen = ['stop']\n"
SOUND = BROKEN.replace("form is", "from is")
RULES = 'rules = "rules/system.toml"'
PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"


def test_F142_a_new_item_is_acknowledged_once_and_the_answer_finds_it(desk: Any, post: Any) -> None:
    desk.load('[[users]]\nlogin = "anna"\nname = "Anna Berg"\nemails = ["anna@example.com", "anna@home.example"]\n')
    first = desk.mail("Printer broken")
    desk.run()
    ((to, ack),) = post.mails()
    assert (to, ack["Subject"], ack["In-Reply-To"]) == ("anna@example.com", "Re: [#1] Printer broken", first)
    assert (ack["Auto-Submitted"], ack["Precedence"], ack["List-Id"]) == ("auto-replied", "bulk", None)
    desk.run()
    assert post.mails() == []

    token = ack["Reply-To"].addresses[0].addr_spec
    head = "From: anna@home.example\nSubject: no number here\n"
    desk.mail(raw=f"{head}To: {token}\nMessage-ID: <r1@home.example>\n\nBy the address\n".encode())
    desk.mail(raw=f"{head}To: help@example.com\nIn-Reply-To: {ack['Message-ID']}\n\nBy the Message-ID\n".encode())
    assert [(line["outcome"], line["item"]) for line in desk.run()] == [("comment", 1)] * 2
    assert [each["text"] for each in desk.item(1)["comments"]] == ["By the address", "By the Message-ID"]
    assert post.mails() == []


def test_F142_two_new_items_of_one_sender_are_two_acknowledgements_and_a_refusal_after_them_is_told(
    desk: Any, post: Any
) -> None:
    desk.mail("Printer broken")
    desk.mail("Lamp broken")
    desk.run()
    desk.mail("")
    desk.run()
    assert [each["Subject"] for _, each in post.mails()] == [
        "Re: [#1] Printer broken", "Re: [#2] Lamp broken", "Not accepted: (no subject)",
    ]  # fmt: skip


def test_F142_an_acknowledgement_stands_where_a_rule_or_a_setting_asks_for_none(desk: Any, post: Any) -> None:
    post.configure(more='[replies]\nnew_item = ""\n')
    desk.mail("Printer broken")
    desk.rules("system.toml", "[[rule]]\nname = \"x\"\nwhen = 'subject contains \"Lamp\"'\nthen = ['no reply']\n")
    desk.run()
    post.configure(RULES)
    desk.mail("Lamp broken")
    desk.run()
    assert post.mails() == []
    assert [row for row in desk.told("class, state, why") if row[0] == "auto"] == [
        ("auto", "suppressed", "no_template"), ("auto", "suppressed", "rule"),
    ]  # fmt: skip


def test_F046_the_answer_of_a_stranger_with_a_token_is_a_note_and_nobody_answers_it(desk: Any, post: Any) -> None:
    post.configure(more='[people]\nunknown_user = "accept"\n')
    desk.mail("Printer broken")
    desk.run()
    ((_, ack),) = post.mails()
    token = ack["Reply-To"].addresses[0].addr_spec
    desk.mail(raw=f"From: x@elsewhere.example\nTo: {token}\nSubject: Re\n\nWe can help\n".encode())
    assert [line["outcome"] for line in desk.run()] == ["note"]
    assert [to for to, _ in post.mails()] == ["anna@example.com"], "who works here hears of it"


def test_F143_our_own_mail_that_comes_back_makes_nothing(desk: Any, post: Any) -> None:
    desk.mail("Printer broken")
    desk.run()
    ((_, ack),) = post.mails()
    desk.mail(raw=ack.as_bytes())
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("discarded", "limits.own_loop")
    assert post.mails() == []


def test_F021_who_waits_for_our_configuration_is_told_once(desk: Any, post: Any) -> None:
    post.configure(RULES, '[errors]\nforward_to = ["it@example.com"]\n')
    desk.rules("system.toml", BROKEN)
    desk.mail("First")
    desk.mail("Second", sender="stranger@elsewhere.example")
    desk.mail("Third", headers=["Precedence: bulk"])
    assert {line["code"] for line in desk.run()} == {"config.broken"}
    told = post.mails()
    assert sorted(to for to, _ in told) == ["anna@example.com", "it@example.com"]
    assert "First" in next(each for to, each in told if to == "anna@example.com").get_body().get_content()
    for text in (BROKEN, SOUND):
        desk.rules("system.toml", text)
        for number in (1, 2, 3):
            assert desk.allegra("mail", "reset-status", f"<test.{number}@example.com>").exit_code == 0
        if text is BROKEN:
            desk.run()
            assert post.mails() == []
    assert sorted(line["outcome"] for line in desk.run()) == ["created", "created", "held"]


@pytest.mark.parametrize(("setting", "told"), [("true", 2), ("false", 0), ('"known"', 1)])
def test_F021_the_settings_of_reports_hold_for_mail_that_waits(desk: Any, post: Any, setting: str, told: int) -> None:
    post.configure(RULES, f"[errors]\nreport_incoming_email_errors = {setting}\n")
    desk.rules("system.toml", BROKEN)
    desk.mail("First")
    desk.mail("Second", sender="stranger@elsewhere.example")
    desk.run()
    assert len(post.mails()) == told


def test_F135_a_sender_hears_of_three_refusals_for_one_reason_a_day_and_the_third_says_that_it_is_the_last(
    desk: Any, post: Any
) -> None:
    for number in range(4):
        desk.mail("", body=f"Number {number}")
    assert [line["outcome"] for line in desk.run()] == ["rejected"] * 4
    told = post.mails()
    assert [to for to, _ in told] == ["anna@example.com"] * 3
    last = ["refused for this reason today" in each.get_body().get_content() for _, each in told]
    assert last == [False, False, True]
    assert desk.told() == [
        ("anna@example.com", "auto", "mail.rejected", state, why)
        for state, why in [("sent", "")] * 3 + [("suppressed", "cap.reason")]
    ]
    desk.mail("Printer broken")
    desk.run()
    assert [each["Subject"] for _, each in post.mails()] == ["Re: [#1] Printer broken"]


def test_F135_how_many_refusals_are_told_is_a_setting(desk: Any, post: Any) -> None:
    post.configure(more='[errors]\nrefusals = { limit = 1, per = "1 hour" }\n')
    desk.mail("")
    desk.mail("", body="Once more")
    desk.run()
    assert len(post.mails()) == 1
    post.configure(more='[errors]\nrefusals = { limit = 0, per = "1 hour" }\n')
    desk.mail("", body="And again")
    desk.mail("", body="And again and again")
    desk.run()
    assert len(post.mails()) == 2


def test_F057_an_unknown_sender_is_answered_where_a_template_is_set(desk: Any, post: Any) -> None:
    post.configure(more='[people]\nunknown_sender_reply = "unknown_sender"\n')
    desk.mail("Hello", sender="stranger@elsewhere.example")
    assert [line["outcome"] for line in desk.run()] == ["held"]
    assert [to for to, _ in post.mails()] == ["stranger@elsewhere.example"]


def test_F145_rules_notify_people_and_groups_each_by_a_mail_of_their_own(desk: Any, post: Any) -> None:
    desk.rules("system.toml", SOUND)
    post.configure(RULES)
    desk.load(BOB + CARL + LOLA + 'groups = ["staff"]\n')
    then = """['notify "staff"', 'notify "bob"', 'notify "Carl Ek"', 'notify "x@example.com"', 'no reply']"""
    desk.rules("system.toml", f'[[rule]]\nname = "all"\nwhen = \'subject contains "print"\'\nthen = {then}\n')
    desk.mail("My printer")
    assert [line["outcome"] for line in desk.run()] == ["created"]
    told = post.mails("auto-generated")
    assert sorted(to for to, _ in told) == ["bob@example.com", "carl@example.com", "x@example.com"]
    assert all("[#1]" in each["Subject"] and "," not in each["To"] for _, each in told)
    why = {who: why for who, kind, why in desk.told("address_key, class, why") if kind == "notice"}
    assert why["anna@example.com"] == "actor" and why["lola@example.com"] == "locked"


def test_F060_a_created_user_hears_of_the_account(desk: Any, post: Any) -> None:
    post.configure(more='[people]\nunknown_user = "create"\ndefault_group = ["staff"]\n[replies]\nnew_item = ""\n')
    desk.mail("Hello", sender="Nora New <nora@elsewhere.example>")
    desk.run()
    told = {to: each["Subject"] for to, each in post.mails()}
    assert told == {"nora@elsewhere.example": "Your account at Test desk", "anna@example.com": "Re: [#1] Hello"}
    (nora,) = [each for each in desk.lines("user", "list") if each["login"] == "nora@elsewhere.example"]
    assert (nora["name"], nora["groups"]) == ("Nora New", ["staff"])
    post.configure(more='[people]\nunknown_user = "create"\nno_account_notice = true\n[replies]\nnew_item = ""\n')
    desk.mail("Hello", sender="Otto <otto@elsewhere.example>")
    desk.run()
    assert "otto@elsewhere.example" not in [to for to, _ in post.mails()]
    post.configure(more='[people]\nunknown_user = "create"\n')
    desk.mail("Hello", sender="Pia <pia@elsewhere.example>")
    desk.run()
    (ack,) = [each for to, each in post.mails() if to == "pia@elsewhere.example"]
    assert ack["Subject"] == "Re: [#3] Hello" and "An account has been made for you" in ack.get_body().get_content()


def test_F136_the_admin_gets_a_mail_that_crashed_every_attempt(desk: Any, post: Any) -> None:
    post.configure(RULES)
    desk.rules("system.toml", BROKEN)
    desk.mail("Poison", sender="stranger@elsewhere.example")
    desk.run()
    desk.change("UPDATE inbound SET attempts = 5, next_at = 0")
    desk.rules("system.toml", SOUND)
    post.configure(RULES, '[errors]\nforward_to = ["it@example.com"]\n')
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("error", "fault.crash")
    ((to, report),) = [each for each in post.mails() if "could not be processed" in each[1]["Subject"]]
    assert to == "it@example.com"
    assert [part.get_filename() for part in report.iter_attachments()] == ["original.eml"]
    desk.run()
    assert post.mails() == []
