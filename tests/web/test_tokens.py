"""Access tokens: asked for, kept, renewed ahead, by one process at a time; F005."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from servers.tokens import Tokens, refuses, says

from engine.web import kept, tokens
from engine.web.kept import File, Kept
from engine.web.refusals import OAuthError
from engine.web.tokens import access_token

ROOT = Path(__file__).resolve().parents[2]
USER = "help@example.com"
SIGNED_IN = {"grant": "refresh_token", "uses": ("imap", "smtp")}


def stored(app: Any, account: str = "") -> Kept:
    return File(app, account).read()


def keep(ours: Any, account: str = "", /, **values: Any) -> None:
    """Change what is kept."""
    file = File(ours, account)
    with file.locked(), file.room() as pen:
        pen.write(msgspec.structs.replace(file.read(), **values))


def sign_in(app: Any, server: Tokens, account: str = USER, **values: Any) -> None:
    """Let it look as if somebody had signed in."""
    usual = {"app": tokens.whose(app), "refresh_token": server.first(account), "refresh_used_at": time.time()}
    keep(app, account, **{**usual, **values})


def test_F005_an_app_signs_in_by_itself_and_its_token_serves_all_mailboxes_until_shortly_before_its_end(
    app: Any, server: Tokens
) -> None:
    first = access_token(app(), USER)
    assert server.active[first] == USER
    assert access_token(app(), "other@example.com") == first
    assert server.asked == [
        {"grant_type": "client_credentials", "scope": "https://outlook.office365.com/.default", "client_id": "app-1",
         "client_secret": server.secret}
    ]  # fmt: skip
    keep(app(), obtained_at=time.time() - 3300, expires_at=time.time() + 299)
    assert access_token(app(), USER) != first


@pytest.mark.parametrize(("lives_s", "ahead"), [(3599, (300, 360)), (400, (100, 120)), (1, (0.25, 0.31))])
def test_it_is_renewed_ahead_a_bit_earlier_each_time_and_never_before_a_quarter_of_its_life_is_left(
    app: Any, lives_s: int, ahead: tuple[float, float]
) -> None:
    made = Kept(obtained_at=1000.0, expires_at=1000.0 + lives_s)
    found = [tokens._ahead(made) for _ in range(50)]
    assert ahead[0] <= min(found) and max(found) <= ahead[1]
    assert len(set(found)) > 10


def test_F005_a_refresh_token_is_of_an_account_and_asks_for_the_protocols_in_use(app: Any, server: Tokens) -> None:
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    sign_in(ours, server, "other@example.com")
    assert server.active[access_token(ours, USER)] == USER
    assert server.active[access_token(ours, "Other@example.com")] == "other@example.com"
    assert server.asked[0]["scope"] == (
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"
    )
    assert stored(ours, USER).refresh_token in server.refresh_tokens


def test_a_new_refresh_token_is_on_the_disk_before_the_access_token_is_given(app: Any, server: Tokens) -> None:
    server.rotates = True
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    for _ in range(3):
        token = access_token(ours, USER)
        assert stored(ours, USER).refresh_token in server.refresh_tokens
        assert stored(ours, USER).access_token == token
        keep(ours, USER, expires_at=0.0)
    assert len({form["refresh_token"] for form in server.asked}) == 3


def test_the_files_are_for_their_owner_only_and_nothing_else_is_left_beside_them(app: Any) -> None:
    ours = app()
    access_token(ours, USER)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in ours.kept_in.iterdir()}
    assert found == {"m365.json": 0o600, "m365.lock": 0o600}
    assert stat.S_IMODE(ours.kept_in.stat().st_mode) == 0o700
    (ours.kept_in / "m365.json").chmod(0o644)
    access_token(ours, USER)
    assert stat.S_IMODE((ours.kept_in / "m365.json").stat().st_mode) == 0o600


def test_accounts_of_any_name_have_files_of_their_own_inside_the_folder(app: Any) -> None:
    ours = app(**SIGNED_IN)
    names = ["../../etc/passwd", "a" * 300, "a" * 301, "ä@example.com", ".", ""]
    paths = {File(ours, name).path for name in names}
    assert len(paths) == len(names)
    assert {path.parent for path in paths} == {ours.kept_in}
    assert max(len(path.name) for path in paths) < 200


def test_of_many_at_once_one_asks_and_a_rotating_refresh_token_is_used_once(app: Any, server: Tokens) -> None:
    server.rotates, server.delay_s = True, 0.2
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(access_token(ours, USER))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1 and len(found) == 8
    assert len(server.asked) == 1


def test_of_several_processes_one_asks(app: Any, server: Tokens, tmp_path: Path) -> None:
    server.rotates, server.delay_s = True, 0.3
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    code = f"""
import pathlib
from engine.config.mailbox import OAuth
from engine.web.tokens import access_token
print(access_token(OAuth().replaced(provider="microsoft", grant="refresh_token", tenant="example.com",
    client_id="app-1", client_secret={server.secret!r}, token_url={server.url!r}, name="m365",
    kept_in=pathlib.Path({str(ours.kept_in)!r}), uses=("imap", "smtp")), {USER!r}))
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environ, text=True) for _ in range(4)
    ]
    found = {each.communicate(timeout=60)[0].strip() for each in running}
    assert found == {stored(ours, USER).access_token}
    assert len(server.asked) == 1


def test_a_stop_in_the_middle_of_the_question_loses_no_refresh_token(app: Any, server: Tokens, tmp_path: Path) -> None:
    """The server has taken the old one back by then: what it answers must be kept, whoever presses Ctrl-C."""
    server.rotates, server.delay_s = True, 0.5
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    code = f"""
import pathlib, signal, threading, os
from engine.config.mailbox import OAuth
from engine.stop import Stop, Stopped
from engine.web.tokens import access_token
stop = Stop()
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
with stop.signals():
    try:
        with stop.interruptible():
            access_token(OAuth().replaced(provider="microsoft", grant="refresh_token", tenant="example.com",
                client_id="app-1", client_secret={server.secret!r}, token_url={server.url!r}, name="m365",
                kept_in=pathlib.Path({str(ours.kept_in)!r}), uses=("imap", "smtp")), {USER!r})
    except Stopped:
        print("stopped")
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environ, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("stopped", "")
    assert stored(ours, USER).refresh_token in server.refresh_tokens


def test_while_the_token_server_is_away_a_token_that_still_counts_is_used(app: Any, server: Tokens) -> None:
    first = access_token(app(), USER)
    keep(app(), obtained_at=time.time() - 3300, expires_at=time.time() + 200)
    server.says = [says(b"", "text/html", 503)]
    assert access_token(app(), USER) == first
    keep(app(), expires_at=time.time() + 5)
    server.says = [says(b"", "text/html", 503)]
    with pytest.raises(OAuthError) as caught:
        access_token(app(), USER)
    assert caught.value.code == "oauth.server_away"


def test_a_server_that_is_away_is_not_waited_for_by_each_mailbox(
    app: Any, server: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.web import asking

    monkeypatch.setattr(asking, "AWAY_S", 20.0)
    server.says = [says(b"", status=503)]
    for user in (USER, "other@example.com"):
        with pytest.raises(OAuthError) as caught:
            access_token(app(), user)
        assert caught.value.code == "oauth.server_away" and "answers 503" in caught.value.sentence
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "change",
    [{"client_id": "app-2"}, {"scope": "https://outlook.office365.us/.default"}, {"tenant": "b", "token_url": ""}],
)
def test_a_token_of_another_app_or_scope_is_not_used(
    app: Any, change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access_token(app(), USER)
    assert not tokens._counts(app(**change), stored(app()), 0.0)
    assert tokens._counts(app(), stored(app()), 0.0)


@pytest.mark.parametrize("ahead_s", [7200.0, -4000.0])
def test_a_clock_that_jumps_makes_it_ask_again(app: Any, server: Tokens, ahead_s: float) -> None:
    access_token(app(), USER)
    old = stored(app())
    keep(app(), obtained_at=old.obtained_at + ahead_s, expires_at=old.expires_at + ahead_s)
    access_token(app(), USER)
    assert len(server.asked) == 2


def test_a_refresh_token_in_the_configuration_is_the_first_one_and_a_new_one_there_counts_again(
    app: Any, server: Tokens, tmp_path: Path
) -> None:
    server.rotates = True
    file = tmp_path / "refresh"
    ours = app(**SIGNED_IN, refresh_token_file=file)
    file.write_text(server.first(USER) + "\n")
    access_token(ours, USER)
    keep(ours, expires_at=0.0)
    access_token(ours, "other@example.com")  # one sign-in for all
    assert [form["refresh_token"] for form in server.asked][1] != file.read_text().strip()
    file.write_text(server.first(USER) + "\n")
    keep(ours, expires_at=0.0)
    access_token(ours, USER)
    assert server.asked[2]["refresh_token"] == file.read_text().strip()


def test_nobody_has_signed_in_yet(app: Any, server: Tokens) -> None:
    with pytest.raises(OAuthError) as caught:
        access_token(app(**SIGNED_IN), USER)
    assert caught.value.code == "oauth.not_signed_in"
    assert caught.value.sentence == "oauth m365: nobody has signed in yet; sign in: allegra mailbox login NAME"
    assert server.asked == []


def test_a_broken_file_is_none_and_one_that_cannot_be_read_is_told(app: Any, server: Tokens) -> None:
    ours = app()
    access_token(ours, USER)
    for content in (b"{", b"[]", b"\xff\xfe", b'{"access_token": 7}', b""):
        (ours.kept_in / "m365.json").write_bytes(content)
        access_token(ours, USER)
    assert len(server.asked) == 6
    (ours.kept_in / "m365.json").unlink()
    (ours.kept_in / "m365.json").mkdir()
    with pytest.raises(OAuthError) as caught:
        access_token(ours, USER)
    assert caught.value.code == "oauth.not_kept" and "Is a directory" in caught.value.sentence


def test_where_nothing_can_be_kept_nothing_is_asked(app: Any, server: Tokens, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", Path("/proc/no-such-folder")):
        with pytest.raises(OAuthError) as caught:
            access_token(app(kept_in=folder), USER)
        assert caught.value.code == "oauth.not_kept"
    assert server.asked == []


def test_a_full_disk_is_noticed_before_a_rotating_token_is_used_up(
    app: Any, server: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    server.rotates = True
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    monkeypatch.setattr(kept.os, "posix_fallocate", full)
    with pytest.raises(OAuthError) as caught:
        access_token(ours, USER)
    assert caught.value.code == "oauth.not_kept" and "No space left" in caught.value.sentence
    assert server.asked == [] and stored(ours, USER).refresh_token in server.refresh_tokens


def test_who_holds_the_lock_for_too_long_is_told_as_a_server_that_is_away(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with File(app()).locked(), pytest.raises(OAuthError) as caught, File(app()).locked(0.1):
        pass
    assert caught.value.code == "oauth.server_away" and "another process" in caught.value.sentence


def test_a_token_that_a_mail_server_refuses_is_asked_for_anew_once_it_is_some_minutes_old(
    app: Any, server: Tokens
) -> None:
    ours = app()
    token = access_token(ours, USER)
    tokens.refused(ours, USER, token)
    assert access_token(ours, USER) == token
    keep(ours, obtained_at=time.time() - 600)
    tokens.refused(ours, USER, "another one")
    assert access_token(ours, USER) == token
    tokens.refused(ours, USER, token)
    assert access_token(ours, USER) != token


@pytest.mark.parametrize(
    ("told", "lives_s"),
    [({"expires_in": "3599"}, 3599), ({"expires_in": None}, 600), ({"expires_in": -5}, 600),
     ({"expires_in": 1e300}, 600),
     ({"expires_in": 10**9}, 86_400), ({"expires_in": [1]}, 600), ({"expires_in": True}, 600),
     ({"expires_in": "nan"}, 600), ({"token_type": "bearer"}, 3599)],
)  # fmt: skip
def test_how_long_a_token_lives_is_read_with_care(app: Any, server: Tokens, told: dict[str, Any], lives_s: int) -> None:
    server.extra = told
    access_token(app(), USER)
    made = stored(app())
    assert made.expires_at - made.obtained_at == pytest.approx(lives_s)


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a b"}, {"access_token": "a\r\nb"},
     {"access_token": "ä"}, {"access_token": "x" * 64_001}, {"access_token": "x", "refresh_token": "a\n"},
     {"access_token": "x", "refresh_token": ["a"]}, {"access_token": "x", "token_type": "mac"}],
)  # fmt: skip
def test_what_is_no_token_is_not_taken_for_one(app: Any, server: Tokens, body: dict[str, Any]) -> None:
    server.says = [says(json.dumps({"token_type": "Bearer", **body}).encode())]
    with pytest.raises(OAuthError) as caught:
        access_token(app(), USER)
    assert caught.value.code == "oauth.bad_answer"
    assert stored(app()) == Kept()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_sign_in_whose_file_is_broken_is_said_to_be_lost(app: Any, server: Tokens, content: bytes) -> None:
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    File(ours, USER).path.write_bytes(content)
    with pytest.raises(OAuthError) as caught:
        access_token(ours, USER)
    assert caught.value.code == "oauth.not_signed_in"
    assert f"the sign-in is lost: its file in {ours.kept_in} cannot be understood" in caught.value.sentence
    assert "allegra mailbox login" in caught.value.sentence


def test_an_end_of_the_refresh_token_that_is_told_is_kept(app: Any, server: Tokens) -> None:
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    server.extra = {"refresh_token_expires_in": 604_799}
    access_token(ours, USER)
    ends = stored(ours, USER).refresh_ends_at
    assert ends == pytest.approx(time.time() + 604_799, abs=60)
    server.extra = {}
    keep(ours, USER, expires_at=0.0)
    access_token(ours, USER)
    assert stored(ours, USER).refresh_ends_at == ends


def test_a_refusal_changes_nothing_that_is_kept(app: Any, server: Tokens) -> None:
    ours = app(**SIGNED_IN)
    sign_in(ours, server)
    before = stored(ours, USER)
    server.says = [refuses(400, "invalid_grant", "AADSTS50173: revoked")]
    with pytest.raises(OAuthError):
        access_token(ours, USER)
    assert stored(ours, USER) == before


def test_a_token_that_is_kept_costs_no_import_of_the_network(app: Any, server: Tokens) -> None:
    ours = app()
    access_token(ours, USER)
    code = f"""
import pathlib, sys
from engine.config.mailbox import OAuth
from engine.web.tokens import access_token
access_token(OAuth().replaced(provider="microsoft", grant="client_credentials", tenant="example.com",
    client_id="app-1", token_url={server.url!r}, name="m365", kept_in=pathlib.Path({str(ours.kept_in)!r})), "u")
print({{"urllib3", "ssl", "socket", "cryptography", "concurrent.futures", "json", "http"}} & set(sys.modules))
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environ, text=True, check=True)
    assert done.stdout.strip() == "set()"
