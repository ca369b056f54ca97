"""What the name service says: SRV records for mail (RFC 6186, RFC 8314), mail exchangers, and a sign of Microsoft 365.

Not here: asking (`world.py`), which exchangers are whose (`providers.py`).
Invariant: a record of "." says that there is no such service, and is never taken for a host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.discovery.found import Server, Tls

if TYPE_CHECKING:
    from engine.discovery.world import World

SERVICES: tuple[tuple[str, str, Tls], ...] = (
    ("_imaps._tcp", "imap", True),
    ("_imap._tcp", "imap", "starttls"),
    ("_pop3s._tcp", "pop3", True),
    ("_submissions._tcp", "smtp", True),
    ("_submission._tcp", "smtp", "starttls"),
)
"""The names that are asked for, the best way to a service first."""

MOST_HOSTS = 10


def by_srv(world: World, domain: str) -> tuple[Server, ...]:
    """The servers that SRV records name, in the order of their priority. Raises NoNames."""
    found: list[Server] = []
    for service, protocol, safe in SERVICES:
        records = sorted(world.records(f"{service}.{domain}", "SRV"), key=lambda each: (each.priority, -each.weight))
        hosts = [(plain(each.target), int(each.port)) for each in records[:MOST_HOSTS]]
        found += [Server(protocol, host, port, safe) for host, port in hosts if host]
    return tuple(found)


def exchangers(world: World, domain: str) -> list[str]:
    """The hosts that take mail for a domain, the best first; [""] where it says that it takes none (RFC 7505).

    Raises NoDomain and NoNames.
    """
    records = sorted(world.ask(domain, "MX"), key=lambda each: each.preference)
    return [plain(each.exchange) for each in records[:MOST_HOSTS]]


def is_microsofts(world: World, domain: str) -> bool:
    """Tell whether Outlook is sent to Microsoft 365 to find the mailbox. Raises NoNames."""
    names = (plain(each.target) for each in world.records(f"autodiscover.{domain}", "CNAME"))
    return any(name == "autodiscover.outlook.com" for name in names)


def plain(name: object) -> str:
    """A name as people write it: in small letters, without the dot at its end."""
    return str(name).rstrip(".").lower()
