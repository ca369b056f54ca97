"""The door for programs: taking, deciding, explaining and running from Python, with sources and words of one's own."""

from __future__ import annotations

import ast
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import databases
import hosting
import pytest
from hosting import mail
from msgspec.structs import replace

import engine
from engine import Action, Decider, Draft, Extra, Field, FieldChange, Limits, Listed, Outcome, RuleAction, Settled, Type
from engine.store.store import Store

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "library.md"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[engine.Desk]:
    with engine.open(hosting.installation(tmp_path)) as desk:
        yield desk


def contents(desk: engine.Desk) -> list[str]:
    """Every row of every table of a desk's database."""
    tables = databases.everything(desk.config.store.where)
    return [f'INTO "{name}" {row}' for name, rows in tables.items() for row in rows]


# ── the door itself ───────────────────────────────────────────────────────────────────────────────────────────


def test_importing_the_engine_imports_nothing() -> None:
    code = "import sys; before = set(sys.modules); import engine; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['engine']"


def test_every_name_of_the_door_is_there_for_people_and_for_checkers() -> None:
    assert [name for name in engine.__all__ if not hasattr(engine, name)] == []
    assert sorted(engine.__all__) == list(engine.__all__) == dir(engine)
    tree = ast.parse((ROOT / "engine" / "__init__.py").read_text("utf-8"))
    typed = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(engine.__all__) - {"__version__"}
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        engine.nothing  # type: ignore[attr-defined] # noqa: B018


def test_every_name_of_the_door_is_documented() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in engine.__all__ if f"`{name}`" not in text and f"`engine.{name}`" not in text] == []


def example() -> str:
    """The first program of the page."""
    return next(re.finditer(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE))[1]


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    hosting.installation(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", example()], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert len(example().splitlines()) < 15
    assert done.stdout.splitlines()[0] == "created item 1"
    assert "CREATED  support #1" in done.stdout


@pytest.mark.timeout(600)
def test_every_program_of_the_page_is_right_for_a_strict_checker(tmp_path: Path) -> None:
    programs = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for number, text in enumerate(programs):
        (tmp_path / f"program_{number}.py").write_text(text, encoding="utf-8")
    (tmp_path / "misspelt.py").write_text("import engine\n\nengine.opne('allegra.toml')\n", encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).parent / "mypy", "--strict", "--follow-imports=silent", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "MYPYPATH": str(ROOT)},
    )  # fmt: skip
    assert len(programs) >= 3
    assert [line for line in done.stdout.splitlines() if ": error:" in line and "misspelt" not in line] == []
    assert "misspelt.py:3: error: Module has no attribute" in done.stdout


def test_the_packages_tell_that_they_are_typed() -> None:
    assert [name for name in ("engine", "rules", "hooks") if not (ROOT / name / "py.typed").is_file()] == []


# ── taking ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_that_is_taken_is_an_item(desk: engine.Desk) -> None:
    taken = desk.take(mail())
    assert (taken.outcome, taken.workspace, taken.item, taken.seen_before) == (Outcome.CREATED, "support", 1, False)
    again = desk.take(mail("Re: Printer [#1]", number=2))
    assert (again.outcome, again.item, again.comment > 0) == (Outcome.COMMENT, 1, True)


def test_the_same_bytes_are_one_mail_however_often_they_are_taken(desk: engine.Desk) -> None:
    first = desk.take(mail())
    before = contents(desk)
    again = [desk.take(mail()), desk.take(mail(), key="another name")]
    assert again == [replace(first, seen_before=True)] * 2
    changed = {line for line in {*contents(desk)} ^ {*before} if '"presentation"' not in line}
    assert not {line for line in changed if re.search(r'INTO "(item|comment|receipt|outbox|inbound|raw_mail)"', line)}


def test_a_mail_that_another_run_keeps_from_being_decided_is_ours_and_waits(tmp_path: Path) -> None:
    from engine.run.lease import Lease
    from engine.store.clock import now as utc_now

    path = hosting.installation(tmp_path)
    with engine.open(path) as desk, Store.open(desk.config.store.where) as other:
        with Lease(other, "system", utc_now) as lease:
            assert lease.held
            taken = desk.take(mail(), wait_s=0)
            assert (taken.outcome, taken.because) == (Outcome.DEFERRED, "it waits for the next pass")
            assert desk.take(mail(), wait_s=0).outcome is Outcome.DEFERRED
        [report] = desk.run()
        assert [(line.mail, line.outcome) for line in report.lines] == [(taken.mail, Outcome.CREATED)]
        assert desk.take(mail()).item == 1


def test_what_is_no_mail_for_us_is_refused_before_anything_is_kept(desk: engine.Desk) -> None:
    before = contents(desk)
    with pytest.raises(engine.NotFound, match="there is no mailbox 'sales'; there are: system"):
        desk.take(mail(), "sales")
    with pytest.raises(ValueError, match="no mail in these bytes"):
        desk.take(b"  \n")
    with pytest.raises(ValueError, match=r"larger than limits\.raw"):
        desk.take(b"x" * (desk.config.settings().limits.raw + 1))
    assert contents(desk) == before


def test_the_envelope_comes_with_the_mail(desk: engine.Desk) -> None:
    decision = desk.decide(mail(), envelope=engine.Envelope("bounces@example.com", ("help+billing@example.com",)))
    assert decision.mail.raw.envelope.reverse_path == "bounces@example.com"
    assert decision.facts.plus == "billing"


# ── deciding and explaining ───────────────────────────────────────────────────────────────────────────────────


def test_a_dry_decision_is_that_of_a_real_one_and_keeps_nothing(desk: engine.Desk) -> None:
    before = contents(desk)
    decision = desk.decide(mail())
    assert (decision.plan.outcome, decision.draft.title) == (Outcome.CREATED, "Printer")
    assert contents(desk) == before
    taken = desk.take(mail())
    assert (taken.outcome, taken.code) == (decision.plan.outcome, decision.plan.disposition.code)


def test_what_was_taken_is_explained_as_text_and_as_data(desk: engine.Desk) -> None:
    taken = desk.take(mail(sender="max@elsewhere.example"))
    told = desk.explain(taken.mail)
    assert taken.outcome is told.data.outcome is Outcome.HELD
    assert told.data.code in told.text
    assert [stage.name for stage in told.data.trace.stages][-1] == "sender"  # type: ignore[union-attr]
    assert desk.explain("last-held").data.mail == taken.mail
    with pytest.raises(engine.NotFound):
        desk.explain("m-0000")


def test_bytes_are_explained_on_the_spot_and_not_kept(tmp_path: Path) -> None:
    rules = '[[rule]]\nname = "Fire"\nwhen = \'body contains "fire"\'\nthen = [\'add label "hot"\']\n'
    with engine.open(hosting.installation(tmp_path, rules=rules)) as desk:
        before = contents(desk)
        told = desk.explain(mail(), every_rule=True)
        assert "not stored" in told.text and 'body contains "fire"' in told.text
        assert contents(desk) == before


def test_a_mail_is_parsed_without_any_installation() -> None:
    parsed = engine.parse(mail("Grüße"))
    assert (parsed.subject, parsed.from_[0].address) == ("Grüße", "anna@example.com")
    assert engine.parse(b"").defects


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_configuration_that_does_not_load_tells_everything_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "allegra.toml"
    path.write_text("schema = 1\nwrong = 1\n[store]\ndriver = 'paper'\n", encoding="utf-8")
    with pytest.raises(engine.ConfigError) as caught:
        engine.open(path)
    assert len(caught.value.problems) > 1
    assert all(isinstance(problem, engine.Problem) for problem in caught.value.problems)


@pytest.mark.sqlite
def test_a_database_that_is_away_is_a_store_error(tmp_path: Path) -> None:
    path = hosting.installation(tmp_path)
    database = tmp_path / "var" / "allegra.sqlite3"
    database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(engine.StoreError, match="is no SQLite database"):
        engine.open(path)
    assert issubclass(engine.Busy, engine.StoreError)


def test_a_rule_file_that_does_not_load_is_a_problem_of_the_desk_and_its_mail_waits(tmp_path: Path) -> None:
    with engine.open(hosting.installation(tmp_path, rules="[[rule]]\nname = 'x'\nwhen = 'nonsense'\n")) as desk:
        assert [problem.file for problem in desk.problems if problem.severity == "error"][:1] == ["rules/system.toml"]
        assert (taken := desk.take(mail())).outcome is Outcome.DEFERRED
        assert taken.code == "config.broken"


def test_a_desk_belongs_to_the_thread_that_opened_it(desk: engine.Desk) -> None:
    raised: list[Exception] = []

    def take() -> None:
        try:
            desk.take(mail())
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    assert "belongs to the thread that opened it" in str(raised[0])


def test_a_closed_desk_may_be_closed_again(tmp_path: Path) -> None:
    desk = engine.open(hosting.installation(tmp_path))
    desk.close()
    desk.close()
    with pytest.raises(RuntimeError, match="the desk is closed"):
        desk.take(mail())


# ── a source of one's own ─────────────────────────────────────────────────────────────────────────────────────


class Shelf(engine.Source):
    """A mailbox in memory."""

    def __init__(self, mailbox: str, *mails: bytes) -> None:
        self.mailbox, self.mails = mailbox, {f"n{number}": content for number, content in enumerate(mails)}
        self.settled: list[tuple[str, str, str]] = []

    def list(self) -> list[Listed]:
        return [Listed(key) for key in self.mails]

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[engine.RawMail]:
        for key in keys:
            yield engine.raw_mail(self.mailbox, key, self.mails[key], datetime.now(UTC))

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        for action in actions:
            self.settled.append((action.key, action.kind, action.folder))
            self.mails.pop(action.key, None)
        return [Settled(action.key, "done") for action in actions]


def test_mail_of_a_host_s_source_is_read_decided_and_settled(tmp_path: Path) -> None:
    shelf = Shelf("system", mail(), mail("Who is it?", "max@elsewhere.example", 2))
    with engine.open(hosting.installation(tmp_path, protocol="program")) as desk:
        [report] = desk.run(sources={"system": shelf})
        assert (report.state, [line.outcome for line in report.lines]) == ("ok", [Outcome.CREATED, Outcome.HELD])
        assert shelf.settled == [("n0", "move", "Done"), ("n1", "move", "Held")]
        [report] = desk.run(sources={"system": shelf})
        assert (report.state, report.new) == ("ok", 0)
        [report] = desk.run()
        assert (report.state, report.new) == ("ok", 0)


def test_a_source_is_not_asked_about_mail_that_came_another_way(tmp_path: Path) -> None:
    shelf = Shelf("system", mail("Second", "anna@example.com", 2))
    with engine.open(hosting.installation(tmp_path, protocol="program")) as desk:
        assert desk.take(mail()).outcome is Outcome.CREATED
        [report] = desk.run(sources={"system": shelf})
        assert (report.state, report.new) == ("ok", 1)
        assert shelf.settled == [("n0", "move", "Done")]


@pytest.mark.parametrize("broken", ["list", "fetch", "settle"])
def test_a_source_that_breaks_is_told_and_loses_nothing(
    tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("our own mistake")

    shelf = Shelf("system", mail())
    with engine.open(hosting.installation(tmp_path, protocol="program")) as desk:
        with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, "allegra.sources"):
            patched.setattr(Shelf, broken, fails)
            [report] = desk.run(sources={"system": shelf})
        assert (report.state, report.code) == ("failed", "source.program")
        assert report.sentence == "mailbox system: KeyError: 'our own mistake'"
        assert "Traceback" in caplog.text
        desk.run(sources={"system": shelf})
        assert desk.take(mail()).item == 1
        assert shelf.settled == [("n0", "move", "Done")]


def test_a_source_gives_mail_of_its_own_mailbox_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with engine.open(hosting.installation(tmp_path, protocol="program")) as desk:
        [report] = desk.run(sources={"system": Shelf("elsewhere", mail())})
        assert (report.state, report.new) == ("failed", 0)
        assert "mail of the mailbox 'elsewhere'" in report.sentence


def test_a_source_is_for_a_mailbox_that_a_program_reads(tmp_path: Path) -> None:
    with engine.open(hosting.installation(tmp_path, protocol="pipe")) as desk:
        with pytest.raises(ValueError, match='is read by protocol pipe: set protocol = "program"'):
            desk.run(sources={"system": Shelf("system")})
        with pytest.raises(engine.NotFound):
            desk.run(sources={"nobody": Shelf("nobody")})
        with pytest.raises(engine.NotFound):
            desk.run("nobody")


def test_a_pass_of_a_host_leaves_its_signals_and_its_collector_alone(tmp_path: Path) -> None:
    import gc
    import signal

    seen: list[object] = []

    class Watching(Shelf):
        def list(self) -> list[Listed]:
            seen.extend((signal.getsignal(signal.SIGINT), gc.get_threshold()))
            return super().list()

    before = [signal.getsignal(signal.SIGINT), gc.get_threshold()]
    with engine.open(hosting.installation(tmp_path, protocol="program")) as desk:
        desk.run(sources={"system": Watching("system", mail())})
    assert seen == before


def test_a_pass_stops_when_its_host_says_so_and_the_desk_goes_on(tmp_path: Path) -> None:
    stop = engine.Stop()
    stop.set()
    with engine.open(hosting.installation(tmp_path, protocol="program")) as desk:
        assert desk.run(sources={"system": Shelf("system", mail())}, stop=stop) == []
        assert desk.take(mail()).outcome is Outcome.CREATED


# ── words of one's own ────────────────────────────────────────────────────────────────────────────────────────

TIERS = {"anna@example.com": "gold"}


def tier(sight: engine.Sight) -> str | None:
    return TIERS.get(sight.facts.sender.address.key)


def page(draft: Draft, text: str, by: Decider) -> Draft:
    urgent = FieldChange("priority", "High", by)
    return replace(draft, labels=(*draft.labels, f"page {text or 'all'}"), fields=(*draft.fields, urgent))


EXTRA = Extra(
    fields=(Field("crm.tier", Type.TEXT, "what the customer pays for", tier, example='crm.tier is "gold"'),),
    actions=(RuleAction("page", "wake somebody up", page),),
)
WHOEVER = """
[[test]]
name = "whoever writes"
mail = { from = "anna@example.com" }
expect = ['do "page"']
"""
RULES = """
[[rule]]
name = "Gold"
when = 'crm.tier is "gold"'
then = ['do "page" with "{crm.tier} desk"', 'do "page"']
[[test]]
name = "gold is paged"
mail = { "crm.tier" = "gold" }
expect = ['do "page"']
"""


def test_a_host_s_field_and_action_work_in_a_rule(tmp_path: Path) -> None:
    with engine.open(hosting.installation(tmp_path, rules=RULES), extra=EXTRA) as desk:
        assert desk.problems == ()
        decision = desk.decide(mail())
        assert decision.draft.labels == ("page gold desk", "page all")
        changed = next(change for change in decision.draft.fields if change.name == "priority")
        assert (changed.value, changed.by.kind, changed.by.name) == ("High", "rule", "Gold")
        taken = desk.take(mail())
        told = desk.explain(taken.mail, every_rule=True).text
        assert 'do "page" with "gold desk"' in told and 'crm.tier is "gold"' in told
        assert desk.decide(mail(sender="bob@example.com")).draft.labels == ()


def test_words_of_a_host_that_are_misspelt_or_missing_are_problems_with_a_place(tmp_path: Path) -> None:
    wrong = RULES.replace('do "page" with', 'do "pgae" with')
    with engine.open(hosting.installation(tmp_path, rules=wrong), extra=EXTRA) as desk:
        [problem] = desk.problems
        assert (problem.code, problem.line) == ("E142", 5)
        assert (problem.message, problem.help) == ('there is no action called "pgae"', "did you mean  page ?")
    with engine.open(hosting.installation(tmp_path, rules=RULES)) as desk:
        assert {problem.code for problem in desk.problems} >= {"E130", "E142"}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (Extra((Field("subject", Type.TEXT, "", tier),)), "a rule field called subject already"),
        (Extra((Field("headers", Type.TEXTS, "", tier),)), "a rule field called headers already"),
        (Extra((Field("CRM.Tier", Type.TEXT, "", tier),)), "'CRM.Tier' is no name of a rule field"),
        (Extra((Field("not", Type.YESNO, "", tier),)), "'not' is no name of a rule field"),
        (Extra((Field('headers["x"]', Type.TEXT, "", tier),)), "is no name of a rule field"),
        (Extra((Field("crm.tier", Type.CHOICE, "", tier),)), "is a choice and needs choices"),
        (Extra((*EXTRA.fields, *EXTRA.fields)), "a rule field called crm.tier already"),
        (Extra((), (*EXTRA.actions, *EXTRA.actions)), "a rule action called page already"),
        (Extra((), (RuleAction('a "b"', "", page),)), "is no name of a rule action"),
    ],
)
def test_a_word_that_cannot_be_said_or_hides_ours_is_refused(tmp_path: Path, extra: Extra, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        engine.open(hosting.installation(tmp_path), extra=extra)


def test_an_action_that_changes_what_it_may_not_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    def steal(draft: Draft, text: str, by: Decider) -> Draft:
        return replace(draft, workspace="elsewhere")

    extra = Extra(EXTRA.fields, (RuleAction("page", "", steal),))
    with engine.open(hosting.installation(tmp_path, rules=RULES), extra=extra) as desk:
        taken = desk.take(mail())
        assert (taken.outcome, taken.code) == (Outcome.DEFERRED, "fault.exception")
        assert taken.because.startswith('the action "page" changes workspace: it may change fields,')


def broken_tier(sight: engine.Sight) -> str | None:
    raise LookupError("no customer")


def broken_page(draft: Draft, text: str, by: Decider) -> Draft:
    raise RuntimeError


NO_DRAFT: Any = None
BROKEN = [
    (Extra((Field("crm.tier", Type.TEXT, "", broken_tier),), EXTRA.actions),
     "the rule field crm.tier broke: LookupError: no customer"),
    (Extra((Field("crm.tier", Type.TEXT, "", lambda sight: 5),), EXTRA.actions),
     "the rule field crm.tier holds a text and gave 5"),
    (Extra(EXTRA.fields, (RuleAction("page", "", broken_page),)), 'the action "page" broke: RuntimeError'),
    (Extra(EXTRA.fields, (RuleAction("page", "", lambda draft, text, by: NO_DRAFT),)),
     'the action "page" gave NoneType: it has to give a Draft'),
]  # fmt: skip


@pytest.mark.parametrize(("extra", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_a_word_of_a_host_that_breaks_is_named_in_a_sentence_everywhere(
    tmp_path: Path, extra: Extra, said: str
) -> None:
    from click.testing import CliRunner

    from engine.cli.main import allegra

    path = hosting.installation(tmp_path, rules=RULES + WHOEVER)
    (tmp_path / "mail.eml").write_bytes(mail())
    with engine.open(path, extra=extra) as desk:
        for act in (desk.decide, desk.explain):
            with pytest.raises(engine.ExtraError) as caught:
                act(mail())
            assert str(caught.value) == said
        taken = desk.take(mail())
        assert (taken.outcome, taken.code, taken.because) == (Outcome.DEFERRED, "fault.exception", said)
        assert f" because  {said}" in desk.explain(taken.mail).text
    with engine.open(path, extra=EXTRA) as desk:
        desk.take(mail(number=2))

    def told(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            allegra, ["--config", str(path), *words], obj={"extra": extra}, catch_exceptions=False
        )
        return done.exit_code, done.output

    commands = [("explain", str(tmp_path / "mail.eml")), ("rules", "test"), ("rules", "diff", "--against", "archive"),
                ("replay", "<2@mail.example.com>")]  # fmt: skip
    if "field" in said:
        commands += [("rules", "try", 'crm.tier is "x"', *more) for more in ((), (str(tmp_path / "mail.eml"),))]
    for words in commands:
        code, output = told(*words)
        assert said in output and "Traceback" not in output, words
        assert code == (0 if words[0] == "replay" else 1), words


def test_what_a_release_would_come_to_is_told_although_a_word_of_the_host_breaks(tmp_path: Path) -> None:
    path, (extra, said) = hosting.installation(tmp_path, rules=RULES), BROKEN[0]
    with engine.open(path, extra=EXTRA) as desk:
        taken = desk.take(mail(sender="max@elsewhere.example"))
        assert taken.outcome is Outcome.HELD
    with engine.open(path, extra=extra) as desk:
        text = desk.explain(taken.mail).text
        assert f"If it were released now:  error all the same, by stage route: {said}" in text


def test_the_command_line_of_a_host_knows_its_words(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from engine.cli.main import allegra

    path = hosting.installation(tmp_path, rules=RULES)

    def said(*words: str, **more: object) -> tuple[int, str]:
        done = CliRunner().invoke(allegra, ["--config", str(path), *words], obj=more)
        return done.exit_code, done.output

    assert "crm.tier" in said("rules", "fields", extra=EXTRA)[1]
    assert 'do "page"' in said("rules", "actions", extra=EXTRA)[1]
    assert said("rules", "test", extra=EXTRA)[0] == 0
    assert said("check", extra=EXTRA)[0] == 0
    assert "crm.tier" not in said("rules", "fields")[1]
    assert said("check")[0] != 0
