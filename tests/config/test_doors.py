"""[lmtp], [http] and its keys: what is refused, and what would do nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config import load
from engine.config.problems import ConfigError, SecretError

BOX = '[system.mailbox]\nprotocol = "pipe"\naddresses = ["help@example.com"]\n'


def loaded(folder: Path, text: str) -> Any:
    (folder / "allegra.toml").write_text(BOX + text)
    return load(folder / "allegra.toml", {})


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as error:
        loaded(folder, text)
    return [(each.code, each.message) for each in error.value.problems if each.severity == "error"]


@pytest.mark.parametrize(
    ("written", "read"),
    [("127.0.0.1:24", "127.0.0.1:24"), ("[::1]:24", "[::1]:24"), ("localhost:24", "localhost:24"),
     ("/run/x.sock", "/run/x.sock"), ("var/x.sock", "{}/var/x.sock"), ("x:y", "{}/x:y")],
)  # fmt: skip
def test_a_door_is_a_path_or_an_address_of_this_machine(tmp_path: Path, written: str, read: str) -> None:
    config = loaded(tmp_path, f'[lmtp]\nlisten = "{written}"\n')
    assert config.root.lmtp.listen == read.format(tmp_path)


@pytest.mark.parametrize(
    "written", ["0.0.0.0:24", ":24", "[::]:24", "192.0.2.1:24", "mx.example.com:24", "127.0.0.1:99999"]
)
def test_a_door_that_others_could_reach_is_refused(tmp_path: Path, written: str) -> None:
    ((code, said),) = problems(tmp_path, f'[lmtp]\nlisten = "{written}"\n')
    assert code == "C105" and said.endswith("is no address that only this machine reaches")


@pytest.mark.parametrize(("written", "mode"), [("0660", 0o660), ("600", 0o600), ("0666", 0o666)])
def test_a_mode_is_written_as_chmod_has_it(tmp_path: Path, written: str, mode: int) -> None:
    assert loaded(tmp_path, f'[lmtp]\nmode = "{written}"\n').root.lmtp.mode == mode


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('[lmtp]\nmode = "0999"\n', "C103", "this is no mode of a file"),
        ("[lmtp]\nmode = 660\n", "C103", "this is no mode of a file"),
        ('[lmtp]\nlisten = "127.0.0.1:24"\nmode = "0600"\n', "C118", "mode does nothing for an address"),
        ('[console]\nmode = "0600"\n', "C118", "mode does nothing for an address"),
        ('[console]\nauth = "none"\nsession_idle = "1 h"\n', "C118", "session_idle does nothing"),
        ('[console]\nauth = "proxy"\n', "C103", '"proxy" is none of accounts, none, proxy-header:NAME'),
        ('[console]\nauth = "proxy-header:a b"\n', "C103", '"proxy-header:a b" is none of'),
        ('[console]\nauth = "proxy-header:X-User"\n', "C109", 'auth = "proxy-header:X-User" needs trusted_proxies'),
        (
            '[console]\nauth = "proxy-header:X"\ntrusted_proxies = ["127.0.0.1"]\nsession_most = "1 h"\n',
            "C118",
            "session_most does nothing",
        ),
        ('[console]\ntrusted_proxies = ["proxy.example.com"]\n', "C105", '"proxy.example.com" is no address'),
        ('[console]\ntrusted_proxies = ["10.0.0.1/8"]\n', "C105", '"10.0.0.1/8" is no address and no network'),
        ('[console]\ntrusted_proxies = ["127.0.0.1", "unix"]\n', "C118", '"unix" does nothing'),
        ('[console]\nlisten = "/x"\ntrusted_proxies = ["::1"]\n', "C118", '"::1" does nothing'),
        ('[console]\nlisten = "0.0.0.0:8026"\n', "C105", "0.0.0.0:8026 is no address that only this machine"),
        (f'[lmtp]\nlisten = "/{"x" * 107}"\n', "C105", "a socket cannot lie here: its path has 108 bytes"),
        (f'[lmtp]\nlisten = "/{"ü" * 60}"\n', "C105", "a socket cannot lie here: its path has 121 bytes"),
        ("[http]\n", "C109", "[http] has no keys"),
        ("[http.keys.a]\n", "C109", "[http.keys.a] needs key_env, key_file or key_command"),
        ('[http.keys.a]\nkey_env = "A"\nkey_file = "b"\n', "C115", "the key is given twice"),
        ('[http.keys.a]\nkey_env = "A"\nmailboxes = ["nowhere"]\n', "C112", 'there is no mailbox "nowhere"'),
        ('[http.keys.A_B]\nkey_env = "A"\n', "C117", '"A_B" cannot be the identifier of a key'),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, code: str, said: str) -> None:
    assert any(each == code and found.startswith(said) for each, found in problems(tmp_path, text))


@pytest.mark.parametrize(
    ("lmtp", "http", "same"),
    [("localhost:24", "127.0.0.1:24", True), ("/run/x", "/run/x", True), ("[::1]:24", "127.0.0.1:24", False)],
)
def test_two_doors_at_one_place_are_warned_of(tmp_path: Path, lmtp: str, http: str, same: bool) -> None:
    text = f'[lmtp]\nlisten = "{lmtp}"\n[http]\nlisten = "{http}"\n[http.keys.a]\nkey_env = "A"\n'
    found = [each.message for each in loaded(tmp_path, text).warnings if each.code == "C121"]
    assert found == [f"[lmtp] listens at {lmtp} already: only one of the two could open"] * same


def test_the_longest_path_of_a_socket_is_one(tmp_path: Path) -> None:
    longest = "/" + "x" * 106
    assert loaded(tmp_path, f'[lmtp]\nlisten = "{longest}"\n').root.lmtp.listen == longest


def test_a_door_for_mailboxes_without_addresses_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text('[system.mailbox]\nprotocol = "maildir"\npath = "mail"\n[lmtp]\n')
    with pytest.raises(ConfigError, match="every recipient is unknown"):
        load(tmp_path / "allegra.toml", {})


@pytest.mark.parametrize("word", ["lmtp", "LMTP", "http"])
def test_the_protocol_of_a_mailbox_that_is_pushed_to_is_pipe(tmp_path: Path, word: str) -> None:
    (tmp_path / "allegra.toml").write_text(BOX.replace("pipe", word))
    config = load(tmp_path / "allegra.toml", {})
    assert config.mailbox("system").protocol == "pipe"
    assert [each.message for each in config.warnings] == [f'"{word}" is understood as "pipe"']


def test_keys_are_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.config.write import dumps, entries

    config = loaded(
        tmp_path, '[http.keys.a]\nkey = "a-key-that-nobody-guesses"\n[http.keys.b]\nkey_env = "NOT_THERE"\n'
    )
    assert "nobody-guesses" not in dumps([*entries(config)])
    assert [each.message for each in config.warnings] == ["a key stands in a file that others may read"]
    with pytest.raises(SecretError, match="http key b: the environment variable NOT_THERE"):
        config.root.http.keys["b"].secret("b")


def test_keys_come_from_outside_too(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text(BOX + '[http.keys.a]\nkey_env = "A"\n')
    config = load(tmp_path / "allegra.toml", {"ALLEGRA__HTTP__KEYS__A__MAILBOXES": '["system"]'})
    assert config.root.http is not None and config.root.http.keys["a"].mailboxes == ("system",)
