"""The catalogue against both fences: attacks are contained as their header says, legitimate scripts do their work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cases_on_disk
import pytest
from cases_on_disk import CONTAINED, HARMLESS, SECRET, OnDisk, canary, cases

CALM = """
def guard(mail, ctx):
    return True
"""


def _id(case: OnDisk) -> str:
    return case.name


@pytest.mark.parametrize("case", cases("attacks"), ids=_id)
def test_attack_is_contained_as_its_header_says_or_more_strictly(case: OnDisk, jailed: Any, tmp_path: Path) -> None:
    folder = canary(tmp_path / "canary")
    slow = case.header["expected"] == "killed-timeout"
    result = jailed(case.text.replace("@CANARY@", str(folder)), case.hook, hurry=slow)
    assert result.outcome in (*CONTAINED[case.header["expected"]], *HARMLESS.get(case.name, ())), result
    said = " ".join((*result.log, result.reason, result.message))
    assert "PWNED" not in said and SECRET not in said
    assert not list((folder / "drop").iterdir())


def test_the_next_mail_is_served_after_every_way_to_fail(jailed: Any) -> None:
    for number in ("164", "195", "172", "046", "229"):
        attack = next(case for case in cases("attacks") if case.name.startswith(number))
        jailed(attack.text, attack.hook)
        assert jailed(CALM, hurry=False).outcome == "ok"


@pytest.mark.parametrize("case", cases("legit"), ids=_id)
def test_legitimate_script_gives_the_stated_result(case: OnDisk, jailed: Any) -> None:
    result = jailed(case.text, case.hook, hurry=False, **case.given())
    expected = json.loads(case.header["expected"])
    assert result.outcome == "ok", result
    if "guardPassed" in expected:
        assert (result.verdict == "accept") is expected["guardPassed"]
    if "reason" in expected:
        assert result.reason == expected["reason"]
    if "log" in expected:
        assert expected["log"] in result.log
    if "changes" in expected:
        assert {k: list(v) if isinstance(v, tuple) else v for k, v in result.changes} == expected["changes"]
    if "effects" in expected:
        assert len(result.dropped) == expected["effects"]


def test_the_catalogue_is_there() -> None:
    assert len(cases("attacks")) >= 160
    assert len(cases("legit")) >= 24
    assert cases_on_disk.FOLDER.name == "hook_cases"
