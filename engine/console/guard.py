"""Who comes in, and what no request may do: the host that is asked for, forms of others, who is signed in.

Here: `Guard`, cookies, the headers of every answer. Not here: passwords and sessions (`desk/access.py`), what a person
may see (`desk/scope.py`).
Invariant: no view runs for who is not known here; nothing changes without the token of one's own session, sent by a
page of ours.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, abort, g, redirect, request, url_for

from engine.desk import access, access_tokens

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.config import Config
    from engine.desk.installation import Installation
    from engine.model.desk import Account

OPEN = frozenset({"static", "healthz", "signing_in.form", "signing_in.enter"})
"""What may be asked by whoever is not signed in."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store", "Vary": "Cookie",
}  # fmt: skip

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

BEARER = "Bearer "


class Guard:
    """Lets requests in."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._token = secrets.token_urlsafe(32)
        """The token of forms where nobody signs in; a new one with each start."""

    def admit(self) -> Answer | None:
        """Let a request in, or say what it gets instead."""
        config = self.installation.config
        if not _is_ours(request.host, config):
            abort(421, "this console has another name: see instance.base_url")
        if request.method == "POST" and not _same_origin():
            abort(403, "this form comes from another page: load the page again")
        if request.endpoint in OPEN:
            return None
        account = self._account(config)
        if account is None:
            return _sign_in()
        g.account = account
        if request.method == "POST":
            sent = request.form.get("csrf", "") or request.headers.get("X-CSRF", "")
            if not hmac.compare_digest(sent.encode(), csrf().encode()) or not sent:
                abort(403, "this form is too old: load the page again")
        return None

    def _account(self, config: Config) -> Account | None:
        if config.console.auth == "none":
            g.csrf = self._token
            return self.installation.whoever()
        with self.installation.store() as store:
            shown = request.headers.get("Authorization", "")
            if shown.startswith(BEARER) and request.method == "GET" and request.path.endswith(".json"):
                return access_tokens.token(store, shown.removeprefix(BEARER))
            settings = config.console
            there = access.session(
                store, cookie(config), idle_s=settings.session_idle, most_s=settings.session_most,
                by_itself="X-Renew" in request.headers,
            )  # fmt: skip
        if there is None:
            return None
        g.csrf, g.here = there.csrf, there
        return there.account


def _sign_in() -> Answer:
    if request.path.endswith(".json") or request.method == "POST":
        abort(401, "sign in first")
    asked = request.full_path.rstrip("?")
    return redirect(url_for("signing_in.form", next=asked if asked != "/" else None), 303)


def account() -> Account:
    """Who asks."""
    return g.account  # type: ignore[no-any-return]


def csrf() -> str:
    """The token that a form of this session carries; "" where there is no session."""
    return str(g.get("csrf", ""))


def here() -> access.SignedIn | None:
    """Give the session that asks; None where nobody signs in, and for a token."""
    return g.get("here")  # type: ignore[no-any-return]


def is_signed_in() -> bool:
    """Tell whether there is a session that can be ended."""
    return here() is not None


def ip() -> str:
    """Tell from where it is asked."""
    return request.remote_addr or ""


# ── cookies ───────────────────────────────────────────────────────────────────────────────────────────────────


def cookie_name(config: Config) -> str:
    """Give the name of the cookie: where browsers come by TLS, one that no other host can set."""
    return "__Host-allegra" if config.instance.base_url.startswith("https:") else "allegra"


def cookie(config: Config) -> str:
    """Give the cookie that came."""
    return request.cookies.get(cookie_name(config), "")


def keep(answer: Answer, config: Config, value: str) -> None:
    """Let the browser keep a cookie, as long as a session lasts at most; "" takes it away."""
    name = cookie_name(config)
    most = int(config.console.session_most) if value else 0
    secure = name.startswith("__Host-")
    answer.set_cookie(name, value, max_age=most, path="/", secure=secure, httponly=True, samesite="Lax")


# ── what came of a form, said on the next page ────────────────────────────────────────────────────────────────

_KEY = secrets.token_bytes(32)


def said(text: str) -> str:
    """Write a sentence for the address of the next page, so that nobody else can put one there."""
    return f"{_seal(text)}.{text}"


def heard(value: str) -> str:
    """Read what `said` wrote for the same person since this program was started; "" for anything else."""
    seal, _, text = value.partition(".")
    return text if hmac.compare_digest(seal.encode(), _seal(text).encode()) else ""


def _seal(text: str) -> str:
    return hmac.new(_KEY, f"{account().id}:{text}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]


# ── every request and answer ──────────────────────────────────────────────────────────────────────────────────


def with_headers(answer: Response) -> Response:
    """Put on an answer what browsers must know; a part of a mail has a stricter policy of its own."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _is_ours(host: str, config: Config) -> bool:
    """Tell whether a request was meant for this console: another name that leads here is somebody else's page."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    base = urlsplit(config.instance.base_url).hostname
    return name in LOOPBACK or (base is not None and name == base)


def _same_origin() -> bool:
    """Tell whether a page of ours sent the form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host


def is_inside(address: str) -> bool:
    """Tell whether an address to go to is one of ours."""
    if not address.startswith("/") or address.startswith(("//", "/\\")) or any(each < " " for each in address):
        return False
    parts = urlsplit(address)
    return not (parts.scheme or parts.netloc)
