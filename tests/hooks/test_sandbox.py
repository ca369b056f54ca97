"""Workers: their fences, deadlines, limits and replacement."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hooks import case, selftest
from hooks.fences import MANDATORY
from hooks.limits import Limits
from hooks.process import BOOT, Worker
from hooks.sandbox import Call, Isolation, Program, Result, Sandbox, Script

CALM = "def guard(mail, ctx):\n    return True\n"
LOOP = "def guard(mail, ctx):\n    while True:\n        pass\n"
BOMB = "def guard(mail, ctx):\n    x = []\n    while True:\n        x.append('y' * 900_000)\n"

INSIDE = ";import os,hooks.kernel as k,hooks.worker as w;"
OPENS_A_FILE_TO_FORK = BOOT.replace(
    ";main()", f"{INSIDE}k.fork=lambda f=k.fork:(open('/proc/self/stat'),f())[1];main()"
)
"""What `os.fork` of Python 3.12 and later does, on every version."""
OPENS_A_FILE_LATER = BOOT.replace(
    ";main()", f"{INSIDE}k.fork=lambda f=k.fork,n=[]:(n.append(1),len(n)>2 and open('/proc/self/stat'),f())[2];main()"
)
GARBAGE = BOOT.replace(";main()", f"{INSIDE}w._bind=lambda *a:(os.write(1,b'\\0\\0\\0\\x02{{}}'),os.read(0,1));main()")


def call(text: str, option: str = "", **given: Any) -> Call:
    made = case.made(given)
    program = Program((Script("script.py", "guard", text),), made.params, made.tables)
    return Call(program, made.mail, made.item, made.context, option)


@pytest.fixture
def short() -> Iterator[Sandbox]:
    made = Sandbox(Limits(timeout_s=0.3))
    yield made
    made.close()


def pids(sandbox: Sandbox) -> list[int]:
    return [bound.worker.pid for bounds in sandbox._pool.idle.values() for bound in bounds]


def test_all_mandatory_fences_stand_here(short: Sandbox) -> None:
    result = short.run(call(CALM))
    assert result.outcome == "ok"
    assert set(MANDATORY) <= set(result.standing), result.missing


def test_a_worker_serves_many_calls(short: Sandbox) -> None:
    first = short.run(call(CALM))
    before = pids(short)
    short.run(call(CALM))
    assert first.outcome == "ok" and pids(short) == before


def test_a_loop_is_over_at_the_deadline_and_the_next_mail_is_served_soon(short: Sandbox) -> None:
    short.check(call(LOOP).program)
    began = time.monotonic()
    result = short.run(call(LOOP))
    ended = time.monotonic()
    assert (result.outcome, result.script) == ("timeout", 0)
    assert ended - began < 0.3 + 0.25
    assert short.run(call(CALM)).outcome == "ok"
    assert time.monotonic() - ended < 1.5


@pytest.mark.parametrize("mode", ["worker", "call"])
def test_a_memory_bomb_stays_in_its_worker(mode: str) -> None:
    sandbox = Sandbox(Limits(timeout_s=5), Isolation(mode))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sandbox.run(call(BOMB)).outcome == "memory"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 << 10
    sandbox.close()


def test_the_size_of_a_worker_is_known_and_small(short: Sandbox) -> None:
    short.run(call("import re, json, datetime, email.utils, unicodedata\n" + CALM))
    (bound,) = next(iter(short._pool.idle.values()))
    assert bound.rss_kb < 40 << 10


def test_a_missing_mandatory_fence_means_no_worker() -> None:
    sandbox = Sandbox(isolation=Isolation(without=frozenset({"seccomp"})))
    result = sandbox.run(call(CALM))
    assert result.outcome == "sandbox-missing"
    assert "seccomp (left out on request)" in result.message
    sandbox.close()


def test_a_missing_fence_may_be_allowed_and_is_told() -> None:
    sandbox = Sandbox(isolation=Isolation(without=frozenset({"seccomp", "landlock"}), reduced=True))
    result = sandbox.run(call(CALM))
    assert result.outcome == "ok"
    assert {name for name, _ in result.missing} == {"seccomp", "landlock"}
    sandbox.close()


def test_a_process_for_each_call() -> None:
    sandbox = Sandbox(Limits(timeout_s=0.3), Isolation("call"))
    assert [sandbox.run(call(CALM)).outcome for _ in range(3)] == ["ok"] * 3
    assert sandbox.run(call(LOOP)).outcome == "timeout"
    assert sandbox.run(call(CALM)).outcome == "ok"
    sandbox.close()


def test_several_threads_have_workers_of_their_own(short: Sandbox) -> None:
    found: list[Result] = []

    def work() -> None:
        found.extend(short.run(call(CALM)) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.outcome for result in found] == ["ok"] * 9


def test_a_worker_outlives_the_thread_that_asked_for_it(short: Sandbox) -> None:
    thread = threading.Thread(target=lambda: short.check(call(CALM).program))
    thread.start()
    thread.join()
    (pid,) = pids(short)
    assert short.run(call(CALM)).outcome == "ok"
    assert pids(short) == [pid]


def test_a_worker_that_is_killed_from_outside_is_a_failure_with_a_name(short: Sandbox) -> None:
    short.check(call(CALM).program)
    os.killpg(pids(short)[0], 9)
    result = short.run(call(CALM))
    assert (result.outcome, result.message) == ("killed", "the worker ended with signal 9")


def test_closing_ends_all_workers_and_leaves_no_descriptor() -> None:
    before = {each.name for each in Path("/proc/self/fd").iterdir()}
    sandbox = Sandbox()
    sandbox.run(call(CALM))
    sandbox.prepare(call(CALM).program)
    (pid,) = pids(sandbox)
    sandbox.close()
    assert {each.name for each in Path("/proc/self/fd").iterdir()} <= before
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("boot", "said"),
    [
        ("import os; os.write(1, b'\\xff\\xff\\xff\\xff' + b'A' * 100); os.read(0, 1)", "sent a reply of"),
        ("import os; os.write(1, b'\\0\\0\\0\\x02{}'); os.read(0, 1)", "sent the first message"),
        ("import os; os.write(1, b'\\0\\0\\0\\x02{}more'); os.read(0, 1)", "sent a reply that nobody asked for"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os; os._exit(71)", "out of memory"),
        ("import time; time.sleep(60)", "the time was over"),
        ("raise SystemExit", "exit code 0"),
        (OPENS_A_FILE_TO_FORK, "harmless script of the self-test failed, a forbidden system call was tried"),
    ],
)
def test_a_worker_that_fails_before_it_has_a_script_means_that_hooks_do_not_work_here(boot: str, said: str) -> None:
    patience_s = 0.5 if "sleep" in boot else 10.0
    sandbox = Sandbox(Limits(start_timeout_s=patience_s), Isolation(boot=boot))
    result = sandbox.run(call(CALM))
    assert (result.outcome, result.script) == ("sandbox-missing", -1)
    assert said in result.message and selftest.machine() in result.message
    sandbox.close()


def test_hooks_that_do_not_work_here_are_not_tried_again_for_each_mail() -> None:
    sandbox = Sandbox(isolation=Isolation(boot="import os; os._exit(3)"))
    first = sandbox.run(call(CALM))
    began = time.perf_counter()
    again = [sandbox.run(call(CALM)) for _ in range(50)]
    assert time.perf_counter() - began < 0.5, "no process was started"
    assert {(each.outcome, each.message) for each in again} == {("sandbox-missing", first.message)}
    sandbox.close()


def test_a_fence_that_kills_our_own_code_between_two_children_blames_no_script() -> None:
    sandbox = Sandbox(Limits(calls=1), Isolation(boot=OPENS_A_FILE_LATER))
    assert sandbox.run(call(CALM)).outcome == "ok"
    result = sandbox.run(call(CALM))
    assert (result.outcome, result.script) == ("sandbox-missing", -1)
    assert "a fence killed our own code" in result.message
    sandbox.close()


def test_a_worker_that_misbehaves_when_it_is_given_its_scripts_is_an_attack() -> None:
    sandbox = Sandbox(isolation=Isolation(boot=GARBAGE))
    assert sandbox.run(call(CALM)).outcome == "attack"
    sandbox.close()


def test_a_reply_to_another_question_is_an_attack(monkeypatch: pytest.MonkeyPatch, short: Sandbox) -> None:
    assert short.run(call(CALM)).outcome == "ok"
    real = Worker.receive
    replies: list[bytes] = []

    def replayed(self: Worker, most: int, deadline: float) -> bytes:
        replies.append(real(self, most, deadline))
        return replies[0]

    monkeypatch.setattr(Worker, "receive", replayed)
    assert short.run(call(CALM)).outcome == "ok"
    assert short.run(call(CALM)).outcome == "attack"


def test_a_huge_mail_is_sent_and_answered(short: Sandbox) -> None:
    text = "def guard(mail, ctx):\n    ctx.log(len(mail.body), mail.body.count('é'))\n"
    assert short.run(call(text, mail={"body": "é\n" * 500_000})).log == ("1000000 500000",)


@pytest.mark.parametrize(
    ("before", "verdict"), [("", "accept"), ("ctx.hold('look')", "hold"), ("ctx.error('x')", "hold")]
)
def test_a_reply_that_would_be_too_long_is_refused_inside(before: str, verdict: str, short: Sandbox) -> None:
    text = f"def activity(mail, item, ctx):\n    {before or 'pass'}\n    for name in item.field_names:\n"
    made = case.made({"schema": {str(n): "text" for n in range(13)}})
    program = Program((Script("script.py", "activity", f"{text}        item[name] = 'x' * 699_000\n"),))
    result = short.run(Call(program, made.mail, made.item, made.context))
    assert (result.outcome, result.verdict) == ("runtime-denied", verdict)
    assert "8 MB" in result.message


ENDS = {
    "timeout": "while True:\n        pass",
    "memory": "x = []\n    while True:\n        x.append('y' * 900_000)",
    "killed": "t = ()\n    for i in range(200_000):\n        t = (t,)\n    {t}",
}


@pytest.mark.parametrize("outcome", ENDS)
@pytest.mark.parametrize("said", ["reject('nein, böse')", "hold('nein, böse')"])
def test_a_refusal_stands_however_the_process_ends(outcome: str, said: str) -> None:
    sandbox = Sandbox(Limits(timeout_s=0.3 if outcome == "timeout" else 10))
    result = sandbox.run(call(f"def guard(mail, ctx):\n    ctx.{said}\n    {ENDS[outcome]}\n"))
    assert result.outcome == outcome or (outcome, result.error_type) == ("killed", "RecursionError")  # C may bound it
    assert (result.verdict, result.reason) == (said[: said.index("(")], "nein, böse")
    assert sandbox.run(call(CALM)).verdict == "accept"
    sandbox.close()


def test_guard_and_activity_share_one_trip_and_a_refusal_ends_it(short: Sandbox) -> None:
    made = case.made({"item": {"priority": "Low"}})
    change = Script("change.py", "activity", "def activity(mail, item, ctx):\n    item.priority = 'High'\n")
    for verdict, expected in (("True", (("priority", "High"),)), ("False", ())):
        guard = Script("guard.py", "guard", f"def guard(mail, ctx):\n    return {verdict}\n")
        result = short.run(Call(Program((guard, change)), made.mail, made.item, made.context))
        assert (result.outcome, result.changes) == ("ok", expected)


def test_the_script_that_failed_is_named_by_its_place(short: Sandbox) -> None:
    made = case.made({})
    scripts = (Script("a.py", "guard", CALM), Script("b.py", "guard", LOOP))
    result = short.run(Call(Program(scripts), made.mail, made.item, made.context))
    assert (result.outcome, result.script) == ("timeout", 1)


def test_executed_lines_are_counted(short: Sandbox) -> None:
    text = "def guard(mail, ctx):\n    for i in range(3):\n        x = i\n    return True\n"
    ((name, counts),) = short.run(call(text, "trace")).lines
    assert (name, dict(counts)) == ("script.py", {1: 1, 2: 4, 3: 3, 4: 1})


def test_the_boot_code_loads_nothing_but_the_worker() -> None:
    assert BOOT.endswith("from hooks.worker import main;main()")
