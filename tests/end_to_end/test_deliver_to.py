"""Which mailbox a delivery is for, and what the mail server tells the sender."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from servers.failpoints import run
from servers.taker import Taker

MAIL = (
    b"From: Anna Berg <anna@example.com>\nTo: help@example.com\nSubject: Piped\nMessage-ID: <p1@example.com>\n\nHello\n"
)
EMPTY = MAIL.replace(b"Subject: Piped", b"Subject: ")
SMTP = '[smtp]\nhost = "localhost"\nport = {}\nssl = false\nfrom = "help@example.com"\n'


def deliver(desk: Any, *arguments: str, mail: bytes = MAIL) -> Any:
    return desk.allegra("deliver", *arguments, stdin=mail)


def to(*addresses: str) -> list[str]:
    return [word for address in addresses for word in ("--recipient", address)]


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("help@example.com", "system"),
        ("HELP@Example.COM", "system"),
        ("<help@example.com>", "system"),
        ("support@example.com", "support"),
        ("support+anything@example.com", "support"),
        ("help+billing@example.com", "system"),
    ],
)
def test_the_recipient_names_the_mailbox(desk: Any, address: str, mailbox: str) -> None:
    assert deliver(desk, *to(address)).exit_code == 0
    assert [row["mailbox"] for row in desk.lines("mail", "list")] == [mailbox]


def test_F061_another_separator_works_where_it_is_configured(desk: Any) -> None:
    assert deliver(desk, *to("help-urgent@example.com")).exit_code == 75
    desk.configure(more='[people]\nmail_suffix_separators = "-"')
    assert deliver(desk, *to("help-urgent@example.com")).exit_code == 0
    assert deliver(desk, *to("help+urgent@example.com"), mail=MAIL + b"2").exit_code == 0


def test_a_plus_address_reaches_its_workspace(desk: Any) -> None:
    mail = MAIL.replace(b"To: help@", b"To: help+billing@")
    assert deliver(desk, *to("help+billing@example.com"), mail=mail).exit_code == 0
    assert [item["workspace"] for item in desk.lines("item", "list")] == ["finance"]


def test_a_mail_for_two_mailboxes_is_one_mail_in_each_and_one_item(desk: Any) -> None:
    assert deliver(desk, *to("support@example.com", "help@example.com")).exit_code == 0
    assert sorted(row["mailbox"] for row in desk.lines("mail", "list")) == ["support", "system"]
    assert len(desk.lines("item", "list")) == 1


def test_recipients_that_are_ours_are_enough(desk: Any) -> None:
    assert deliver(desk, "--bounce", *to("nobody@example.com", "help@example.com")).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [[], ["--bounce"], ["--mailbox", "nowhere"], ["--mailbox", "nowhere", "--bounce"]]
)
def test_a_mistake_in_our_own_command_line_bounces_nobody(desk: Any, arguments: list[str]) -> None:
    assert deliver(desk, *arguments).exit_code == 75


def test_a_refused_mail_is_told_by_the_mail_server_alone(desk: Any) -> None:
    with Taker() as taker:
        desk.configure(more=SMTP.format(taker.port))
        refused = deliver(desk, "--bounce", *to("help@example.com"), mail=EMPTY)
        assert refused.exit_code == 77
        assert refused.stderr == "allegra deliver: refused: the subject is empty\n"
        assert desk.allegra("run").exit_code == 0
        assert taker.taken == []


def test_without_bounce_the_refused_mail_is_answered_by_us(desk: Any) -> None:
    with Taker() as taker:
        desk.configure(more=SMTP.format(taker.port))
        assert deliver(desk, *to("help@example.com"), mail=EMPTY).exit_code == 0
        assert desk.allegra("run").exit_code == 0
        assert [each.recipient for each in taker.taken] == ["anna@example.com"]


def test_a_refusal_that_the_mail_server_did_not_hear_is_said_again(desk: Any) -> None:
    for _ in range(2):
        assert deliver(desk, "--bounce", *to("help@example.com"), mail=EMPTY).exit_code == 77
    assert len(desk.lines("mail", "list")) == 1


def test_a_refusal_that_we_have_told_ourselves_is_not_bounced_too(desk: Any) -> None:
    desk.configure(more=SMTP.format(1))
    assert deliver(desk, *to("help@example.com"), mail=EMPTY).exit_code == 0
    assert deliver(desk, "--bounce", *to("help@example.com"), mail=EMPTY).exit_code == 0


def test_a_held_or_discarded_mail_is_not_bounced(desk: Any) -> None:
    stranger = MAIL.replace(b"anna@", b"stranger@")
    assert deliver(desk, "--bounce", *to("help@example.com"), mail=stranger).exit_code == 0
    assert [row["outcome"] for row in desk.lines("mail", "list")] == ["held"]


def test_a_mail_without_end_is_read_up_to_the_limit_only(desk: Any) -> None:
    desk.configure(more='[limits]\nraw = "1 MB"')
    huge = run(desk.folder, "deliver", "--mailbox", "system", stdin=MAIL + b"x" * 30_000_000)
    assert huge.code == 75
    assert "larger than limits.raw" in huge.output
    assert desk.lines("mail", "list") == []


def test_the_bytes_are_kept_as_they_came(desk: Any) -> None:
    mail = MAIL + bytes(range(256)) * 100
    assert deliver(desk, "--mailbox", "system", mail=mail).exit_code == 0
    kept = desk.allegra("mail", "raw", "last").stdout_bytes
    assert hashlib.sha256(kept).digest() == hashlib.sha256(mail).digest()
