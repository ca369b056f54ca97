"""Long work in processes of its own: what comes of it, its limits, whose it is, and that it dies with us."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from console.offices import played

from engine.desk import job_child
from engine.desk import jobs as this
from engine.desk.job import Job, State
from engine.desk.jobs import Jobs
from engine.store.errors import NotFound, Refused, StoreError


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jobs") / "demo"
    played(folder)
    return folder / "allegra.toml"


@pytest.fixture
def jobs(config: Path) -> Iterator[Jobs]:
    made = Jobs(config, limit_s=30.0)
    yield made
    made.close()


def over(jobs: Jobs, job: Job, who: str = "anna") -> Job:
    """A job when nothing more comes of it."""
    until = time.monotonic() + 60
    while not job.is_over and time.monotonic() < until:
        time.sleep(0.02)
        job = jobs.look(job.id, who)
    return job


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


LONG = ("run", "--watch")
"""A command that goes on until it is ended."""


def test_a_job_is_the_command_and_its_lines(jobs: Jobs) -> None:
    done = over(jobs, jobs.begin("anna", "try", ("rules", "try", 'subject contains "print"', "--json")))
    assert done.state is State.DONE
    assert done.lines[-1]["summary"]["mails"] == 20
    assert {line["schema"] for line in done.lines} == {"allegra.rules.try/1"}
    assert (done.done, done.of) == (20, 20), "it told how far it had come"


def test_what_a_command_finds_wrong_is_no_failure_and_what_it_refuses_is(jobs: Jobs) -> None:
    found = over(jobs, jobs.begin("anna", "check", ("check", "--strict", "--format", "github")))
    assert found.state is State.DONE
    failed = over(jobs, jobs.begin("anna", "try", ("rules", "try", "subject exists", "--last", "never")))
    assert failed.state is State.FAILED
    assert "'never' is no time" in failed.said


def test_files_of_a_job_lie_where_only_we_read_and_go_with_it(jobs: Jobs, tmp_path: Path) -> None:
    mail = "From: jane@mail.bigcorp.example\r\nTo: help@example.com\r\nSubject: Hello\r\n\r\nHello\r\n"
    job = jobs.begin("anna", "mail", ("explain", "{}/a.eml", "--json"), files={"a.eml": mail})
    folder = jobs._works[job.id].folder
    assert folder.stat().st_mode & 0o777 == 0o700
    done = over(jobs, job)
    assert done.state is State.DONE and done.lines[0]["subject"] == "Hello"
    assert eventually(lambda: not folder.exists())


def test_nobody_sees_or_stops_the_work_of_others(jobs: Jobs) -> None:
    job = jobs.begin("anna", "long", LONG)
    with pytest.raises(NotFound):
        jobs.look(job.id, "bob")
    with pytest.raises(NotFound):
        jobs.stop(job.id, "bob")
    assert jobs.stop(job.id, "anna").state is State.STOPPED


def test_a_stopped_job_is_gone_with_all_that_it_began(jobs: Jobs) -> None:
    job = jobs.begin("anna", "long", LONG)
    assert eventually(lambda: jobs._works[job.id].process is not None)
    process = jobs._works[job.id].process
    assert process is not None
    jobs.stop(job.id, "anna")
    assert eventually(lambda: process.poll() is not None)


def test_a_newer_question_of_a_kind_ends_the_older_one_and_the_same_one_is_answered_once(jobs: Jobs) -> None:
    first = jobs.begin("anna", "long", LONG, key="a")
    assert jobs.begin("anna", "long", LONG, key="a").id == first.id
    second = jobs.begin("anna", "long", LONG, key="b")
    assert jobs.look(first.id, "anna").state is State.STOPPED
    assert jobs.look(second.id, "anna").state in (State.RUNS, State.WAITS)
    jobs.stop(second.id, "anna")
    done = over(jobs, jobs.begin("anna", "version", ("version", "--json"), key="v"))
    assert jobs.finished("anna", "version", "v") == done
    assert jobs.finished("bob", "version", "v") is None
    assert jobs.begin("anna", "version", ("version", "--json"), key="v").id == done.id


def test_at_most_so_many_run_at_once_and_the_others_wait_their_turn(jobs: Jobs) -> None:
    jobs.at_once = 1
    first, second = (jobs.begin(who, "long", LONG) for who in ("anna", "bob"))
    assert jobs.look(second.id, "bob").state is State.WAITS
    jobs.stop(first.id, "anna")
    assert eventually(lambda: jobs.look(second.id, "bob").state is State.RUNS)


def test_a_job_that_takes_too_long_is_ended(jobs: Jobs) -> None:
    jobs.limit_s = 0.3
    assert over(jobs, jobs.begin("anna", "long", LONG)).state is State.TOO_LONG


def test_whoever_begins_too_many_is_told_to_wait(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(this, "MOST_AN_HOUR", 3)
    for number in range(3):
        jobs.begin("anna", "long", LONG, key=str(number))
    with pytest.raises(Refused, match="try again"):
        jobs.begin("anna", "long", LONG, key="more")
    jobs.begin("bob", "long", LONG)


def test_lines_beyond_the_limit_are_counted_out_and_the_last_one_stays(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(this, "MOST_LINES", 3)
    done = over(jobs, jobs.begin("anna", "try", ("rules", "try", "subject exists", "--json")))
    assert len(done.lines) == 3 and done.cut
    assert "summary" in done.lines[-1]


PARENT = """
import sys, time
from pathlib import Path
from engine.desk.jobs import Jobs
jobs = Jobs(Path(sys.argv[1]))
job = jobs.begin("anna", "long", ("run", "--watch"))
while jobs._works[job.id].process is None: time.sleep(.02)
print(jobs._works[job.id].process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with the one that began it")
def test_a_job_dies_with_the_console_however_that_ends(config: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, config], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()

    def gone() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"
        except FileNotFoundError:
            return True

    assert eventually(gone)


def test_what_no_program_can_be_told_stops_no_other_work(jobs: Jobs) -> None:
    for number in range(jobs.at_once + 1):
        failed = over(jobs, jobs.begin("anna", "try", ("rules", "try", "--", f"a{number}\0b")))
        assert failed.state is State.FAILED and "it cannot be begun" in failed.said
    assert over(jobs, jobs.begin("anna", "version", ("version", "--json"))).state is State.DONE


def test_braces_in_what_is_asked_stay_what_they_are(jobs: Jobs) -> None:
    asked = ("rules", "try", "--json", "--", 'subject contains "{} %s" or {}')
    failed = over(jobs, jobs.begin("anna", "try", asked))
    assert "allegra-job-" not in failed.said and "{}" in failed.said


def test_a_job_that_is_hushed_tells_its_lines_only(jobs: Jobs) -> None:
    failed = over(jobs, jobs.begin("anna", "try", ("rules", "try", "secret secret"), hushed=True))
    assert failed.said == this.HUSHED
    done = over(jobs, jobs.begin("anna", "version", ("version", "--json"), hushed=True))
    assert done.lines and not done.said


def test_where_there_is_no_room_nothing_is_left(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StoreError, match="no folder can be made"):
        jobs.begin("anna", "effect", LONG, files={"a.toml": "x", "a.toml/b.toml": "y"})
    assert list(tmp_path.iterdir()) == []


def test_results_take_only_so_much_room(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(this, "MOST_HELD", 2_000)
    asked = ("rules", "try", "subject exists", "--json")
    done = [over(jobs, jobs.begin("anna", "try", asked, key=str(number))) for number in range(3)]
    over(jobs, jobs.begin("anna", "version", ("version", "--json")))
    with pytest.raises(NotFound):
        jobs.look(done[0].id, "anna")
    assert jobs.look(done[-1].id, "anna").lines


def test_a_job_may_take_only_so_much_memory(tmp_path: Path) -> None:
    greedy = "import sys; x = bytearray(600 * 1024 * 1024); print(len(x))"
    child = [sys.executable, "-I", "-S", job_child.__file__, str(os.getpid())]
    ended = subprocess.run([*child, sys.executable, "-c", greedy], capture_output=True, text=True, check=False)
    assert ended.returncode != 0 and "MemoryError" in ended.stderr
    fair = "import os; print(os.nice(0))"
    ended = subprocess.run([*child, sys.executable, "-c", fair], capture_output=True, text=True, check=True)
    assert int(ended.stdout) >= 10
