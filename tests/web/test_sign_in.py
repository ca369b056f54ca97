"""A person signs in: by a code on another device, by an address out of a browser; F005."""

from __future__ import annotations

import base64
import threading
import time
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from servers.tokens import SECRET, Tokens, hangs_up, refuses, says

from engine.web import providers, sign_in
from engine.web.kept import File, Kept
from engine.web.refusals import OAuthError
from engine.web.tokens import access_token

USER = "help@example.com"


@pytest.fixture
def person(app: Any) -> Any:
    """Make sections of an app that a person signs in with."""
    return lambda **options: app(**{"grant": "refresh_token", "client_secret": "", "uses": ("imap",), **options})


@pytest.fixture(autouse=True)
def public(server: Tokens) -> None:
    """The apps of people have no secret."""
    server.secret = ""


def no_wait(_seconds: float) -> None:
    return


def test_F005_a_code_is_typed_on_another_device(person: Any, server: Tokens) -> None:
    ours = person()
    device = sign_in.begin_device(ours)
    assert (device.url, device.user_code, device.interval_s) == ("https://microsoft.com/devicelogin", "ABCD-EFGH", 1.0)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            server.approved.set()

    sign_in.finish_device(ours, USER, device, wait)
    assert waited == [1.0, 1.0, 1.0]
    asked = server.asked[0]
    assert asked == {
        "client_id": "app-1", "scope": "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    }  # fmt: skip
    assert server.asked[-1]["device_code"] == "device-code-canary"
    kept = File(ours, USER).read()
    assert kept.refresh_token in server.refresh_tokens
    assert access_token(ours, USER) == kept.access_token
    assert len(server.asked) == 4


def test_an_app_with_a_secret_proves_itself_where_it_asks_for_a_code(person: Any, server: Tokens) -> None:
    server.secret = SECRET
    with pytest.raises(OAuthError) as caught:
        sign_in.begin_device(person())
    assert caught.value.code == "oauth.secret_wrong"
    ours = person(client_secret=SECRET)
    server.approved.set()
    sign_in.finish_device(ours, USER, sign_in.begin_device(ours), no_wait)
    assert File(ours, USER).read().refresh_token in server.refresh_tokens


def test_a_server_that_is_asked_too_often_or_is_away_for_a_moment_is_asked_more_slowly(
    person: Any, server: Tokens
) -> None:
    ours = person()
    device = sign_in.begin_device(ours)
    waited: list[float] = []
    server.says = [refuses(400, "slow_down"), hangs_up, refuses(400, "slow_down")]
    server.approved.set()
    sign_in.finish_device(ours, USER, device, waited.append)
    assert waited == [1.0, 6.0, 6.0, 11.0]


@pytest.mark.parametrize(
    ("error", "code"),
    [("expired_token", "oauth.not_signed_in"), ("access_denied", "oauth.consent_needed"),
     ("authorization_declined", "oauth.refused"), ("invalid_grant", "oauth.token_revoked")],
)  # fmt: skip
def test_a_code_that_is_refused_ends_it(person: Any, server: Tokens, error: str, code: str) -> None:
    ours = person()
    device = sign_in.begin_device(ours)
    server.says = [refuses(400, error)]
    with pytest.raises(OAuthError) as caught:
        sign_in.finish_device(ours, USER, device, no_wait)
    assert caught.value.code == code
    assert File(ours, USER).read() == Kept()


def test_a_code_that_nobody_types_ends_by_itself(person: Any, server: Tokens) -> None:
    ours = person()
    device = sign_in.Device("https://x", "A", "B", 0.1, 0.3)
    begun = time.monotonic()
    with pytest.raises(OAuthError) as caught:
        sign_in.finish_device(ours, USER, device, threading.Event().wait)
    assert caught.value.code == "oauth.not_signed_in" and time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"user_code": "A", "device_code": "B", "verification_uri": 7}',
     b'{"user_code": "A", "device_code": "B", "verification_uri": "javascript:alert(1)"}',
     b'{"user_code": "A\\u001b[2J", "device_code": "B", "verification_uri": "https://x"}'],
)  # fmt: skip
def test_what_is_no_code_is_not_shown(person: Any, server: Tokens, body: bytes) -> None:
    server.says = [says(body)]
    with pytest.raises(OAuthError) as caught:
        sign_in.begin_device(person())
    assert caught.value.code == "oauth.bad_answer"


def test_a_device_code_that_is_not_allowed_is_told(person: Any, server: Tokens) -> None:
    server.says = [refuses(400, "unauthorized_client", "AADSTS700016: no such app")]
    with pytest.raises(OAuthError) as caught:
        sign_in.begin_device(person())
    assert caught.value.code == "oauth.app_unknown"


def test_an_answer_without_a_refresh_token_is_not_enough(person: Any, server: Tokens) -> None:
    ours = person()
    server.says = [lambda talk: server.grant(talk, USER)]
    with pytest.raises(OAuthError) as caught:
        sign_in.finish_device(ours, USER, sign_in.Device("https://x", "A", "B", 0.0, 5.0), no_wait)
    assert "gives no refresh token" in caught.value.sentence and "offline_access" in caught.value.sentence


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────────────────


def google(person: Any) -> Any:
    return person(provider="google", tenant="", client_secret="")


def query(begun: sign_in.Begun) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}


def test_F005_google_gives_no_device_codes_for_mail_so_an_address_is_pasted(person: Any, server: Tokens) -> None:
    ours = google(person)
    assert not sign_in.can_use_device(ours)
    begun = sign_in.begin_browser(ours, USER)
    assert begun.url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    asked = query(begun)
    assert asked.items() >= {
        "client_id": "app-1", "response_type": "code", "redirect_uri": "http://localhost", "login_hint": USER,
        "scope": "https://mail.google.com/", "access_type": "offline", "prompt": "consent", "state": begun.state,
        "code_challenge_method": "S256",
    }.items()  # fmt: skip
    sign_in.finish_browser(ours, USER, begun, f" http://localhost/?state={begun.state}&code=4/0Ab-canary&scope=x\n")
    (form,) = server.asked
    assert (form["grant_type"], form["code"]) == ("authorization_code", "4/0Ab-canary")
    digest = sha256(form["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert File(ours, USER).read().refresh_token in server.refresh_tokens


def test_microsoft_can_do_so_as_well_where_codes_are_not_allowed(person: Any) -> None:
    begun = sign_in.begin_browser(person(token_url=""), USER)
    assert begun.url.startswith("https://login.microsoftonline.com/example.com/oauth2/v2.0/authorize?")
    assert "offline_access" in query(begun)["scope"] and "access_type" not in query(begun)


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("", "oauth.not_signed_in"), ("4/0Ab", "oauth.not_signed_in"), ("http://[", "oauth.not_signed_in"),
        ("https://accounts.google.com/?code=1&state={state}", "oauth.not_signed_in"),
        ("http://localhost/?code=1&state=wrong", "oauth.not_signed_in"),
        ("http://localhost/?code=1", "oauth.not_signed_in"),
        ("http://localhost/?state={state}", "oauth.not_signed_in"),
        ("http://localhost/?code=1&state=ä", "oauth.not_signed_in"),
        ("http://localhost/?error=access_denied&state={state}", "oauth.consent_needed"),
    ],
)  # fmt: skip
def test_only_the_address_of_this_sign_in_is_taken(person: Any, server: Tokens, pasted: str, code: str) -> None:
    ours = google(person)
    begun = sign_in.begin_browser(ours, USER)
    with pytest.raises(OAuthError) as caught:
        sign_in.finish_browser(ours, USER, begun, pasted.replace("{state}", begun.state))
    assert caught.value.code == code
    assert server.asked == [] and File(ours, USER).read() == Kept()


def test_another_provider_needs_a_page(person: Any) -> None:
    other = person(provider="other", tenant="")
    with pytest.raises(OAuthError) as caught:
        sign_in.begin_browser(other, USER)
    assert "authorize_url" in caught.value.sentence
    begun = sign_in.begin_browser(person(provider="other", authorize_url="https://auth.example.com/a?x=1"), USER)
    assert begun.url.startswith("https://auth.example.com/a?x=1&client_id=app-1&")


@pytest.mark.parametrize("which", ["token", "device", "authorize"])
def test_a_cloud_of_its_own_has_its_pages_beside_its_token_url(person: Any, which: str) -> None:
    ours = person(token_url="https://login.microsoftonline.us/t/oauth2/v2.0/token")
    last = {"device": "devicecode"}.get(which, which)
    assert providers.url(ours, which) == f"https://login.microsoftonline.us/t/oauth2/v2.0/{last}"
