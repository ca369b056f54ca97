"""Is everything well? Each check trips by itself, at its threshold, and the line is one that Nagios reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from engine.config.mailbox import Mailbox
from engine.desk.health import CODES, Check, Seen, Status, judge, line, worst
from engine.model.figures import Backlog, Figures, Pulse
from engine.model.rhythm import Rhythm
from engine.run.alive import Life
from engine.web.expiry import Ending

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
OFTEN = Rhythm(((2900, 100, 8 * 3600),))
BOX = Mailbox(name="support", protocol="maildir")
PULSE = Pulse("support", ok_at=NOW - timedelta(minutes=2), first_read_at=NOW - timedelta(days=90),
              last_mail_at=NOW - timedelta(hours=1), rhythm=OFTEN)  # fmt: skip
FIGURES = Figures((PULSE,))
SEEN = Seen((BOX,), disk_free=50 << 30)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def pulse(**changed: Any) -> Figures:
    return Figures((replace(PULSE, **changed),))


def failing(code: str = "source.timeout", **since: float) -> Figures:
    at = ago(**since)
    return pulse(ok_at=at, failures=5, failing_since=at, failed_at=NOW, code=code, sentence="no reply")


def ends(days: float) -> Ending:
    return Ending("a", days, "oauth a: the secret ends", "make a new one")


def found(checks: tuple[Check, ...], name: str) -> Check:
    (check,) = [each for each in checks if each.name == name]
    return check


def test_where_all_is_well_every_check_says_so() -> None:
    checks = judge(FIGURES, SEEN, NOW)
    assert {each.status for each in checks} == {Status.OK} and worst(checks) is Status.OK
    assert line(checks).startswith("OK - last pass: 2 min ago, held: 0, outbox: 0 | 'mailbox support'=120s;900;3600 ")


@pytest.mark.parametrize(
    ("name", "figures", "seen", "status", "said"),
    [
        ("mailbox support", pulse(ok_at=ago(minutes=16)), {}, "warning", "last read 16 min ago"),
        ("mailbox support", pulse(ok_at=ago(minutes=61)), {}, "critical", "last read 61 min ago"),
        ("mailbox support", pulse(ok_at=ago(minutes=20)), {"lag_s": 1800.0}, "ok", "last read 20 min ago"),
        ("mailbox support", pulse(ok_at=ago(hours=3)), {"lag_s": 1800.0}, "critical", "last read 3 h ago"),
        ("mailbox support", failing(minutes=5), {}, "ok", "cannot be read since 5 min: no reply"),
        ("mailbox support", failing(minutes=16), {}, "warning", "cannot be read since 16 min: no reply"),
        ("mailbox support", failing("source.login_refused", minutes=5), {}, "critical", "cannot be read since 5 min"),
        ("mailbox support", failing("oauth.secret_expired", minutes=5), {}, "critical", "cannot be read since 5 min"),
        ("mailbox support", failing("oauth.server_away", minutes=5), {}, "ok", "cannot be read since 5 min"),
        ("mailbox support", Figures(), {}, "warning", "was never read"),
        ("mailbox support", pulse(ok_at=ago(days=3), paused="by hand"), {}, "ok", "paused: by hand"),
        ("mailbox support", pulse(ok_at=ago(hours=3), busy=True), {}, "ok", "last read 0 s ago"),
        ("silence support", pulse(last_mail_at=ago(hours=13)), {}, "warning", "no mail for 13 h"),
        ("silence support", pulse(last_mail_at=ago(hours=11)), {}, "ok", "no mail for 11 h"),
        ("silence support", pulse(last_mail_at=ago(days=90), rhythm=Rhythm()), {}, "ok", "too little mail to tell"),
        ("silence support", pulse(last_mail_at=ago(days=3), paused="by hand"), {}, "ok", "not read"),
        ("last pass", pulse(ok_at=ago(hours=2), failed_at=ago(minutes=20)), {}, "warning", "20 min ago"),
        ("last pass", pulse(ok_at=ago(hours=2)), {}, "critical", "2 h ago"),
        ("last pass", Figures(), {}, "critical", "no pass yet"),
        ("waiting", Figures(waiting=Backlog(3, ago(minutes=16))), {}, "warning", "3 waiting, the oldest for 16 min"),
        ("waiting", Figures(waiting=Backlog(3, ago(hours=5))), {}, "critical", "3 waiting, the oldest for 5 h"),
        ("waiting", Figures(waiting=Backlog(3, None)), {}, "ok", "3 waiting"),
        ("held", Figures(held=Backlog(4, ago(days=3))), {}, "warning", "4 held, the oldest for 3 d"),
        ("held", Figures(held=Backlog(4, ago(days=1))), {}, "ok", "4 held, the oldest for 24 h"),
        ("quarantined", Figures(quarantined=1), {}, "warning", "1 broke the machine"),
        ("outbox", Figures(unsent=Backlog(2, ago(minutes=20)), away="refused"), {}, "warning", "for 20 min: refused"),
        ("outbox", Figures(unsent=Backlog(2, ago(hours=3))), {}, "critical", "2 not sent, the oldest for 3 h"),
        ("failed", Figures(failed=1), {}, "warning", "1 could not be sent in 24 h"),
        ("outbox held", Figures(outbox=(("held", "auto", 2), ("queued", "auto", 9))), {}, "warning", "2 held"),
        ("files", FIGURES, {"broken": ("rules/a.toml: no TOML", "x is off")}, "warning", "no TOML and 1 more"),
        ("hearers", FIGURES, {"unheard": ("nobody works in support",)}, "warning", "nobody works in support"),
        ("sign-in", FIGURES, {"ending": (ends(20.0),)}, "warning", "oauth a: the secret ends: make a new one"),
        ("sign-in", FIGURES, {"ending": (ends(2.0), ends(20.0))}, "critical", "make a new one and 1 more"),
        ("sign-in", FIGURES, {"ending": (ends(-9.0),)}, "critical", "oauth a: the secret ends"),
        ("console", FIGURES, {}, "ok", "does not run"),
        ("console", FIGURES, {"console": Life(True, "7", "x", ago(minutes=3))}, "ok", "last answered 3 min ago"),
        ("console", FIGURES, {"console": Life(False, "7", "2026", ago(days=3))}, "warning", "process 7 of 2026 ended"),
        ("disk", FIGURES, {"disk_free": 900 << 20}, "warning", "900 MB free"),
        ("disk", FIGURES, {"disk_free": 100 << 20}, "critical", "100 MB free"),
    ],
)  # fmt: skip
def test_every_check_trips_by_itself(name: str, figures: Figures, seen: dict[str, Any], status: str, said: str) -> None:
    check = found(judge(figures, replace(SEEN, **seen), NOW), name)
    assert check.status == status and said in check.said


@pytest.mark.parametrize(("silence", "status"), [("auto", "warning"), (86_400.0, "ok"), (3600.0, "warning")])
def test_what_silence_is_can_be_said_for_a_mailbox(silence: str | float, status: str) -> None:
    seen = replace(SEEN, mailboxes=(BOX.filled(silence=silence),))
    figures = pulse(last_mail_at=ago(hours=13))
    assert found(judge(figures, seen, NOW), "silence support").status == status
    never = replace(SEEN, mailboxes=(BOX.filled(silence=0.0),))
    assert "silence support" not in [each.name for each in judge(figures, never, NOW)]


def test_a_mailbox_that_is_off_is_not_looked_at() -> None:
    seen = replace(SEEN, mailboxes=(BOX.filled(active=False),))
    checks = judge(failing(days=3), seen, NOW)
    assert not [each for each in checks if "support" in each.name]
    assert (found(checks, "last pass").status, found(checks, "last pass").said) == ("ok", "no mailbox is active")


def test_the_worst_check_is_the_answer_and_stands_first() -> None:
    figures = replace(failing("source.login_refused", hours=2), held=Backlog(4, ago(days=3)))
    checks = judge(figures, SEEN, NOW)
    assert CODES[worst(checks)] == 2
    assert line(checks).startswith(
        "CRITICAL - mailbox support: cannot be read since 2 h: no reply; held: 4 held, the oldest for 3 d | "
    )


def test_the_line_is_one_that_nagios_reads_whatever_a_server_says() -> None:
    figures = failing(hours=2)
    evil = replace(figures.mailboxes[0], sentence="a|b\nc\x1b[31m 'd'=1")
    told = line(judge(replace(figures, mailboxes=(evil,)), SEEN, NOW))
    assert "\n" not in told and "\x1b" not in told and told.count("|") == 1
    for each in re.findall(r"(?:'[^']+'|[^ ]+)=\S+", told.partition("|")[2]):
        assert re.fullmatch(r"(?:'[^'=]+'|[^ '=]+)=\d+(s|B|);\d+:?(;\d+:?)?", each), each


def test_many_sentences_are_cut() -> None:
    boxes = tuple(BOX.filled(name=f"box{number}") for number in range(20))
    told = line(judge(Figures(), Seen(boxes), NOW))
    assert told.count(": ") < 12 and "and 15 more" in told


def test_nothing_looked_at_is_unknown() -> None:
    assert worst(()) is Status.UNKNOWN and CODES[Status.UNKNOWN] == 3
