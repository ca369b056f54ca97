"""Sending what waits in the outbox.

Here: claiming rows, composing, handing over, writing down what happened; how long a row is tried; that people hear of
what is given up.
Not here: the bytes (`compose.py`), the way out (`transport.py`), the rows (`store/`), who hears
(`decision/hearing.py`).
Invariant: a row is claimed in a committed transaction before it is sent. A mail whose fate nobody knows is sent again
with the same bytes, but never an automatic answer. A server that is away costs no attempt, and a mail over which it
breaks keeps no other from going out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config.problems import SecretError
from engine.model.events import Kind, Why
from engine.model.stored import NO_WAY_OUT
from engine.outbox.compose import address, compose
from engine.outbox.contents import Gone, letter
from engine.outbox.letter import Composed, ComposeError
from engine.outbox.templates import Templates
from engine.outbox.transport import Away, Refused, Transport, transport
from engine.outbox.way import note_refused, waits
from engine.stop import Stop, Stopped
from engine.store.clock import now as utc_now
from engine.store.outbox import ORDER

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.hearing import Hearing
    from engine.log import Entry
    from engine.model.stored import OutboxRow
    from engine.store.store import Store

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)

GIVE_UP_S = 5 * 86400.0
"""How long a webhook is tried where no `[smtp]` says how long a mail is."""

GIVEN_UP_AT_ONCE = 100
"""Rows of one transaction where many are given up: who hears of each is asked, and others want to write, too."""

MOST_BREAKS = 2
"""Times in a row that the way out may break over a mail, or refuse us, until the pass leaves it alone."""


class Replaced(Struct, frozen=True):
    """A template that failed where a workspace uses it, and why: the built-in text went out in its place."""

    workspace: str
    template: str
    said: str


class Delivered(Struct, frozen=True):
    """How many rows were sent, failed or wait, or may have been sent; `away` says why nothing goes out.

    `replaced` are the templates that failed.
    """

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    away: str = ""
    replaced: tuple[Replaced, ...] = ()


def deliver(
    store: Store, config: Config, limit: int = 200, now: Callable[[], datetime] = utc_now,
    stop: Stop | None = None, *, asked: bool = False,
) -> Delivered:  # fmt: skip
    """Send at most `limit` rows; without [smtp] mail is dropped. Raises: StoreError, Stopped.

    Unless somebody `asked` for it, a server that refused our login is left alone for a while. A request to stop is
    heard until a mail is handed over; that one is finished and written down first.
    """
    if config.smtp is None and not config.webhooks:
        return Delivered()
    away = "" if asked or config.smtp is None else waits(store, config, config.smtp, now())
    return _Run(store, config, now, stop or Stop(), away).all(limit)


def preview(store: Store, config: Config, row: OutboxRow, now: datetime) -> bytes:
    """Compose a mail without keeping anything of it. Raises: ComposeError, Gone, SecretError."""
    return _Run(store, config, lambda: now, Stop()).compose(row).content


class _Run:
    """One pass over the outbox."""

    def __init__(self, store: Store, config: Config, now: Callable[[], datetime], stop: Stop, away: str = "") -> None:
        self._store, self._config, self._now, self._stop = store, config, now, stop
        self._templates: dict[str, Templates] = {}
        self._away, self._closed, self._breaks, self._reached = away, bool(away), 0, False
        self._sent: OutboxRow | None = None
        self._replaced: list[Replaced] = []
        self._counts = {"sent": 0, "failed": 0, "unknown": 0}
        self._entries: list[Entry] = []

    def all(self, limit: int) -> Delivered:
        smtp = self._config.smtp
        domain = smtp.from_.rpartition("@")[2].rstrip("> ") if smtp is not None else ""
        with transport(smtp, domain) if smtp is not None else nullcontext() as way:
            try:
                for _ in range(limit):
                    with self._stop.interruptible():
                        pass
                    row = self._take()
                    if row is None:
                        break
                    is_mail = row.kind is not Kind.WEBHOOK
                    self._counts[self._mail(row, way) if is_mail else self._webhook(row)] += 1
            finally:
                self._note_sent()
                if self._entries:
                    self._write_log()
        self._note_trouble()
        return Delivered(**self._counts, away=self._away, replaced=tuple(dict.fromkeys(self._replaced)))

    def _take(self) -> OutboxRow | None:
        """Note that the last one was sent and claim the next: one at a time, so that a crash leaves one in doubt."""
        with self._store.joining():
            self._note_sent()
            kinds = (Kind.WEBHOOK,) if self._closed else ORDER  # programs hear also while no mail goes out
            claimed = self._store.outbox.claim(1, self._now(), self._store.owner, kinds)
        return claimed[0] if claimed else None

    def _note_sent(self) -> None:
        row, self._sent = self._sent, None
        if row is not None:
            self._store.outbox.sent(row.id, self._now())
            self._log(row, "info", "sent")

    def _mail(self, row: OutboxRow, way: Transport | None) -> str:
        """Send one mail; sent, failed or unknown."""
        outbox = self._store.outbox
        if way is None:
            outbox.dropped(row.id, Why.NO_SMTP)
            self._log(row, "warning", "dropped", "there is no [smtp]")
            return "failed"
        try:
            made = self._composed(row)
            way.send(made.reverse_path, made.recipients[0], made.content, self._stop.interruptible)
        except Stopped:
            outbox.postponed(row.id, "not sent: the pass was interrupted")
            raise
        except Gone as error:
            outbox.dropped(row.id, error.why or "", error.said)
            self._log(row, "info", "dropped", error.said)
            return "failed"
        except (ComposeError, SecretError) as error:
            return self._give_up(row, str(error))
        except Refused as error:
            return self._refused(row, error)
        except Away as error:
            return self._broke(row, error)
        self._away, self._breaks, self._reached = "", 0, True
        self._sent = row
        return "sent"

    def _refused(self, row: OutboxRow, error: Refused) -> str:
        """A refusal is for this mail, for now or for good; or for us, and then another mail may not go out either."""
        self._reached = True
        if error.ours:
            self._count(str(error))
        else:
            self._away, self._breaks = "", 0
        return self._wait(row, str(error)) if error.later else self._give_up(row, str(error))

    def _broke(self, row: OutboxRow, error: Away) -> str:
        """Where nobody lets us in, all mail waits and no attempt counts; where it broke over a mail, others may do."""
        said = str(error)
        if not error.met:
            self._away, self._closed = said, True
            if error.login and self._config.smtp is not None:
                note_refused(self._store, self._config, self._config.smtp, said, self._now())
            self._store.outbox.postponed(row.id, said)
            self._log(row, "warning", "waits", said)
            return "failed"
        self._count(said)
        if error.sent and row.automatic:
            self._store.outbox.unknown(row.id)
            self._log(row, "warning", "unknown", said)
            return "unknown"
        return self._wait(row, said)

    def _count(self, said: str) -> None:
        self._away, self._breaks = said, self._breaks + 1
        self._closed = self._breaks >= MOST_BREAKS

    @cached_property
    def _teller(self) -> Hearing | None:
        """Says who hears of a mail that will not arrive; nobody can be told where what we send cannot be signed."""
        from engine.decision.hearing import Hearing

        try:
            self._config.instance.secret()
        except SecretError:
            return None
        return Hearing(self._config)

    def _note_trouble(self) -> None:
        """Note that the way out is closed, or open again. What waits too long before a closed one has failed."""
        troubles, smtp = self._store.troubles, self._config.smtp
        if self._away and smtp is not None:
            since = troubles.begin(NO_WAY_OUT, self._away, self._now()).since
            before = self._now() - timedelta(seconds=smtp.give_up_after)
            while overdue := self._store.outbox.overdue(before, GIVEN_UP_AT_ONCE):
                with self._store.joining():
                    for number in overdue:
                        self._fail(number, self._away, since)
                self._counts["failed"] += len(overdue)
        elif self._reached and troubles.find(NO_WAY_OUT) is not None:
            troubles.over(NO_WAY_OUT)

    def _composed(self, row: OutboxRow) -> Composed:
        """The mail as it was composed at first, or composed now. Raises: ComposeError, Gone, SecretError."""
        if row.content:
            made = letter(row, self._store, self._config, self._now())
            return Composed(made.message_id, made.reverse_path, (address(made.to),), row.content)
        composed = self.compose(row)
        self._store.outbox.composed(row.id, composed.message_id, composed.content)
        if composed.replaced:
            self._replaced.append(Replaced(row.told.workspace, row.told.template, composed.replaced))
        return composed

    def compose(self, row: OutboxRow) -> Composed:
        """Compose a mail. Raises: ComposeError, Gone, SecretError."""
        made = letter(row, self._store, self._config, self._now())
        return compose(made, self._of(made.workspace))

    def _webhook(self, row: OutboxRow) -> str:
        from engine.outbox.webhook import NotTold, post, said

        hook = self._config.webhooks.get(row.told.to)
        if hook is None:
            return self._give_up(row, "there is no such webhook any more")
        try:
            post(hook.address(), said(row), hook.timeout, row.message_id or row.key, hook.signing_secret())
        except SecretError as error:
            return self._wait(row, str(error))
        except NotTold as error:
            return self._wait(row, str(error)) if error.later else self._give_up(row, str(error))
        self._sent = row
        return "sent"

    def _of(self, workspace: str) -> Templates:
        """The templates of a workspace, compiled once a pass."""
        if workspace not in self._templates:
            directory = self._config.settings(workspace).replies.directory
            self._templates[workspace] = Templates(directory, self._config.instance.language, workspace)
        return self._templates[workspace]

    def _wait(self, row: OutboxRow, error: str) -> str:
        """Try again later, the longer the more often it failed, until `smtp.give_up_after` is over."""
        limit = GIVE_UP_S if self._config.smtp is None else self._config.smtp.give_up_after
        if (self._now() - row.waits_since).total_seconds() > limit:
            return self._give_up(row, f"{error} ({row.attempts} attempts)")
        wait = min(FIRST_WAIT * 2 ** min(max(row.attempts - 1, 0), 16), LONGEST_WAIT)
        self._store.outbox.failed(row.id, error, self._now() + wait)
        self._log(row, "warning", "waits", error)
        return "failed"

    def _give_up(self, row: OutboxRow, error: str) -> str:
        if row.kind is Kind.WEBHOOK:
            self._store.outbox.failed(row.id, error, None)
        else:
            self._fail(row.id, error)
        self._log(row, "error", "failed", error)
        return "failed"

    def _fail(self, number: int, error: str, away_since: datetime | None = None) -> None:
        """Let a mail have failed for good, and tell who waits for it to arrive."""
        with self._store.joining():
            self._store.outbox.failed(number, error, None)
            self._store.ledger.not_arrived(number, error, self._teller, away_since)

    def _log(self, row: OutboxRow, level: str, what: str, said: str = "") -> None:
        """Remember what became of a row for the log, which is written once a pass."""
        if self._config.logs:
            from engine.log import Entry

            about = f"row {row.id} {row.kind} {row.event} to {row.told.to}" + (f": {said}" if said else "")
            self._entries.append(Entry(level, f"outbox.{what}", about, row.item, row.mail))

    def _write_log(self) -> None:
        from engine.log import write

        write(self._config, self._entries)
