"""Serving the console: a socket, threads, an end that lets requests finish.

Here: `serve`. Not here: the application (`app.py`). Invariant: it listens on what only this machine
reaches, so whoever tells where a request comes from is a proxy here.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from waitress.server import create_server

from engine.console.app import create
from engine.desk.installation import Installation

if TYPE_CHECKING:
    from engine.config import Config


MOST_HEADER, MOST_BODY = 16 * 1024, 2 * 1024 * 1024
"""Bytes of a request that are read."""


def serve(config: Config, path: Path, opened: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError where the socket cannot be had."""
    settings = config.console
    installation = Installation(path, config)
    where = (
        {"unix_socket": settings.listen, "unix_socket_perms": f"{settings.mode:o}"}
        if "/" in settings.listen
        else {"listen": settings.listen}
    )
    server = create_server(
        create(installation),
        threads=settings.threads,
        ident="",
        channel_timeout=60,
        trusted_proxy="*",
        trusted_proxy_headers={"x-forwarded-for"},
        trusted_proxy_count=1,
        clear_untrusted_proxy_headers=True,
        max_request_header_size=MOST_HEADER,
        max_request_body_size=MOST_BODY,
        **where,
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _end)
    opened(settings.listen)
    try:
        server.run()  # an exit ends its loop, and waits for the requests that are under way
    finally:
        server.close()
        installation.close()


def _end(*_: object) -> None:
    raise SystemExit(0)
