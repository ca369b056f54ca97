"""Anybody can be asked about: whether they heard, and if not, what kept them out as things are now."""

from __future__ import annotations

from typing import Any

import databases
import pytest
from people import BOB, CARL, LOLA

OTHERS = """
[[users]]
login  = "eve"
emails = ["eve@example.com"]
[[workspaces]]
identifier = "support"
public     = false
[[roles]]
name        = "reader"
permissions = ["view_items"]
[[members]]
user      = "carl"
workspace = "support"
role      = "reader"
"""


@pytest.fixture
def filled(desk: Any) -> Any:
    desk.load(BOB + CARL + LOLA + OTHERS)
    desk.configure(more='[smtp]\ntransport = "maildir"\npath = "out"\nfrom = "help@example.com"\n')
    desk.mail("Printer", sender="Anna Berg <anna@example.com>")
    desk.run()
    return desk


def said(desk: Any, who: str, ref: str = "last") -> str:
    result = desk.allegra("explain", ref, "--who", who)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_who_was_considered_is_told_by_the_rows(filled: Any) -> None:
    assert "created, as member sent" in said(filled, "bob")
    assert said(filled, "bob@example.com") == said(filled, "Bob Lund") == said(filled, "bob")
    (row,) = filled.lines("explain", "last", "--who", "bob")
    assert (row["schema"], row["who"], row["state"]) == ("allegra.told/1", "bob", "sent") and row["outbox"]


@pytest.mark.parametrize(
    ("who", "because"),
    [
        ("lola", "the account is locked"),
        ("eve", "has no role that lets them see items of support"),
        (
            "carl",
            "has no role that lets them edit items of support, so new ones are not for them; and has no part in #1",
        ),
        ("kim@other.example", "has no account, and the address has no part in #1"),
    ],
)
def test_who_was_not_is_told_what_keeps_them_out(filled: Any, who: str, because: str) -> None:
    assert said(filled, who) == f"{who} was not considered when it happened. As things are now: {because}"


def test_who_waits_for_no_new_items_is_told_who_said_so(filled: Any) -> None:
    filled.allegra("user", "notify", "bob", "new=none", "--workspace", "support")
    filled.mail("Toner")
    filled.run()
    assert said(filled, "bob").endswith(
        "waits for no new items in support (new = none, said by: bob, in support), and has no part in #2"
    )
    (data,) = filled.lines("item", "told", "2", "--who", "bob")
    assert (data["who"], data["state"], data["why"], data["outbox"]) == ("bob", "not_considered", "no_new", None)
    filled.allegra("user", "notify", "bob", "new=unassigned", "--workspace", "support")
    assert said(filled, "bob").endswith("would be told now, as member; had no part in it when it happened")
    filled.allegra("item", "assign", "2", "anna")
    assert said(filled, "bob").endswith(
        "hears as a member only of what nobody has (new = unassigned, said by: bob, in support), and anna has #2"
    )


def test_who_joined_later_would_be_told_now(filled: Any) -> None:
    filled.allegra("user", "notify", "bob", "new=none")
    filled.mail("Toner")
    filled.run()
    filled.allegra("item", "assign", "2", "bob", "--quiet")
    assert said(filled, "bob").endswith("would be told now, as assignee; had no part in it when it happened")
    filled.allegra("user", "notify", "bob", "assigned=no")
    assert said(filled, "bob").endswith("would not be told now either: prefers not (assigned = no)")
    filled.allegra("item", "note", "2", "-m", "x")
    assert "not told" in filled.allegra("item", "told", "2", "--who", "bob").stdout


def test_of_mail_that_is_held_or_dropped_only_those_hear_whom_the_reason_names(filled: Any) -> None:
    filled.mail("Help", sender="max@elsewhere.example")
    filled.run()
    assert said(filled, "bob").endswith("the reason gate.unknown_sender is none that admins hear of")
    filled.allegra("held", "discard", "last", "--reason", "spam")
    assert "bob was not considered" in said(filled, "bob")


def test_looking_writes_nothing(filled: Any) -> None:
    before = databases.everything(filled.where)
    for who in ("bob", "eve", "kim@other.example"):
        said(filled, who)
    assert databases.everything(filled.where) == before


def test_nobody_is_meant_by_a_misspelt_login_and_a_file_has_no_rows(filled: Any) -> None:
    wrong = filled.allegra("explain", "last", "--who", "bobb")
    assert wrong.exit_code == 1 and 'there is no user "bobb": give a login or an address' in wrong.stderr
    (filled.folder / "a.eml").write_bytes(b"From: a@example.com\n\nx\n")
    assert "--who asks about a mail that is stored" in filled.allegra("explain", "a.eml", "--who", "bob").stderr


def test_who_is_named_in_a_From_of_two_did_nothing_and_would_hear(filled: Any) -> None:
    smtp = '[smtp]\ntransport = "maildir"\npath = "out"\nfrom = "help@example.com"\n'
    filled.configure(more='[people]\nunknown_user = "accept"\nno_permission_check = true\n' + smtp)
    filled.mail("Toner", sender="anna@example.com, eve@evil.example")
    filled.run()
    assert ("anna@example.com", "notice", "item.created", "sent", "") in filled.told()
    filled.allegra("user", "notify", "anna", "new=none")
    answers = ["In-Reply-To: <test.1@example.com>"]
    filled.mail("Re: Printer", sender="anna@example.com, eve@evil.example", headers=answers)
    filled.run()
    filled.allegra("user", "notify", "anna", "new=all")
    assert said(filled, "anna").endswith("would be told now, as member; had no part in it when it happened")
