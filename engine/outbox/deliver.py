"""Sending what waits in the outbox.

Here: claiming rows, composing, handing over, writing down what happened; how often one address hears from us.
Not here: the bytes (`compose.py`), the connection (`wire.py`), the rows (`store/`).
Invariant: a row is claimed in a committed transaction before it is sent. A mail whose fate nobody knows is sent again
if it is a notification (same Message-ID), and never if it is automatic.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config.problems import SecretError
from engine.outbox.caps import over
from engine.outbox.compose import ComposeError, compose
from engine.outbox.contents import contents
from engine.outbox.templates import Templates
from engine.outbox.wire import Away, Refused, Wire
from engine.stop import Stop, Stopped
from engine.store.locks import owner

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxRow
    from engine.store.store import Store

ATTEMPTS = 20
"""How often a mail is tried: with the waits below, for about two days."""

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)

CAP_WAIT = timedelta(minutes=15)
"""How long a mail waits that is over a cap of an hour."""


class Delivered(Struct, frozen=True):
    """How many rows were sent, failed or wait, or may have been sent; `away` says why sending stopped."""

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    away: str = ""


def deliver(
    store: Store,
    config: Config,
    limit: int = 200,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    stop: Stop | None = None,
) -> Delivered:
    """Send at most `limit` rows; without [smtp] mail stays queued. Raises: StoreError, Stopped.

    A request to stop is heard until a mail is handed over; that one is finished and written down first.
    """
    if config.smtp is None and not config.webhooks:
        return Delivered()
    return _Run(store, config, now, stop or Stop()).all(limit)


class _Run:
    """One pass over the outbox."""

    def __init__(self, store: Store, config: Config, now: Callable[[], datetime], stop: Stop) -> None:
        self._store, self._config, self._now, self._stop = store, config, now, stop
        self._templates: dict[str, Templates] = {}
        self._away = ""
        self._counts = {"sent": 0, "failed": 0, "unknown": 0}

    def all(self, limit: int) -> Delivered:
        smtp = self._config.smtp
        domain = smtp.from_.rpartition("@")[2].rstrip("> ") if smtp is not None else ""
        with Wire(smtp, domain) if smtp is not None else nullcontext() as wire:
            for _ in range(limit):
                with self._stop.interruptible():
                    pass
                claimed = self._store.outbox.claim(1, self._now(), owner())  # a crash leaves one in doubt, not more
                for row in claimed:
                    self._counts[self._webhook(row) if row.kind == "webhook" else self._mail(row, wire)] += 1
                if not claimed or self._away:
                    break
        return Delivered(**self._counts, away=self._away)

    def _mail(self, row: OutboxRow, wire: Wire | None) -> str:
        """Send one mail; sent, failed or unknown."""
        if wire is None:
            return self._postpone(row, "there is no [smtp] section")
        try:
            mail, context = contents(row, self._store, self._config, self._now())
            if cap := over(self._store, self._config.settings(context.workspace), mail, self._now()):
                return self._postpone(row, cap.reason) if cap.waits else self._give_up(row, cap.reason)
            composed = compose(mail, context, self._of(context.workspace))
            wire.send(composed.reverse_path, composed.recipients, composed.content, self._stop.interruptible)
        except Stopped:
            self._store.outbox.failed(row.id, "not sent: the pass was interrupted", self._now())
            raise
        except (ComposeError, SecretError) as error:
            return self._give_up(row, str(error))
        except Refused as error:
            return self._wait(row, str(error)) if error.later else self._give_up(row, str(error))
        except Away as error:
            self._away = str(error)
            if error.sent and row.automatic:
                self._store.outbox.unknown(row.id)
                return "unknown"
            return self._wait(row, str(error))
        self._store.outbox.sent(row.id, composed.message_id, self._now())
        return "sent"

    def _webhook(self, row: OutboxRow) -> str:
        from engine.outbox.webhook import NotTold, post

        hook = self._config.webhooks.get(str(row.payload.get("name", "")))
        if hook is None:
            return self._give_up(row, "there is no such webhook any more")
        told = {
            "schema": "allegra.webhook/1",
            "event": row.payload.get("event", ""),
            "mail": row.mail,
            "item": row.item or None,
        }
        try:
            post(hook.secret(), told, hook.timeout, row.message_id)
        except SecretError as error:
            return self._wait(row, str(error))
        except NotTold as error:
            return self._wait(row, str(error)) if error.later else self._give_up(row, str(error))
        self._store.outbox.sent(row.id, row.message_id, self._now())
        return "sent"

    def _of(self, workspace: str) -> Templates:
        """The templates of a workspace, compiled once a pass."""
        if workspace not in self._templates:
            directory = self._config.settings(workspace).replies.directory
            self._templates[workspace] = Templates(directory, self._config.instance.language)
        return self._templates[workspace]

    def _wait(self, row: OutboxRow, error: str) -> str:
        """Try again later, the longer the more often it failed."""
        if row.attempts >= ATTEMPTS:
            return self._give_up(row, f"{error} ({row.attempts} attempts)")
        wait = min(FIRST_WAIT * 2 ** min(max(row.attempts - 1, 0), 16), LONGEST_WAIT)
        self._store.outbox.failed(row.id, error, self._now() + wait)
        return "failed"

    def _postpone(self, row: OutboxRow, why: str) -> str:
        """Let a mail wait that was not tried, for it would be too much now."""
        self._store.outbox.postponed(row.id, why, self._now() + CAP_WAIT)
        return "failed"

    def _give_up(self, row: OutboxRow, error: str) -> str:
        self._store.outbox.failed(row.id, error, None)
        return "failed"
