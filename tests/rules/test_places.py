"""Places in TOML: every character of every string has one place in the file."""

from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from rules.places import Places

TEXT = '''a = "x\\ty\\u00e9"
[[rule]]
name = """
ab\\
   c"d\\\\ """ # a comment with "quotes
then = [ # and [ brackets ]
 'a#', "b",
]
[rule.sub]
k = { a.b = 1, c = ["x", { z = 2 }] }
"q k" = 'y'
[[rule]]
name = \'\'\'it's\'\'\'
'''


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for number, inner in enumerate(value) for leaf in leaves(inner, (*path, number))]
    return [(path, value)]


def test_every_value_is_found_where_it_stands() -> None:
    places = Places(TEXT)
    for path, value in leaves(tomllib.loads(TEXT)):
        place = places.found[path]
        assert tomllib.loads(f"x = {TEXT[place.start : place.end]}")["x"] == value


def test_every_character_of_a_string_has_its_place() -> None:
    places = Places(TEXT)
    assert places.inside(("rule", 0, "name"), 2, 3).line == 5
    assert places.inside(("rule", 0, "name"), 2, 3).column == 4
    spot = places.inside(("a",), 1, 3)
    assert (spot.line, spot.column) == (1, 7)
    assert places.line(("rule", 1)) == 12


def test_a_slice_over_lines_is_cut_at_the_first() -> None:
    places = Places("x = '''ab\ncd'''\n")
    spot = places.inside(("x",), 1, 5)
    assert (spot.line, spot.column, spot.length, spot.excerpt) == (1, 9, 1, "x = '''ab")


_TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8, alphabet="ab-_é ."), _TEXTS | st.lists(_TEXTS, max_size=3), max_size=5
    )
)
def test_strings_of_any_text_keep_their_characters(table: dict[str, Any]) -> None:
    text = tomli_w.dumps({"rule": [table]}, multiline_strings=True).replace("\r\n", "\n")
    places = Places(text)
    for path, value in leaves(tomllib.loads(text)):
        start, end = places.slice(path, 0, max(len(value), 1))
        for position, char in enumerate(value):
            at, _ = places.slice(path, position, position + 1)
            assert start <= at < end
            assert text[at] in (char, "\\")


@given(st.text(alphabet="[]{}='\"#\n\\,.ab \t", max_size=60))
def test_no_text_stops_the_scan(text: str) -> None:
    assert Places(text).spot(0, 1).line == 1
