"""What a person decides about held mail."""

from __future__ import annotations

from typing import Any

import pytest


def held(desk: Any) -> str:
    desk.mail("Help me", sender="stranger@elsewhere.example")
    (line,) = desk.run()
    assert line["outcome"] == "held"
    return str(line["mail"])


def test_a_released_mail_becomes_an_item_once(desk: Any) -> None:
    mail = held(desk)
    result = desk.allegra("held", "release", mail, "--reason", "phoned him")
    assert (result.exit_code, "created" in result.stdout) == (0, True)
    assert len(desk.lines("item", "list")) == 1
    again = desk.allegra("held", "release", mail)
    assert again.exit_code == 1
    assert "is not held" in again.stderr


def test_F111_a_held_mail_can_be_joined_to_an_item_by_hand(desk: Any) -> None:
    desk.mail("Known item")
    desk.run()
    mail = held(desk)
    assert desk.allegra("held", "release", mail, "--item", "1").exit_code == 0
    assert len(desk.lines("item", "list")) == 1
    assert len(desk.lines("item", "comments", "1")) == 1


def test_a_release_to_another_workspace_makes_the_item_there(desk: Any) -> None:
    mail = held(desk)
    desk.allegra("held", "release", mail, "--to", "finance")
    assert [item["workspace"] for item in desk.lines("item", "list")] == ["finance"]


def test_a_release_to_a_workspace_and_an_item_of_another_one_is_refused(desk: Any) -> None:
    desk.mail("Known item")
    desk.run()
    mail = held(desk)
    result = desk.allegra("held", "release", mail, "--to", "finance", "--item", "1")
    assert result.exit_code == 1
    assert "item #1 is in support, not in finance: name the item, or the workspace" in result.stderr
    assert [row["mail"] for row in desk.lines("held", "list")] == [mail]
    assert desk.allegra("held", "release", mail, "--to", "support", "--item", "1").exit_code == 0
    assert len(desk.lines("item", "comments", "1")) == 1


@pytest.mark.parametrize("words", [("held", "reject"), ("held", "discard"), ("mail", "ignore")], ids=" ".join)
@pytest.mark.parametrize("reason", ["", "  \t"])
def test_a_mail_is_not_closed_without_a_reason(desk: Any, words: tuple[str, str], reason: str) -> None:
    mail = held(desk)
    result = desk.allegra(*words, mail, "--reason", reason)
    assert (result.exit_code, "the reason is empty" in result.stderr) == (64, True)
    assert [row["mail"] for row in desk.lines("held", "list")] == [mail]


def test_an_export_writes_over_a_file_only_if_it_is_told_to(desk: Any) -> None:
    mail, file = held(desk), desk.folder / "mail.eml"
    file.write_text("mine")
    result = desk.allegra("mail", "export", mail, "mail.eml")
    assert (result.exit_code, "mail.eml cannot be written: File exists" in result.stderr) == (1, True)
    assert desk.allegra("mail", "export", "m-0000", "mail.eml", "--force").exit_code == 1
    assert file.read_text() == "mine"
    assert desk.allegra("mail", "export", mail, "mail.eml", "--force").exit_code == 0
    assert b"Subject: Help me" in file.read_bytes()
    assert desk.allegra("mail", "export", mail, "other.eml").exit_code == 0
    assert (desk.folder / "other.eml").read_bytes() == file.read_bytes()
    assert b"Subject: Help me" in desk.allegra("mail", "export", mail, "-").stdout_bytes


def test_a_discarded_mail_is_gone_from_the_list_but_not_from_the_store(desk: Any) -> None:
    mail = held(desk)
    desk.allegra("held", "discard", mail, "--reason", "spam")
    assert desk.lines("held", "list") == []
    (row,) = desk.lines("mail", "list")
    assert row["outcome"] == "discarded"


def test_a_query_releases_many_at_once(desk: Any) -> None:
    for number in range(3):
        desk.mail(f"Help {number}", sender="stranger@elsewhere.example")
    desk.run()
    desk.allegra("held", "release", "--all-matching", "from:elsewhere.example")
    assert len(desk.lines("item", "list")) == 3


def test_retry_is_refused_for_a_mail_that_made_an_item(desk: Any) -> None:
    desk.mail()
    desk.run()
    result = desk.allegra("mail", "retry", "last")
    assert result.exit_code == 1


def test_replay_shows_without_changing_and_commit_updates_the_same_item(desk: Any) -> None:
    desk.mail()
    desk.run()
    shown = desk.allegra("replay", "last")
    assert "0 would change" in shown.stdout
    desk.load('[[items]]\nid = 1\nworkspace = "support"\ntitle = "Printer broken"\npriority = "Low"\n')
    desk.configure(more="[workspace.support.items]\npriority = 'High'\n")
    shown = desk.allegra("replay", "last")
    assert "created support      → same, but   priority Low → High\n" in shown.stdout
    assert "1 mail, 1 would change" in shown.stdout
    (told,) = desk.lines("replay", "last")
    assert (told["changed"], told["changes"]) == (True, [{"name": "priority", "before": "Low", "after": "High"}])
    desk.allegra("replay", "last", "--commit")
    assert len(desk.lines("item", "list")) == 1
    desk.allegra("replay", "last", "--commit", "--as-new")
    assert len(desk.lines("item", "list")) == 2


def test_what_is_held_or_waits_in_a_mailbox_that_is_configured_no_more_goes_on(desk: Any) -> None:
    for subject in ("First", "Second"):
        desk.mail(subject, sender=f"{subject}@elsewhere.example", box="support")
    first, second = [line["mail"] for line in desk.run()]
    text = (desk.folder / "allegra.toml").read_text(encoding="utf-8")
    (desk.folder / "allegra.toml").write_text(
        text.replace("[workspace.support.mailbox]", "[workspace.finance.mailbox]").replace("mail/support", "mail/new"),
        encoding="utf-8",
    )
    released = desk.allegra("held", "release", first, "--reason", "phoned him")
    assert (released.exit_code, "created" in released.stdout) == (0, True)
    assert desk.allegra("mail", "retry", second).exit_code == 0
    assert [(line["mail"], line["outcome"]) for line in desk.run()] == [(second, "held")]
    assert desk.run() == []
