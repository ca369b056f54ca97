"""Keywords, defaults, senders and the other people on a mail: what stands in the item afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from people import BOB, CARL, LOLA

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
GERMAN = "Der Drucker im zweiten Stock druckt seit heute nicht mehr, und wir wissen nicht warum."

MORE = """
[[users]]
login  = "guest"
status = "guest"
[[groups]]
name = "tier2"
[[workspaces]]
identifier = "support"
name       = "Support"
categories = ["Hardware", "Software"]
versions   = ["1.0", "2.0"]
[[fields]]
name     = "Colours"
kind     = "list"
values   = ["Red", "Green", "Light blue"]
multiple = true
[[fields]]
name = "Order number"
[[items]]
id        = 7
workspace = "support"
title     = "Old"
author    = "carl"
"""


def prepare(desk: Any, more: str = "") -> None:
    desk.configure(more=more)
    desk.load(BOB.replace("bob@", "bob+work@") + CARL + LOLA + MORE)


def values(item: dict[str, Any]) -> dict[str, Any]:
    """The fields of an item, those with a column of their own as well."""
    return {**{name: item[name] for name in ("type", "status", "priority", "assigned_to")}, **item["fields"]}


# ── keywords ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("Priority: High", "priority", "High"),
        ("PRIORITY :  high", "priority", "High"),
        ("Priorität: High", "priority", "High"),
        ("Dringlichkeit: High", "priority", "High"),
        ("Assignee: anna@example.com", "assigned_to", "anna"),
        ("Assigned to: Bob Lund", "assigned_to", "bob"),
        ("Assignee: tier2", "assigned_to", "group:tier2"),
        ("Status: In progress", "status", "In progress"),
        ("Category: software", "category", "Software"),
        ("Version: 2.0", "version", "2.0"),
        ("Start date: 2026-12-01", "start_date", "2026-12-01"),
        ("Deadline: 2026-12-31", "due_date", "2026-12-31"),
        ("Done ratio: 40%", "done_ratio", 40),
        ("Estimated hours: 1h30", "estimated_hours", 1.5),
        ("Parent: #7", "parent", 7),
        ("colours: red, Light blue", "Colours", ["Red", "Light blue"]),
        ("Order number: 4711", "Order number", "4711"),
    ],
)
def test_F079_F080_F081_F082_F083_F086_F087_F088_a_keyword_line_sets_its_field_and_goes(
    desk: Any, line: str, field: str, value: Any
) -> None:
    prepare(desk, '[items]\nallow_override = "all"\nkeyword_aliases = { "Dringlichkeit" = "priority" }\n')
    desk.mail(body=f"{line}\n\n{GERMAN}\n", headers=[PROVEN])
    desk.run()
    item = desk.item(8)
    assert values(item)[field] == value
    assert item["text"] == GERMAN
    assert "keyword " in desk.explained()


@pytest.mark.parametrize(
    ("options", "body", "priority", "text"),
    [
        ('allow_override = ["type"]', "Priority: High\nText", "Normal", "Priority: High\nText"),
        ("allow_override = []", "Priority: High\nText", "Normal", "Priority: High\nText"),
        ('keywords = "off"', "Priority: High\nText", "Normal", "Priority: High\nText"),
        ("", "Priority: High\nPriority: Low\nText", "High", "Priority: Low\nText"),
        ('keyword_wins = "last"', "Priority: High\nPriority: Low\nText", "Low", "Text"),
        ("", "Hello\nPriority: High", "Normal", "Hello\nPriority: High"),
        ('keywords = "anywhere"', "Hello\nPriority: High", "High", "Hello"),
        ("", "Text\n\n> Priority: High", "Normal", "Text"),
        ("", "Priority: Enormous\nText", "Normal", "Priority: Enormous\nText"),
        ('override_by = "group:tier2"', "Priority: High\nText", "Normal", "Priority: High\nText"),
        ('priority = "Low"', "Text", "Low", "Text"),
    ],
)
def test_F070_F072_F084_F085_F089_which_lines_count_is_configured(
    desk: Any, options: str, body: str, priority: str, text: str
) -> None:
    prepare(desk, f"[items]\n{options}\n")
    desk.mail(body=body + "\n", headers=[PROVEN])
    desk.run()
    item = desk.item(8)
    assert (item["priority"], item["text"]) == (priority, text)


def test_F089_an_unknown_value_may_refuse_the_mail(desk: Any) -> None:
    prepare(desk, '[items]\nunknown_keyword = "reject"\n')
    desk.mail(body="Priority: Enormous\nText\n", headers=[PROVEN])
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("rejected", "draft.bad_keyword")
    assert "Enormous" in line["because"]


def test_F090_F071_a_reply_sets_fields_too_and_defaults_leave_the_item_alone(desk: Any) -> None:
    prepare(desk, '[items]\nallow_override = ["status"]\npriority = "Urgent"\n')
    desk.mail("Re: [#7] Old", body="Status: Closed\nPriority: Low\n\nDone.\n", headers=[PROVEN])
    assert [line["outcome"] for line in desk.run()] == ["comment"]
    item = desk.item(7)
    assert (item["status"], item["priority"], bool(item["closed_at"])) == ("Closed", "Normal", True)
    assert item["comments"][0]["text"] == "Priority: Low\n\nDone."


def test_F091_keywords_work_in_html_and_the_html_that_still_has_them_is_not_shown(desk: Any) -> None:
    prepare(desk)
    head = f"From: anna@example.com\nTo: help@example.com\nSubject: x\n{PROVEN}\nContent-Type: text/html\n\n"
    desk.mail(raw=f"{head}<p>Priority: High</p><p>It burns.</p>".encode())
    desk.run()
    item = desk.item(8)
    assert (item["priority"], item["text"], item["html"]) == ("High", "It burns.", None)


def test_F069_a_mandatory_field_without_a_value_holds(desk: Any) -> None:
    desk.load('[[fields]]\nname = "Cost centre"\nrequired = true\n')
    desk.mail()
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("held", "draft.missing_field")


# ── who writes ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("people", "sender", "outcome", "author"),
    [
        ("", "ANNA@Example.com", "created", "anna"),
        ("", "bob@example.com", "created", "bob"),
        ('mail_suffix_separators = ""', "bob@example.com", "held", ""),
        ("", "bob+other@example.com", "held", ""),
        ("", "x@elsewhere.example", "held", ""),
        ('unknown_user = "accept"', "x@elsewhere.example", "created", "guest"),
        ('unknown_user = "create"', "Ada Love <ada@elsewhere.example>", "created", "ada@elsewhere.example"),
        ("", "lola@example.com", "held", ""),
        ('inactive_user = "reject"', "lola@example.com", "rejected", ""),
        ("", "anna@example.com, carl@example.com", "held", ""),
    ],
    ids=["any case", "suffix", "no suffix", "another suffix", "ignored", "guest", "created", "locked", "locked: reject",
         "two in From"],
)  # fmt: skip
def test_F052_F053_F054_F055_F056_F058_F061_the_sender_becomes_the_author(
    desk: Any, people: str, sender: str, outcome: str, author: str
) -> None:
    prepare(desk, f"[people]\n{people}\n")
    desk.mail(sender=sender)
    (line,) = desk.run()
    assert line["outcome"] == outcome
    if author:
        assert desk.item(8)["author"] == author


@pytest.mark.parametrize(
    ("workspace", "people", "outcome"),
    [
        ("public = false", "", "rejected"),
        ("public = false", "no_permission_check = true", "created"),
        ('status = "closed"', "no_permission_check = true", "rejected"),
        ("public = true", "", "created"),
    ],
)
def test_F059_F062_F068_permissions_are_asked_and_a_closed_workspace_refuses_all(
    desk: Any, workspace: str, people: str, outcome: str
) -> None:
    prepare(desk, f"[people]\n{people}\n")
    desk.load(f'[[workspaces]]\nidentifier = "support"\n{workspace}\n')
    desk.mail(sender="carl@example.com")
    (line,) = desk.run()
    assert line["outcome"] == outcome
    if outcome == "rejected":
        assert line["code"] == "draft.no_permission"


def test_F047_F062_who_may_create_is_set_for_each_workspace(desk: Any) -> None:
    desk.configure(more='[people]\nunknown_user = "create"\n[workspace.finance.people]\nunknown_user = "ignore"\n')
    head = "From: x@elsewhere.example\nSubject: x\n"
    desk.mail(raw=f"{head}To: help+billing@example.com\n\nHello\n".encode())
    desk.mail(raw=f"{head}To: help@example.com\n\nHello\n".encode())
    assert [(line["workspace"], line["outcome"]) for line in desk.run()] == [
        ("finance", "held"),
        ("support", "created"),
    ]


# ── who else is on the mail ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "people"),
    [
        ("", {"carl": "reader"}),
        ("addCcAsEditor = true", {"carl": "editor"}),
        ("addCcAsReader = false\naddCcAsWatcher = true", {"carl": "watcher"}),
        ("addCcAsReader = false", {}),
        ("known_only = false", {"carl": "reader", "new@elsewhere.example": "reader"}),
        ("never = ['/^carl/i']", {}),
        ("limit = 0", {}),
    ],
    ids=["reader", "editor", "watcher", "nobody", "created", "never", "limit"],
)
def test_F122_F123_F124_people_in_to_and_cc_join_the_item(desk: Any, options: str, people: dict[str, str]) -> None:
    prepare(desk, f"[people.cc]\n{options}\n")
    desk.mail(headers=["Cc: Carl <Carl@example.com>, lola@example.com, help@example.com, new@elsewhere.example",
                       "Cc: anna@example.com"])  # fmt: skip
    desk.run()
    assert {each["login"]: each["role"] for each in desk.item(8)["people"]} == people


def test_F122_also_to_says_whether_to_counts(desk: Any) -> None:
    for options, people in (("", ["carl"]), ("also_to = false", [])):
        prepare(desk, f"[people.cc]\n{options}\n")
        number = len(desk.lines("item", "list")) + 7
        desk.mail(
            raw=f"From: anna@example.com\nTo: help@example.com, carl@example.com\nSubject: {number}\n\nx\n".encode()
        )
        desk.run()
        assert [each["login"] for each in desk.item(number)["people"]] == people


def test_who_locks_a_user_is_told_that_open_items_are_theirs(desk: Any) -> None:
    desk.mail("Printer broken")
    desk.run()
    assert desk.allegra("user", "lock", "anna").stderr == ""
    desk.allegra("user", "unlock", "anna")
    assert desk.allegra("item", "assign", "1", "anna").exit_code == 0
    locked = desk.allegra("user", "lock", "anna")
    assert (locked.exit_code, locked.stdout) == (0, "user anna: locked\n")
    assert locked.stderr == "open items are assigned to anna: allegra item list assigned:anna status:open\n"
    assert [each["id"] for each in desk.lines("item", "list", "assigned:anna", "status:open")] == [1]
