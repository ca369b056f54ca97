"""Parts of a condition -> one closure that answers it from a snapshot.

Here: the joints `and`, `or`, `not` and definitions, which remember what failed. Not here: the questions at the leaves
(`predicates.py`). Invariant: a closure never raises; after a False, `values.failed` is the number of the part that
decided, and no part was asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rules.outline import Part, Shape
from rules.question import Predicate
from rules.schema import Values


def condition(part: Part, leaves: dict[int, Predicate], definitions: dict[str, str]) -> Predicate:
    """Join the predicates of the leaves; `definitions` gives the key in a snapshot that holds a definition's result.

    The result of a definition is -1 where it holds, else the number of the part of it that failed.
    """
    number = part.number
    if part.shape is Shape.LEAF:
        return _leaf(leaves[number], number)
    if part.shape is Shape.DEFINITION:
        return _definition(definitions[part.label], number + 1)
    kids = [condition(kid, leaves, definitions) for kid in part.kids]
    if part.shape is Shape.NOT:
        return _not(kids[0], number)
    return _all(kids) if part.shape is Shape.ALL else _any(kids, number)


def _leaf(holds: Predicate, number: int) -> Predicate:
    def leaf(values: Values) -> bool:
        if holds(values):
            return True
        values.failed = number
        return False

    return leaf


def _definition(key: str, first: int) -> Predicate:
    def definition(values: Values) -> bool:
        failed: int = values[key]
        if failed < 0:
            return True
        values.failed = first + failed
        return False

    return definition


def _not(kid: Predicate, number: int) -> Predicate:
    def negation(values: Values) -> bool:
        if kid(values):
            values.failed = number
            return False
        return True

    return negation


def _all(kids: Sequence[Predicate]) -> Predicate:
    if len(kids) == 2:
        first, second = kids
        return lambda values: first(values) and second(values)

    def every(values: Values) -> bool:
        for kid in kids:  # noqa: SIM110 - all() would make a generator for every mail
            if not kid(values):
                return False
        return True

    return every


def _any(kids: Sequence[Predicate], number: int) -> Predicate:
    def some(values: Values) -> bool:
        for kid in kids:
            if kid(values):
                return True
        values.failed = number
        return False

    return some


def remembered(holds: Predicate) -> Callable[[Values], int]:
    """The reader of a definition: -1, or the number of the part that failed."""

    def read(values: Values) -> int:
        return -1 if holds(values) else values.failed

    return read
