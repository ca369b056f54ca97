"""Serving the console: a socket, threads, an end that lets requests finish.

Here: `serve`, and what waitress is told (`limits`). Not here: the application (`app.py`), what a proxy says
(`proxied.py`). Invariant: it listens on what only this machine reaches; connections that say nothing, or little at a
time, take no thread, and none of the room of others.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response
from waitress.server import create_server

from engine.console.app import create
from engine.console.guard import MOST_WITH_FILES
from engine.desk.answered import Answered
from engine.desk.installation import Installation

if TYPE_CHECKING:
    from engine.config import Config


MOST_HEADER, MOST_BODY = 16 * 1024, MOST_WITH_FILES + 64 * 1024
"""Bytes of a request that are read; how much a form may be is up to what it is for (`app.py`)."""


MOST_CONNECTIONS = 800
"""Connections at once: each is a file, and a process may usually have 1,024; more wait until one ends."""

QUIET_S = 60
"""Seconds after which a connection on which nothing happens is closed."""


def limits(threads: int) -> dict[str, Any]:
    """Give what keeps a server of waitress working for all; addresses that proxies tell are read by `proxied.py`."""
    return {
        "threads": threads, "ident": "", "channel_timeout": QUIET_S, "cleanup_interval": 10,
        "connection_limit": MOST_CONNECTIONS, "asyncore_use_poll": True, "clear_untrusted_proxy_headers": False,
        "max_request_header_size": MOST_HEADER, "max_request_body_size": MOST_BODY,
    }  # fmt: skip


def collect_rarely() -> None:
    """Let the garbage collector go through all objects more rarely: a page makes many and leaves few cycles.

    One page in ten took twice as long for it (Statistics 90 ms, the others 47).
    """
    gc.set_threshold(100_000, 20, 100)


def serve(config: Config, path: Path, opened: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError where the socket cannot be had."""
    settings = config.console
    installation = Installation(path, config)
    where = (
        {"unix_socket": settings.listen, "unix_socket_perms": f"{settings.mode:o}"}
        if "/" in settings.listen
        else {"listen": settings.listen}
    )
    application, answered = create(installation), Answered(config.beside)

    @application.after_request
    def note(answer: Response) -> Response:
        answered.note()
        return answer

    server = create_server(
        application,
        **limits(settings.threads),
        **where,
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _end)
    collect_rarely()
    opened(settings.listen)
    answered.ready()
    try:
        server.run()  # an exit ends its loop, and waits for the requests that are under way
    finally:
        server.close()
        answered.close()
        installation.close()


def _end(*_: object) -> None:
    raise SystemExit(0)
