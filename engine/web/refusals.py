"""What a token server or a mail server says when it refuses, in plain words, with what to do.

Here: the codes `oauth.…`, and the table from the providers' errors to them. Not here: asking (`tokens.py`).
Invariant: a code keeps its meaning for ever; the provider's own words are always in the sentence, our secrets never.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.config.problems import SecretError
from engine.config.secrets import redact
from engine.web import providers

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

SAID_CHARS = 240

CODES: dict[str, str] = {
    "oauth.not_signed_in": "nobody has signed in yet, or the sign-in was of another app",
    "oauth.secret": "the client secret, key or certificate cannot be read",
    "oauth.secret_wrong": "the client secret, certificate or key is not that of the app",
    "oauth.secret_expired": "the client secret or certificate has expired",
    "oauth.app_unknown": "the provider does not know the app",
    "oauth.app_disabled": "the app is switched off",
    "oauth.tenant_unknown": "the provider does not know the tenant",
    "oauth.consent_needed": "nobody has allowed the app to use mail",
    "oauth.policy": "a policy of the organisation forbids the sign-in",
    "oauth.token_revoked": "the refresh token does not count any more",
    "oauth.account_unknown": "the provider does not know the account, or it is disabled",
    "oauth.scope_wrong": "the scope is unknown",
    "oauth.clock": "the clock of this machine is wrong",
    "oauth.refused": "the provider refuses for another reason",
    "oauth.server_away": "the token server cannot be reached, or says later",
    "oauth.bad_answer": "what answers is no token server",
    "oauth.not_kept": "tokens cannot be kept on the disk",
    "oauth.no_library": "the extra `oauth` is not installed",
    "oauth.login_refused": "the mail server does not accept the token",
    "oauth.api_off": "the API is not switched on for the app",
    "oauth.no_mailbox": "the mail server accepts the token, but not for this mailbox",
}
"""Every code and what it means, as docs/oauth.md lists them."""

PASSING = ("oauth.server_away", "oauth.bad_answer", "oauth.not_kept")
"""What may be over by itself; everything else needs a person."""


def needs_a_person(code: str) -> bool:
    """Tell whether a code of a mailbox means that it stays unread until a person does something about its login."""
    return code == "source.login_refused" or (code in CODES and code not in PASSING)


class OAuthError(SecretError):
    """There is no token. `code` is a key of `CODES`; the sentence names the section, and what to do."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


_PORTAL = "in the Microsoft Entra admin center: App registrations, the app, "
_CLOUD = "in the Google Cloud console: "
_SIGN_IN = "sign in again: allegra mailbox login NAME"
_DELEGATION = (
    "in the Google Admin console: Security, Access and data control, API controls, Manage domain-wide delegation, "
    "add the Client ID of the service account with the scope {scope}"
)
_NEW_SECRET = _PORTAL + "Certificates & secrets, make a new one and put its Value where client_secret is read from"
_CONSENT = _PORTAL + "API permissions, add those of Office 365 Exchange Online for mail, then Grant admin consent"
_CLOCK = "set the clock of this machine (timedatectl): what is signed counts for minutes only"
_TENANT = "take the Directory (tenant) ID from the Overview of the app"

_AADSTS: tuple[tuple[str, str, str, str], ...] = (
    ("7000222", "oauth.secret_expired", "the client secret has expired", _NEW_SECRET),
    ("7000215", "oauth.secret_wrong", "the client secret is wrong",
     "use the Value of the secret, which is shown once, not its Secret ID"),
    ("7000218 7000216", "oauth.secret_wrong", "the app has to prove who it is",
     f"add a client_secret or certificate; or, to sign in by hand, {_PORTAL}Authentication, Allow public client flows"),
    ("700024", "oauth.clock", "the clock of this machine is wrong", _CLOCK),
    ("700027 700030 700021 700023 50012 5000611", "oauth.secret_wrong", "the certificate is not one of the app",
     _PORTAL + "Certificates & secrets, Certificates, upload this certificate"),
    ("700016 700038", "oauth.app_unknown", "there is no app with this client_id in the tenant",
     "take the Application (client) ID and the Directory (tenant) ID from the Overview of the app"),
    ("7000112 7000113", "oauth.app_disabled", "the app is switched off",
     "in the Microsoft Entra admin center: Enterprise applications, the app, Properties, Enabled for users to sign in"),
    ("90002 900021 900023 900382 50059", "oauth.tenant_unknown", "there is no such tenant", _TENANT),
    ("65001 65004 65005 650052 650056 650057 90094 90095 90008 501051 50105 90093", "oauth.consent_needed",
     "nobody has allowed the app to use mail", _CONSENT),
    ("53000 53001 53002 53003 53004 53011 530032 530034 530036 50097 50131 50142 50158 50076 50079 50072 50074 50005",
     "oauth.policy", "a policy of the organisation forbids this sign-in, or wants a person to confirm it",
     f"{_SIGN_IN}; where it is refused again, the app needs an exception in Conditional Access"),
    ("70043 70044 700082 700084 50173 50089 50078 70000 700003 50133 54005 70008 135010 50132 9002341 700020 500133",
     "oauth.token_revoked",
     "the refresh token does not count any more: unused for 90 days, revoked, or the password changed", _SIGN_IN),
    ("50034 50053 50055 50057 50020 50056 51004 50126", "oauth.account_unknown",
     "there is no such account, or it is disabled", "look at the user in the Microsoft 365 admin center"),
    ("70011 1002012 500011 650053 28002 28003 70001 9010010 90009", "oauth.scope_wrong", "the scope is unknown",
     "leave out scope, the usual one is right for mail; elsewhere than in the worldwide cloud it is that of the cloud"),
    ("90033 90036 90024 50196 90055 1000000 50000 50180", "oauth.server_away", "the token server says later", ""),
)  # fmt: skip
"""Numbers of Microsoft's AADSTS errors, the code, what is wrong, what to do."""

_WORDS: tuple[tuple[str, str, str, str, str], ...] = (
    ("google", "invalid_grant: .*(reasonable timeframe|iat and exp|issued in the future)", "oauth.clock",
     "the clock of this machine is wrong", _CLOCK),
    ("google", "invalid_grant: .*signature", "oauth.secret_wrong",
     "the key of the service account does not count any more",
     _CLOUD + "IAM & Admin, Service Accounts, Keys, make a new one for service_account_file"),
    ("google", "invalid_grant: .*(email|user id|account)", "oauth.account_unknown",
     "there is no such account, or it is suspended",
     "the username of the mailbox, or subject, must be the address of a user"),
    ("google", "(unauthorized_client|access_denied): ", "oauth.consent_needed",
     "the app may not read mail of this account", _DELEGATION),
    ("google", "invalid_client: .*not found", "oauth.app_unknown", "there is no app with this client_id",
     _CLOUD + "APIs & Services, Credentials, take the Client ID"),
    ("google", "deleted_client", "oauth.app_unknown", "the app was deleted",
     _CLOUD + "APIs & Services, Credentials, make a new one of the kind Desktop app"),
    ("google", "disabled_client", "oauth.app_disabled", "the app is switched off", "see the Google Cloud console"),
    ("google", "(admin_policy_enforced|org_internal|rejected|restricted)", "oauth.policy",
     "the organisation does not allow this app",
     "in the Google Admin console: Security, API controls, Manage third-party app access, trust the app"),
    ("google", "invalid_grant", "oauth.token_revoked",
     "the refresh token does not count any more: unused for six months, revoked, the password changed, or the app is "
     "in testing, where it counts for 7 days",
     f"{_SIGN_IN}; an app in testing: APIs & Services, OAuth consent screen, Publish app"),
    ("google", "invalid_client", "oauth.secret_wrong", "the client secret is wrong",
     _CLOUD + "APIs & Services, Credentials, take the client secret"),
    ("", "access_denied", "oauth.consent_needed", "the person who signed in, or the provider, said no", _SIGN_IN),
    ("", "expired_token", "oauth.not_signed_in", "nobody signed in in time", _SIGN_IN),
    ("", "invalid_client", "oauth.secret_wrong", "the client_id or its secret is wrong", ""),
    ("", "unauthorized_client", "oauth.consent_needed", "the app may not ask for tokens this way", ""),
    ("", "(consent_required|interaction_required|login_required)", "oauth.consent_needed",
     "a person has to allow it", _SIGN_IN),
    ("", "invalid_grant", "oauth.token_revoked", "the refresh token does not count any more", _SIGN_IN),
    ("", "invalid_scope", "oauth.scope_wrong", "the scope is unknown", "mend scope, or leave it out"),
    ("", "(temporarily_unavailable|server_error)", "oauth.server_away", "the token server says later", ""),
)  # fmt: skip
"""Of a provider ("" any): how `error: error_description` begins, the code, what is wrong, what to do."""


def refusal(app: OAuth, body: Mapping[str, Any], status: int) -> OAuthError:
    """Read the error of a token server (RFC 6749, 5.2), as Google and Microsoft fill it."""
    error, said = _plain(body.get("error")), _plain(body.get("error_description"))
    if isinstance(body.get("error"), dict):  # as Google's other servers answer
        inner = body["error"]
        error, said = _plain(inner.get("status")) or _plain(inner.get("code")), _plain(inner.get("message"))
    words = re.split(r"\s*(?:Trace ID:|Correlation ID:|Timestamp:)", said)[0].strip()
    code, plain, advice = _row(app, f"{error}: {said}")
    if code == "oauth.secret_wrong" and re.search(r"key used is expired|certificate.{1,40}expired", said):
        code, plain = "oauth.secret_expired", "the certificate has expired"
    if advice == _DELEGATION and app.grant != "service_account":
        advice = _SIGN_IN
    theirs = shown(": ".join(filter(None, (error, words))) or f"status {status}")
    return failed(app, code, f"{plain} ({theirs})", advice.replace("{scope}", providers.scope(app)))


def failed(app: OAuth, code: str, said: str, advice: str = "") -> OAuthError:
    """Make the error of a section: what is wrong, and what to do."""
    return OAuthError(code, f"oauth {app.name}: {said}{f'; {advice}' if advice else ''}")


def _row(app: OAuth, text: str) -> tuple[str, str, str]:
    if number := re.search(r"AADSTS(\d+)", text):
        for numbers, code, plain, advice in _AADSTS:
            if number[1] in numbers.split():
                return code, plain, advice
    for provider, begins, code, plain, advice in _WORDS:
        if provider in ("", app.provider) and re.match(begins, text, re.IGNORECASE | re.DOTALL):
            return code, plain, advice
    return "oauth.refused", "the provider gives no token", ""


def _plain(value: object) -> str:
    return value[:4000] if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def shown(text: str) -> str:
    """A server's words, made fit to be shown: one printable line without our secrets."""
    line = "".join(char if char.isprintable() else " " for char in redact(text))
    return " ".join(line.split())[:SAID_CHARS]
