"""How often an account may be refused before it is left alone, so that its server does not lock it.

Here: the numbers, and the waits they come to. Not here: where refusals are kept, who waits (`run/backoff.py`,
`outbox/deliver.py`). Invariant: an account has at most `REFUSALS` refused logins in a `SPAN`, with whatever passwords.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

REFUSALS, SPAN = 3, timedelta(hours=1)
"""Most servers lock an account after five or ten refused logins in a while. The last of an hour is for other settings:
whoever mends the password need not wait."""

SECOND_LOGIN = timedelta(minutes=5)
"""The wait before the same settings are tried once more: a server that is started anew may refuse for a moment."""


def recent(times: Sequence[datetime], now: datetime) -> tuple[datetime, ...]:
    """Those of an hour; a clock that ran ahead counts for nothing."""
    return tuple([at for at in times if now - SPAN < at <= now])


def full_until(refused: Sequence[datetime]) -> datetime | None:
    """When the hour that has had its refusals is over; None where it has not."""
    return refused[-REFUSALS] + SPAN if len(refused) >= REFUSALS else None


def same_again(refused: Sequence[datetime]) -> datetime:
    """When the same settings may be tried once more, after one refusal of them at least."""
    return refused[-1] + SECOND_LOGIN if len(refused) < REFUSALS - 1 else refused[1 - REFUSALS] + SPAN
