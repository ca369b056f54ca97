"""`allegra check`: is everything that an admin writes sound?

Here: printing what the checks find for people, as NDJSON, for GitHub and as SARIF.
Not here: the checks (`workbench/checks.py`). Invariant: exit 0 clean, 1 findings, 78 the configuration does not load.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import BROKEN_CONFIG, DONE, FINDINGS, config_path, extra_of, print_json
from engine.cli.paint import paint, state
from rules.problem import Problem, Severity, render

if TYPE_CHECKING:
    from engine.workbench.checks import Checked

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@click.command()
@click.option(
    "--online",
    is_flag=True,
    help="Also log in to mailboxes, directories and the SMTP server, and ask that of the database.",
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--format", "shape", type=click.Choice(["text", "github", "sarif"]), default="text", show_default=True,
              help="For people, for GitHub Actions, or as SARIF.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="NDJSON: one line a thing that was checked, then a summary.")
@click.pass_context
def check(ctx: click.Context, online: bool, strict: bool, shape: str, as_json: bool) -> None:
    """Check configuration, rules, hooks, templates and database."""
    from engine.workbench.checks import look_at

    looked = look_at(config_path(ctx), extra_of(ctx), online=online)
    checked, problems = looked.checked, looked.problems
    code = _code(problems, strict) if looked.loads else BROKEN_CONFIG
    if as_json:
        _print_json(checked, problems, code)
    elif shape == "github":
        for problem in problems:
            click.echo(github(problem))
    elif shape == "sarif":
        click.echo(json.dumps(sarif(problems), ensure_ascii=False, indent=1))
    else:
        _print_text(checked, problems, code, online)
    raise SystemExit(code)


def _code(problems: Sequence[Problem], strict: bool) -> int:
    counting = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    return FINDINGS if any(problem.severity in counting for problem in problems) else DONE


def _print_text(checked: Sequence[Checked], problems: Sequence[Problem], code: int, online: bool) -> None:
    width = max((len(each.name) for each in checked), default=0)
    for each in checked:
        found = ", ".join(filter(None, (each.summary, *_counts(each.problems)[:2])))
        click.echo(f"{each.name:<{max(width, 34)}} {state('✔' if each.sound else '✘')} {found}".rstrip())
    for problem in problems:
        click.echo(f"\n{render(problem, paint)}")
    total = ", ".join(_counts(problems)[:2]) or "no problems"
    more = "" if online or code == BROKEN_CONFIG else "        (online checks: allegra check --online)"
    click.echo(f"\n{total}" + (f"   → exit {code}" if code else "") + more)


def _counts(problems: Sequence[Problem]) -> list[str]:
    """How many errors, warnings and infos there are, in words."""
    found = []
    for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO):
        number = sum(problem.severity is severity for problem in problems)
        if number:
            found.append(f"{number} {severity}{'s' if number > 1 else ''}")
    return [words for words in found if "info" not in words]


def _print_json(checked: Sequence[Checked], problems: Sequence[Problem], code: int) -> None:
    for each in checked:
        line = {"checked": each.name, "ok": each.sound, "summary": each.summary, "problems": each.problems}
        print_json("check", line)
    totals = {level: sum(problem.severity == level for problem in problems) for level in Severity}
    print_json("check", {"summary": totals, "exit": code})


def github(problem: Problem) -> str:
    """One workflow command of GitHub Actions."""
    place = [f"file={_escaped(problem.file, ',:')}"]
    if problem.line:
        place.append(f"line={problem.line}")
        if problem.column:
            place += [f"col={problem.column}", f"endColumn={problem.column + problem.length}"]
    text = f"{problem.message}\n{problem.help}" if problem.help else problem.message
    title = f"title={_escaped(problem.code, ',:')}"
    return f"::{_LEVELS[problem.severity]} {','.join([*place, title])}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """A SARIF 2.1.0 log."""
    driver = {"name": "allegra check", "rules": [{"id": code} for code in sorted({p.code for p in problems})]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(problem) for problem in problems]}],
    }


def _result(problem: Problem) -> dict[str, Any]:
    level = "note" if problem.severity is Severity.INFO else str(problem.severity)
    place: dict[str, Any] = {"artifactLocation": {"uri": problem.file}}
    if problem.line:
        column = max(problem.column, 1)
        place["region"] = {
            "startLine": problem.line,
            "startColumn": column,
            "endColumn": column + max(problem.length, 1),
        }
    text = f"{problem.message}\n{problem.help}" if problem.help else problem.message
    return {
        "ruleId": problem.code,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
