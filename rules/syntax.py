"""The syntax tree: what a condition and an action say, before anybody asks whether it makes sense.

Here: frozen nodes. Not here: how they come from text (`parse.py`) and what they mean (`check.py`).
The tags tell the nodes apart where trees are kept (`trees.py`).
Invariant: `start` and `end` are indices into the text of the condition or action the node stands in.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a literal looks like; a WORD is a value such as `pass`, or the name of a field."""

    TEXT = "text"
    NUMBER = "number"
    SIZE = "size"
    DURATION = "duration"
    AGO = "ago"
    AHEAD = "ahead"
    DATE = "date"
    TIME = "time"
    WORD = "word"


class Op(StrEnum):
    """What a test asks of its subject; `Test.negated` turns it round. ALONE is a subject without comparison."""

    ALONE = ""
    IS = "is"
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    LIKE = "like"
    MATCHES = "matches"
    IN = "in"
    EXISTS = "exists"
    EMPTY = "is empty"
    ABOVE = ">"
    ABOVE_IS = ">="
    BELOW = "<"
    BELOW_IS = "<="
    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"


class Subject(Struct, frozen=True):
    """A field, a definition, `headers["key"]` or `item["key"]`."""

    name: str
    key: str | None
    start: int
    end: int


class Literal(Struct, frozen=True, tag=True):
    """One value as written. `source` is its text, for a TEXT without the quotes."""

    kind: Kind
    source: str
    start: int
    end: int


class Literals(Struct, frozen=True, tag=True):
    """A list in brackets."""

    items: tuple[Literal, ...]
    start: int
    end: int


class NamedList(Struct, frozen=True, tag=True):
    """A list of [lists], by name."""

    name: str
    start: int
    end: int


class Several(Struct, frozen=True, tag=True):
    """`any of`, `all of` or `none of` a list."""

    amount: str
    values: Literals | NamedList
    start: int
    end: int


class Regex(Struct, frozen=True, tag=True):
    """A pattern as written, with its slashes and flags."""

    source: str
    start: int
    end: int


class Range(Struct, frozen=True, tag=True):
    """The two ends of `between`."""

    low: Literal
    high: Literal
    start: int
    end: int


Operand = Literal | Literals | NamedList | Several | Regex | Range


class Test(Struct, frozen=True, tag=True):
    """One question. `quantifier` is any, all, no or "" (left out); the comparison stands at `op_start` to `op_end`."""

    subject: Subject
    op: Op
    operand: Operand | None
    negated: bool
    quantifier: str
    op_start: int
    op_end: int
    start: int
    end: int


class Not(Struct, frozen=True, tag=True):
    """The opposite of `kid`."""

    kid: Node
    start: int
    end: int


class Group(Struct, frozen=True, tag=True):
    """Brackets, kept because they say how `and` and `or` belong together."""

    kid: Node
    start: int
    end: int


class Many(Struct, frozen=True, tag=True):
    """`and` (every) or `or` of several; `joints` are the places of the words between."""

    every: bool
    kids: tuple[Node, ...]
    joints: tuple[tuple[int, int], ...]
    start: int
    end: int


Node = Test | Not | Group | Many


class Action(Struct, frozen=True):
    """An action by the name it has in the grammar, and what stands in it."""

    name: str
    arguments: tuple[Literal, ...]
    text: str


class SyntaxFault(ValueError):
    """A text that is no condition or action; becomes a `Problem` where the file is known."""

    def __init__(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.help = help
