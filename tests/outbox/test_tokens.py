"""Sending by a server that takes tokens; F005."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from posted import MAILBOX, NOW, row
from servers.tokens import Tokens, jwt, refuses

from engine.config import Config, parse
from engine.outbox.deliver import deliver
from engine.outbox.transport import Away, transport
from engine.run.sending import send
from engine.store.store import Store
from engine.web import asking

USER = "help@example.com"


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tokens]:
    monkeypatch.setattr(asking, "AWAY_S", 0.0)
    with Tokens() as made:
        yield made


@pytest.fixture
def configure(tmp_path: Path, tokens: Tokens) -> Callable[..., Config]:
    def configuring(port: int, auth: str = "", provider: str = "", **more: str) -> Config:
        how = f'auth = "{auth}"\n' if auth else ""
        text = f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nssl = false\nfrom = "{USER}"\nusername = "{USER}"\n'
        lines = {"provider": provider or "other", "grant": "client_credentials", "client_id": "a",
                 "client_secret": tokens.secret, "token_url": tokens.url, **more}  # fmt: skip
        section = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
        return parse(f'{MAILBOX}{text}{how}oauth = "ours"\n[oauth.ours]\n{section}', tmp_path / "allegra.toml", {})

    return configuring


def is_good(tokens: Tokens) -> Callable[[str, str], bool]:
    return lambda user, token: tokens.active.get(token) == user


@pytest.mark.parametrize("auth", ["", "xoauth2", "oauthbearer"])
def test_F005_mail_is_sent_with_a_token(store: Store, sink: Any, configure: Any, tokens: Tokens, auth: str) -> None:
    server = sink(tokens=is_good(tokens))
    row(store)
    assert deliver(store, configure(server.port, auth), 100, lambda: NOW).sent == 1
    assert len(server.taken) == 1
    assert any(line.startswith(f"AUTH {(auth or 'xoauth2').upper()} ".encode()) for line in server.heard)


def test_a_long_token_goes_on_a_line_of_its_own(store: Store, sink: Any, configure: Any, tokens: Tokens) -> None:
    server = sink(tokens=is_good(tokens))
    tokens.extra = {"access_token": "x" * 20_000}
    tokens.active["x" * 20_000] = USER
    row(store)
    assert deliver(store, configure(server.port), 100, lambda: NOW).sent == 1
    assert b"AUTH XOAUTH2\r\n" in server.heard


def test_a_program_may_print_the_token(sink: Any, tmp_path: Path) -> None:
    server = sink(tokens=lambda user, token: (user, token) == (USER, "printed-canary"))
    text = (
        f'{MAILBOX}[smtp]\nhost = "127.0.0.1"\nport = {server.port}\nssl = false\nfrom = "{USER}"\n'
        f'username = "{USER}"\nauth = "oauthbearer"\npassword_command = ["echo", "TOKEN"]\n'
    )
    with transport(parse(text.replace("TOKEN", "printed-canary"), tmp_path / "a.toml", {}).smtp, "localhost") as way:  # type: ignore[arg-type]
        way.open()
    sentence = said(parse(text.replace("TOKEN", "wrong-canary"), tmp_path / "a.toml", {}))
    assert "Authentication unsuccessful" in sentence


def said(config: Config) -> str:
    assert config.smtp is not None
    with pytest.raises(Away) as caught, transport(config.smtp, "localhost") as way:
        way.open()
    assert "canary" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_F005_a_server_that_refuses_the_token_is_away_with_its_reason(
    sink: Any, configure: Any, tokens: Tokens, auth: str
) -> None:
    tokens.user = "somebody-else"
    sentence = said(configure(sink(tokens=is_good(tokens)).port, auth))
    assert "does not accept the token of oauth ours for help@example.com" in sentence
    assert "status 400, scope https://mail.google.com/: 5.7.3 Authentication unsuccessful" in sentence


def test_F005_what_the_token_lacks_and_what_is_switched_off_is_told(sink: Any, configure: Any, tokens: Tokens) -> None:
    tokens.extra = {"access_token": jwt({"roles": ["IMAP.AccessAsApp"]})}
    server = sink(tokens=is_good(tokens))
    config = configure(server.port, provider="microsoft", tenant="example.com")
    assert "lacks the permission SMTP.SendAsApp (it has IMAP.AccessAsApp)" in said(config)
    off = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."
    server = sink(tokens=is_good(tokens), says={"AUTH": off})
    config = configure(server.port, provider="microsoft", tenant="example.com")
    assert "Set-CASMailbox -Identity ADDRESS -SmtpClientAuthenticationDisabled $false" in said(config)


def test_a_server_that_is_busy_is_not_told_as_a_wrong_token(sink: Any, configure: Any, tokens: Tokens) -> None:
    server = sink(tokens=is_good(tokens), says={"AUTH": "454 4.7.0 Temporary authentication failure"})
    assert said(configure(server.port)).endswith("/: 4.7.0 Temporary authentication failure")


@pytest.mark.parametrize(
    ("answer", "words"),
    [(refuses(503, "x"), "oauth ours: localhost answers 503"),
     (refuses(401, "invalid_client", "AADSTS7000215: wrong"), "oauth ours: the client secret is wrong"),
     (None, "oauth ours: nobody has signed in yet; sign in: allegra mailbox login --smtp")],
)  # fmt: skip
def test_F005_without_a_token_mail_waits_and_no_attempt_counts(
    store: Store, sink: Any, configure: Any, tokens: Tokens, answer: Any, words: str
) -> None:
    server = sink(tokens=is_good(tokens))
    tokens.says = [answer] if answer else []
    more = {} if answer else {"grant": "refresh_token", "device_url": tokens.url}
    row(store)
    done = send(store, configure(server.port, **more), now=lambda: NOW)
    assert done.away.startswith("cannot send by 127.0.0.1") and words in done.away
    assert done.waiting == 1 and server.connections == 0
