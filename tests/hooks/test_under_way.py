"""Calls under way: several questions lie with one worker, and each promise of a single call holds for all of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from plain_worker import TRAMPOLINE

from hooks import case, limits
from hooks.limits import Limits
from hooks.process import BOOT, Worker
from hooks.sandbox import Call, Isolation, Pending, Program, Sandbox, Script

TELLS = """
def guard(mail, ctx):
    if mail.subject == "loop":
        while True:
            pass
    if mail.subject == "raise":
        raise ValueError(mail.from_name)
    if mail.subject == "bomb":
        hoard = []
        while True:
            hoard.append("y" * 900_000)
    if mail.subject == "refuse":
        return ctx.reject("no " + mail.from_name)
    if mail.subject == "refuse and loop":
        ctx.reject("no " + mail.from_name)
        while True:
            pass
    if mail.subject == "talk":
        for _ in range(200):
            ctx.log("x" * 1_000)
        for _ in range(50):
            ctx.error("x" * 200, "y" * 1_000)
    ctx.log(mail.from_name)
"""
PROGRAM = Program((Script("tells.py", "guard", TELLS),))
PLAIN_BOOT = BOOT.replace("from hooks.worker import main", "from plain_worker import main")
HERE = str(Path(__file__).parent)
PID = "import os\ndef guard(mail, ctx):\n    ctx.log(os.getpid())\n"


def call(name: str, subject: str = "", body: str = "hello", program: Program = PROGRAM) -> Call:
    made = case.made({"mail": {"from_name": name, "subject": subject, "body": body}})
    return Call(program, made.mail, made.item, made.context)


def plain(text: str) -> Call:
    made = case.made({"mail": {"html": text}})
    return Call(Program((Script("trampoline.py", "guard", TRAMPOLINE),)), made.mail, made.item, made.context)


def said(pending: list[Pending]) -> list[Any]:
    results = [each.result() for each in pending]
    return [result.log[-1] if result.outcome == "ok" and result.log else result.outcome for result in results]


def pids(sandbox: Sandbox) -> list[int]:
    return [bound.worker.pid for bounds in sandbox._pool.idle.values() for bound in bounds]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(Limits(timeout_s=0.4))
    yield made
    made.close()


@pytest.fixture
def patient() -> Iterator[Sandbox]:
    made = Sandbox(Limits(timeout_s=10))
    yield made
    made.close()


def test_answers_come_in_the_order_of_the_questions_from_one_worker(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    before = pids(sandbox)
    pending = [sandbox.begin(call(f"n{n}")) for n in range(20)]
    assert said(pending) == [f"n{n}" for n in range(20)]
    assert pids(sandbox) == before


def test_answers_may_be_awaited_in_any_order(sandbox: Sandbox) -> None:
    pending = [sandbox.begin(call(f"n{n}")) for n in range(6)]
    assert said(pending[::-1]) == [f"n{n}" for n in range(6)][::-1]
    assert pending[0].result() is pending[0].result()


def test_a_call_is_begun_without_waiting_for_the_one_before_it(patient: Sandbox) -> None:
    patient.check(PROGRAM)
    began = time.monotonic()
    busy = [patient.begin(call("a", "loop")), patient.begin(call("b"))]
    assert time.monotonic() - began < 1
    patient.close()
    assert said(busy) == ["sandbox-missing"] * 2


@pytest.mark.parametrize("subject", ["", "talk"])
def test_full_pipes_on_both_sides_stop_nobody(subject: str, patient: Sandbox) -> None:
    body = "é" * 120_000
    pending = [patient.begin(call(f"n{n}", subject, body)) for n in range(12)]
    results = [each.result() for each in pending]
    assert [(each.outcome, each.verdict, each.log[-1][:2]) for each in results if not subject] == [
        ("ok", "accept", f"n{n}"[:2]) for n in range(0 if subject else 12)
    ]
    assert {each.outcome for each in results} == {"ok"}


def test_what_waits_to_be_sent_is_bounded(patient: Sandbox) -> None:
    pending, most, stood = [], 0, False
    for n in range(8):
        pending.append(patient.begin(call(f"n{n}", "", "x" * 400_000)))
        bound = patient._lines[threading.get_ident(), PROGRAM.key]._bound
        if bound and not stood:  # what is sent to one that stands still waits
            os.kill(bound.worker.pid, signal.SIGSTOP)
            pending.append(patient.begin(call(f"s{n}", "", "x" * 400_000)))
            stood, most = True, max(most, bound.worker.unsent)
            os.kill(bound.worker.pid, signal.SIGCONT)
        most = max(most, bound.worker.unsent if bound else 0)
    assert stood
    assert 0 < most <= limits.UNSENT_BYTES
    assert sorted(said(pending))[:8] == [f"n{n}" for n in range(8)] and len(pending) == 9


@pytest.mark.parametrize("bad", ["loop", "raise", "bomb"])
def test_calls_behind_one_that_failed_are_answered_by_another_process_and_blamed_for_nothing(bad: str) -> None:
    sandbox = Sandbox(Limits(timeout_s=0.5 if bad == "loop" else 10))
    sandbox.check(PROGRAM)
    before = pids(sandbox)
    pending = [sandbox.begin(call(f"n{n}", bad if n in (1, 3) else "")) for n in range(5)]
    outcome = {"loop": "timeout", "raise": "runtime-error", "bomb": "memory"}[bad]
    assert said(pending) == ["n0", outcome, "n2", outcome, "n4"]
    assert [each.result().script for each in pending] == [0, 0, 0, 0, 0]
    assert pids(sandbox) and pids(sandbox) != before
    sandbox.close()


def test_a_worker_that_is_killed_from_outside_keeps_what_it_said_and_fails_one_call(patient: Sandbox) -> None:
    patient.check(PROGRAM)
    (pid,) = pids(patient)
    pending = [patient.begin(call(f"n{n}", "loop" if n == 2 else "")) for n in range(4)]
    time.sleep(0.3)
    os.killpg(pid, 9)
    assert said(pending[:3]) == ["n0", "n1", "killed"]
    assert said(pending[3:]) == ["n3"]


def test_an_answer_that_lies_in_the_pipe_is_not_late_however_late_it_is_asked_for(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    pending = [sandbox.begin(call(f"n{n}")) for n in range(3)]
    time.sleep(1.0)
    assert said(pending) == ["n0", "n1", "n2"]


def test_an_answer_that_did_not_fit_the_pipe_is_not_late_either(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    pending = [sandbox.begin(call(f"n{n}", "talk")) for n in range(2)]
    time.sleep(1.0)
    assert [each.result().outcome for each in pending] == ["ok", "ok"]


def test_a_question_that_did_not_fit_the_pipe_is_not_late_because_nobody_sent_it(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    pending = [sandbox.begin(call(f"n{n}", "", "x" * 400_000)) for n in range(2)]
    time.sleep(1.0)
    assert said(pending) == ["n0", "n1"]


def test_the_time_of_a_call_counts_from_when_the_one_before_it_was_answered() -> None:
    text = "import time\ndef guard(mail, ctx):\n    until = time.monotonic() + 0.1\n"
    text += "    while time.monotonic() < until:\n        pass\n"
    with closing(Sandbox(Limits(timeout_s=0.5), Isolation(boot=PLAIN_BOOT, path=(HERE,)))) as sandbox:
        began = time.monotonic()
        results = [each.result() for each in [sandbox.begin(plain(text)) for _ in range(7)]]
        took = time.monotonic() - began
    assert {each.outcome for each in results} == {"ok"}
    assert took > 0.5, "each had its time, all together took longer"
    assert sum(each.ms for each in results) < took * 1_000 + 1


def test_a_loop_is_over_at_its_deadline_also_where_the_engine_was_elsewhere(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    pending = [sandbox.begin(call("a", "loop")), sandbox.begin(call("b"))]
    time.sleep(0.6)
    began = time.monotonic()
    assert pending[0].result().outcome == "timeout"
    assert time.monotonic() - began < 0.2
    assert said(pending[1:]) == ["b"]


def test_a_loop_that_used_up_its_cpu_time_before_somebody_listened_took_too_long(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    (pid,) = pids(sandbox)
    pending = [sandbox.begin(call("a", "refuse and loop")), sandbox.begin(call("b"))]
    until = time.monotonic() + 30
    while time.monotonic() < until and "Z" not in Path(f"/proc/{pid}/stat").read_text().split():
        time.sleep(0.05)
    result = pending[0].result()
    assert (result.outcome, result.script, result.verdict, result.reason) == ("timeout", 0, "reject", "no a")
    assert result.cpu_ms > 1_000 * sandbox.limits.timeout_s
    assert said(pending[1:]) == ["b"]


ANSWERS = {"": "n", "raise": "runtime-error", "refuse": "ok", "talk": "ok", "big": "n"}


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(sorted(ANSWERS)), max_size=9), st.randoms(use_true_random=False))
def test_whatever_is_begun_and_awaited_in_whatever_order_each_call_gets_its_own_answer(
    subjects: list[str], chance: Any
) -> None:
    waiting: list[tuple[int, str, Pending]] = []
    with closing(Sandbox(Limits(timeout_s=10, calls=4))) as sandbox:
        for n, subject in enumerate(subjects):
            body = "é" * 150_000 if subject == "big" else ""
            waiting.append((n, subject, sandbox.begin(call(f"n{n}", "" if subject == "big" else subject, body))))
            chance.shuffle(waiting)
            if chance.random() < 0.4:
                _holds(*waiting.pop())
        for each in waiting:
            _holds(*each)


def _holds(n: int, subject: str, pending: Pending) -> None:
    result = pending.result()
    if ANSWERS[subject] == "n":
        assert result.log == (f"n{n}",)
    elif subject == "refuse":
        assert (result.verdict, result.reason) == ("reject", f"no n{n}")
    elif subject == "raise":
        assert (result.outcome, result.message) == ("runtime-error", f"n{n}")
    else:
        assert (result.outcome, len(result.log)) == ("ok", 200)


def test_a_refusal_belongs_to_the_call_that_said_it(sandbox: Sandbox) -> None:
    sandbox.check(PROGRAM)
    subjects = ["refuse", "loop", "refuse and loop", "", "loop"]
    results = [each.result() for each in [sandbox.begin(call(f"n{n}", each)) for n, each in enumerate(subjects)]]
    assert [(each.outcome, each.verdict, each.reason) for each in results] == [
        ("ok", "reject", "no n0"),
        ("timeout", "accept", ""),
        ("timeout", "reject", "no n2"),
        ("ok", "accept", ""),
        ("timeout", "accept", ""),
    ]


def test_a_child_is_renewed_in_the_middle_of_a_batch() -> None:
    sandbox = Sandbox(Limits(calls=3), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    logs = [each.result().log for each in [sandbox.begin(plain(PID)) for _ in range(8)]]
    assert [logs.index(each) for each in logs] == [0, 0, 0, 3, 3, 3, 6, 6]
    assert len(pids(sandbox)) == 1
    sandbox.close()


def test_a_child_that_used_its_time_is_renewed_in_the_middle_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import os, time\ndef guard(mail, ctx):\n    ctx.log(os.getpid())\n    until = time.process_time() + 0.4\n"
    text += "    while time.process_time() < until:\n        pass\n"
    sandbox = Sandbox(Limits(timeout_s=10), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    logs = [each.result().log for each in [sandbox.begin(plain(text)) for _ in range(5)]]
    assert [logs.index(each) for each in logs] == [0, 0, 0, 3, 3]
    sandbox.close()


def test_a_process_for_each_call_also_of_a_batch() -> None:
    sandbox = Sandbox(Limits(timeout_s=2), Isolation("call", boot=PLAIN_BOOT, path=(HERE,)))
    logs = [each.result().log for each in [sandbox.begin(plain(PID)) for _ in range(4)]]
    assert len(set(logs)) == 4 and all(logs)
    sandbox.close()


def test_the_cpu_time_of_a_call_is_its_own(patient: Sandbox) -> None:
    busy = Script(
        "busy.py",
        "guard",
        "def guard(mail, ctx):\n    for i in range(4_000_000):\n        pass\n"
        + "    if mail.subject:\n        x = []\n        while True:\n            x.append('y' * 900_000)\n",
    )
    program = Program((busy,))
    pending = [patient.begin(call("n", "bomb" if n == 4 else "", program=program)) for n in range(5)]
    times = [each.result().cpu_ms for each in pending]
    assert pending[4].result().outcome == "memory"
    assert times[4] < 3 * max(times[:4]), times


def test_programs_have_lines_of_their_own_and_not_too_many_workers_at_a_time(patient: Sandbox) -> None:
    programs = [Program((Script("tells.py", "guard", TELLS),), f'{{"n":{n}}}') for n in range(11)]
    pending = [patient.begin(call(f"n{n}", program=program)) for n, program in enumerate(programs)]
    under_way = [line for line in patient._lines.values() if line._bound is not None]
    assert len(under_way) <= 8
    assert said(pending) == [f"n{n}" for n in range(11)]


def test_threads_begin_on_workers_of_their_own(patient: Sandbox) -> None:
    found: dict[int, list[Any]] = {}

    def work(number: int) -> None:
        found[number] = said([patient.begin(call(f"t{number} n{n}")) for n in range(10)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"t{number} n{n}" for n in range(10)] for number in range(3)}


def test_an_answer_may_be_awaited_in_another_thread(patient: Sandbox) -> None:
    pending = [patient.begin(call(f"n{n}")) for n in range(10)]
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(said(pending)))
    thread.start()
    assert said(pending[::-1])[::-1] == [f"n{n}" for n in range(10)]
    thread.join()
    assert found == [f"n{n}" for n in range(10)]


def test_closing_ends_the_worker_of_calls_under_way_and_they_have_a_result() -> None:
    before = {each.name for each in Path("/proc/self/fd").iterdir()}
    sandbox = Sandbox(Limits(timeout_s=10))
    sandbox.check(PROGRAM)
    (pid,) = pids(sandbox)
    pending = [sandbox.begin(call(f"n{n}", "loop")) for n in range(3)]
    sandbox.close()
    assert not Path(f"/proc/{pid}").exists()
    assert said(pending) == ["sandbox-missing"] * 3
    assert {each.name for each in Path("/proc/self/fd").iterdir()} <= before


def test_an_interruption_costs_the_worker_and_no_answer(patient: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.check(PROGRAM)
    (pid,) = pids(patient)
    pending = [patient.begin(call(f"n{n}")) for n in range(3)]

    class Struck(BaseException):
        pass

    def strike(*given: Any) -> bytes:
        raise Struck

    with monkeypatch.context() as patched, pytest.raises(Struck):
        patched.setattr("hooks.process.Worker.receive", strike)
        pending[0].result()
    assert not Path(f"/proc/{pid}").exists()
    assert said(pending) == ["n0", "n1", "n2"]


def test_a_call_that_could_not_begin_stands_in_nobodys_way(patient: Sandbox) -> None:
    pending = patient.begin(call("a"))
    wrong = call("b")
    with pytest.raises(TypeError):
        patient.begin(Call(wrong.program, "{}", wrong.item, wrong.context))  # type: ignore[arg-type]
    assert said([pending, patient.begin(call("c"))]) == ["a", "c"]


def test_an_interruption_while_a_worker_starts_leaves_no_process(
    patient: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def strike(pool: Any, worker: Worker) -> None:
        started.append(worker.pid)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("hooks.pool.Pool._proved", strike)
        patient.begin(call("a"))
    assert started and not Path(f"/proc/{started[0]}").exists()
    assert said([patient.begin(call("b"))]) == ["b"]


def test_where_hooks_do_not_work_every_call_is_told_so_at_once() -> None:
    sandbox = Sandbox(isolation=Isolation(boot="import os; os._exit(3)"))
    pending = [sandbox.begin(call(f"n{n}")) for n in range(5)]
    assert said(pending) == ["sandbox-missing"] * 5
    assert len({each.result().message for each in pending}) == 1
    sandbox.close()


# ── what a process that broke out of the language gains by questions that lie in its pipe

READS_AHEAD = """
import json, os
from hooks import frame, limits
def guard(mail, ctx):
    later = [json.loads(frame.receive(0, limits.REQUEST_BYTES)) for _ in range(2)]
    said = {"outcome": "ok", "verdict": "accept", "reason": "", "changes": {}, "dropped": [], "errors": [],
            "log": ["PWNED"], "script": 0, "error": None, "lines": {}, "cpu_ms": 0.0}
    forged = [json.dumps({**said, "nonce": each["nonce"]}).encode() for each in later]
    LAST
"""
"""Out of the language fence, and having read the two questions behind its own."""
FORGES = {
    "before its own": "[frame.send(1, each) for each in forged]",
    "behind a failure": "os._exit = lambda code: [frame.send(1, each) for each in forged]\n    1 / 0",
    "and goes": "os._exit(0)",
    "and stays": "while True: pass",
}


@pytest.mark.parametrize("how", FORGES)
def test_a_process_that_reads_ahead_and_does_not_succeed_answers_for_no_other_mail(how: str) -> None:
    sandbox = Sandbox(Limits(timeout_s=1), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    refuses = "def guard(mail, ctx):\n    return ctx.reject('no')"
    texts = [READS_AHEAD.replace("LAST", FORGES[how]), refuses, refuses]
    first, *behind = [each.result() for each in [sandbox.begin(plain(text)) for text in texts]]
    assert first.outcome != "ok", first
    assert [(each.outcome, each.verdict, each.log) for each in behind] == [("ok", "reject", ())] * 2
    sandbox.close()


def test_with_a_process_for_each_call_there_is_no_question_to_read_ahead() -> None:
    sandbox = Sandbox(Limits(timeout_s=0.5), Isolation("call", boot=PLAIN_BOOT, path=(HERE,)))
    texts = [READS_AHEAD.replace("LAST", "return True"), PID, PID]
    results = [each.result() for each in [sandbox.begin(plain(text)) for text in texts]]
    assert [each.outcome for each in results] == ["timeout", "ok", "ok"]
    sandbox.close()


def test_an_answer_that_nobody_asked_for_is_an_attack() -> None:
    sandbox = Sandbox(Limits(timeout_s=5), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    text = "from hooks import frame\ndef guard(mail, ctx):\n    real = frame.send\n"
    text += "    frame.send = lambda fd, body: real(fd, body + b'\\0\\0\\0\\x02{}')\n"
    twice = "import os\nfrom hooks import frame\ndef guard(mail, ctx):\n    real = frame.send\n"
    twice += "    frame.send = lambda fd, body: os.write(fd, frame.packed(body) + frame.packed(body))\n"
    assert sandbox.run(plain(text)).outcome == "attack"
    result = sandbox.run(plain(twice))
    assert (result.outcome, result.message) == ("attack", "the worker sent a reply that nobody asked for")
    batch = [each.result().outcome for each in [sandbox.begin(plain(each)) for each in (twice, PID, PID)]]
    assert batch == ["ok", "attack", "ok"]
    sandbox.close()
