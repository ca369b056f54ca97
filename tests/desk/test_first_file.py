"""A first file, the database that belongs to it, and what is guessed for both."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.config import ConfigError, load
from engine.desk.first_file import Answers, domain_of, likely_host, likely_smtp, make_database, write_first
from engine.store.errors import Unclear
from engine.store.store import Store

ANSWERS = Answers("me@example.com", "mail.example.com", "me", "password_env", "desk@example.com", "smtp.example.com")


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
    assert write_first(tmp_path / "allegra.toml", replace(ANSWERS, smtp=""), "SECRET").smtp is None


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_first(file, ANSWERS, "SECRET")
    assert file.read_text("utf-8") == "mine"


def test_a_file_that_would_not_load_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        write_first(tmp_path / "allegra.toml", replace(ANSWERS, protocol="uucp"), "SECRET")
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_of_the_file_is_in_its_database_and_making_it_twice_changes_nothing(tmp_path: Path) -> None:
    config = write_first(tmp_path / "allegra.toml", ANSWERS, "SECRET")
    make_database(config)
    make_database(config)
    with Store.open(config.store.path) as store:
        assert [each.workspace for each in store.items.workspaces()] == ["support"]


@pytest.mark.parametrize(
    ("address", "protocol", "host", "smtp"),
    [("me@GMail.com", "imap", "imap.gmail.com", "smtp.gmail.com"),
     ("me@example.com", "imap", "imap.example.com", "smtp.example.com"),
     ("me@example.com", "pop3", "pop3.example.com", "smtp.example.com"),
     ("me@posteo.de", "imap", "posteo.de", "posteo.de")],
)  # fmt: skip
def test_servers_are_guessed_from_an_address(address: str, protocol: str, host: str, smtp: str) -> None:
    guessed = likely_host(domain_of(address), protocol)
    assert (guessed, likely_smtp(guessed)) == (host, smtp)


@pytest.mark.parametrize("text", ["", "nobody", "a b@example.com", "<a@example.com>", "a@b@c"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(Unclear, match="is no mail address"):
        domain_of(text)
