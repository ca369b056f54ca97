"""A configuration loads, or everything that is wrong with it is said at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from configurations import MAILBOX, Find, Load

from engine.config import ConfigError
from engine.config import load as load_file
from rules.problem import Severity, render


def test_one_mailbox_is_enough(load: Load) -> None:
    config = load()
    assert [box.name for box in config.mailboxes] == ["system"]
    assert config.mailbox("system").port == 993
    assert config.own_addresses == ("allegra@example.com",)
    assert config.warnings == ()


def test_without_a_mailbox_nothing_loads(find: Find) -> None:
    (problem,) = find('[defaults.mailbox]\nfolder = "INBOX"\n')
    assert (problem.code, problem.message) == ("C109", "there is no mailbox")


def test_an_unknown_key_is_an_error_with_a_suggestion_and_a_caret(find: Find) -> None:
    (problem,) = find('[gates]\nunknown_sendr = "hold"\n')
    assert problem.code == "C101"
    assert "did you mean  unknown_sender ?" in render(problem)
    assert problem.excerpt[problem.column - 1 :][: problem.length] == "unknown_sendr"


def test_an_option_in_the_wrong_section_is_shown_its_place(find: Find) -> None:
    (problem,) = find('[gates]\nunknown_user = "create"\n')
    assert problem.help == "unknown_user is an option of [people]"


def test_an_unknown_section_is_an_error(find: Find) -> None:
    (problem,) = find("[gate]\ndmarc = 'hold'\n")
    assert problem.code == "C101" and problem.help == "did you mean  gates ?"


def test_all_problems_of_all_kinds_come_at_once(find: Find) -> None:
    found = find(
        '[gates]\ndmarc = "refuse"\nhop_limit = "many"\ntotal_rate = { limit = 1, per = "soon" }\n'
        "allowed_senders = ['/ok/', '/(/']\nnonsense = 1\n"
        '[items]\ntype = oops\n[system]\ndefault_workspace = "x"\n[errors]\nforward_to = ["nobody"]\n'
    )
    assert [p.code for p in found] == ["C103", "C102", "C106", "C104", "C101", "C100", "C105"]
    assert [p.line for p in found] == sorted(p.line for p in found)
    assert all(problem.excerpt and problem.column for problem in found)


def test_the_caret_stands_below_the_fault_inside_a_pattern(find: Find) -> None:
    (problem,) = find("[body]\ncut_patterns = ['/ok/', '/a(?=b)/']\n")
    assert problem.code == "C104"
    assert problem.excerpt[problem.column - 1 :].startswith("(?=")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ssl = 1", '1 is none of true, false, "starttls"'),
        ("ssl = 'yes'", '"yes" is none of true, false, "starttls"'),
        ("ssl_verification = 1", "this must be true or false"),
        ("port = true", "this must be a whole number"),
        ("port = 70000", "this must be at most 65535"),
        ("max_emails = 0", "this must be at least 1"),
        ("max_emails = 1.0", "this must be a whole number"),
        ("addresses = 7", "this must be a list: [ … ]"),
        ("folder = ['a']", "this must be text in quotes"),
        ("ca_file = '~nobody-of-that-name/x'", "nobody here has this home directory"),
        ("password_command = { a = 1 }", "this must be a program with its arguments, as text or as a list of texts"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_what_it_must_be(find: Find, text: str, said: str) -> None:
    problem = next(p for p in find(f"{MAILBOX}[defaults.mailbox]\n{text}\n") if p.severity is Severity.ERROR)
    assert problem.message == said
    assert problem.excerpt[problem.column - 1 :].startswith(text.partition(" = ")[2][:3])


@pytest.mark.parametrize("option", ["instance.state_dir", "store.path", "rules.directory", "hooks.directory"])
def test_a_path_that_is_needed_cannot_be_empty(find: Find, option: str) -> None:
    section, name = option.split(".")
    (problem,) = find(f"[{section}]\n{name} = ''\n")
    assert (problem.code, problem.message) == ("C102", "this must be a path")


def test_the_caret_stands_below_the_fault_behind_an_escape(find: Find) -> None:
    (problem,) = find('[instance]\nname = "\\u00e9\\nx"\n')
    assert (problem.code, problem.column) == ("C107", 15)


def test_each_wrong_element_of_a_list_is_told_and_the_list_is_not_used(find: Find) -> None:
    found = find("[items.threading]\norder = ['token', 'pluss', 'subjekt']\n")
    assert [p.help for p in found] == ['did you mean  "plus" ?', 'did you mean  "subject" ?']


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[connector]\nurl = 'https://x.example'", "this version has no connectors"),
        ("[connector.jira]\nkind = 'jira'", "this version has no connectors"),
        ("[store]\ndriver = 'mysql'", "this version has no other databases than SQLite and PostgreSQL"),
        ("[attachments]\nsmime_pgp = { gpg_home = 'x' }", "this version has no way to decrypt"),
        ("[store.archive]\nwhere = 'directory'", "this version has no archive outside"),
    ],
)
def test_what_this_version_lacks_is_said_and_not_ignored(load: Load, text: str, said: str) -> None:
    mailbox = '\n[system.mailbox]\nhost = "h.example"\nusername = "u"\npassword_env = "P"\n'
    with pytest.raises(ConfigError) as error:
        load(text + mailbox)
    assert any(problem.code == "C108" and problem.message.startswith(said) for problem in error.value.problems)


def test_a_word_that_is_nearly_right_gets_a_suggestion(find: Find) -> None:
    (problem,) = find('[gates]\ndmarc = "rejct"\n')
    assert problem.help == 'did you mean  "reject" ?'
    assert '"off", "warn", "hold", "reject", "discard"' in problem.message


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_file(tmp_path / "allegra.toml", {})
    assert error.value.problems[0].code == "C150"
    assert "allegra init" in error.value.problems[0].help


def test_a_file_that_is_no_utf8_is_a_problem_with_a_place(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_bytes(b"a = 1\nb = '\xe9'\n")
    with pytest.raises(ConfigError) as error:
        load_file(file, {})
    (problem,) = error.value.problems
    assert (problem.line, problem.column) == (2, 6)


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (MAILBOX + "[gates]\nhop_limit = 9\n").replace("\n", "\r\n").encode())
    assert load_file(file, {}).settings().gates.hop_limit == 9


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    file = tmp_path / "allegra.toml"
    file.write_text(MAILBOX, encoding="utf-8")
    assert load_file(file, {}).digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_bytes(b"#" * (5 << 20))
    with pytest.raises(ConfigError):
        load_file(file, {})


def test_a_hostile_file_is_refused_in_linear_time(find: Find) -> None:
    began = time.process_time()
    problems = find("[gates]\n" + "".join(f"k{n} = 1\n" for n in range(2000)))
    assert len([p for p in problems if p.severity is Severity.ERROR]) == 2000
    assert time.process_time() - began < 20


def test_nothing_can_be_changed_after_loading(load: Load) -> None:
    config = load()
    with pytest.raises(AttributeError):
        config.settings().gates.dmarc = "off"  # type: ignore[misc]


@pytest.mark.parametrize("value", ["2", "0", "true", "'1'", "[1]"])
def test_a_file_of_another_format_says_which_one_is_read(find: Find, value: str) -> None:
    (problem,) = (each for each in find(f"schema = {value}\n{MAILBOX}") if each.code == "C108")
    assert problem.message == "this version of the program reads files of format 1 only"
    assert problem.help.startswith("write  schema = 1, or use the version of the program")


def test_an_option_with_one_word_says_which(find: Find) -> None:
    (problem,) = find("[people]\nidentity = 'sender'\n")
    assert (problem.code, problem.message) == ("C103", 'this can only be "from"')


def test_F136_a_reason_that_no_mail_has_is_an_error_with_the_nearest_one(find: Find) -> None:
    assert find('[errors]\nreports_also = ["gate.unknown_sender", "thread", "thread.item_gone", "gate.*"]\n') == []
    (problem,) = find('[errors]\nreports_also = ["gate.dmarc", "gate.unknown_sendr"]\n')
    assert (problem.code, problem.help) == ("C103", "did you mean  gate.unknown_sender ?")
    assert problem.excerpt[problem.column - 1 :].startswith('"gate.unknown_sendr"')
