"""The day the disk is gone: what docs/operations.md tells to type is typed, and every mail is there once."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
from end_to_end.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BACKUP = "/backup/allegra-2026-11-28.db"


def written_down() -> list[str]:
    """The commands of the page, in their order."""
    section = PAGE.split("## The day the disk is gone")[1].split("\n## ")[0]
    return re.findall(r"^ +allegra (.+)$", section, re.M)


def titles(desk: Any) -> list[str]:
    return sorted(title for (title,) in desk.rows("SELECT title FROM item"))


def a_desk_that_lost_its_disk(desk: Any, post: Any) -> tuple[str, list[str]]:
    """Three mails, a backup, two more of which one is an answer; gives the answered address and what was said."""
    for number, words in enumerate(("The printer burns.", "My screen is dark.", "A new colleague comes on Monday.")):
        desk.mail(f"Before {number}", body=f"{words}\n")
    desk.run()
    reply_to = post.mails("auto-replied")[0][1]["Reply-To"]
    desk.mail("Queued then", body="Its server is away.\n")
    post.server.close()
    desk.run()
    assert desk.allegra("db", "backup", "backup.db").exit_code == 0
    desk.mail("After", body="Another thing.\n", box="support")
    desk.mail("Re: Before 0", body="Thank you.\n")
    desk.run()
    said = [line["mail"] for line in desk.lines("mail", "list")]
    assert len(said) == 6
    shutil.rmtree(desk.folder / "var")
    return str(reply_to), said


@pytest.mark.sqlite
def test_what_the_page_tells_to_type_brings_everything_back_once(desk: Any, post: Any) -> None:
    commands = written_down()
    assert len(commands) > 9 and sum("restore" in each for each in commands) == 2
    a_desk_that_lost_its_disk(desk, post)
    for command in commands:
        words = command.replace(BACKUP, "backup.db").split()
        done = desk.allegra(*words)
        assert done.exit_code == 0 or words[0] in ("run", "health"), f"{command}: {done.output}"
    assert titles(desk) == ["After", "Before 0", "Before 1", "Before 2", "Queued then", "Re: Before 0"]
    assert desk.run() == []
    assert desk.files("system", "Done") and not desk.files("system")


@pytest.mark.sqlite
def test_nobody_is_told_again_and_what_was_queued_waits_for_a_person(desk: Any, post: Any) -> None:
    a_desk_that_lost_its_disk(desk, post)
    for command in written_down():
        if command.startswith(("db", "mailbox", "run")):
            desk.allegra(*command.replace(BACKUP, "backup.db").split())
    after = [row for row in desk.told("event, state, why") if row[1] in ("queued", "sending", "held")]
    assert after and {state for _, state, _ in after} == {"held"}


@pytest.mark.sqlite
def test_an_address_for_replies_of_before_is_still_good(desk: Any, post: Any) -> None:
    reply_to, _ = a_desk_that_lost_its_disk(desk, post)
    desk.allegra("db", "restore", "backup.db", "--commit")
    address = reply_to.split("<")[-1].rstrip(">")
    mail = f"From: anna@example.com\nTo: {address}\nSubject: About it\nMessage-ID: <x1@example.com>\n\nMore.\n"
    desk.mail(raw=mail.encode())
    (line,) = desk.run()
    assert (line["outcome"], line["item"]) == ("comment", 1)


@pytest.mark.sqlite
def test_an_item_made_later_has_no_number_that_was_given_before(desk: Any, post: Any) -> None:
    a_desk_that_lost_its_disk(desk, post)
    desk.allegra("db", "restore", "backup.db", "--commit")
    desk.mail("A new one", raw=None)
    assert [line["item"] for line in desk.run()] == [1005]
