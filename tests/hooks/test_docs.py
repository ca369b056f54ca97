"""docs/hooks.md and SECURITY.md say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.reasons import REASONS
from hooks import context, fences, limits, mail, modules, problem
from hooks.compiling import compiled

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "hooks.md").read_text()


@pytest.mark.parametrize("code", problem.CODES)
def test_every_code_is_explained(code: str) -> None:
    assert code in GUIDE


@pytest.mark.parametrize("name", sorted([*fences.MANDATORY, *fences.OPTIONAL, "deadline"]))
def test_every_fence_is_explained(name: str) -> None:
    assert name in GUIDE


@pytest.mark.parametrize(
    "name", sorted([*mail._VALUES, *mail._METHODS, *context._VALUES, *context._METHODS, *modules.TABLE])
)
def test_everything_a_script_sees_is_explained(name: str) -> None:
    assert name in GUIDE


@pytest.mark.parametrize("code", [code for code in REASONS if code.startswith("hook.")])
def test_every_reason_code_is_explained(code: str) -> None:
    assert code in GUIDE


def test_the_numbers_are_those_in_force() -> None:
    for number in (limits.NODES, limits.TEXT_CHARS, limits.RANGE_ITEMS, limits.FIELD_CHARS, limits.GENERATORS):
        assert f"{number:,}" in GUIDE


def test_the_scripts_in_the_guide_compile() -> None:
    found = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    assert found
    for text in found:
        assert compiled(text, "guide.py")[1] == ()
