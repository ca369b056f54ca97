"""Secrets are read when they are needed and kept out of everything else."""

from __future__ import annotations

import base64
import io
import logging
import sys
from pathlib import Path

import pytest
from configurations import MAILBOX, Find, Load
from hypothesis import given
from hypothesis import strategies as st

from engine.config import SecretError, write
from engine.config.redacting import logger
from engine.config.secrets import redact, shared_secret

CANARY = "c4n4ry-p4ss/w+rd"


def secret(load: Load, way: str) -> str:
    return load(MAILBOX.replace('password_env = "SECRET"', way)).mailbox("system").secret()


def test_a_secret_comes_from_the_environment(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX", CANARY)
    assert secret(load, "password_env = 'BOX'") == CANARY


def test_a_secret_comes_from_a_file_below_the_configuration(load: Load, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(CANARY + "\nmore\n", encoding="utf-8")
    assert secret(load, "password_file = 'pw'") == CANARY


def test_a_secret_comes_from_a_program(load: Load) -> None:
    assert secret(load, f"password_command = ['{sys.executable}', '-c', 'print(12*12)']") == "144"


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("password_env = 'NOT_SET_AT_ALL'", "NOT_SET_AT_ALL"),
        ("password_file = 'nowhere'", "No such file"),
        ("password_command = 'false'", "ended with code 1"),
        ("password_command = 'no-such-program-anywhere'", "cannot run"),
        ("password_command = 'true'", "is empty"),
    ],
)
def test_a_secret_that_cannot_be_had_is_a_plain_sentence(load: Load, way: str, said: str) -> None:
    with pytest.raises(SecretError) as error:
        secret(load, way)
    assert str(error.value).startswith("mailbox system: ") and said in str(error.value)


def test_a_program_that_fails_does_not_tell_what_it_printed(load: Load, tmp_path: Path) -> None:
    script = tmp_path / "leak.sh"
    script.write_text(f"#!/bin/sh\necho {CANARY}; echo {CANARY} >&2; exit 3\n", encoding="utf-8")
    script.chmod(0o700)
    with pytest.raises(SecretError) as error:
        secret(load, f"password_command = '{script}'")
    assert CANARY not in str(error.value)


def test_a_secret_with_a_line_end_is_refused(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX", "a\r\nb")
    with pytest.raises(SecretError):
        secret(load, "password_env = 'BOX'")


def test_logs_hold_no_secret_in_any_shape(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX", CANARY)
    secret(load, "password_env = 'BOX'")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logger("test of redacting")
    assert logger("test of redacting") is log and len(log.filters) == 1
    log.addHandler(handler)
    encoded = base64.b64encode(CANARY.encode()).decode()
    try:
        raise ValueError(f"login failed: {CANARY}")
    except ValueError:
        log.exception("said %s and %s", CANARY, {"blob": encoded})
    assert CANARY not in stream.getvalue() and encoded not in stream.getvalue()
    assert "c4n4ry-p4ss%2Fw%2Brd" not in redact("https://x/?p=c4n4ry-p4ss%2Fw%2Brd")


def test_no_secret_is_shown(load: Load) -> None:
    config = load(MAILBOX.replace('password_env = "SECRET"', f"password = '{CANARY}'")
                  + f"[webhooks.chat]\nurl = 'https://x.example/{CANARY}'\nevents = ['mail.held']\n")  # fmt: skip
    assert CANARY not in write.dumps(list(write.entries(config)))
    assert CANARY not in repr(config) and CANARY not in repr(config.mailboxes) and CANARY not in repr(config.root)


@pytest.mark.parametrize(
    "text",
    [
        "[system.mailbox]\nhost = 'imaps://u:{}@imap.example.com'\n", '[smtp]\nhost = "u:{}@smtp.example.com"\n',
        '[oauth.a]\ntoken_url = "https://u:{}@h.example/"\n', '[webhooks.x]\nurl = "https://u:{}@h.example/"\n',
        '[directory.d]\nkind = "ldap"\nserver = "ldaps://u:{}@h.example"\n',
        '[oauth.a]\ntoken_url = "https://u:{}@h.example/\n',
    ],
)  # fmt: skip
def test_a_password_in_an_address_is_not_told(find: Find, text: str) -> None:
    for secret in (CANARY, "p@" + CANARY):
        told = find(text.format(secret))
        assert told and CANARY not in str(told)


def test_an_address_with_a_password_is_said_to_be_none(find: Find) -> None:
    told = find('[oauth.a]\ntoken_url = "https://u:p4ss@h.example/"\n')
    (problem,) = [each for each in told if each.code == "C105"]
    assert problem.message == '"https://u:****@h.example/" is no address that secrets may be sent to'
    assert problem.help == "write it without a name and a password"


def test_the_shared_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "state" / "secret"
    first = shared_secret(file)
    assert len(first) == 32 and shared_secret(file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_a_shared_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"abc")
    with pytest.raises(SecretError):
        shared_secret(file)


@given(secret=st.text(min_size=6, max_size=40), user=st.text(max_size=9), after=st.text(max_size=5))
def test_a_secret_is_taken_out_wherever_it_stands_in_base64(secret: str, user: str, after: str) -> None:
    from engine.config import secrets

    before = set(secrets._revealed)
    secrets._revealed.add(secret)
    try:
        encoded = base64.b64encode(f"\0{user}\0{secret}{after}".encode()).decode()
        assert encoded not in redact(f"535 you said {encoded} and no more")
    finally:
        secrets._revealed.clear()
        secrets._revealed.update(before)
