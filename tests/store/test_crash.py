"""Killed anywhere, by SIGKILL, then run again: every mail once, nothing lost, nothing twice."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from time import sleep

import pytest
from servers.forks import process
from store.runner import one_pass, passes

from engine.store.store import Store

MAILS = 3


def furnish(home: Path, mails: int = MAILS) -> Path:
    for folder in ("inbox", "done"):
        (home / folder).mkdir(parents=True)
    for number in range(mails):
        (home / "inbox" / f"{number:03d}").write_text(f"mail {number}")
    with Store.open(home / "db.sqlite3") as store:
        store.items.put_workspace("support")
    return home


def child(home: Path, *kills: int, with_lease: bool = True) -> int:
    """Run a pass in a process that may be killed; gives its exit code."""
    made = process(passes, home, kills, with_lease)
    made.start()
    made.join()
    code = made.exitcode
    made.close()
    return code


def snapshot(home: Path) -> list[tuple]:
    tables = ("inbound", "presentation", "item", "receipt", "effect", "event", "outbox")
    with Store.open(home / "db.sqlite3") as store:
        queries = [f"SELECT * FROM {table} ORDER BY 1, 2" for table in tables]  # noqa: S608
        return [row for query in queries for row in store.database.rows(query)]


def conserved(home: Path, mails: int = MAILS, crashed: bool = True) -> None:
    """The conservation law, after two passes that nobody killed; the second one changes nothing."""
    one_pass(home)
    before = snapshot(home)
    one_pass(home)
    assert snapshot(home) == before
    wanted = Counter(f"mail {number}" for number in range(mails))
    with Store.open(home / "db.sqlite3") as store:
        rows = store.database.rows
        assert Counter(title for (title,) in rows("SELECT title FROM item")) == wanted
        assert Counter(content.decode() for (content,) in rows("SELECT content FROM raw_mail")) == wanted
        assert rows("SELECT DISTINCT state FROM inbound") == [("done",)]
        assert rows("SELECT count(*) FROM receipt") == [(mails,)]
        assert rows("SELECT name, count(*) FROM event GROUP BY name") == [("item.created", mails)]
        assert {state for (state,) in rows("SELECT action_state FROM presentation")} <= {"done", "gone"}
        states = dict(rows("SELECT address_key, state FROM outbox"))
    assert sorted(each.name for each in (home / "done").iterdir()) == [f"{number:03d}" for number in range(mails)]
    assert list((home / "inbox").iterdir()) == []
    lines = (home / "sent").read_text().splitlines()
    sends = Counter(line.rpartition(" ")[0] for line in lines)
    assert len(states) == 2 * mails
    for title in wanted:
        automatic, normal = f"{title}@auto.example", f"{title}@normal.example"
        assert sends[automatic] <= 1, "an automatic mail went out twice"
        assert states[automatic] == "sent" or (crashed and states[automatic] == "unknown")
        assert states[normal] == "sent" and 1 <= sends[normal] <= 2
        assert len({line for line in lines if line.startswith(normal)}) == 1, "sent twice under two Message-IDs"


def test_a_pass_that_nobody_kills(tmp_path):
    home = furnish(tmp_path / "home")
    assert child(home) == 0
    conserved(home, crashed=False)


def step_names(tmp_path: Path) -> list[str]:
    return one_pass(furnish(tmp_path / "counted"))


@pytest.mark.parametrize("name", ["COMMIT", "RELEASE", "spooled", "committed", "move", "moved", "send", "sent"])
def test_G1_killed_at_the_first_second_and_last_time_of_every_named_step(tmp_path, name):
    names = step_names(tmp_path)
    at = [number for number, each in enumerate(names, 1) if each == name]
    hits = {at[0], at[min(1, len(at) - 1)], at[-1]}
    for kill in sorted(hits | {hit + 1 for hit in hits if hit < len(names)}):  # before the step, and right behind it
        home = furnish(tmp_path / f"at-{kill}")
        assert child(home, kill) == -signal.SIGKILL
        conserved(home)


def test_G1_killed_between_any_two_statements(tmp_path):
    steps = len(step_names(tmp_path))
    for kill in range(1, steps + 1, 4):
        home = furnish(tmp_path / f"at-{kill}")
        assert child(home, kill) == -signal.SIGKILL
        conserved(home)


def test_G10_killed_again_and_again_it_still_ends(tmp_path):
    """Each pass dies a little later than the one before, as long as no mail has used its attempts up."""
    home = furnish(tmp_path / "home")
    steps = len(step_names(tmp_path))
    for kill in range(steps // 5, steps, steps // 5):
        child(home, kill)
    conserved(home)


@pytest.mark.parametrize("with_lease", [True, False], ids=["with leases", "without leases"])
def test_G6_three_runners_at_once_decide_every_mail_once(tmp_path, with_lease):
    home = furnish(tmp_path / "home", 12)
    processes = [process(passes, home, (), with_lease) for _ in range(3)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    codes = [each.exitcode for each in processes]
    for each in processes:
        each.close()
    if with_lease:
        assert codes == [0, 0, 0]
    conserved(home, 12)


def test_G6_one_runner_is_killed_while_another_works(tmp_path):
    home = furnish(tmp_path / "home", 8)
    processes = [process(passes, home, (kill,), True) for kill in (45, 0)]
    processes[0].start()
    with Store.open(home / "db.sqlite3") as store:  # it has begun, so the other one does not do all of it first
        while processes[0].is_alive() and not store.database.rows("SELECT 1 FROM inbound"):
            sleep(0.001)
    processes[1].start()
    for each in processes:
        each.join()
    codes = [each.exitcode for each in processes]
    for each in processes:
        each.close()
    assert codes == [-signal.SIGKILL, 0]
    conserved(home, 8)
