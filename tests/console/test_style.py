"""The style sheet: what it knows is somewhere, and it stays small."""

from __future__ import annotations

import re
from pathlib import Path

from console.catalogues import TEMPLATES

from engine.console import static
from engine.console.shown import MARKS
from engine.desk import draw
from engine.desk.health import Status
from engine.desk.numbers import OUTCOMES

MOST_BYTES = 20_000

NAMED = frozenset(map(str, (*OUTCOMES, *MARKS, *Status, "draft", "sent")))
"""Names of closed sets that stand in `class` by a variable: outcomes, marks of notes, how a mailbox fares, what an
entry is, what became of a letter."""

STEPS = frozenset({f"s{step}" for step in range(6)})
"""How full a field of a map is."""

CLASS = re.compile(r'\bclass="((?:\{\{.*?\}\}|\{%.*?%\}|\{[^{%].*?\}|[^"{])*)"')


def css() -> str:
    return static.FOLDER.joinpath("a.css").read_text("utf-8")


def test_no_class_of_the_style_sheet_is_one_that_nothing_has() -> None:
    drawers = Path(draw.__file__).parent.glob("draw*.py")
    text = "\n".join(path.read_text("utf-8") for path in (*TEMPLATES.glob("*.html"), *drawers))
    there = {word for said in CLASS.findall(text) for word in re.findall(r"[\w-]+", said)} | NAMED | STEPS
    selectors = re.sub(r"\{[^{}]*\}", " ", re.sub(r"@media[^{]*\{", "", css()))
    assert set(re.findall(r"\.([a-z][\w-]*)", selectors)) - there == set()


def test_the_style_sheet_is_small() -> None:
    assert len(css().encode()) < MOST_BYTES
