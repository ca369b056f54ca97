"""Fences one by one: each stands only if it was tried, and the engine's death ends its workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hooks import fences, jail, kernel, seccomp
from hooks.sandbox import Isolation, Program, Sandbox, Script

CALM = Program((Script("calm.py", "guard", "def guard(mail, ctx):\n    return True\n"),))
ROOT = str(Path(jail.__file__).parents[1])


@pytest.mark.parametrize("name", [*fences.MANDATORY, *fences.OPTIONAL])
def test_a_fence_that_is_left_out_is_missing_and_the_others_stand(name: str) -> None:
    sandbox = Sandbox(isolation=Isolation(without=frozenset({name}), reduced=True))
    result = sandbox.check(CALM)
    sandbox.close()
    assert result.outcome == "ok", result
    assert name not in result.standing
    assert dict(result.missing)[name] == "left out on request"
    needs_it = {"no-new-privs": {"seccomp"}}.get(name, set())
    assert set(fences.MANDATORY) - {name} - set(result.standing) <= needs_it


@pytest.mark.parametrize("name", fences.MANDATORY)
def test_without_a_mandatory_fence_nothing_runs(name: str) -> None:
    sandbox = Sandbox(isolation=Isolation(without=frozenset({name})))
    result = sandbox.check(CALM)
    sandbox.close()
    assert result.outcome == "sandbox-missing" and name in result.message


def test_every_fence_has_a_sentence() -> None:
    assert {*fences.MANDATORY, *fences.OPTIONAL, "deadline"} == set(fences.SENTENCES)


def test_a_worker_ends_with_the_engine_even_when_that_is_killed() -> None:
    program = (
        "import sys, time\nsys.path.insert(0, sys.argv[1])\n"
        "from hooks.sandbox import *\n"
        "s = Sandbox()\n"
        "p = Program((Script('a', 'guard', 'def guard(mail, ctx):\\n    while True: pass\\n'),))\n"
        "s.check(p)\n"
        "(bound,) = s._pool.idle[p.key]\n"
        "print(bound.worker.pid, flush=True)\n"
        "s.run(Call(p, b'{}', b'{\"schema\":{},\"values\":{}}', b'{}'))\n"
    )
    engine = subprocess.Popen([sys.executable, "-c", program, ROOT], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    engine.kill()
    engine.wait()
    engine.stdout.close()
    until = time.monotonic() + 5
    while _runs(pid) and time.monotonic() < until:
        os.sched_yield()
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


@pytest.mark.skipif(not kernel.SUPPORTED, reason="numbers are known for x86-64 and arm64 on Linux")
def test_the_filter_is_a_valid_program_whose_jumps_stay_inside() -> None:
    for forking in (False, True):
        code = seccomp.program(seccomp.KILL, forking=forking)
        assert len(code) < 4_096
        assert code[-1] == (0x06, 0, 0, seccomp.KILL)
        for at, (operation, yes, no, _) in enumerate(code):
            if operation & 0x07 == 0x05:
                assert at + 1 + max(yes, no) < len(code)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_both_machines_have_numbers_for_all_calls(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = kernel._X86_64 if machine == "x86_64" else kernel._AARCH64
    other = kernel._AARCH64 if machine == "x86_64" else kernel._X86_64
    assert set(other) - set(numbers) <= {"time"}
    monkeypatch.setattr(kernel, "MACHINE", machine)
    monkeypatch.setattr(kernel, "NUMBER", numbers)
    code = seccomp.program(seccomp.KILL)
    assert (0x15, 1, 0, kernel.AUDIT_ARCH[machine]) in code
    assert any(each[3] == kernel.X32_BIT for each in code) == (machine == "x86_64")


def test_a_fork_of_ours_goes_as_the_interpreters_does() -> None:
    program = (
        "import os, sys\nsys.path.insert(0, sys.argv[1])\nfrom hooks import kernel\n"
        "me, child = os.getpid(), kernel.fork()\n"
        "if child == 0:\n    os._exit(7 if os.getppid() == me else 8)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, ROOT], capture_output=True, text=True)
    assert done.stdout.split() == ["7"], done.stderr


def test_a_fork_that_is_refused_says_so_and_leaves_the_interpreter_whole() -> None:
    program = (
        "import json, resource, sys, os\nsys.path.insert(0, sys.argv[1])\nfrom hooks import kernel\n"
        "os.setuid(54321) if os.getuid() == 0 else None\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n"
        "try:\n    kernel.fork()\nexcept OSError as error:\n    print(error.errno)\n"
        "print(json.dumps(1))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, ROOT], capture_output=True, text=True)
    assert done.stdout.split() == ["11", "1"], done.stderr
