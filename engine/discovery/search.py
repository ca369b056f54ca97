"""The search for the servers of an address: four steps, the first that finds a server ends it.

Here: the order of the steps, and what is told of each. Not here: how each works.
Invariant: what was tried in vain is told; a step that breaks or is late is one that found nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.discovery import autoconfig, guesses, names, providers
from engine.discovery.found import Found, Server, belongs
from engine.discovery.world import NoDomain, NoNames, World

if TYPE_CHECKING:
    from engine.discovery.providers import Provider

WORLD = World()
"""The name service of this machine."""


def known(domain: str, protocol: str = "") -> Found | None:
    """What is known of a domain without asking anybody: it is a provider's own."""
    provider = providers.of_domain(domain)
    return _of_provider(provider, protocol, f"it is a domain of {provider.name}") if provider is not None else None


def find(address: str, told: Callable[[str], None], protocol: str = "", world: World | None = None) -> Found:
    """Search the servers of an address; `told` hears what is tried, before it is. `protocol` "" is IMAP, else POP3."""
    domain, world = address.rpartition("@")[2].lower(), world or WORLD
    if (found := known(domain, protocol)) is not None:
        return found
    tried: list[str] = []
    try:
        exchangers = names.exchangers(world, domain)
    except NoDomain:
        return Found(tried=(f"there is no domain {domain}: look at how it is written",))
    except NoNames as error:
        return Found(tried=(f"{error}; nothing can be looked up without it",))
    if exchangers == [""]:
        return Found(tried=(f"{domain} says that it takes no mail",))
    for step in (_by_autoconfig, _by_srv, _by_exchanger, _by_guess):
        for found in step(world, address, domain, exchangers, protocol, told):
            if found.reading(protocol) is not None or found.provider is not None:
                return _whole(found, tried)
            tried += found.tried
    return Found(tried=tuple(tried))


def _whole(found: Found, tried: list[str]) -> Found:
    """With the provider, where its server gives it away, its server for sending, and what was tried before."""
    read = found.reading()
    provider = found.provider or (providers.of_server(read.host) if read is not None else None)
    sending = tuple(each for each in provider.servers() if each.protocol == "smtp") if provider is not None else ()
    servers = found.servers if found.sending is not None else (*found.servers, *sending)
    return replace(found, servers=servers, provider=provider, tried=tuple(tried))


def _by_autoconfig(
    world: World, address: str, domain: str, exchangers: list[str], protocol: str, told: Callable[[str], None]
) -> Iterator[Found]:
    for pattern in autoconfig.PLACES:
        url = autoconfig.place(pattern, domain, address)
        shown = url.partition("?")[0]
        told(f"asking {shown}")
        try:
            servers = autoconfig.read(autoconfig.fetched(world, url), address)
        except (autoconfig.Unusable, NoNames) as error:
            yield Found(tried=(f"{shown} {error}",))
            continue
        yield Found(servers, f"{shown} says so", tried=(f"{shown} names no server that mail is read from with TLS",))


def _by_srv(
    world: World, address: str, domain: str, exchangers: list[str], protocol: str, told: Callable[[str], None]
) -> Iterator[Found]:
    told(f"asking the name service for the SRV records of {domain}")
    try:
        servers = names.by_srv(world, domain)
    except NoNames as error:
        yield Found(tried=(str(error),))
        return
    found = Found(servers, f"SRV records of {domain} say so", tried=(f"{domain} has no SRV records for reading mail",))
    used = [each for each in (found.reading(protocol), found.sending) if each is not None]
    yield replace(found, sure=all(belongs(each.host, domain) or providers.of_server(each.host) for each in used))


def _by_exchanger(
    world: World, address: str, domain: str, exchangers: list[str], protocol: str, told: Callable[[str], None]
) -> Iterator[Found]:
    shown = exchangers[0] if exchangers else ""
    if (provider := providers.of_exchangers(exchangers)) is not None:
        yield _of_provider(provider, protocol, f"its mail is taken by {shown}, which is {provider.name}")
        return
    through = providers.filter_of(exchangers)
    try:
        if names.is_microsofts(world, domain):
            microsoft = next(each for each in providers.PROVIDERS if each.name == "Microsoft 365")
            yield _of_provider(microsoft, protocol, f"autodiscover.{domain} leads to Microsoft 365")
            return
    except NoNames:
        pass
    if through:
        yield Found(tried=(f"its mail is taken by {shown}, a filter ({through}) that it only passes through",))
    elif shown:
        yield Found(tried=(f"its mail is taken by {shown}, which tells nothing of where it is read",))
    else:
        yield Found(tried=(f"{domain} names no host that takes its mail (MX)",))


def _by_guess(
    world: World, address: str, domain: str, exchangers: list[str], protocol: str, told: Callable[[str], None]
) -> Iterator[Found]:
    hosts = guesses.usual(domain, exchangers[:1])
    told(f"trying {', '.join(hosts)}")
    doors = [door for door in guesses.DOORS if door[0] == (protocol or door[0])]
    servers = guesses.answering(world, hosts, doors)
    found = Found(servers, tried=(f"none of {', '.join(hosts)} is a mail server with a good certificate",))
    read = found.reading(protocol)
    if read is None:
        yield found
        return
    sending = dict.fromkeys((f"smtp.{domain}", read.host, f"mail.{domain}"))
    servers = (read, *guesses.answering(world, sending, guesses.SENDING)[:1])
    yield Found(servers, f"{read.host} answers, with a good certificate", belongs(read.host, domain))


def _of_provider(provider: Provider, protocol: str, way: str) -> Found:
    return Found(provider.servers(protocol or "imap"), way, provider=provider)


__all__ = ["WORLD", "Found", "Server", "find", "known"]
