"""Questions -> closures: which kind of closure answers which question.

Here: the choice, and what can be asked of anything (is it there, is it empty). Not here: texts (`on_text.py`),
numbers, times and dates (`on_number.py`). Invariant: a closure looks at the snapshot only and is linear in the text.
"""

from __future__ import annotations

from rules import on_number, on_text
from rules.question import Predicate, Question, opposite
from rules.schema import Field, Type
from rules.syntax import Op


def predicate(question: Question) -> Predicate:
    """Make the closure that answers a question."""
    field, op = question.field, question.op
    if op is Op.ALONE:
        key = field.name
        return lambda values: bool(values[key])
    if op is Op.EXISTS:
        return opposite(_exists(field), question.negated)
    if op is Op.EMPTY:
        return opposite(_empty(field), question.negated)
    if op is Op.MATCHES:
        return on_text.matches(question)
    if field.type.textual or field.type is Type.CHOICE:
        return on_text.textual(question)
    if field.type is Type.DATE:
        return opposite(on_number.dated(question), question.negated)
    return opposite(on_number.numeric(question), question.negated)


def _exists(field: Field) -> Predicate:
    key = field.name
    if field.type.textual:
        return lambda values: bool(values[key])
    return lambda values: values[key] is not None


def _empty(field: Field) -> Predicate:
    key = field.name
    if field.type.listed:
        return lambda values: not any(text.strip() for text in values[key] or ())
    return lambda values: not (values[key] or "").strip()
