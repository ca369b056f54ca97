"""An authorization server on loopback that answers as Google and Microsoft document, or as it should not.

Here: tokens, refresh tokens that rotate, device codes, introspection for Dovecot, and every way to misbehave. Not here:
what is expected of a client.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = Callable[["Talk"], None]


SECRET = "s3cret-canary-4711"


class Talk(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.form = {name: values[0] for name, values in parse_qs(form).items()}
        self.server.owner.answer(self)

    def do_GET(self) -> None:
        self.form = {}
        self.server.owner.answer(self)

    def say(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        """Answer at once."""
        self.head(status, kind, **{"Content_Length": str(len(body)), **headers})
        self.wfile.write(body)

    def head(self, status: int, kind: str = "application/json", **headers: str) -> None:
        """Begin an answer whose body is said by hand."""
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Date", formatdate(time.time() + self.server.owner.clock_s, usegmt=True))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def tell(self, status: int, **body: Any) -> None:
        """Answer JSON."""
        self.say(status, json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    owner: Tokens

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what is tested."""


class Tokens:
    """The server. `asked` holds every form in order; `says` are answers to come that are not the usual ones.

    `secret` is the client secret it wants ("": none), `refresh_tokens` are those that count, by whose they are; with
    `rotates` each counts once. `clock_s` is by how much its clock is ahead. `active` are the access tokens that
    introspection knows, and whose they are. A device code is granted once `approved` is set.
    """

    host = "localhost"

    def __init__(self, *, tls: ssl.SSLContext | None = None, secret: str = SECRET, rotates: bool = False) -> None:
        self.secret, self.rotates, self.clock_s, self.lives_s = secret, rotates, 0.0, 3599
        self.asked: list[dict[str, str]] = []
        self.says: list[Answer] = []
        self.active: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.approved = threading.Event()
        self.user = "help@example.com"
        self.delay_s = 0.0
        self.extra: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), Talk)
        self._http.owner = self
        self.scheme = "https" if tls else "http"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Tokens:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.scheme}://{self.host}:{self.port}/tenant/oauth2/v2.0/token"

    def answer(self, talk: Talk) -> None:
        """Answer one request, as told or as usual."""
        path = urlsplit(talk.path).path
        if path == "/introspect":
            self._introspect(talk)
            return
        time.sleep(self.delay_s)
        with self._lock:
            self.asked.append(talk.form)
            told = self.says.pop(0) if self.says else None
            if told is None:
                (self._device if path.endswith("/devicecode") else self._token)(talk)
                return
        told(talk)

    def _introspect(self, talk: Talk) -> None:
        whose = self.active.get(talk.form.get("token", ""))
        told = {"active": True, "username": whose, "email": whose} if whose else {"active": False}
        talk.tell(200, **told)

    def _is_proven(self, talk: Talk) -> bool:
        """Whether the app showed its secret, or signed; one that did not is told."""
        form = talk.form
        proven = not self.secret or "assertion" in form or "client_assertion" in form
        if not proven and form.get("client_secret") != self.secret:
            talk.tell(401, error="invalid_client", error_description=WRONG_SECRET, error_codes=[7000215])
            return False
        return True

    def _device(self, talk: Talk) -> None:
        if not self._is_proven(talk):
            return
        talk.tell(200, user_code="ABCD-EFGH", device_code="device-code-canary", expires_in=900, interval=1,
                  verification_uri="https://microsoft.com/devicelogin", message="To sign in …")  # fmt: skip

    def _token(self, talk: Talk) -> None:
        form, kind = talk.form, talk.form.get("grant_type", "")
        if not self._is_proven(talk):
            return
        if kind == "refresh_token":
            whose = self.refresh_tokens.get(form.get("refresh_token", ""))
            if whose is None:
                talk.tell(400, error="invalid_grant", error_description=REVOKED)
                return
            if self.rotates:
                del self.refresh_tokens[form["refresh_token"]]
            self.grant(talk, whose, refresh=self.rotates)
        elif kind.endswith("device_code"):
            if self.approved.is_set():
                self.grant(talk, self.user, refresh=True)
            else:
                talk.tell(400, error="authorization_pending", error_description="AADSTS70016: pending")
        else:
            self.grant(talk, self.user, refresh=kind == "authorization_code")

    def grant(self, talk: Talk, whose: str, *, refresh: bool = False) -> None:
        """Give a token, and a refresh token."""
        token = f"access-{secrets.token_urlsafe(24)}"
        self.active[token] = whose
        told: dict[str, Any] = {"token_type": "Bearer", "expires_in": self.lives_s, "access_token": token, **self.extra}
        if refresh:
            told["refresh_token"] = f"refresh-{secrets.token_urlsafe(24)}"
            self.refresh_tokens[told["refresh_token"]] = whose
        talk.tell(200, **told)

    def first(self, whose: str) -> str:
        """Make a refresh token, as another tool would have."""
        token = f"refresh-{secrets.token_urlsafe(24)}"
        self.refresh_tokens[token] = whose
        return token


TRACE = (
    " Trace ID: 6a2b3c4d-0000-0000-0000-000000000000 Correlation ID: 11111111-0000-0000-0000-000000000000 "
    "Timestamp: 2026-11-01 12:00:00Z"
)
WRONG_SECRET = (
    "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
    "value, not the client secret ID, for a secret added to app 'x'." + TRACE
)
REVOKED = "Token has been expired or revoked."


def refuses(status: int, error: str, description: str = "", **more: Any) -> Answer:
    """A refusal as RFC 6749 has it."""
    return lambda talk: talk.tell(status, error=error, error_description=description, **more)


def page(status: int = 200) -> Answer:
    """A web page, as proxies and portals answer."""
    return lambda talk: talk.say(status, b"<html><body>Please log in to the network</body></html>", "text/html")


def elsewhere(to: str) -> Answer:
    """Send the client on."""
    return lambda talk: talk.say(307, b"", Location=to)


def says(body: bytes, kind: str = "application/json", status: int = 200) -> Answer:
    """Any bytes."""
    return lambda talk: talk.say(status, body, kind)


def cut_off(talk: Talk) -> None:
    """Half of what was announced, then nothing more."""
    talk.head(200, Content_Length="400")
    talk.wfile.write(b'{"token_type": "Bearer", "access_')
    talk.close_connection = True


def hangs_up(talk: Talk) -> None:
    """No answer at all."""
    talk.close_connection = True


def drips(talk: Talk, pause_s: float = 0.05) -> None:
    """A byte now and then, without end."""
    talk.head(200, Transfer_Encoding="chunked")
    while True:
        talk.wfile.write(b"1\r\n \r\n")
        time.sleep(pause_s)


def drips_headers(talk: Talk) -> None:
    """The same before the body begins."""
    talk.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        talk.wfile.write(b"X-A: ")
        time.sleep(0.05)


def endless(talk: Talk) -> None:
    """More than anybody wants."""
    talk.head(200, Transfer_Encoding="chunked")
    while True:
        talk.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")


def jwt(claims: Mapping[str, Any]) -> str:
    """A token that tells of itself, as Microsoft's do."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({"alg": "RS256"}, claims)
    ]
    return ".".join([*parts, "c2lnbmF0dXJl"])
