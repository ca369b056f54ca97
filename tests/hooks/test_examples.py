"""The examples: each does what its fixtures say, behind both fences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import hooks
from engine.scripts.params import loaded
from engine.workbench.fixtures import fixtures, run_fixtures
from hooks.limits import Limits
from hooks.sandbox import Sandbox, Script

FOLDER = Path(hooks.__file__).parent / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(Limits(timeout_s=5))
    yield made
    made.close()


def test_there_are_at_least_eight_with_fixtures() -> None:
    assert len(EXAMPLES) >= 8
    assert all(len(fixtures(FOLDER, name)) >= 2 for name in EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_its_fixtures_say(name: str, sandbox: Sandbox) -> None:
    text = (FOLDER / name).read_text()
    hook = "guard" if "def guard(" in text else "activity"
    for tested in run_fixtures(sandbox, Script(name, hook, text), fixtures(FOLDER, name), "{}", "{}"):
        assert not tested.failures, (tested.name, tested.failures, tested.result)


def test_the_parameter_file_of_the_examples_loads() -> None:
    params, tables = loaded(FOLDER / "params.toml")
    assert '"blocked"' in params and '"routes"' in tables
