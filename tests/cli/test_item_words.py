"""`allegra item answer --draft`, `drafts`, `send`, `edit`, `discard`, `merge`, `delete` as a person types them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import databases
import pytest
from click.testing import CliRunner, Result
from manned import CONFIG, DATA

from engine.cli.main import allegra
from engine.store.load import load as load_data
from engine.store.store import Store

Type = Callable[..., Result]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type a command as Anna, who is an admin."""
    databases.configured(tmp_path, CONFIG)
    people = [{**each, "admin": each["login"] == "anna"} for each in DATA["users"]]
    more = {"id": 7, "workspace": "support", "title": "On fire", "author": "karl", "status": "New"}
    with Store.open(databases.place(tmp_path / databases.FILE)) as store:
        load_data(store, {**DATA, "users": people, "items": [*DATA["items"], more]})
    monkeypatch.setenv("ALLEGRA_AS", "anna")
    monkeypatch.setenv("COLUMNS", "80")

    def type_(*words: str, stdin: str | bytes = "") -> Result:
        before = Path.cwd()
        os.chdir(tmp_path)
        try:
            return CliRunner().invoke(allegra, ("item", *words), input=stdin, catch_exceptions=False)
        finally:
            os.chdir(before)

    return type_


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_words_and_files_that_are_too_much_or_not_there_are_refused(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 1_000_001)
    (tmp_path / "bad").write_bytes(b"\xff")
    for words, said in (
        (("--attach", "/dev/zero"), "is bigger than 50 MB"), (("--file", "/dev/zero"), "is bigger than 50 MB"),
        (("--file", "long"), "more than 1,000,000 characters"), (("--file", "bad"), "cannot be read"),
        (("--file", "none"), "cannot be read: No such file"), (("--file", "."), "cannot be read: Is a directory"),
    ):  # fmt: skip
        refused = typed("note", "12", *words, *(("-m", "x") if "--attach" in words else ()))
        assert refused.exit_code != 0 and said in refused.stderr, refused.output
    assert "standard input cannot be read" in typed("note", "12", stdin=b"\xff").stderr
    assert lines(typed("comments", "12", "--json")) == []


def test_what_was_written_in_an_editor_is_not_lost_where_the_act_is_refused(
    typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setattr("click.edit", lambda text, **_: f"Dear Jane,\nlong words.\n{text}")
    refused = typed("answer", "12", "--as", "karl", "--to", "nobody@x.example")
    assert refused.exit_code == 1
    assert "you wrote:\nDear Jane,\nlong words.\n" in refused.stderr


def test_who_was_told_is_shown_of_an_item_that_was_deleted(typed: Type) -> None:
    assert typed("answer", "12", "-m", "Soon.").exit_code == 0
    assert typed("delete", "12", "--commit").exit_code == 0
    assert "jane@big.example" in [each["address"] for each in lines(typed("told", "12", "--json"))]
    assert "was deleted by anna" in typed("told", "12", "--who", "bob").stderr
    assert typed("told", "99").exit_code == 1


def test_F119_a_draft_is_written_listed_changed_and_sent(typed: Type) -> None:
    (made,) = lines(typed("answer", "12", "--draft", "-m", "Soon", "--json"))
    assert (made["schema"], made["comment"], made["events"], made["told"]) == ("allegra.act/1", 1, [], [])
    (listed,) = lines(typed("drafts", "--json"))
    assert (
        listed.items() >= {"schema": "allegra.draft/1", "id": 1, "item": 12, "author": "anna", "text": "Soon"}.items()
    )
    assert lines(typed("drafts", "7", "--json")) == []
    assert typed("edit", "12", "1", stdin="Sooner\n").exit_code == 0
    shown = typed("drafts").stdout
    assert "#12 Printer broken" in shown and "Sooner" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "── draft 1" in typed("comments", "12").stdout
    assert "1 of them waiting to be sent" in typed("show", "12").stdout
    (sent,) = lines(typed("send", "12", "1", "--close", "--json"))
    assert sent["events"] == ["item.answered", "item.closed"]
    assert [each["who"] if "who" in each else each["to"] for each in sent["told"]] == ["jane@big.example", "anna"]
    assert "there are no drafts" in typed("drafts").output


@pytest.mark.parametrize("option", [("--close",), ("--status", "Closed"), ("--to", "karl"), ("--anyway",)])
def test_F119_what_goes_with_an_answer_is_said_when_it_is_sent(typed: Type, option: tuple[str, ...]) -> None:
    done = typed("answer", "12", "--draft", "-m", "Soon", *option)
    assert done.exit_code in (2, 64)
    assert f"give {option[0]} to item send" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", "12", "9"), "item #12 has no draft 9"),
        (("edit", "12", "9", "-m", "x"), "item #12 has no comment 9"),
        (("discard", "12", "9"), "item #12 has no draft 9"),
        (("drafts", "99"), "there is no item #99"),
        (("merge", "12", "--into", "12"), "cannot be merged into itself"),
        (("delete", "99"), "there is no item #99"),
        (("delete", "12", "--as", "bob"), "bob may not delete items of support"),
        (("answer", "12", "--template", "nothing"), "template nothing: there is no such template"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(typed: Type, words: tuple[str, ...], said: str) -> None:
    done = typed(*words)
    assert done.exit_code in (1, 64)
    assert said in done.stderr


def test_a_draft_is_thrown_away(typed: Type) -> None:
    typed("answer", "12", "--draft", "-m", "Soon")
    assert "draft discarded by anna" in typed("discard", "12", "1").stdout
    assert lines(typed("drafts", "--json")) == []


def test_a_merge_is_told_where_the_item_is_shown(typed: Type) -> None:
    assert "would be" in typed("merge", "12", "--into", "7", "--dry-run").stdout
    assert "merged_into: – → #7" in typed("merge", "12", "--into", "7").stdout
    assert "merged into  #7" in typed("show", "12").stdout
    assert "Closed → #7" in typed("list").stdout
    assert lines(typed("show", "12", "--json"))[0]["merged_into"] == 7
    assert "merged_from: – → #12" in typed("history", "7").stdout
    assert typed("answer", "12", "-m", "Hello").stderr.strip().endswith("item #12 was merged into #7: say that number")


def test_a_deletion_shows_first_what_would_go(typed: Type) -> None:
    typed("note", "12", "-m", "Out")
    (would,) = lines(typed("delete", "12", "--json"))
    assert (would["dry_run"], would["goes"]["notes"], would["goes"]["title"]) == (True, 1, "Printer broken")
    assert "would go   the item and its text, 1 note" in typed("delete", "12").stdout
    assert typed("show", "12").exit_code == 0
    assert "gone   the item" in typed("delete", "12", "--commit").stdout
    assert "item #12 was deleted by anna" in typed("show", "12").stderr
    assert "item.deleted" in typed("history", "12").stdout
