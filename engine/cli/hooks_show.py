"""How `allegra hooks` shows what scripts said.

Here: results as JSON and as lines. Not here: the commands (`hooks.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import print_json, print_problems
from engine.cli.paint import state
from engine.plain_text import printable

if TYPE_CHECKING:
    from hooks.sandbox import Result, Script


def show_tested(tested: Any, file: str, text: str, hook: str, as_json: bool) -> None:
    result: Result = tested.result
    if as_json:
        print_json("hooks", {"fixture": tested.name, "script": file, "passed": not tested.failures,
                             "failures": tested.failures, **result_json(result, hook)})  # fmt: skip
        return
    said = f'{result.verdict} "{result.reason}"' if result.reason else result.verdict
    if hook == "activity" and result.outcome == "ok":
        said = ", ".join(f"{name} = {value!r}" for name, value in result.changes) or "no change"
    mark = state("✘" if tested.failures else "✔")
    click.echo(f"  {mark} " + printable(f"{tested.name}   {said}   {result.ms:.0f} ms", 200))
    for failure in tested.failures:
        click.echo(f"      {printable(failure, 400)}")
    if result.outcome != "ok":
        show_trouble(result, file, text)


def result_json(result: Result, hook: str) -> dict[str, Any]:
    """Give a result in the shape of docs/hooks.md."""
    ok = result.outcome == "ok"
    outcome = {"attack": "killed", "sandbox-missing": "killed"}.get(result.outcome, result.outcome)
    kind = result.error_type or {"attack": "Attack", "sandbox-missing": "SandboxMissing"}.get(result.outcome, "Error")
    return {
        "outcome": outcome,
        "guard_passed": result.verdict == "accept" if ok and hook == "guard" else None,
        "reason": result.reason or None,
        "changes": dict(result.changes),
        "errors": [{"field": field, "message": message} for field, message in result.errors],
        "effects": [{"effect": "drop", "attachment": index, "reason": reason} for index, reason in result.dropped],
        "log": result.log,
        "error": None if ok else {"type": kind, "message": result.message, "line": result.line or None},
        "ms": result.ms,
    }


def show(result: Result, script: Script, file: str, trace: bool, as_json: bool) -> None:
    if as_json:
        data = result_json(result, script.hook)
        if trace:
            data["lines"] = {str(line): count for _, counts in result.lines for line, count in counts}
        print_json("hooks.run", data)
        return
    said = f'{result.verdict} "{result.reason}"' if result.reason else result.verdict
    click.echo(printable(f"{file}   {said if result.outcome == 'ok' else result.outcome}   {result.ms:.1f} ms"))
    for name, value in result.changes:
        click.echo("  " + printable(f"{name} = {value!r}", 300))
    for index, reason in result.dropped:
        click.echo("  " + printable(f"attachment {index + 1} left out: {reason}"))
    for field, message in result.errors:
        click.echo("  " + printable(f"error: {field}: {message}" if field else f"error: {message}"))
    for line in result.log:
        click.echo("  " + printable(f"log: {line}"))
    if trace:
        show_lines(result, script.source)
    if result.outcome != "ok":
        show_trouble(result, file, script.source)


def show_lines(result: Result, text: str) -> None:
    """Print a source with how often each line ran."""
    counts = {line: count for _, lines in result.lines for line, count in lines}
    for number, line in enumerate(text.splitlines(), 1):
        click.echo(f"{counts.get(number, '') or '':>6} {number:>4} | {_indented(line)}".rstrip())


def _indented(line: str) -> str:
    text = line.expandtabs()
    return " " * (len(text) - len(text.lstrip())) + printable(text)


def show_trouble(result: Result, file: str, text: str) -> None:
    from engine.workbench.script_check import problem_of, trouble

    found = [problem_of(problem, file, text) for _, problem in result.problems]
    print_problems(found or [problem_of(trouble(result, "H114"), file, text)])
