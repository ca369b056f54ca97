"""The documents that travel with the engine; `tests/cli/test_help.py` prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.desk import manual

ROOT = Path(__file__).resolve().parents[2]


def test_every_page_has_a_title() -> None:
    known = manual.pages()
    assert {"rules", "example", "decisions/re2"} < set(known)
    assert [name for name, path in known.items() if not manual.title(path)] == []


def test_a_code_is_told_with_its_place_and_an_option_by_its_full_name() -> None:
    assert next(iter(manual.rows("rule.hold"))).startswith("stages, ")
    assert next(iter(manual.rows("gates.dmarc"))).startswith("config, gates")
    assert list(manual.rows("no.such.thing")) == []


@pytest.mark.parametrize("name", ["allegra.toml.example", "allegra.schema.json"])
def test_what_is_shipped_is_given_byte_for_byte(name: str) -> None:
    assert manual.shipped(name) == (ROOT / name).read_bytes()
