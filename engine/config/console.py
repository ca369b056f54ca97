"""What of [console] fits together: who comes in, which proxy is believed, how long sessions last.

Here: what contradicts or does nothing. Not here: single values (`kinds.py`), accounts (the database knows them).
Invariant: only what was written and is not the default is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.doors import PROXY_HEADER, Console
from engine.config.root import Root
from engine.config.tidy import Finding


def console(root: Root) -> Iterator[Finding]:
    """Find what keeps everybody out, and what does nothing."""
    own = root.console
    yield from _sessions(own)
    header = own.auth.startswith(PROXY_HEADER)
    if header and not own.trusted_proxies:
        said = f'auth = "{own.auth}" needs trusted_proxies: nobody is believed who says who somebody is'
        advice = 'add  trusted_proxies = ["unix"]  for a proxy that comes by a socket, or its address'
        yield Finding("C109", said, ("console", "auth"), advice)
    by_socket = own.listen.startswith("/")
    for number, proxy in enumerate(own.trusted_proxies):
        if (proxy == "unix") is not by_socket:
            place = "a unix socket" if by_socket else "an address"
            said = f'"{proxy}" does nothing: the console listens at {place}'
            advice = 'write "unix"' if by_socket else "write the address that the proxy comes from, as 127.0.0.1"
            yield Finding("C118", said, ("console", "trusted_proxies", number), advice)


def _sessions(own: Console) -> Iterator[Finding]:
    """How long sessions last, where there are none."""
    if own.auth == "accounts":
        return
    for option in ("session_idle", "session_most"):
        if option in own.written and getattr(own, option) != getattr(Console(), option):
            said = f'{option} does nothing: nobody signs in with  auth = "{own.auth}"'
            yield Finding("C118", said, ("console", option), "take it out", on_key=True)
