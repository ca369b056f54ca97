"""A database on a server, as commands meet it: where its URL cannot be had, and what only a file has."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from deciding import CONFIG

from engine.cli.main import main
from engine.store.store import Store

CANARY = "c4n4ry"
URL = f"postgresql://allegra:{CANARY}@db1/allegra"
SERVER = '[store]\ndriver = "postgresql"\n'
NOT_SET = "store: the environment variable ALLEGRA_DATABASE_URL (url_env) is not set"

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Type a command beside an allegra.toml whose database is on a server; `url` is what the variable holds."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / "mail" / part).mkdir(parents=True)
    (tmp_path / "allegra.toml").write_text(CONFIG + SERVER)
    monkeypatch.delenv("ALLEGRA_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)

    def running(*words: str, url: str = "", stdin: str = "") -> Any:
        if url:
            monkeypatch.setenv("ALLEGRA_DATABASE_URL", url)
        monkeypatch.setattr("sys.argv", ["allegra", *words])
        result = CliRunner().invoke(_Whole(), [], input=stdin)
        assert CANARY not in result.output
        return result

    yield running


class _Whole:
    """All of the program, its last net for errors included."""

    name = "allegra"

    def main(self, *_: Any, **__: Any) -> None:
        main()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run",), 69), (("run", "--watch"), 69), (("mail", "list"), 69), (("rules", "list"), 69),
        (("templates", "preview", "ack"), 69), (("db", "migrate"), 69), (("db", "backup", "x"), 69),
        (("deliver", "--mailbox", "system"), 75), (("health",), 2), (("check",), 1),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_had_is_a_sentence_and_a_code(run: Run, words: tuple[str, ...], code: int) -> None:
    result = run(*words, stdin="From: a@b.example\n\nx\n")
    assert result.exit_code == code, result.output
    assert NOT_SET in result.output and "Traceback" not in result.output


def test_a_url_that_is_none_is_found_by_check(run: Run) -> None:
    result = run("check", url=f"postgresql://allegra:{CANARY}@db1")
    assert result.exit_code == 1 and "error[C190]: store: the url cannot be used: it names no database" in result.output


def test_without_the_driver_it_is_said_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("engine.store.place.find_spec", lambda name: None if name == "psycopg" else found(name))
    result = run("run", url=URL)
    assert result.exit_code == 69 and "pip install 'allegra-mail[postgres]'" in result.output
    assert "pip install 'allegra-mail[postgres]'" in run("check", url=URL).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("db", "backup", "a b"), "pg_dump --format=custom --file='a b' 'postgresql://allegra@db1/allegra'"),
        (("db", "restore", "allegra.toml"), "pg_restore --clean --if-exists --dbname='postgresql://allegra@db1/allegra'"),
        (("db", "restore", "allegra.toml", "--commit"), "puts a copy of pg_dump in place"),
        (("db", "check"), "pg_amcheck 'postgresql://allegra@db1/allegra'"),
    ],
)  # fmt: skip
def test_what_looks_after_a_file_says_what_does_it_on_a_server(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run(*words, url=URL)
    assert result.exit_code == 64 and said in result.output
    if words[1] != "check":
        assert f"{os.getcwd()}/var/secret" in result.output  # noqa: PTH109


def test_a_backup_of_a_file_is_still_looked_at(run: Run, tmp_path: Path) -> None:
    Store.open(tmp_path / "old.sqlite3").close()
    result = run("db", "check", "old.sqlite3", url=URL)
    assert result.exit_code == 0 and "old.sqlite3: whole" in result.output


def test_an_empty_database_in_place_of_one_that_is_gone_is_not_made_on_a_server(run: Run) -> None:
    result = run("db", "migrate", "--anew", url=URL)
    assert result.exit_code == 64 and "createdb" in result.output
