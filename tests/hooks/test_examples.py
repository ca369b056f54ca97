"""The examples: each does what its fixtures say, behind both fences."""

from __future__ import annotations

import json
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
    paths = fixtures(FOLDER, name)
    tested = list(run_fixtures(sandbox, Script(name, hook, text), paths, "{}", "{}"))
    assert [each.name for each in tested] == [f"fixtures/{path.parent.name}/{path.name}" for path in paths]
    assert [(each.name, each.failures) for each in tested if each.failures] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_fixtures_tell_an_example_from_a_script_that_does_nothing(name: str, sandbox: Sandbox) -> None:
    hook = "guard" if "def guard(" in (FOLDER / name).read_text() else "activity"
    idle = f"def {hook}({'mail, ctx' if hook == 'guard' else 'mail, item, ctx'}):\n    return None\n"
    tested = list(run_fixtures(sandbox, Script(name, hook, idle), fixtures(FOLDER, name), "{}", "{}"))
    assert any(each.failures for each in tested)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_fixture_of_an_example_expects_something_and_no_two_the_same(name: str) -> None:
    expected = [json.loads(path.read_text("utf-8")).get("expected") for path in fixtures(FOLDER, name)]
    assert all(expected)
    assert any(each != expected[0] for each in expected)


def test_the_parameter_file_of_the_examples_loads() -> None:
    params, tables = loaded(FOLDER / "params.toml")
    assert '"blocked"' in params and '"routes"' in tables
