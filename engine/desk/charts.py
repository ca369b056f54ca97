"""What a picture shows, as data: numbers with their names, and the search that finds what is behind each.

Here: `Flow` and `Chart`, and both as a table. Not here: the numbers (`numbers.py`), how they are drawn (`draw.py`).
Invariant: a picture and its table show the same numbers; a search that is "" stands for none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

SIGNS = {
    "created": "●", "comment": "◆", "note": "▪", "held": "‖", "rejected": "✕", "discarded": "○", "duplicate": "≡",
    "deferred": "…", "error": "!",
}  # fmt: skip
"""A sign for each outcome: it is never told by a colour alone."""

TITLES = {
    "flow": "Where the mail went", "outcomes": "How much came, and what became of it",
    "reasons": "Why mail was not taken", "hours": "When it comes", "rules": "Which rules match",
    "proof": "Who can be believed", "senders": "Who wrote for the first time", "sent": "Whether our letters left",
    "classes": "Which of our letters left", "answers": "How long until an item is answered",
    "lag": "How long until a mail is decided", "size": "How big mails are", "hooks": "Whether hooks are quick",
}  # fmt: skip
"""What stands above each picture, by its name."""

HEADS = {
    "reasons": "reason", "hours": "day", "proof": "domain", "rules": "rule", "lag": "day", "size": "size",
    "classes": "letter",
    "hooks": "time",
}  # fmt: skip
"""What a row of a picture is, of each whose rows are no slots of a time."""


class Kind(Struct, frozen=True):
    """A kind of number: its colour (an outcome, `good`, `bad`, `plain` or `quiet`) and its name."""

    colour: str
    name: str

    @property
    def sign(self) -> str:
        """What stands before the name, beside the colour."""
        return SIGNS.get(self.colour, "■")


class Row(Struct, frozen=True):
    """A column, a bar or a row of a map: its name, a number for each kind, and for each its search."""

    name: str
    values: tuple[float | None, ...]
    queries: tuple[str, ...] = ()
    said: str = ""

    @property
    def total(self) -> float:
        """All of its numbers together."""
        return sum(each or 0 for each in self.values)


class Chart(Struct, frozen=True):
    """A picture of rows: its file, its title, how it is drawn (columns, bars, map, lines), what a row is.

    `note` says what one has to know of the numbers: from when they are, what they leave out.
    """

    name: str
    title: str
    form: str
    head: str
    kinds: tuple[Kind, ...]
    rows: tuple[Row, ...]
    note: str = ""
    unit: str = ""

    @property
    def total(self) -> float:
        """All numbers together."""
        return sum(row.total for row in self.rows)

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of the table."""
        return (self.head, *[kind.name for kind in self.kinds])

    @property
    def table(self) -> Iterator[tuple[str, ...]]:
        """The numbers, a line a row."""
        for row in self.rows:
            yield (row.name, *[written(each) for each in row.values])


class Node(Struct, frozen=True):
    """A place of the flow: its name, its colour, and the search for its mails."""

    name: str
    colour: str = ""
    query: str = ""


class Stream(Struct, frozen=True):
    """Mails that came by one node, were decided by one and ended in one, by their numbers; with one outcome.

    Its `words` are those of the search for them, none where no search finds just these.
    """

    came: int
    by: int
    end: int
    outcome: str
    mails: int
    words: tuple[str, ...] = ()


class Flow(Struct, frozen=True):
    """Where mail went and who said so: three columns of nodes, and the mails between them, each in one stream."""

    name: str
    title: str
    came: tuple[Node, ...]
    by: tuple[Node, ...]
    ends: tuple[Node, ...]
    streams: tuple[Stream, ...]
    note: str = ""

    form = "flow"
    heads = ("came by", "decided by", "ended in", "became", "mails")

    @property
    def total(self) -> int:
        """All mails."""
        return sum(each.mails for each in self.streams)

    @property
    def table(self) -> Iterator[tuple[str, ...]]:
        """The streams, a line each."""
        for each in self.streams:
            names = self.came[each.came].name, self.by[each.by].name, self.ends[each.end].name
            yield (*names, each.outcome, written(each.mails))

    def at(self, column: str) -> Sequence[int]:
        """How many mails go through each node of a column: came, by or end."""
        found = Counter[int]()
        for each in self.streams:
            found[getattr(each, column)] += each.mails
        return [found[number] for number, _ in enumerate(self.ends if column == "end" else getattr(self, column))]


Picture = Flow | Chart


def written(number: float | None) -> str:
    """A number as a table shows it."""
    if number is None:
        return "–"
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"
