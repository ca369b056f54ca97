"""The language fence alone: without any fence around the process, no attack of the catalogue reaches its goal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases_on_disk import SECRET, canary, cases


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = canary(tmp_path_factory.mktemp("alone") / "canary")
    program = Path(__file__).with_name("language_alone.py")
    done = subprocess.run([sys.executable, str(program), str(folder)], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {line["name"]: line for line in lines}
    found[""] = {"dropped": [path.name for path in (folder / "drop").iterdir()]}
    return found


def test_no_attack_reaches_its_goal(results: dict[str, Any]) -> None:
    reached = [name for name, line in results.items() if name and ("PWNED" in line["said"] or SECRET in line["said"])]
    assert not reached
    assert results[""]["dropped"] == []


def test_every_case_was_tried(results: dict[str, Any]) -> None:
    assert set(results) - {""} == {case.name for case in cases("attacks")}


def test_only_time_and_memory_need_the_other_fence(results: dict[str, Any]) -> None:
    left = {name for name, line in results.items() if name and line["outcome"] in ("killed", "memory")}
    wanted = {case.name for case in cases("attacks") if case.header["expected"].startswith("killed")}
    assert left <= wanted
