"""The time that all processes of a desk agree on.

Here: `now`, and how a process whose host's clock is off is told. Not here: how times are stored (`database.py`).
Hosts may disagree about the time; what they share is the database on its server. Where a host's clock differs from that
one's, this process goes by the server's (PostgreSQL); with SQLite there is one host.
Invariant: a claim, a wait or a report of one host means the same to every other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import time_ns

TOLERATED_US = 2_000_000
"""So much clocks differ that are kept by NTP, and a question takes on its way."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ahead_us = 0


def now() -> datetime:
    """The time in UTC."""
    return _EPOCH + timedelta(microseconds=now_us())


def now_us() -> int:
    """The time in microseconds since 1970."""
    return time_ns() // 1000 + _ahead_us


def agree(with_us: int) -> int:
    """Hear what time it is at the server; gives by how many microseconds this host's clock is behind it."""
    global _ahead_us
    differs = with_us - time_ns() // 1000
    _ahead_us = differs if abs(differs) > TOLERATED_US else 0
    return differs
