"""A question: a test whose names and values have been looked up, ready to become a closure.

Here: the data between the checker and the closures. Not here: either of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from rules.schema import Field, Values
from rules.syntax import Op

Predicate = Callable[[Values], bool]
"""Answers a question from a snapshot; never raises."""


class Question(Struct, frozen=True):
    """A test whose names and values have been looked up.

    `operands` are constants (text folded) or a `Reference`; for `between` the two ends; for `matches` one `Pattern`.
    `amount` is any, all, none, or "" for one operand. `domains`: "@x" and "*.x" mean domains, as in lists of addresses.
    """

    field: Field
    op: Op
    negated: bool = False
    quantifier: str = ""
    amount: str = ""
    operands: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """Where the snapshot keeps the value looked at."""
        return self.field.name


def opposite(holds: Predicate, negated: bool) -> Predicate:
    """The predicate, or its negation."""
    return (lambda values: not holds(values)) if negated else holds
