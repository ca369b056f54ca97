"""The one HTTP client: a form or JSON goes out, JSON comes back, or bytes where they are asked for.

Here: TLS, proxies, sizes, and a sentence for what goes wrong. Not here: whom is asked for what.
Invariant: every exchange ends at its deadline, however slowly bytes trickle in (`watched.py`); no redirect is followed;
an answer is at most as big as was allowed, and a JSON object or an error; another machine is asked by TLS only, its
certificate checked.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, ProxyError, ReadTimeoutError
from urllib3.exceptions import SSLError as TlsError

from engine import __version__
from engine.config.secrets import redact, reveal
from engine.web.watched import POOLS, Late, deadline

EXCHANGE_S = 15.0
"""Seconds that one question and its answer may take, from the first packet to the last byte: who asks a pass to stop
waits for them."""

MOST_BYTES = 1 << 20
SAID_CHARS = 200
LATER = (408, 425, 429)
"""Refusals that are none: it is to be asked again later. So is every status from 500 on."""


class WebError(Exception):
    """Nothing usable came back. `later`: nobody is there, or it says later; else what answers is not what it should be.

    The sentence continues one that begins with the host, and holds no secret. `code` is unreachable, timeout,
    certificate, tls, busy, too_big or protocol; `wait_s` after how many seconds it is to be asked again, if that is
    told.
    """

    def __init__(self, sentence: str, *, later: bool, code: str = "protocol", wait_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.later, self.code, self.wait_s = later, code, wait_s


class Reply(msgspec.Struct, frozen=True):
    """An answer: its status, the JSON object it held, and what the server's clock said (None: nothing).

    `content` is what it held where bytes were asked for.
    """

    status: int
    body: Mapping[str, Any]
    date: datetime | None = None
    content: bytes = b""


class Web:
    """Asks by HTTPS; connections are kept. Use it in a `with`. `ca_file` is trusted beside what the system trusts."""

    def __init__(self, ca_file: Path | None = None, timeout_s: float | None = None) -> None:
        self._ca_file, self._timeout_s = ca_file, timeout_s or EXCHANGE_S
        self._pools: dict[str, urllib3.PoolManager] = {}

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *error: object) -> None:
        for pool in self._pools.values():
            pool.clear()

    def post_form(self, url: str, form: Mapping[str, str]) -> Reply:
        """Post a form, as browsers do. Raises: WebError."""
        body = urlencode(form).encode()
        return self._ask("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, body)

    def get_json(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Get JSON. Raises: WebError."""
        return self._ask("GET", url, headers, None)

    def call(
        self, method: str, url: str, headers: Mapping[str, str], *, body: object = None, most_bytes: int = MOST_BYTES,
        timeout_s: float = 0.0, raw: bool = False,
    ) -> Reply:  # fmt: skip
        """Ask an API; a body goes out as JSON. With `raw` a good answer is bytes of any kind. Raises: WebError."""
        content = None if body is None else msgspec.json.encode(body)
        whole = {**headers, **({} if content is None else {"Content-Type": "application/json"})}
        return self._ask(method, url, whole, content, most_bytes, timeout_s, raw)

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, most_bytes: int = MOST_BYTES,
        timeout_s: float = 0.0, raw: bool = False,
    ) -> Reply:  # fmt: skip
        whole = {"Accept": "*/*" if raw else "application/json", "User-Agent": f"allegra/{__version__}", **headers}
        seconds = timeout_s or self._timeout_s
        try:
            pool = self._pool(_proxy(url))
            with deadline(seconds):
                answer = pool.request(
                    method, url, body=body, headers=whole, redirect=False, retries=False, preload_content=False,
                    timeout=urllib3.Timeout(total=seconds),
                )  # fmt: skip
                try:
                    return _reply(answer, most_bytes, raw)
                finally:
                    answer.close()
        except (HTTPError, http.client.HTTPException, OSError, UnicodeError) as error:
            code, said = _why(error)
            raise WebError(redact(said), later=True, code=code) from None

    def _pool(self, proxy: str) -> urllib3.PoolManager:
        if proxy not in self._pools:
            options: dict[str, Any] = {"ssl_context": self._context(), "maxsize": 2}
            pool = _through(proxy, options) if proxy else urllib3.PoolManager(**options)
            pool.pool_classes_by_scheme = POOLS
            self._pools[proxy] = pool
        return self._pools[proxy]

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._ca_file is not None:
            try:
                context.load_verify_locations(str(self._ca_file))
            except (OSError, ssl.SSLError) as error:
                why = getattr(error, "strerror", "") or str(error)
                said = f"is not asked: ca_file {self._ca_file} cannot be used ({why})"
                raise WebError(said, later=False, code="certificate") from None
        return context


def loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────


def _reply(answer: urllib3.BaseHTTPResponse, most_bytes: int, raw: bool) -> Reply:
    if answer.status >= 500 or answer.status in LATER:
        said, wait_s = f"answers {answer.status} {_text(answer.reason)}".rstrip(), _wait(answer)
        raise WebError(said, later=True, code="busy", wait_s=wait_s)
    if 300 <= answer.status < 400:
        to = urlsplit(answer.headers.get("Location", "")).hostname or "elsewhere"
        raise WebError(f"sends us on to {_text(to)}; secrets are not sent there", later=False)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    content, date = _content(answer, most_bytes), _date(answer.headers.get("Date", ""))
    if answer.status == 204:
        return Reply(204, {}, date)
    if raw and answer.status == 200 and kind != "text/html":
        return Reply(200, {}, date, bytes(content))
    if kind != "application/json" and not kind.endswith("+json"):
        page = "a web page" if kind == "text/html" else _text(kind) or "something"
        more = "; is a proxy or a page to log in at in between?" if kind == "text/html" else ""
        raise WebError(f"answers {answer.status} with {page} in place of JSON{more}", later=False)
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise WebError(f"answers {answer.status} with JSON that cannot be read", later=False) from None
    if not isinstance(body, dict):
        raise WebError(f"answers {answer.status} with JSON that is no object", later=False)
    return Reply(answer.status, body, date)


def _content(answer: urllib3.BaseHTTPResponse, most_bytes: int) -> bytearray:
    content = bytearray()
    told = answer.headers.get("Content-Length", "")
    big = told.isascii() and told.isdigit() and int(told[:18]) > most_bytes
    for piece in () if big else answer.stream(65_536, decode_content=False):
        content += piece
        if len(content) > most_bytes:
            break
    if big or len(content) > most_bytes:
        said = f"answers without end: more than {most_bytes >> 20} MB"
        raise WebError(said, later=False, code="too_big")
    return content


def _wait(answer: urllib3.BaseHTTPResponse) -> float:
    """After how many seconds it is to be asked again: Retry-After tells seconds or a date (RFC 9110, 10.2.3)."""
    told = answer.headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:9])
    at = _date(told)
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at is not None else 0.0


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo is not None else None


def _text(said: str | None) -> str:
    """The server's own words: one short printable line."""
    return "".join(char if char.isprintable() else " " for char in (said or "")[:SAID_CHARS]).strip()


def _why(error: BaseException) -> tuple[str, str]:
    """What went wrong: its code, and for people. What urllib3 writes itself names objects and addresses in memory."""
    causes = [*_causes(error)]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message or "no reason given"
            return "certificate", f"shows a certificate that cannot be trusted ({why})"
    through = " through the proxy of the environment" if any(isinstance(each, ProxyError) for each in causes) else ""
    if any(isinstance(each, NameResolutionError | socket.gaierror) for each in causes):
        return "unreachable", f"cannot be found{through}: no name server knows the host"
    if any(isinstance(each, TimeoutError | ReadTimeoutError | Late) for each in causes):
        return "timeout", f"did not answer in time{through}"
    if any(isinstance(each, ssl.SSLError | TlsError) for each in causes):
        return "tls", f"cannot agree on TLS with us{through}"
    if any(isinstance(each, http.client.RemoteDisconnected) for each in causes):
        return "unreachable", f"closed the connection without an answer{through}"
    said = [each.strerror or str(each) for each in causes if isinstance(each, OSError)]
    return "unreachable", f"cannot be reached{through} ({_text(said[0])})" if said else f"broke off{through}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        this = waiting.pop(0)
        if isinstance(this, BaseException) and id(this) not in seen:
            seen.add(id(this))
            yield this
            waiting += [this.__cause__, this.__context__, *this.args, getattr(this, "original_error", None)]


# ── proxies ───────────────────────────────────────────────────────────────────────────────────────────────────


def _proxy(url: str) -> str:
    """The proxy that the environment names for an address (https_proxy, no_proxy), "" for none."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not loopback(host):
        raise WebError("is not asked: its address must begin with https://", later=False)
    proxies = getproxies_environment()
    if not proxies or loopback(host) or proxy_bypass_environment(host, proxies):
        return ""
    return str(proxies.get(parts.scheme) or proxies.get("all") or "")


def _through(proxy: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in ("http", "https"):
        raise WebError(f"is not asked: proxies of the kind {_text(parts.scheme)} are not known", later=False)
    headers = None
    if parts.username is not None:
        reveal(parts.password or "")
        headers = urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return urllib3.ProxyManager(bare, proxy_headers=headers, **options)
