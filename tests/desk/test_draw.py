"""A picture is data made visible: every number once, no word of a stranger that does anything, the same in a file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Xml
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from console.offices import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from engine.desk import draw, draw_flow
from engine.desk.charts import SIGNS, Chart, Flow, Kind, Node, Row, Stream
from engine.desk.draw import COLOURS, RULES, Drawn, picture, spark

ENGINE = Path(draw.__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
MARKS = ("rect", "path", "circle")

names = st.text(max_size=60) | st.sampled_from(HOSTILE)
outcomes = st.sampled_from([*SIGNS])
numbers = st.integers(0, 10**7)


@st.composite
def flows(make: Any) -> Flow:
    came, by, ends = [
        tuple([Node(name, "", "outcome:held") for name in make(st.lists(names, min_size=1, max_size=5))]) for _ in "abc"
    ]
    keys = st.tuples(*[st.integers(0, len(column) - 1) for column in (came, by, ends)], outcomes)
    found = make(st.dictionaries(keys, st.integers(1, 10**6), min_size=1, max_size=12))
    streams = [
        Stream(a, b, c, outcome, mails, ("mailbox:x", f"outcome:{outcome}"))
        for (a, b, c, outcome), mails in found.items()
    ]
    return Flow("flow", make(names), came, by, ends, tuple(streams))


@st.composite
def charts(make: Any) -> Chart:
    kinds = tuple([Kind(make(outcomes), name) for name in make(st.lists(names, min_size=1, max_size=4))])
    row = st.builds(
        Row, names, st.tuples(*[numbers | st.none() for _ in kinds]), st.tuples(*[names for _ in kinds]), names
    )
    rows = tuple(make(st.lists(row, max_size=6)))
    return Chart(
        "outcomes", make(names), make(st.sampled_from(["columns", "bars", "map", "lines"])), "day", kinds, rows
    )


def link(query: str) -> str:
    return f"/mails?q={quote_plus(query, safe=':')}"


def parsed(drawn: str) -> Xml.Element:
    return Xml.fromstring(drawn)  # noqa: S314 - made here


def marks(drawn: str) -> Iterator[Xml.Element]:
    """The shapes that stand for a number: those with a title, or in a link that has one."""
    for each in parsed(drawn).iter():
        if each.tag.removeprefix(SVG) in (*MARKS, "a") and each.find(f"{SVG}title") is not None:
            yield each


# ── the flow ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(shown=flows())
def test_every_mail_stands_in_exactly_one_ribbon_of_each_gap(shown: Flow) -> None:
    scale = 230 / shown.total
    places = [draw_flow.places_of(shown.at(name), scale) for name in ("came", "by", "end")]
    for first, (here, there) in enumerate((("came", "by"), ("by", "end"))):
        ribbons = [*draw_flow.ribbons(shown, first, places, scale)]
        assert sum(each.mails for each in ribbons) == shown.total
        assert len({each[:3] for each in ribbons}) == len(ribbons)
        for column, end in ((here, "begin"), (there, "end")):
            found: Counter[int] = Counter()
            for each in ribbons:
                found[getattr(each, end)] += each.mails
            assert [found[number] for number, _ in enumerate(shown.at(column))] == [*shown.at(column)]


@given(shown=flows())
def test_ribbons_are_as_thick_as_their_mails_and_lie_beside_each_other_within_their_nodes(shown: Flow) -> None:
    scale = 230 / shown.total
    places = [draw_flow.places_of(shown.at(name), scale) for name in ("came", "by", "end")]
    for first in (0, 1):
        ribbons = [*draw_flow.ribbons(shown, first, places, scale)]
        for column, end, top in ((first, "begin", "leaves"), (first + 1, "end", "arrives")):
            for node, place in enumerate(places[column]):
                y = place.top
                for each in sorted(
                    [one for one in ribbons if getattr(one, end) == node], key=lambda r: getattr(r, top)
                ):
                    assert getattr(each, top) == pytest.approx(y, abs=1e-6)
                    assert each.thick == pytest.approx(each.mails * scale)
                    y += each.thick
                assert y <= place.top + place.high + 1e-6


@given(shown=flows())
def test_nodes_do_not_lie_over_each_other_and_the_least_is_seen(shown: Flow) -> None:
    scale = 230 / shown.total
    for name in ("came", "by", "end"):
        places = draw_flow.places_of(shown.at(name), scale)
        assert all(place.high >= 3 for place in places)
        assert all(above.top + above.high < below.top for above, below in pairwise(places))


def test_the_search_behind_a_ribbon_has_the_words_that_all_its_mails_share() -> None:
    nodes = (Node("one"), Node("two"))
    streams = (
        Stream(0, 0, 0, "created", 3, ("mailbox:a", "workspace:x")),
        Stream(0, 0, 1, "created", 4, ("mailbox:a", "workspace:y")),
    )
    drawn = picture(Flow("flow", "t", nodes[:1], nodes[:1], nodes, streams), link)
    hrefs = [each.get("href") for each in parsed(drawn).iter(f"{SVG}a")]
    assert hrefs == ["/mails?q=mailbox:a", "/mails?q=mailbox:a+workspace:x", "/mails?q=mailbox:a+workspace:y"]


# ── all pictures ──────────────────────────────────────────────────────────────────────────────────────────────


@given(shown=flows() | charts(), alone=st.booleans())
def test_whatever_stands_in_it_a_picture_is_xml_in_which_nothing_acts(shown: Any, alone: bool) -> None:
    drawn = picture(shown, None if alone else link, alone=alone)
    allowed = {"svg", "g", "rect", "path", "circle", "text", "tspan", "title", "a", *(("style",) if alone else ())}
    for each in parsed(drawn).iter():
        assert each.tag.removeprefix(SVG) in allowed
        assert not [name for name in each.attrib if name.startswith("on") or name == "style"]
        assert each.tag != f"{SVG}a" or str(each.get("href")).startswith("/mails?q=")


@given(shown=charts())
def test_every_number_has_a_mark_with_a_title_and_there_is_no_other(shown: Chart) -> None:
    told = [value for row in shown.rows for value in row.values if value is not None]
    there = told if shown.form == "lines" else [value for value in told if value]
    assert len([*marks(picture(shown))]) == len(there)
    titles = [str(each.findtext(f"{SVG}title")) for each in marks(picture(shown))]
    assert all(titles)


@given(shown=flows() | charts())
def test_a_file_shows_the_marks_of_a_page_without_links_in_a_style_of_its_own(shown: Any) -> None:
    page, file = picture(shown, link), picture(shown, alone=True)
    assert "<a " not in file and 'role="img"' in file
    assert ('role="group"' in page) == ("<a " in page)
    shapes = [re.findall(r'<(?:rect|path|circle) class="[^"]*" [^>/]*', drawn) for drawn in (page, file)]
    assert [each.rstrip("/") for each in shapes[0]] == [each.rstrip("/") for each in shapes[1]]
    assert [*parsed(page).itertext()][-1:] == [*parsed(file).itertext()][-1:]
    assert "prefers-color-scheme: dark" in file and "<style" not in page


def test_no_name_steers_what_stands_beside_it() -> None:
    (drawn,) = [picture(Chart("a", "t", "bars", "x", (Kind("held", "held"),), (Row("\u202egpj.exe\x07", (3,)),)))]
    assert "\u202e" not in drawn and "\x07" not in drawn and "gpj.exe ⚠" in drawn


@given(values=st.lists(numbers, max_size=30), title=names)
def test_a_small_picture_has_a_bar_for_each_number_but_none_for_nothing(values: list[int], title: str) -> None:
    drawn = parsed(spark(values, "held", title))
    assert len([*drawn.iter(f"{SVG}rect")]) == len([value for value in values if value])
    assert all(0 < float(each.get("height", "0")) <= 20.05 or values for each in drawn.iter(f"{SVG}rect"))


@given(shown=flows() | charts())
def test_the_table_has_the_numbers_of_the_picture(shown: Any) -> None:
    lines = [*shown.table]
    assert all(len(line) == len(shown.heads) for line in lines)
    numbers = -1 if isinstance(shown, Flow) else 1  # a node may be called 0
    cells = [cell.replace(",", "") for line in lines for cell in line[numbers:]]
    told = (
        [each.mails for each in shown.streams] if isinstance(shown, Flow) else [v for r in shown.rows for v in r.values]
    )
    assert [str(value) for value in told if value is not None] == [cell for cell in cells if cell.isdigit()]


# ── the one place ─────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_but_a_picture_goes_into_a_page_as_it_is() -> None:
    assert isinstance(picture(Chart("a", "t", "bars", "x", (), ())), Drawn)
    files = [path for room in ("console", "desk") for path in (ENGINE / room).rglob("*")]
    pattern = re.compile(rb"\|\s*safe\b|\bMarkup\b|__html__|autoescape\s+false|\bDrawn\(")
    files = [path for path in files if path.suffix in (".py", ".html")]
    assert {path.name for path in files if pattern.search(path.read_bytes())} == {"draw.py"}


def test_the_console_has_the_same_colours_and_marks() -> None:
    style = (ENGINE / "console" / "static" / "a.css").read_text(encoding="utf-8")
    assert RULES in style
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    for name, (bright, dim) in COLOURS.items():
        short = {"#ffffff": "#fff"}
        assert f"--{name}: {short.get(bright, bright)};" in light, name
        assert f"--{name}: {dim};" in dark, name
