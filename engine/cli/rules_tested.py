"""`allegra rules test` and `coverage`: the tests beside the rules.

Here: options and printing; the rules that a command works on. Not here: running tests (`workbench/rule_tests.py`).
Invariant: with an error in a rule file, all of them are printed and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import rule_lines
from engine.cli.common import DONE, FINDINGS, open_config, print_json, print_problems
from engine.cli.paint import state
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.rulebook.book import Rulebook
    from engine.workbench.rule_tests import Runner
    from rules.run import RuleFile


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a test, then the numbers.")
@click.pass_context
def test(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Run the [[test]]s beside the rules (of FILES, else of all rule files)."""
    failed = total = 0
    for file, runner in _runners(ctx, files):
        results = list(runner.run())
        total += len(results)
        failed += sum(not result.passed for result in results)
        if as_json:
            for result in results:
                print_json("rules.test", {"file": file.file, "test": result.test.name, "line": result.test.line,
                                     "passed": result.passed, "because": list(result.lines)})  # fmt: skip
            continue
        click.echo(f"{file.file:<20} {len(results)} test{'s' if len(results) != 1 else ''}")
        for result in results:
            click.echo(f"  {state('✔' if result.passed else '✘')} {result.test.name}")
            for line in result.lines:
                click.echo(f"      {printable(line)}")
        if results:
            click.echo(rule_lines.covered(file, runner))
    if as_json:
        print_json("rules.test", {"summary": {"passed": total - failed, "failed": failed}})
    else:
        click.echo(f"{total - failed} passed, {failed} failed" + ("   → exit 1" if failed else ""))
    raise SystemExit(FINDINGS if failed else DONE)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a condition.")
@click.pass_context
def coverage(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """List the conditions that no test sees true, or none sees false."""
    gaps = 0
    for file, runner in _runners(ctx, files):
        list(runner.run())
        for rule, condition, ways in runner.coverage.conditions(file):
            gaps += bool(ways)
            if as_json:
                print_json(
                    "rules.coverage", {"file": file.file, "rule": rule.name, "condition": condition, "never": ways}
                )
            elif ways:
                place = f"{file.file}:{rule.line}  {rule.label}"
                click.echo(f"{place}   never {' or '.join(ways)}:  {printable(condition)}")
        if not as_json:
            click.echo(rule_lines.covered(file, runner))
    raise SystemExit(FINDINGS if gaps else DONE)


def sound_rules(ctx: click.Context, directory: Path | None = None) -> tuple[Config, Rulebook]:
    """The configuration and its rules, or those of a folder; with errors in a rule file, print them and stop."""
    from engine.workbench.rule_sources import Unsound, sound

    config = open_config(ctx)
    try:
        return config, sound(config, directory)
    except Unsound as unsound:
        print_problems(unsound.problems)
        raise SystemExit(FINDINGS) from None


def _runners(ctx: click.Context, paths: tuple[Path, ...]) -> Iterator[tuple[RuleFile, Runner]]:
    """A runner for every rule file: those named, else those of the configuration."""
    from engine.workbench.rule_sources import Unsound, chosen, fetch
    from engine.workbench.rule_tests import Runner

    config, book = sound_rules(ctx)
    try:
        for file in chosen(config, book, paths):
            yield file, Runner(config, book.vocabulary, file, lambda name: fetch(config, name))
    except Unsound as unsound:
        print_problems(unsound.problems)
        raise SystemExit(FINDINGS) from None
