"""The questions of a help desk: where is that mail, and why did it not become an item?"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click import UsageError

from engine.cli.main import allegra

STRANGER = "Max <max@elsewhere.example>"
RULES = """
[lists]
vip = ["ceo@partner.example"]
[[rule]]
name = "Looks like somebody important and is not proven to be"
on   = "any"
when = 'from in list "vip" and not auth.dmarc is pass'
then = ['hold because "claims to be a VIP"']
[[rule]]
name = "Printers"
when = 'subject contains "printer" or body contains "toner"'
then = ['set priority "High"', 'add label "printer"']
"""


@pytest.fixture
def ruled(desk: Any) -> Any:
    desk.configure(system='rules = "rules/system.toml"')
    desk.rules("system.toml", RULES)
    return desk


def _command(desk: Any, *words: str) -> None:
    """Run a command so that wrong usage is raised, as `main` hears it."""
    before = Path.cwd()
    os.chdir(desk.folder)
    try:
        allegra.main(words, standalone_mode=False)
    finally:
        os.chdir(before)


def test_no_mail_from_an_address_says_since_when_and_when_the_mailboxes_were_read(desk: Any) -> None:
    desk.mail()
    desk.run()
    for command in ("explain", ("mail", "show")):
        words = (command,) if isinstance(command, str) else command
        told = desk.allegra(*words, "nobody@nowhere.example")
        assert told.exit_code == 1
        assert "no mail from nobody@nowhere.example since 20" in told.stderr
        assert "mailbox system: last read 20" in told.stderr
        assert "just now" in told.stderr
        assert told.stdout == ""


def test_an_unknown_message_id_is_said_to_be_one(desk: Any) -> None:
    told = desk.allegra("explain", "<lost@example.com>")
    assert "there is no mail with the Message-ID <lost@example.com>; none was ever read in" in told.stderr
    assert "mailbox support: was never read" in told.stderr


def test_a_mailbox_that_cannot_be_read_is_named_where_a_mail_is_missing(desk: Any) -> None:
    desk.configure(more='[workspace.finance.mailbox]\nhost = "imap.invalid"\nusername = "x"\npassword_env = "NONE"\n')
    desk.mail()
    desk.run()
    told = desk.allegra("explain", "nobody@nowhere.example")
    assert "mailbox finance: was never read; failing since" in told.stderr
    assert "NONE" in told.stderr
    desk.allegra("mailbox", "pause", "support", "--reason", "the server moves")
    assert "paused: the server moves" in desk.allegra("explain", "nobody@nowhere.example").stderr


def test_an_address_finds_the_newest_mail_from_there(desk: Any) -> None:
    desk.mail("First")
    desk.mail("Second")
    desk.run()
    told = desk.allegra("explain", "anna@example.com")
    assert '"Second"' in told.stdout
    assert "2 mails from anna@example.com; this is the newest" in told.stderr
    assert desk.lines("mail", "show", "anna@example.com")[0]["subject"] == "Second"


def test_a_word_that_names_no_mail_says_what_may_be_given(desk: Any) -> None:
    told = desk.allegra("explain", "that mail")
    assert "give an id (m-…), a Message-ID, the address of a sender, a file, last or last-held" in told.stderr
    assert "no mail was read in yet" in desk.allegra("explain", "last").stderr


def test_rules_stand_below_the_route_stage_and_the_deciding_rule_has_its_number(ruled: Any) -> None:
    ruled.mail("Pay this", sender="ceo@partner.example")
    ruled.run()
    told = ruled.allegra("explain", "last").stdout
    assert ' by       rule 1 "Looks like somebody important and is not proven to be"   rules/system.toml:4' in told
    lines = told.splitlines()
    route = next(number for number, line in enumerate(lines) if line.startswith(" 3 ✋ route"))
    assert lines[route].endswith("rules/system.toml, 2 rules, matched 1")
    assert lines[route + 1].startswith("     ▶  1. Looks like somebody important")
    assert '✔ from in list "vip"   ⟵ "ceo@partner.example"' in lines[route + 3]
    assert told.index("What it means") < told.index("What you can do") < told.index("\n   allegra held discard")


def test_what_a_release_would_come_to_is_told_with_what_it_would_pass(ruled: Any) -> None:
    ruled.mail("Pay this", sender="ceo@partner.example")
    ruled.run()
    told = ruled.allegra("explain", "last-held").stdout
    assert "If it were released now:  a new item in support, past this as well:" in told
    assert "· ceo@partner.example is not known here" in told
    released = ruled.allegra("held", "release", "last-held")
    assert "created   support #1" in released.stdout
    (data,) = ruled.lines("explain", "last")
    assert data["if_released"] is None


def test_all_shows_the_value_of_every_condition_of_rules_that_did_not_match(ruled: Any) -> None:
    ruled.mail("Nothing of interest", body="about chairs\n")
    ruled.run()
    told = ruled.allegra("explain", "last", "--all").stdout
    assert '✘ subject contains "printer"   ⟵ "Nothing of interest"' in told
    assert '✘ body contains "toner"   ⟵ "about chairs"' in told


def test_long_names_of_rules_are_cut_visibly(ruled: Any) -> None:
    ruled.mail()
    ruled.run()
    assert "1. Looks like somebody important and i… ✘" in ruled.allegra("explain", "last").stdout


def test_other_rules_tell_what_they_would_do_and_that_nothing_was_kept(ruled: Any) -> None:
    ruled.mail("Pay this", sender="ceo@partner.example")
    ruled.run()
    other = ruled.folder / "other"
    other.mkdir()
    (other / "system.toml").write_text(RULES.replace("hold because", "discard because"), encoding="utf-8")
    told = ruled.allegra("explain", "last", "--rules", str(other)).stdout
    assert " DISCARDED  in" in told
    assert "Decided again with the rules of" in told
    assert ruled.lines("mail", "show", "last")[0]["outcome"] == "held"


def test_a_mail_that_a_person_closed_names_the_person_and_what_was_before(desk: Any) -> None:
    desk.mail(sender=STRANGER)
    desk.run()
    desk.allegra("mail", "ignore", "last", "--reason", "spam, said Anna")
    told = desk.allegra("explain", "last").stdout
    assert " DISCARDED   code gate.unknown_sender" in told
    assert " because  spam, said Anna" in told
    assert ", a person" in told
    assert " before   held: max@elsewhere.example is not known here" in told
    assert "held release" not in told
    assert "It was decided before: held" in told


def test_a_mail_that_waits_says_what_would_become_of_it(desk: Any) -> None:
    desk.mail(sender=STRANGER)
    desk.run()
    desk.allegra("mail", "retry", "last")
    told = desk.allegra("explain", "last").stdout
    assert " DEFERRED  it waits for the next run" in told
    assert "it would be held (gate.unknown_sender)" in told
    assert "allegra run" in told


def test_an_erased_mail_tells_its_receipt_and_no_more(desk: Any) -> None:
    desk.mail()
    (line,) = desk.run()
    desk.allegra("mail", "purge", line["mail"], "--commit")
    told = desk.allegra("explain", line["mail"])
    assert told.exit_code == 0
    assert "CREATED  support #1" in told.stdout
    assert f"{line['mail']}  (purged)   (nobody) → (nobody)" in told.stdout
    today = datetime.now().astimezone().date()
    assert f" It was purged on {today}: its bytes, addresses, subject and trace are gone for good." in told.stdout
    assert "because  The mail became an item." in told.stdout
    assert f"(purged on {today})" in desk.allegra("mail", "list").stdout
    assert f"(purged on {today})" in desk.allegra("mail", "show", line["mail"]).stdout
    (row,) = desk.lines("mail", "list")
    assert row["erased_at"].startswith(str(datetime.now(UTC).date()))
    assert "What you can do" not in told.stdout


def test_a_file_is_told_no_commands_that_need_a_stored_mail(desk: Any) -> None:
    content = b"From: max@elsewhere.example\nTo: help@example.com\nSubject: Hello\n\nHello\n"
    told = desk.allegra("explain", "-", stdin=content).stdout
    assert "(standard input)" in told
    assert "allegra held" not in told
    assert "nothing was stored" in told
    assert "If it were released now:" in told


def test_a_post_to_a_topic_is_no_item_with_the_number_of_the_topic(desk: Any) -> None:
    desk.load('[[topics]]\nid = 7\nworkspace = "support"\ntitle = "Printers"\n')
    from engine.config import load
    from engine.decision import tokens

    secret = load(desk.folder / "allegra.toml").instance.secret()
    token = tokens.sign(7, secret, "t")
    desk.mail("Re: Printers", headers=[f"Delivered-To: help+{token}@example.com"])
    desk.run()
    (row,) = desk.lines("mail", "list")
    assert (row["outcome"], row["item"], row["topic"]) == ("comment", 0, 7)
    assert "topic 7" in desk.allegra("mail", "list").stdout
    assert "COMMENT  support topic 7" in desk.allegra("explain", "last").stdout
    assert desk.lines("mail", "list", "item:7") == []


def test_a_rule_is_searched_by_what_matched(ruled: Any) -> None:
    ruled.mail("The printer is on fire")
    ruled.mail("Something else")
    ruled.run()
    assert [row["subject"] for row in ruled.lines("mail", "list", 'rule:"Printers"')] == ["The printer is on fire"]
    assert ruled.lines("mail", "list", "rule:nobody") == []


@pytest.mark.parametrize("query", ["outcome:lost", "from:", "is:held", "newer_than:soon", "item:x"])
def test_a_query_that_means_nothing_is_wrong_usage(desk: Any, query: str) -> None:
    told = desk.allegra("mail", "list", query)
    assert told.exit_code == 64
    assert "Traceback" not in told.stderr
    assert told.stderr.startswith("allegra: ")


def test_a_word_of_a_query_may_be_turned_round_and_a_code_shortened(desk: Any) -> None:
    desk.mail("printer")
    desk.mail("chair", sender=STRANGER)
    desk.run()
    told = desk.allegra("mail", "list", "--", "-printer").stdout
    assert "chair" in told and "printer" not in told
    assert [row["subject"] for row in desk.lines("mail", "list", "code:gate")] == ["chair"]


def test_show_tells_what_the_code_means_and_where_the_reasons_are(desk: Any) -> None:
    desk.mail("", sender=STRANGER)
    desk.run()
    told = desk.allegra("mail", "show", "last").stdout
    assert "(no subject)" in told
    assert "Nobody here is known by the sender's address." in told
    assert "why         allegra explain m-" in told


def test_held_mail_of_a_workspace_that_is_none_is_not_simply_nothing(desk: Any) -> None:
    with pytest.raises(UsageError, match="there is no workspace 'nope'; there are: support, finance"):
        _command(desk, "held", "list", "--workspace", "nope")


def test_a_workspace_without_a_place_in_the_database_is_told_with_the_remedy(desk: Any) -> None:
    desk.configure(more='[workspace.sales]\nname = "Sales"\nplus = ["sales"]\n')
    told = desk.allegra("check")
    assert 'warning[C194]: workspace "sales" is not in the database yet' in told.output
    desk.mail(headers=["Delivered-To: help+sales@example.com"])
    (line,) = desk.run()
    assert line["because"] == 'there is no workspace "sales" yet: allegra workspace add sales'
    desk.allegra("workspace", "add", "sales")
    assert "C194" not in desk.allegra("check").output


@pytest.mark.parametrize(
    "words",
    [("user", "add", ""), ("user", "add", "x y"), ("user", "add", "x", "--email", "nobody"), ("group", "add", " "),
     ("workspace", "add", "Bad Name!"), ("hooks", "new", "guard", "--name", "../x"),
     ("rules", "try", "auto", "--workspace", "nope"), ("held", "release"), ("held", "discard"),
     ("held", "reject", "--reason", "x"), ("explain", "x", "--mailbox", "nope")],
    ids=" ".join,
)  # fmt: skip
def test_values_that_make_no_sense_are_wrong_usage(desk: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        _command(desk, *words)


def test_a_section_of_the_configuration_is_printed_with_its_keys(desk: Any) -> None:
    told = desk.allegra("config", "get", "limits").stdout.splitlines()
    assert 'limits.raw = "50 MB"' in told
    assert all(line.startswith("limits.") for line in told)


def test_no_excerpt_of_a_problem_shows_a_password(desk: Any) -> None:
    desk.configure(more='[workspace.finance.mailbox]\nhost = 7\npasword = "hunter two"\npassword = "hunter2"\n')
    for words in (("check",), ("check", "--json"), ("check", "--format", "sarif"), ("run",)):
        told = desk.allegra(*words).output
        assert "hunter" not in told
        assert "C101" in told
