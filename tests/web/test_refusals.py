"""What Google and Microsoft say when they refuse, and what it means: a code, plain words, what to click; F005."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from servers.tokens import REVOKED, TRACE, WRONG_SECRET, Tokens, jwt, refuses

from engine.config.secrets import reveal
from engine.web import bearer, hints
from engine.web.kept import File, Kept
from engine.web.refusals import _AADSTS, _WORDS, CODES, OAuthError, needs_a_person, refusal
from engine.web.tokens import access_token, whose

ROOT = Path(__file__).resolve().parents[2]
USER = "help@example.com"

MICROSOFT = {
    "AADSTS7000215: Invalid client secret provided.": "oauth.secret_wrong",
    "AADSTS7000222: The provided client secret keys for app 'x' are expired.": "oauth.secret_expired",
    "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.":
        "oauth.secret_wrong",
    "AADSTS700027: Client assertion failed signature validation. [Reason - The key used is expired., Thumbprint …]":
        "oauth.secret_expired",
    "AADSTS700016: Application with identifier 'x' was not found in the directory 'Contoso'.": "oauth.app_unknown",
    "AADSTS90002: Tenant 'x' not found. Check to make sure you have the correct tenant ID.": "oauth.tenant_unknown",
    "AADSTS900023: Specified tenant identifier 'x' is neither a valid DNS name, nor a valid external domain.":
        "oauth.tenant_unknown",
    "AADSTS65001: The user or administrator has not consented to use the application with ID 'x'.":
        "oauth.consent_needed",
    "AADSTS700082: The refresh token has expired due to inactivity.": "oauth.token_revoked",
    "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed.":
        "oauth.token_revoked",
    "AADSTS7000112: Application 'x' is disabled.": "oauth.app_disabled",
    "AADSTS53003: Access has been blocked by Conditional Access policies.": "oauth.policy",
    "AADSTS50076: … you must use multi-factor authentication to access 'x'.": "oauth.policy",
    "AADSTS50057: The user account is disabled.": "oauth.account_unknown",
    "AADSTS70011: The provided value for the input parameter 'scope' is not valid.": "oauth.scope_wrong",
    "AADSTS90033: A transient error has occurred. Please try again.": "oauth.server_away",
    "AADSTS7000218: The request body must contain: 'client_assertion' or 'client_secret'.": "oauth.secret_wrong",
    "AADSTS99999999: Something new.": "oauth.secret_wrong",  # by invalid_client
}  # fmt: skip

GOOGLE = {
    ("invalid_grant", REVOKED): "oauth.token_revoked",
    ("invalid_grant", "Bad Request"): "oauth.token_revoked",
    ("invalid_grant", "Invalid JWT Signature."): "oauth.secret_wrong",
    ("invalid_grant", "Invalid email or User ID"): "oauth.account_unknown",
    ("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
     "Check your iat and exp values in the JWT claim."): "oauth.clock",
    ("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, or client not "
     "authorized for any of the scopes requested."): "oauth.consent_needed",
    ("access_denied", "Requested client not authorized."): "oauth.consent_needed",
    ("invalid_client", "Unauthorized"): "oauth.secret_wrong",
    ("invalid_client", "The OAuth client was not found."): "oauth.app_unknown",
    ("deleted_client", "The OAuth client was deleted."): "oauth.app_unknown",
    ("disabled_client", "The OAuth client was disabled."): "oauth.app_disabled",
    ("admin_policy_enforced", ""): "oauth.policy",
    ("invalid_scope", "Some requested scopes were invalid."): "oauth.scope_wrong",
    ("unheard_of", "x"): "oauth.refused",
}  # fmt: skip


@pytest.mark.parametrize("said", MICROSOFT)
def test_F005_an_error_of_microsoft(app: Any, server: Tokens, said: str) -> None:
    server.says = [refuses(401, "invalid_client", said + TRACE, error_codes=[1])]
    with pytest.raises(OAuthError) as caught:
        access_token(app(), USER)
    assert caught.value.code == MICROSOFT[said]
    assert caught.value.sentence.startswith("oauth m365: ")
    assert said[:150] in caught.value.sentence and "Trace ID" not in caught.value.sentence


@pytest.mark.parametrize(("error", "said"), GOOGLE)
def test_F005_an_error_of_google(app: Any, error: str, said: str) -> None:
    found = refusal(app(provider="google", grant="refresh_token"), {"error": error, "error_description": said}, 400)
    assert found.code == GOOGLE[error, said]
    assert said[:150] in found.sentence and error in found.sentence


def test_the_advice_for_a_service_account_is_domain_wide_delegation_and_for_a_person_to_sign_in(app: Any) -> None:
    body = {"error": "unauthorized_client", "error_description": "Unauthorized"}
    by_itself = refusal(app(provider="google", grant="service_account"), body, 400)
    assert "domain-wide delegation" in by_itself.sentence
    assert "allegra mailbox login" in refusal(app(provider="google", grant="refresh_token"), body, 400).sentence


def test_the_whole_sentence(app: Any) -> None:
    said = {"error": "invalid_client", "error_description": WRONG_SECRET.replace(TRACE, "\r\n" + TRACE)}
    assert refusal(app(), said, 401).sentence == (
        "oauth m365: the client secret is wrong (invalid_client: AADSTS7000215: Invalid client secret provided. Ensure "
        "the secret being sent in the request is the client secret value, not the client secret ID, for a secret added "
        "to app 'x'.); use the Value of the secret, which is shown once, not its Secret ID"
    )


@pytest.mark.parametrize(
    "body",
    [{}, {"error": None}, {"error": 7}, {"error": ["x"]}, {"error": {"code": 403, "message": "no", "status": "DENIED"}},
     {"error": "x" * 100_000}, {"error": "\x1b[2J\r\nevil", "error_description": "\u202ered"}],
)  # fmt: skip
def test_an_error_of_any_shape_is_a_sentence_of_one_line(app: Any, body: dict[str, Any]) -> None:
    found = refusal(app(), body, 400)
    assert found.code == "oauth.refused" and found.sentence.isprintable() and len(found.sentence) < 400


def test_a_server_that_repeats_our_secret_is_not_believed_with_it(app: Any, server: Tokens) -> None:
    ours = app(client_secret="wrong-canary-4711")
    server.says = [refuses(401, "invalid_client", "AADSTS7000215: you said wrong-canary-4711")]
    with pytest.raises(OAuthError) as caught:
        access_token(ours, USER)
    assert "canary" not in caught.value.sentence and "you said ***" in caught.value.sentence


def test_a_token_that_is_revealed_is_taken_out_of_what_servers_say(app: Any) -> None:
    reveal("token-canary-0815")
    found = refusal(app(), {"error": "x", "error_description": "you sent token-canary-0815"}, 400)
    assert "canary" not in found.sentence


def test_every_row_has_a_code_that_is_documented(app: Any) -> None:
    used = {code for _, code, _, _ in _AADSTS} | {code for _, _, code, _, _ in _WORDS}
    assert used <= CODES.keys()
    text = (ROOT / "docs" / "oauth.md").read_text("utf-8")
    assert [code for code, means in CODES.items() if f"| `{code}` | {means}" not in text] == []
    numbers = [number for each, _, _, _ in _AADSTS for number in each.split()]
    assert len(numbers) == len({*numbers})


def test_every_code_that_the_room_uses_is_in_the_table() -> None:
    used = {
        code for path in (ROOT / "engine").rglob("*.py")
        for code in re.findall(r'"(oauth\.[a-z_]+)"', path.read_text("utf-8"))
    }  # fmt: skip
    assert used == CODES.keys()


def test_which_codes_wait_for_a_person() -> None:
    assert needs_a_person("source.login_refused") and needs_a_person("oauth.secret_expired")
    assert not any(map(needs_a_person, ("oauth.server_away", "oauth.bad_answer", "source.timeout", "")))


# ── what a mail server refuses ────────────────────────────────────────────────────────────────────────────────


def test_the_permissions_in_a_token_tell_what_is_missing(app: Any) -> None:
    token = jwt({"roles": ["SMTP.SendAsApp", "Mail.Read"]})
    assert hints.of(app(), "imap", token) == (
        "the token lacks the permission IMAP.AccessAsApp (it has SMTP.SendAsApp, Mail.Read): "
        "add it in App registrations, API permissions, Grant admin consent"
    )
    assert "New-ServicePrincipal" in hints.of(app(), "smtp", token)
    person = app(grant="refresh_token")
    assert "the permission POP.AccessAsUser.All (it has IMAP.AccessAsUser.All)" in hints.of(
        person, "pop3", jwt({"scp": "IMAP.AccessAsUser.All"})
    )
    assert hints.of(person, "imap", jwt({"scp": "IMAP.AccessAsUser.All"})).startswith("the username must be")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.%%.c", jwt({"roles": {"a": 1}}), "a.W10.c", "....", "a.ä.b"])
def test_a_token_that_tells_nothing_breaks_nothing(app: Any, token: str) -> None:
    assert hints.of(app(), "imap", token)
    assert hints.of(app(provider="google"), "imap", token).startswith("the username must be the address of")
    assert hints.of(app(provider="other"), "imap", token)


def test_the_words_of_both_mechanisms() -> None:
    words = bearer.first_words
    assert words("xoauth2", "a@b", "tok", "h", 993) == b"user=a@b\1auth=Bearer tok\1\1"
    assert words("oauthbearer", "a,b=c@d", "tok", "h", 993) == (
        b"n,a=a=2Cb=3Dc@d,\1host=h\1port=993\1auth=Bearer tok\1\1"
    )


@pytest.mark.parametrize(
    ("challenge", "said"),
    [(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}',
      "status 400, scope https://mail.google.com/"),
     (b'{"status":"invalid_token"}', "status invalid_token"), (b'{"status":401}', "status 401"), (b"{}", ""),
     (b"[1]", "[1]"), (b"nonsense", "nonsense"), (b"\xff", "\ufffd"), (b"[" * 9000, "[" * 9000), (b"", "")],
)  # fmt: skip
def test_what_a_server_says_of_a_token_it_refuses(challenge: bytes, said: str) -> None:
    answers = bearer.TokenAnswers("oauthbearer", "a@b", "tok", "h", 993)
    assert answers(b"") == bearer.first_words("oauthbearer", "a@b", "tok", "h", 993)
    assert answers(challenge) == b"\1"
    assert answers.refusal == said


def test_a_kept_sign_in_is_named_by_its_grant_and_app(app: Any) -> None:
    file = File(app(grant="refresh_token"), USER)
    with file.locked(), file.room() as pen:
        pen.write(Kept(app=whose(app(grant="refresh_token", client_id="other")), refresh_token="x"))
    with pytest.raises(OAuthError) as caught:
        access_token(app(grant="refresh_token"), USER)
    assert "the sign-in that is kept was of another app" in caught.value.sentence
