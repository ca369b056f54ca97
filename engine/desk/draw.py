"""Pictures: data -> SVG text, for a page and for a file.

Here: `picture`, `spark`, the style of a file. Not here: the flow (`draw_flow.py`), the numbers (`numbers.py`), tables.
Invariant: nothing but the standard library; every word is text, cleaned and escaped by `word`; every mark has a title,
and in a page a link where there is a search for it. What is drawn is a `Drawn`: the only text that a page takes as it
is, so nothing else may make one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from engine.plain_text import clean, isolated

if TYPE_CHECKING:
    from engine.desk.charts import Chart, Flow, Kind, Row

Link = Callable[[str], str]
"""Gives the address of a search."""

WIDTH = 1060

_TOP, _LEFT, _RIGHT, _HEIGHT = 34, 44, 10, 190

COLOURS = {
    "paper": ("#ffffff", "#1a2028"), "ink": ("#1a2028", "#e6eaf0"), "quiet": ("#5b6675", "#9aa7b8"),
    "line": ("#dde1e7", "#323b47"), "accent": ("#1d5bb8", "#8fbcff"), "created": ("#1f7a43", "#5cc787"),
    "comment": ("#2463b8", "#7db4f5"), "note": ("#0e7686", "#55c3d3"), "held": ("#9a5b00", "#f0ae4a"),
    "rejected": ("#b3261e", "#f2867e"), "discarded": ("#5b6675", "#9aa7b8"), "duplicate": ("#71559b", "#b79be0"),
    "deferred": ("#4a6580", "#93b0cc"), "error": ("#8f1239", "#f58aa8"), "good": ("#1f7a43", "#5cc787"),
    "bad": ("#b3261e", "#f2867e"),
}  # fmt: skip
"""By meaning: on light and on dark ground. The style of the console has the same."""

RULES = """\
.fig text { fill: var(--ink); font: 12px system-ui, sans-serif; } .fig .q { fill: var(--quiet); } .fig .e { text-anchor: end; } .fig .m { text-anchor: middle; }
.fig .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; } .fig .axis { stroke: var(--line); } .fig a:focus-visible { outline: 2px solid var(--accent); }
.fig .plain { fill: var(--accent); } .fig .quiet { fill: var(--discarded); } .fig .node { fill: var(--quiet); } .fig .r { fill-opacity: .28; } .fig a:hover .r, .fig a:focus .r { fill-opacity: .6; }
.fig .created { fill: var(--created); } .fig .comment { fill: var(--comment); } .fig .note { fill: var(--note); } .fig .held { fill: var(--held); } .fig .rejected { fill: var(--rejected); }
.fig .discarded { fill: var(--discarded); } .fig .duplicate { fill: var(--duplicate); } .fig .deferred { fill: var(--deferred); } .fig .error { fill: var(--error); } .fig .good { fill: var(--good); } .fig .bad { fill: var(--bad); }
.fig .line { fill: none; stroke-width: 2px; } .fig .line.comment { stroke: var(--comment); } .fig .line.held { stroke: var(--held); }
.fig .s0 { fill: var(--line); fill-opacity: .4; } .fig .s1 { fill: var(--accent); fill-opacity: .15; } .fig .s2 { fill: var(--accent); fill-opacity: .35; } .fig .s3 { fill: var(--accent); fill-opacity: .55; } .fig .s4 { fill: var(--accent); fill-opacity: .75; } .fig .s5 { fill: var(--accent); }
"""  # noqa: E501 - the very lines of a.css
"""How marks look; the console's style sheet holds the same lines."""


class Drawn(str):
    """A picture. A page takes it as it is: `__html__` says so to templates."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def word(text: str, most: int = 80) -> str:
    """Make anybody's words safe to stand in a picture."""
    return escape(isolated(clean(text, most)))


def picture(shown: Flow | Chart, link: Link | None = None, *, alone: bool = False) -> Drawn:
    """Draw it: with links for a page, or `alone`, with a style of its own, for a file."""
    from engine.desk.draw_flow import flow

    drawers = {"columns": _columns, "bars": _bars, "map": _map, "lines": _lines, "flow": flow}
    marks, height = drawers[shown.form](shown, link)  # type: ignore[operator]
    drawn = "".join(marks)
    role = "group" if "<a " in drawn else "img"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="fig" viewBox="0 0 {WIDTH} {height:.0f}"'
    own = f' width="{WIDTH}" height="{height:.0f}"' if alone else ""
    ground = f'<style>{_style()}</style><rect width="100%" height="100%" fill="var(--paper)"/>' if alone else ""
    return Drawn(f'{head}{own} role="{role}" aria-label="{word(shown.title)}">{ground}{drawn}</svg>')


def spark(values: Sequence[float], colour: str, title: str) -> Drawn:
    """Draw bars of 120 x 22 for a row."""
    most, step = max([*values, 1]), 120 / max(len(values), 1)
    bars = [
        f'<rect x="{n * step:.1f}" y="{21 - high:.1f}" width="{step - 1:.1f}" height="{high:.1f}"/>'
        for n, value in enumerate(values)
        if (high := value / most * 20)
    ]
    drawn = f'<g class="{word(colour)}">{"".join(bars)}</g><path class="axis" d="M0 21.5H120"/>'
    said = f'role="img" aria-label="{word(title)}"><title>{word(title)}</title>'
    return Drawn(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fig spark" viewBox="0 0 120 22" width="120" height="22" '
        f"{said}{drawn}</svg>"
    )


def mark(shape: str, title: str, query: str, link: Link | None) -> str:
    """A shape with its title, and around it a link where there is one; the shape lacks its end, as in `<rect x="1"`."""
    said = f"<title>{title}</title>"
    if link is None or not query:
        name = shape[1 : shape.index(" ")]
        return f"{shape}>{said}</{name}>"
    return f'<a href="{escape(link(query))}">{said}{shape}/></a>'


def _style() -> str:
    both = [" ".join(f"--{name}: {pair[n]};" for name, pair in COLOURS.items()) for n in (0, 1)]
    dark = f"@media (prefers-color-scheme: dark) {{ .fig {{ {both[1]} }} }}"
    return f".fig {{ color-scheme: light dark; {both[0]} }}\n{dark}\n{RULES}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _most(value: float) -> float:
    """A round number that is no less, of numbers of mails at least 1."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(each * power for each in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if each * power >= value)


def _legend(kinds: Sequence[Kind], rows: Sequence[Row], unit: str) -> Iterator[str]:
    """The kinds with their signs and how much there is of each."""
    x = float(_LEFT)
    for n, kind in enumerate(kinds):
        many = "" if unit else f" {_number(sum(row.values[n] or 0 for row in rows))}"
        name = f"{clean(kind.name, 30)}{many}"
        yield f'<text x="{x:.0f}" y="15"><tspan class="{kind.colour}">{kind.sign}</tspan> {word(name)}</text>'
        x += 30 + 6.6 * len(name)


def _columns(chart: Chart, link: Link | None) -> tuple[list[str], float]:
    """Columns, one on the other."""
    top = _most(max([row.total for row in chart.rows], default=1))
    base, step = _TOP + _HEIGHT, (WIDTH - _LEFT - _RIGHT) / max(len(chart.rows), 1)
    every = max(ceil(len(chart.rows) * 62 / (WIDTH - _LEFT)), 1)
    made = [*_legend(chart.kinds, chart.rows, chart.unit), *_axes(top, chart.unit)]
    wide = max(min(step * 0.78, 60), 1)
    for n, row in enumerate(chart.rows):
        x, y = _LEFT + n * step + (step - wide) / 2, float(base)
        for number, (value, kind) in enumerate(zip(row.values, chart.kinds, strict=True)):
            if value:
                high = value / top * _HEIGHT
                y -= high
                shape = f'<rect class="{kind.colour}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
                title = word(f"{row.name}: {_number(value)}{chart.unit} {kind.name}")
                made.append(mark(shape, title, _of(row, number), link))
        if n % every == 0:
            name = word(row.name.removeprefix("week of "), 20)
            made.append(f'<text class="q m" x="{x + wide / 2:.0f}" y="{base + 17}">{name}</text>')
    return made, base + 26


def _lines(chart: Chart, link: Link | None) -> tuple[list[str], float]:
    """A line for each kind, with a point for each number; where there is none, the line breaks."""
    top = _most(max([value or 0 for row in chart.rows for value in row.values], default=1))
    base, step = _TOP + _HEIGHT, (WIDTH - _LEFT - 30 - _RIGHT) / max(len(chart.rows) - 1, 1)
    made = [*_legend(chart.kinds, chart.rows, chart.unit), *_axes(top, chart.unit)]
    for number, kind in enumerate(chart.kinds):
        points = [
            (_LEFT + 15 + n * step, base - (value or 0) / top * _HEIGHT, row, value)
            for n, row in enumerate(chart.rows)
            if (value := row.values[number]) is not None
        ]
        for (x, y, *_), (to, up, *_) in pairwise(points):
            if to - x < 1.5 * step:
                made.append(f'<path class="line {kind.colour}" d="M{x:.1f} {y:.1f}L{to:.1f} {up:.1f}"/>')
        for x, y, row, value in points:
            shape = f'<circle class="{kind.colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"'
            title = word(f"{row.name}: {_number(value or 0)}{chart.unit}, {kind.name}")
            made.append(mark(shape, title, _of(row, number), link))
    every = max(ceil(len(chart.rows) * 62 / (WIDTH - _LEFT)), 1)
    for n, row in enumerate(chart.rows[::every]):
        made.append(
            f'<text class="q m" x="{_LEFT + 15 + n * every * step:.0f}" y="{base + 17}">{word(row.name)}</text>'
        )
    return made, base + 26


def _axes(top: float, unit: str) -> Iterator[str]:
    base = _TOP + _HEIGHT
    for part in (0.5, 1.0):
        y = base - part * _HEIGHT
        yield f'<path class="axis" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>'
        yield f'<text class="q e" x="{_LEFT - 6}" y="{y + 4:.1f}">{_number(top * part)}{unit}</text>'
    yield f'<path class="axis" d="M{_LEFT} {base}.5H{WIDTH - _RIGHT}"/>'


def _bars(chart: Chart, link: Link | None) -> tuple[list[str], float]:
    """Bars with their numbers, one kind behind the other."""
    most, begin, end = max([row.total for row in chart.rows], default=1) or 1, 300, WIDTH - 70
    made, top = [*_legend(chart.kinds, chart.rows, chart.unit)], _TOP - 6
    for n, row in enumerate(chart.rows):
        x, y = float(begin), top + n * 22
        made.append(f'<text class="e" x="{begin - 8}" y="{y + 13}">{word(row.name, 44)}</text>')
        for number, (value, kind) in enumerate(zip(row.values, chart.kinds, strict=True)):
            if value:
                wide = value / most * (end - begin)
                shape = f'<rect class="{kind.colour}" x="{x:.1f}" y="{y + 2}" width="{wide:.1f}" height="16"'
                title = word(f"{row.name}: {_number(value)} {kind.name}{f' ({row.said})' if row.said else ''}", 200)
                made.append(mark(shape, title, _of(row, number), link))
                x += wide
        made.append(f'<text class="q" x="{x + 6:.0f}" y="{y + 13}">{_number(row.total)}</text>')
    return made, top + max(len(chart.rows), 1) * 22 + 6


def _map(chart: Chart, link: Link | None) -> tuple[list[str], float]:
    """A map in five steps: rows by kinds, the darkest has the most."""
    most = max([value or 0 for row in chart.rows for value in row.values], default=0) or 1
    begin, top, many = 230, 22, max(len(chart.kinds), 1)
    step = (WIDTH - begin - _RIGHT) / many
    every, made = max(ceil(46 / step), 1), []
    for number, kind in enumerate(chart.kinds):
        if number % every == 0:
            x = begin + number * step
            made.append(f'<text class="q m" x="{x + step / 2:.0f}" y="14">{word(kind.name, 12)}</text>')
    for n, row in enumerate(chart.rows):
        y = top + n * 22
        made.append(f'<text class="e" x="{begin - 8}" y="{y + 15}">{word(row.name, 34)}</text>')
        made.append(f'<rect class="s0" x="{begin}" y="{y}" width="{WIDTH - begin - _RIGHT}" height="20"/>')
        for number, (value, kind) in enumerate(zip(row.values, chart.kinds, strict=True)):
            if value:
                shape = (
                    f'<rect class="s{ceil(5 * value / most)}" x="{begin + number * step + 0.5:.1f}" y="{y}" '
                    f'width="{step - 1:.1f}" height="20"'
                )
                made.append(mark(shape, word(f"{row.name}, {kind.name}: {_number(value)}"), _of(row, number), link))
    y = top + len(chart.rows) * 22 + 16
    made.append(f'<text class="q" x="{begin}" y="{y}">the most: {_number(most)}, in five steps</text>')
    return made, y + 8


def _of(row: Row, number: int) -> str:
    """The search behind a number."""
    return row.queries[number] if number < len(row.queries) else ""
