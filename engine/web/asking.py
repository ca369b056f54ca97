"""Asking a token server: what is posted for each grant, and what comes back.

Here: the forms of RFC 6749 and 7523, reading what is granted, a clock that is wrong. Not here: when it is asked
(`tokens.py`), refusals (`refusals.py`), proofs (`assertions.py`).
Invariant: what is granted is looked at before it is believed; a server that was away is not asked again at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from engine.config.problems import SecretError
from engine.config.secrets import reveal
from engine.web import providers
from engine.web.client import Reply, Web, WebError
from engine.web.kept import Kept
from engine.web.refusals import OAuthError, failed, refusal
from engine.web.tokens import CLOCK_S, whose

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

WITHOUT_END_S = 600.0
LONGEST_S = 86_400.0
MOST_CHARS = 64_000

AWAY_S = 20.0
"""So long a process asks no token server again that was away: each mailbox would wait for it."""

_SECRETS = ("assertion", "client_assertion", "code", "code_verifier", "device_code")
_away: dict[str, tuple[float, str]] = {}


def ask(app: OAuth, username: str, kept: Kept) -> Kept:
    """Ask for a token by the grant of the section. Raises: OAuthError.

    What is signed bears a time: where the clock of this machine is wrong it is signed again by the server's.
    """
    refresh, seed = _refresh_token(app, kept)
    now = time.time()
    reply = _post(app, _form(app, username, refresh, now))
    off_s = _off(reply, now)
    if reply.status != 200 and abs(off_s) > CLOCK_S and refusal(app, reply.body, reply.status).code == "oauth.clock":
        now = time.time()
        reply = _post(app, _form(app, username, refresh, now - off_s))
    if reply.status != 200:
        problem = refusal(app, reply.body, reply.status)
        if problem.code == "oauth.clock" and abs(off_s) > CLOCK_S:
            how = f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} that of {providers.host(app)}"
            raise OAuthError(problem.code, f"{problem.sentence} (it is {how})")
        raise problem
    new = understood(app, reply.body, now)
    old = kept if kept.refresh_token == refresh and not new.refresh_token else Kept()
    return replace(
        new,
        refresh_token=new.refresh_token or refresh,
        refresh_ends_at=new.refresh_ends_at or old.refresh_ends_at,
        refresh_used_at=now if refresh else 0.0,
        seed=seed,
        clock_off_s=off_s if abs(off_s) > CLOCK_S else 0.0,
    )


def _refresh_token(app: OAuth, kept: Kept) -> tuple[str, str]:
    """The refresh token to use: the one that is kept, unless the configuration gives another than it came from."""
    if app.grant != "refresh_token":
        return "", ""
    first, seed = _secret(app.first_refresh_token), ""
    if first:
        from hashlib import sha256

        seed = sha256(first.encode()).hexdigest()
    if kept.refresh_token and kept.app == whose(app) and kept.seed == seed:
        return kept.refresh_token, seed
    if not first:
        said = "the sign-in that is kept was of another app" if kept.refresh_token else "nobody has signed in yet"
        said = f"the sign-in is lost: its file in {app.kept_in} cannot be understood" if kept.broken else said
        raise failed(app, "oauth.not_signed_in", said, "sign in: allegra mailbox login NAME")
    return first, seed


def _form(app: OAuth, username: str, refresh: str, now: float) -> dict[str, str]:
    if app.grant == "service_account":
        from engine.web.assertions import service_account

        signed = service_account(app, app.subject or username, now)
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}
    scope = providers.scope(app) if app.provider != "google" else ""  # Google knows it from the refresh token
    form = {"grant_type": app.grant} | ({"scope": scope} if scope else {}) | proof(app, now)
    return form | ({"refresh_token": refresh} if refresh else {})


def proof(app: OAuth, now: float) -> dict[str, str]:
    """The part of a form that tells and proves which app we are. Raises: OAuthError."""
    form = {"client_id": app.client_id}
    if app.certificate is not None:
        from engine.web.assertions import certificate

        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return form | {"client_assertion_type": kind, "client_assertion": certificate(app, now)}
    secret = _secret(app.secret)
    return form | ({"client_secret": secret} if secret else {})


def _secret(read: Callable[[], str]) -> str:
    try:
        return read()
    except SecretError as error:
        raise OAuthError("oauth.secret", str(error)) from None


def _post(app: OAuth, form: Mapping[str, str]) -> Reply:
    with Web(app.ca_file) as web:
        return post(app, web, providers.url(app, "token"), form)


def post(app: OAuth, web: Web, url: str, form: Mapping[str, str]) -> Reply:
    """Post to a server of a section. Raises: OAuthError where nothing usable comes back."""
    for name in _SECRETS:
        reveal(form.get(name, ""))
    since, said = _away.get(url, (0.0, ""))
    if said and time.monotonic() - since < AWAY_S:
        raise failed(app, "oauth.server_away", said)
    try:
        return web.post_form(url, form)
    except WebError as error:
        said = f"{urlsplit(url).hostname} {error}"
        if error.later:
            _away[url] = time.monotonic(), said
        raise failed(app, "oauth.server_away" if error.later else "oauth.bad_answer", said) from None


def _off(reply: Reply, now: float) -> float:
    """By how many seconds our clock is ahead of the server's; 0 where it does not tell."""
    return now - reply.date.timestamp() if reply.date is not None else 0.0


def understood(app: OAuth, body: Mapping[str, Any], now: float) -> Kept:
    """Read what a token server grants (RFC 6749, 5.1). Raises: OAuthError."""
    token, refresh = body.get("access_token"), body.get("refresh_token") or ""
    if not _is_token(token) or (refresh and not _is_token(refresh)):
        raise failed(app, "oauth.bad_answer", f"{providers.host(app)} says yes and gives no usable token")
    if str(body.get("token_type", "")).lower() != "bearer":
        raise failed(app, "oauth.bad_answer", f"{providers.host(app)} gives a token of another kind than Bearer")
    lives_s = min(max(seconds(body.get("expires_in")) or WITHOUT_END_S, 1.0), LONGEST_S)
    ends_s = seconds(body.get("refresh_token_expires_in") or body.get("refresh_expires_in"))
    return Kept(
        app=whose(app),
        scope=providers.scope(app),
        access_token=str(token),
        obtained_at=now,
        expires_at=now + lives_s,
        refresh_token=str(refresh),
        refresh_ends_at=now + ends_s if ends_s else 0.0,
    )


def _is_token(value: object) -> bool:
    """Whether it is what a header and a SASL answer can carry: nothing that ends a word or a line (RFC 6750, 2.1)."""
    if not isinstance(value, str) or not 0 < len(value) <= MOST_CHARS:
        return False
    return value.isascii() and value.isprintable() and " " not in value


def seconds(value: object) -> float:
    """A number of seconds, also where a server writes it as text; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return found if 0 < found < 1e10 else 0.0
