"""Scripts on stored mail: one run that is looked at closely, and two versions compared.

Here: which question a stored mail would be; what differs between two results.
Not here: printing (`cli/hooks.py`), running in production (`scripts/scripts.py`). Invariant: nothing is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.explain.replay import decide_again
from engine.model.questions import HookRequest
from engine.scripts.question import request
from hooks.sandbox import Call, Program, Result, Sandbox

if TYPE_CHECKING:
    from engine.model.mail import RawMail
    from engine.run.engine import Engine


def question(engine: Engine, raw: RawMail, mail: str = "") -> HookRequest:
    """Bring a stored mail to stage 8, whatever would settle it before, and give what scripts would be asked."""
    come = decide_again(engine, raw, mail=mail, beyond=True, until="guard")
    return request(engine.config, come.mail, come.facts, come.reached, come.look)


def traced(sandbox: Sandbox, program: Program, asked: HookRequest, option: str = "") -> Result:
    """Run a program on the question of a stored mail."""
    return sandbox.run(Call(program, asked.mail, asked.item, asked.context, option))


def difference(old: Result, new: Result) -> str:
    """Say how two results differ, "" if they do not."""
    before, after = _said(old), _said(new)
    if before != after:
        return f"{before} → {after}"
    fields = dict(old.changes), dict(new.changes)
    names = sorted(name for name in {*fields[0], *fields[1]} if fields[0].get(name) != fields[1].get(name))
    parts = [f"{name}: {_short(fields[0].get(name))} → {_short(fields[1].get(name))}" for name in names]
    if old.dropped != new.dropped:
        parts.append(f"attachments left out: {len(old.dropped)} → {len(new.dropped)}")
    if old.errors != new.errors:
        parts.append(f"errors: {len(old.errors)} → {len(new.errors)}")
    return "; ".join(parts)


def _said(result: Result) -> str:
    if result.outcome != "ok":
        return f"{result.outcome} ({result.message})"
    return f'{result.verdict} "{result.reason}"' if result.reason else result.verdict


def _short(value: object) -> str:
    text = "unchanged" if value is None else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
