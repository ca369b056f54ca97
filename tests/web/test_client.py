"""Servers that are away, slow, hostile or something else: each is one sentence, in time; F005."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.dovecot import make_certificate
from servers.scripted import Scripted, Talk
from servers.tokens import (
    Tokens,
    cut_off,
    drips,
    drips_headers,
    elsewhere,
    endless,
    hangs_up,
    page,
    refuses,
    says,
)

from engine.web import client
from engine.web.client import Web, WebError
from engine.web.refusals import OAuthError
from engine.web.tokens import access_token

USER = "help@example.com"
CODE = {True: "oauth.server_away", False: "oauth.bad_answer"}


def trouble(url: str, **options: Any) -> WebError:
    with Web(**options) as web, pytest.raises(WebError) as caught:
        web.post_form(url, {"client_secret": "canary-4711"})
    assert "canary" not in str(caught.value)
    assert str(caught.value).isprintable() and "0x" not in str(caught.value)
    return caught.value


ODD: dict[str, tuple[Any, bool, str]] = {
    "a web page": (page(), False, "answers 200 with a web page in place of JSON; is a proxy or a page to log in"),
    "a web page that refuses": (page(403), False, "answers 403 with a web page in place of JSON"),
    "a server error": (page(500), True, "answers 500"),
    "a server error in JSON": (refuses(503, "temporarily_unavailable"), True, "answers 503"),
    "too many questions": (refuses(429, "slow_down"), True, "answers 429"),
    "half a JSON": (says(b'{"access_token": "abc'), False, "answers 200 with JSON that cannot be read"),
    "half an answer": (cut_off, True, "broke off"),
    "no answer": (hangs_up, True, "closed the connection without an answer"),
    "JSON of another kind": (says(b"{}", "text/plain"), False, "answers 200 with text/plain in place of JSON"),
    "no kind": (says(b"{}", ""), False, "answers 200 with something in place of JSON"),
    "a list": (says(b"[1]"), False, "answers 200 with JSON that is no object"),
    "deep JSON": (says(b"[" * 100_000), False, "answers 200 with JSON that cannot be read"),
    "no UTF-8": (says(b'{"a": "\xff"}'), False, "answers 200 with JSON that cannot be read"),
    "nothing": (says(b""), False, "answers 200 with JSON that cannot be read"),
    "elsewhere": (elsewhere("https://evil.example/x"), False, "sends us on to evil.example; secrets are not sent"),
    "to another page": (elsewhere("/other"), False, "sends us on to elsewhere"),
    "control characters": (says(b"", "text/\x1b[31mred"), False, "answers 200 with text/ [31mred in place of JSON"),
    "without end": (endless, False, "answers without end: more than 1 MB"),
    "drop by drop": (drips, True, "did not answer in time"),
    "headers drop by drop": (drips_headers, True, "did not answer in time"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_answer_is_a_sentence_and_comes_in_time(server: Tokens, what: str) -> None:
    answer, later, said = ODD[what]
    server.says = [answer]
    begun = time.monotonic()
    error = trouble(server.url)
    assert time.monotonic() - begun < 5
    assert str(error).startswith(said), str(error)
    assert error.later is later
    assert len(server.asked) == 1


@pytest.mark.parametrize("what", ["a web page", "a server error", "elsewhere", "half a JSON", "no answer"])
def test_F005_of_a_token_it_is_told_as_what_it_is_and_never_as_a_wrong_password(
    app: Any, server: Tokens, what: str
) -> None:
    answer, later, said = ODD[what]
    server.says = [answer]
    with pytest.raises(OAuthError) as caught:
        access_token(app(), USER)
    assert caught.value.code == CODE[later]
    assert caught.value.sentence.startswith(f"oauth m365: localhost {said}")


def test_after_all_of_that_the_next_question_is_answered(server: Tokens) -> None:
    for answer, _, _ in ODD.values():
        server.says = [answer]
        with Web(timeout_s=0.5) as web, pytest.raises(WebError):
            web.post_form(server.url, {})
    with Web() as web:
        assert web.post_form(server.url, {"client_secret": server.secret}).status == 200


def test_a_connection_is_kept_between_questions_and_watched_again(server: Tokens) -> None:
    with Web() as web:
        assert web.post_form(server.url, {"client_secret": server.secret}).status == 200
        assert web.get_json(server.url, {"Authorization": "Bearer x"}).status == 401
        server.says = [drips]
        with pytest.raises(WebError) as caught:
            web.post_form(server.url, {})
    assert str(caught.value) == "did not answer in time"


def test_an_api_is_asked_with_json_and_answers_json_or_nothing(server: Tokens) -> None:
    seen: list[tuple[str, str, str]] = []

    def take(talk: Any) -> None:
        seen.append((talk.command, talk.headers["Content-Type"], str(talk.form)))
        talk.say(204, b"", "")

    server.says = [take, says(b'{"a": 1}')]
    with Web() as web:
        assert web.call("POST", server.url, {}, body={"isRead": True}).body == {}
        assert web.call("GET", server.url, {"Authorization": "Bearer x"}).body == {"a": 1}
    assert seen[0][:2] == ("POST", "application/json")


def test_bytes_are_taken_where_they_are_asked_for_but_never_a_web_page(server: Tokens) -> None:
    with Web() as web:
        server.says = [says(b"\xff\x00 mail", "text/plain"), says(b'{"error": {}}', status=404)]
        assert web.call("GET", server.url, {}, raw=True).content == b"\xff\x00 mail"
        assert web.call("GET", server.url, {}, raw=True).body == {"error": {}}
        for answer in (page(), says(b"x", "text/plain", status=404)):
            server.says = [answer]
            with pytest.raises(WebError) as caught:
                web.call("GET", server.url, {}, raw=True)
            assert caught.value.code == "protocol"


@pytest.mark.parametrize("told", ["7", "0", "x", "-1", "", "9" * 400, "Mon, 01 Jan 2024 00:00:00 GMT"])
def test_when_to_ask_again_is_told(server: Tokens, told: str) -> None:
    server.says = [lambda talk: talk.say(429, b"{}", Retry_After=told)]
    with Web() as web, pytest.raises(WebError) as caught:
        web.call("GET", server.url, {})
    wanted = {"7": 7.0, "9" * 400: 999_999_999.0}.get(told, 0.0)
    assert (caught.value.code, caught.value.later, caught.value.wait_s) == ("busy", True, wanted)


def test_an_answer_may_be_as_big_as_was_allowed(server: Tokens) -> None:
    body = b'{"a": "' + b"x" * 2_000_000 + b'"}'
    with Web() as web:
        server.says = [says(body), says(body), endless]
        assert len(web.call("GET", server.url, {}, most_bytes=3_000_000).body["a"]) == 2_000_000
        for _ in range(2):
            with pytest.raises(WebError) as caught:
                web.call("GET", server.url, {}, most_bytes=1_500_000)
            assert caught.value.code == "too_big"


def test_nobody_there(server: Tokens) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = trouble(f"http://127.0.0.1:{port}/")
    assert (str(error), error.later) == ("cannot be reached (Connection refused)", True)


def test_no_such_host() -> None:
    assert str(trouble("https://no.such.host.invalid/token")).startswith("cannot be found")


def test_who_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = trouble(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert (str(error), error.later) == ("did not answer in time", True)


@pytest.mark.parametrize(
    "url", ["http://login.example.com/token", "ftp://example.com/", "//example.com", "file:///etc/passwd"]
)
def test_no_secret_leaves_this_machine_in_the_clear(url: str) -> None:
    assert str(trouble(url)) == "is not asked: its address must begin with https://"


# ── TLS ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    base = tmp_path_factory.mktemp("certificates")
    names = {"right": "DNS:localhost", "wrong": "DNS:other.example"}
    return {name: make_certificate(base, name, alternative) for name, alternative in names.items()}


@pytest.fixture
def secure(certificates: dict[str, tuple[Path, Path]], request: pytest.FixtureRequest) -> Iterator[Tokens]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates[getattr(request, "param", "right")])
    with Tokens(tls=context) as made:
        yield made


def test_F005_a_certificate_that_is_known_is_trusted(app: Any, secure: Tokens, certificates: Any) -> None:
    ours = app(token_url=secure.url, ca_file=certificates["right"][0], client_secret=secure.secret)
    assert access_token(ours, USER) in secure.active


def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(secure: Tokens) -> None:
    error = trouble(secure.url)
    assert str(error) == "shows a certificate that cannot be trusted (self-signed certificate)"
    assert secure.asked == []


@pytest.mark.parametrize("secure", ["wrong"], indirect=True)
def test_a_certificate_for_another_host_is_refused(secure: Tokens, certificates: Any) -> None:
    error = trouble(secure.url, ca_file=certificates["wrong"][0])
    assert "Hostname mismatch" in str(error) and secure.asked == []


def test_a_server_without_tls_is_told(server: Tokens) -> None:
    assert str(trouble(server.url.replace("http:", "https:"))) == "cannot agree on TLS with us"


def test_a_ca_file_that_cannot_be_used_is_told(secure: Tokens, tmp_path: Path) -> None:
    assert "ca_file" in str(trouble(secure.url, ca_file=tmp_path / "none.pem"))
    (tmp_path / "empty.pem").write_text("nothing")
    assert "cannot be used" in str(trouble(secure.url, ca_file=tmp_path / "empty.pem"))


# ── proxies ───────────────────────────────────────────────────────────────────────────────────────────────────


def connects(to: int) -> Any:
    """A proxy that takes CONNECT and passes bytes on, whatever host is asked for."""

    def script(talk: Talk) -> None:
        while talk.line():
            pass
        if not to:
            talk.send("HTTP/1.1 407 Proxy Authentication Required", "Content-Length: 0", "")
            return
        talk.send("HTTP/1.1 200 OK", "")
        with socket.create_connection(("127.0.0.1", to)) as upstream:
            threading.Thread(target=pump, args=(upstream, talk.socket), daemon=True).start()
            pump(talk.socket, upstream)

    return script


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
    except OSError:
        pass


def test_a_proxy_of_the_environment_is_used_and_sees_no_secret(
    secure: Tokens, certificates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "loopback", lambda host: False)
    with Scripted(connects(secure.port)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:pr0xy%20canary@127.0.0.1:{proxy.port}")
        with Web(certificates["right"][0]) as web:
            assert web.post_form(secure.url, {"client_secret": secure.secret}).status == 200
        assert proxy.heard.startswith(f"CONNECT localhost:{secure.port} HTTP/1".encode())
        assert b"Basic dXNlcjpwcjB4eSBjYW5hcnk=" in proxy.heard and secure.secret.encode() not in proxy.heard
        monkeypatch.setenv("no_proxy", "localhost")
        with Web(certificates["right"][0]) as web:
            assert web.post_form(secure.url, {"client_secret": secure.secret}).status == 200
        assert proxy.connections == 1


def test_a_proxy_that_refuses_or_is_away_is_told_as_one(secure: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "loopback", lambda host: False)
    with Scripted(connects(0)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:canary@127.0.0.1:{proxy.port}")
        error = trouble(secure.url)
    assert "through the proxy of the environment" in str(error) and "407" in str(error)
    assert "through the proxy of the environment" in str(trouble(secure.url))
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    assert str(trouble(secure.url)) == "is not asked: proxies of the kind socks5 are not known"


def test_this_machine_is_asked_without_a_proxy(server: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Web() as web:
        assert web.post_form(server.url, {"client_secret": server.secret}).status == 200
