"""Logging in with tokens: a real Dovecot that takes no password, and servers that refuse in Microsoft's words; F005."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from servers.scripted import Scripted, Talk, imap, pop3
from servers.tokens import Tokens, jwt, refuses

from engine.config.mailbox import OAuth
from engine.sources.source import SourceError
from engine.web import asking

KINDS = pytest.mark.parametrize("kind", ["imaps", "pop3s", "imap", "pop3"])
BOTH = pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AWAY_S", 0.0)


def section(server: Tokens, folder: Path, **options: Any) -> OAuth:
    usual: dict[str, Any] = {
        "provider": "other", "grant": "client_credentials", "client_id": "app-1", "client_secret": server.secret,
        "token_url": server.url, "name": "ours", "kept_in": folder / "oauth", "uses": ("imap",),
    }  # fmt: skip
    return OAuth().replaced(**(usual | options))


def of(bench: Any, account: Any, kind: str, sign_in: OAuth, **options: Any) -> Any:
    starttls = {} if kind.endswith("s") else {"ssl": "starttls"}
    return bench.of(account, kind, **{"auth": "xoauth2", "sign_in": sign_in, "oauth": "ours", **starttls, **options})


# ── a real server ─────────────────────────────────────────────────────────────────────────────────────────────


@KINDS
@BOTH
def test_F005_F010_mail_is_read_with_a_token(
    bench: Any, dovecot_and_tokens: Any, mails: Any, tmp_path: Path, kind: str, auth: str
) -> None:
    dovecot, tokens = dovecot_and_tokens
    account = dovecot.account()
    account.deliver(*mails(2))
    tokens.user = account.user
    assert bench.read(of(bench, account, kind, section(tokens, tmp_path), auth=auth)) == mails(2)


@KINDS
@BOTH
def test_F005_a_token_that_the_server_does_not_know_is_told_as_one(
    bench: Any, dovecot_and_tokens: Any, tmp_path: Path, kind: str, auth: str
) -> None:
    dovecot, tokens = dovecot_and_tokens
    account = dovecot.account()
    tokens.user = "somebody-else"
    box = of(bench, account, kind, section(tokens, tmp_path), auth=auth)
    with pytest.raises(SourceError) as caught, bench.open(box):
        pass
    assert caught.value.code == "oauth.login_refused"
    said = f"does not accept the token of oauth ours for {account.user}; the server must know the token server"
    assert said in caught.value.sentence
    assert not any(token in caught.value.sentence for token in tokens.active)


@BOTH
def test_F005_a_program_may_print_the_token_instead(bench: Any, dovecot_and_tokens: Any, mails: Any, auth: str) -> None:
    dovecot, tokens = dovecot_and_tokens
    account = dovecot.account()
    account.deliver(*mails(1))
    tokens.active["token-of-a-program"] = account.user
    assert bench.read(bench.of(account, "imaps", auth=auth, password="token-of-a-program")) == mails(1)
    with pytest.raises(SourceError) as caught, bench.open(bench.of(account, "imaps", auth=auth, password="x-canary")):
        pass
    assert caught.value.code == "source.login_refused" and "canary" not in caught.value.sentence


# ── servers that refuse ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def tokens() -> Any:
    with Tokens() as made:
        yield made


def refused(bench: Any, script: Any, sign_in: OAuth, kind: str = "imap", **options: Any) -> SourceError:
    with Scripted(script) as server:
        box = bench.box(
            protocol=kind,
            port=server.port,
            ssl=False,
            timeout=5.0,
            auth="xoauth2",
            oauth="ours",
            sign_in=sign_in,
            **options,
        )
        with pytest.raises(SourceError) as caught:
            bench.read(box)
        error = caught.value
        error.heard = server.heard  # type: ignore[attr-defined]
    assert "canary" not in error.sentence
    return error


@pytest.mark.parametrize(
    ("answer", "code"),
    [(refuses(401, "invalid_client", "AADSTS7000222: expired"), "oauth.secret_expired"),
     (refuses(503, "x"), "oauth.server_away"), (refuses(400, "invalid_grant"), "oauth.token_revoked")],
)  # fmt: skip
def test_F005_without_a_token_the_mail_server_is_not_even_called(
    bench: Any, tokens: Tokens, tmp_path: Path, answer: Any, code: str
) -> None:
    tokens.says = [answer]
    error = refused(bench, imap(), section(tokens, tmp_path))
    assert error.code == code and error.sentence.startswith("mailbox system: oauth ours: ")
    assert error.heard == b""  # type: ignore[attr-defined]


def test_who_has_not_signed_in_is_told_how_with_the_name_of_the_mailbox(
    bench: Any, tokens: Tokens, tmp_path: Path
) -> None:
    error = refused(bench, imap(), section(tokens, tmp_path, grant="refresh_token"))
    assert error.code == "oauth.not_signed_in" and error.sentence.endswith("sign in: allegra mailbox login system")


def no(talk: Talk, tag: bytes, rest: bytes) -> None:
    """As Exchange refuses an app that it does not know."""
    talk.send("+ ")
    talk.line()
    talk.send(tag + b" NO AUTHENTICATE failed.")


def test_F005_what_the_token_lacks_is_told(bench: Any, tokens: Tokens, tmp_path: Path) -> None:
    tokens.extra = {"access_token": jwt({"roles": ["SMTP.SendAsApp"], "x": "canary"})}
    error = refused(bench, imap(authenticate=no), section(tokens, tmp_path, provider="microsoft"))
    assert error.code == "oauth.login_refused"
    assert "lacks the permission IMAP.AccessAsApp (it has SMTP.SendAsApp)" in error.sentence
    assert error.sentence.endswith("(AUTHENTICATE failed.)")


def test_F005_an_app_that_exchange_does_not_know_is_told(bench: Any, tokens: Tokens, tmp_path: Path) -> None:
    tokens.extra = {"access_token": jwt({"roles": ["IMAP.AccessAsApp"]})}
    error = refused(bench, imap(authenticate=no), section(tokens, tmp_path, provider="microsoft"))
    assert "New-ServicePrincipal" in error.sentence


def yes(talk: Talk, tag: bytes, rest: bytes) -> None:
    talk.send("+ ")
    talk.line()
    talk.send(tag + b" OK AUTHENTICATE completed.")


def not_connected(talk: Talk, tag: bytes, rest: bytes) -> None:
    talk.send(tag + b" BAD User is authenticated but not connected.")


@pytest.mark.parametrize("command", ["examine", "select", "uid_search", "list"])
def test_F005_authenticated_but_not_connected_is_a_missing_permission(
    bench: Any, tokens: Tokens, tmp_path: Path, command: str
) -> None:
    script = imap(authenticate=yes, **{command: not_connected, "examine": not_connected, "select": not_connected})
    error = refused(bench, script, section(tokens, tmp_path, provider="microsoft"))
    assert error.code == "oauth.no_mailbox"
    assert "Add-MailboxPermission" in error.sentence and "authenticated but not connected" in error.sentence


@pytest.mark.parametrize(
    ("auth", "end"), [("xoauth2", b""), ("oauthbearer", b"AQ==")]
)  # fmt: skip
def test_F005_the_reason_of_google_is_read_out_of_its_challenge(
    bench: Any, tokens: Tokens, tmp_path: Path, auth: str, end: bytes
) -> None:
    def why(talk: Talk, tag: bytes, rest: bytes) -> None:
        talk.send("+ ")
        talk.line()
        talk.send("+ eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==")
        assert talk.line() == end
        talk.send(tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)")

    sign_in = section(tokens, tmp_path, provider="google")
    with Scripted(imap(authenticate=why)) as server:
        box = bench.box(port=server.port, ssl=False, timeout=5.0, auth=auth, oauth="ours", sign_in=sign_in)
        with pytest.raises(SourceError) as caught:
            bench.read(box)
    assert "(status 400, scope https://mail.google.com/: " in caught.value.sentence
    assert (
        "Invalid credentials (Failure)" in caught.value.sentence and "IMAP and POP switched on" in caught.value.sentence
    )


def test_F010_the_reason_is_read_in_pop3_as_well(bench: Any, tokens: Tokens, tmp_path: Path) -> None:
    def why(talk: Talk, rest: bytes) -> None:
        assert rest == b"XOAUTH2"
        talk.send("+ ")
        talk.line()
        talk.send("+ eyJzdGF0dXMiOiI0MDAifQ==")
        assert talk.line() == b""
        talk.send("-ERR [AUTH] Username and password not accepted.")

    error = refused(bench, pop3(auth=why), section(tokens, tmp_path, provider="google"), "pop3")
    assert error.code == "oauth.login_refused" and "status 400: [AUTH] Username and password not" in error.sentence


def test_a_busy_server_is_not_a_refused_token(bench: Any, tokens: Tokens, tmp_path: Path) -> None:
    def busy(talk: Talk, tag: bytes, rest: bytes) -> None:
        talk.send(tag + b" NO [UNAVAILABLE] later")

    assert refused(bench, imap(authenticate=busy), section(tokens, tmp_path)).code == "source.busy"


def test_a_server_that_repeats_the_token_is_not_shown_with_it(bench: Any, tokens: Tokens, tmp_path: Path) -> None:
    def echo(talk: Talk, tag: bytes, rest: bytes) -> None:
        talk.send("+ ")
        talk.send(tag + b" NO you said " + talk.line())

    tokens.extra = {"access_token": "canary-short"}
    for auth in ("xoauth2", "oauthbearer"):
        with Scripted(imap(authenticate=echo)) as server:
            sign_in = section(tokens, tmp_path)
            box = bench.box(port=server.port, ssl=False, timeout=5.0, auth=auth, oauth="ours", sign_in=sign_in)
            with pytest.raises(SourceError) as caught:
                bench.read(box)
        assert "you said ***" in caught.value.sentence
