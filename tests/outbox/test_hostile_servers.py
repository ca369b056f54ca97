"""Servers that misbehave: whatever they do, each mail ends once, and what may have gone out goes again unchanged."""

from __future__ import annotations

import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from posted import MAILBOX, NOW, later, of, row

from engine.config import Config, parse
from engine.model.stored import NO_WAY_OUT
from engine.outbox.deliver import Delivered, deliver
from engine.run.sending import send
from engine.store.store import Store

KINDS = ("answer", "auto", "notice", "answer")


def config(server: Any, more: str = "") -> Config:
    ours = more or "host = '127.0.0.1'\nssl = false\n"
    smtp = f"[smtp]\n{ours}port = {server.port}\nfrom = 'Desk <help@example.com>'\ntimeout = '2 s'\n"
    return parse(MAILBOX + smtp, Path("allegra.toml").absolute(), {})


# ── anything at all ───────────────────────────────────────────────────────────────────────────────────────────────

REPLIES = st.sampled_from(
    ["", "421 4.3.2 closing", "450 4.2.0 greylisted", "451 4.3.0 later", "550 5.1.1 nobody", "554 5.6.0 no",
     "550 5.7.1 not you", "530 5.7.0 log in first", "250 ok", "999 what", "nonsense"]
)  # fmt: skip
MOODS = st.lists(
    st.dictionaries(st.sampled_from(["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "RSET"]), REPLIES, max_size=2),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moods=MOODS)
@example(moods=[{"DOT": "nonsense"}])
@example(moods=[{"RCPT": "999 what"}])
def test_whatever_servers_say_an_automatic_answer_goes_out_at_most_once_and_others_unchanged(
    store: Store, sink: Any, moods: list[dict[str, str]]
) -> None:
    store.database.run("DELETE FROM outbox")
    store.database.run("DELETE FROM address_state")
    rows = {row(store, kind, f"{n}@example.com", template="notice"): kind for n, kind in enumerate(KINDS)}
    server = sink(moods=moods)
    for hour in range(0, 140, 5):
        deliver(store, config(server), 100, lambda hour=hour: later(hours=hour))  # type: ignore[misc]
    server.close()
    for number, kind in rows.items():
        state, message_id, error = of(store, number, "state", "message_id", "error")
        taken = [each for each in server.taken if each.message_id == message_id]
        in_doubt = [each for each in taken if not each.said[:1].isdigit() or each.said.startswith("2")]
        whole = [each for each in taken if each.said.startswith("2")]
        assert state in (("sent", "failed", "unknown") if kind == "auto" else ("sent", "failed")), error
        assert len({each.content for each in taken}) <= 1, "the same bytes at every attempt"
        assert len(whole) == (1 if state == "sent" else 0) or (state == "unknown" and len(whole) <= 1)
        assert kind != "auto" or len(in_doubt) <= 1
        assert state != "failed" or error[:1] in "45" or "broke" in error


# ── one by one ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_greylisted_gets_the_mail_at_the_next_try(store: Store, sink: Any) -> None:
    number = row(store, "auto")
    server = sink(moods=[{"RCPT": "451 4.7.1 greylisted, come back"}])
    assert deliver(store, config(server), 9, lambda: NOW) == Delivered(failed=1)
    assert deliver(store, config(server), 9, lambda: later(minutes=2)) == Delivered(sent=1)
    assert of(store, number, "state", "attempts") == ("sent", 2)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("kind", ["auto", "notice", "answer"])
def test_a_421_in_the_middle_of_a_mail_is_said_before_it_was_taken_so_it_goes_out_once_later(
    store: Store, sink: Any, verb: str, kind: str
) -> None:
    number = row(store, kind)
    server = sink(moods=[{verb: "421 4.3.2 closing"}])
    deliver(store, config(server), 9, lambda: NOW)
    assert of(store, number) == "queued"
    assert deliver(store, config(server), 9, lambda: later(hours=1)).sent == 1
    assert [each.said for each in server.taken][-1] == "250 ok" and len(server.taken) == (2 if verb == "DOT" else 1)


@pytest.mark.parametrize("reply", ["550 5.1.8 no such sender", "553 5.1.7 what sender", "550 we do not like you"])
def test_who_refuses_our_sender_refuses_us_so_mail_waits_and_no_address_is_to_blame(
    store: Store, sink: Any, reply: str
) -> None:
    rows = [row(store, to=f"{n}@example.com") for n in range(5)]
    server = sink(says={"MAIL": reply})
    done = send(store, config(server), now=lambda: NOW)
    assert (done.away, done.waiting, server.connections) == (reply, 5, 1)
    assert store.troubles.find(NO_WAY_OUT) is not None and store.outbox_views.addresses() == []
    assert send(store, config(sink()), now=lambda: later(hours=1)).sent == 5
    assert {of(store, number) for number in rows} == {"sent"}
    assert store.troubles.find(NO_WAY_OUT) is None


def test_who_refuses_every_mail_for_good_lets_each_fail_and_nothing_begins_anew(store: Store, sink: Any) -> None:
    rows = [row(store, kind, f"{n}@example.com") for n, kind in enumerate(KINDS)]
    done = deliver(store, config(sink(says={"RCPT": "550 5.1.1 no"})), 100, lambda: NOW)
    assert done == Delivered(failed=4)
    assert {of(store, number) for number in rows} == {"failed"}
    states = Counter(state for (state,) in store.database.rows("SELECT state FROM outbox"))
    assert states == {"failed": 4, "suppressed": 3}, "that nobody hears of it stands beside each but the automatic one"


def test_who_says_no_to_everything_lets_nobody_in_so_all_mail_waits(store: Store, sink: Any) -> None:
    rows = [row(store, kind, f"{n}@example.com") for n, kind in enumerate(KINDS)]
    done = deliver(store, config(sink(says={"GREETING": "554 5.0.0 go away"})), 100, lambda: NOW)
    assert "554" in done.away
    assert {of(store, number, "state", "attempts") for number in rows} == {("queued", 0)}


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("kind", ["auto", "answer"])
def test_who_drops_a_protected_connection_is_met_again_by_a_protected_one(
    store: Store, sink: Any, tls: ssl.SSLContext, certificate: Path, verb: str, kind: str
) -> None:
    number = row(store, kind)
    server = sink(tls=tls, moods=[{verb: ""}])
    secure = f"host = 'localhost'\nssl = 'starttls'\nca_file = '{certificate}'\n"
    deliver(store, config(server, secure), 9, lambda: NOW)
    in_doubt = verb == "DOT"
    assert of(store, number) == ("unknown" if in_doubt and kind == "auto" else "queued")
    deliver(store, config(server, secure), 9, lambda: later(hours=1))
    assert len(server.taken) == (2 if in_doubt and kind == "answer" else 1)
    assert len({each.content for each in server.taken}) == 1
    before, after = b"".join(server.heard).split(b"STARTTLS", 1)
    assert b"MAIL" not in before and after.count(b"STARTTLS") == server.connections - 1


@pytest.mark.parametrize("jump", [{"days": -400}, {"hours": -12}, {"days": 2}, {"days": 4}])
def test_a_clock_that_jumps_keeps_no_mail_for_long_and_sends_none_twice(
    store: Store, sink: Any, jump: dict[str, int]
) -> None:
    numbers = [row(store, kind, f"{n}@example.com") for n, kind in enumerate(KINDS)]
    deliver(store, config(sink(says={"RCPT": "451 later"})), 100, lambda: NOW)
    whole = sink()
    for now in (later(**jump), later(minutes=5)):
        deliver(store, config(whole), 100, lambda now=now: now)  # type: ignore[misc]
    assert {of(store, number) for number in numbers} == {"sent"} and len(whole.taken) == 4
