"""The process fence alone: plain Python inside, with every module loaded, leaves no trace outside."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cases_on_disk import SECRET, OnDisk, canary, cases
from plain_worker import TRAMPOLINE

from hooks import case
from hooks.limits import Limits
from hooks.process import BOOT
from hooks.sandbox import Call, Isolation, Program, Result, Sandbox, Script

HERE = str(Path(__file__).parent)
Run = Callable[[str], Result]

SYSTEM_CALLS = {
    "open a file": "import os\nos.open('/etc/passwd', 0)",
    "look at a file": "import os\nos.stat('/etc/passwd')",
    "make a socket": "import socket\nsocket.socket()",
    "make a pair of sockets": "import socket\nsocket.socketpair()",
    "fork": "import os\nos.fork()",
    "start a program": "import os\nos.execv('/bin/sh', ['sh'])",
    "start a thread": "import threading\nthreading.Thread(target=print).start()",
    "kill the engine": "import os\nos.kill(os.getppid(), 9)",
    "kill everything": "import os\nos.kill(-1, 9)",
    "raise a limit": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "make memory executable": "import mmap\nmmap.mmap(-1, 4096, prot=7)",
    "read the environment of the engine": "import os\nos.open(f'/proc/{os.getppid()}/environ', 0)",
    "write to another descriptor": "import os\nos.write(5, b'x')",
    "read from another descriptor": "import os\nos.read(5, 1)",
    "duplicate a descriptor": "import os\nos.dup(0)",
    "change the user": "import os\nos.setuid(0)",
    "use a raw system call": "import ctypes\nctypes.CDLL(None).syscall(59, 0, 0, 0)",
    "use the x32 numbers": "import ctypes\nctypes.CDLL(None).syscall(0x40000000 + 41, 2, 1, 0)",
    "abort somebody else": "import ctypes, os\nctypes.CDLL(None).syscall(234, os.getpid() - 1, os.getpid() - 1, 6)",
}


PLAIN_BOOT = BOOT.replace("from hooks.worker import main", "from plain_worker import main")
PROGRAM = Program((Script("trampoline.py", "guard", TRAMPOLINE),))


def asked(text: str) -> Call:
    made = case.made({"mail": {"html": text}})
    return Call(PROGRAM, made.mail, made.item, made.context)


@pytest.fixture(scope="module")
def plain() -> Iterator[Run]:
    sandbox = Sandbox(Limits(timeout_s=0.4), Isolation("call", boot=PLAIN_BOOT, path=(HERE,)))
    yield lambda text: sandbox.run(asked(text))
    sandbox.close()


def test_the_process_is_another_one_after_its_calls_and_after_anything_but_success() -> None:
    sandbox = Sandbox(Limits(calls=3), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    tell = asked("import os\ndef guard(mail, ctx):\n    ctx.log(os.getpid())")
    first = [sandbox.run(tell).log for _ in range(5)]
    assert [first.index(each) for each in first] == [0, 0, 0, 3, 3]
    assert sandbox.run(asked("def guard(mail, ctx):\n    1 / 0")).outcome == "runtime-error"
    assert sandbox.run(tell).log not in first
    sandbox.close()


def test_what_a_script_patches_is_gone_with_its_process(plain: Run) -> None:
    patch = next(attack for attack in cases("attacks") if attack.name.startswith("317")).text
    assert not any("PWNED" in line for _ in range(2) for line in plain(patch).log)


def test_plain_python_does_run(plain: Run) -> None:
    result = plain("import os, sys\ndef guard(mail, ctx):\n    ctx.log('subprocess' in sys.modules, os.path.sep)")
    assert result.outcome == "ok", result
    assert result.log == ("True /",)


@pytest.mark.parametrize("what", SYSTEM_CALLS)
def test_a_script_cannot(what: str, plain: Run) -> None:
    body = "\n    ".join(SYSTEM_CALLS[what].split("\n"))
    result = plain(f"def guard(mail, ctx):\n    {body}\n    ctx.log('PWNED')\n    return True")
    assert result.outcome == "attack", result


def test_the_catalogue_leaves_nothing_outside(plain: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    folder = canary(tmp_path / "canary")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        ports = {"18999": str(tcp.getsockname()[1]), "18998": str(udp.getsockname()[1])}
        for attack in _reaching_out():
            text = attack.text.replace("@CANARY@", str(folder))
            for known, ours in ports.items():
                text = text.replace(known, ours)
            said = plain(text)
            assert SECRET not in " ".join((*said.log, said.message, said.reason)), attack.name
        tcp.setblocking(False)
        udp.setblocking(False)
        with pytest.raises(BlockingIOError):
            tcp.accept()
        with pytest.raises(BlockingIOError):
            udp.recv(1)
    assert list((folder / "drop").iterdir()) == []
    assert (folder / "secret.txt").read_text() == SECRET
    assert plain("def guard(mail, ctx):\n    return True").outcome == "ok"


def _reaching_out() -> list[OnDisk]:
    """All attacks; of those that only burn time one of each kind, they end at the deadline like any other."""
    seen: set[str] = set()
    chosen = []
    for attack in cases("attacks"):
        slow = attack.header["expected"] == "killed-timeout"
        if not slow or attack.header["category"] not in seen:
            chosen.append(attack)
        seen.update([attack.header["category"]] if slow else [])
    return chosen


STAYS = """
import os
from hooks import frame, limits, worker
def guard(mail, ctx):
    def stay(code):
        worker.runner.answer = lambda *given: {**kept, "log": ["PWNED"]}
        while True:
            worker._answer(None, frame.receive(0, limits.REQUEST_BYTES))
    kept = {"outcome": "ok", "verdict": "accept", "reason": "", "changes": {}, "dropped": [], "errors": [],
            "script": 0, "error": None, "lines": {}, "cpu_ms": 0.0}
    os._exit = stay
    BREAK
"""
"""Out of the language fence, and instead of ending it answers for every mail that comes: it lets them in."""
REFUSES = "def guard(mail, ctx):\n    return ctx.reject('no')"


@pytest.mark.parametrize(("mode", "last"), [("call", "return True"), ("call", "1 / 0"), ("worker", "1 / 0")])
def test_a_process_that_does_not_end_by_itself_answers_for_no_other_mail(mode: str, last: str) -> None:
    sandbox = Sandbox(Limits(timeout_s=5, calls=1), Isolation(mode, boot=PLAIN_BOOT, path=(HERE,)))
    sandbox.run(asked(STAYS.replace("BREAK", last)))
    after = [sandbox.run(asked(REFUSES)) for _ in range(2)]
    assert [(each.outcome, each.verdict, each.log) for each in after] == [("ok", "reject", ())] * 2
    sandbox.close()


PAGE = """
def guard(mail, ctx):
    page = ctx._voice._page._memory
    page[0:8] = bytes([{script}, {verdict}, 0, {length}]) + b"abc\\xff"
    LAST
"""
"""Out of the language fence, and writing on the page that tells the engine what becomes of a call."""


@pytest.mark.parametrize(
    ("script", "verdict", "length"), [(255, 0, 0), (2, 0, 0), (0, 9, 0), (0, 1, 4)], ids=str
)  # fmt: skip
def test_what_no_worker_writes_on_the_page_is_an_attack_without_a_name(script: int, verdict: int, length: int) -> None:
    sandbox = Sandbox(Limits(timeout_s=0.4), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    text = PAGE.replace("LAST", "while True: pass").format(script=script, verdict=verdict, length=length)
    result = sandbox.run(asked(text))
    assert (result.outcome, result.script) == ("attack", -1), result
    sandbox.close()


def test_an_attack_blames_no_script_by_what_the_attacker_wrote() -> None:
    two = Program((Script("a.py", "guard", TRAMPOLINE), Script("b.py", "guard", TRAMPOLINE)))
    text = PAGE.replace("LAST", "open('/etc/passwd')").format(script=2, verdict=0, length=0)
    sandbox = Sandbox(Limits(timeout_s=5), Isolation(boot=PLAIN_BOOT, path=(HERE,)))
    call = asked(text)
    result = sandbox.run(Call(two, call.mail, call.item, call.context))
    assert (result.outcome, result.script) == ("attack", -1), result
    sandbox.close()
