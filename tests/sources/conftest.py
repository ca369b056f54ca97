"""Builders for the tests of the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from servers.chaos import Chaos

from engine.sources import open_source


@dataclass(frozen=True)
class Box:
    """A configured mailbox as the sources see it."""

    name: str = "system"
    workspace: str = ""
    protocol: str = "imap"
    host: str = "localhost"
    port: int = 0
    ssl: bool | str = True
    ssl_verification: bool = True
    ca_file: Path | None = None
    folder: str = "INBOX"
    query: str = "ALL"
    max_emails: int = 1000
    order: str = "oldest-first"
    timeout: float = 20.0
    after_success: str = "move"
    move_on_success: str = ""
    after_failure: str = "move"
    move_on_failure: str = ""
    move_on_hold: str = ""
    on_identical: str = "settle"
    exclusive_mailbox: bool = False
    keep_until: str = "processed"
    use_message_id_as_uid: bool = False
    delete_unprocessed: bool = False
    active: bool = True
    username: str = "somebody"
    password: str = "canary-4711"
    auth: str = "login"
    addresses: tuple[str, ...] = ()
    path: Path | None = None

    def secret(self) -> str:
        return self.password


@dataclass(frozen=True)
class Sizes:
    """The part of [limits] that sources look at."""

    raw: int = 50_000_000
    header_block: int = 256_000


NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Bench:
    """Makes mailboxes and opens them."""

    limits: Sizes = Sizes()
    now: datetime = NOON

    def box(self, **options: Any) -> Box:
        return replace(Box(), **options)

    def of(self, account: Any, kind: str = "imaps", **options: Any) -> Box:
        """The mailbox of an account of the Dovecot, by one of its ports."""
        server = account.server
        base = Box(
            protocol=kind.rstrip("s"),
            port=getattr(server, kind),
            ssl=kind.endswith("s"),
            ca_file=server.ca_file,
            username=account.user,
            password=account.password,
        )
        return replace(base, **options)

    def open(self, box: Box, limits: Sizes | None = None) -> Any:
        return open_source(box, limits or self.limits, lambda: NOON)  # type: ignore[arg-type]

    def read(self, box: Box, limits: Sizes | None = None) -> list[bytes]:
        """List and fetch everything."""
        with self.open(box, limits) as source:
            keys = [each.key for each in source.list()]
            return [raw.content for raw in source.fetch(keys, limits or self.limits)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def chaos() -> Iterator[Callable[[int], Chaos]]:
    """Start a chaos proxy before a port; stopped at the end."""
    started: list[Chaos] = []

    def start(upstream: int) -> Chaos:
        started.append(Chaos(upstream))
        return started[-1].__enter__()

    yield start
    for each in started:
        each.__exit__(None, None, None)


def mail(number: int, body: str = "Hello") -> bytes:
    """A small mail with a Message-ID of its own."""
    return (
        f"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Number {number}\r\n"
        f"Message-ID: <n{number}@example.com>\r\n\r\n{body} {number}\r\n"
    ).encode()


@pytest.fixture
def mails() -> Callable[[int], list[bytes]]:
    """Make mails with distinct Message-IDs."""
    return lambda count: [mail(number) for number in range(1, count + 1)]
