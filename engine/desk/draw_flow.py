"""The flow as a picture: three columns that stand where they stood yesterday, and the mails between them.

Here: `flow`. Not here: what all pictures share (`draw.py`).
Invariant: at every node as much goes out as comes in; a ribbon is as thick as its mails are many, at both ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.desk.draw import WIDTH, Link, mark, word

if TYPE_CHECKING:
    from engine.desk.charts import Flow, Node

_HIGH, _TOP, _LEAST, _SLOT, _GAP = 230.0, 34.0, 3.0, 15.0, 5.0
_AT, _WIDE = (170.0, 490.0, 850.0), 10.0
_CLEAR = 0.8
"""The thinnest ribbon that is still seen."""


class Place(NamedTuple):
    """Where a node stands."""

    top: float
    high: float


class Ribbon(NamedTuple):
    """Mails between two nodes of neighbouring columns, with where they leave and arrive and how thick they are."""

    begin: int
    end: int
    outcome: str
    mails: int
    leaves: float
    arrives: float
    thick: float


def flow(shown: Flow, link: Link | None) -> tuple[list[str], float]:
    """Draw it; gives the marks and the height."""
    columns = (shown.came, shown.by, shown.ends)
    mails = [shown.at(name) for name in ("came", "by", "end")]
    scale = _HIGH / max(shown.total, 1)
    heights = [_height(each, scale) for each in mails]
    whole = max(heights, default=0.0)
    places = [places_of(each, scale, (whole - high) / 2) for each, high in zip(mails, heights, strict=True)]
    made = [f'<text class="q{cls}" x="{x}" y="14">{said}</text>' for cls, x, said in (
        ("", 0, "came by"), (" m", _AT[1] + _WIDE / 2, "decided by"), (" e", WIDTH, "ended in"))]  # fmt: skip
    queries = _queries(shown)
    for first in (0, 1):
        for each in ribbons(shown, first, places, scale):
            names = columns[first][each.begin].name, columns[first + 1][each.end].name
            title = word(f"{names[0]} → {names[1]}: {each.mails:,} {each.outcome}", 200)
            shape = f'<path class="r {word(each.outcome)}" d="{_path(each, first)}"'
            made.append(mark(shape, title, queries.get((first, each.begin, each.end, each.outcome), ""), link))
    for number, (nodes, stand, many) in enumerate(zip(columns, places, mails, strict=True)):
        made += _nodes(number, nodes, stand, many, link)
    return made, _TOP + whole + 8


def _height(mails: Sequence[int], scale: float) -> float:
    return sum(max(many * scale, _SLOT) + _GAP for many in mails)


def places_of(mails: Sequence[int], scale: float, begin: float = 0.0) -> list[Place]:
    """Put nodes below each other, each in a slot that its name fits in."""
    found, y = [], _TOP + begin
    for many in mails:
        high = max(many * scale, _LEAST)
        slot = max(many * scale, _SLOT)
        found.append(Place(y + (slot - high) / 2, high))
        y += slot + _GAP
    return found


def ribbons(shown: Flow, first: int, places: Sequence[Sequence[Place]], scale: float) -> Iterator[Ribbon]:
    """Put the mails between a column and the next one together, by outcome, in the order of the columns."""
    found: Counter[tuple[int, int, str]] = Counter()
    outcomes = [*dict.fromkeys(each.outcome for each in shown.streams)]
    for each in shown.streams:
        found[(each.came, each.by, each.outcome) if not first else (each.by, each.end, each.outcome)] += each.mails
    leaves = [place.top for place in places[first]]
    arrives: dict[tuple[int, int, str], float] = {}
    tops = [place.top for place in places[first + 1]]
    for key in sorted(found, key=lambda key: (key[1], key[0], outcomes.index(key[2]))):
        arrives[key] = tops[key[1]]
        tops[key[1]] += found[key] * scale
    for key in sorted(found, key=lambda key: (key[0], key[1], outcomes.index(key[2]))):
        thick = found[key] * scale
        yield Ribbon(*key, found[key], leaves[key[0]], arrives[key], thick)
        leaves[key[0]] += thick


def _queries(shown: Flow) -> dict[tuple[int, int, int, str], str]:
    """The search behind each ribbon: the words that all its streams share."""
    found: dict[tuple[int, int, int, str], list[str]] = {}
    for each in shown.streams:
        for key in ((0, each.came, each.by, each.outcome), (1, each.by, each.end, each.outcome)):
            known = found.get(key)
            found[key] = [*each.words] if known is None else [one for one in known if one in each.words]
    return {key: " ".join(words) for key, words in found.items()}


def _path(each: Ribbon, first: int) -> str:
    """Two curves with what lies between them."""
    begin, end, thick = _AT[first] + _WIDE, _AT[first + 1], max(each.thick, _CLEAR)
    middle, a, b = (begin + end) / 2, each.leaves, each.arrives
    there = f"M{begin:.0f} {a:.1f}C{middle:.0f} {a:.1f} {middle:.0f} {b:.1f} {end:.0f} {b:.1f}"
    return f"{there}v{thick:.1f}C{middle:.0f} {b + thick:.1f} {middle:.0f} {a + thick:.1f} {begin:.0f} {a + thick:.1f}z"


def _nodes(
    number: int, nodes: Sequence[Node], places: Sequence[Place], mails: Sequence[int], link: Link | None
) -> Iterator[str]:  # fmt: skip
    x = _AT[number]
    at, side = (x - 6, " e") if number == 0 else (x + _WIDE + 6, "")
    for node, place, many in zip(nodes, places, mails, strict=True):
        shape = (
            f'<rect class="{word(node.colour or "node")}" x="{x:.0f}" y="{place.top:.1f}" width="{_WIDE:.0f}" '
            f'height="{place.high:.1f}" rx="2"'
        )
        yield mark(shape, word(f"{node.name}: {many:,} mails", 200), node.query, link)
        y, name = place.top + place.high / 2 + 4, word(node.name, 24 if number == 0 else 36)
        yield f'<text class="halo{side}" x="{at:.0f}" y="{y:.1f}">{name} <tspan class="q">{many:,}</tspan></text>'
