"""What a script can ask of a mail is told from its source, and never too little: with only that it says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cases_on_disk import OnDisk, cases
from conftest import answer, source  # type: ignore[attr-defined]
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hooks
from engine.workbench.fixtures import fixtures
from hooks import case, compiling, runner
from hooks.context import frozen
from hooks.marks import Page
from hooks.program import Program, Script
from hooks.protocol import write_call
from hooks.request import MailData, read_call
from hooks.sandbox import Call, Result, Sandbox
from hooks.wanted import FIELDS, wanted

FOLDER = Path(hooks.__file__).parent / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
MAIL = {
    "subject": "printer",
    "body": "DE12 3456",
    "html": "<b>x</b>",
    "from_address": "a@b.example",
    "headers": [["X-Spam", "no"], ["List-Id", "<l>"]],
    "attachments": [{"name": "a.exe", "content_type": "a/b", "size": 3}],
}
_QUICK = ("compile-error", "contained", "runtime-denied")


def only(fields: frozenset[str], mail: bytes) -> bytes:
    """A mail without what is not wanted."""
    return json.dumps({name: value for name, value in json.loads(mail).items() if name in fields}).encode()


def said(text: str, hook: str, fields: frozenset[str] = FIELDS, **given: Any) -> dict[str, Any]:
    """What a script says in this process to a mail of which only these fields are sent."""
    code, _ = compiling.compiled(text, "script.py")
    if code is None:
        return {}
    made = case.made(given)
    script = runner.Compiled("script.py", hook, code, compiling.GLOBALS)
    program = runner.Program((script,), frozen(json.loads(made.params)), frozen(json.loads(made.tables)), Page())
    reply = runner.answer(program, read_call(write_call("n", only(fields, made.mail), made.item, made.context)))
    return {**reply, "cpu_ms": 0}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_the_same_with_only_what_it_wants(path: Path) -> None:
    text = path.read_text()
    hook = "guard" if "def guard(" in text else "activity"
    for fixture in fixtures(FOLDER, path.name):
        known = {key: value for key, value in json.loads(fixture.read_text()).items() if key != "expected"}
        for mail in (known, {**known, "mail": {**MAIL, **known.get("mail", {})}}):
            assert said(text, hook, wanted(text), **mail) == said(text, hook, **mail)


@pytest.mark.parametrize("case", cases("legit"), ids=lambda case: case.name)
def test_a_legitimate_script_says_the_same_with_only_what_it_wants(case: OnDisk) -> None:
    for mail in (case.given(), {**case.given(), "mail": {**MAIL, **case.given().get("mail", {})}}):
        assert said(case.text, case.hook, wanted(case.text), **mail) == said(case.text, case.hook, **mail)


@pytest.fixture(scope="module")
def calm() -> Any:
    made = Sandbox()
    yield made
    made.close()


def test_attacks_come_as_far_with_only_what_they_want(calm: Sandbox) -> None:
    def outcome(result: Result) -> tuple[Any, ...]:
        return result.outcome, result.message, result.verdict, result.log, result.changes

    made = case.made({"mail": MAIL})
    for attack in cases("attacks"):
        if attack.header["expected"] not in _QUICK or not compiling.compiled(attack.text, "s.py")[0]:
            continue
        program = Program((Script("s.py", attack.hook, attack.text),))
        mails = made.mail, only(program.wanted, made.mail)
        whole, part = [calm.begin(Call(program, mail, made.item, made.context)) for mail in mails]
        assert outcome(whole.result()) == outcome(part.result()), attack.name


_WIDE = str.maketrans({chr(n): chr(n - 0x21 + 0xFF01) for n in range(ord("a"), ord("z") + 1)})
_NAMES = st.sampled_from(sorted(FIELDS)) | st.sampled_from(["header", "headers"])
_SPELLED = (
    _NAMES
    | _NAMES.map(lambda name: name.translate(_WIDE))
    | _NAMES.map(lambda name: name[0].translate(_WIDE) + name[1:])
)
_FORMS = st.sampled_from(
    ["mail.{name}", "(mail).\\\n        {name}", "[mail][0].{name}", "(lambda m: m.{name})(mail)",
     "[m.{name} for m in (mail,)]", 'f"{{mail.{name}}}"', "f'{{[mail.{name}]!r:>4}}'", 'getattr(mail, "{plain}")',
     'getattr(mail, "".join("{plain}"))', 'hasattr(mail, "{plain}")', 'list(map(lambda m: m.{name}, [mail]))',
     "str(mail) + repr([mail]) + f'{{mail}}'", "mail == mail", "bool(mail)", "callable(mail)", "mail.{name}('X-Spam')",
     "sorted([mail], key=lambda m: str(m.{name}))", 'ｇetattr(mail, "{plain}")', "str.lower(mail.{name})",
     "'%s' % mail.{name}", "(x := mail).{name} or x.{name}"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_FORMS, _SPELLED), min_size=1, max_size=4))
@example([("mail.{name}", "ｂｏｄｙ")])
@example([("mail.{name}('x')", "header")])
def test_whatever_way_a_script_asks_it_is_sent_what_it_asks_for(asks: list[tuple[str, str]]) -> None:
    lines = []
    for form, name in asks:
        plain = name.translate({ord(wide): narrow for narrow, wide in _WIDE.items()})
        lines += [
            "try:",
            f"    ctx.log({form.format(name=name, plain=plain)})",
            "except Exception as error:",
            "    ctx.log(error)",
        ]
    text = source("\n".join(lines))
    reply = said(text, "guard", wanted(text), mail=MAIL)
    assert reply and reply == said(text, "guard", mail=MAIL)


def test_a_name_that_is_only_near_is_not_wanted() -> None:
    assert wanted("def guard(mail, ctx):\n    return mail.subject != ctx.locale\n") == {"subject"}
    assert wanted("mail.header('x')") == {"headers"}
    assert wanted("getattr(mail, name)") == wanted("hasattr(mail, name)") == FIELDS


def test_a_program_wants_what_any_of_its_scripts_wants() -> None:
    scripts = (Script("a.py", "guard", "mail.body"), Script("b.py", "activity", "mail.header('x')"))
    assert Program(scripts).wanted == {"body", "headers"}
    assert Program(()).wanted == frozenset()


@pytest.mark.filterwarnings("ignore:'return' in a 'finally' block:SyntaxWarning")  # 3.14; a worker is silent
@pytest.mark.parametrize("name", sorted(set(MailData.__struct_fields__)))
@pytest.mark.parametrize("caught", [False, True])
def test_a_field_that_was_not_sent_is_a_failure_that_names_it_whatever_the_script_makes_of_it(
    name: str, caught: bool
) -> None:
    body = f"try:\n    x = mail.{name}\n    {'mail.headers(1)' if name == 'headers' else 'pass'}\n"
    body = body.replace(f"x = mail.{name}", "mail.headers('x')") if name == "headers" else body
    body += "except ValueError:\n    pass\n" if not caught else "finally:\n    return True\n"
    reply = said(source(body), "guard", FIELDS - {name}, mail=MAIL)
    assert (reply["outcome"], reply["error"]["type"]) == ("runtime-denied", "RuntimeError")
    assert f"mail.{name} was not sent" in reply["error"]["message"]


def test_a_refusal_stands_also_where_a_field_was_not_sent() -> None:
    text = source("ctx.reject('no')\ntry:\n    mail.body\nexcept Exception:\n    ctx.log('caught')")
    reply = said(text, "guard", FIELDS - {"body"}, mail=MAIL)
    assert (reply["outcome"], reply["verdict"], reply["reason"]) == ("runtime-denied", "reject", "no")


def test_what_a_case_is_asked_with_has_all_fields() -> None:
    assert set(json.loads(case.made({}).mail)) == FIELDS
    assert answer(source("ctx.log(mail.html, mail.header('X-Spam'))"))["log"] == [" no"]
