"""The language fence alone: without any fence around the process, no attack of the catalogue reaches its goal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases_on_disk import CONTAINED, HARMLESS, SECRET, canary, cases


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
    """A case ends as its header says, or, where that is for the other fence to see to, by the cap of the program."""
    wrong = []
    for case in cases("attacks"):
        line, expected = results[case.name], case.header["expected"]
        capped = (line["outcome"], line["status"]) in (("killed", -signal.SIGPROF), ("memory", 0))
        contained = (
            line["outcome"] in (*CONTAINED[expected], *HARMLESS.get(case.name, ())) and line["outcome"] != "killed"
        )
        if not contained and not (capped and expected.startswith("killed")):
            wrong.append((case.name, expected, line))
    assert wrong == []


def test_a_loop_without_an_end_is_left_to_the_other_fence(results: dict[str, Any]) -> None:
    assert results["164_while_true"]["outcome"] == "killed"
