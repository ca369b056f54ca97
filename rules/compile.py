"""Parts of a condition -> one closure that answers it from a snapshot.

Here: the joints `and`, `or`, `not` and definitions, and what failed. Not here: the questions at the leaves
(`predicates.py`). Invariant: a closure never raises; after a False it is known which part decided, and no part was
asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rules.outline import Part, Shape
from rules.question import Predicate
from rules.schema import Values

Asked = tuple[Predicate, int]
"""A closure, and the number of the part that decides where it gives False; `NAMED` where `values.failed` says it."""

NAMED = -1


def condition(part: Part, leaves: dict[int, Predicate], definitions: dict[str, str]) -> Asked:
    """Join the predicates of the leaves; `definitions` gives the key in a snapshot that holds a definition's result.

    The result of a definition is -1 where it holds, else the number of the part of it that failed.
    """
    number = part.number
    if part.shape is Shape.LEAF:
        return leaves[number], number
    if part.shape is Shape.DEFINITION:
        return _definition(definitions[part.label], number + 1), NAMED
    kids = [condition(kid, leaves, definitions) for kid in part.kids]
    if part.shape is Shape.ALL:
        return _all(kids), NAMED
    holds = [each for each, _ in kids]
    return _not(holds[0]) if part.shape is Shape.NOT else _any(holds), number


def _definition(key: str, first: int) -> Predicate:
    def definition(values: Values) -> bool:
        failed: int = values[key]
        if failed < 0:
            return True
        values.failed = first + failed
        return False

    return definition


def _not(kid: Predicate) -> Predicate:
    return lambda values: not kid(values)


def _all(kids: Sequence[Asked]) -> Predicate:
    def every(values: Values) -> bool:
        for holds, number in kids:
            if not holds(values):
                if number != NAMED:
                    values.failed = number
                return False
        return True

    return every


def _any(kids: Sequence[Predicate]) -> Predicate:
    def some(values: Values) -> bool:
        for kid in kids:  # noqa: SIM110 - any() would make a generator for every mail
            if kid(values):
                return True
        return False

    return some


def remembered(asked: Asked) -> Callable[[Values], int]:
    """The reader of a definition: -1, or the number of the part that failed."""
    holds, number = asked
    if number == NAMED:
        return lambda values: -1 if holds(values) else values.failed
    return lambda values: -1 if holds(values) else number
