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
from urllib.parse import unquote, urlsplit

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.exceptions import TooManyRequests

from engine.console import words
from engine.console.proxied import PEER, prefix_of, trusts
from engine.console.throttle import Throttle
from engine.desk import access, access_tokens, logged, vouching
from engine.desk.refusals import Refused
from engine.model.throttle import network_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.config import Config
    from engine.desk.installation import Installation, Store
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

MOST_FORM, MOST_WITH_FILES = 1024 * 1024, 10 * 1024 * 1024
"""Bytes of a form, and of one that brings files: what somebody sends lies on our disk before we know who it is."""

MOST_RULES = 4 * 1024 * 1024
"""Bytes of the form of a rule file, in which a character may take three."""

SIZES = {"item_acts.act": (MOST_WITH_FILES, MOST_FORM), "rule_edit.act": (MOST_RULES, MOST_RULES)}
"""Where forms may be longer: how long, and how much of them may be text."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

BEARER = "Bearer "

_KEY = secrets.token_bytes(32)
"""What seals sentences and derives tokens; another one with each start."""

TWINS = (".json", ".ndjson", ".csv")
"""How the address of what programs read ends."""


class Guard:
    """Lets requests in."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._throttle = Throttle()

    def admit(self) -> Answer | None:
        """Let a request in, or say what it gets instead."""
        config = self.installation.config
        most = SIZES.get(request.endpoint or "", (MOST_FORM, MOST_FORM))
        request.max_content_length, request.max_form_memory_size = most
        _speak(config, "")
        if not _is_ours(request.host, config):
            abort(421, "this console has another name: see instance.base_url")
        self._from_our_proxy(config)
        if request.method == "POST" and not _same_origin(config):
            abort(403, "this form comes from another page: load the page again")
        if request.endpoint in OPEN:
            if request.method == "POST":
                self._may_ask(None)
            return None
        account = self._account(config)
        if config.console.auth != "none":
            self._may_ask(account)
        if account is None:
            return _sign_in()
        g.account = account
        _speak(config, account.language)
        if request.method == "POST":
            sent = request.form.get("csrf", "") or request.headers.get("X-CSRF", "")
            if not hmac.compare_digest(sent.encode(), csrf().encode()) or not sent:
                abort(403, "this form is too old: load the page again")
        return None

    def _account(self, config: Config) -> Account | None:
        if config.console.auth == "none":
            g.csrf = _token_of(0)
            return self.installation.whoever()
        with self.installation.store() as store:
            shown = request.headers.get("Authorization", "")
            if shown.startswith(BEARER) and request.method == "GET" and request.path.endswith(TWINS):
                return access_tokens.token(store, shown.removeprefix(BEARER))
            if config.console.header:
                return _vouched(store, config)
            settings = config.console
            there = access.session(
                store, cookie(config), idle_s=settings.session_idle, most_s=settings.session_most,
                by_itself="X-Renew" in request.headers,
            )  # fmt: skip
        if there is None:
            return None
        g.csrf, g.here = there.csrf, there
        return there.account

    def _from_our_proxy(self, config: Config) -> None:
        """Where a proxy says who somebody is, nobody else may."""
        name, peer = config.console.header, request.environ.get(PEER, "")
        if not name or trusts(config, peer):
            return
        if name in request.headers:
            logged.security(config, "security.proxy", f"{peer} says who somebody is, and is no trusted proxy")
            abort(400, f"only a trusted proxy may send {name}: see trusted_proxies")

    def _may_ask(self, account: Account | None) -> None:
        """Count a request: of a session, of somebody who has none here, or of a network where nobody is known."""
        network = network_of(request.remote_addr or "")
        session = here()
        who = (
            f"session {session.ref}"
            if session is not None
            else f"account {account.id}"
            if account is not None
            else network
        )
        if wait := self._throttle.wait(who):
            raise TooManyRequests("too many requests: wait a moment", retry_after=wait)


def _speak(config: Config, language: str) -> None:
    """Answer in the language of an account, else in that of the browser, else in that of the installation."""
    g.words = words.words(words.chosen((language,), request.accept_languages, config.instance.language))


def _vouched(store: Store, config: Config) -> Account:
    """Give the account that the proxy names; the token of its forms is derived, as there is no session of ours."""
    if not trusts(config, request.environ.get(PEER, "")):
        abort(403, "this console is reached by its proxy only, which says who somebody is")
    said = request.headers.get(config.console.header, "").encode("latin-1", "replace").decode("utf-8", "replace")
    if not said.strip():
        abort(401, f"the proxy did not say who you are: {config.console.header} is missing, so sign in there first")
    try:
        there = vouching.vouched(store, said)
    except Refused as error:
        logged.security(config, "security.proxy", str(error))
        abort(403, str(error))
    g.csrf = _token_of(there.id)
    return there


def _token_of(account: int) -> str:
    """The token of forms where there is no session: of an account, or of all (0) who come; others with each start."""
    return hmac.new(_KEY, f"csrf:{account}".encode(), "sha256").hexdigest()


def _sign_in() -> Answer:
    if request.path.endswith(TWINS) or request.method == "POST" or "HX-Request" in request.headers:
        abort(401, "sign in first")
    asked = request.full_path.rstrip("?")
    there = f"{request.script_root}{asked}" if asked != "/" else None
    return redirect(url_for("signing_in.form", next=there), 303)


def account() -> Account:
    """Who asks."""
    return g.account  # type: ignore[no-any-return]


def login() -> str:
    """The login of who asks, "" where nobody is known."""
    return g.account.login if "account" in g else ""


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
    """Give the name of the cookie: where browsers come by TLS, one that nobody can set without; at best no other host.

    Below a path other hosts of the same domain could: a browser takes `__Host-` for whole hosts only.
    """
    if not config.instance.base_url.startswith("https:"):
        return "allegra"
    return "__Secure-allegra" if prefix_of(config) else "__Host-allegra"


def cookie(config: Config) -> str:
    """Give the cookie that came."""
    return request.cookies.get(cookie_name(config), "")


def keep(answer: Answer, config: Config, value: str) -> None:
    """Let the browser keep a cookie, as long as a session lasts at most; "" takes it away."""
    name = cookie_name(config)
    most = int(config.console.session_most) if value else 0
    secure = name.startswith("__")
    path = f"{prefix_of(config)}/"
    answer.set_cookie(name, value, max_age=most, path=path, secure=secure, httponly=True, samesite="Lax")


# ── what came of a form, said on the next page ────────────────────────────────────────────────────────────────


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


def _same_origin(config: Config) -> bool:
    """Tell whether a page of ours sent the form; a proxy may have taken the port out of the host."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    try:
        origin = urlsplit(request.headers.get("Origin", ""))
    except ValueError:
        return False
    ours = urlsplit(config.instance.base_url)
    return bool(origin.netloc) and (origin.netloc == request.host or origin[:2] == ours[:2])


def is_inside(address: str) -> bool:
    """Tell whether an address to go to is one of ours."""
    if (
        not address.startswith(f"{request.script_root}/")
        or address.startswith(("//", "/\\"))
        or any(each < " " for each in address)
    ):
        return False
    parts = urlsplit(address)
    up = any(unquote(each) in (".", "..") for each in parts.path.replace("\\", "/").split("/"))
    return not (parts.scheme or parts.netloc or up)
