"""What the APIs of Gmail and of Microsoft Graph have in common, over TLS on loopback.

Here: tokens that count, one request after another, answers to come that are not the usual ones. Not here: mail
(`gmail.py`, `graph.py`), what is expected of a client.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from servers.dovecot import make_certificate
from servers.tokens import Talk, Tokens, _Http

Answer = Callable[[Any], None]


class Call(Talk):
    """One request: `path` in words, `asked` what stands behind the question mark, `body` the JSON that came."""

    server: Any
    disable_nagle_algorithm = True  # head and body are two packets

    def _hear(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(size)
        self.body = json.loads(content) if content else {}
        parts = urlsplit(self.path)
        self.words = [unquote(each) for each in parts.path.split("/")[1:]]
        self.asked = parse_qs(parts.query, keep_blank_values=True)
        self.server.owner.answer(self)

    do_GET = do_POST = do_PATCH = do_DELETE = _hear  # noqa: N815 - the names are http.server's

    def one(self, name: str, default: str = "") -> str:
        """One value of the query."""
        return self.asked.get(name, [default])[0]


class Service:
    """An API. `heard` is every request in order (method and path), `tokens` who says which token counts.

    `says` are answers to come: a pattern for "METHOD path" and the answer, each used once. `gone` are those that the
    client hangs up on.
    """

    host = "localhost"
    clock_s = 0.0

    def __init__(self, folder: Path, tokens: Tokens) -> None:
        self.tokens, self.heard, self.says = tokens, [], []  # type: ignore[var-annotated]
        self.lock = threading.RLock()
        self.ca_file, key = make_certificate(folder, type(self).__name__)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self._http = _Http(("127.0.0.1", 0), Call)
        self._http.owner = self  # type: ignore[assignment]
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    @property
    def origin(self) -> str:
        return f"https://{self.host}:{self.port}"

    def user(self, talk: Call) -> str:
        """Whose token came; "" for one that does not count."""
        kind, _, token = (talk.headers.get("Authorization") or "").partition(" ")
        return self.tokens.active.get(token, "") if kind == "Bearer" else ""

    def answer(self, talk: Call) -> None:
        """Answer one request, as told or as usual."""
        what = f"{talk.command} {talk.path}"
        with self.lock:
            self.heard.append(what)
            told = next((each for each in self.says if re.search(each[0], what)), None)
            if told is not None:
                self.says.remove(told)
        if told is not None:
            told[1](talk)
            return
        with self.lock:
            self.usual(talk)

    @abstractmethod
    def usual(self, talk: Call) -> None:
        """Answer as the service does."""

    def lost(self, talk: Call) -> None:
        """Do what is asked and never say so."""
        real, talk.say = talk.say, lambda *_, **__: None  # type: ignore[method-assign]
        try:
            with self.lock:
                self.usual(talk)
        finally:
            talk.say = real  # type: ignore[method-assign]
        talk.close_connection = True

    def count(self, pattern: str) -> int:
        """How many requests there were of a kind."""
        return sum(re.search(pattern, each) is not None for each in self.heard)


def later(status: int = 429, after: str = "1") -> Answer:
    """Too many questions: ask again later."""
    return lambda talk: talk.say(status, b'{"error": {}}', Retry_After=after)


def huge(talk: Call) -> None:
    """Six gigabytes are announced."""
    talk.head(200, Content_Length=str(6 * 1024**3))
    talk.wfile.write(b'{"id": "')
    talk.close_connection = True
