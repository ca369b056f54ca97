"""What ends soon is told ahead: secrets, certificates, refresh tokens that lie unused; F005."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from servers import keys

from engine.config import Config, parse
from engine.web import providers
from engine.web.expiry import ending
from engine.web.kept import File, Kept

USER = "help@example.com"
NOW = datetime.now(UTC).replace(microsecond=0)


def configured(folder: Path, options: str, more: str = "") -> Config:
    box = f'host = "outlook.office365.com"\nusername = "{USER}"\noauth = "m365"\n'
    head = '[oauth.m365]\nprovider = "microsoft"\ntenant = "t"\nclient_id = "a"\n'
    return parse(f"[system.mailbox]\n{box}{more}{head}{options}", folder / "allegra.toml", {})


def by_secret(folder: Path, days: float) -> Config:
    ends = (NOW + timedelta(days=days)).isoformat()
    text = f'grant = "client_credentials"\nclient_secret_env = "X"\nsecret_expires = "{ends}"\n'
    return configured(folder, text)


@pytest.mark.parametrize(
    ("days", "said"),
    [(31, None), (29, "in 29 days"), (2, "in 2 days"), (1, "in 24 hours"), (0.1, "in 2 hours"), (-1, "ended on")],
)
def test_F005_a_client_secret_is_warned_of_thirty_days_ahead(tmp_path: Path, days: float, said: str | None) -> None:
    found = ending(by_secret(tmp_path, days), NOW)
    if said is None:
        assert found == ()
        return
    (this,) = found
    assert this.said.startswith("oauth m365: the client secret end") and said in this.said
    assert this.section == "m365" and "secret_expires" in this.advice


def test_F005_a_certificate_tells_its_end_itself(tmp_path: Path) -> None:
    text = 'grant = "client_credentials"\ncertificate = "a.pem"\n'
    for days, count in ((31, 0), (20, 1), (-3, 1)):
        (tmp_path / "a.pem").write_bytes(keys.pem() + keys.certificate(days))
        assert len(ending(configured(tmp_path, text), NOW)) == count
    (tmp_path / "a.pem").write_text("nonsense")
    assert ending(configured(tmp_path, text), NOW) == ()


def keep(config: Config, **values: Any) -> None:
    app = config.root.oauth["m365"]
    file = File(app, providers.account(app, USER))
    with file.locked(), file.room() as pen:
        pen.write(Kept(**values))


PERSON = 'grant = "refresh_token"\n'


@pytest.mark.parametrize(("unused", "count"), [(1, 0), (59, 0), (61, 1), (100, 1)])
def test_F005_a_refresh_token_that_lies_unused_is_warned_of(tmp_path: Path, unused: int, count: int) -> None:
    config = configured(tmp_path, PERSON)
    keep(config, refresh_token="r", refresh_used_at=time.time() - unused * 86_400)
    found = ending(config, NOW)
    assert len(found) == count
    if found:
        assert f"the refresh token of {USER}, unused for {unused} days, end" in found[0].said


def test_F005_what_the_provider_tells_of_the_end_is_believed(tmp_path: Path) -> None:
    config = configured(tmp_path, PERSON)
    keep(config, refresh_token="r", refresh_used_at=time.time(), refresh_ends_at=time.time() + 6 * 86_400)
    (this,) = ending(config, NOW)
    assert "ends on" in this.said and "allegra mailbox login" in this.advice


def test_a_clock_that_is_wrong_is_told_although_it_works(tmp_path: Path) -> None:
    config = by_secret(tmp_path, 300)
    keep(config, access_token="a", clock_off_s=-3600.0)
    (this,) = ending(config, NOW)
    assert this.said == "oauth m365: the clock of this machine is 3600 s behind that of login.microsoftonline.com"


def test_a_sign_in_whose_file_is_broken_is_told(tmp_path: Path) -> None:
    config = configured(tmp_path, PERSON)
    keep(config, refresh_token="r", refresh_used_at=time.time())
    (file,) = config.root.oauth["m365"].kept_in.glob("*.json")
    file.write_bytes(file.read_bytes()[:40])
    (this,) = ending(config, NOW)
    folder = config.root.oauth["m365"].kept_in
    assert this.said == f"oauth m365: the sign-in is lost: its file in {folder} cannot be understood"
    assert "allegra mailbox login" in this.advice and this.days <= 0
    keep(by_secret(tmp_path, 300), access_token="a")
    (broken,) = config.root.oauth["m365"].kept_in.glob("m365.json")
    broken.write_bytes(b"{")
    assert ending(by_secret(tmp_path, 300), NOW) == ()  # an app signs in again by itself


def test_what_no_active_mailbox_uses_and_what_was_never_signed_in_is_not_told(tmp_path: Path) -> None:
    assert ending(configured(tmp_path, PERSON), NOW) == ()
    config = by_secret(tmp_path, 3)
    asleep = config.mailboxes[0].filled(active=False)
    import msgspec

    assert ending(msgspec.structs.replace(config, mailboxes=(asleep,)), NOW) == ()
