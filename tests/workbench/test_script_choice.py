"""Which scripts a person means."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import CALM, hooked

from engine.workbench.script_choice import hook_as_configured, hook_of, listed, path_of, read, suites, versions, wanted


def test_configured_scripts_are_meant_without_a_name(tmp_path: Path) -> None:
    config = hooked(tmp_path)
    assert wanted(config, ()) == [("guard", "guard.py"), ("activity", "activity.py")]
    assert wanted(config, ["activity"]) == [("activity", "activity.py")]
    assert [(each.name, each.state, each.fixtures) for each in listed(config)] == [
        ("guard.py", "runs", 0),
        ("activity.py", "runs", 0),
    ]


def test_a_script_that_is_not_configured_is_what_it_seems_to_be(tmp_path: Path) -> None:
    config = hooked(tmp_path, scripts={**CALM, "late.py": CALM["activity.py"]})
    assert wanted(config, ["late"]) == [("activity", "late.py")]
    assert hook_as_configured(config, "late.py") == ""
    assert path_of(config, "late") == config.hooks.directory / "late.py"


@pytest.mark.parametrize(
    ("text", "hook"),
    [("def guard(mail, ctx): ...", "guard"), ("def activity(mail, item, ctx): ...", "activity"), ("", "guard"),
     ("def guard(): ...\ndef activity(): ...", "guard")],
)  # fmt: skip
def test_the_text_tells_which_hook_a_script_is(tmp_path: Path, text: str, hook: str) -> None:
    file = tmp_path / "x.py"
    file.write_text(text)
    assert (hook_of(file), read(file).script.hook) == (hook, hook)
    assert hook_of(tmp_path / "none.py") == "guard"


def test_a_script_is_compared_with_the_file_that_is_named(tmp_path: Path) -> None:
    config = hooked(tmp_path)
    old = tmp_path / "old.py"
    old.write_text("def guard(mail, ctx):\n    return True\n")
    ((before, after),) = versions(config, ["guard"], old)
    assert (before.name, after.name) == ("old guard.py", "guard.py")
    assert list(versions(config, [])) == []


def test_a_script_is_tested_on_the_fixtures_that_are_meant(tmp_path: Path) -> None:
    config = hooked(tmp_path)
    folder = config.hooks.directory / "fixtures" / "guard"
    folder.mkdir(parents=True)
    for name in ("spam", "spam_again", "ham"):
        (folder / f"{name}.json").write_text("{}", encoding="utf-8")
    (config.hooks.directory / "activity.py").unlink()
    guard, activity = suites(config, (), "spam")
    assert (guard.script.hook, guard.file, guard.problem) == ("guard", "hooks/guard.py", None)
    assert [path.stem for path in guard.paths] == ["spam", "spam_again"]
    assert activity.problem is not None and activity.paths == ()
