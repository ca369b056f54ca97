"""The address that ends notices, in each of them: what whoever writes to it hears no more."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from end_to_end.test_conversation import JANE, asked, got, office, outcome, reply, states, words

__all__ = ["office"]


def end_of(mail: Any) -> str:
    """The address in List-Unsubscribe."""
    return str(mail["List-Unsubscribe"]).removeprefix("<mailto:").removesuffix(">")


def leave(desk: Any, address: str, sender: str = "someone@else.example") -> str:
    """Write to it as a mail program does."""
    raw = f"From: {sender}\r\nTo: {address}\r\nSubject: unsubscribe\r\nMessage-ID: <u@else.example>\r\n\r\n"
    desk.mail(raw=raw.encode())
    return outcome(desk)


def preferences(desk: Any, login: str, *options: str) -> dict[str, str]:
    lines = desk.allegra("user", "notify", login, *options, "--json").stdout.splitlines()
    return {row["key"]: row["value"] for row in map(json.loads, lines)}


def test_F125_who_waits_for_new_items_ends_that_by_one_mail_and_others_hear_on(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    assert leave(desk, end_of(told["anna@example.com"])) == "discarded"
    assert got(office) == {}, "nothing answers it"
    wanted = preferences(desk, "anna", "--workspace", "support")
    assert (wanted["new"], wanted["item:1"]) == ("none", "no")
    assert "new in support" in desk.allegra("user", "notify", "anna").stdout
    desk.mail("The lamp is dark", "Very dark.\n", JANE)
    assert outcome(desk) == "created"
    assert set(got(office)) == {"bob@example.com", "jane@big.example"}


def test_F125_a_watcher_leaves_the_item_and_hears_no_more_of_it(desk: Any, office: Any) -> None:
    asked(desk, office, "The lamp is dark")
    told = noted(desk, office)
    assert set(told) == {"bob@example.com"}
    assert leave(desk, end_of(told["bob@example.com"])) == "discarded"
    assert "bob watcher" not in desk.allegra("item", "show", "1").stdout
    assert noted(desk, office) == {}


def noted(desk: Any, post: Any) -> dict[str, Any]:
    """Let Anna take a note on item 1; gives what everybody got."""
    desk.allegra("item", "note", "1", "-m", "I am on it.", "--as", "anna")
    desk.run()
    return got(post)


def test_F125_the_row_says_that_somebody_wants_no_more_of_the_item_until_they_want_it_again(
    desk: Any, office: Any
) -> None:
    told = asked(desk, office)
    leave(desk, end_of(told["anna@example.com"]))
    reply(desk, told["jane@big.example"], JANE, "Still slow.\n")
    outcome(desk)
    desk.allegra("user", "notify", "anna", "new=unassigned", "--workspace", "support")
    reply(desk, told["jane@big.example"], JANE, "And slower.\n")
    outcome(desk)
    assert states(desk, "anna@example.com")[-1] == ("item.commented", "suppressed", "prefers_not")
    assert "no more of item:1" in desk.allegra("item", "told", "1").stdout
    desk.allegra("user", "notify", "anna", "item:1=yes")
    reply(desk, told["jane@big.example"], JANE, "Hello?\n")
    outcome(desk)
    assert states(desk, "anna@example.com")[-1][1] == "sent"


def test_F125_who_is_assigned_cannot_leave_and_has_no_address_for_it(desk: Any, office: Any) -> None:
    told = asked(desk, office, "The printer is slow")
    assert told["bob@example.com"]["List-Unsubscribe"] is None
    assert told["bob@example.com"]["List-Id"]
    assert told["jane@big.example"]["List-Unsubscribe"] is None, "an acknowledgement comes from no list"


@pytest.mark.parametrize("change", [("u", "i"), (".", ".a"), ("+u", "+u1")])
def test_F125_an_address_that_we_did_not_sign_ends_nothing(desk: Any, office: Any, change: tuple[str, str]) -> None:
    told = asked(desk, office)
    address = end_of(told["anna@example.com"])
    local, _, domain = address.partition("@")
    forged = f"{local.partition('+')[0]}+{local.partition('+')[2].replace(*change, 1)}@{domain}"
    leave(desk, forged if forged != address else address.replace("+u", "+u9"))
    wanted = preferences(desk, "anna", "--workspace", "support")
    assert wanted["new"] == "unassigned" and "item:1" not in wanted


def test_F125_it_stands_in_the_history_of_the_item(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    leave(desk, end_of(told["anna@example.com"]))
    history = desk.allegra("item", "history", "1").stdout
    assert "person.unsubscribed" in history and "anna" in history
    explained = desk.allegra("explain", "last").stdout
    assert "thread.unsubscribed" in explained and "it made  an end to some notices" in explained


def test_F125_a_customer_who_watches_finds_the_address_below_the_answer_and_hears_no_more(
    desk: Any, office: Any
) -> None:
    asked(desk, office, "The lamp is dark")
    desk.allegra("item", "answer", "1", "-m", "Try another one.", "--as", "anna")
    desk.run()
    told = got(office)
    assert {"jane@big.example", "karl@big.example"} <= told.keys()
    assert told["karl@big.example"]["List-Unsubscribe"] is None, "a list header stops answers"
    (address,) = re.findall(r"help\+u\S+@example\.com|support\+u\S+@example\.com", words(told["karl@big.example"]))
    assert "+u" not in words(told["jane@big.example"]), "who asked hears what is answered"
    assert leave(desk, address.rstrip(".")) == "discarded"
    desk.allegra("item", "answer", "1", "-m", "Did it help?", "--as", "anna")
    desk.run()
    assert "karl@big.example" not in got(office)


def test_F125_the_address_in_a_notice_of_an_item_that_was_merged_ends_the_notices_of_the_other_one(
    desk: Any, office: Any
) -> None:
    asked(desk, office, "The lamp is dark")
    told = noted(desk, office)
    desk.mail("The lamp is very dark", "Very dark.\n", JANE)
    assert outcome(desk) == "created"
    assert desk.allegra("item", "merge", "1", "--into", "2").exit_code == 0
    assert leave(desk, end_of(told["bob@example.com"])) == "discarded"
    assert "bob watcher" not in desk.allegra("item", "show", "2").stdout
    assert preferences(desk, "bob")["item:2"] == "no"


def test_F125_who_wrote_below_a_topic_ends_its_notices_by_one_mail_and_hears_of_others(desk: Any, office: Any) -> None:
    desk.load("".join(f'[[topics]]\nid = {n}\nworkspace = "support"\ntitle = "Toner"\n' for n in (3, 4)))
    for topic in ("3", "4"):
        assert desk.allegra("topic", "post", topic, "-m", "Who knows?", "--as", "bob").exit_code == 0
        assert desk.allegra("topic", "post", topic, "-m", "I do.", "--as", "anna").exit_code == 0
    desk.run()
    first, _ = [mail for to, mail in office.mails() if to == "bob@example.com"]
    assert leave(desk, end_of(first)) == "discarded"
    assert preferences(desk, "bob")["topic:3"] == "no"
    assert "no more of topic:3" in desk.allegra("topic", "post", "3", "-m", "Still.", "--as", "anna").stdout
    desk.allegra("topic", "post", "4", "-m", "Still.", "--as", "anna")
    desk.run()
    assert [mail["X-Allegra-Topic"] for mail in got(office).values()] == ["4"]
    assert desk.allegra("user", "notify", "bob", "topic:3=yes").exit_code == 0
    desk.allegra("topic", "post", "3", "-m", "Anybody?", "--as", "anna")
    desk.run()
    assert set(got(office)) == {"bob@example.com"}


def test_F125_who_wants_no_more_of_a_merged_item_hears_no_more_of_the_other_one_and_what_is_not_there_is_said(
    desk: Any, office: Any
) -> None:
    asked(desk, office, "The lamp is dark")
    desk.mail("The lamp is very dark", "Very dark.\n", JANE)
    assert outcome(desk) == "created"
    assert desk.allegra("item", "merge", "1", "--into", "2").exit_code == 0
    assert desk.allegra("user", "notify", "bob", "item:01=no").exit_code == 0
    assert preferences(desk, "bob")["item:2"] == "no"
    for key, said in (("item:99", "there is no item #99"), ("topic:9", "there is no topic 9")):
        end = desk.allegra("user", "notify", "bob", f"{key}=no")
        assert end.exit_code == 1 and said in end.output
        assert desk.allegra("user", "notify", "bob", f"{key}=yes").exit_code == 0, "it may be taken back"
