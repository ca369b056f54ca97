"""Doors of a desk whose database is on a server that cannot be reached: who hands over keeps the mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deciding import CONFIG, DATA
from servers.doors import KEY, Mta, Standing, pushed
from servers.postgres import Postgres

from engine.config import load
from engine.config.doors import Http, Lmtp
from engine.store.load import load as load_data
from engine.store.place import Url
from engine.store.store import Store

MAIL = b"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Handed over\r\n\r\nHello\r\n"
SERVER = f'[store]\ndriver = "postgresql"\n[http.keys.all]\nkey = "{KEY}"\n[limits]\nraw = "4 MB"\n'


@pytest.fixture(params=["", "postgresql://u:p@127.0.0.1:1/d", "no url"])
def config(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("ALLEGRA_DATABASE_URL", request.param)
    (tmp_path / "allegra.toml").write_text(CONFIG + SERVER)
    (tmp_path / "allegra.toml").chmod(0o600)
    yield load(tmp_path / "allegra.toml")


def test_a_mail_server_hears_that_it_may_try_again(config: Any, tmp_path: Path) -> None:
    with Standing(config, Lmtp(listen=str(tmp_path / "lmtp.sock"))) as door, Mta(door.at) as mta:
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("451")
        assert not door.reception.is_up()
        assert mta.hand_over(MAIL + b"x" * (2 << 20), "help@example.com")[0].startswith("451")


def test_a_program_hears_it_too(config: Any) -> None:
    with Standing(config, Http(listen="127.0.0.1:0", keys=config.root.http.keys)) as door:
        assert pushed(door.at, "/mail/system", MAIL).status == 503


def test_big_mails_lie_in_the_state_folder_while_they_come(config: Any, tmp_path: Path) -> None:
    with Standing(config, Lmtp(listen=str(tmp_path / "lmtp.sock"))):
        assert config.data_dir == tmp_path / "var" and config.data_dir.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def there(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A desk whose database is on a server that can be reached."""
    monkeypatch.setenv("ALLEGRA_DATABASE_URL", postgres_url)
    monkeypatch.setattr("engine.doors.listening.LOOK_S", 0.01)
    (tmp_path / "allegra.toml").write_text(CONFIG + SERVER)
    (tmp_path / "allegra.toml").chmod(0o600)
    with Store.open(Url(postgres_url)) as store:
        load_data(store, DATA)
    return load(tmp_path / "allegra.toml")


def test_F006_while_the_server_restarts_mail_is_for_later_and_then_it_is_taken_by_the_same_door(
    there: Any, tmp_path: Path, postgres: Postgres
) -> None:
    with (
        Standing(there, Lmtp(listen=str(tmp_path / "lmtp.sock"))) as door,
        Mta(door.at) as mta,
        Standing(there, Http(listen="127.0.0.1:0", keys=there.root.http.keys)) as other,
    ):
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")
        assert pushed(other.at, "/mail/system", MAIL + b"0").status == 202
        postgres.halt()
        try:
            assert mta.hand_over(MAIL + b"1", "help@example.com")[0].startswith("451")
            assert pushed(other.at, "/mail/system", MAIL + b"2").status == 503
            assert not door.reception.is_up()
        finally:
            postgres.start()
        assert mta.hand_over(MAIL + b"1", "help@example.com")[0].startswith("250")
        assert pushed(other.at, "/mail/system", MAIL + b"2").status == 202
        assert door.reception.is_up()
    with Store.open(there.store.where) as store:
        assert len(store.archive.mails()) == 4
