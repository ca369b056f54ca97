"""Where keys and values stand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.positions import Path, Positions


def marked(text: str, path: Path, value: bool = False) -> str:
    """The characters a caret would point to."""
    places = Positions(text)
    place = places.value(path) if value else places.key(path)
    assert place is not None
    return place.excerpt[place.column - 1 :][: place.length]


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
def test_every_way_to_write_a_key_has_a_place(text: str, path: Path, key: str, value: str) -> None:
    tomllib.loads(text)
    assert marked(text, path) == key
    assert marked(text, path, value=True) == value


def test_a_table_header_is_the_place_of_its_table() -> None:
    assert marked("[a]\nx = 1\n[a.b]\ny = 2", ("a", "b")) == "b"


def test_an_unknown_path_gets_the_nearest_table_around_it() -> None:
    assert marked("[gates]\nx = 1", ("gates", "dmarc")) == "gates"


def test_a_character_inside_a_pattern_has_a_place() -> None:
    place = Positions("p = '/(a/'").value(("p",), 1)
    assert place is not None and (place.line, place.column) == (1, 7)


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-99, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def paths(value: Any, path: Path = ()) -> list[Path]:
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        found += paths(inner, (*path, name))
    return found


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_whatever_toml_is_read_every_value_has_a_place(tables: dict[str, Any]) -> None:
    import tomli_w

    text = tomli_w.dumps(tables).replace("\r\n", "\n")
    places = Positions(text)
    for path in paths(tomllib.loads(text)):
        place = places.value(path)
        assert path in places.spans
        assert place is not None and text.split("\n")[place.line - 1] == place.excerpt


@given(st.text(max_size=200))
def test_scanning_never_raises(text: str) -> None:
    Positions(text)
