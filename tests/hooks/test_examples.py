"""The examples: each does what its fixtures say, behind both fences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import answer  # type: ignore[attr-defined]
from hypothesis import given, settings
from hypothesis import strategies as st

import hooks
from engine.scripts.params import loaded
from engine.workbench.fixtures import fixtures, run_fixtures
from hooks import case
from hooks.limits import Limits
from hooks.sandbox import Call, Program, Sandbox, Script

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


IBAN = "DE89 3704 0044 0532 0130 00"
HOSTILE: dict[str, dict[str, Any]] = {
    "executable_attachments.py": {"attachments": [{"name": f"{'x' * 240}{n}.exe"} for n in range(400)]},
    "monitoring_alert.py": {"body": '{"host": "a\\nb\\ud800\\u0000", "state": "\\u2028", "check": [[[["x"]]]]}'},
    "order_number.py": {"body": "é order" + " " * 20_000},
    "route_by_subject.py": {"body": "On wrote:\n" * 40_000, "subject": "printer " * 4_000},
    "hold_bank_details.py": {"body": "é new bank " + "DE12 3456 ABCD 7890 1234 " * 16_000},
    "redact_iban.py": {"body": "é " + f"{IBAN} " * 15_000},
    "due_date.py": {"body": "é " + "by " * 100_000 + "until \t" * 20_000 + "bis zum 99.99.9999"},
}  # fmt: skip
"""What a stranger sent to each example to make it fail."""
SCHEMA = {"title": "line", "priority": "line", "Customer": "line", "tags": "list", "id": "ro",
          "Order number": "line", "due_date": "date", "assigned_to": "line", "workspace": "line", "category": "line",
          "responsible": "line"}  # fmt: skip
_PIECES = st.sampled_from(
    ["é", " ", "\n", "\0", "\x9b", "\u202e", "\ud800", "order", "by 99.99.9999", "within 99 days", "urgent", "new bank",
     IBAN, "DE12 3456 ABCD 7890", '{"host":"a\\nb"}', '{"host":', "[[", "]]", "On x wrote:", "Von: x", ".exe", "@"]
)  # fmt: skip
_MANY = st.lists(_PIECES, max_size=6).map("".join)
_TEXTS = _MANY | _MANY.map(lambda text: text * 40)
_MAILS = st.fixed_dictionaries(
    {"subject": _TEXTS, "body": _TEXTS, "from_address": _TEXTS, "from_name": _TEXTS},
    optional={"attachments": st.lists(st.fixed_dictionaries({"name": _TEXTS, "content_type": _TEXTS}), max_size=4)},
)


def _as_given(text: str) -> str:
    """Text as a mail can bring it: without halves of characters."""
    return text.encode("utf-8", "replace").decode()


def _hostile(mail: dict[str, Any], is_new: bool) -> dict[str, Any]:
    given = {name: _as_given(value) if isinstance(value, str) else value for name, value in mail.items()}
    given["attachments"] = [{key: _as_given(each[key]) for key in each} for each in mail.get("attachments", ())]
    text = "description" if is_new else "comment"
    item = {"title": "t", text: given["body"].replace("\0", ""), **({} if is_new else {"id": 5})}
    params, tables = loaded(FOLDER / "params.toml")
    return {
        "mail": given,
        "item": item,
        "schema": {**SCHEMA, text: "text"},
        "params": json.loads(params),
        "lookups": json.loads(tables),
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_mail_makes_an_example_fail(name: str) -> None:
    text = (FOLDER / name).read_text()
    hook = "guard" if "def guard(" in text else "activity"

    @settings(max_examples=60, deadline=None)
    @given(_MAILS, st.booleans())
    def holds(mail: dict[str, Any], is_new: bool) -> None:
        reply = answer(text, hook, **_hostile(mail, is_new))
        assert reply["outcome"] == "ok", reply["error"]

    holds()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_new", [True, False])
def test_what_once_made_an_example_fail_does_not(name: str, is_new: bool, sandbox: Sandbox) -> None:
    text = (FOLDER / name).read_text()
    hook = "guard" if "def guard(" in text else "activity"
    made = case.made(_hostile({"body": "", **HOSTILE[name]}, is_new))
    program = Program((Script(name, hook, text),), made.params, made.tables)
    result = sandbox.run(Call(program, made.mail, made.item, made.context))
    assert result.outcome == "ok", result
    assert result.cpu_ms < 1_000


def test_the_parameter_file_of_the_examples_loads() -> None:
    params, tables = loaded(FOLDER / "params.toml")
    assert '"blocked"' in params and '"routes"' in tables
