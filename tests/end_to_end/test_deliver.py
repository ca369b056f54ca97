"""One mail from standard input: what the mail server hears."""

from __future__ import annotations

import os
from typing import Any

import databases
import pytest

MAIL = (
    b"From: Anna Berg <anna@example.com>\nTo: help@example.com\nSubject: Piped\nMessage-ID: <p1@example.com>\n\nHello\n"
)


def test_F006_a_piped_mail_becomes_an_item_at_once(desk: Any) -> None:
    result = desk.allegra("deliver", "--recipient", "help@example.com", "--sender", "anna@example.com", stdin=MAIL)
    assert (result.exit_code, result.output) == (0, "")
    assert [item["title"] for item in desk.lines("item", "list")] == ["Piped"]


def test_the_same_mail_delivered_again_makes_nothing_new(desk: Any) -> None:
    for _ in range(2):
        assert desk.allegra("deliver", "--mailbox", "system", "--queue-id", "4Xy", stdin=MAIL).exit_code == 0
    assert len(desk.lines("item", "list")) == 1


def test_a_plus_address_belongs_to_the_mailbox_of_its_plain_form(desk: Any) -> None:
    result = desk.allegra(
        "deliver", "--recipient", "help+billing@example.com", stdin=MAIL.replace(b"help@", b"help+billing@")
    )
    assert result.exit_code == 0
    assert len(desk.lines("item", "list")) == 1


def test_whatever_goes_wrong_the_mail_server_keeps_the_mail(desk: Any) -> None:
    assert desk.allegra("deliver", "--recipient", "nobody@example.com", stdin=MAIL).exit_code == 75
    assert desk.allegra("deliver", "--mailbox", "system", stdin=b"").exit_code == 75
    assert desk.allegra("deliver", "--no-such-option", stdin=MAIL).exit_code == 75
    desk.configure(system="nonsense = 1")
    assert desk.allegra("deliver", "--mailbox", "system", stdin=MAIL).exit_code == 75


def test_a_locked_database_is_a_temporary_failure(desk: Any) -> None:
    desk.environ["ALLEGRA__STORE__BUSY_TIMEOUT"] = "1 s"
    with databases.locked(desk.where):
        process = desk.start("deliver", "--mailbox", "system", stdin=-1)
        process.communicate(MAIL, timeout=100)
        assert process.returncode == 75
    assert desk.lines("item", "list") == []


def test_bounce_refuses_with_the_code_that_makes_the_server_tell_the_sender(desk: Any) -> None:
    assert desk.allegra("deliver", "--bounce", "--recipient", "nobody@example.com", stdin=MAIL).exit_code == 67
    refused = desk.allegra(
        "deliver", "--bounce", "--mailbox", "system", stdin=MAIL.replace(b"Subject: Piped", b"Subject: ")
    )
    assert refused.exit_code == 77


def test_a_mail_over_the_raw_limit_is_too_big(desk: Any) -> None:
    desk.configure(more='[limits]\nraw = "1 kB"')
    big = MAIL + b"x" * 2000
    assert desk.allegra("deliver", "--mailbox", "system", stdin=big).exit_code == 75
    assert desk.allegra("deliver", "--bounce", "--mailbox", "system", stdin=big).exit_code == 65


def test_a_recipient_that_is_not_ours_is_told_and_the_others_get_the_mail(desk: Any) -> None:
    desk.configure(more='[log]\nfile = "log"')
    others = ("--recipient", "help@example.com", "--recipient", "typo@example.com")
    for options, content in (((), MAIL), (("--bounce",), MAIL.replace(b"<p1@", b"<p2@"))):
        result = desk.allegra("deliver", *options, *others, stdin=content)
        said = "allegra deliver: there is no mailbox for typo@example.com; the mail is ours for the others\n"
        assert (result.exit_code, result.stderr) == (0, said)
    assert len(desk.lines("item", "list")) == 2
    lines = [line for line in (desk.folder / "log").read_text().splitlines() if "recipient.unknown" in line]
    assert len(lines) == 2 and all("there is no mailbox for typo@example.com" in line for line in lines)


def test_spool_says_what_it_would_leave_out_and_takes_no_empty_mail(desk: Any, tmp_path: Any) -> None:
    later = tmp_path / "later"
    for more in (["--recipient", "help@example.com"], ["--sender", ""], ["--bounce"], ["--mailbox", "system"],
                 ["--queue-id", "4Xy"]):  # fmt: skip
        result = desk.allegra("deliver", "--spool", str(later), *more, stdin=MAIL)
        assert result.exit_code == 75 and "--spool only writes the mail" in result.stderr
    empty = desk.allegra("deliver", "--spool", str(later), stdin=b"\n \n")
    assert (empty.exit_code, empty.stderr) == (75, "allegra deliver: standard input holds no mail\n")
    assert not [each for each in later.rglob("*") if each.is_file()]


@pytest.mark.parametrize("options", [("--mailbox", "system"), ("--spool", "later")])
def test_a_standard_input_that_is_closed_holds_no_mail(desk: Any, options: tuple[str, ...]) -> None:
    process = desk.start("deliver", *options, stdin=None, preexec_fn=lambda: os.close(0))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 75
    assert said.decode() == "allegra deliver: standard input is closed: there is no mail\n"


def test_spool_only_writes_a_maildir(desk: Any, tmp_path: Any) -> None:
    result = desk.allegra("deliver", "--spool", str(tmp_path / "later"), stdin=MAIL)
    assert result.exit_code == 0
    (written,) = (tmp_path / "later" / "new").iterdir()
    assert written.read_bytes() == MAIL
