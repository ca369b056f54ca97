"""A first file, the database that belongs to it, and what is guessed for both."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from servers.limits import no_file_above

from engine.config import ConfigError, load
from engine.desk.first_file import (
    Answers,
    domain_of,
    drafted,
    guessed,
    make_database,
    reading_at,
    sending_at,
    text_of,
    write_first,
)
from engine.discovery.found import Server
from engine.store.errors import Unclear
from engine.store.store import Store

ANSWERS = Answers(
    "me@example.com", Server("imap", "mail.example.com", 993, True, "me"), "password_env", "desk@example.com",
    sending_at("smtp.example.com"),
)  # fmt: skip


def test_the_file_says_what_was_answered_and_is_its_owners_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "allegra.toml"
    config = write_first(file, ANSWERS, "SECRET")
    box = config.mailbox("system")
    assert (box.host, box.username, box.password_env, box.addresses) == (
        "mail.example.com", "me", "SECRET", ("me@example.com",)
    )  # fmt: skip
    assert config.smtp is not None and (config.smtp.host, config.smtp.from_) == ("smtp.example.com", "desk@example.com")
    assert file.stat().st_mode & 0o777 == 0o600
    assert load(file).digest == config.digest


def test_without_a_server_for_outgoing_mail_nothing_is_sent(tmp_path: Path) -> None:
    assert write_first(tmp_path / "allegra.toml", replace(ANSWERS, sending=None), "SECRET").smtp is None


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_first(file, ANSWERS, "SECRET")
    assert file.read_text("utf-8") == "mine"


def test_half_a_file_is_not_left_behind_where_the_disk_is_full(tmp_path: Path) -> None:
    with no_file_above(50), pytest.raises(OSError):
        write_first(tmp_path / "allegra.toml", ANSWERS, "SECRET")
    assert list(tmp_path.iterdir()) == []
    assert write_first(tmp_path / "allegra.toml", ANSWERS, "SECRET").smtp is not None


def test_a_file_that_would_not_load_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        write_first(tmp_path / "allegra.toml", replace(ANSWERS, since="soon"), "SECRET")
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_of_the_file_is_in_its_database_and_making_it_twice_changes_nothing(tmp_path: Path) -> None:
    config = write_first(tmp_path / "allegra.toml", ANSWERS, "SECRET")
    make_database(config)
    make_database(config)
    with Store.open(config.store.where) as store:
        assert [each.workspace for each in store.items.workspaces()] == ["support"]


@pytest.mark.parametrize(
    ("address", "protocol", "host", "smtp"),
    [("me@GMail.com", "imap", "imap.gmail.com", "smtp.gmail.com"),
     ("me@example.com", "imap", "imap.example.com", "smtp.example.com"),
     ("me@example.com", "pop3", "pop3.example.com", "smtp.example.com"),
     ("me@posteo.de", "imap", "posteo.de", "posteo.de")],
)  # fmt: skip
def test_servers_are_guessed_from_an_address(address: str, protocol: str, host: str, smtp: str) -> None:
    found = guessed(address, protocol)
    reading, sending = found.reading(protocol), found.sending
    assert reading is not None and sending is not None
    assert (reading.host, sending.host) == (host, smtp)


def test_ports_and_TLS_are_written_where_they_are_not_the_usual_ones(tmp_path: Path) -> None:
    unusual = replace(
        ANSWERS, reading=reading_at("mail.example.com", "imap", 0, "starttls"), sending=sending_at("x.example.com:465"),
        folder="Desk", done="Desk/Done",
    )  # fmt: skip
    config = write_first(tmp_path / "allegra.toml", unusual, "SECRET")
    box = config.mailbox("system")
    assert (box.ssl, box.port, box.username, box.folder, box.move_on_success) == (
        "starttls", 143, "me@example.com", "Desk", "Desk/Done"
    )  # fmt: skip
    assert config.smtp is not None and (config.smtp.ssl, config.smtp.port) == (True, 465)
    assert "\nport" not in text_of(ANSWERS, "SECRET")


def test_a_draft_is_loaded_and_not_written(tmp_path: Path) -> None:
    assert drafted(tmp_path / "allegra.toml", ANSWERS, "SECRET").mailbox("system").host == "mail.example.com"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["me@gmail.com", "me@outlook.com"])
def test_a_provider_of_tokens_leaves_a_remark_that_loads_as_a_remark(tmp_path: Path, address: str) -> None:
    found = guessed(address)
    answers = Answers(address, found.servers[0], "password_env", address, found.sending, provider=found.provider)
    assert drafted(tmp_path / "allegra.toml", answers, "SECRET").warnings == ()
    assert "# [oauth.mail]" in text_of(answers, "SECRET") and "allegra mailbox login system" in text_of(answers, "")


@pytest.mark.parametrize(
    ("written", "host", "port", "ssl"),
    [("a.example", "a.example", 587, "starttls"), ("a.example:465", "a.example", 465, True),
     ("127.0.0.1:1025", "127.0.0.1", 1025, "starttls")],
)  # fmt: skip
def test_a_server_for_sending_may_be_written_with_its_port(written: str, host: str, port: int, ssl: object) -> None:
    assert sending_at(written) == Server("smtp", host, port, ssl)  # type: ignore[arg-type]


def test_a_port_that_is_none_is_said() -> None:
    with pytest.raises(Unclear, match="99999 is no port"):
        sending_at("a.example:99999")


@pytest.mark.parametrize("text", ["", "nobody", "a b@example.com", "<a@example.com>", "a@b@c"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(Unclear, match="is no mail address"):
        domain_of(text)
