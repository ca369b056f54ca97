"""The way to name servers and to hosts, for the search.

Here: one question to the name service, one connection, each with a deadline. Not here: what is asked (`names.py`,
`autoconfig.py`, `guesses.py`). dnspython is imported when the first question is asked.
Invariant: no question takes longer than its deadline; an answer "there is none" and no answer are never mixed up.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dns.resolver import Resolver

ASKING_S = 4.0
"""How long a question to the name service may take, with all its tries."""

PLAIN_ADDRESSES = ("A", "AAAA")


class NoNames(Exception):
    """The name service does not answer; the sentence says so."""


class NoDomain(Exception):
    """There is no domain of that name."""


class World:
    """The name service of this machine and the hosts it names; others for tests.

    `nameserver` is an address and a port to ask in place of those of /etc/resolv.conf; `ports` says at which port a
    service is in place of the usual one.
    """

    def __init__(self, nameserver: tuple[str, int] | None = None, ports: Mapping[int, int] | None = None) -> None:
        self._nameserver, self._ports = nameserver, ports or {}

    @cached_property
    def _resolver(self) -> Resolver:
        import dns.exception
        import dns.resolver

        try:
            resolver = dns.resolver.Resolver(configure=self._nameserver is None)
        except dns.exception.DNSException as error:  # no file, or nothing of use in it
            raise NoNames(f"this machine knows no name server: {error}") from None
        if self._nameserver is not None:
            resolver.nameservers, resolver.port = [self._nameserver[0]], self._nameserver[1]
        resolver.timeout, resolver.lifetime = ASKING_S / 2, ASKING_S
        return resolver

    def ask(self, name: str, kind: str) -> list[Any]:
        """Give the records of a kind at a name, none where there are none. Raises NoDomain and NoNames."""
        import dns.exception
        import dns.resolver

        try:
            return list(self._resolver.resolve(f"{name}.", kind, search=False))
        except dns.resolver.NXDOMAIN:
            raise NoDomain(f"there is no {name}") from None
        except dns.resolver.NoAnswer:
            return []
        except (dns.resolver.LifetimeTimeout, dns.resolver.NoNameservers) as error:
            late = isinstance(error, dns.resolver.LifetimeTimeout)
            said = f"did not answer within {ASKING_S:g} s" if late else "cannot tell"
            raise NoNames(f"the name service {said} ({kind} of {name})") from None
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise NoNames(f"{kind} of {name} cannot be asked for: {error}") from None

    def records(self, name: str, kind: str) -> list[Any]:
        """Give the records of a kind at a name; none where the name is not there either. Raises NoNames."""
        try:
            return self.ask(name, kind)
        except NoDomain:
            return []

    @contextmanager
    def line(self, host: str, port: int, seconds: float) -> Iterator[socket.socket]:
        """Connect to a host. After so many seconds the line is cut, however slowly bytes trickle in.

        Raises OSError and NoNames.
        """
        plain = self._connect(host, port, monotonic() + seconds)
        other = plain.dup()  # TLS takes the first one away
        end = threading.Timer(seconds, _cut, (other,))
        end.daemon = True
        end.start()
        try:
            yield plain
        finally:
            end.cancel()
            other.close()
            plain.close()

    def _connect(self, host: str, port: int, deadline: float) -> socket.socket:
        addresses = [record.address for kind in PLAIN_ADDRESSES for record in self.records(host, kind)]
        problem = OSError(f"there is no host {host}")
        for address in addresses:
            if (left := deadline - monotonic()) <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, self._ports.get(port, port)), left)
            except OSError as error:
                problem = error
        raise problem


def encrypted(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """Agree on TLS, the certificate checked against the host's name. Raises OSError and ValueError."""
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _cut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:  # it is over already
        pass
