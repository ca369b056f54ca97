"""A person signs in: by a code on another device, or by an address that is copied out of a browser.

Here: both ways, up to the refresh token that is kept. Not here: how a person is asked (`cli/`), later tokens
(`tokens.py`). Invariant: what is pasted is only taken for the sign-in it was begun for; nothing is kept before the
provider said yes.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from engine.config.secrets import reveal
from engine.web import providers
from engine.web.asking import post, proof, seconds, understood
from engine.web.client import Web, loopback
from engine.web.kept import File
from engine.web.refusals import OAuthError, failed, refusal

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

REDIRECT = "http://localhost"
"""Where the browser ends up; nobody listens there, its address is what is copied (RFC 8252, 7.3)."""

LONGEST_S = 1800.0
INTERVAL_S, MOST_INTERVAL_S = 5.0, 60.0
SLOWER_S = 5.0
LONGEST_TEXT = 4000
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Device(Struct, frozen=True):
    """What a person is told: where to go and what to type there. `ends_s` is how long it counts."""

    url: str
    user_code: str
    device_code: str
    interval_s: float
    ends_s: float

    def __repr__(self) -> str:
        """Tell what everybody may know."""
        return f"Device({self.url!r})"


class Begun(Struct, frozen=True):
    """A sign-in in a browser: the page to open, and what only we know of it."""

    url: str
    verifier: str
    state: str

    def __repr__(self) -> str:
        """Tell what everybody may know."""
        return f"Begun({self.url.partition('?')[0]!r})"


def can_use_device(app: OAuth) -> bool:
    """Tell whether the provider hands out codes for other devices, for mail."""
    return bool(providers.url(app, "device"))


# ── a code ────────────────────────────────────────────────────────────────────────────────────────────────────


def begin_device(app: OAuth) -> Device:
    """Ask for a code; an app with a secret or a certificate proves itself here, too. Raises: OAuthError.

    RFC 8628, 3.1: as at the token server.
    """
    form = proof(app, time.time()) | ({"scope": scope} if (scope := providers.scope(app)) else {})
    with Web(app.ca_file) as web:
        reply = post(app, web, providers.url(app, "device"), form)
    if reply.status != 200:
        raise refusal(app, reply.body, reply.status)
    body = reply.body
    url, user, device = (_text(body, *names) for names in
                         (("verification_uri", "verification_url"), ("user_code",), ("device_code",)))  # fmt: skip
    if not (url and user and device) or urlsplit(url).scheme not in ("https", "http"):
        raise failed(app, "oauth.bad_answer", f"{providers.host(app)} gives no code to sign in with")
    interval_s = min(seconds(body.get("interval")) or INTERVAL_S, MOST_INTERVAL_S)
    return Device(url, user, device, interval_s, min(seconds(body.get("expires_in")) or LONGEST_S, LONGEST_S))


def finish_device(app: OAuth, username: str, device: Device, wait: Callable[[float], object]) -> None:
    """Ask again and again whether the person has signed in, then keep the refresh token. Raises: OAuthError."""
    interval_s, until = device.interval_s, time.monotonic() + device.ends_s
    form = {"grant_type": DEVICE_GRANT, "device_code": device.device_code}
    with Web(app.ca_file) as web:
        while time.monotonic() < until:
            wait(interval_s)
            try:
                reply = post(app, web, providers.url(app, "token"), form | proof(app, time.time()))
            except OAuthError as error:
                if error.code != "oauth.server_away":
                    raise
                continue
            if reply.status == 200:
                _keep(app, username, reply.body)
                return
            said = reply.body.get("error")
            if said == "slow_down":
                interval_s = min(interval_s + SLOWER_S, MOST_INTERVAL_S)
            elif said != "authorization_pending":
                raise refusal(app, reply.body, reply.status)
    raise failed(app, "oauth.not_signed_in", "nobody signed in in time", "begin again: allegra mailbox login NAME")


# ── an address ────────────────────────────────────────────────────────────────────────────────────────────────


def begin_browser(app: OAuth, username: str) -> Begun:
    """Make the address of the page to sign in at (RFC 6749, 4.1.1; PKCE, RFC 7636). Raises: OAuthError."""
    page = providers.url(app, "authorize")
    if not page:
        raise failed(app, "oauth.not_signed_in", "there is no page to sign in at", "add  authorize_url")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    query = {
        "client_id": app.client_id, "response_type": "code", "redirect_uri": REDIRECT, "scope": providers.scope(app),
        "state": state, "code_challenge": _challenge(verifier), "code_challenge_method": "S256", "login_hint": username,
    }  # fmt: skip
    if app.provider == "google":  # else it gives a refresh token the first time only
        query |= {"access_type": "offline", "prompt": "consent"}
    reveal(verifier)
    return Begun(f"{page}{'&' if '?' in page else '?'}{urlencode(query)}", verifier, state)


def finish_browser(app: OAuth, username: str, begun: Begun, pasted: str) -> None:
    """Take the address that the browser ended at, and keep the refresh token. Raises: OAuthError."""
    form = {
        "grant_type": "authorization_code", "code": _code(app, begun, pasted.strip()), "redirect_uri": REDIRECT,
        "code_verifier": begun.verifier,
    }  # fmt: skip
    with Web(app.ca_file) as web:
        reply = post(app, web, providers.url(app, "token"), form | proof(app, time.time()))
    if reply.status != 200:
        raise refusal(app, reply.body, reply.status)
    _keep(app, username, reply.body)


def _code(app: OAuth, begun: Begun, pasted: str) -> str:
    """The code in a pasted address. Raises: OAuthError."""
    try:
        parts = urlsplit(pasted)
        host, told = parts.hostname or "", {name: values[0] for name, values in parse_qs(parts.query).items()}
    except ValueError:
        host, told = "", {}
    if not loopback(host) or not ({"code", "error"} & told.keys()):
        said = f"this is not the address that the browser ended at: it begins with {REDIRECT} and holds code="
        raise failed(app, "oauth.not_signed_in", said, "copy all of it from the address bar")
    if not hmac.compare_digest(told.get("state", "").encode(), begun.state.encode()):
        said = "this address is of another sign-in than the one that was begun here"
        raise failed(app, "oauth.not_signed_in", said, "open the page that was shown last")
    if "error" in told:
        raise refusal(app, told, 400)
    return told["code"]


def _challenge(verifier: str) -> str:
    import base64
    from hashlib import sha256

    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _keep(app: OAuth, username: str, body: Mapping[str, Any]) -> None:
    now = time.time()
    new = understood(app, body, now)
    if not new.refresh_token:
        said = f"{providers.host(app)} lets us in for an hour only: it gives no refresh token"
        raise failed(app, "oauth.bad_answer", said, "scope must hold offline_access, or what this provider calls it")
    file = File(app, providers.account(app, username))
    with file.locked(), file.room() as pen:
        pen.write(replace(new, refresh_used_at=now))


def _text(body: Mapping[str, Any], *names: str) -> str:
    """A text of an answer that people are shown."""
    found = next((value for name in names if isinstance(value := body.get(name), str)), "")
    return found if len(found) <= LONGEST_TEXT and found.isprintable() else ""
