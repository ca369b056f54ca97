"""Whether scripts work on this machine, which fences stand, and the numbers they are held to.

Here: one harmless script in the sandbox, and what that shows. Not here: the fences (`hooks/fences.py`).
"""

from __future__ import annotations

from msgspec import Struct

from engine.workbench.script_choice import sandbox
from hooks import limits as numbers
from hooks import selftest
from hooks.fences import MANDATORY, OPTIONAL, SENTENCES
from hooks.sandbox import Program, Script

HARMLESS = "def guard(mail, ctx):\n    return True\n"


class Fence(Struct, frozen=True):
    """A fence around scripts: stands, missing, MISSING (scripts do not run without it) or unknown."""

    name: str
    state: str
    about: str


class Here(Struct, frozen=True):
    """What this machine offers to scripts; `because` says why they do not work."""

    works: bool
    machine: str
    because: str
    fences: tuple[Fence, ...]
    limits: tuple[tuple[str, int | float], ...]


def here() -> Here:
    """Look which fences stand, and list every limit."""
    with sandbox() as made:
        result = made.check(Program((Script("limits", "guard", HARMLESS),)))
    missing = dict(result.missing)
    fences = [Fence("deadline", "stands", SENTENCES["deadline"])]
    for name in (*MANDATORY, *OPTIONAL):
        unseen = not result.standing and name not in missing
        absent = "unknown" if unseen else "MISSING" if name in MANDATORY else "missing"
        state = "stands" if name in result.standing else absent
        fences.append(Fence(name, state, SENTENCES[name] + (f" ({missing[name]})" if name in missing else "")))
    values = [(name.lower(), getattr(numbers, name)) for name in dir(numbers) if name.isupper()]
    usual = numbers.Limits()
    values += [("timeout_s", usual.timeout_s), ("memory_bytes", usual.memory_bytes)]
    works = result.outcome == "ok"
    return Here(works, selftest.machine(), "" if works else result.message, tuple(fences), tuple(values))
