"""Ctrl-C and SIGTERM while a server keeps us waiting, and recovery after `kill -9`: soon, and with nothing lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from served import configure, options
from servers.failpoints import At, ended, run, start
from servers.scripted import Scripted, Talk, imap, pop3
from servers.taker import Taker

SOON_S = 10.0
"""Far less than the timeout of the mailboxes, which is 20 s."""


def wait_for(what: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    assert what()


def holder(desk: Any) -> str:
    return "".join(owner or "" for (owner,) in desk.rows("SELECT lease_owner FROM mailbox"))


HANGING = {
    "greeting": ("imap", lambda hang: lambda talk: hang(talk)),
    "login": ("imap", lambda hang: imap(login=lambda talk, tag, rest: hang(talk))),
    "search": ("imap", lambda hang: imap(uid_search=lambda talk, tag, rest: hang(talk))),
    "fetch": ("imap", lambda hang: imap(uid_fetch=lambda talk, tag, rest: hang(talk))),
    "move": ("imap", lambda hang: imap(uid_move=lambda talk, tag, rest: hang(talk))),
    "logout": ("imap", lambda hang: imap(uid_search="* SEARCH", logout=lambda talk, tag, rest: hang(talk))),
    "POP3 greeting": ("pop3", lambda hang: lambda talk: hang(talk)),
    "POP3 retrieval": ("pop3", lambda hang: pop3(retr=lambda talk, rest: hang(talk))),
}  # fmt: skip


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("where", HANGING)
def test_a_stop_is_heard_while_a_server_keeps_us_waiting(desk: Any, where: str, how: signal.Signals) -> None:
    waiting = threading.Event()

    def hang(talk: Talk) -> None:
        waiting.set()
        talk.hang()

    kind, script = HANGING[where]
    with Scripted(script(hang)) as server:
        configure(desk, options(server, kind))
        process = start(desk.folder, "run")
        assert waiting.wait(30)
        began = time.monotonic()
        os.kill(process.pid, how)
        end = ended(process)
    assert (end.code, end.output) == (75, "")
    assert time.monotonic() - began < SOON_S
    assert holder(desk) == ""


@pytest.mark.parametrize("silent_at", [b"EHLO", b"MAIL", b"RCPT"])
def test_a_stop_is_heard_while_the_outgoing_server_keeps_us_waiting_and_the_answer_goes_later(
    desk: Any, silent_at: bytes
) -> None:
    more = '[smtp]\nhost = "localhost"\nport = {}\nssl = false\nfrom = "help@example.com"\n'
    with Taker() as taker:
        desk.configure(more=more.format(taker.port))
        desk.mail()
        taker.hang_before = silent_at
        process = start(desk.folder, "run")
        assert taker.hanging.wait(30)
        os.kill(process.pid, signal.SIGTERM)
        assert ended(process).code == 75
        taker.hang_before = b""
        assert desk.allegra("run").exit_code == 0
        assert [each.recipient for each in taker.taken] == ["anna@example.com"]


def test_a_stop_is_heard_while_waiting_for_another_run(desk: Any) -> None:
    from engine.run.lease import Lease
    from engine.store.clock import now as utc_now
    from engine.store.store import Store

    desk.mail()
    with Store.open(desk.where) as store, Lease(store, "system", utc_now):
        process = start(desk.folder, "run", "--wait", "60")
        wait_for(lambda: b"lease\n" in process.output.with_suffix(".steps").read_bytes()
                 if process.output.with_suffix(".steps").exists() else False)  # fmt: skip
        os.kill(process.pid, signal.SIGTERM)
        assert ended(process).code == 75
    assert len(desk.run()) == 1


def test_what_a_killed_run_had_claimed_is_done_in_one_batch_but_the_mail_in_hand(desk: Any) -> None:
    desk.configure(gates='mails_per_sender = { limit = 1000, per = "1 hour", then = "hold" }')
    for number in range(120):
        desk.mail(f"Mail {number}")
    assert run(desk.folder, "run", at=At("decide", 60)).code == -signal.SIGKILL
    after = run(desk.folder, "run")
    assert (after.code, after.output) == (0, "")
    assert len(desk.lines("item", "list", "--limit", "500")) == 120
    assert len(desk.files(folder="Done")) == 120
    attempts = [row["attempts"] for row in desk.lines("mail", "list", "--limit", "500")]
    assert sorted(attempts) == [1] * 119 + [2]
    assert after.steps["spool"] == 1, "the batch that the killed run had spooled was not read again"
