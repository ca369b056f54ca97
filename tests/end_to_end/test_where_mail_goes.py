"""Which workspace a mail reaches, and which item in it."""

from __future__ import annotations

from typing import Any

import pytest

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
GERMAN = "Der Drucker im zweiten Stock druckt seit heute nicht mehr, und wir wissen nicht warum."


def places(lines: list[dict[str, Any]]) -> list[str]:
    return [line["workspace"] for line in lines]


@pytest.mark.parametrize(
    ("options", "default", "line", "headers", "workspace", "stays"),
    [
        ('["project"]', "support", "Project: finance", [PROVEN], "finance", False),
        ('["project"]', "support", "project : Finance", [PROVEN], "finance", False),
        ('"all"', "support", "Projekt: finance", [PROVEN], "finance", False),
        ('["priority"]', "support", "Project: finance", [PROVEN], "support", True),
        ('["priority"]', "", "Project: finance", [PROVEN], "finance", False),
        ('["project"]', "support", "Project: nowhere", [PROVEN], "support", True),
        ('["project"]', "", "Project: nowhere", [PROVEN], "", False),
        ('["project"]', "support", "Project: finance", [], "support", True),
    ],
    ids=["allowed", "any case", "in the sender's language", "not allowed", "needed", "unknown", "nowhere", "unproven"],
)
def test_F064_a_project_line_chooses_the_workspace(
    desk: Any, options: str, default: str, line: str, headers: list[str], workspace: str, stays: bool
) -> None:
    toml = (desk.folder / "allegra.toml").read_text()
    toml = toml.replace('default_workspace = "support"', f'default_workspace = "{default}"')
    (desk.folder / "allegra.toml").write_text(f"{toml}[items]\nallow_override = {options}\n")
    desk.mail(body=f"{line}\n\n{GERMAN}\n", headers=headers)
    (told,) = desk.run()
    assert told["workspace"] == (workspace or None)
    assert told["outcome"] == ("created" if workspace else "held")
    if workspace:
        assert desk.item(1)["text"] == (f"{line}\n\n{GERMAN}" if stays else GERMAN)


def test_F064_a_line_that_brought_the_mail_goes_although_the_workspace_does_not_allow_it(desk: Any) -> None:
    desk.configure(more='[items]\nallow_override = ["project"]\n[workspace.finance.items]\nallow_override = []\n')
    desk.mail(body="Project: finance\nIt does not print.\n", headers=[PROVEN])
    assert places(desk.run()) == ["finance"]
    assert desk.item(1)["text"] == "It does not print."
    assert "a keyword line asks for finance" in desk.explained()


def test_F065_a_plus_tag_leads_to_the_workspace_that_lists_it_and_wins_over_the_keyword(desk: Any) -> None:
    desk.configure(more='[items]\nallow_override = ["project"]\n')
    head = "From: anna@example.com\nSubject: Invoice\n" + PROVEN + "\n"
    desk.mail(raw=f"{head}To: help+Billing@example.com\n\nProject: support\nPlease pay\n".encode())
    assert places(desk.run()) == ["finance"]
    assert "workspace.finance.plus" in desk.explained()
    desk.mail(raw=f"{head}To: help+other@example.com\n\nPlease pay\n".encode())
    assert places(desk.run()) == ["support"]


def test_F065_a_rule_and_the_item_that_is_answered_win_over_the_plus_tag(desk: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"')
    then = "then = ['route to workspace \"support\"']"
    desk.rules("system.toml", f'[[rule]]\nname = "print"\nwhen = \'subject contains "print"\'\n{then}\n')
    head = "From: anna@example.com\nTo: help+billing@example.com\n"
    desk.mail(raw=f"{head}Subject: print\nMessage-ID: <a@example.com>\n\nHello\n".encode())
    assert places(desk.run()) == ["support"]
    desk.mail(raw=f"{head}Subject: Re\nIn-Reply-To: <a@example.com>\n\nHello again\n".encode())
    (reply,) = desk.run()
    assert (reply["outcome"], reply["item"], reply["workspace"]) == ("comment", 1, "support")


# ── an item that is answered ──────────────────────────────────────────────────────────────────────────────────

CLOSED = """
[[items]]
id        = 7
workspace = "support"
title     = "Printer"
status    = "Closed"
author    = "anna"
"""


@pytest.mark.parametrize(
    ("policy", "outcome", "item", "status"),
    [("comment", "comment", 7, "Closed"), ("reopen", "comment", 7, "New"), ("new-item", "created", 8, "Closed"),
     ("reject", "rejected", None, "Closed")],
)  # fmt: skip
def test_F115_what_a_reply_does_to_a_closed_item_is_a_policy(
    desk: Any, policy: str, outcome: str, item: int | None, status: str
) -> None:
    desk.configure(more=f'[items]\nclosed_item = "{policy}"\n')
    desk.load(CLOSED)
    desk.mail("Re: [#7] Printer")
    (line,) = desk.run()
    assert (line["outcome"], line["item"] or None) == (outcome, item)
    assert desk.item(7)["status"] == status
    if policy == "new-item":
        assert desk.item(8)["labels"] == ["follows #7"]


@pytest.mark.parametrize(
    ("behavior", "new", "reply"),
    [("create_or_update", "created", "comment"), ("create", "created", "created"), ("update", "held", "comment")],
)
def test_F112_a_mailbox_may_only_create_or_only_update(desk: Any, behavior: str, new: str, reply: str) -> None:
    desk.configure(more=f'[items]\nbehavior = "{behavior}"\n')
    desk.load(CLOSED)
    desk.mail("Something new")
    desk.mail("Re: [#7] Printer")
    assert [line["outcome"] for line in desk.run()] == [new, reply]


@pytest.mark.parametrize(
    ("verb", "outcome"), [("hold", "held"), ("next", "created"), ("reject", "rejected")], ids=lambda verb: verb
)
def test_F113_a_marker_that_names_nothing(desk: Any, verb: str, outcome: str) -> None:
    desk.configure(more=f'[items.threading]\non_dangling = "{verb}"\n')
    desk.mail("Re: [#99] Printer")
    (line,) = desk.run()
    assert line["outcome"] == outcome
    assert "[#99] names no item" in desk.explained()


def test_F111_a_held_mail_is_added_to_the_item_a_person_names(desk: Any) -> None:
    toml = (desk.folder / "allegra.toml").read_text().replace('default_workspace = "support"', "")
    (desk.folder / "allegra.toml").write_text(toml)
    desk.load(CLOSED)
    desk.mail("No idea where this belongs")
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("held", "draft.undecided")
    assert "comment" in desk.allegra("held", "release", line["mail"], "--item", "7").stdout
    assert len(desk.item(7)["comments"]) == 1


def test_F114_a_reply_reaches_its_item_by_whatever_mailbox_it_comes(desk: Any) -> None:
    desk.load(CLOSED.replace("support", "finance"))
    desk.mail("Re: [#7] Printer", box="support")
    (line,) = desk.run()
    assert (line["outcome"], line["item"], line["workspace"]) == ("comment", 7, "finance")


def test_F110_the_header_wins_over_the_subject_unless_the_order_says_otherwise(desk: Any) -> None:
    desk.load(CLOSED)
    first = desk.mail("Scanner")
    assert [line["item"] for line in desk.run()] == [8]
    desk.mail("Re: [#7] Printer", headers=[f"In-Reply-To: {first}"])
    assert [line["item"] for line in desk.run()] == [8]
    desk.configure(more='[items.threading]\norder = ["subject", "message_id"]\n')
    desk.mail("Re: [#7] Printer, again", headers=[f"In-Reply-To: {first}"])
    assert [line["item"] for line in desk.run()] == [7]
