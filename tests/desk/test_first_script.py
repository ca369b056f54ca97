"""A first script and its fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.desk.first_script import SCRIPTS, write_first
from engine.store.errors import Refused, Unclear
from engine.workbench.fixtures import fixtures, run_fixtures
from engine.workbench.script_choice import read, sandbox


@pytest.mark.parametrize("hook", sorted(SCRIPTS))
def test_a_first_script_passes_its_fixture(tmp_path: Path, hook: str) -> None:
    script, fixture = write_first(hook, tmp_path, "my-own")
    assert fixtures(tmp_path, script.name) == (fixture,)
    with sandbox() as made:
        (tested,) = run_fixtures(made, read(script, hook).script, (fixture,), "{}", "{}")
    assert tested.failures == ()


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "guard.py").write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match=r"guard\.py is there already"):
        list(write_first("guard", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["guard.py"]
    assert (tmp_path / "guard.py").read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["../x", "a b", "1st"])
def test_what_is_no_name_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unclear, match="is no name for a script"):
        list(write_first("guard", tmp_path, name))
    assert list(tmp_path.iterdir()) == []
