"""`allegra run` against a real POP3 server: deleted after success, and only when QUIT was answered."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from served import Boxes, mail
from servers.chaos import Chaos
from servers.dovecot import Dovecot, free_ports
from servers.failpoints import At, run

DELETE = 'after_success = "delete"\nafter_failure = "delete"'

STAYS = {("system", "created"): None, ("system", "comment"): None, ("system", "rejected"): None,
         ("support", "created"): None}  # fmt: skip
"""What is decided for good is deleted; what is held stays."""


@pytest.fixture
def boxes(desk: Any, dovecot: Dovecot) -> Boxes:
    return Boxes(desk, dovecot, "pop3s", STAYS, DELETE)


@pytest.fixture
def chaos(boxes: Boxes) -> Iterator[Chaos]:
    with Chaos(boxes.accounts["system"].server.pop3) as proxy:
        yield proxy


@pytest.mark.parametrize("kind", ["pop3", "pop3s"])
def test_what_is_decided_is_deleted_and_what_is_held_stays(boxes: Boxes, kind: str) -> None:
    boxes.configure(kind)
    boxes.fill()
    assert len(boxes.desk.run()) == 5
    boxes.conserved()
    boxes.nothing_new()


def test_without_delete_everything_stays_and_nothing_is_processed_twice(boxes: Boxes) -> None:
    boxes.configure(system="")
    boxes.fill()
    assert len(boxes.desk.run()) == 5
    boxes.conserved({("support", "created"): None})
    boxes.nothing_new()


def test_more_mails_than_a_session_holds_are_all_read_and_deleted(boxes: Boxes) -> None:
    for number in range(1, 121):
        boxes.put("created", mail(number))
    assert len(boxes.desk.run()) == 120
    boxes.conserved()


def test_new_unique_ids_after_a_reset_process_nothing_again(boxes: Boxes) -> None:
    boxes.configure(system="")
    boxes.fill()
    boxes.desk.run()
    boxes.accounts["system"].doveadm("mailbox", "update", "--uid-validity", "4242", "INBOX")
    assert boxes.desk.run() == []
    boxes.conserved({("support", "created"): None})


@pytest.mark.parametrize("at", ["drop_reply", "drop_command"])
@pytest.mark.parametrize("command", [b"UIDL", b"RETR 3", b"DELE 2", b"QUIT"])
def test_a_connection_lost_at_any_command_deletes_everything_once(
    boxes: Boxes, chaos: Chaos, at: str, command: bytes
) -> None:
    boxes.fill()
    boxes.configure("pop3", port=chaos.port)
    setattr(chaos, at, command)
    boxes.desk.allegra("run")
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


def test_a_mail_is_ours_before_the_next_one_is_asked_for(boxes: Boxes, chaos: Chaos) -> None:
    """Some servers show a message once only."""
    boxes.fill()
    boxes.configure("pop3", port=chaos.port)
    chaos.drop_command = b"RETR 3"
    assert boxes.desk.allegra("run").exit_code == 69
    assert boxes.case.rows(
        "SELECT count(*) FROM receipt JOIN inbound ON inbound.id = inbound_id WHERE mailbox_id = 1"
    ) == [(2,)]


def test_a_server_that_is_away_costs_one_sentence_and_the_other_mailbox_goes_on(boxes: Boxes) -> None:
    boxes.put("created", mail(1), "support")
    boxes.configure(port=free_ports(1)[0])
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert result.stderr.startswith("mailbox system: localhost:")
    boxes.conserved()


def test_a_wrong_password_is_said_without_the_password(boxes: Boxes) -> None:
    boxes.put("created", mail(1), "support")
    boxes.configure(password="canary-wrong")
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert "refuses the login" in result.stderr
    assert "canary" not in result.stderr
    boxes.conserved()


@pytest.mark.parametrize("side", ["before", "behind"])
@pytest.mark.parametrize("step", ["spool", "decide", "COMMIT", "POP3 DELE", "POP3 QUIT", "settled"])
def test_G1_a_pass_killed_on_pop3(boxes: Boxes, step: str, side: str) -> None:
    boxes.fill()
    hit = 12 if step == "COMMIT" else 1
    assert run(boxes.desk.folder, "run", batch=2, at=At(step, hit, side == "behind")).code == -signal.SIGKILL
    for _ in range(2):
        assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()
