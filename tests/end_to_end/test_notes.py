"""Internal notes: what becomes one, who sees it, and how a person makes it public."""

from __future__ import annotations

from typing import Any

import pytest

ITEM = """
[[items]]
id        = 7
workspace = "support"
title     = "Printer"
author    = "anna"
[[users]]
login  = "eve"
emails = ["eve@elsewhere.example"]
"""
EVE = "Eve <eve@elsewhere.example>"


@pytest.fixture
def note(desk: Any) -> Any:
    """A note of Eve's, who has nothing to do with item 7, on item 7; gives its id."""
    desk.load(ITEM)
    desk.mail("Printer", message_id="<from-anna@example.com>")
    desk.mail("Re: [#7] Printer", message_id="<about-7@example.com>")
    desk.run()
    desk.mail("Re: Printer", sender=EVE, headers=["In-Reply-To: <about-7@example.com>"], message_id="<eve@x.example>")
    assert [line["outcome"] for line in desk.run()] == ["note"]
    return next(each["id"] for each in desk.item(7)["comments"] if each["internal"])


def internal(desk: Any) -> list[bool]:
    return [each["internal"] for each in desk.item(7)["comments"]]


def answer_of_eve(desk: Any, number: int) -> str:
    headers = ["In-Reply-To: <about-7@example.com>"]
    desk.mail("Re: Printer", body=f"More, {number}", sender=EVE, headers=headers)
    (line,) = desk.run()
    outcome: str = line["outcome"]
    return outcome


def test_F117_the_answer_to_an_internal_note_is_one(desk: Any, note: int) -> None:
    desk.mail("Re: Printer", body="Is she right?", headers=["In-Reply-To: <eve@x.example>"])
    assert [line["outcome"] for line in desk.run()] == ["note"]
    assert internal(desk) == [False, True, True]


def test_F119_a_note_becomes_a_comment_and_answers_to_it_are_comments(desk: Any, note: int) -> None:
    assert desk.allegra("item", "publish", "7", str(note)).exit_code == 0
    assert internal(desk) == [False, False]
    desk.mail("Re: Printer", body="She is right.", headers=["In-Reply-To: <eve@x.example>"])
    assert [line["outcome"] for line in desk.run()] == ["comment"]


def test_F046_publishing_a_note_does_not_let_its_author_in_unless_told_so(desk: Any, note: int) -> None:
    desk.allegra("item", "publish", "7", str(note))
    assert answer_of_eve(desk, 1) == "note"
    second = desk.item(7)["comments"][-1]["id"]
    desk.allegra("item", "publish", "7", str(second), "--authorise")
    assert {"login": "eve", "role": "reader"} in desk.item(7)["people"]
    assert answer_of_eve(desk, 2) == "comment"


def test_F046_an_author_without_an_account_is_authorised_by_address(desk: Any) -> None:
    desk.configure(more='[people]\nunknown_user = "accept"\n[workspace.support.people]\nguest_user = "nobody"\n')
    desk.load(ITEM)
    desk.mail("Re: [#7] Printer", message_id="<about-7@example.com>")
    desk.run()
    head = "From: new@elsewhere.example\nTo: help@example.com\nSubject: Re\nIn-Reply-To: <about-7@example.com>\n\n"
    desk.mail(raw=f"{head}One\n".encode())
    desk.run()
    last = desk.item(7)["comments"][-1]
    assert last["internal"]
    desk.allegra("item", "publish", "7", str(last["id"]), "--authorise")
    desk.mail(raw=f"{head}Two\n".encode())
    assert [line["outcome"] for line in desk.run()] == ["comment"]


def test_publishing_what_is_public_or_not_there_is_refused(desk: Any, note: int) -> None:
    public = next(each["id"] for each in desk.item(7)["comments"] if not each["internal"])
    for which, said in ((public, "is public already"), (999, "has no note 999")):
        done = desk.allegra("item", "publish", "7", str(which))
        assert done.exit_code == 1
        assert said in done.stderr


def test_a_replay_does_not_take_back_what_a_person_published(desk: Any, note: int) -> None:
    desk.allegra("item", "publish", "7", str(note))
    assert desk.allegra("replay", "<eve@x.example>", "--commit").exit_code == 0
    assert internal(desk) == [False, False]


@pytest.mark.parametrize(("policy", "outcome"), [("note", "note"), ("accept", "comment"), ("hold", "held")])
def test_F046_what_a_reply_of_a_stranger_becomes_is_a_policy(desk: Any, policy: str, outcome: str) -> None:
    desk.configure(more=f'[people]\nreply_from_stranger = "{policy}"\n')
    desk.load(ITEM)
    desk.mail("Re: [#7] Printer", message_id="<about-7@example.com>")
    desk.run()
    assert answer_of_eve(desk, 1) == outcome


def test_F118_the_log_field_says_where_the_new_part_goes(desk: Any) -> None:
    desk.load(ITEM + '[[fields]]\nname = "Diary"\nkind = "long_text"\n')
    desk.configure(more='[items]\nlog_field = "note"\n')
    desk.mail("Re: [#7] Printer", body="For us only")
    desk.run()
    desk.configure(more='[items]\nlog_field = "Diary"\n')
    desk.mail("Re: [#7] Printer", body="For the diary")
    desk.run()
    assert internal(desk) == [True, False]
    assert desk.item(7)["fields"]["Diary"] == "For the diary"


def test_F120_a_reply_to_a_topic_is_a_post_and_a_locked_topic_refuses(desk: Any) -> None:
    topics = '[[workspaces]]\nidentifier = "support"\nname = "Support"\nmodules = ["items", "topics"]\n'
    topics += '[[topics]]\nid = 12\nworkspace = "support"\ntitle = "Toner"\n'
    desk.load(topics)
    desk.mail("Re: [Support - Toner - msg12] Toner")
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("comment", "draft.comment")]
    desk.load(topics + "locked = true\n")
    desk.mail("Re: [Support - Toner - msg12] Toner")
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("rejected", "thread.topic_locked")]


def test_051_changed_subject_of_a_reply_is_shown_with_its_comment(desk: Any) -> None:
    first = desk.mail("Lift")
    desk.run()
    desk.mail("Re: Lift", headers=[f"In-Reply-To: {first}"])
    desk.mail("New chairs for B12", body="Please order two chairs\n", headers=[f"In-Reply-To: {first}"])
    desk.run()
    assert [comment["subject"] for comment in desk.item(1)["comments"]] == ["", "New chairs for B12"]
    assert desk.allegra("item", "comments", "1").stdout.count("subject: New chairs for B12") == 1


def test_F090_reply_of_keyword_lines_only_sets_fields_and_makes_no_empty_comment(desk: Any) -> None:
    proven = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
    first = desk.mail("Lift")
    desk.run()
    quote = "\nOn Fri, 20 Nov 2026 Anna wrote:\n> It does not print.\n"
    desk.mail("Re: Lift", body=f"Priority: High\n{quote}", headers=[f"In-Reply-To: {first}", proven])
    (line,) = desk.run()
    item = desk.item(1)
    assert (line["outcome"], line["item"], line["because"]) == (
        "comment", 1, "fields of #1 in support, and no comment: nothing else was said",
    )  # fmt: skip
    assert (item["priority"], item["comments"]) == ("High", [])
    desk.mail("Re: Lift", body="Priority: Low\nThank you\n", headers=[f"In-Reply-To: {first}", proven])
    desk.run()
    item = desk.item(1)
    assert (item["priority"], [comment["text"].strip() for comment in item["comments"]]) == ("Low", ["Thank you"])


@pytest.mark.parametrize("number", ["0", "00", "99", "9" * 30])
def test_F109_what_is_meant_for_inside_becomes_no_item_whatever_its_number_is(desk: Any, number: str) -> None:
    desk.load(ITEM)
    for to in (f"help+note-{number}@example.com", f"help+draft-{number}@example.com"):
        mail = f"From: Anna <anna@example.com>\nTo: {to}\nSubject: Between us\nMessage-ID: <{to}>\n\nHe is wrong.\n"
        desk.mail(raw=mail.encode())
    desk.mail(f"[#{number} Note] Between us", "He is wrong.\n")
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("held", "thread.item_gone")] * 3
