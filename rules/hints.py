"""Near misses: a value that almost met a condition, in a few words.

Here: sub-domains, plus-tags, case of patterns, blanks. Not here: where hints are shown (`explain.py`).
Invariant: a hint is about the value that was seen and never changes what a condition means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.pattern import PatternError, compile_pattern
from rules.schema import fold
from rules.syntax import Kind, Literal, Literals, NamedList, Op, Regex, Several, Test
from rules.trace import Seen


def close(test: Test, value: Seen, lists: Mapping[str, tuple[str, ...]]) -> str:
    """Say how a test that failed was nearly met, "" if it was not."""
    if test.negated or value is None:
        return ""
    values = [
        fold(text) for text in ((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ())
    ]
    if test.op is Op.MATCHES and isinstance(test.operand, Regex):
        return _in_any_case(test.operand, value)
    if test.op not in (Op.IS, Op.IN, Op.ENDS, Op.STARTS):
        return ""
    for operand in _operands(test, lists):
        for text in values:
            if hint := _near(text, fold(operand), operand, test.op):
                return hint
    return ""


def _operands(test: Test, lists: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    operand = test.operand
    if isinstance(operand, Several):
        operand = operand.values
    if isinstance(operand, NamedList):
        return lists.get(operand.name, ())
    literals = operand.items if isinstance(operand, Literals) else (operand,) if isinstance(operand, Literal) else ()
    return [literal.source for literal in literals if literal.kind is Kind.TEXT]


def _near(text: str, operand: str, written: str, op: Op) -> str:
    if not operand.strip() or not text:
        return ""
    local, at, domain = text.rpartition("@")
    wanted_local, wanted_at, wanted_domain = operand.rpartition("@")
    if wanted_at and not wanted_local and at and domain.endswith("." + wanted_domain):
        return f"sub-domain of @{wanted_domain}"
    if not at and not wanted_at and "." in operand and text.endswith("." + operand) and op is not Op.ENDS:
        return f"sub-domain of {written}"
    if wanted_local and at and domain == wanted_domain and local.partition("+")[0] == wanted_local.partition("+")[0]:
        return f"plus-tag of {written}" if local != wanted_local else ""
    if op is Op.IS and text.split() == operand.split() and text != operand:
        return "differs in blanks only"
    return ""


def _in_any_case(regex: Regex, value: Seen) -> str:
    try:
        pattern = compile_pattern(regex.source).in_any_case()
    except PatternError:
        return ""
    texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
    return "would match with /i" if any(pattern.search(text) for text in texts) else ""
