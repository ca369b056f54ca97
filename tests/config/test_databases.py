"""Where the database is: a file, or a URL that is read as other secrets are."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from configurations import MAILBOX, Find, Load

from engine.config import SecretError, write
from engine.config.secrets import redact
from engine.model.place import Url
from rules.problem import render

CANARY = "c4n4ry"
URL = f"postgresql://allegra:{CANARY}@db1/allegra"
SERVER = '[store]\ndriver = "postgresql"\n'


def test_without_a_word_the_database_is_a_file_in_the_state_folder(load: Load, tmp_path: Path) -> None:
    config = load("[instance]\nstate_dir = 'state'\n", {"ALLEGRA_DATABASE_URL": URL})
    assert config.store.where == config.beside == tmp_path / "state/allegra.sqlite3"
    assert config.data_dir == tmp_path / "state" and config.store.replica is None


def test_a_database_on_a_server_is_where_the_variable_says(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLEGRA_DATABASE_URL", URL)
    monkeypatch.setenv("OTHER", URL.replace("db1", "db2"))
    assert load(SERVER).store.where == Url(URL)
    config = load(SERVER + 'url_env = "OTHER"\nreplica_url_env = "ALLEGRA_DATABASE_URL"\n')
    assert str(config.store.where) == "postgresql://allegra@db2/allegra" and config.store.replica == Url(URL)


def test_its_url_comes_from_a_file_a_program_or_the_file_itself(load: Load, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL + "\n", encoding="utf-8")
    for way in (
        "url_file = 'url'", f"url_command = ['{sys.executable}', '-c', 'print(\"{URL}\")']", f"url = '{URL}'"
    ):  # fmt: skip
        assert load(f"{SERVER}{way}\n").store.where == Url(URL)


def test_what_is_ours_lies_in_the_state_folder_where_a_server_has_the_database(load: Load, tmp_path: Path) -> None:
    config = load("[instance]\nstate_dir = 'state'\n" + SERVER)
    assert config.data_dir == config.beside.parent == tmp_path / "state"


def test_a_variable_that_is_not_set_is_told_when_it_is_asked_for(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLEGRA_DATABASE_URL", raising=False)
    config = load(SERVER)
    with pytest.raises(SecretError, match=r"store: the environment variable ALLEGRA_DATABASE_URL \(url_env\) is not"):
        _ = config.store.where


def test_a_url_that_is_none_is_told_when_it_is_read_and_nothing_of_it(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLEGRA_DATABASE_URL", URL.removesuffix("/allegra"))
    with pytest.raises(SecretError) as error:
        _ = load(SERVER).store.where
    assert str(error.value).startswith("store: the url cannot be used: it names no database")
    assert CANARY not in str(error.value) and "db1" not in str(error.value)


@pytest.mark.parametrize("option", ["url", "replica_url"])
@pytest.mark.parametrize(
    "wrong", [f"mysql://a:{CANARY}@h/d", f"postgresql://a:x {CANARY}@h/d", f"postgresql://a:{CANARY}@h"]
)
def test_a_url_in_the_file_is_looked_at_when_it_loads_and_its_line_is_not_shown(
    find: Find, option: str, wrong: str
) -> None:
    (problem,) = [each for each in find(f"{SERVER}{option} = '{wrong}'\n") if each.code != "C160"]
    assert problem.code == "C105" and problem.message.startswith(f"the {option} cannot be used: it ")
    assert problem.line and CANARY not in render(problem)


def test_a_password_of_a_url_is_taken_out_of_what_is_said_once_it_was_read(load: Load) -> None:
    encoded = URL.replace(CANARY, "c4n%2F4ry")
    assert load(f"{SERVER}url = '{encoded}'\n").store.where == Url(encoded)
    said = redact(f'connection failed: password "c4n/4ry" of {encoded}')
    assert "4ry" not in said and "c4n" not in said


def test_the_configuration_in_force_hides_urls_and_loads_again(load: Load) -> None:
    shown = write.dumps(list(write.entries(load(SERVER + 'url_env = "OTHER"\n[workers]\ndeciders = 2\n'))))
    assert 'url_env = "OTHER"' in shown and "replica_url" not in shown
    assert load(shown).workers.deciders == 2
    text = f"{SERVER}url = '{URL}'\nreplica_url = '{URL}'\n"
    assert CANARY not in write.dumps(list(write.entries(load(text)))) and CANARY not in repr(load(text).store)
    assert load(write.dumps(list(write.entries(load())))).workers.fetchers == 16


def test_a_url_in_a_file_that_others_may_read_is_warned_of(tmp_path: Path, find: Find) -> None:
    (tmp_path / "allegra.toml").touch()
    (tmp_path / "allegra.toml").chmod(stat.S_IRUSR | stat.S_IROTH)
    (problem,) = find(f"{SERVER}url = '{URL}'\n")
    assert problem.code == "C160" and "url_env, url_file or url_command" in problem.help


def test_two_ways_to_one_url_are_one_too_many(find: Find) -> None:
    (problem,) = find(SERVER + "url_env = 'A'\nurl_file = 'b'\n")
    assert problem.code == "C115" and problem.message == "the url is given twice: url_env and url_file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SERVER + "path = 'other.sqlite3'\n", 'path does nothing with  driver = "postgresql"'),
        ("[store]\nurl_env = 'A'\n", 'url_env does nothing with  driver = "sqlite"'),
        ("[store]\nreplica_url_env = 'A'\n", 'replica_url_env does nothing with  driver = "sqlite"'),
        (f"[store]\nurl = '{URL}'\n", 'url does nothing with  driver = "sqlite"'),
        ("[workers]\ntick = '20 s'\n", 'tick does nothing with  driver = "sqlite"'),
        ("[workers]\ndeciders = 4\n", 'deciders does nothing with  driver = "sqlite"'),
    ],
)
def test_what_belongs_to_the_other_driver_is_an_error(find: Find, text: str, said: str) -> None:
    (problem,) = find(text)
    assert problem.code == "C118" and problem.message == said and CANARY not in render(problem)


def test_what_follows_from_a_misspelt_driver_is_not_told(find: Find) -> None:
    (problem,) = find("[store]\ndriver = 'postgresq'\nurl_env = 'A'\n[workers]\ndeciders = 4\n")
    assert problem.code == "C103" and problem.help == 'did you mean  "postgresql" ?'


def test_the_word_of_others_for_the_driver_is_understood(find: Find) -> None:
    (problem,) = find("[store]\ndriver = 'postgres'\n")
    assert problem.code == "C170" and 'understood as "postgresql"' in problem.message


@pytest.mark.parametrize(
    ("option", "code"), [("tick = '100 ms'", "C106"), ("fetchers = 0", "C106"), ("deciders = -1", "C106")]
)
def test_workers_that_cannot_be_are_refused(find: Find, option: str, code: str) -> None:
    assert [each.code for each in find(f"{SERVER}[workers]\n{option}\n")] == [code]


def test_one_mailbox_is_enough_of_a_table_for_these(find: Find) -> None:
    assert find(MAILBOX + SERVER + "[workers]\ndeciders = 4\nfetchers = 8\ntick = '5 s'\ndrain = '1 min'\n") == []
