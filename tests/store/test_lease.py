"""One runner for a mailbox; who dies gives everything back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from store.desk import visited

from engine.run.lease import Lease
from engine.store.file import lock_file
from engine.store.locks import FileLock, is_alive, owner
from engine.store.store import Store

DEAD = owner().rsplit("/", 2)[0] + "/999999999/1"


def utc_now():
    return datetime.now(UTC)


def test_this_process_is_alive_and_others_are_not():
    assert is_alive(owner())
    assert is_alive(DEAD) is False
    assert is_alive(owner().rsplit("/", 1)[0] + "/1") is False, "another process with the same number"
    assert is_alive("another-host/boot/1/1") is None
    assert is_alive("nonsense") is None and is_alive("") is None


def test_a_process_that_ended_is_dead():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = owner(child.pid)
    assert is_alive(name)
    child.communicate(b"\n")
    assert is_alive(name) is False


def test_a_second_store_does_not_get_the_lease_until_it_is_given_back(file_desk):
    with Store.open(file_desk.store.path) as other, Lease(file_desk.store, "system", utc_now) as lease:
        assert lease.held
        with Lease(other, "system", utc_now) as second:
            assert not second.held and f"process {os.getpid()}" in second.holder
        with Lease(other, "support", utc_now) as second:
            assert second.held
    with Store.open(file_desk.store.path) as other, Lease(other, "system", utc_now) as second:
        assert second.held


def test_waiting_for_a_lease_ends_when_it_is_free(file_desk):
    first = Lease(file_desk.store, "system", utc_now)
    first.__enter__()
    got = []

    def second():
        with Store.open(file_desk.store.path) as other, Lease(other, "system", utc_now, wait_s=30) as lease:
            got.append(lease.held)

    thread = threading.Thread(target=second)
    thread.start()
    first.__exit__(None, None, None)
    thread.join()
    assert got == [True]


def test_waiting_for_a_lease_ends_when_asked_to_stop(file_desk):
    stop = threading.Event()
    stop.set()
    with (
        Store.open(file_desk.store.path) as other,
        Lease(file_desk.store, "system", utc_now),
        Lease(other, "system", utc_now, wait_s=60, stop=stop) as lease,
    ):
        assert not lease.held


def test_the_lease_of_a_dead_process_is_free_at_once(desk):
    assert desk.store.mailboxes.lease("system", DEAD, desk.now)
    assert desk.store.mailboxes.lease("system", owner(), desk.now)


def test_a_lease_of_another_host_stands_until_it_ends(desk):
    far = "another/boot/1/1"
    assert desk.store.mailboxes.lease("system", far, desk.now, ttl_s=60)
    assert not desk.store.mailboxes.lease("system", owner(), desk.now + timedelta(seconds=59))
    assert desk.store.mailboxes.heartbeat("system", far, desk.now + timedelta(seconds=50))
    assert not desk.store.mailboxes.lease("system", owner(), desk.now + timedelta(seconds=100))
    assert desk.store.mailboxes.lease("system", owner(), desk.now + timedelta(seconds=111))
    assert not desk.store.mailboxes.heartbeat("system", far, desk.now)


def test_G18_a_lease_made_by_a_clock_that_ran_ahead_is_free(desk):
    desk.store.mailboxes.lease("system", "another/boot/1/1", desk.now + timedelta(days=400))
    assert desk.store.mailboxes.lease("system", owner(), desk.now)


def test_only_the_holder_gives_a_lease_back(desk):
    desk.store.mailboxes.lease("system", "another/boot/1/1", desk.now)
    visited(desk.store, owner())
    assert not desk.store.mailboxes.lease("system", owner(), desk.now)


def test_every_lease_has_a_higher_token(desk):
    tokens = []
    for _ in range(2):
        desk.store.mailboxes.lease("system", owner(), desk.now)
        tokens.append(desk.store.database.one("SELECT lease_token FROM mailbox WHERE name = 'system'")[0])
        visited(desk.store, owner())
    assert tokens[1] > tokens[0]


def test_a_thread_keeps_a_lease_alive_while_the_work_takes_long(file_desk):
    now = utc_now()
    beaten = threading.Event()

    def clock():
        if threading.current_thread() is not threading.main_thread():
            beaten.set()
        return now

    with Lease(file_desk.store, "system", clock, ttl_s=0.03) as lease:
        assert beaten.wait(20) and lease.held


def test_a_heartbeat_tells_when_the_lease_was_lost(desk):
    with Lease(desk.store, "system", utc_now, ttl_s=0.0) as lease:
        assert lease.heartbeat()
        desk.store.database.run("UPDATE mailbox SET lease_owner = 'somebody'")
        assert not lease.heartbeat()


def test_closing_a_store_gives_its_locks_back(file_desk):
    other = Store.open(file_desk.store.path)
    assert other.mailboxes.lease("system", owner(), utc_now())
    other.close()
    lock = FileLock(lock_file(file_desk.store.path, file_desk.store.mailboxes.number("system")))
    assert lock.acquire()
    lock.release()


def test_lock_files_are_for_their_owner_only(file_desk):
    with Lease(file_desk.store, "system", utc_now):
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in file_desk.store.path.parent.iterdir()}
    assert set(modes.values()) == {"0o600"} and len(modes) >= 5


# ── the mail in hand ──────────────────────────────────────────────────────────────────────────────────────────


def working(desk, *contents, name=DEAD):
    """Somebody takes the lease and spools mails."""
    desk.owner = name
    assert desk.store.mailboxes.lease("system", DEAD, desk.now)
    desk.store.mailboxes.take_over("system", DEAD, desk.now)
    return desk.spool(*contents)


def died(desk, in_hand=0):
    """Who held the lease died: what is in the lock file, and the claims, are all that is left."""
    store = desk.store
    store.mailboxes.noting("system")(in_hand)
    visited(store, DEAD)
    assert store.mailboxes.lease("system", owner(), desk.now)
    store.mailboxes.take_over("system", owner(), desk.now, [60.0, 300.0])


def attempts(desk):
    return desk.store.database.rows("SELECT attempts, owner IS NULL, code FROM inbound ORDER BY id")


def test_only_the_mail_in_hand_is_charged_when_a_process_dies(file_desk):
    _, second, _ = working(file_desk, b"", b"", b"")
    died(file_desk, in_hand=second.row)
    assert attempts(file_desk) == [(0, 1, ""), (1, 1, "fault.crash"), (0, 1, "")]


def test_nobody_is_charged_when_nothing_was_in_hand(file_desk):
    working(file_desk, b"", b"")
    died(file_desk)
    assert attempts(file_desk) == [(0, 1, ""), (0, 1, "")]


def test_everybody_is_charged_when_nothing_is_known(file_desk):
    working(file_desk, b"", b"", name=DEAD.rsplit("/", 2)[0] + "/999999998/1")
    died(file_desk, in_hand=1)
    assert attempts(file_desk) == [(1, 1, ""), (1, 1, "")]


def test_mails_of_a_process_that_lives_are_left_to_it(file_desk):
    working(file_desk, b"", name=owner())
    died(file_desk, in_hand=1)
    assert attempts(file_desk) == [(1, 0, "")]


def test_a_mail_that_a_process_died_on_comes_alone_and_in_its_turn(file_desk):
    first, second, third = working(file_desk, b"", b"", b"")
    died(file_desk, in_hand=second.row)
    handed_out = []
    while batch := file_desk.store.ledger.claim("system", 50, file_desk.now, owner(), tried=False).mails:
        handed_out.append([each.row for each in batch])
    assert handed_out == [[first.row], [second.row], [third.row]]


def test_a_mail_that_two_processes_died_on_comes_at_once_and_alone_behind_all_others(file_desk):
    spooled = working(file_desk, b"", b"")
    file_desk.store.database.run("UPDATE inbound SET attempts = 2 WHERE id = ?", spooled[0].row)
    died(file_desk, in_hand=spooled[0].row)
    store, now = file_desk.store, file_desk.now
    assert store.queue.tried_mailboxes(now) == {"system"}
    usual = store.ledger.claim("system", 50, now, owner(), tried=False).mails
    assert [each.row for each in usual] == [spooled[1].row]
    assert store.ledger.claim("system", 50, now, owner(), tried=False).mails == []
    assert [each.row for each in store.ledger.claim("system", 50, now, owner()).mails] == [spooled[0].row]


def test_a_mail_that_three_processes_died_on_waits_and_comes_last(file_desk):
    spooled = working(file_desk, b"", b"")
    file_desk.store.database.run("UPDATE inbound SET attempts = 3 WHERE id = ?", spooled[0].row)
    died(file_desk, in_hand=spooled[0].row)
    store, now = file_desk.store, file_desk.now
    fresh = store.ledger.claim("system", 50, now, owner(), tried=False).mails
    assert [each.row for each in fresh] == [spooled[1].row]
    assert store.ledger.claim("system", 50, now, owner()).mails == []
    store.ledger.unclaim(fresh)
    assert store.queue.tried_mailboxes(now) == frozenset()
    later = file_desk.later(seconds=61)
    assert store.queue.tried_mailboxes(later) == {"system"}
    assert len(store.ledger.claim("system", 50, later, owner(), tried=False).mails) == 1
    assert [each.row for each in store.ledger.claim("system", 50, later, owner()).mails] == [spooled[0].row]


@pytest.mark.parametrize("noted", [b"", b"\n", b"nonsense", b"a/b/c/d\n-1\n", b"\xff\n5\n", b"x" * 5000])
def test_a_lock_file_with_anything_in_it_does_no_harm(file_desk, noted):
    file_desk.owner = DEAD
    file_desk.spool(b"")
    lock_file(file_desk.store.path, file_desk.store.mailboxes.number("system")).write_bytes(noted)
    with Lease(file_desk.store, "system", utc_now) as lease:
        assert lease.held
    assert attempts(file_desk) == [(1, 1, "")]


# ── states ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_failures_of_a_mailbox_are_counted_from_the_first(desk):
    first = desk.now
    desk.store.mailboxes.failed("finance", "source.login", "login failed", first)
    desk.store.mailboxes.failed("finance", "source.away", "no route", desk.later(minutes=5))
    (state,) = desk.store.mailboxes.states()
    assert (state.failures, state.failing_since, state.failed_at) == (2, first, desk.now)
    assert (state.code, state.sentence, state.ok_at) == ("source.away", "no route", None)
    visited(desk.store, at=desk.later(minutes=5), mailbox="finance")
    (state,) = desk.store.mailboxes.states()
    assert (state.failures, state.failing_since, state.code, state.ok_at) == (0, None, "", desk.now)


@pytest.mark.parametrize(("reason", "said"), [("holiday", "holiday"), ("", "paused by hand")])
def test_a_mailbox_is_paused_and_resumed(desk, reason, said):
    assert desk.store.mailboxes.paused("system") == ""
    desk.store.mailboxes.pause("system", reason)
    assert desk.store.mailboxes.paused("system") == said
    desk.store.mailboxes.resume("system")
    assert desk.store.mailboxes.paused("system") == ""


def test_without_a_lease_the_mail_in_hand_is_noted_where_somebody_said(file_desk):
    store, mailboxes, noted = file_desk.store, file_desk.store.mailboxes, list[int]()
    mailboxes.noting("system")(7)
    store.note_in_hand(noted.append)
    mailboxes.noting("system")(8)
    assert noted == [8]
