"""What stands in a rule file, what is wrong with a text, and who is told what of mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from console.offices import played

from engine.config import load
from engine.desk import playground, rule_effect, rule_places, rule_reading, rule_writing
from engine.desk.refusals import NotFound, Refused, Unclear
from engine.desk.scope import EVERYTHING, Scope
from engine.model.sight import ALL, Sight
from engine.run.engine import Engine
from engine.store.store import Store
from engine.workbench.rule_usage import condition_problems
from rules.document import read


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The demo, which nobody changes."""
    folder = tmp_path_factory.mktemp("reading") / "demo"
    played(folder)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.where) as store, closing(Engine(config, store)) as made:
        yield made


def only(*workspaces: str, words: tuple[str, ...] = ("view_mail", "read_mail")) -> Scope:
    """Somebody who has some permissions in some workspaces."""
    return Scope("olga", workspaces={word: frozenset(workspaces) for word in words}, places={"support": "support"})


def support(engine: Engine, scope: Scope = EVERYTHING) -> rule_places.RulePlace:
    return rule_places.place(engine.config, scope, "support")


# ── places ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_sees_the_files_of_the_places_whose_mail_they_see(engine: Engine) -> None:
    assert [each.name for each in rule_places.places(engine.config, EVERYTHING)][:2] == ["system", "support"]
    assert [each.name for each in rule_places.places(engine.config, only("support"))] == ["support"]
    assert rule_places.places(engine.config, Scope("nobody")) == ()
    for name in ("system", "finance", "../support", ""):
        with pytest.raises(NotFound):
            rule_places.place(engine.config, only("support"), name)


@pytest.mark.parametrize(
    ("edit_rules", "admin", "owner", "agent", "system"),
    [("owners", True, True, False, False), ("admins", True, False, False, False), ("nobody",) + (False,) * 4],
)
def test_who_saves_is_said_by_the_configuration(
    engine: Engine, edit_rules: str, admin: bool, owner: bool, agent: bool, system: bool
) -> None:
    from msgspec.structs import replace

    console = engine.config.root.console.filled(edit_rules=edit_rules)
    config = replace(engine.config, root=replace(engine.config.root, console=console))
    editor = Scope("o", workspaces={word: frozenset({"", "support"}) for word in ("view_mail", "edit_rules")})
    editor = Scope("o", workspaces={**editor.workspaces, "edit_rules": frozenset({"support"})})

    def may(scope: Scope, name: str) -> bool:
        return not rule_places.place(config, scope, name).why_not

    assert may(EVERYTHING, "support") is admin and may(EVERYTHING, "system") is admin
    assert may(editor, "support") is owner and may(editor, "system") is system
    assert may(only("support"), "support") is agent


# ── reading and checking ──────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_its_rules_as_written_with_their_hits(engine: Engine) -> None:
    page = rule_reading.page(engine, EVERYTHING, support(engine))
    assert page.loads and [card.number for card in page.cards] == [1, 2, 3]
    first = page.cards[0]
    assert (first.name, first.line, first.on, first.hits) == ("Order number", 6, "new", 1)
    assert first.then == ('set "Order number" to "{order}"', 'add label "order"')
    assert page.cards[2].shadow and page.cards[2].hits == 0 and page.cards[2].last_hit is None


def test_a_file_that_is_not_there_or_cannot_be_read_is_told_and_breaks_nothing(engine: Engine, tmp_path: Path) -> None:
    from msgspec.structs import replace

    nowhere = replace(support(engine), path=tmp_path / "none.toml")
    assert rule_reading.page(engine, EVERYTHING, nowhere).cards == ()
    (tmp_path / "latin.toml").write_bytes(b'[[rule]]\nname = "\xe9"\n')
    page = rule_reading.page(engine, EVERYTHING, replace(support(engine), path=tmp_path / "latin.toml"))
    assert not page.loads and page.problems[0].message == "this rule file cannot be read: it is not UTF-8 text"
    page = rule_reading.page(engine, EVERYTHING, replace(support(engine), path=tmp_path))
    assert not page.loads and "cannot be read" in page.problems[0].message


def test_what_is_wrong_stands_with_its_rule_also_in_a_text_that_does_not_load(engine: Engine) -> None:
    text = (
        "[[rule]]\nname = 'Sound'\nthen = ['stop']\n"
        "[[rule]]\nname = 'Broken'\nwhen = 'form is \"x\"'\nthen = ['stop']\n"
    )
    looked = rule_reading.checked(engine, EVERYTHING, support(engine), text)
    assert not looked.loads
    assert [len(card.problems) for card in looked.cards] == [0, 1]
    assert looked.cards[1].problems[0].line == 6 and looked.cards[1].problems[0].excerpt.startswith("when")


@pytest.mark.parametrize("text", ["", "[[rule]", "x = 1", "[[rule]]\n" * 50, "\x00", "[" * 5000, "rule = 3", "\ufeff"])
def test_any_text_is_checked(engine: Engine, text: str) -> None:
    looked = rule_reading.checked(engine, EVERYTHING, support(engine), text, run=True)
    assert looked.loads is (looked.tests is not None)
    assert looked.loads or looked.problems


def one_test(mail: str) -> str:
    return f"[[test]]\nname = 'read it'\nmail = '{mail}'\nexpect_none = true\n"


def test_a_test_asks_only_of_mail_that_its_reader_may_read(engine: Engine) -> None:
    (row, *_) = [each for each in engine.store.archive.mails("", 100) if each.home == "finance"]
    for scope, passes in ((EVERYTHING, True), (only("support"), False), (only("finance"), True)):
        (result,) = rule_reading.checked(engine, scope, support(engine), one_test(row.mail), run=True).tests or ()
        assert result.passed is passes, result.lines


@pytest.mark.parametrize(
    "name", ["/etc/hostname", "../../../etc/hostname", "allegra.toml", "data.toml", "rules/../x.eml"]
)
def test_a_test_reads_no_file_but_mails_beside_the_configuration(engine: Engine, name: str) -> None:
    (result,) = rule_reading.checked(engine, EVERYTHING, support(engine), one_test(name), run=True).tests or ()
    assert not result.passed and "there is no mail" in result.lines[0]


def test_a_test_reads_a_mail_beside_the_configuration(engine: Engine) -> None:
    folder = engine.config.path.parent
    mail = next((folder / "mails").glob("*.eml"))
    text = one_test(str(mail.relative_to(folder)))
    (result,) = rule_reading.checked(engine, EVERYTHING, support(engine), text, run=True).tests or ()
    assert result.passed


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

SUBJECTS = (
    "Printer error",
    "Re: AW: \"quoted\" 'x' and\\ more",
    "'''",
    "]]\n[x]",
    "\u202e\x00",
    "",
    "日本語の件名",
    "a" * 500,
)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("sender", ["jane@big.example", "", "a'b\"c@x", "x@y\n'"])
def test_what_is_proposed_for_a_mail_loads_whatever_strangers_wrote(engine: Engine, subject: str, sender: str) -> None:
    from msgspec.structs import replace

    row = replace(engine.store.archive.mails("", 1)[0], subject=subject, sender=sender)
    for made in (rule_writing.rule_from(row), rule_writing.test_from(row)):
        looked = rule_reading.checked(engine, EVERYTHING, support(engine), made)
        assert looked.loads, looked.problems


def test_a_difference_can_be_applied(engine: Engine, tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "x").mkdir()
    for before, after in (
        ("a\nb\nc\n", "a\nB\nc"), ("# a\u2028b\x85c\nd\n", "# a\u2028b\x85C\nd\n"), ("", "a\r\nb\r\n"), ("a", "a\n\n"),
    ):  # fmt: skip
        (tmp_path / "x" / "y.toml").write_bytes(before.encode())
        told = rule_writing.patch("x/y.toml", before, after)
        subprocess.run(["git", "apply", "-"], input=told.encode(), cwd=tmp_path, check=True)
        assert (tmp_path / "x" / "y.toml").read_bytes().decode() == after
    assert rule_writing.difference("a\nb\n", "a\nc\n") == ("@@ -1,2 +1,2 @@", " a", "-b", "+c")
    assert len(rule_writing.difference("", "x\n" * 9000)) == rule_writing.MOST_LINES - 1
    assert rule_writing.difference("", "x\n" * 30_000) == ("@@ these texts are too long to be compared here @@",)


# ── effect ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lines_of_a_comparison_are_put_together_the_most_frequent_first() -> None:
    def line(mail: str, before: str, after: str, rule: str = "A", doubt: str = "", *fields: str) -> dict[str, Any]:
        return {"mail": mail, "subject": f"about {mail}", "before": before, "after": after, "rule": rule,
                "fields": fields, "doubtful": doubt}  # fmt: skip

    lines = [
        line("m-1", "held", "created x", "A", ""), line("m-2", "created x", "held", "B"),
        *[line(f"m-{n}", "held", "created x", "A", "DMARC fail" if n == 7 else "") for n in range(3, 9)],
        line("m-9", "created x", "created x", "C", "", "label a → –", "status x → y"),
        {"summary": {"mails": 40, "outcomes": 8, "fields": 1, "unchanged": 31}},
    ]  # fmt: skip
    found = rule_effect.found(lines)
    assert [(group.way, group.rule, group.many, group.doubtful) for group in found.outcomes] == [
        ("held → created x", "A", 7, "DMARC fail"), ("created x → held", "B", 1, ""),
    ]  # fmt: skip
    assert [each.mail for each in found.outcomes[0].examples] == ["m-1", "m-3", "m-4"]
    assert {group.way for group in found.fields} == {"label a → –", "status x → y"}
    assert (found.ends_otherwise, found.other_fields, found.mails) == (8, 1, 40)


def test_two_files_of_one_name_are_not_compared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = [("support", support(engine).path), ("finance", support(engine).path)]
    monkeypatch.setattr(rule_effect, "files", lambda _: iter(twice))
    with pytest.raises(Refused, match=r"two rule files are called support\.toml"):
        rule_effect.texts(engine.config)


# ── what conditions are told of ───────────────────────────────────────────────────────────────────────────────


def test_who_reads_what_is_what_a_condition_is_asked_about() -> None:
    assert EVERYTHING.readable == ALL
    assert only("support").readable == Sight(False, frozenset({"support"}), frozenset({"support"}))
    assert only("support", words=("view_mail",)).readable == Sight(False, frozenset(), frozenset())


@pytest.mark.parametrize("scope", [EVERYTHING, only("support"), only("finance"), only("support", words=("view_mail",))])
def test_a_condition_is_answered_about_mail_that_one_may_read(engine: Engine, scope: Scope) -> None:
    answer = playground.ask(engine, scope, "subject exists", "support")
    rows = engine.store.archive.mails("", 200)
    mine = {row.mail for row in rows if scope.readable.sees(row.mailbox, row.home)}
    assert answer.mails == len(mine)
    assert {each.mail for each in answer.found} <= mine
    shown = {each.match.mail for each in (answer.hit, answer.miss) if each is not None}
    assert shown <= mine and bool(shown) is bool(mine)


def test_a_condition_is_opened_for_a_mail_that_fits_and_for_the_nearest_that_does_not(engine: Engine) -> None:
    answer = playground.ask(engine, EVERYTHING, 'subject contains "print" and sender.known', "support")
    assert answer.hit is not None and answer.miss is not None
    assert answer.hit.tree["ok"] is True and [kid["ok"] for kid in answer.hit.tree["kids"]] == [True, True]
    assert answer.miss.tree["ok"] is False
    assert sum(kid["ok"] is True for kid in answer.miss.tree["kids"]) == 1, "one part of two holds"
    assert 0 < answer.matches < answer.mails


def test_a_condition_uses_the_lists_of_its_place_and_what_is_wrong_is_told(engine: Engine) -> None:
    assert playground.ask(engine, EVERYTHING, 'subject contains any of list "printers"', "support").matches > 0
    wrong = playground.ask(engine, EVERYTHING, 'subject contains any of list "printers"', "").problems
    assert wrong and wrong[0].message == 'there is no list called "printers"'
    with pytest.raises(Unclear):
        playground.ask(engine, EVERYTHING, "x" * 20_000, "")
    assert condition_problems("form is 1", read("x", ""), engine.book.vocabulary.schema)


def test_a_mail_is_tried_under_the_rules_in_force_and_under_a_draft_and_nothing_is_kept(engine: Engine) -> None:
    before = engine.store.archive.mails("", 1000)
    mail = playground.written(playground.Written("jane@mail.bigcorp.example", "support@example.com", "Toner", "empty"))
    told = playground.try_mail(engine, EVERYTHING, mail, "support")
    assert told["outcome"] == "created" and told["workspace"] == "support"
    refuses = "[[rule]]\nname = 'No'\non = 'any'\nthen = ['hold because \"a draft\"']\n"
    told = playground.try_mail(engine, EVERYTHING, mail, "support", (support(engine), refuses))
    assert (told["outcome"], told["because"]) == ("held", "a draft")
    assert engine.store.archive.mails("", 1000) == before


def test_nothing_is_told_of_a_mail_that_would_go_where_one_does_not_read(engine: Engine) -> None:
    mail = playground.written(playground.Written("anna@example.com", "help+billing@example.com", "Bill", "x"))
    assert playground.try_mail(engine, EVERYTHING, mail, "system")["workspace"] == "finance"
    with pytest.raises(Refused, match="whose mail you do not read"):
        playground.try_mail(engine, only("support"), mail, "system")


@pytest.mark.parametrize("wrong", [b"", b"  \n", b"x" * 1_000_001])
def test_a_mail_to_try_has_some_bytes_and_not_too_many(engine: Engine, wrong: bytes) -> None:
    with pytest.raises(Unclear):
        playground.try_mail(engine, EVERYTHING, wrong, "support")


@pytest.mark.parametrize("sender", ["", "not an address", "a@b\r\nBcc: x@y", "\x00", "é@é"])
def test_whatever_is_typed_becomes_a_mail_or_is_refused_in_a_sentence(engine: Engine, sender: str) -> None:
    try:
        mail = playground.written(playground.Written(sender, "help@example.com", "x\r\ny", "text"))
    except Unclear as refused:
        assert "no mail can be made of this" in str(refused)
    else:
        assert b"\nBcc:" not in mail
        assert playground.try_mail(engine, EVERYTHING, mail, "support")["outcome"]
