"""What goes wrong on the way out: nothing is lost, nobody waits for a mail that breaks things, and it is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import databases
import pytest
from posted import MAILBOX, NOW, later, of, row

from engine.config import Config, parse
from engine.model.stored import NO_WAY_OUT
from engine.outbox.deliver import Delivered, deliver
from engine.run.sending import send
from engine.store.locks import owner
from engine.store.store import Store

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def configuring(port: int, more: str = "", **smtp: Any) -> Config:
        options = {"host": "127.0.0.1", "port": port, "ssl": False, "from": "Desk <help@example.com>", "timeout": "2 s"}
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in {**options, **smtp}.items())
        return parse(f"{MAILBOX}[smtp]\n{lines}{more}", tmp_path / "allegra.toml", {})

    return configuring


def out(store: Store, config: Config, now: datetime = NOW, limit: int = 100) -> Delivered:
    return deliver(store, config, limit, lambda: now)


def ids(server: Any) -> list[str]:
    return [taken.message_id for taken in server.taken]


# ── the order ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_words_of_people_go_out_before_what_machines_say_and_the_oldest_first(
    store: Store, sink: Any, configure: Configure
) -> None:
    kinds = ["notice", "auto", "answer", "notice", "answer", "auto"]
    rows = [row(store, kind, f"{n}@example.com") for n, kind in enumerate(kinds)]
    server = sink()
    assert out(store, configure(server.port)).sent == 6
    expected = [rows[n] for n in (2, 4, 1, 5, 0, 3)]
    assert ids(server) == [of(store, number, "message_id") for number in expected]


def test_a_mail_that_waited_for_the_server_keeps_its_turn(store: Store, sink: Any, configure: Configure) -> None:
    gone = sink()
    gone.close()
    first, second = row(store, "answer", "a@example.com"), row(store, "answer", "b@example.com")
    for minute in range(3):
        out(store, configure(gone.port), later(minutes=minute))
    server = sink()
    out(store, configure(server.port), later(minutes=5))
    assert ids(server) == [of(store, number, "message_id") for number in (first, second)]


# ── away ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_is_away_for_two_days_costs_no_attempt_and_gets_every_mail_once(
    store: Store, sink: Any, configure: Configure
) -> None:
    gone = sink()
    gone.close()
    rows = [row(store, kind, f"{n}@example.com") for n, kind in enumerate(("auto", "notice", "answer") * 3)]
    for hour in range(0, 48, 5):
        done = send(store, configure(gone.port), now=lambda hour=hour: later(hours=hour))  # type: ignore[misc]
        assert done.away and done.waiting == 9 and done.since == NOW and done.oldest_s == hour * 3600
    assert {of(store, number, "attempts") for number in rows} == {0}
    server = sink()
    done = send(store, configure(server.port), now=lambda: later(hours=48))
    assert (done.sent, done.waiting, done.away) == (9, 0, "")
    assert len(ids(server)) == len(set(ids(server))) == 9
    assert store.troubles.find(NO_WAY_OUT) is None


def test_while_the_server_is_away_one_row_is_tried_a_pass(store: Store, configure: Configure, tmp_path: Path) -> None:
    import socket

    tries = 0
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    for n in range(20):
        row(store, to=f"{n}@example.com")
    original = store.outbox.claim

    def counting(*given: Any) -> Any:
        nonlocal tries
        claimed = original(*given)
        tries += len(claimed)
        return claimed

    store.outbox.claim = counting  # type: ignore[method-assign,assignment]
    out(store, configure(port))
    assert tries == 1


def test_what_waits_longer_than_give_up_after_has_failed_all_at_once(
    store: Store, sink: Any, configure: Configure
) -> None:
    gone = sink()
    gone.close()
    old = [row(store, kind, f"{n}@example.com") for n, kind in enumerate(("auto", "notice", "answer", "notice"))]
    young = row(store, at=later(days=4))
    config = configure(gone.port, give_up_after="5 days")
    out(store, config, later(days=4))
    assert {of(store, number) for number in (*old, young)} == {"queued"}
    done = send(store, config, now=lambda: later(days=5, minutes=1))
    assert {of(store, number) for number in old} == {"failed"} and of(store, young) == "queued"
    assert "cannot send by" in of(store, old[3], "error")
    assert done.failed >= 4 and done.waiting == 1


def test_trouble_is_over_when_nothing_waits_any_more(store: Store, sink: Any, configure: Configure) -> None:
    gone = sink()
    gone.close()
    number = row(store)
    assert send(store, configure(gone.port), now=lambda: NOW).away
    store.outbox_views.change("drop", [number], ["queued"], "anna", "too late")
    assert store.troubles.find(NO_WAY_OUT) is None
    assert send(store, configure(gone.port), now=lambda: NOW).away == ""


# ── a mail over which it breaks ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "after"), [("answer", "queued"), ("auto", "queued"), ("notice", "queued")])
def test_a_mail_that_breaks_the_connection_before_its_text_keeps_nobody_waiting(
    store: Store, sink: Any, configure: Configure, kind: str, after: str
) -> None:
    poison = row(store, kind, "poison@example.com")
    others = [row(store, each, f"{each}@example.com") for each in ("answer", "auto", "notice")]
    server = sink(breaks_at=b"RCPT TO:<POISON")
    done = out(store, configure(server.port))
    assert done.sent == 3 and done.away == ""
    assert {of(store, number) for number in others} == {"sent"}
    state, attempts = of(store, poison, "state", "attempts")
    assert (state, attempts) == (after, 1), "it may be to blame: it waits for its next attempt"


def test_a_server_that_breaks_over_every_mail_is_left_after_two(store: Store, sink: Any, configure: Configure) -> None:
    rows = [row(store, to=f"{n}@example.com") for n in range(6)]
    server = sink(says={"RCPT": ""})
    done = out(store, configure(server.port))
    assert done.sent == 0 and "broke" in done.away
    assert [of(store, number, "attempts") for number in rows] == [1, 1, 0, 0, 0, 0]
    assert server.connections == 2


@pytest.mark.parametrize(("kind", "state"), [("auto", "unknown"), ("notice", "queued"), ("answer", "queued")])
def test_after_the_final_dot_only_an_automatic_answer_is_not_sent_again(
    store: Store, sink: Any, configure: Configure, kind: str, state: str
) -> None:
    number = row(store, kind)
    broken = sink(says={"DOT": ""})
    out(store, configure(broken.port))
    assert of(store, number) == state
    whole = sink()
    out(store, configure(whole.port), later(hours=1))
    again = [taken.content for taken in whole.taken]
    assert again == ([] if kind == "auto" else [broken.taken[0].content]), "the same bytes, the same Message-ID"


@pytest.mark.parametrize("kind", ["auto", "notice"])
def test_before_the_final_dot_no_mail_was_sent(store: Store, sink: Any, configure: Configure, kind: str) -> None:
    number = row(store, kind)
    out(store, configure(sink(says={"DATA": ""}).port))
    assert of(store, number) == "queued"
    whole = sink()
    assert out(store, configure(whole.port), later(hours=1)).sent == 1


def test_a_connection_that_is_closed_between_two_mails_is_made_anew_and_costs_nothing(
    store: Store, sink: Any, configure: Configure
) -> None:
    rows = [row(store, to=f"{n}@example.com") for n in range(5)]
    server = sink(mails_each=2)
    done = out(store, configure(server.port))
    assert done == Delivered(sent=5) and server.connections == 3
    assert {of(store, number, "attempts") for number in rows} == {1}


def test_a_421_in_the_middle_of_a_session_is_a_new_connection(store: Store, sink: Any, configure: Configure) -> None:
    for n in range(5):
        row(store, to=f"{n}@example.com")
    server = sink(mails_each=2, then="421 4.7.0 enough for this session")
    assert out(store, configure(server.port)) == Delivered(sent=5)
    assert server.connections == 3


def test_one_connection_carries_a_hundred_mails(store: Store, sink: Any, configure: Configure) -> None:
    for n in range(205):
        row(store, to=f"{n}@example.com")
    server = sink()
    assert out(store, configure(server.port), limit=300).sent == 205
    assert server.connections == 3


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_that_is_greylisted_waits_1_2_4_and_at_most_240_minutes(
    store: Store, sink: Any, configure: Configure
) -> None:
    config = configure(sink(says={"RCPT": "450 4.2.0 greylisted"}).port)
    number, now, waits = row(store), NOW, []
    while of(store, number) == "queued":
        out(store, config, now)
        due = of(store, number, "next_at")
        if of(store, number) == "queued":
            after = datetime.fromtimestamp(due / 1_000_000, NOW.tzinfo)
            waits.append((after - now).total_seconds() / 60)
            now = after
    assert waits[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 240] and set(waits[9:]) == {240}
    assert 5 <= (now - NOW).total_seconds() / 86400 < 5.2, "smtp.give_up_after"
    assert "4.2.0 greylisted" in of(store, number, "error")


def test_a_refusal_for_good_fails_at_once_and_the_next_mail_goes_out(
    store: Store, sink: Any, configure: Configure
) -> None:
    bad, good = row(store, to="bad@example.com"), row(store, to="good@example.com")
    server = sink(refuses={b"BAD@": "550 5.1.1 no such user"})
    assert out(store, configure(server.port)) == Delivered(sent=1, failed=1)
    assert of(store, bad, "state", "error") == ("failed", "550 5.1.1 no such user") and of(store, good) == "sent"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["550 5.7.1 relaying denied", "530 authentication required"])
def test_5_7_is_about_us_so_mail_waits_and_the_server_counts_as_away(
    store: Store, sink: Any, configure: Configure, verb: str, reply: str
) -> None:
    rows = [row(store, to=f"{n}@example.com") for n in range(5)]
    done = send(store, configure(sink(says={verb: reply}).port), now=lambda: NOW)
    assert {of(store, number) for number in rows} == {"queued"}
    assert done.away == reply and done.waiting == 5
    assert store.outbox_views.addresses() == [], "no address is to blame"
    assert send(store, configure(sink().port), now=lambda: later(hours=1)).sent == 5


def test_one_address_that_refuses_us_keeps_nobody_waiting(store: Store, sink: Any, configure: Configure) -> None:
    closed = row(store, "answer", "closed@example.com")
    rows = [row(store, to=f"{n}@example.com") for n in range(5)]
    done = send(store, configure(sink(refuses={b"CLOSED@": "550 5.7.1 not for you"}).port), now=lambda: NOW)
    assert {of(store, number) for number in rows} == {"sent"} and of(store, closed) == "queued"
    assert done.away == ""


# ── crashes ───────────────────────────────────────────────────────────────────────────────────────────────────

KILLED = """
    import os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from engine.config import load
    from engine.outbox.deliver import deliver
    from engine.store import outbox
    from engine.store.store import Store

    where = sys.argv[1]
    def die(*given, **named):
        os.kill(os.getpid(), signal.SIGKILL)
    if where == "composed":
        outbox.Outbox.composed = die
    if where == "sent":
        outbox.Outbox.sent = die
    if where == "claimed":
        from engine.outbox import deliver as module
        module._Run._mail = die
    if where == "handed over":
        from engine.outbox import patient
        send = patient.Plain.send
        def sending(self, content):
            send(self, content)
            if content[-5:] in (b"\\r\\n.\\r\\n", "\\r\\n.\\r\\n"):
                die()
        patient.Plain.send = sending
    config = load(Path("allegra.toml"))
    with Store.open(config.store.where) as store:
        deliver(store, config, 10)
"""


@pytest.mark.parametrize("where", ["claimed", "composed", "handed over", "sent"])
def test_killed_between_claim_and_note_an_automatic_answer_is_unknown_and_others_go_again_with_equal_bytes(
    tmp_path: Path, sink: Any, where: str
) -> None:
    server = sink()
    databases.configured(
        tmp_path, f"{MAILBOX}[smtp]\nhost='127.0.0.1'\nport={server.port}\nssl=false\nfrom='help@example.com'\n"
    )
    for kind in ("auto", "notice"):
        with Store.open(databases.place(tmp_path / databases.FILE)) as store:
            number = row(store, kind, f"{kind}@example.com")
        command = [sys.executable, "-c", textwrap.dedent(KILLED), where]
        ended = subprocess.run(command, cwd=tmp_path, env=os.environ, check=False)
        assert ended.returncode == -signal.SIGKILL
        from engine.config import load

        with Store.open(databases.place(tmp_path / databases.FILE)) as store:
            assert of(store, number) == "sending"
            deliver(store, load(tmp_path / "allegra.toml"), 10)
            assert of(store, number) == ("unknown" if kind == "auto" else "sent")
    sent = [taken.content for taken in server.taken if taken.recipient == "notice@example.com"]
    went = where in ("handed over", "sent")
    assert len(sent) == (2 if went else 1) and len(set(sent)) == 1
    assert len(server.taken) - len(sent) == (1 if went else 0), "an automatic answer never twice"


def test_a_mail_over_which_every_process_dies_stops_nobody_for_long(
    store: Store, sink: Any, configure: Configure
) -> None:
    poison, other = row(store, "answer"), row(store, "notice")
    dead = owner().rsplit("/", 2)[0] + "/999999999/1"
    for _ in range(3):
        (claimed,) = store.outbox.claim(1, NOW, dead)
        assert claimed.id == poison
    assert out(store, configure(sink().port)).sent == 1
    assert of(store, other) == "sent" and of(store, poison, "state", "error") == (
        "queued", "the process that sent it died"
    )  # fmt: skip
    assert out(store, configure(sink().port), later(minutes=8)).sent == 1


def test_two_that_send_at_once_send_every_mail_once(tmp_path: Path, sink: Any) -> None:
    server = sink()
    databases.configured(
        tmp_path, f"{MAILBOX}[smtp]\nhost='127.0.0.1'\nport={server.port}\nssl=false\nfrom='help@example.com'\n"
    )
    with Store.open(databases.place(tmp_path / databases.FILE)) as store:
        for n in range(40):
            row(store, "answer", f"{n}@example.com")
    command = [sys.executable, "-c", textwrap.dedent(KILLED).replace(", 10)", ", 100)"), "nowhere"]
    both = [subprocess.Popen(command, cwd=tmp_path) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(ids(server)) == len(set(ids(server))) == 40
