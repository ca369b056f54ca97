"""`allegra hooks`: what an author and an admin see."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scripted import BASE

from engine.cli.main import allegra
from hooks.process import BOOT

GUARD = 'def guard(mail, ctx):\n    if "spam" in mail.subject:\n        return ctx.reject("no spam")\n'
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `allegra hooks …` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(allegra, ["hooks", *arguments])

    return command


def configure(folder: Path, options: str, **scripts: str) -> None:
    (folder / "hooks").mkdir(exist_ok=True)
    for name, text in scripts.items():
        (folder / "hooks" / f"{name}.py").write_text(text)
    (folder / "allegra.toml").write_text(f"{BASE}[hooks]\n{options}")


def case(folder: Path, **given: object) -> str:
    path = folder / "case.json"
    path.write_text(json.dumps(given))
    return str(path)


def script(folder: Path, text: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    return str(path)


def answer(run: Run, folder: Path, text: str, hook: str = "guard", **given: object) -> dict[str, object]:
    done = run("run", script(folder, text), "--hook", hook, "--case", case(folder, **given), "--json")
    found: dict[str, object] = json.loads(done.stdout)
    assert done.exit_code == (1 if found["outcome"] == "compile-error" else 0), done.output
    return found


def test_a_case_gives_one_object_in_the_documented_shape(run: Run, tmp_path: Path) -> None:
    found = answer(run, tmp_path, GUARD, mail={"subject": "spam"})
    assert isinstance(found.pop("ms"), float)
    assert found == {
        "schema": "allegra.hooks.run/1",
        "outcome": "ok",
        "guard_passed": False,
        "reason": "no spam",
        "changes": {},
        "errors": [],
        "effects": [],
        "log": [],
        "error": None,
    }


def test_an_activity_case_gives_changes_effects_and_errors(run: Run, tmp_path: Path) -> None:
    text = (
        "def activity(mail, item, ctx):\n    item.priority = ctx.lookup('p', ctx.params['key'])\n"
        "    mail.attachments[0].drop('sig')\n    ctx.error('title', 'bad')\n    print('hello', mail.subject)\n"
    )
    given = {
        "item": {"priority": "Low"},
        "params": {"key": "a"},
        "lookups": {"p": {"a": "High"}},
        "schema": {"priority": "line"},
    }
    found = answer(run, tmp_path, text, "activity", **given)
    assert (found["outcome"], found["guard_passed"], found["changes"]) == ("ok", None, {"priority": "High"})
    assert found["effects"] == [{"effect": "drop", "attachment": 0, "reason": "sig"}]
    assert found["errors"] == [{"field": "title", "message": "bad"}]
    assert found["log"] == ["hello Printer broken"]


@pytest.mark.parametrize(
    ("text", "outcome", "kind", "line"),
    [
        ("import os\n" + GUARD, "compile-error", "SyntaxError", 1),
        ("def guard(mail, ctx):\n    return 1 / 0\n", "runtime-error", "ZeroDivisionError", 2),
        ("def guard(mail, ctx):\n    return mail.sbject\n", "runtime-denied", "AttributeError", 2),
        (
            "def guard(mail, ctx):\n    x = []\n    while True:\n        x.append('y' * 900_000)\n",
            "memory",
            "MemoryError",
            None,
        ),
        ("\xe4 = 1", "ok", "", None),
    ],
)
def test_a_failure_has_its_outcome_class_type_and_line(
    run: Run, tmp_path: Path, text: str, outcome: str, kind: str, line: int | None
) -> None:
    found = answer(run, tmp_path, text if outcome != "ok" else text + "\n" + GUARD)
    assert found["outcome"] == outcome
    if outcome != "ok":
        error = found["error"]
        assert isinstance(error, dict) and error["type"] == kind
        assert line is None or error["line"] == line


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"mial": {}}', b'{"mail": {"to": 5}}', b'{"schema": {"a": "b"}}', b"\xff"]
)
def test_a_case_that_is_none_is_wrong_usage(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "case.json").write_bytes(content)
    done = run("run", script(tmp_path, GUARD), "--case", str(tmp_path / "case.json"))
    assert done.exit_code == 64, done.output


def test_a_mail_or_a_case_must_be_named(run: Run, tmp_path: Path) -> None:
    assert run("run", script(tmp_path, GUARD)).exit_code != 0


def test_a_binary_script_is_a_compile_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_bytes(b"\xff\xfe\x00")
    done = run("run", "script.py", "--hook", "guard", "--case", case(tmp_path), "--json")
    assert json.loads(done.stdout)["outcome"] == "compile-error"


def test_trace_shows_how_often_each_line_ran(run: Run, tmp_path: Path) -> None:
    text = "def guard(mail, ctx):\n    for i in range(3):\n        x = i\n    return True\n"
    done = run("run", script(tmp_path, text), "--case", case(tmp_path), "--trace")
    assert "     3    3 |         x = i" in done.stdout


def test_new_check_and_test_bring_a_first_script_to_life(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, "")
    for hook in ("guard", "activity"):
        assert run("new", hook).exit_code == 0
    configure(tmp_path, 'guard = ["guard.py"]\nactivity = ["activity.py"]\n')
    checked = run("check")
    assert checked.exit_code == 0 and "✔ hooks/guard.py" in checked.stdout, checked.output
    tested = run("test")
    assert tested.exit_code == 0 and "2 passed, 0 failed" in tested.stdout, tested.output
    assert run("new", "guard").exit_code == 1


def test_a_failing_fixture_shows_what_was_expected_and_where_it_broke(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, 'guard = ["guard.py"]\n', guard="def guard(mail, ctx):\n    return mail.to[9]\n")
    folder = tmp_path / "hooks" / "fixtures" / "guard"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"expected": {"verdict": "accept"}}')
    (folder / "b.json").write_text('{"expected": {"verdikt": "accept"}}')
    done = run("test")
    assert done.exit_code == 1
    assert "runtime-error: IndexError: tuple index out of range" in done.stdout
    assert "expected has no 'verdikt'" in done.stdout
    assert "return mail.to[9]" in done.stderr and "^" in done.stderr


def test_a_fixture_may_be_a_real_mail(run: Run, tmp_path: Path) -> None:
    configure(
        tmp_path,
        'guard = ["guard.py"]\n',
        guard="def guard(mail, ctx):\n    return ctx.reject(f'{mail.from_address} {mail.subject} {mail.is_auto}')\n",
    )
    folder = tmp_path / "hooks" / "fixtures" / "guard"
    folder.mkdir(parents=True)
    (folder / "away.eml").write_bytes(
        b"From: Jane <jane@bigcorp.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        b"Auto-Submitted: auto-replied\r\n\r\nHi\r\n"
    )
    (folder / "away.json").write_text('{"expected": {"reason": "jane@bigcorp.example Grüße True"}}')
    done = run("test")
    assert done.exit_code == 0, done.output


def test_check_prints_a_caret_and_fails(run: Run, tmp_path: Path) -> None:
    done = run("check", script(tmp_path, "def guard(mail, ctx):\n    import os\n"))
    assert done.exit_code == 1
    assert 'error[H102]: "import os" is not allowed in a hook' in done.stderr
    assert "2 |     import os" in done.stderr


def test_list_shows_scripts_their_versions_and_fixtures(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, 'guard = ["guard.py"]\n', guard=GUARD)
    done = run("list", "--json")
    found = json.loads(done.stdout)
    assert (found["hook"], found["name"], found["state"], found["fixtures"]) == ("guard", "guard.py", "runs", 0)


def test_limits_show_the_fences_and_every_limit(run: Run) -> None:
    done = run("limits", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["fence"] for row in rows if "fence" in row} >= {"seccomp", "deadline", "landlock"}
    assert {row["limit"] for row in rows if "limit" in row} >= {
        "source_bytes",
        "timeout_s",
        "memory_bytes",
        "log_lines",
    }
    assert "fence" in run("limits").stdout.lower()


KILLED_AT_FORK = BOOT.replace(";main()", ";import hooks.kernel as k;k.fork=lambda:open('/proc/self/stat');main()")


def test_limits_say_that_hooks_work_here_and_with_which_python(run: Run) -> None:
    done = run("limits")
    assert done.exit_code == 0
    assert done.output.startswith(f"hooks work here (CPython {platform.python_version()}, Linux ")
    first = json.loads(run("limits", "--json").output.splitlines()[0])
    assert first["works"] is True and first["because"] is None


def test_limits_say_that_hooks_do_not_work_here_and_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.process.BOOT", KILLED_AT_FORK)
    done = run("limits")
    assert done.exit_code == 1
    assert "hooks do not work here, and no script is to blame" in done.output
    assert "a forbidden system call was tried" in done.output
    assert "MISSING" not in done.output, "the fences stand; they are what killed it"
    told = run("limits", "--json")
    assert told.exit_code == 1 and json.loads(told.output.splitlines()[0])["works"] is False
