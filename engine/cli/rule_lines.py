"""What `allegra rules` prints that takes more than a line: coverage, differences, bars.

Here: text from data. Not here: commands (`rules.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.workbench.rule_changes import Differences
    from engine.workbench.rule_tests import Runner
    from rules.run import RuleFile


def moved(tree: dict[str, Any], by: int) -> dict[str, Any]:
    """A tree whose spans count from the beginning of the condition."""
    span = [place + by for place in tree["span"]]
    return {**tree, "span": span, "kids": [moved(kid, by) for kid in tree["kids"]]}


def sparkline(numbers: list[int]) -> str:
    """Draw numbers as bars of one line."""
    most = max(numbers, default=0) or 1
    return "".join(" ▁▂▃▄▅▆▇█"[round(8 * number / most)] for number in numbers)


def covered(file: RuleFile, runner: Runner) -> str:
    """Say how much of a file its tests exercise."""
    both, of = runner.coverage.both(file)
    said = f"coverage: {both} of {of} conditions seen true and false"
    for wanted, word in ((True, "never true"), (False, "never false")):
        missed = [f"rule {rule.number} '{_when(file, rule.number)}'" for rule in runner.coverage.never(file, wanted)]
        said += f"; {word}: {', '.join(missed)}" if missed else ""
    return printable(said)


def _when(file: RuleFile, number: int) -> str:
    return next((raw.when or "" for raw in file.document.rules if raw.number == number), "")


def print_diff(found: Differences, called: str, last: str, took_s: float) -> None:
    """Print what other rules change, by the rule that decides."""
    click.echo(f"working tree  vs  {called}      {found.total} mails of the last {last}, {took_s:.1f} s")
    ways = Counter(f"{each.before} → {each.after}" for each in found.outcomes)
    said = ", ".join(f"{number} {way}" for way, number in ways.most_common())
    click.echo(f" outcome changes: {len(found.outcomes)}" + (f"      ({said})" if said else ""))
    by_rule: dict[str, list[Any]] = {}
    for each in found.outcomes:
        by_rule.setdefault(each.rule, []).append(each)
    for rule, those in sorted(by_rule.items(), key=lambda pair: -len(pair[1])):
        first = those[0]
        more = ", ".join(each.mail[:8] for each in those[1:3]) + (" …" if len(those) > 3 else "")
        doubt = f"      ⚠ {first.doubtful}" if first.doubtful else ""
        example = f'{first.mail[:8]} "{printable(first.subject, 40)}"  {first.before} → {first.after}'
        click.echo(f" {len(those):>4}  {printable(rule, 40):<34} {example}{', ' + more if more else ''}{doubt}")
    fields = Counter(change for each in found.fields for change in each.fields)
    click.echo(
        f" field changes: {len(found.fields)}"
        + "".join(f"   {number} {printable(change)}" for change, number in fields.most_common(5))
    )
    click.echo(f" unchanged: {found.unchanged}")
