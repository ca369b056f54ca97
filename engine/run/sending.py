"""The outbox in a pass: what is due is sent, and what is left is told, with the trouble that keeps it.

Here: `send`, for a pass and for a person who wants it now; a mail as it would go. Not here: how mail is sent
(`outbox/`), who is told of trouble, and how loud (`cli/run.py`). Invariant: trouble lasts until a mail went out, or
nothing waits any more, and as long as it lasts every pass names it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.model.stored import NO_WAY_OUT
from engine.outbox.deliver import Delivered, deliver, preview
from engine.run.report import Sent
from engine.stop import Stopped

if TYPE_CHECKING:
    from engine.config import Config
    from engine.stop import Stop
    from engine.store.store import Store

PER_RUN = 200
"""Rows of one pass where no [smtp] says how many."""


def send(
    store: Store, config: Config, limit: int = 0, stop: Stop | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC), *, asked: bool = False,
) -> Sent:  # fmt: skip
    """Send what is due, at most `limit` rows (0: `smtp.max_per_run`), and tell what waits. Raises StoreError.

    What is told by the clock is written first, what was found out while sending last: it goes with the next pass.
    """
    from engine.decision.hearing import Hearing
    from engine.run import digests

    done, teller, before = Delivered(), Hearing(config), store.troubles.find(NO_WAY_OUT)
    if store.queue.is_anything_to_tell(now()):
        digests.by_the_clock(store, config, teller, now())
    if store.outbox.waiting(now()):
        most = limit or (config.smtp.max_per_run if config.smtp is not None else PER_RUN)
        with suppress(Stopped):
            done = deliver(store, config, most, now, stop, asked=asked)
    if done.replaced:
        digests.templates_failed(store, teller, done.replaced, now())
    if config.smtp is not None and (done.sent or done.away):
        from engine.run.alarms import way_out

        way_out(store, config, before, now(), sent=done.sent > 0)
    rows, oldest = store.outbox.queued()
    trouble = store.troubles.find(NO_WAY_OUT)
    if trouble is not None and not rows:
        store.troubles.over(NO_WAY_OUT)
        trouble = None
    oldest_s = round((now() - oldest).total_seconds()) if oldest is not None else 0
    counts = Sent(done.sent, done.failed, done.unknown, rows, max(oldest_s, 0),
                  replaced=tuple([each.said for each in done.replaced]))  # fmt: skip
    return counts if trouble is None else replace(counts, away=trouble.said, since=trouble.since)


def as_it_would_go(store: Store, config: Config, number: int) -> bytes:
    """Compose a mail that was not composed yet. Raises Refused where it cannot be."""
    from engine.config.problems import SecretError
    from engine.outbox.contents import Gone
    from engine.outbox.letter import ComposeError
    from engine.store.errors import Refused

    try:
        return preview(store, config, store.outbox.row(number), datetime.now(UTC))
    except (ComposeError, Gone, SecretError) as error:
        raise Refused(f"row {number} cannot be composed: {error}") from None
