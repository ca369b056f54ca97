"""Closures for numbers, sizes, durations, times of day, days of the week and dates.

Here: order, ranges, membership; a day compares by the calendar, a relative time by the clock. Not here: texts.
Invariant: something absent is neither above nor below nor equal to anything.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from rules.constants import Reference
from rules.question import Predicate, Question
from rules.schema import Type, Values
from rules.syntax import Op

_ORDER = {Op.ABOVE: operator.gt, Op.ABOVE_IS: operator.ge, Op.BELOW: operator.lt, Op.BELOW_IS: operator.le}


def numeric(question: Question) -> Predicate:
    """Compare numbers, sizes, durations, times of day, days of the week, items."""
    key, op, operands = question.field.name, question.op, question.operands
    if isinstance(operands[0], Reference) or (op is Op.BETWEEN and isinstance(operands[1], Reference)):
        return _with_references(question)
    if op is Op.BETWEEN:
        low, high = operands
        if question.field.type is Type.TIME:
            return _between_times(key, low, high)
        if question.field.type is Type.DAY and low > high:
            return lambda values: values[key] is not None and (values[key] >= low or values[key] <= high)
        return lambda values: values[key] is not None and low <= values[key] <= high
    if op in (Op.IS, Op.IN):
        known = frozenset(operands)
        if question.amount == "none":
            return lambda values: values[key] is not None and values[key] not in known
        if question.amount == "all":
            return lambda values: {values[key]} == known
        return lambda values: values[key] in known
    compare, operand = _ordering(op), operands[0]

    def ordered(values: Values) -> bool:
        value = values[key]
        return value is not None and compare(value, operand)

    return ordered


def _ordering(op: Op) -> Callable[[Any, Any], bool]:
    return operator.lt if op is Op.BEFORE else operator.ge if op is Op.AFTER else _ORDER[op]


def _between_times(key: str, low: int, high: int) -> Predicate:
    """From the first minute up to, not including, the last; over midnight if that is the way round."""
    if low <= high:
        return lambda values: values[key] is not None and low <= values[key] < high
    return lambda values: values[key] is not None and (values[key] >= low or values[key] < high)


def _with_references(question: Question) -> Predicate:
    key, operands = question.field.name, question.operands

    def read(values: Values, operand: Any) -> Any:
        return values[operand.field.name] if isinstance(operand, Reference) else operand

    if question.op is Op.BETWEEN:

        def between(values: Values) -> bool:
            low, value, high = read(values, operands[0]), values[key], read(values, operands[1])
            return None not in (low, value, high) and bool(low <= value <= high)

        return between
    compare = operator.eq if question.op in (Op.IS, Op.IN) else _ordering(question.op)

    def ordered(values: Values) -> bool:
        value, other = values[key], read(values, operands[0])
        return value is not None and other is not None and bool(compare(value, other))

    return ordered


# dates


def dated(question: Question) -> Predicate:
    """Compare moments."""
    key, op = question.field.name, question.op
    bounds = [_bound(operand) for operand in question.operands]
    if op is Op.BETWEEN:
        low, high = bounds
        return lambda values: values[key] is not None and low(values, values[key]) >= 0 >= high(values, values[key])
    compare = {Op.IS: operator.eq, Op.BEFORE: operator.lt, Op.AFTER: operator.gt}[op]
    bound = bounds[0]

    def dated(values: Values) -> bool:
        value = values[key]
        return value is not None and compare(bound(values, value), 0)

    return dated


ANCHOR = "received"
"""The field that relative times count from."""


def _bound(operand: Any) -> Callable[[Values, datetime], int]:
    """Compare a moment with one end: a day by the calendar, a relative time and another field by the clock."""
    if isinstance(operand, date):
        return lambda values, moment: _sign(moment.date(), operand)
    if isinstance(operand, timedelta):

        def relative(values: Values, moment: datetime) -> int:
            anchor = values[ANCHOR]
            return 0 if anchor is None else _sign(moment, anchor + operand)

        return relative
    name = operand.field.name

    def other(values: Values, moment: datetime) -> int:
        return 0 if values[name] is None else _sign(moment, values[name])

    return other


def _sign(left: Any, right: Any) -> int:
    return -1 if left < right else 1 if left > right else 0
