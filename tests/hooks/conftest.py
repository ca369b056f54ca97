"""What tests of the sandbox share: scripts run in this process (language), and in jailed workers (both fences)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hooks import case, compiling, modules, runner
from hooks.context import frozen
from hooks.limits import Limits
from hooks.marks import Page
from hooks.protocol import write_call
from hooks.request import read_call, write
from hooks.sandbox import Call, Program, Result, Sandbox, Script

sys.path.insert(0, str(Path(__file__).resolve().parent))
modules.load(set(modules.TABLE))

ARGUMENTS = {"guard": "mail, ctx", "activity": "mail, item, ctx"}
Local = Callable[..., dict[str, Any]]
Jailed = Callable[..., Result]


def source(body: str, hook: str = "guard", before: str = "") -> str:
    """Put the body of a hook function below its head."""
    lines = [f"    {line}" if line else "" for line in body.strip("\n").split("\n")]
    return f"{before}\ndef {hook}({ARGUMENTS[hook]}):\n" + "\n".join(lines) + "\n"


def answer(text: str, hook: str = "guard", option: str = "", **given: Any) -> dict[str, Any]:
    """Compile a script by the policy and run it in this process: for scripts that mean well."""
    code, problems = compiling.compiled(text, "script.py")
    if code is None:
        return {"outcome": "compile-error", "problems": problems}
    made = case.made(given)
    script = runner.Compiled("script.py", hook, code, compiling.GLOBALS)
    tables = frozen(json.loads(made.tables))
    program = runner.Program((script,), frozen(json.loads(made.params)), tables, Page())
    reply = runner.answer(program, read_call(write_call("n", made.mail, made.item, made.context, option)))
    write(reply)
    return reply


@pytest.fixture
def guard() -> Local:
    """Run the body of a guard in this process."""

    def run(body: str, before: str = "", **given: Any) -> dict[str, Any]:
        return answer(source(body, "guard", before), "guard", **given)

    return run


@pytest.fixture
def activity() -> Local:
    """Run the body of an activity script in this process."""

    def run(body: str, before: str = "", **given: Any) -> dict[str, Any]:
        return answer(source(body, "activity", before), "activity", **given)

    return run


@pytest.fixture
def compiled() -> Callable[[str], tuple[Any, ...]]:
    """Compile a whole script and give its problems."""
    return lambda text: compiling.compiled(text, "script.py")[1]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with both fences and a short deadline."""
    made = Sandbox(Limits(timeout_s=0.4))
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient() -> Iterator[Sandbox]:
    """The same with a long deadline, for what is to end in another way."""
    made = Sandbox(Limits(timeout_s=5))
    yield made
    made.close()


@pytest.fixture
def jailed(sandbox: Sandbox, patient: Sandbox) -> Jailed:
    """Run a script in a jailed worker."""

    def run(text: str, hook: str = "guard", option: str = "", hurry: bool = True, **given: Any) -> Result:
        made = case.made(given)
        program = Program((Script("script.py", hook, text),), made.params, made.tables)
        chosen = sandbox if hurry else patient
        return chosen.run(Call(program, made.mail, made.item, made.context, option))

    return run
