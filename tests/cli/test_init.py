"""`allegra init`: a first file that loads."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra
from engine.config import load
from engine.config.kinds import show_moment

CANARY = "c4n4ry-p4ssw0rd"


def init(folder: Path, *arguments: str, answers: str = "") -> Any:
    command = ["init", "--dir", str(folder), *arguments]
    return CliRunner().invoke(allegra, command, input=answers, catch_exceptions=False)


def test_four_questions_make_a_file_that_loads(tmp_path: Path) -> None:
    result = init(tmp_path, "--no-test", answers=f"help@example.com\nmail.example.com\n{CANARY}\ndesk@example.com\n")
    assert result.exit_code == 0 and CANARY not in result.output
    file = tmp_path / "allegra.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    config = load(file, {})
    box = config.mailbox("system")
    assert (box.host, box.username, box.secret(), box.addresses) == (
        "mail.example.com", "help@example.com", CANARY, ("help@example.com",)
    )  # fmt: skip
    assert config.smtp is not None and config.smtp.from_ == "desk@example.com"
    assert config.warnings == ()


def test_a_wrong_answer_is_asked_again(tmp_path: Path) -> None:
    answers = "help\nhelp@example.com\nmail.example.com:993\nmail.example.com\n\nnobody\nDesk <desk@example.com>\n"
    result = init(tmp_path, "--no-test", answers=answers)
    assert result.exit_code == 0 and result.output.count("Error: ") == 3
    assert 'write  host = "mail.example.com"  and  port = 993' in result.output
    assert '"nobody" is no mail address' in result.output
    config = load(tmp_path / "allegra.toml", {})
    assert config.mailbox("system").host == "mail.example.com"
    assert config.smtp is not None and config.smtp.from_ == "Desk <desk@example.com>"


def test_nothing_is_asked_with_yes(tmp_path: Path) -> None:
    result = init(tmp_path / "new", "--yes", "--no-test", "--address", "me@gmail.com")
    assert result.exit_code == 0
    config = load(tmp_path / "new/allegra.toml", {})
    assert config.mailbox("system").host == "imap.gmail.com"
    assert config.mailbox("system").password_env == "ALLEGRA_IMAP_PASSWORD"
    assert config.smtp is not None and config.smtp.host == "smtp.gmail.com"


def test_everything_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pw").touch()
    result = init(
        tmp_path, "--yes", "--no-test", "--address", "a@example.com", "--host", "h.example", "--username", "u",
        "--protocol", "pop3", "--password-file", "pw", "--smtp", "none",
    )  # fmt: skip
    assert result.exit_code == 0
    box = load(tmp_path / "allegra.toml", {}).mailbox("system")
    assert (box.protocol, box.port, box.username, box.password_file) == ("pop3", 995, "u", tmp_path / "pw")
    assert load(tmp_path / "allegra.toml", {}).smtp is None


GIVEN = ("--yes", "--no-test", "--address", "a@example.com", "--host", "h.example")


@pytest.mark.parametrize(
    ("folder", "typed", "written"),
    [(".", "pw", "pw"), ("sub", "pw", "{base}/pw"), ("sub", "sub/pw", "pw"), ("sub", "{base}/pw", "{base}/pw"),
     ("sub", "/run/credentials/allegra.service/imap", "/run/credentials/allegra.service/imap")],
)  # fmt: skip
def test_a_password_file_in_another_folder_is_the_one_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, typed: str, written: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for place in (tmp_path, tmp_path / "sub"):
        (place / "pw").write_text("x")
    result = init(Path(folder), *GIVEN, "--password-file", typed.format(base=tmp_path))
    assert result.exit_code == 0, result.output
    assert f'password_file = "{written.format(base=tmp_path)}"' in " ".join(
        (tmp_path / folder / "allegra.toml").read_text().split()
    )


def test_a_program_in_a_folder_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pass it.sh").write_text("#!/bin/sh\necho secret $1\n")
    (tmp_path / "pass it.sh").chmod(0o755)
    assert init(tmp_path / "sub", *GIVEN, "--password-command", "'./pass it.sh' 'a b'").exit_code == 0
    monkeypatch.chdir("/")
    assert load(tmp_path / "sub/allegra.toml", {}).mailbox("system").secret() == "secret a b"
    assert init(tmp_path / "on", *GIVEN, "--password-command", "echo x").exit_code == 0
    assert load(tmp_path / "on/allegra.toml", {}).mailbox("system").secret() == "x"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--password-file", "none"], "--password-file: there is no file none"),
        (["--password-env", "A B"], "--password-env: write the name of a variable"),
        (["--password-command", "./none x"], "--password-command: there is no program ./none"),
        (["--password-command", "echo 'x"], "--password-command: this is no program, or a quotation mark"),
        (["--password-command", " "], "--password-command: this is no program"),
        (["--password-env", "A", "--password-command", "echo"], "given twice: --password-env and --password-command"),
        (["--smtp", ""], "--smtp is empty"),
        (["--username", ""], "--username is empty"),
        (["--from", ""], "--from is empty"),
        (["--host", ""], "--host is empty"),
        (["--smtp", "none", "--from", "a@example.com"], "--from does nothing with --smtp none"),
    ],
)
def test_an_option_that_cannot_be_meant_writes_nothing(tmp_path: Path, words: list[str], said: str) -> None:
    result = init(tmp_path / "new", *GIVEN, *words)
    assert result.exit_code == 2 and said in " ".join(result.stderr.split()) and not (tmp_path / "new").exists()


def test_a_database_that_was_there_is_not_said_to_be_made(tmp_path: Path) -> None:
    assert f"made {tmp_path}/var/allegra.sqlite3\n" in init(tmp_path, *GIVEN).stdout
    (tmp_path / "allegra.toml").unlink()
    assert f"{tmp_path}/var/allegra.sqlite3 was there already\n" in init(tmp_path, *GIVEN).stdout


def test_a_password_that_comes_by_a_pipe_is_read_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "init", "--dir", str(tmp_path), "--no-test"]
    answers = f"help@example.com\nmail.example.com\n{CANARY}\ndesk@example.com\n"
    done = subprocess.run(command, input=answers, capture_output=True, text=True, start_new_session=True)
    assert done.returncode == 0 and done.stderr == "" and CANARY not in done.stdout
    assert load(tmp_path / "allegra.toml", {}).mailbox("system").secret() == CANARY


def test_answers_that_end_at_the_password_stop_it(tmp_path: Path) -> None:
    result = init(tmp_path, "--no-test", answers="help@example.com\nmail.example.com\n")
    assert result.exit_code == 1 and not (tmp_path / "allegra.toml").exists()


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text("mine", encoding="utf-8")
    result = init(tmp_path, "--yes", "--address", "a@example.com")
    assert result.exit_code == 1 and "not touched" in result.stderr
    assert (tmp_path / "allegra.toml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("options", "port", "ssl"),
    [(["--port", "143"], 143, "starttls"), (["--ssl", "starttls"], 143, "starttls"), (["--port", "9993"], 9993, True),
     (["--port", "143", "--ssl", "none"], 143, False), (["--protocol", "pop3", "--port", "110"], 110, "starttls")],
)  # fmt: skip
def test_port_and_TLS_fit_each_other(tmp_path: Path, options: list[str], port: int, ssl: object) -> None:
    command = ["--yes", "--no-test", "--address", "a@example.com", "--host", "h.example", *options]
    assert init(tmp_path, *command).exit_code == 0
    box = load(tmp_path / "allegra.toml", {}).mailbox("system")
    assert (box.port, box.ssl) == (port, ssl)


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.com"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    command = ["init", "--dir", str(tmp_path), "--yes", "--address", address]
    result = CliRunner().invoke(allegra, command)
    assert result.exit_code != 0 and not (tmp_path / "allegra.toml").exists()


def test_a_server_that_is_away_is_a_sentence_and_exit_69(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", CANARY)
    result = init(tmp_path, "--yes", "--address", "a@example.com", "--host", "127.0.0.1", "--smtp", "none")
    assert result.exit_code == 69
    assert "mailbox system" in result.stderr and CANARY not in result.output
    assert (tmp_path / "allegra.toml").exists()


def test_F014_the_first_subjects_are_shown(tmp_path: Path, dovecot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    account = dovecot.account()
    for number in range(7):
        account.deliver(f"From: jane@example.com\r\nSubject: =?utf-8?q?Stra=C3=9Fe?= {number}\r\n\r\nx\r\n".encode())
    monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", account.password)
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__PORT", str(dovecot.imaps))
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__CA_FILE", str(dovecot.ca_file))
    result = init(tmp_path, "--yes", "--address", "a@example.com", "--host", "localhost", "--username", account.user)
    assert result.exit_code == 0, result.output
    assert "7 mails wait" in result.stdout and result.stdout.count("Straße") == 5


@pytest.fixture
def full(dovecot: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options of `init` for a mailbox with three mails of 2023 and one of today."""
    account = dovecot.account()
    for number in range(4):
        account.deliver(f"From: jane@example.com\r\nSubject: Mail {number}\r\n\r\nx\r\n".encode())
    for path in account._files("INBOX")[:3]:
        os.utime(path, (1_680_000_000, 1_680_000_000))
    monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", account.password)
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__PORT", str(dovecot.imaps))
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__CA_FILE", str(dovecot.ca_file))
    return ["--address", "a@example.com", "--host", "localhost", "--username", account.user, "--from", "a@example.com",
            "--password-env", "ALLEGRA_IMAP_PASSWORD"]  # fmt: skip


def since(folder: Path) -> str:
    return show_moment(load(folder / "allegra.toml").mailbox("system").since)


def test_only_new_mail_is_read_unless_somebody_says_otherwise(tmp_path: Path, full: list[str]) -> None:
    result = init(tmp_path, "--yes", *full)
    assert "4 mails wait, the oldest of 28 Mar 2023" in result.stdout
    assert re.search(r"Mail is read from \S+ \S+ UTC on \(since in the file\): 3 are left alone", result.stdout)
    assert "allegra run --dry-run --since all" in result.stdout
    assert 'owner = "…" in [workspace.support]' in result.stdout, "nobody hears of anything before that"
    begun = datetime.fromisoformat(since(tmp_path))
    assert timedelta(minutes=10) <= datetime.now(UTC) - begun < timedelta(minutes=13)
    config = ["--config", str(tmp_path / "allegra.toml")]
    run = CliRunner().invoke(allegra, [*config, "run", "--json", "--no-move"])
    box = json.loads(run.stdout.splitlines()[-1])["mailboxes"]["system"]
    assert (box["new"], box["left_alone"]) == (1, 3)


@pytest.mark.parametrize(
    ("answers", "written", "left"),
    [("\n", None, "3 are left alone"), ("new\n", None, "3 are left alone"), ("all\n", "", ""),
     ("2023-04-01\n", "2023-04-01", "3 are left alone"), ("2023-03-01\n", "2023-03-01", ""),
     ("tomorrow\n2999-01-01\n2023-03-01 12:00\n", "2023-03-01 12:00", "")],
)  # fmt: skip
def test_it_is_asked_from_when_mail_is_read(
    tmp_path: Path, full: list[str], answers: str, written: str | None, left: str
) -> None:
    result = init(tmp_path, *full, answers=answers + "\n")
    assert result.exit_code == 0, result.output
    assert "Read which mail: new (from now on), all, or since a date" in result.stdout
    assert since(tmp_path) == written if written is not None else since(tmp_path).startswith("20")
    assert left in result.stdout and ("left alone" in result.stdout) == bool(left)
    assert result.output.count("Error: ") == answers.count("\n") - 1
    assert (tmp_path / "allegra.toml").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".toml", ".new")) == ["allegra.toml"]


@pytest.mark.parametrize(("said", "written"), [("all", ""), ("2024-05-06", "2024-05-06")])
def test_from_when_on_can_be_given(tmp_path: Path, said: str, written: str) -> None:
    assert init(tmp_path, "--yes", "--no-test", "--address", "a@example.com", "--since", said).exit_code == 0
    assert since(tmp_path) == written


@pytest.mark.parametrize("said", ["soon", "2999-01-01", "", f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%d %H:%M}"])
def test_a_date_that_is_none_or_to_come_writes_nothing(tmp_path: Path, said: str) -> None:
    result = init(tmp_path, "--yes", "--no-test", "--address", "a@example.com", "--since", said)
    assert result.exit_code == 2 and not (tmp_path / "allegra.toml").exists()


def test_init_tells_programs_what_lies_there(tmp_path: Path, full: list[str]) -> None:
    told = json.loads(init(tmp_path, "--yes", "--json", *full).stdout)
    assert (told["waiting"], told["left_alone"], told["oldest"][:10]) == (4, 3, "2023-03-28")
    assert told["since"] == since(tmp_path)


def test_the_folders_are_shown_and_done_mail_goes_where_it_is_said(
    tmp_path: Path, dovecot: Any, full: list[str]
) -> None:
    dovecot.user(full[full.index("--username") + 1]).doveadm("mailbox", "create", "Allegra/Done")
    result = init(tmp_path, *full, "--since", "new", answers="inbox\nAllegra/Done\n")
    assert (
        re.search("^Folders: .*Allegra/Done", result.stdout, re.M)
        and "INBOX is the folder that is read" in result.output
    )
    assert load(tmp_path / "allegra.toml").mailbox("system").move_on_success == "Allegra/Done"


@pytest.mark.parametrize("folder", ["INBOX", "inbox"])
def test_a_folder_for_done_mail_that_is_the_one_which_is_read_writes_nothing(tmp_path: Path, folder: str) -> None:
    result = init(tmp_path, "--yes", "--no-test", "--address", "me@gmail.com", "--move-on-success", folder)
    assert result.exit_code == 64 and "move_on_success is the folder that is read" in result.output
    assert not list(tmp_path.iterdir())


def test_a_dry_run_shows_the_file_and_writes_nothing(tmp_path: Path, full: list[str]) -> None:
    full = full[:-2]  # the password is typed
    result = init(tmp_path, "--dry-run", *full, "--since", "new", answers=f"{os.environ['ALLEGRA_IMAP_PASSWORD']}\n\n")
    assert result.exit_code == 0 and "4 mails wait" in result.stdout
    assert 'password = "***"' in result.stdout and os.environ["ALLEGRA_IMAP_PASSWORD"] not in result.output
    assert list(tmp_path.iterdir()) == []
    told = json.loads(init(tmp_path, "--dry-run", "--yes", "--no-test", "--json", *full).stdout)
    assert told["dry_run"] and told["text"].startswith("#") and list(tmp_path.iterdir()) == []


def test_a_name_that_is_refused_is_tried_once_more_without_its_domain(
    tmp_path: Path, dovecot: Any, monkeypatch: Any
) -> None:
    account = dovecot.account()
    seen: list[str] = []

    def refusing(self: Any, user: str, secret: str) -> None:
        from engine.sources.source import SourceError

        seen.append(user)
        if "@" in user:
            raise SourceError("source.login_refused", "mailbox system: refused")
        real(self, user, secret)

    from engine.sources.guarded import Session

    real = Session._log_in
    monkeypatch.setattr(Session, "_log_in", refusing)
    monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", account.password)
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__CA_FILE", str(dovecot.ca_file))
    address = f"{account.user}@example.test"
    result = init(tmp_path, "--yes", "--address", address, "--host", "localhost", "--port", str(dovecot.imaps))
    assert result.exit_code == 0, result.output
    assert seen == [address, account.user]
    assert load(tmp_path / "allegra.toml").mailbox("system").username == account.user


@pytest.fixture
def domain(dovecot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The domain example.test whose autoconfig file names the Dovecot; gives its account, or what records are given."""
    from servers.dovecot import make_certificate
    from servers.names import Files, Names

    from engine.discovery.world import World

    (tmp_path / "tls").mkdir()
    file, key = make_certificate(tmp_path / "tls", "web", "DNS:autoconfig.example.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__CA_FILE", str(dovecot.ca_file))
    account = dovecot.account()
    started: list[Callable[[], None]] = []

    def make(records: Any = None) -> Any:
        page = (
            f'<clientConfig><emailProvider id="x"><incomingServer type="imap"><hostname>localhost</hostname>'
            f"<port>{dovecot.imaps}</port><socketType>SSL</socketType><username>{account.user}</username>"
            f"</incomingServer></emailProvider></clientConfig>"
        ).encode()
        files = Files(context, {"autoconfig.example.test/mail/config-v1.1.xml": (200, {}, page)})
        names = Names(
            records or {("autoconfig.example.test", "A"): ["127.0.0.1"], ("example.test", "MX"): ["1 m.test."]}
        )
        started.extend((files.close, names._socket.close))
        world = World(names.address, {443: files.port, 993: 9, 995: 9, 143: 9, 465: 9, 587: 9})
        monkeypatch.setattr("engine.discovery.search.WORLD", world)
        monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", account.password)
        return account

    yield make
    for stop in started:
        stop()


def test_F014_an_address_is_enough_where_the_domain_tells_its_server(tmp_path: Path, domain: Any) -> None:
    domain().deliver(b"From: jane@example.com\r\nSubject: One\r\n\r\nx\r\n")
    result = init(tmp_path / "new", "--yes", "--address", "me@example.test", "--smtp", "none")
    assert result.exit_code == 0, result.output
    assert "Found IMAP at localhost, port" in result.stdout and "autoconfig.example.test" in result.stdout
    assert "1 mail waits" in result.stdout and "asking https://autoconfig.example.test" in result.stderr


def test_what_is_found_is_only_proposed_to_whoever_types(tmp_path: Path, domain: Any) -> None:
    domain()
    answers = f"\n{os.environ['ALLEGRA_IMAP_PASSWORD']}\n\n\n"
    result = init(tmp_path / "new", "--address", "me@example.test", answers=answers)
    assert result.exit_code == 0, result.output
    assert "Its server [localhost]" in result.stdout


def test_with_yes_no_password_goes_where_only_the_name_service_points(tmp_path: Path, domain: Any) -> None:
    domain({("_imaps._tcp.example.test", "SRV"): ["0 0 993 imap.evil.test."]})
    result = init(tmp_path / "new", "--yes", "--address", "me@example.test")
    assert result.exit_code == 1 and "--host imap.evil.test --port 993" in result.stderr
    assert not (tmp_path / "new").exists()


def test_where_nothing_is_found_it_is_said_what_to_ask_the_provider(tmp_path: Path, domain: Any) -> None:
    domain({("other.test", "A"): ["127.0.0.1"]})
    result = init(tmp_path / "new", "--yes", "--address", "me@example.test")
    assert result.exit_code == 1 and not (tmp_path / "new").exists()
    assert "there is no domain example.test" in result.stderr and "give --host" in result.stderr
    assert "Ask whoever runs the mail of example.test for: the name of the server" in result.stdout
    answers = "mail.example.test\n\nme@example.test\n"
    asked = init(tmp_path / "new", "--address", "me@example.test", answers=answers)
    assert "Its server [imap.example.test]" in asked.stdout and (tmp_path / "new/allegra.toml").exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [("me@outlook.com", "passwords are switched off there for IMAP"), ("me@gmail.com", "passwords are switched off"),
     ("me@proton.me", "Bridge")],
)  # fmt: skip
def test_who_takes_no_passwords_is_told_before_one_is_asked_for(tmp_path: Path, address: str, told: str) -> None:
    result = init(tmp_path, "--address", address, answers="127.0.0.1\n")
    assert told in result.stdout


def test_microsoft_gets_no_password_and_the_file_says_how_it_goes_on(tmp_path: Path) -> None:
    result = init(tmp_path, "--yes", "--address", "me@outlook.com")
    assert result.exit_code == 69 and "Nothing was tried" in result.stderr
    assert 'provider  = "microsoft"' in (tmp_path / "allegra.toml").read_text("utf-8")
    assert init(tmp_path / "new", "--yes", "--address", "me@proton.me").exit_code == 1
