"""G1: a pass that dies, or is asked to stop, at any of its steps; the passes after it lack nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from conservation import Case, conserved
from servers.failpoints import STEPS, At, run
from servers.taker import Taker

from engine.store.place import there

FOLDERS = {
    ("system", "created"): "Done", ("system", "comment"): "Done", ("system", "rejected"): "Failed",
    ("system", "held"): "Held", ("support", "created"): "Done",
}  # fmt: skip

MORE = """
[smtp]
host = "localhost"
port = {port}
ssl  = false
from = "help@example.com"
[errors]
retry = ["0 s"]
"""

RULES = """
[[rule]]
name = "Tell the archive"
when = 'subject contains "broken"'
then = ['forward to "archive@example.net"']
"""

ELSEWHERE = ("IMAP", "POP3", "Gmail", "Graph", "door")
FOR_MAILDIR = [name for name in STEPS if not name.startswith(ELSEWHERE)]


LAST = {"lease": 2, "due": 2, "epoch": 2, "spool": 4, "claim": 2, "decide": 6, "commit": 6, "settle": 8, "move": 6,
        "settled": 4, "outbox claim": 7, "send": 6, "sent": 6, "lease back": 1, "COMMIT": 32}  # fmt: skip
"""How often a step is taken in an undisturbed pass with two mails in a batch."""


@pytest.fixture
def taker() -> Iterator[Taker]:
    with Taker() as server:
        yield server


@pytest.fixture
def case(desk: Any, taker: Taker) -> Case:
    """Six mails in two mailboxes, with every kind of end, acknowledgements and a mail sent on."""
    desk.configure(system='rules = "rules/system.toml"', more=MORE.format(port=taker.port))
    desk.rules("system.toml", RULES)
    made = Case(desk.where)

    def mail(outcome: str, subject: str, box: str = "system", **options: Any) -> str:
        message_id = desk.mail(subject, f"{subject or 'It'} does not work.\n", box=box, **options)
        written = desk.folder / "mail" / box / "new" / f"{desk.written:04d}.test"
        made.add(box, written.read_bytes(), outcome)
        return str(message_id)

    first = mail("created", "Printer broken")
    mail("comment", "Re: Printer broken", headers=[f"In-Reply-To: {first}"])
    mail("held", "Who am I?", sender="stranger@elsewhere.example")
    mail("rejected", "")
    mail("created", "Lamp broken")
    mail("created", "Door", box="support")
    return made


def folders(desk: Any) -> Any:
    """A function that lists what lies in the folders of a mailbox."""

    def there(box: str) -> Iterator[tuple[str, bytes]]:
        root = desk.folder / "mail" / box
        for directory in (root, *(each for each in root.iterdir() if each.name.startswith("."))):
            for part in ("new", "cur"):
                for path in (directory / part).iterdir():
                    yield directory.name.removeprefix(".") if directory != root else "", path.read_bytes()

    return there


def recovered(desk: Any, case: Case, taker: Taker, crashed: bool = True) -> None:
    """Two passes that nobody disturbs; the law holds, and a third changes nothing."""
    for _ in range(2):
        assert desk.allegra("run").exit_code == 0
    conserved(case, folders(desk), FOLDERS, taker.taken, crashed)
    before, sent = case.snapshot(), len(taker.taken)
    assert desk.allegra("run").exit_code == 0
    assert (case.snapshot(), len(taker.taken)) == (before, sent)


def hits(taken: int) -> list[int]:
    """The first, second and last time."""
    return sorted({1, min(2, taken), taken}) if taken else []


def leave_over(desk: Any) -> None:
    """Let mail wait in both mailboxes, given back by a pass that was asked to stop: only such mail is claimed."""
    for box in desk.boxes:
        asked = At("decide", how=signal.SIGTERM)
        assert run(desk.folder, "run", "--mailbox", box, batch=2, at=asked).code == 75


def test_a_pass_that_nobody_disturbs(desk: Any, case: Case, taker: Taker) -> None:
    leave_over(desk)
    ended = run(desk.folder, "run", batch=2)
    assert (ended.code, ended.output) == (0, "")
    assert [name for name in FOR_MAILDIR if not ended.steps[name]] == []
    recovered(desk, case, taker, crashed=False)
    assert len(taker.taken) > 4


@pytest.mark.parametrize("side", ["before", "behind"])
@pytest.mark.parametrize("step", FOR_MAILDIR)
@pytest.mark.parametrize("hit", ["first", "last"])
def test_G1_a_pass_killed_at_a_step_loses_nothing_and_does_nothing_twice(
    desk: Any, case: Case, taker: Taker, step: str, side: str, hit: str
) -> None:
    if step in ("claim", "due"):  # what nobody waits for is not asked
        leave_over(desk)
    at = At(step, 1 if hit == "first" else LAST[step], side == "behind")
    assert run(desk.folder, "run", batch=2, at=at).code == -signal.SIGKILL
    recovered(desk, case, taker)


@pytest.mark.parametrize("hit", range(4, 33, 4))
def test_G1_a_pass_killed_before_any_commit(desk: Any, case: Case, taker: Taker, hit: int) -> None:
    assert run(desk.folder, "run", batch=2, at=At("COMMIT", hit)).code == -signal.SIGKILL
    recovered(desk, case, taker)


def stopped(case: Case) -> None:
    """Everything in hand was finished or given back."""
    if there(case.database):
        assert case.rows("SELECT ref FROM inbound WHERE owner IS NOT NULL OR state = 'received' AND attempts > 0") == []
        assert case.rows("SELECT name FROM mailbox WHERE lease_owner <> ''") == []
        assert case.rows("SELECT id FROM outbox WHERE state NOT IN ('queued', 'sent', 'suppressed')") == []


@pytest.mark.parametrize("side", ["before", "behind"])
@pytest.mark.parametrize("step", FOR_MAILDIR)
def test_a_pass_that_is_asked_to_stop_finishes_or_gives_back_what_it_has_in_hand(
    desk: Any, case: Case, taker: Taker, step: str, side: str
) -> None:
    if step in ("claim", "due"):  # what nobody waits for is not asked
        leave_over(desk)
    ended = run(desk.folder, "run", batch=2, at=At(step, (LAST[step] + 1) // 2, side == "behind", signal.SIGTERM))
    assert (ended.code, ended.output) == (75, "")
    stopped(case)
    recovered(desk, case, taker, crashed=False)


@pytest.mark.parametrize("step", ["spool", "decide", "commit", "move", "COMMIT", "settled", "lease back"])
def test_a_second_request_ends_it_where_it_is_and_rolls_back(desk: Any, case: Case, taker: Taker, step: str) -> None:
    at = At(step, LAST[step], how=signal.SIGINT, times=2)
    assert run(desk.folder, "run", batch=2, at=at).code == 75
    recovered(desk, case, taker)


def test_a_dry_run_that_is_asked_to_stop_keeps_nothing(desk: Any, case: Case, taker: Taker) -> None:
    ended = run(desk.folder, "run", "--dry-run", batch=2, at=At("decide", 3, how=signal.SIGTERM))
    assert ended.code == 75
    assert case.rows("SELECT count(*) FROM inbound") == [(0,)]
    recovered(desk, case, taker, crashed=False)
