"""Questions that are known before they are asked: all of one statement are asked together, with the first of them.

Here: `Foreseen`, what was foreseen in a transaction and is known already, and the statement that asks for many at once.
Not here: who foresees what (`receipts.py`, `directory.py`, `item_facts.py`), sending (`postgres.py`). A statement costs
a trip and some 80 us of both sides, a question more in one of these less than a tenth of that.
Invariant: an answer is what the statement would give by itself at that moment: what is known of a table ends when
anything is written to it, and all of it with the transaction. What was foreseen and is never asked does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from engine.store.gathering import tables_of

Rows = list[tuple[Any, ...]]
Then = Callable[[Rows], None]
"""Hears the answer as soon as it is known, and may foresee what is asked next."""

Run = Callable[[str, Sequence[Any]], Rows]
Known = dict[str, dict[tuple[Any, ...], Rows]]
"""Answers by statement and values."""

TYPES: dict[type, str] = {str: "text", int: "bigint", bytes: "bytea"}
"""What values may be of a question that is foreseen, and how the server calls that."""

MOST = 2**63


class Foreseen:
    """What one transaction foresaw."""

    def __init__(self) -> None:
        self._wanted: dict[str, dict[tuple[Any, ...], Then | None]] = {}
        self._known: Known = {}
        self._before: Known = {}

    def want(self, sql: str, params: tuple[Any, ...], then: Then | None = None) -> None:
        """Let a question be asked with the others of its statement."""
        if params not in self._known.get(sql, ()) and all(map(_is_sent, params)):
            self._wanted.setdefault(sql, {}).setdefault(params, then)

    def answer(self, sql: str, params: tuple[Any, ...], run: Run) -> Rows | None:
        """Give the answer to a question that was foreseen, None for another; `run` asks the database."""
        return self._answer(self._known, sql, params, run)

    def before(self, sql: str, params: tuple[Any, ...], run: Run) -> Rows | None:
        """Give the answer to one to which nothing matters that was written in this transaction."""
        found = self._answer(self._known, sql, params, None)
        return self._answer(self._before, sql, params, run) if found is None else found

    def _answer(self, known: Known, sql: str, params: tuple[Any, ...], run: Run | None) -> Rows | None:
        if run is not None and sql in self._wanted and params in self._wanted[sql]:
            self._ask(known.setdefault(sql, {}), sql, self._wanted.pop(sql), run)
        return known[sql].get(params) if sql in known else None

    def _ask(
        self, known: dict[tuple[Any, ...], Rows], sql: str, wanted: dict[tuple[Any, ...], Then | None], run: Run
    ) -> None:  # fmt: skip
        questions = [*wanted]
        if len(questions) == 1:
            known[questions[0]] = run(sql, questions[0])
        else:
            answers: list[Rows] = [[] for _ in questions]
            types = tuple([TYPES[type(each)] for each in questions[0]])
            rows = run(together(sql, types), [*map(list, zip(*questions, strict=True))])
            for number, _, *row in sorted(rows, key=_place):
                answers[number - 1].append(tuple(row))
            known.update(zip(questions, answers, strict=True))
        for params, then in wanted.items():
            if then is not None:
                then(known[params])

    def wrote(self, sql: str) -> None:
        """Hear that a statement wrote: what is known of its tables is known no more."""
        if self._known:
            touched = tables_of(sql)
            for text in [text for text in self._known if not touched.isdisjoint(tables_of(text))]:
                self._before[text] = self._known.pop(text)

    def clear(self) -> None:
        """Forget all of it."""
        for each in (self._wanted, self._known, self._before):
            each.clear()


def _is_sent(value: Any) -> bool:
    """Tell whether the driver takes a value as it is."""
    kind = type(value)
    if kind is str:
        return value.isascii() and "\0" not in value
    return kind is bytes or (kind is int and -MOST <= value < MOST)


def _place(row: tuple[Any, ...]) -> tuple[int, int]:
    return row[0], row[1]


@lru_cache(maxsize=256)
def together(sql: str, types: tuple[str, ...]) -> str:
    """Write a question so that it is asked once for each row of its values, which are lists.

    Each row of an answer begins with the number of the question, from 1, and its own place in the answer.
    """
    names = [f"p{number}" for number in range(len(types))]
    lists = ", ".join([f"CAST(? AS {kind}[])" for kind in types])
    pieces, left = [], iter(names)
    for place, piece in enumerate(sql.split("'")):
        first, *others = piece.split("?")
        pieces.append(piece if place % 2 else "".join([first, *[f"asked.{next(left)}{other}" for other in others]]))
    return f"""
SELECT asked.number, its.* FROM unnest({lists}) WITH ORDINALITY AS asked({", ".join(names)}, number)
CROSS JOIN LATERAL (SELECT row_number() OVER () AS place, one.* FROM ({"'".join(pieces)}) AS one) AS its"""  # noqa: S608 - our own texts
