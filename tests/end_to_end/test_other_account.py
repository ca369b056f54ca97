"""Another account, server or folder under the name of a mailbox: its mail is new, whatever its numbers are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from served import configure, mail, of
from servers.dovecot import Dovecot

KEEP = 'after_success = "keep"'
ANEW = "is another host, user or folder than before"


def accounts(dovecot: Dovecot, first: int, second: int) -> list[Any]:
    """Two accounts whose INBOX has the same UIDVALIDITY, and mails with the same numbers in them."""
    made = [dovecot.account(), dovecot.account()]
    made[0].deliver(*(mail(number) for number in range(1, first + 1)))
    made[1].deliver(*(mail(100 + number) for number in range(1, second + 1)))
    for account in made:
        account.doveadm("mailbox", "update", "--uid-validity", "4242", "INBOX")
    return made


@pytest.mark.parametrize("kind", ["imaps", "pop3s"])
def test_every_mail_of_the_other_account_is_read(desk: Any, dovecot: Dovecot, kind: str) -> None:
    old, new = accounts(dovecot, 10, 25)
    configure(desk, of(old, kind, more=KEEP))
    assert len(desk.run()) == 10
    configure(desk, of(new, kind, more=KEEP))
    rehearsed = json.loads(desk.allegra("run", "--dry-run", "--json").stdout.splitlines()[-1])
    assert rehearsed["mailboxes"]["system"]["new"] == 25
    assert {row["state"] for row in desk.lines("mailbox", "peek", "system")} == {"new"}
    assert json.loads(desk.allegra("mailbox", "reconcile", "system", "--json").stdout)["missing"] == 25
    result = desk.allegra("run")
    assert (result.exit_code, ANEW in result.stderr) == (0, True)
    assert len(desk.lines("item", "list", "--limit", "99")) == 35
    assert desk.allegra("run").output == ""


def test_the_same_mail_at_another_address_is_read_again_and_known_by_its_bytes(desk: Any, dovecot: Dovecot) -> None:
    old, _ = accounts(dovecot, 10, 0)
    configure(desk, of(old, more=KEEP))
    assert len(desk.run()) == 10
    moved = of(old, more=KEEP).replace('"localhost"', '"127.0.0.1"')
    configure(desk, moved)
    result = desk.allegra("run")
    assert (result.exit_code, ANEW in result.stderr) == (0, True)
    assert len(desk.lines("item", "list")) == 10
    assert desk.allegra("run").output == ""


def test_a_move_that_was_planned_at_the_old_address_is_done_at_the_new_one(desk: Any, dovecot: Dovecot) -> None:
    old, _ = accounts(dovecot, 3, 0)
    configure(desk, of(old))
    assert desk.allegra("run", "--no-move").exit_code == 0
    configure(desk, of(old).replace('"localhost"', '"127.0.0.1"'))
    assert desk.allegra("run").exit_code == 0
    assert (len(old.mails("INBOX")), len(old.mails("Done"))) == (0, 3)


def test_a_database_of_an_earlier_release_reads_nothing_again(desk: Any, dovecot: Dovecot) -> None:
    old, new = accounts(dovecot, 10, 3)
    configure(desk, of(old, more=KEEP))
    assert len(desk.run()) == 10
    desk.change("UPDATE mailbox SET epoch = '4242' WHERE name = 'system'")
    assert desk.allegra("run").output == ""
    configure(desk, of(new, more=KEEP))
    assert ANEW in desk.allegra("run").stderr
    assert len(desk.lines("item", "list")) == 13
