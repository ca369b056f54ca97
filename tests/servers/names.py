"""A name server on loopback with a few names of its own, and servers of TLS that greet or hand out files.

Here: `Names` (UDP), `Greeter`, `Files`. Not here: what is looked up (`engine/discovery`).
"""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class Names:
    """Answers for the records it is given, as (name, kind): texts. Names below nothing it knows are not there.

    What `silent` names gets no answer at all; `asked` holds every question.
    """

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]], silent: Sequence[str] = ()) -> None:
        self.records, self.silent = dict(records), silent
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                packet, client = self._socket.recvfrom(4096)
            except OSError:
                return
            if (answer := self._answer(dns.message.from_wire(packet))) is not None:
                self._socket.sendto(answer.to_wire(), client)

    def _answer(self, query: Any) -> Any:
        (question,) = query.question
        name, kind = str(question.name).rstrip(".").lower(), question.rdtype.name
        self.asked.append((name, kind))
        if name in self.silent or "*" in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if texts := self.records.get((name, kind), ()):
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *texts))
        elif not any(known == name or known.endswith(f".{name}") for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


class Greeter:
    """A mail server that greets and knows nothing else: behind TLS, or before it with STARTTLS in its `words`."""

    def __init__(self, context: ssl.SSLContext, greeting: bytes, starttls: Sequence[bytes] | None = None) -> None:
        self._context, self._greeting, self._starttls = context, greeting, starttls
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(line,), daemon=True).start()

    def _greet(self, line: socket.socket) -> None:
        try:
            if self._starttls is None:
                line = self._context.wrap_socket(line, server_side=True)
                line.sendall(self._greeting)
                self.heard.append(line.recv(100))
                return
            line.sendall(self._greeting)
            for said in self._starttls:
                self.heard.append(line.recv(100))
                line.sendall(said)
            line = self._context.wrap_socket(line, server_side=True)
        except OSError:
            pass
        finally:
            line.close()


class Files:
    """A web server behind TLS: `pages` maps host and path to a status, headers and a body."""

    def __init__(self, context: ssl.SSLContext, pages: Mapping[str, tuple[int, Mapping[str, str], bytes]]) -> None:
        asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                place = f"{self.headers['Host'].partition(':')[0]}{self.path.partition('?')[0]}"
                status, headers, body = pages.get(place, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.asked = asked
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign, assignment] # who hangs up, may
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
