"""Closures for texts, addresses, choices and patterns.

Here: comparisons of folded text, lists and quantifiers, wildcards, membership. Not here: numbers (`on_number.py`).
Invariant: linear in the text; something absent is no text, and no comparison with it holds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from rules.constants import Reference
from rules.domains import spellings
from rules.pattern import Pattern, compile_pattern, encode
from rules.question import Predicate, Question, opposite
from rules.schema import ENCODED, FOLDED, Field, Values
from rules.syntax import Op

OnText = Callable[[str], bool]

_MANY = 12
"""From so many words on, one pattern looks for all of them."""


def textual(question: Question) -> Predicate:
    """Compare folded texts, choices included."""
    key = question.field.name + FOLDED
    first = question.operands[0] if question.operands else None
    if isinstance(first, Reference):
        return _with_reference(question, first.field)
    if question.field.type.listed and question.amount == "all" and not question.quantifier:
        return opposite(_each_somewhere(question, key), question.negated)
    element = _element(question.op, question.amount, question.operands)
    if question.field.type.listed:
        return _over_list(key, element, question.quantifier, question.negated)
    return opposite(_scalar(question, key, element), question.negated)


def _scalar(question: Question, key: str, element: OnText) -> Predicate:
    """The predicate for one text, without a second call for what rules ask most."""
    if len(question.operands) == 1 and question.amount != "none":
        operand = question.operands[0]
        if question.op is Op.IS:
            return lambda values: values[key] == operand
        if question.op is Op.CONTAINS:

            def contains(values: Values) -> bool:
                text = values[key]
                return text is not None and operand in text

            return contains

    def scalar(values: Values) -> bool:
        text = values[key]
        return text is not None and element(text)

    return scalar


def _over_list(key: str, element: OnText, quantifier: str, negated: bool) -> Predicate:
    """`any` unless said otherwise; without a quantifier `not` means that no element is; `all` of nothing is false."""
    if quantifier == "all":

        def every(values: Values) -> bool:
            texts = values[key]
            return bool(texts) and all(element(text) is not negated for text in texts)

        return every
    wanted = not negated if quantifier else True

    def some(values: Values) -> bool:
        for text in values[key]:  # noqa: SIM110
            if element(text) is wanted:
                return True
        return False

    return opposite(some, quantifier == "no" or (not quantifier and negated))


def _each_somewhere(question: Question, key: str) -> Predicate:
    """`to is all of [...]`: every text of the list is found in some element."""
    elements = [_element(question.op, "", (operand,)) for operand in question.operands]
    return lambda values: all(any(element(text) for text in values[key]) for element in elements)


def _element(op: Op, amount: str, operands: tuple[Any, ...]) -> OnText:
    """The question to one folded text."""
    if amount == "none":
        some = _element(op, "any", operands)
        return lambda text: not some(text)
    if op is Op.IN:
        return _member(operands)
    if amount == "all":
        parts = [_element(op, "", (operand,)) for operand in operands]
        return lambda text: all(part(text) for part in parts)
    if op is Op.IS:
        known = frozenset(operands)
        return lambda text: text in known
    if op is Op.STARTS:
        return lambda text: text.startswith(operands)
    if op is Op.ENDS:
        return lambda text: text.endswith(operands)
    if op is Op.LIKE:
        return _any_text([_like(operand) for operand in operands])
    return _contains(operands)


def _contains(operands: tuple[str, ...]) -> OnText:
    if len(operands) == 1:
        only = operands[0]
        return lambda text: only in text
    if len(operands) >= _MANY:  # one pass over the text instead of one for each word
        found_in = compile_pattern(
            "|".join(f"\\Q{operand}\\E" for operand in operands if "\\E" not in operand)
        ).found_in
        rest = tuple(operand for operand in operands if "\\E" in operand)
        return lambda text: found_in(encode(text)) or any(operand in text for operand in rest)

    def contains(text: str) -> bool:
        for operand in operands:  # noqa: SIM110
            if operand in text:
                return True
        return False

    return contains


def _any_text(tests: list[OnText]) -> OnText:
    if len(tests) == 1:
        return tests[0]
    return lambda text: any(test(text) for test in tests)


@lru_cache(maxsize=4096)
def _like(wanted: str) -> OnText:
    """`*` is any text, `?` any character; the usual shapes need no pattern."""
    inner = wanted.strip("*")
    if not inner:
        return (lambda text: True) if wanted else (lambda text: not text)
    if "*" not in inner and "?" not in inner:
        left, right = wanted.startswith("*"), wanted.endswith("*")
        if left and right:
            return lambda text: inner in text
        if left:
            return lambda text: text.endswith(inner)
        if right:
            return lambda text: text.startswith(inner)
        return lambda text: text == inner
    found_in = _wildcards(wanted).found_in
    return lambda text: found_in(encode(text))


def _wildcards(wanted: str) -> Pattern:
    body = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in wanted)
    return compile_pattern("/" + rf"\A{body}\z".replace("/", r"\/") + "/s")


def _member(operands: tuple[str, ...]) -> OnText:
    """Membership of a list: texts as they are, `@domain` exactly, `*.domain` and other wildcards like `like`."""
    exact = frozenset(operand for operand in operands if not _wild(operand) and not operand.startswith("@"))
    domains = frozenset(operand for operand in operands if not _wild(operand) and operand.startswith("@"))
    likes = [_like(_domain_like(operand)) for operand in operands if _wild(operand)]

    def member(text: str) -> bool:
        if text in exact or (domains and text[max(text.rfind("@"), 0) :] in domains):
            return True
        for like in likes:  # noqa: SIM110
            if like(text):
                return True
        return False

    return member


def _wild(operand: str) -> bool:
    return "*" in operand or "?" in operand


def _domain_like(operand: str) -> str:
    """`*.example.com` and `@*.example.com` mean addresses below that domain."""
    if operand.startswith("@*"):
        return "*" + operand
    return operand


def _with_reference(question: Question, other: Field) -> Predicate:
    left, right = question.field.name + FOLDED, other.name + FOLDED
    compares: dict[Op, Any] = {
        Op.CONTAINS: operator.contains,
        Op.STARTS: str.startswith,
        Op.ENDS: str.endswith,
    }
    compare: Callable[[str, str], bool] = compares.get(question.op, operator.eq)
    quantifier, negated = question.quantifier, question.negated
    if not question.field.type.listed:

        def scalar(values: Values) -> bool:
            mine, theirs = values[left], values[right]
            return mine is not None and theirs is not None and compare(mine, theirs)

        return opposite(scalar, negated)

    def listed(values: Values) -> bool:
        theirs = values[right]
        if theirs is None:
            return _over_list(left, lambda text: False, quantifier, negated)(values)
        return _over_list(left, lambda text: compare(text, theirs), quantifier, negated)(values)

    return listed


def in_address(pattern: Pattern) -> Callable[[Any], bool]:
    """Search an address: in any case, in either spelling of its domain."""
    found_in = pattern.in_any_case().found_in
    return lambda data: any(map(found_in, spellings(data)))


def matches(question: Question) -> Predicate:
    """Search with a pattern."""
    key = question.field.name + ENCODED
    found_in = in_address(question.operands[0]) if question.field.type.addressed else question.operands[0].found_in
    if question.field.type.listed:
        return _over_list(key, found_in, question.quantifier, question.negated)

    def matches(values: Values) -> bool:
        data = values[key]
        return data is not None and found_in(data)

    return opposite(matches, question.negated)
