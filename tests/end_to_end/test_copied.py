"""Who opened an item and who is copied on it, in a workspace that gives guests nothing: they write, are seen, leave."""

from __future__ import annotations

import re
from typing import Any

import pytest
from end_to_end.test_conversation import got, outcome, reply, words
from end_to_end.test_unsubscribe import leave
from people import JANE, PEOPLE

CARL = "Carl Ek <carl@other.example>"
PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=other.example"

PRIVATE = """
[[workspaces]]
identifier = "support"
public     = false
"""


@pytest.fixture
def office(desk: Any, post: Any) -> Any:
    """Anna and Bob work here; Jane asks with Carl in Cc, and Anna has answered."""
    desk.load(PEOPLE + PRIVATE)
    post.configure(more='[people]\nunknown_user = "create"\n')
    desk.load('[[members]]\nuser = "jane"\nworkspace = "support"\nrole = "asks"\n'
              '[[roles]]\nname = "asks"\npermissions = ["add_items"]\n')  # fmt: skip
    desk.mail("The scanner is slow", "It takes an hour.\n", JANE, headers=(f"Cc: {CARL}",))
    assert outcome(desk) == "created"
    post.mails()
    desk.allegra("item", "answer", "1", "-m", "Which one?")
    desk.allegra("outbox", "run")
    return post


def said(desk: Any, number: int = 1) -> list[tuple[str, bool]]:
    """The words of the comments and whether each is a note."""
    return [(each["text"].strip(), each["internal"]) for each in desk.item(number)["comments"]]


# ── they write ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_F116_who_asked_and_who_is_copied_reply_where_guests_have_no_rights(desk: Any, office: Any) -> None:
    answer = got(office)
    for who, text in ((CARL, "Mine, too."), (JANE, "The small one."), (CARL, "And his.")):
        reply(desk, answer[who.partition("<")[2].rstrip(">")], who, f"{text}\n")
        assert outcome(desk) == "comment", text
    assert said(desk)[1:] == [("Mine, too.", False), ("The small one.", False), ("And his.", False)]
    notices = [words(mail) for to, mail in office.mails() if to == "bob@example.com"]
    assert len(notices) == 3 and "internal note on" not in "".join(notices) and "publish" not in "".join(notices)


def test_F046_a_stranger_who_answers_leaves_a_note_all_the_same(desk: Any, office: Any) -> None:
    reply(desk, got(office)["jane@big.example"], "Karl Roe <karl@big.example>", "Me, too.\n")
    assert outcome(desk) == "note"
    assert "has nothing to do with #1" in desk.explained()


def test_F116_who_asked_goes_on_in_the_item_that_theirs_was_merged_into(desk: Any, office: Any) -> None:
    answer = got(office)["jane@big.example"]
    desk.mail("Scanners", "All of them.\n")
    assert outcome(desk) == "created"
    assert desk.allegra("item", "merge", "1", "--into", "2").exit_code == 0
    reply(desk, answer, JANE, "The small one.\n")
    assert outcome(desk) == "comment"
    assert said(desk, 2)[-1] == ("The small one.", False)


# ── they are seen, and go ─────────────────────────────────────────────────────────────────────────────────────────


def answered(desk: Any, post: Any) -> list[str]:
    """Let Bob answer; gives whom that reaches."""
    assert desk.allegra("item", "answer", "1", "-m", "Soon.", "--as", "bob").exit_code == 0
    desk.allegra("outbox", "run")
    return sorted(to for to, _ in post.mails("no"))


def end_of(mail: Any) -> str:
    """The address below the words that ends them, "" for none."""
    found = re.search(r"\w+\+u[0-9]+\.\w+@example\.com", words(mail))
    return found[0] if found else ""


def test_who_is_copied_is_shown_with_the_item(desk: Any, office: Any) -> None:
    shown = desk.allegra("item", "show", "1").stdout
    assert re.search(r"^copies +Carl Ek <carl@other\.example>$", shown, re.MULTILINE), shown
    assert desk.item(1)["copies"] == [{"address": "carl@other.example", "name": "Carl Ek"}]


@pytest.mark.parametrize("policy", ["create", "accept"])
def test_F125_who_is_copied_is_taken_off_by_their_address_and_hears_no_more(
    desk: Any, office: Any, policy: str
) -> None:
    office.configure(more=f'[people]\nunknown_user = "{policy}"\n')
    reply(desk, got(office)["carl@other.example"], CARL, "Mine, too.\n")
    assert outcome(desk) == "comment"
    office.mails()
    assert answered(desk, office) == ["carl@other.example", "jane@big.example"]
    assert desk.allegra("item", "leave", "1", "carl@other.example", "--as", "karl").exit_code == 1
    assert "person: carl@other.example → –" in desk.allegra("item", "leave", "1", "carl@other.example").stdout
    assert desk.item(1)["copies"] == []
    assert answered(desk, office) == ["jane@big.example"]


def test_F125_whom_nobody_knows_and_who_asked_are_not_taken_off_and_it_is_said_why(desk: Any, office: Any) -> None:
    gone = desk.allegra("item", "leave", "1", "nobody@other.example")
    assert (gone.exit_code, gone.stderr) == (
        1, 'allegra: there is no user "nobody@other.example", and nobody on item #1 has that address\n'
    )  # fmt: skip
    office.configure(more='[people]\nunknown_user = "accept"\n')
    desk.load(PRIVATE.replace("false", "true"))
    desk.mail("The lamp is dark", "Very.\n", "Lea <lea@other.example>")
    assert outcome(desk) == "created"
    gone = desk.allegra("item", "leave", "2", "lea@other.example")
    assert gone.stderr == "allegra: lea@other.example opened item #2: who asked hears the answers\n"


def test_F125_who_only_takes_part_ends_it_by_one_mail_until_they_write_again(desk: Any, office: Any) -> None:
    office.configure(more='[people]\nunknown_user = "accept"\n')
    answer = got(office)
    assert answer["carl@other.example"]["List-Unsubscribe"] is None, "it is a person's words"
    assert end_of(answer["jane@big.example"]) == "", "she asked"
    assert leave(desk, end_of(answer["carl@other.example"])) == "discarded"
    assert desk.item(1)["copies"] == []
    assert "person.unsubscribed" in desk.allegra("item", "history", "1").stdout
    reply(desk, answer["jane@big.example"], JANE, "The small one.\n", headers=(f"Cc: {CARL}",))
    assert outcome(desk) == "comment"
    office.mails()
    assert answered(desk, office) == ["jane@big.example"], "whoever copies him"
    reply(desk, answer["carl@other.example"], CARL, "Which one is it?\n", headers=(PROVEN,))
    outcome(desk)
    office.mails()
    assert answered(desk, office) == ["carl@other.example", "jane@big.example"]
