"""Places in TOML: every character of every string has one place in the file."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from rules.places import Path, Places, Spot

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


def marked(spot: Spot | None) -> str:
    """The characters a caret would point to."""
    assert spot is not None
    return spot.excerpt[spot.column - 1 :][: spot.length]


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ("a = 1", ("a",), "a", "1"),
        ("[t]\na.b.c = 'x' # c", ("t", "a", "b", "c"), "c", "'x'"),
        ('"Priorität" = "p"', ("Priorität",), '"Priorität"', '"p"'),
        ("'a.b' = [1, 2]", ("a.b",), "'a.b'", "[1, 2]"),
        ('"\\u00e9" = true', ("é",), '"\\u00e9"', "true"),
        ("r = { limit = 60, per = '1 h' }", ("r", "per"), "per", "'1 h'"),
        ("l = [\n 'a', # one\n 'bc'\n]", ("l", 1), "'bc'", "'bc'"),
        ("[[w]]\nn=1\n[[w]]\nn = 22", ("w", 1, "n"), "n", "22"),
        ("[a.b]\nc = 1979-05-27T07:32:00Z", ("a", "b", "c"), "c", "1979-05-27T07:32:00Z"),
        ("s = '''\nit's'''\nn = 3", ("n",), "n", "3"),
        ('s = """a\\"""b"""\nn = 4', ("n",), "n", "4"),
    ],
)
def test_every_way_to_write_a_key_has_a_word_and_a_value(text: str, path: Path, key: str, value: str) -> None:
    tomllib.loads(text)
    places = Places(text)
    assert marked(places.word(path)) == key
    assert marked(places.content(path)) == value


def test_the_word_of_a_table_stands_in_its_header_or_where_it_is_named_first() -> None:
    places = Places("[a]\nx = 1\n[a.b]\ny.z = 2\n[c.d]\n")
    assert marked(places.word(("a", "b"))) == marked(places.content(("a", "b"))) == "b"
    assert [places.words[path] for path in (("c",), ("c", "d"), ("a", "b", "y"))] == [(25, 26), (27, 28), (16, 17)]


def test_what_is_not_there_has_the_word_of_the_table_around_it() -> None:
    places = Places("[gates]\nx = 1")
    assert marked(places.word(("gates", "dmarc"))) == marked(places.content(("gates", "dmarc"))) == "gates"
    assert places.word(("mail",)) is places.content(("mail", 3)) is None


def test_a_character_of_a_text_has_a_place_also_behind_an_escape() -> None:
    places = Places("p = '/(a/'\nq = \"a\\tbc\"")
    first, second = places.content(("p",), 1), places.content(("q", 0), 3)
    assert first is not None and (first.line, first.column) == (1, 7)
    assert second is not None and (second.line, second.column) == (2, 10)


def test_keys_with_a_value_are_counted() -> None:
    assert Places("[t]\na = [1, 2]\nb = { c = 1, d.e = '' }\n[[u]]\n").pairs == 4


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


_VALUES = st.recursive(
    st.booleans() | st.integers(-99, 99) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=4))
def test_whatever_toml_is_read_every_value_has_a_place(tables: dict[str, Any]) -> None:
    text = tomli_w.dumps(tables).replace("\r\n", "\n")
    places = Places(text)
    for path, _ in leaves(tomllib.loads(text)):
        spot = places.content(path)
        assert path in places.words and path in places.found
        assert spot is not None and text.split("\n")[spot.line - 1] == spot.excerpt


@given(st.text(max_size=200) | st.text(alphabet="[]{}='\"#\n\\,.ab \t", max_size=60))
def test_no_text_stops_the_scan(text: str) -> None:
    assert Places(text).spot(0, 1).line == 1
