"""Options that need, contradict or repeat each other; files; defaults that follow from others."""

from __future__ import annotations

from pathlib import Path

import pytest
from configurations import MAILBOX, Find, Load

from engine.config import ConfigError, parse
from engine.config import load as load_file
from rules.problem import Severity


def codes(problems: list[object]) -> list[str]:
    return [problem.code for problem in problems]  # type: ignore[attr-defined]


def test_the_default_workspace_must_exist(find: Find) -> None:
    (problem,) = find("[system]\ndefault_workspace = 'suport'\n[workspace.support]\n")
    assert (problem.code, problem.help) == ("C112", "did you mean  support ?")


def test_rule_files_are_found_by_their_name(load: Load, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name in ("system", "a"):
        (tmp_path / f"rules/{name}.toml").touch()
    config = load("[workspace.a]\n[workspace.b]\n")
    assert config.system.rules == tmp_path / "rules/system.toml"
    assert config.workspaces["a"].rules == tmp_path / "rules/a.toml"
    assert config.workspaces["b"].rules is None


def test_scripts_stay_in_their_directory(find: Find) -> None:
    assert codes(find("[hooks]\nactivity = ['../evil.py']\n")) == ["C113"]


def test_files_that_only_deciding_needs_do_not_keep_the_configuration_from_loading(load: Load, tmp_path: Path) -> None:
    text = "[hooks]\nguard = ['guard.py']\nparams = 'params.toml'\n[workspace.a]\nrules = 'rules/a.toml'\n"
    config = load(text)
    assert [(each.code, each.excerpt) for each in config.missing] == [
        ("C113", "guard = ['guard.py']"), ("C113", "params = 'params.toml'"),
    ]  # fmt: skip
    assert config.warnings == ()
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/guard.py").touch()
    (tmp_path / "params.toml").touch()
    assert load(text).missing == ()


@pytest.mark.parametrize("same", ["folder = 'INBOX'", "folder = 'inbox'", "query = 'UNSEEN'"])
def test_F022_the_same_mailbox_twice_is_refused(find: Find, same: str) -> None:
    again = (
        f"[workspace.a.mailbox]\nhost='IMAP.example.com'\nusername='allegra@example.com'\npassword_env='P'\n{same}\n"
    )
    assert "C111" in codes(find(MAILBOX + again + "addresses = ['other@example.com']\n"))


def test_F012_another_folder_of_the_same_account_is_another_mailbox(find: Find) -> None:
    again = "[workspace.a.mailbox]\nhost='imap.example.com'\nusername='allegra@example.com'\npassword_env='P'\n"
    assert find(MAILBOX + again + "folder = 'A'\naddresses = ['a@example.com']\n") == []


def test_an_address_belongs_to_one_mailbox(find: Find) -> None:
    other = "[workspace.a.mailbox]\nprotocol='maildir'\npath='m'\naddresses=['Allegra@example.com']\n"
    assert codes(find(MAILBOX + other)) == ["C116"]


def test_a_plus_tag_belongs_to_one_workspace(find: Find) -> None:
    assert codes(find("[workspace.a]\nplus = ['x']\n[workspace.b]\nplus = ['X']\n")) == ["C116"]


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ("username='u'\npassword_env='P'", "host"),
        ("host='h'\npassword_env='P'", "username"),
        ("host='h'\nusername='u'", "password_env"),
        ("protocol='maildir'", "path"),
        ("protocol='pipe'", "addresses"),
    ],
)
def test_what_a_mailbox_needs_is_said(find: Find, lines: str, missing: str) -> None:
    (problem,) = find(f"[system.mailbox]\n{lines}\n")
    assert problem.code == "C109" and missing in problem.message


def test_a_maildir_needs_no_server_and_no_password(load: Load, tmp_path: Path) -> None:
    box = load("[system.mailbox]\nprotocol='maildir'\npath='mail'\n").mailbox("system")
    assert (box.path, box.port) == (tmp_path / "mail", 0)
    assert box.place == str(tmp_path / "mail")


def test_a_password_is_given_in_one_way(find: Find) -> None:
    assert codes(find("[system.mailbox]\nhost='h'\nusername='u'\npassword_env='P'\npassword_file='f'\n")) == ["C115"]


def test_a_time_zone_must_exist(find: Find, load: Load) -> None:
    assert codes(find("[instance]\ntimezone = 'Europe/Atlantis'\n")) == ["C114"]
    assert codes(find("[instance]\ntimezone = '../../etc/passwd'\n")) == ["C114"]
    load("[instance]\ntimezone = 'Europe/Berlin'\n")


@pytest.mark.parametrize("name", ["system", "Big Corp", "ä", "-x", "../up"])
def test_an_identifier_is_plain(find: Find, name: str) -> None:
    assert "C117" in codes(find(f'[workspace."{name}"]\n'))


@pytest.mark.parametrize("option", ["folder", "username", "host", "query", "move_on_success"])
def test_no_line_end_reaches_a_protocol(find: Find, option: str) -> None:
    base = {"host": "'h'", "username": "'u'", "password_env": "'P'", option: '"a\\r\\nX LOGOUT"'}
    problems = find("[system.mailbox]\n" + "".join(f"{name} = {value}\n" for name, value in base.items()))
    assert "C107" in codes(problems)


def test_a_literal_password_in_a_file_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_text(MAILBOX.replace('password_env = "SECRET"', 'password = "hunter2"'), encoding="utf-8")
    file.chmod(0o644)
    (problem,) = load_file(file, {}).warnings
    assert (problem.code, problem.severity) == ("C160", Severity.WARNING)
    file.chmod(0o600)
    assert load_file(file, {}).warnings == ()


def test_an_open_connection_is_a_warning(load: Load) -> None:
    config = load(MAILBOX + "ssl = false\nssl_verification = false\n")
    assert codes(list(config.warnings)) == ["C161", "C161"]


def test_smtp_needs_a_host_and_a_sender(find: Find) -> None:
    assert codes(find("[smtp]\n")) == ["C109", "C109"]


def test_files_follow_the_state_directory(load: Load, tmp_path: Path) -> None:
    config = load("[instance]\nstate_dir = 'state'\n")
    assert config.store.path == tmp_path / "state/allegra.sqlite3"
    assert config.instance.secret_file == tmp_path / "state/secret"
    assert config.settings().gates.big_files_dir == tmp_path / "state/big"


def test_only_gates_after_the_route_can_be_skipped(find: Find) -> None:
    (problem,) = find("[rules]\nmay_skip_gates = ['auto_reply', 'too_big']\n")
    assert problem.code == "C103" and problem.excerpt[problem.column - 1 :].startswith("'too_big'")


def test_a_file_with_broken_lines_is_not_blamed_for_what_may_stand_in_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        parse("[system.mailbox]\nhost = oops\n", tmp_path / "allegra.toml", {})
    assert codes(list(error.value.problems)) == ["C100"]


FILES = 'path="m"\naddresses=["a@example.com"]\n'
IMAP = 'host="h.example"\nusername="u"\npassword_env="P"\n'


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('[system.mailbox]\nprotocol="maildr"\n' + FILES, "C103", '"maildr" is none of'),
        ('[defaults.mailbox]\nprotocol="maildr"\n[system.mailbox]\n' + FILES, "C103", '"maildr" is none of'),
        ('[system.mailbox]\nprotocl="maildir"\n' + FILES, "C101", 'there is no option "protocl"'),
        ("[system.mailbox]\n" + IMAP.replace("h.example", "h:993"), "C105", "this is more than the name of a server"),
        ("[system.mailbox]\n" + IMAP.replace("host", "hots"), "C101", 'there is no option "hots"'),
        (
            "[system.mailbox]\n" + IMAP.replace("password_env", "pasword_env"),
            "C101",
            'there is no option "pasword_env"',
        ),
        ("[system.mailbx]\n" + IMAP, "C101", 'there is no option "mailbx"'),
        (MAILBOX + "[smtp]\nhost='h'\nfrom='nobody'\n", "C105", '"nobody" is no mail address'),
        (
            MAILBOX + "[system]\ndefault_workspace='x'\n[workspac.x]\n",
            "C101",
            'there is no section or option "workspac"',
        ),
    ],
)
def test_one_mistake_is_one_problem(find: Find, text: str, code: str, message: str) -> None:
    (problem,) = find(text)
    assert problem.code == code and problem.message.startswith(message)


def test_two_mistakes_are_two_problems(find: Find) -> None:
    assert codes(find("[system.mailbox]\nusername='u'\npassword_env='P'\ntimeout='soon'\n")) == ["C109", "C106"]
