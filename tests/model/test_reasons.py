"""The table of reason codes is closed, complete and documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.reasons import FAILURE, HELD, REASONS, STAYS, SUCCESS
from engine.rulebook.sight import FIELDS
from engine.wording.english import ENGLISH

ROOT = Path(__file__).resolve().parents[2]
PREFIXES = "config|fetch|limits|rule|gate|thread|hook|draft|commit|fault"
CODE = re.compile(rf'"((?:{PREFIXES})\.[a-z_]+)"')


def sources() -> list[Path]:
    return [
        path
        for path in (ROOT / "engine").rglob("*.py")
        if str(path.relative_to(ROOT / "engine"))
        not in ("model/reasons.py", "rulebook/sight.py", "rulebook/actions.py")
    ]


def test_every_code_that_the_engine_writes_is_in_the_table() -> None:
    sections = {"gates", "people", "items", "rules", "hooks"}
    written = {
        (path.name, code)
        for path in sources()
        if path.parts[len(ROOT.parts) + 1] not in ("cli", "config", "demo")
        for code in CODE.findall(path.read_text("utf-8"))
        if code.partition(".")[0] not in sections and not code.endswith((".py", ".toml", ".rules"))
    }
    known = {code for _, code in written} & set(REASONS)
    fields = {field.name for field in FIELDS}
    unknown = {(name, code) for name, code in written if code not in {*REASONS, *NOT_CODES, *fields, *ENGLISH}}
    assert not unknown
    assert len(known) > 30


NOT_CODES = {"draft.text", "hook.html", "limits.raw", "rule.name", "config.toml"}
"""Texts of the same shape that are no reason codes."""


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_says_what_it_means_and_where_the_mail_goes(code: str) -> None:
    reason = REASONS[code]
    assert reason.code == code
    assert reason.sentence.endswith(".")
    assert reason.moved in (SUCCESS, FAILURE, HELD, STAYS)
    assert all("{" not in line.replace("{mail}", "").replace("{sender}", "") for line in reason.what_to_do)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_is_documented_under_its_anchor(code: str) -> None:
    text = (ROOT / "docs" / "stages.md").read_text("utf-8")
    assert f"| `{code}` |" in text or f"### {code}" in text, f"{code} is missing in docs/stages.md"
    assert f'<a id="{code.replace(".", "")}"></a>{REASONS[code].sentence} ' in text


@pytest.mark.parametrize(
    "code", sorted(code for code, reason in REASONS.items() if reason.moved == HELD and not reason.trace_only)
)
def test_what_is_held_can_be_released_or_tried_again(code: str) -> None:
    assert any("held release" in line or "mail retry" in line for line in REASONS[code].what_to_do)
