"""What `allegra rules` prints that takes more than a line: coverage, differences, bars.

Here: text from data. Not here: commands (`rules.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.workbench.rule_changes import Difference, Differences
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
    for rule, those in _grouped((each.rule, each) for each in found.outcomes):
        first = those[0]
        doubt = f"      ⚠ {first.doubtful}" if first.doubtful else ""
        way = f"  {first.before} → {first.after}"
        click.echo(f" {len(those):>4}  {printable(rule, 40):<34} {_examples(those, way)}{doubt}")
    click.echo(f" field changes: {len(found.fields)}")
    for change, those in _grouped((change, each) for each in found.fields for change in each.fields):
        click.echo(f" {len(those):>4}  {printable(change, 60):<34} {_examples(those)}")
    click.echo(f" unchanged: {found.unchanged}")


def _grouped(pairs: Iterable[tuple[str, Difference]]) -> list[tuple[str, list[Difference]]]:
    """Put differences of one kind together, the most frequent kind first."""
    groups: dict[str, list[Difference]] = {}
    for kind, each in pairs:
        groups.setdefault(kind, []).append(each)
    return sorted(groups.items(), key=lambda pair: -len(pair[1]))


def _examples(those: Sequence[Difference], way: str = "") -> str:
    """Name some mails: the first with its subject, two more by their ids."""
    more = ", ".join(each.mail[:8] for each in those[1:3]) + (" …" if len(those) > 3 else "")
    first = f'{those[0].mail[:8]} "{printable(those[0].subject, 40)}"{way}'
    return f"{first}, {more}" if more else first
