"""Two processes at one pass: the same ends as of one, no race, nothing lost when either is killed or asked to stop."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import databases
import pytest
from conservation import Case
from servers import helped
from servers.failpoints import Ended, ended, run, start

MORE = """
[errors]
retry = ["0 s"]
[people]
unknown_user = "create"
default_group = ["staff"]
"""
GATES = """
mails_per_sender = { limit = 100000, per = "1 hour", then = "hold" }
total_rate       = { limit = 100000, per = "1 hour", then = "hold" }
"""
RULES = r"""
[[rule]]
name = "Tickets of the other desk"
on   = "any"
when = 'subject matches /\[EXT-(?P<ref>\d+)\]/'
then = ['thread by "external_ref" = "{ref}"', 'set external_ref "{ref}"']
"""
PAIR = b"""From: Nova <new%d@elsewhere.example>
To: help@example.com
Subject: Pair %d
Message-ID: <pair%d@example.com>
Date: Mon, 21 Sep 2026 13:33:20 +0000

The same to both.
"""
FIELD = '[[fields]]\nname = "external_ref"\nkind = "text"\n'
OTHER = {"system": "support", "support": "system"}


@pytest.fixture
def two(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function that starts a pass in which two processes work on a mailbox each, however little there is."""
    desk.configure(system='rules = "rules/system.toml"', more=MORE, gates=GATES)
    file = desk.folder / "allegra.toml"
    file.write_text(file.read_text().replace('name = "Support"', 'name = "Support"\nrules = "rules/system.toml"'))
    desk.rules("system.toml", RULES)
    desk.load(FIELD)
    site = tmp_path_factory.mktemp("site")

    def started(*arguments: str, batch: int = 50, before: Any = helped.install) -> Any:
        environ = helped.everywhere(site, batch)
        return start(desk.folder, "run", "--jobs", "2", *arguments, batch=batch, before=before, environ=environ)

    return started


def helper_of(pid: int, seconds: float = 20.0) -> int:
    """The number of the process that helps another one, when it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"engine.run.helper" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        time.sleep(0.005)
    raise AssertionError("no helper was started")


def working(desk: Any, started: Any) -> int:
    """The number of the process that helps another one, when it works on a mailbox."""
    helper, end = helper_of(started.pid), time.monotonic() + 20
    while not case_of(desk).rows("SELECT id FROM mailbox WHERE lease_owner LIKE ?", f"%/{helper}/%"):
        assert time.monotonic() < end, "the helper has no mailbox"
        time.sleep(0.005)
    return helper


def told(end: Ended) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of a pass with --json, and its summary."""
    lines = [json.loads(line) for line in end.output.splitlines() if line.startswith("{")]
    return lines[:-1], lines[-1]


def case_of(desk: Any) -> Case:
    return Case(desk.where)


def fill(desk: Any, mails: int = 20) -> None:
    for number in range(mails):
        for box in desk.boxes:
            desk.mail(f"{box} {number}", sender=f"Nova <new{number}@{box}.example>", box=box)


def each_once(desk: Any, mails: int = 20) -> None:
    """Every mail is one item and lies in Done; nobody holds anything."""
    rows = case_of(desk).rows
    assert Counter(title for (title,) in rows("SELECT title FROM item")) == Counter(
        f"{box} {number}" for number in range(mails) for box in desk.boxes
    )
    assert rows("SELECT count(*), count(DISTINCT inbound_id) FROM receipt") == [(2 * mails, 2 * mails)]
    assert rows("SELECT ref FROM inbound WHERE owner IS NOT NULL OR state = 'received'") == []
    assert rows("SELECT name FROM mailbox WHERE lease_owner <> ''") == []
    assert [len(desk.files(box, "Done")) for box in desk.boxes] == [mails, mails]


# ── the same as one process ───────────────────────────────────────────────────────────────────────────────────


def test_two_processes_tell_what_one_would(desk: Any, two: Any) -> None:
    fill(desk)
    lines, summary = told(ended(two("--json")))
    assert [line["mailbox"] for line in lines] == ["system"] * 20 + ["support"] * 20
    assert [line["subject"] for line in lines] == [f"{box} {n}" for box in desk.boxes for n in range(20)]
    assert {line["outcome"] for line in lines} == {"created"}
    assert list(summary["mailboxes"]) == ["system", "support"]
    assert summary["mailboxes"]["support"] == {"ok": True, "state": "ok", "new": 20}
    each_once(desk)
    owners = case_of(desk).rows("SELECT count(*) FROM inbound WHERE decided_at > 0")
    assert owners == [(40,)]


def test_the_other_process_keeps_to_the_options_of_the_pass(desk: Any, two: Any) -> None:
    fill(desk)
    lines, _ = told(ended(two("--json", "--limit", "3", "--no-move")))
    assert Counter(line["mailbox"] for line in lines) == {"system": 3, "support": 3}
    assert [len(desk.files(box)) for box in desk.boxes] == [20, 20]


def test_the_other_process_leaves_the_same_old_mail_alone(desk: Any, two: Any) -> None:
    fill(desk)
    for box in desk.boxes:
        for path in sorted((desk.folder / "mail" / box / "new").iterdir())[:17]:
            os.utime(path, (1_500_000_000, 1_500_000_000))
    _, summary = told(ended(two("--json", "--since", "2020-01-01")))
    read = [(summary["mailboxes"][box]["new"], summary["mailboxes"][box]["left_alone"]) for box in desk.boxes]
    assert read == [(3, 17), (3, 17)]


def test_nothing_is_said_and_one_process_works_where_there_is_little_to_do(desk: Any, two: Any) -> None:
    fill(desk, 3)
    end = ended(two(before=None))
    assert (end.code, end.output) == (0, "")
    assert end.steps["decide"] == 6, "all of them in the first process"
    each_once(desk, 3)


def test_a_mailbox_that_fails_in_the_other_process_is_told_with_its_reason(desk: Any, two: Any) -> None:
    fill(desk)
    for each in (desk.folder / "mail" / "support").iterdir():
        each.rename(each.with_name(f"no {each.name}"))
    end = ended(two("--json"))
    lines, summary = told(end)
    assert (end.code, len(lines)) == (69, 20)
    assert summary["mailboxes"]["support"]["state"] == "failed"
    assert summary["mailboxes"]["support"]["because"]


def conversations(desk: Any, seed: int) -> None:
    """Mail of every kind whose order is told by its mailbox alone: what one process makes of it is certain."""
    chance = random.Random(seed)  # noqa: S311 - which mails, not which keys
    for box in desk.boxes:
        known: list[tuple[str, str]] = []
        for number in range(40):
            kind = chance.choice(["new", "reply", "stranger", "empty", "ticket", "ticket"])
            subject = f"{box} {number}"
            if kind == "reply" and known:
                title, answered = chance.choice(known)
                desk.mail(f"Re: {title}", box=box, headers=[f"In-Reply-To: {answered}"], body=f"{number}\n")
            elif kind == "stranger":
                desk.mail(subject, box=box, sender=f"<s{number % 5}@{box}.example>")
            elif kind == "ticket":
                desk.mail(f"{subject} [EXT-{box == 'system':d}{number % 3}]", box=box, body=f"{number}\n")
            else:
                subject = "" if kind == "empty" else subject
                known.append((subject, desk.mail(subject, box=box, body=f"{number}\n")))


def outcomes(end: Ended) -> list[tuple[str, ...]]:
    """What became of each mail; a reply may be told one batch later, behind the mail it answers."""
    assert end.code == 0, end.output
    names = ("mailbox", "message_id", "subject", "outcome", "code", "workspace")
    return sorted(tuple(str(line[name]) for name in names) for line in told(end)[0])


def test_two_processes_come_to_the_same_ends_as_one(desk: Any, two: Any, tmp_path: Path) -> None:
    conversations(desk, 3)
    before = tmp_path.parent / f"{tmp_path.name}-one"
    databases.copied(desk.folder, before)
    one = outcomes(run(before, "run", "--json", "--jobs", "1"))
    assert outcomes(ended(two("--json", batch=5))) == one
    assert len({each[3] for each in one}) >= 3


# ── races ─────────────────────────────────────────────────────────────────────────────────────────────────────


def hostile(desk: Any, rounds: int) -> None:
    """Conversations, equal pairs, new senders and tickets, each split over both mailboxes at about the same place."""
    for number in range(rounds):
        here = desk.boxes[number % 2]
        there = OTHER[here]
        sender = f"Nova <new{number}@elsewhere.example>"
        first = desk.mail(f"Thread {number}", box=here, sender=sender)
        reply = desk.mail(f"Re: Thread {number}", box=there, headers=[f"In-Reply-To: {first}"], body="Second\n")
        desk.mail(f"Re: Thread {number}", box=here, headers=[f"References: {first} {reply}"], body="Third\n")
        for box in desk.boxes:
            desk.mail(box=box, raw=PAIR % (number, number, number))
            desk.mail(f"{box} [EXT-{number}]", box=box, body=f"From {box}\n")
            desk.mail(f"Re: all {number}", box=box, headers=["In-Reply-To: <all@example.com>"], body=f"{box}{number}\n")


@pytest.mark.parametrize("batch", [2, 5, 50])
def test_nothing_that_a_decision_concluded_is_overtaken_by_the_other_process(desk: Any, two: Any, batch: int) -> None:
    desk.mail("For all", message_id="<all@example.com>")
    assert len(desk.run("--jobs", "1")) == 1
    hostile(desk, 20)
    end = ended(two("--json", batch=batch))
    assert end.code == 0, end.output
    rows = case_of(desk).rows
    waits = rows("SELECT ref, code FROM inbound WHERE state = 'received'")
    said = "a comment that was overtaken four times in a row, and what answers it"
    assert {code for _, code in waits} <= {"commit.conflict", "commit.parent"}, said
    assert len(waits) <= (9 if databases.ON_SERVER else 3), (
        "where two write at once, they overtake each other more often"
    )
    for ref, _ in waits:
        desk.allegra("mail", "reset-status", ref)
    assert len(desk.run("--jobs", "1")) == len(waits)
    assert rows("SELECT count(*), count(DISTINCT inbound_id) FROM receipt") == [(181, 181)], "receipts twice, or lost"
    assert rows("SELECT ref FROM inbound WHERE state = 'received' OR owner IS NOT NULL OR attempts > 1") == []
    pairs = "SELECT subject FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id WHERE outcome = 'created' AND "
    assert rows(f"{pairs} subject LIKE 'Pair%' GROUP BY subject HAVING count(*) > 1") == [], "equal pairs created"
    assert rows("SELECT count(*) FROM item WHERE title LIKE 'Pair%'") == [(20,)]
    fields = "SELECT value FROM item_field WHERE value <> '' GROUP BY field_id, value HAVING count(*) > 1"
    assert rows(fields) == [], "second items under one value"
    assert rows("SELECT count(*) FROM item WHERE title LIKE '%[EXT-%'") == [(20,)]
    assert rows("SELECT login FROM account GROUP BY login HAVING count(*) > 1") == [], "users twice"
    assert rows("SELECT count(*) FROM account WHERE login LIKE 'new%'") == [(20,)]
    assert rows("SELECT count(*) FROM item WHERE title LIKE '%all%'") == [(1,)], "comments on one item"
    assert overtaken(rows) == []


def overtaken(rows: Any) -> list[Any]:
    """Replies that became items although a mail of their conversation was in the ledger before them."""
    query = "SELECT inbound.id, subject, outcome FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id"
    told = [(row, subject.split("Thread "), outcome) for row, subject, outcome in rows(query) if "Thread " in subject]
    first = {words[1]: row for row, words, _ in told if words[0] == ""}
    return [each for each in told if each[1][0] and each[2] == "created" and first[each[1][1]] < each[0]]


# ── trouble ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_that_kills_the_other_process_is_said_charged_and_leaves_nobody_behind(desk: Any, two: Any) -> None:
    fill(desk, 6)
    desk.mail("Bad", body="kill me deciding", box="support")
    end = ended(two("--json", batch=3))
    assert end.code == 0, end.output
    lines, summary = told(end)
    said = "mailbox support: a second process gave it up (it was killed by SIGKILL); the first went on"
    assert summary["mailboxes"]["support"]["notes"] == [said]
    assert [row["attempts"] for row in desk.lines("mail", "list", "subject:Bad")] == [2], (
        "the poison is not in the first"
    )
    assert {row["attempts"] for row in desk.lines("mail", "list", "--limit", "99") if row["subject"] != "Bad"} == {1}
    assert len(lines) in (12, 13)
    assert len(desk.lines("item", "list")) == 13


@pytest.mark.parametrize("seed", range(4))
def test_a_helper_killed_at_any_moment_costs_nothing(desk: Any, two: Any, seed: int) -> None:
    fill(desk)
    started = two(batch=3)
    helper = helper_of(started.pid)
    time.sleep(0.15 * seed)
    with suppress(ProcessLookupError):
        os.kill(helper, signal.SIGKILL)
    end = ended(started)
    assert end.code == 0, end.output
    assert end.output == "" or "it was killed by SIGKILL" in end.output
    each_once(desk)


@pytest.mark.parametrize("seed", range(4))
def test_a_first_process_killed_at_any_moment_takes_the_other_with_it_and_nothing_is_lost(
    desk: Any, two: Any, seed: int
) -> None:
    fill(desk)
    started = two(batch=3)
    helper = helper_of(started.pid)
    time.sleep(0.15 * seed)
    started.kill()
    started.join()
    until = time.monotonic() + 10
    while Path(f"/proc/{helper}/cmdline").exists() and Path(f"/proc/{helper}/cmdline").read_bytes():
        assert time.monotonic() < until, "the helper works on for nobody"
        time.sleep(0.01)
    for _ in range(2):
        assert desk.allegra("run").exit_code == 0
    each_once(desk)


@pytest.mark.parametrize("whom", ["the first", "both"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_both_stop_when_they_are_asked_to_and_give_back_what_they_have_not_done(
    desk: Any, two: Any, whom: str, how: signal.Signals
) -> None:
    fill(desk, 30)
    started = two(batch=3)
    helper = working(desk, started)
    os.kill(started.pid, how)
    if whom == "both":
        os.kill(helper, how)
    end = ended(started)
    assert (end.code, end.output) == (75, "")
    rows = case_of(desk).rows
    assert not Path(f"/proc/{helper}").exists()
    assert rows("SELECT ref FROM inbound WHERE owner IS NOT NULL OR state = 'received' AND attempts > 0") == []
    assert rows("SELECT name FROM mailbox WHERE lease_owner <> ''") == []
    assert desk.allegra("run").exit_code == 0
    each_once(desk, 30)


def test_what_a_helper_gave_back_when_somebody_stopped_it_alone_is_done_by_the_first(desk: Any, two: Any) -> None:
    fill(desk, 30)
    started = two(batch=3)
    helper = working(desk, started)
    os.kill(helper, signal.SIGTERM)
    end = ended(started)
    assert end.code == 0
    assert "mailbox support: a second process gave it up (it was asked to stop); the first went on" in end.output
    each_once(desk, 30)


def test_a_second_request_ends_both_where_they_are(desk: Any, two: Any) -> None:
    fill(desk, 30)
    started = two(batch=3)
    helper = working(desk, started)
    os.kill(started.pid, signal.SIGINT)
    os.kill(started.pid, signal.SIGTERM)
    assert ended(started).code == 75
    assert not Path(f"/proc/{helper}").exists()
    for _ in range(2):
        assert desk.allegra("run").exit_code == 0
    each_once(desk, 30)


BOX = """
[workspace.{0}]
name = "{0}"
[workspace.{0}.mailbox]
protocol  = "maildir"
path      = "mail/{0}"
addresses = ["{0}@example.com"]
move_on_success = "Done"
"""
SPACE = """
[[workspaces]]
identifier = "{0}"
name       = "{0}"
[[members]]
group     = "staff"
workspace = "{0}"
role      = "member"
"""


def test_three_processes_work_on_three_mailboxes_and_one_left_over(desk: Any, two: Any) -> None:
    more = ("third", "fourth")
    for name in more:
        for part in ("new", "cur", "tmp"):
            (desk.folder / "mail" / name / part).mkdir(parents=True)
        with (desk.folder / "allegra.toml").open("a") as file:
            file.write(BOX.format(name))
    desk.load("".join(map(SPACE.format, more)))
    desk.boxes = ("system", "support", *more)
    fill(desk, 10)
    lines, summary = told(ended(two("--json", "--jobs", "3", before=helped.call_at_once)))
    assert [line["mailbox"] for line in lines] == [box for box in desk.boxes for _ in range(10)]
    assert [box["state"] for box in summary["mailboxes"].values()] == ["ok"] * 4
    assert {line["outcome"] for line in lines} == {"created"}
    assert [len(desk.files(box, "Done")) for box in desk.boxes] == [10] * 4


def broken_python() -> None:
    """In the process of a pass: the interpreter for helpers is not there."""
    import sys

    helped.install()
    sys.executable = "/nowhere/python"


def changed_meanwhile() -> None:
    """In the process of a pass: the configuration is not what it was when helpers read it."""
    from engine.run.passing import Pass

    helped.install()
    run_before = Pass.run

    def changing(self: Any, mailboxes: Any) -> Any:
        with Path("allegra.toml").open("a") as file:
            file.write("# changed\n")
        return run_before(self, mailboxes)

    Pass.run = changing  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("how", "why"),
    [(broken_python, "it did not start (No such file or directory)"), (changed_meanwhile, "allegra.toml was changed")],
)
def test_where_no_helper_can_work_one_process_does_it_all_and_says_why(
    desk: Any, two: Any, how: Callable[[], None], why: str
) -> None:
    fill(desk)
    end = ended(two(before=how))
    assert end.code == 0
    assert why in end.output
    assert end.output.count("\n") == 1
    each_once(desk)


def test_a_mailbox_of_another_run_is_busy_also_for_a_helper(desk: Any, two: Any) -> None:
    from engine.run.lease import Lease
    from engine.store.clock import now as utc_now
    from engine.store.store import Store

    fill(desk)
    with Store.open(case_of(desk).database) as store, Lease(store, "support", utc_now):
        lines, summary = told(ended(two("--json")))
    assert Counter(line["mailbox"] for line in lines) == {"system": 20}
    assert summary["mailboxes"]["support"]["state"] == "busy"
