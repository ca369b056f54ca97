"""What a search finds: servers, who says so, and what was tried in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from engine.discovery.providers import Provider

Tls = bool | Literal["starttls"]
"""As `ssl` in allegra.toml: TLS from the first byte, STARTTLS, or none."""


class Server(Struct, frozen=True):
    """A server with a port; `protocol` is imap, pop3 or smtp. `username` "" is the whole address."""

    protocol: str
    host: str
    port: int
    ssl: Tls = True
    username: str = ""

    def __str__(self) -> str:
        """For people: `imap.example.com, port 993, TLS`."""
        safe = "STARTTLS" if self.ssl == "starttls" else "TLS" if self.ssl else "no TLS"
        return f"{self.host}, port {self.port}, {safe}"


class Found(Struct, frozen=True):
    """What came of a search. `servers` are those of the step that found any, the best first, those for sending behind.

    `way` says who named them. They are not `sure` where an unsigned answer of the name service names a host of another
    domain: a person has to say yes before a password goes there (RFC 6186, 6). `provider` is who runs them, if known,
    `tried` a sentence for each step that found nothing.
    """

    servers: tuple[Server, ...] = ()
    way: str = ""
    sure: bool = True
    provider: Provider | None = None
    tried: tuple[str, ...] = ()

    def reading(self, protocol: str = "") -> Server | None:
        """The server that mail is read from: by `protocol`, else by IMAP, else by POP3."""
        for wanted in (protocol,) if protocol else ("imap", "pop3"):
            for each in self.servers:
                if each.protocol == wanted:
                    return each
        return None

    @property
    def sending(self) -> Server | None:
        """The server that takes outgoing mail."""
        return next((each for each in self.servers if each.protocol == "smtp"), None)


def belongs(host: str, domain: str) -> bool:
    """Tell whether a host is of a domain, or below it."""
    return host == domain or host.endswith(f".{domain}")
