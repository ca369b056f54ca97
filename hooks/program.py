"""What the sandbox is asked and what it answers.

Here: scripts, programs, calls and results, as frozen data. Not here: running them (`sandbox.py`).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

from msgspec import Struct

from hooks.problem import ScriptProblem
from hooks.wanted import wanted


class Script(Struct, frozen=True, dict=True):
    """The source of a script; `hook` is guard or activity."""

    name: str
    hook: str
    source: str

    @cached_property
    def sha256(self) -> str:
        """The identity of the script."""
        return hashlib.sha256(self.source.encode("utf-8", "surrogatepass")).hexdigest()


class Program(Struct, frozen=True, dict=True):
    """Scripts in the order they run, guards first, with their parameters and lookup tables as JSON objects."""

    scripts: tuple[Script, ...]
    params: str = "{}"
    tables: str = "{}"

    @cached_property
    def key(self) -> str:
        """What a worker is bound to: every script, its place, and the parameters."""
        parts = [self.params, self.tables, *(f"{s.name}\0{s.hook}\0{s.sha256}" for s in self.scripts)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The fields of a mail that any of the scripts can ask for; the others need not be sent."""
        return frozenset().union(*(wanted(script.source) for script in self.scripts))

    @cached_property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """The scripts by name and sha256."""
        return tuple((script.name, script.sha256) for script in self.scripts)


class Call(Struct, frozen=True):
    """One mail for a program; `mail`, `item` and `context` are JSON objects as `hooks.request` describes them.

    The mail may lack fields that are not `wanted` by the program.
    `option` is "trace" (count executed lines), "probe" (only look for the functions) or "". `fields` is a name for the
    schema of the item, the same in calls with the same one; "" where nobody gave it a name.
    """

    program: Program
    mail: bytes
    item: bytes
    context: bytes
    option: str = ""
    fields: str = ""


class Result(Struct, frozen=True):
    """What became of a call.

    `outcome` is ok, compile-error, runtime-error, runtime-denied, timeout, memory, killed, attack or sandbox-missing;
    `verdict` is accept, reject, hold or refuse (False without a reason); `script` is the number of the script that
    refused or failed, -1 for none; `code` is H108 or H109 where its function is missing or takes other arguments;
    `problems` are pairs of the number of a script and what is wrong; `lines` counts, by script and line, what was
    executed (only with the option trace).
    """

    outcome: str
    verdict: str = "accept"
    reason: str = ""
    changes: tuple[tuple[str, Any], ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    log: tuple[str, ...] = ()
    script: int = -1
    error_type: str = ""
    message: str = ""
    code: str = ""
    line: int = 0
    column: int = 0
    length: int = 1
    problems: tuple[tuple[int, ScriptProblem], ...] = ()
    lines: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = ()
    ms: float = 0.0
    cpu_ms: float = 0.0
    standing: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
