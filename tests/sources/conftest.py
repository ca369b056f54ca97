"""Builders for the tests of the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from mailboxes import Box, Sizes
from servers.chaos import Chaos

from engine.sources import open_source

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Bench:
    """Makes mailboxes and opens them."""

    limits: Sizes = Sizes()  # noqa: RUF009 - it is frozen
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
