"""The scripts of a configuration: versions, tries, switching off, and what is remembered from run to run."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import SUPPORT, World, draft, facts, mail
from scripted import CALM, hooked

from engine.config import Config
from engine.lookups import Recorder
from engine.model.answers import HookAnswer
from engine.model.hook_request import HookRequest
from engine.model.questions import HooksSay
from engine.scripts.ledger import LEDGER, Ledger
from engine.scripts.memory import Memory
from engine.scripts.question import request
from engine.scripts.scripts import Scripts
from engine.scripts.switching import switch_on
from engine.stages.activity import Activity
from engine.stages.guard import Guard
from engine.workbench.script_check import check_scripts
from hooks.process import BOOT
from hooks.sandbox import Isolation

REJECT = "def guard(mail, ctx):\n    return ctx.reject('no')\n"
BROKEN = "def guard(mail, ctx):\n    import os\n"
LOOP = "def guard(mail, ctx):\n    while True:\n        pass\n"
RAISES = "def guard(mail, ctx):\n    return mail.to[5]\n"
HIGH = "def activity(mail, item, ctx):\n    item.priority = 'High'\n"

INSIDE = ";import os,hooks.kernel as k,hooks.worker as w;"
KILLED_AT_FORK = BOOT.replace(";main()", f"{INSIDE}k.fork=lambda:open('/proc/self/stat');main()")
GARBAGE = BOOT.replace(";main()", f"{INSIDE}w._bind=lambda *a:(os.write(1,b'\\0\\0\\0\\x02{{}}'),os.read(0,1));main()")

Make = Callable[..., Scripts]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make the scripts of a configuration with these files, and close them in the end."""
    made: list[Scripts] = []

    def build(scripts: dict[str, str] | None = None, options: str = "", isolation: Isolation | None = None) -> Scripts:
        files = {**CALM, **(scripts or {})}
        made.append(Scripts(hooked(tmp_path, f'timeout = "500 ms"\n{options}', files), isolation))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    """Change a script so that its change is seen, however fast the test is."""

    def change(name: str, text: str) -> None:
        path = tmp_path / "hooks" / name
        path.write_text(text)
        stamp = time.time_ns() + 5_000_000_000
        os.utime(path, ns=(stamp, stamp))

    return change


MAIL = {"from_address": "jane@bigcorp.example", "to": [], "cc": [], "attachments": [], "size": 1}


def ask(
    scripts: Scripts, guard: str = "guard.py", activity: str = "activity.py", sender: str = "", subject: str = "x",
    fields: str = "",
) -> HookAnswer:  # fmt: skip
    """Ask as the real pass does; without a sender as one who only tries out."""
    memory = Memory(scripts.ledger) if sender else None
    return scripts.ask(about(guard, activity, sender, subject, fields), memory)


def about(
    guard: str = "guard.py", activity: str = "activity.py", sender: str = "", subject: str = "x", fields: str = ""
) -> HookRequest:
    """Give the question about a mail."""
    item = b'{"schema":{"priority":"line"},"values":{"priority":"Low"},"is_new":true}'
    names = tuple(guard.split()), tuple(activity.split())
    content, now = json.dumps({**MAIL, "subject": subject}).encode(), b'{"now":"2026-01-15T09:00:00+00:00"}'
    return HookRequest("support", *names, content, item, now, body=subject, sender=sender, fields=fields)


def live(scripts: Scripts, number: int = 0, **given: str) -> HookAnswer:
    """Ask about a mail of a sender of its own, with content of its own."""
    return ask(scripts, sender=f"jane{number}@bigcorp.example", subject=f"s{number}", **given)


def test_F149_guard_and_activity_answer_together(make: Make) -> None:
    answer = ask(make({"activity.py": HIGH}))
    assert (answer.outcome, answer.verdict, answer.changes) == ("ok", "accept", (("priority", '"High"'),))
    assert [name for name, _ in answer.hashes] == ["guard.py", "activity.py"]
    assert "seccomp" in answer.fences and answer.missing == ()


def test_nothing_to_run_is_no_call(make: Make) -> None:
    assert ask(make(), "", "") == HookAnswer()


def test_what_was_begun_counts_although_something_was_remembered_meanwhile(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts, asked = make({"guard.py": REJECT}), [about(subject=f"s{n}") for n in range(3)]
    for each in asked:
        scripts.begin(each)
    monkeypatch.setattr(scripts._sandbox, "run", None)  # nobody can be asked anew
    before = scripts.ledger.version
    answers = [scripts.ask(each, Memory(scripts.ledger)) for each in asked]
    assert scripts.ledger.version > before, "the versions that ran are remembered"
    assert [answer.verdict for answer in answers] == ["reject"] * 3


def test_a_refusal_names_its_script(make: Make) -> None:
    answer = ask(make({"guard.py": REJECT, "activity.py": HIGH}))
    assert (answer.verdict, answer.reason, answer.script, answer.hook) == ("reject", "no", "guard.py", "guard")
    assert answer.changes == ()


def test_scripts_of_a_list_run_in_order_and_the_first_refusal_ends_them(make: Make) -> None:
    scripts = make({"a.py": "def guard(mail, ctx):\n    ctx.log('a')\n", "b.py": REJECT, "c.py": LOOP})
    answer = ask(scripts, "a.py b.py c.py")
    assert (answer.verdict, answer.script, answer.log) == ("reject", "b.py", ("a",))


def test_a_script_that_does_not_compile_holds_with_its_line(make: Make) -> None:
    answer = ask(make({"guard.py": BROKEN}))
    assert (answer.outcome, answer.script, answer.hook, answer.line) == ("compile-error", "guard.py", "guard", 2)


def test_a_changed_script_runs_from_the_next_mail_on(make: Make, write: Callable[[str, str], None]) -> None:
    scripts = make()
    assert ask(scripts).verdict == "accept"
    write("guard.py", REJECT)
    assert ask(scripts).verdict == "reject"


def test_a_broken_change_leaves_the_last_good_version_active(make: Make, write: Callable[[str, str], None]) -> None:
    scripts = make({"guard.py": REJECT})
    assert live(scripts).verdict == "reject"
    for broken in (BROKEN, "def guard(", "x = 1\n", "def guard():\n    pass\n", "1 / 0\n" + REJECT, "x = '\u202e'\n"):
        write("guard.py", broken)
        answer = live(scripts)
        assert (answer.verdict, [file for file, _ in answer.outdated]) == ("reject", ["guard.py"]), broken


def test_the_last_good_version_is_known_to_the_next_process(make: Make, write: Callable[[str, str], None]) -> None:
    live(make({"guard.py": REJECT}))
    scripts = make({"guard.py": BROKEN})
    assert ask(scripts).verdict == "reject"


def test_a_broken_activity_script_does_not_keep_the_guards_from_refusing(make: Make) -> None:
    broken = "import os\n"
    assert ask(make({"guard.py": REJECT, "activity.py": broken})).verdict == "reject"
    answer = ask(make({"activity.py": broken}))
    assert (answer.outcome, answer.script, answer.hook) == ("compile-error", "activity.py", "activity")


def test_a_missing_script_is_an_error_with_its_name(make: Make) -> None:
    answer = ask(make(), "nothing.py")
    assert (answer.outcome, answer.script) == ("compile-error", "nothing.py")
    assert ask(make(), "../guard.py").outcome == "compile-error"


def test_a_failing_guard_is_tried_once_more_on_a_fresh_worker(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = make({"guard.py": LOOP})
    began = time.monotonic()
    answer = ask(scripts)
    assert (answer.outcome, answer.script, answer.hook) == ("timeout", "guard.py", "guard")
    assert time.monotonic() - began >= 1.0


def test_a_failing_activity_script_is_not_tried_again(make: Make) -> None:
    scripts = make({"activity.py": "def activity(mail, item, ctx):\n    item.priority = 'High'\n    1 / 0\n"})
    answer = ask(scripts)
    assert (answer.outcome, answer.hook, answer.line, answer.changes) == ("runtime-error", "activity", 3, ())
    assert answer.error_type == "ZeroDivisionError"


def test_five_senders_with_five_contents_switch_a_script_off_until_it_changes(
    make: Make, write: Callable[[str, str], None]
) -> None:
    scripts = make({"guard.py": RAISES})
    assert [live(scripts, number).outcome for number in range(6)] == ["runtime-error"] * 5 + ["disabled"]
    assert "5 times in a row" in ask(scripts).message
    assert ask(make({"guard.py": RAISES})).outcome == "disabled"
    write("guard.py", RAISES + "\n")
    assert ask(make({"guard.py": RAISES + "\n"})).outcome == "runtime-error"


@pytest.mark.parametrize(
    "mails",
    [
        [("eve@evil.example", f"s{number}") for number in range(9)],
        [(f"eve{number}@evil.example", "the same") for number in range(9)],
    ],
    ids=["one sender", "one content"],
)
def test_no_sender_and_no_content_switches_a_script_off_for_everybody(make: Make, mails: list[tuple[str, str]]) -> None:
    scripts = make({"guard.py": "def guard(mail, ctx):\n    1 / (mail.subject[0] == 'o')\n"})
    for sender, subject in mails:
        assert ask(scripts, sender=sender, subject=subject).outcome == "runtime-error"
    assert ask(scripts, sender="jane@bigcorp.example", subject="order").outcome == "ok"


def test_what_is_tried_out_is_not_remembered(make: Make, tmp_path: Path) -> None:
    scripts = make({"guard.py": RAISES})
    for number in range(9):
        assert ask(scripts, subject=f"s{number}").outcome == "runtime-error"
    attacked = make({"guard.py": CALM["guard.py"]}, isolation=Isolation(boot=GARBAGE))
    assert [ask(attacked).outcome for _ in range(2)] == ["attack", "attack"]
    for each in (scripts, attacked):
        each.close()
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("repaired", ["field", "parameter", "table"])
def test_a_repaired_field_table_or_parameter_brings_a_script_back(
    make: Make, write: Callable[[str, str], None], tmp_path: Path, repaired: str
) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "params.toml").write_text("[params]\nx = 1\n")
    scripts = make({"guard.py": RAISES})
    for number in range(5):
        live(scripts, number, fields="before")
    assert live(scripts, fields="before").outcome == "disabled"
    write(
        "params.toml",
        {"parameter": "[params]\nx = 2\n", "table": "[lookup.t]\na = 1\n"}.get(repaired, "[params]\nx = 1\n"),
    )
    assert live(scripts, fields="after" if repaired == "field" else "before").outcome == "runtime-error"


def test_a_script_that_was_switched_on_again_runs_in_a_pass_that_is_under_way(make: Make, tmp_path: Path) -> None:
    scripts = make({"guard.py": RAISES})
    for number in range(5):
        live(scripts, number)
    assert live(scripts).outcome == "disabled"
    config = hooked(tmp_path, scripts={})
    assert (switch_on(config, "guard.py"), switch_on(config, "guard.py"), switch_on(config, "none.py")) == (
        True,
        False,
        None,
    )
    assert live(scripts).outcome == "runtime-error"
    assert live(scripts, 1).outcome == "runtime-error", "what was counted before is forgotten"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"good": 5}', '{"good":{},"previous":{},"records":{"a":[1]}}'])
def test_a_ledger_that_cannot_be_read_is_begun_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(content)
    with Ledger(path).changing() as state:
        state.good["a.py"] = "x"
    assert Ledger(path).state.good["a.py"] == "x"


def test_a_ledger_of_an_early_release_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    early = {
        "good": {"a.py": "x"},
        "previous": {"a.py": "y"},
        "records": {"1": [5, "why", [[1.0, 2.0]]], "2": [1, "", []]},
    }
    path.write_text(json.dumps(early))
    ledger = Ledger(path)
    assert (ledger.state.good, ledger.state.previous) == ({"a.py": "x"}, {"a.py": "y"})
    assert (ledger.off("1", "any"), ledger.off("2", "any")) == ("why", "")


def test_an_attack_switches_the_script_off_at_once_and_is_a_security_event(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    scripts = make(isolation=Isolation(boot=GARBAGE))
    with caplog.at_level(logging.ERROR, "allegra.security"):
        assert live(scripts).outcome == "attack"
    assert "guard.py" in caplog.text and "activity.py" in caplog.text, "which of them it was cannot be told"
    assert live(scripts).outcome == "disabled"


def test_where_a_fence_kills_our_own_code_no_script_is_switched_off_or_blamed(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scripts = make({"guard.py": REJECT, "activity.py": HIGH}, 'on_error = "continue"', Isolation(boot=KILLED_AT_FORK))
    with caplog.at_level(logging.WARNING):
        for _ in range(6):
            answer = ask(scripts)
            assert (answer.outcome, answer.script) == ("sandbox-missing", "")
            assert "hooks do not work here" in answer.message
    assert caplog.text == ""
    scripts.close()
    again = Scripts(hooked(tmp_path, scripts={"guard.py": REJECT, "activity.py": HIGH}))
    assert ask(again).verdict == "reject", "nothing was remembered against it"
    again.close()


def test_missing_fences_mean_no_run(make: Make) -> None:
    isolation = Isolation(without=frozenset({"seccomp"}))
    assert ask(make(isolation=isolation)).outcome == "sandbox-missing"


def test_parameters_and_tables_come_from_the_file(make: Make, tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "params.toml").write_text(
        '[params]\nblocked = ["spam.example"]\nfrom = 2026-01-01\n[lookup.customers]\n"acme.example" = "ACME"\n'
    )
    text = "def guard(mail, ctx):\n    ctx.log(ctx.params, ctx.lookup('customers', 'acme.example'))\n"
    answer = ask(make({"guard.py": text}))
    assert answer.log == ("{'blocked': ('spam.example',), 'from': '2026-01-01'} ACME",)


PARAMETER = "def guard(mail, ctx):\n    return mail.subject not in ctx.params['refused']\n"


def test_a_broken_parameter_file_leaves_the_last_one_in_force(
    make: Make, write: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "params.toml").write_text("[params]\nrefused = ['x']\n")
    scripts = make({"guard.py": PARAMETER})
    assert (live(scripts).verdict, ask(scripts).verdict, live(scripts).outdated) == ("accept", "refuse", ())
    write("params.toml", "[params\nrefused = []\n")
    for each in (scripts, make({"guard.py": PARAMETER})):
        answer = ask(each)
        assert (answer.verdict, answer.outdated[0][0]) == ("refuse", "params.toml")
    write("params.toml", "[params]\nrefused = []\n# mended\n")
    assert (ask(scripts).verdict, ask(scripts).outdated) == ("accept", ())


@pytest.mark.parametrize("content", [b"[params\nrefused = []\n", b"\xff", b"params = 1\n", None])
def test_without_a_last_good_one_a_broken_parameter_file_is_a_failure(
    make: Make, tmp_path: Path, content: bytes | None
) -> None:
    (tmp_path / "hooks").mkdir()
    path = tmp_path / "hooks" / "params.toml"
    path.write_bytes(content or b"")
    scripts = make({"guard.py": CALM["guard.py"]})
    if content is None:
        path.unlink()
    answer = live(scripts)
    assert (answer.outcome, answer.script, answer.hook) == ("compile-error", "params.toml", "guard")


@pytest.mark.parametrize("text", ["[params\n", "x = 1\n", "[lookup]\nx = 1\n", "params = 1\n", "\udcff"])
def test_check_names_a_broken_parameter_file(tmp_path: Path, text: str) -> None:
    config = hooked(tmp_path, 'params = "params.toml"\n') if (tmp_path / "params.toml").exists() else None
    (tmp_path / "params.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    config = config or hooked(tmp_path, 'params = "params.toml"\n')
    file, _, problems = next(check_scripts(config))
    assert file == "params.toml" and problems[0].code in ("H110", "H113")


def test_check_tells_fences_scripts_and_what_is_wrong(tmp_path: Path) -> None:
    config = hooked(tmp_path, scripts={"guard.py": BROKEN, "activity.py": HIGH})
    rows = {file: (summary, problems) for file, summary, problems in check_scripts(config)}
    assert rows["hooks sandbox"][0].startswith("self-test passed, fences: ")
    (problem,) = rows["hooks/guard.py"][1]
    assert (problem.code, problem.line, problem.excerpt) == ("H102", 2, "    import os")
    assert "ms of 2 s" in rows["hooks/activity.py"][0]


def test_check_says_that_hooks_do_not_work_here_and_names_no_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.process.BOOT", KILLED_AT_FORK)
    config = hooked(tmp_path, scripts={"guard.py": BROKEN, "activity.py": HIGH})
    ((file, _, (problem,)),) = check_scripts(config)
    assert (file, problem.code, problem.severity) == ("hooks sandbox", "H120", "error")
    assert "hooks do not work here, and no script is to blame" in problem.message


@pytest.mark.parametrize(
    ("text", "code"), [("x = 1\n", "H108"), ("def guard(): pass\n", "H109"), ("1 / 0\n", "H111"), (RAISES, "H114")]
)
def test_check_says_what_a_script_lacks(tmp_path: Path, text: str, code: str) -> None:
    config = hooked(tmp_path, scripts={"guard.py": text, "activity.py": HIGH})
    problems = {file: problems for file, _, problems in check_scripts(config)}["hooks/guard.py"]
    assert [problem.code for problem in problems] == [code]


def test_a_decision_with_real_scripts_changes_the_draft(make: Make, tmp_path: Path) -> None:
    text = (
        "def activity(mail, item, ctx):\n    item.title = mail.subject.upper()\n"
        "    item.labels.append(ctx.user.login)\n    item.assignee = 'bob'\n"
    )
    scripts = make({"activity.py": text})
    config: Config = hooked(tmp_path, scripts={**CALM, "activity.py": text})

    world = World(catalogs=(SUPPORT,), answers={HooksSay: lambda question: scripts.ask(question.request)})
    look = Recorder(world, world.now)
    about = mail(subject="printer")
    known = facts(about)
    passed = Guard(config).decide(about, known, draft(title="printer", text="D"), look)
    decided = Activity(config).decide(about, known, passed, look)
    assert decided.disposition is None, decided.notes
    assert (decided.title, decided.labels) == ("PRINTER", ("jane",))
    assert {each.name: each.value for each in decided.fields} == {"assigned_to": "bob"}
    assert request(config, about, known, draft(title="printer", text="D"), look).guard == ("guard.py",)


def test_the_ledger_is_private(make: Make, tmp_path: Path) -> None:
    live(make())
    path = tmp_path / "var" / LEDGER
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(path.read_text())["good"]) == {"guard.py", "activity.py"}
