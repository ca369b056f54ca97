"""What a [[test]] expected and did not get, and why: the rule, its condition, the value.

Here: comparing, and the lines that say it. Not here: running the test (`rule_tests.py`), how the part of a condition
that failed is told (`rules/explain.py`).
Invariant: every line that says what is wrong is followed by what is known about the rule that is to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rules import explain
from rules.parse import parse_action
from rules.trace import FileTrace

if TYPE_CHECKING:
    from engine.model.draft import Draft
    from rules.run import Rule, RuleFile
    from rules.schema import Values
    from rules.tested import RawTest
    from rules.trace import Hit

    Asked = tuple[str, tuple[str, ...]]


def verdict(test: RawTest, draft: Draft, file: RuleFile, values: Values) -> Iterator[str]:
    """Say what is not as expected, and why."""
    trace = next((trace for trace in draft.rule_traces if trace.file == file.file), FileTrace(file.file, file.digest))
    done = {_asked(effect.text): hit for hit in trace.hits for effect in hit.effects if effect.effect == "applied"}
    matched = {rule.name for hit in trace.hits for rule in file.rules if rule.number == hit.rule}
    missing = [text for text in test.expect if _asked(text) not in done]
    missing_rules = [name for name in test.expect_rules if name not in matched]
    unwanted = [text for text in test.expect_not if _asked(text) in done]
    wrong_place = test.expect_workspace and test.expect_workspace != draft.workspace
    yield from (f"expected  {text}" for text in missing)
    yield from (f'expected  rule "{name}" to match' for name in missing_rules)
    for text in unwanted:
        yield f"expected  not {text}"
        yield from _matched(done[_asked(text)], trace, file)
    if wrong_place:
        yield f'expected  workspace "{test.expect_workspace}"'
    if test.expect_none and trace.hits:
        yield "expected  no rule to match"
    if missing or missing_rules or wrong_place or (test.expect_none and trace.hits):
        yield from _got(draft, file, trace.hits)
    if test.expect_none:
        for hit in trace.hits:
            yield from _matched(hit, trace, file)
    wanted = [_asked(text) for text in missing]
    wanted += [("route_to_workspace", (test.expect_workspace,))] if wrong_place else []
    yield from _did_not(wanted, missing_rules, file, trace, values)


def _asked(text: str) -> Asked:
    """An action without the ways to write it."""
    action = parse_action(text)
    return action.name, tuple(argument.source for argument in action.arguments)


def _got(draft: Draft, file: RuleFile, hits: Iterable[Hit]) -> Iterator[str]:
    rules = {rule.number: rule for rule in file.rules}
    said = False
    for hit in hits:
        rule = rules[hit.rule]
        for effect in hit.effects:
            why = f"   {effect.effect}: {effect.because}" if effect.because else ""
            yield f"got       {effect.text}{why}      ({rule.label}, {file.file}:{rule.line})"
            said = True
    if not said:
        yield f"got       nothing; the mail stays in {draft.workspace or 'no workspace'}"


def _matched(hit: Hit, trace: FileTrace, file: RuleFile) -> Iterator[str]:
    """A rule that matched, with what its condition saw."""
    rule = next(rule for rule in file.rules if rule.number == hit.rule)
    yield f"{rule.label} matched:"
    yield from explain.matched(trace, file.document.text, hit.rule)


def _did_not(wanted: list[Asked], names: list[str], file: RuleFile, trace: FileTrace, values: Values) -> Iterator[str]:
    """The rules that would do what is missing: why they did not match, or were not reached."""
    hits = {hit.rule for hit in trace.hits}
    for rule in file.rules:
        if rule.number in hits or not (rule.name in names or _does(rule, wanted)):
            continue
        if not trace.ended or rule.number < trace.ended:
            yield f"{rule.label} {explain.unmatched(trace, file.document.text, rule.number)}"
        elif rule.test(values):
            yield f"{rule.label} would have matched, but was not reached: rule {trace.ended} ended the file"
            yield f"= help: move it above rule {trace.ended}   (W410)"


def _does(rule: Rule, wanted: list[Asked]) -> bool:
    """Tell whether a rule has one of these actions; one whose text the mail fills is taken by its name."""
    for ready in rule.steps:
        exactly = _asked(ready.effect.text) if ready.effect is not None else None
        if any(exactly == each if exactly is not None else ready.step.spec.name == each[0] for each in wanted):
            return True
    return False
