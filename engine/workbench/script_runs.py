"""Scripts on stored mail: one run that is looked at closely, and two versions compared.

Here: which question a stored mail would be; what differs between two results.
Not here: printing (`cli/hooks.py`), running in production (`scripts/scripts.py`). Invariant: nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.explain.replay import decide_again
from engine.model.hook_request import HookRequest
from engine.scripts.question import mail_of, request
from engine.store.errors import NotFound
from engine.workbench.rule_usage import is_answered_in
from engine.workbench.script_choice import Listed, Read, listed, path_of, read, sandbox
from hooks.sandbox import Call, Program, Result, Sandbox, Script

if TYPE_CHECKING:
    from engine.model.mail import RawMail
    from engine.model.sight import Sight
    from engine.run.engine import Engine
    from hooks.case import Case
    from hooks.problem import ScriptProblem

MOST_COMPARED = 100_000
"""Mails that two versions of a script are compared on."""


def question(engine: Engine, raw: RawMail, mail: str = "") -> HookRequest:
    """Bring a stored mail to stage 8, whatever would settle it before, and give what scripts would be asked."""
    come = decide_again(engine, raw, mail=mail, beyond=True, until="guard")
    return request(engine.config, come.mail, come.facts, come.reached, come.look)


def traced(sandbox: Sandbox, program: Program, asked: HookRequest, option: str = "") -> Result:
    """Run a program on the question of a stored mail."""
    return sandbox.run(Call(program, mail_of(asked, program.wanted), asked.item, asked.context, option))


def on_stored(
    engine: Engine, script: Script, texts: tuple[str, str], raw: RawMail, mail: str, option: str = ""
) -> Result:
    """Run one script on a stored mail, with parameters and tables as JSON; `option` may be trace."""
    program = Program((script,), *texts)
    asked = question(engine, raw, mail)
    with sandbox(engine.config) as made:
        return traced(made, program, asked, option)


def all_on_stored(
    engine: Engine, texts: tuple[str, str], raw: RawMail, mail: str, sight: Sight
) -> Iterator[tuple[Listed, Read, Result]]:  # fmt: skip
    """Run every configured script, those that are off as well, on a stored mail; each sees the mail as it came.

    Raises NotFound where it answers an item of a workspace whose mail is not in sight: a script would tell of it.
    """
    come = decide_again(engine, raw, mail=mail, beyond=True, until="guard")
    if not is_answered_in(come.facts, sight):
        raise NotFound(f"mail {mail[:8]} answers an item of a workspace whose mail you do not read", mail)
    asked = request(engine.config, come.mail, come.facts, come.reached, come.look)
    with sandbox(engine.config) as made:
        for each in listed(engine.config):
            script = read(path_of(engine.config, each.name), each.hook)
            if script.problem is None:
                yield each, script, traced(made, Program((script.script,), *texts), asked)
            else:
                yield each, script, _not_compiled(script.problem)


def _not_compiled(problem: ScriptProblem) -> Result:
    return Result("compile-error", error_type="SyntaxError", message=problem.message, line=problem.line)


def on_case(script: Read, made: Case, option: str = "") -> Result:
    """Run one script on a case written down as JSON; a file that is no script ends as one that does not compile."""
    if script.problem is not None:
        return _not_compiled(script.problem)
    with sandbox() as opened:
        program = Program((script.script,), made.params, made.tables)
        return opened.run(Call(program, made.mail, made.item, made.context, option))


class Different(Struct, frozen=True):
    """A stored mail of which two versions of a script say different things."""

    mail: str
    script: str
    said: str


def compared(
    engine: Engine, opened: Sandbox, pairs: Sequence[tuple[Script, Script]], texts: tuple[str, str], last: str
) -> Iterator[tuple[str, tuple[Different, ...]]]:
    """Run both versions of scripts on the stored mail of a time such as 30d; gives each mail with what differs."""
    for row in engine.store.archive.mails(f"newer_than:{last}", MOST_COMPARED) if pairs else ():
        raw = engine.store.archive.raw(row.mail)
        if raw is None:
            continue
        asked = question(engine, raw, row.mail)
        found = []
        for versions in pairs:
            old, new = (traced(opened, Program((each,), *texts), asked) for each in versions)
            if said := difference(old, new):
                found.append(Different(row.mail, versions[1].name, said))
        yield row.mail, tuple(found)


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
