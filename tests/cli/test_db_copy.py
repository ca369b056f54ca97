"""`allegra db copy`, as people type it: where to, what is printed, and that no password is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from deciding import CONFIG, DATA

from engine.cli.main import allegra
from engine.store.load import load
from engine.store.migrations import STEPS
from engine.store.place import Url
from engine.store.store import Store

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "allegra.toml").write_text(CONFIG)
    (tmp_path / "mail").mkdir()
    monkeypatch.chdir(tmp_path)
    with Store.open(tmp_path / "var" / "allegra.sqlite3") as store:
        load(store, DATA)
    return lambda *words: CliRunner().invoke(allegra, ["db", "copy", *words])


@pytest.fixture
def empty(postgres: Any) -> Iterator[str]:
    name = postgres.empty()
    yield postgres.url_of(name)
    postgres.drop(name)


def test_the_desk_is_there_and_the_lines_to_write_are_printed(run: Run, empty: str, tmp_path: Path) -> None:
    done = run("--to", empty)
    assert done.exit_code == 0, done.output
    assert "all read again and the same" in done.stdout and f'driver = "postgresql"\nurl = "{empty}"\n' in done.stdout
    with Store.open(Url(empty)) as store:
        assert store.directory.login("anna").name == "Anna Berg"
    (tmp_path / "allegra.toml").write_text(CONFIG + f'[store]\ndriver = "postgresql"\nurl = "{empty}"\n')
    back = run("--to", "back.db", "--json")
    told = json.loads(back.stdout)
    assert back.exit_code == 0 and told["tables"]["account"] == 1 and told["rows"] == sum(told["tables"].values())
    assert told["config"] == ['driver = "sqlite"', f'path = "{tmp_path}/back.db"']
    with Store.open(tmp_path / "back.db") as store:
        assert store.directory.login("anna").name == "Anna Berg"


def test_the_url_comes_from_a_variable_and_its_password_is_never_printed(
    run: Run, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEW_DATABASE", empty.replace("test@", "test:c4n4ry@"))
    done = run("--to-env", "NEW_DATABASE")
    assert done.exit_code == 0 and 'url_env = "NEW_DATABASE"' in done.stdout and "c4n4ry" not in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where to: --to URL|FILE, or --to-env NAME"),
        (("--to", "x.db", "--to-env", "X"), "say where to"),
        (("--to", ""), "--to is empty"),
        (("--to", "postgresql://u:c4n4ry@h/d"), "a password in --to is read by every user of this machine"),
        (("--to", "postgresql://u@h/d?password=c4n4ry"), "a password in --to is read by every user of this machine"),
        (("--to", "postgresq://u:c4n4ry@h/d"), "the URL cannot be used: it does not begin with  postgresql://"),
        (("--to", "postgresql://u@h:port/d"), "the URL cannot be used: its port is no number"),
        (("--to-env", "NOT_SET_AT_ALL"), "the variable NOT_SET_AT_ALL is not set"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code in (2, 64) and said in " ".join(done.output.split()).replace(
        "with postgresql", "with  postgresql"
    ), done.output
    assert "c4n4ry" not in done.output


def test_a_file_beside_a_file_is_a_backup(run: Run) -> None:
    done = run("--to", "other.db")
    assert done.exit_code == 1 and "allegra db backup" in done.output and not Path("other.db").exists()


def test_migrating_a_server_tells_which_steps_were_taken(
    run: Run, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "allegra.toml").write_text(CONFIG + f'[store]\ndriver = "postgresql"\nurl = "{empty}"\n')
    (tmp_path / "allegra.toml").chmod(0o600)

    def migrate(*words: str) -> Any:
        return CliRunner().invoke(allegra, ["db", "migrate", *words])

    told = migrate()
    assert told.exit_code == 0 and f"schema {len(STEPS)}, took first version, " in told.stdout
    assert json.loads(migrate("--json").stdout)["steps"] == []
    assert migrate("--anew").exit_code in (2, 64)
