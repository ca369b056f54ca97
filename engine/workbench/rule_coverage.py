"""Which conditions of a rule file its tests exercise.

Here: noting and telling. Not here: running the tests (`rule_tests.py`), printing (`cli/rule_lines.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.run import Rule, RuleFile
    from rules.schema import Values


@dataclass(slots=True)
class Coverage:
    """Which conditions the tests saw true and which false, by (rule number, number of the leaf, -1 for the whole)."""

    true: set[tuple[int, int]] = field(default_factory=set)
    false: set[tuple[int, int]] = field(default_factory=set)

    def note(self, file: RuleFile, values: Values) -> None:
        """Ask every condition and every leaf of a file."""
        for rule in file.rules:
            if rule.part is None:
                continue
            (self.true if rule.test(values) else self.false).add((rule.number, -1))
            for leaf in rule.leaves:
                (self.true if leaf.holds(values) else self.false).add((rule.number, leaf.number))

    def never(self, file: RuleFile, wanted: bool) -> Iterator[Rule]:
        """The rules whose condition was never `wanted`."""
        seen = self.true if wanted else self.false
        return (rule for rule in file.rules if rule.part is not None and (rule.number, -1) not in seen)

    def both(self, file: RuleFile) -> tuple[int, int]:
        """How many conditions were seen true and false, of how many."""
        rules = [rule for rule in file.rules if rule.part is not None]
        return sum((rule.number, -1) in self.true & self.false for rule in rules), len(rules)

    def conditions(self, file: RuleFile) -> Iterator[tuple[Rule, str, tuple[str, ...]]]:
        """Every condition of a file, with the ways it was never seen: true, false."""
        for rule in file.rules:
            for part in rule.part.leaves() if rule.part is not None else ():
                key = (rule.number, part.number)
                ways = (("true", self.true), ("false", self.false))
                yield rule, part.label, tuple(word for word, seen in ways if key not in seen)
