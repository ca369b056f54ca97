"""One mailbox, while its lease is ours: decide what waits, read what is new, settle.

Here: the order of these steps in one mailbox, what becomes of mail in hand when one fails or somebody asks to stop.
Not here: the lease and other mailboxes (`passing.py`), how a step is done (`sources/`, `store/`, `process.py`).
Invariant: the server hears nothing about a mail before its bytes are ours, and nothing final before its receipt is.
Over 300 lines: one visit, whose steps share what is in hand and what ends it early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.reasons import OUR_FAULT, PARENT_WAITS
from engine.model.stored import BROKEN, NO_ROOM
from engine.run.room import lack
from engine.stop import Stopped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from engine.config import Mailbox
    from engine.model.mail import RawMail
    from engine.model.stored import Spooled
    from engine.run.engine import Engine
    from engine.run.lease import Lease
    from engine.run.report import Listener, MailboxReport
    from engine.run.taking_up import Result
    from engine.run.unchanged import Unchanged
    from engine.sources.handed import Handed
    from engine.sources.source import Listed, Source
    from engine.stop import Stop

ACTIONS = 500
"""The most mails that are moved, flagged or deleted at a time."""

TRIED_S = 60.0
"""How long a pass tries mails that broke the machine before; each may take long, and new mail comes before them."""

MOST_BACK = 50
"""The most mails read again in one pass because they stand where they had been taken from."""


class Visit(Struct, eq=False, dict=True):
    """The work on one mailbox. `limit` bounds the new mails read; without `settle` the server hears nothing.

    `own` is a source that a host handed in for this mailbox, `opened` one whose session stands already. Mail older than
    `since` is left alone. A visit ends early where the machine `is_broken`. One that does not `decide` leaves what it
    reads to whoever does. Mail `may_wait` to be decided, or something be planned for the server. A listing that is
    known to be `unchanged` is not compared again.
    """

    engine: Engine
    mailbox: Mailbox
    report: MailboxReport
    lease: Lease
    listener: Listener
    now: Callable[[], datetime]
    limit: int = 0
    settle: bool = True
    own: Source | None = None
    since: datetime | None = None
    opened: AbstractContextManager[Source] | None = None
    decide: bool = True
    may_wait: bool = True
    is_planned: bool = True
    unchanged: Unchanged | None = None

    def __post_init__(self) -> None:
        """Ask nothing about mails that wait, or about what is planned, where the lease found none."""
        if self.lease.taken is not None:
            self.may_wait, self.is_planned = self.lease.taken.wait, self.lease.taken.is_planned

    @property
    def stop(self) -> Stop:
        """What asks this work to stop: the engine's."""
        return self.engine.stop

    @property
    def is_broken(self) -> bool:
        """Whether the mailbox pauses because the machine breaks on every mail."""
        return self.report.code == BROKEN

    def judge(self) -> None:
        """Where mail after mail broke, find out whether the machine is to blame: then the mailbox pauses."""
        from engine.run.breaker import judge

        if sentence := judge(self.engine, self.mailbox, self.lease.owner, self.now()):
            self.report.fail(BROKEN, sentence, self.engine.store.setbacks.standing(self.mailbox.name).retry_at)

    def look_at_files_again(self) -> None:
        """Let mail that waits for a file of ours be decided now: whether the file is mended is only seen that way."""
        queue, name = self.engine.store.queue, self.mailbox.name
        if self.may_wait and any(each.code in OUR_FAULT for each in queue.waiting(name)):
            queue.make_due(name, OUR_FAULT)

    def look_at_replies_again(self) -> None:
        """Decide what waited for a mail that was tried again just now."""
        queue, name = self.engine.store.queue, self.mailbox.name
        if any(each.code == PARENT_WAITS for each in queue.waiting(name)):
            queue.make_due(name, {PARENT_WAITS})
            self.decide_waiting(tried=False)

    def decide_waiting(self, tried: bool) -> None:
        """Decide what waits in the spool: released, deferred, left by a run that died; with `tried` also what broke."""
        name, queue = self.mailbox.name, self.engine.store.queue
        until = monotonic() + TRIED_S if tried else float("inf")
        while self.may_wait and not self.stop.is_set() and not self.is_broken and queue.is_due(name, self.now()):
            from engine.run.taking_up import claim

            batch, given_up = claim(self.engine, name, self.now(), self.lease.owner, tried=tried)
            self._tell(given_up)
            if not batch:
                return
            self._decide_all(batch)
            if monotonic() >= until:
                return

    def read_new(self) -> None:
        """Read what is new: spool first, decide, then tell the server. Raises SourceError, Stopped."""
        from engine.sources import open_source
        from engine.sources.handed import Handed
        from engine.sources.source import SourceError, account_of

        store, name = self.engine.store, self.mailbox.name
        limits = self.engine.config.settings("").limits
        reached = self.opened or open_source(self.mailbox, limits, self.now, self.own)
        with self.stop.interruptible(), reached as source:
            epoch = source.epoch(), source.uidnext, "" if self.own else account_of(self.mailbox)
            with self.stop.protected():
                if store.mailboxes.begin_epoch(name, *epoch, self.lease.taken):
                    self.report.notes.append(
                        f"mailbox {name}: {self.mailbox.place} began its message numbers anew, or is another host, "
                        "user or folder than before; every mail there is read again and known ones are recognised by "
                        "their bytes"
                    )
                self._plan_closed()
            self._settle(source)
            listed = source.list()
            with self.stop.protected():
                unknown, back = self._compared(epoch, [each.key for each in listed])
            unknown = self._fresh(source, listed, unknown)
            with self.stop.protected():
                keys, late, cleared = self._keys(unknown, back)
            handed = Handed(source, self.mailbox)
            try:
                if keys or late:
                    self.listener.mailbox_started(self.report, len(keys) + len(late))
                    self._read(source, handed, keys, late)
                else:
                    self._settle(source)
                withheld = handed.withheld(keys)
            except SourceError as error:
                if error.key:
                    with self.stop.protected():
                        store.mailboxes.broke(name, error.key)
                raise
            if cleared or withheld:
                with self.stop.protected(), store.joining():
                    store.mailboxes.whole(name, [key for key in cleared if key not in withheld])
                    for key in withheld:
                        store.mailboxes.broke(name, key)
            self.report.missed(withheld)
        self._note_unsettled()

    def _compared(self, epoch: object, keys: list[str]) -> tuple[list[str], list[str]]:
        """Which messages the ledger does not know, and which are back; not asked again of a listing that was quiet."""
        name, unchanged = self.mailbox.name, self.unchanged
        if unchanged is None or self.may_wait or self.is_planned:
            return self.engine.store.mailboxes.sort_keys(name, keys)
        if unchanged.is_known(name, epoch, keys):
            return [], []
        unknown, back = self.engine.store.mailboxes.sort_keys(name, keys)
        if not unknown and not back:
            unchanged.note(name, epoch, keys)
        return unknown, back

    def _fresh(self, source: Source, listed: Sequence[Listed], unknown: Sequence[str]) -> list[str]:
        """What is unknown without what is older than the mailbox is read from; that is counted. Raises SourceError."""
        if self.since is None:
            return [*unknown]
        from engine.run.since import part

        parted = part(self.engine.store, source, self.mailbox, listed, unknown, self.since)
        if parted.left is not None or self.lease.taken is None or self.lease.taken.is_old:
            with self.stop.protected():
                self.engine.store.old_mail.leave_alone(self.mailbox.name, parted.left)
        self.report.left(parted.left)
        return parted.fresh

    def _keys(self, unknown: list[str], back: list[str]) -> tuple[list[str], list[str], list[str]]:
        """What to fetch: new messages and some that are back; then, one by one, those that broke sessions.

        And over which messages sessions broke that are not to blame any more when all that was fetched.
        """
        store, name = self.engine.store, self.mailbox.name
        most = min(self.limit or self.mailbox.max_emails, self.mailbox.max_emails)
        suspects = store.mailboxes.suspects(name) if self.lease.taken is None or self.lease.taken.aside else []
        if not suspects:
            return [*unknown[:most], *back[:MOST_BACK]][:most], [], []
        there = set(unknown)
        late = [key for key in store.mailboxes.aside(name) if key in there]
        aside = set(late)
        keys = [*(key for key in unknown if key not in aside), *back[:MOST_BACK]][:most]
        fetched = {*keys, *late}
        return keys, late, [key for key in suspects if key in fetched or key not in there]

    def _read(self, source: Source, handed: Handed, keys: Sequence[str], late: Sequence[str]) -> None:
        """Fetch and spool; decide batch by batch. A reply to a mail of its own batch goes with the next one.

        From POP3 each mail is spooled before the next is asked for: some servers show a mail once only.
        """
        from engine.run.batches import BATCH_BYTES, batches
        from engine.run.taking_up import BATCH
        from engine.sources.source import SourceError

        one_by_one = self.mailbox.protocol == "pop3"
        limits = self.engine.config.settings("").limits
        spooled: list[Spooled] = []
        size = 0
        try:
            fetched = chain(handed.fetch(keys, limits), *(handed.fetch([key], limits) for key in late))
            for raws, broken in batches(fetched, 1 if one_by_one else BATCH):
                with self.stop.protected():
                    spooled += self._spool(raws)
                    size += sum(len(raw.content) for raw in raws)
                    full = not one_by_one or len(spooled) >= BATCH or size >= BATCH_BYTES
                    if full:
                        spooled = self._decide(spooled)
                        size = sum(len(each.raw.content) for each in spooled)
                if broken is not None:
                    raise broken
                if full:
                    self._settle(source)
                if not self._still_ours() or not self.has_room():
                    break
            with self.stop.protected():
                self._decide_all(spooled)
                spooled = []
            self._settle(source)
        except SourceError:
            with self.stop.protected():
                self._decide_all(spooled)
            raise
        except Stopped:
            with self.stop.protected():
                self.engine.store.ledger.unclaim(spooled)
            raise

    def _still_ours(self) -> bool:
        if not self.lease.heartbeat():
            self.report.state, self.report.code = "busy", "mailbox.busy"
            self.report.sentence = f"mailbox {self.mailbox.name}: another run has taken over"
        return self.lease.held and not self.is_broken

    def has_room(self) -> bool:
        """Whether mail may come in, by whatever way; the report says if not."""
        if said := lack(self.engine.config):
            self.report.fail(NO_ROOM, f"mailbox {self.mailbox.name}: {said}")
        return not said

    def _spool(self, raws: Sequence[RawMail]) -> list[Spooled]:
        self.may_wait = self.is_planned = True
        self.report.new += len(raws)  # where the server keeps them until it is told, the next commit flushes them
        identical, flushed = self.mailbox.on_identical, self.own is not None or self.mailbox.protocol == "pop3"
        store = self.engine.store
        if not self.decide:
            with store.writing(noted=True):
                spooled = store.ledger.spool(raws, self.lease.owner, identical=identical)
                store.ledger.unclaim([each for each in spooled if not each.seen_before])
        else:
            spooled = store.ledger.spool(raws, self.lease.owner, identical=identical, flushed=flushed)
        fresh = [each for each in spooled if not each.seen_before]
        self.report.seen_before += len(spooled) - len(fresh)
        return fresh if self.decide else []

    def _decide(self, batch: Sequence[Spooled]) -> list[Spooled]:
        """Decide a batch but for the replies whose parents are in it, or in work elsewhere; those are given back.

        Unless they are a batch already: what waits in memory stays as small as that, however long a conversation is.
        """
        from engine.run.batches import BATCH_BYTES
        from engine.run.process import process
        from engine.run.taking_up import BATCH

        ready, late = self._parted(batch)
        if len(late) >= BATCH or sum(len(each.raw.content) for each in late) >= BATCH_BYTES:
            self._decide_all(batch)
            return []
        self._tell(process(self.engine, ready, self.now()))
        return late

    def _decide_all(self, batch: Sequence[Spooled]) -> None:
        """Decide a batch to its end, replies after the mails that they answer."""
        from engine.run.parents import LOOK_S, WAIT_S
        from engine.run.process import process

        waited, left = 0.0, batch
        results: list[Result] = []
        while left:
            ready, late = self._parted(left)
            if not ready and (self.stop.is_set() or waited >= WAIT_S):
                ready, late = late, []
            if ready:
                results += process(self.engine, ready, self.now())
            else:
                self.stop.wait(LOOK_S)
                waited += LOOK_S
            left = late
        order = {spooled.row: number for number, spooled in enumerate(batch)}
        self._tell(sorted(results, key=lambda result: order[result.spooled.row]))

    def _parted(self, batch: Sequence[Spooled]) -> tuple[list[Spooled], list[Spooled]]:
        from engine.run.parents import parted

        return parted(self.engine.store, batch, self.lease.owner, self.now())

    def _tell(self, results: Sequence[Result]) -> None:
        if results:
            self.is_planned = True
            from engine.run.line import line_of

            lines = [line_of(result) for result in results]
            self.report.lines += lines
            self.listener.mails_done(self.report, lines)
        if any(result.fault for result in results):
            self.judge()

    # ── settling ──────────────────────────────────────────────────────────────────────────────────────────────

    def _plan_closed(self) -> None:
        """Let go of mails that `keep_until = "item-closed"` kept in their mailbox, once their items are closed."""
        if self.mailbox.keep_until != "item-closed":
            return
        from engine.decision.mailbox_action import KEEP, plan_action
        from engine.model.plan import Outcome, Settle

        planned = plan_action(self.mailbox, Settle.SUCCESS, Outcome.CREATED, item_closed=True)
        if planned != KEEP:
            plan = self.engine.store.mailboxes.plan_closed
            self.is_planned |= plan(self.mailbox.name, planned.kind, planned.folder, ACTIONS) > 0

    def _settle(self, source: Source) -> None:
        """Do on the server what receipts planned; what fails stays planned for the next pass.

        May be interrupted: an action whose end we did not hear of is looked at again before it is repeated.
        """
        from engine.sources.source import Action

        if not self.settle or not self.is_planned:
            return
        store, failed = self.engine.store, self.report.unsettled
        rows = store.mailboxes.pending_actions(self.mailbox.name, ACTIONS)
        self.is_planned = bool(rows)
        planned = [Action(*row) for row in rows if row[0] not in failed]
        if planned:
            done = source.settle(planned)
            with self.stop.protected():
                told = [(each.key, each.state, each.why, each.moved_to) for each in done]
                store.mailboxes.actions_done(self.mailbox.name, told)
            failed |= {each.key: each.why for each in done if each.state == "failed"}

    def _note_unsettled(self) -> None:
        failed = self.report.unsettled
        if failed:
            many = f"{len(failed)} mails" if len(failed) > 1 else "1 mail"
            self.report.notes.append(
                f"mailbox {self.mailbox.name}: {many} could not be moved, marked or deleted and will be tried again: "
                f"{next(iter(failed.values()))}"
            )
