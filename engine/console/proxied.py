"""What a proxy before the console says: where a request comes from, and below which path the console is.

Here: `Proxied`, which reads that before all else, and `trusts`. Not here: who somebody is (`guard.py`), the options
(`config/doors.py`).
Invariant: only who is trusted is believed; what anybody else says of another address is not read. Where nobody is
named, whoever reaches the door is on this machine, and believed about addresses, never about who somebody is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.installation import Installation

PEER = "allegra.peer"
"""Under this name stands who is at the other end of the connection: an address, or "unix"."""

FORWARDED = "HTTP_X_FORWARDED_FOR"

_BY_SOCKET = "localhost"
"""What waitress calls who comes by a unix socket; others have an address."""

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Proxied:
    """Stands before an application."""

    def __init__(self, application: Wsgi, installation: Installation) -> None:
        self._application, self._installation = application, installation

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer a request, by its address as the browser has it."""
        config = self._installation.config
        peer = environ.get("REMOTE_ADDR", "")
        environ[PEER] = peer = "unix" if peer in (_BY_SOCKET, "") else peer
        said = environ.pop(FORWARDED, "")
        if not config.console.trusted_proxies or trusts(config, peer):
            environ["REMOTE_ADDR"] = _last(said) or environ.get("REMOTE_ADDR", "")
        prefix, path = prefix_of(config), environ.get("PATH_INFO", "")
        if prefix:
            environ["SCRIPT_NAME"] = prefix
            if path == prefix or path.startswith(f"{prefix}/"):
                environ["PATH_INFO"] = path.removeprefix(prefix)
        return self._application(environ, start)


def prefix_of(config: Config) -> str:
    """The path below which the console is, "" for none: https://example.com/desk has /desk."""
    return urlsplit(config.instance.base_url).path.rstrip("/")


def trusts(config: Config, peer: str) -> bool:
    """Tell whether who is at the other end is a proxy of ours."""
    proxies = config.console.trusted_proxies
    if peer == "unix":
        return peer in proxies
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(each) for each in proxies if each != "unix")


def _last(said: str) -> str:
    """The address that the nearest proxy saw; "" where it is none."""
    text = said.rpartition(",")[2].strip().strip('"').removeprefix("[").partition("]")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
