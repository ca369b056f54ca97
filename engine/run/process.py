"""From spooled mails to receipts: decide each, commit together.

Here: the order of deciding and committing, what happens when an answer changed meanwhile, and that a mail which breaks
the machine is counted and retried while the next one goes on. Not here: where mails come from (`passing.py`,
`doors/taking.py`), how a batch is led through the decision (`hand.py`), what a table does. Invariant: every mail of a
batch ends in a receipt, a deferral or a counted failure; one transaction holds all effects of a round.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.decision.mailbox_action import action_in
from engine.model.draft import ENGINE, Disposition, Verdict
from engine.model.events import Kind, Why
from engine.model.extra import ExtraError
from engine.model.plan import Outcome, Plan, Settle, Tell
from engine.model.reasons import PARENT_WAITS
from engine.model.trace import hits_of, measures_of
from engine.model.whole import whole
from engine.run import breaker, logged
from engine.run.digests import switched_off
from engine.run.engine import Engine
from engine.run.hand import Hand
from engine.run.heap import keep_heap
from engine.run.parents import put_off
from engine.run.taking_up import MAX_ATTEMPTS, Result, after_error, report
from engine.run.world import Live, World, is_still_true
from engine.store.commit import actor_of
from engine.store.errors import Busy, ClaimLost, Conflict, StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.case import Case
    from engine.decision.pipeline import Decision
    from engine.model.plan import Effect
    from engine.model.stored import Spooled
    from engine.store.keys import Decided
    from engine.store.store import Store

DECIDE_AGAIN = 3
"""How often a mail is decided anew because an answer changed before it could be committed."""

DEFER_WAIT = timedelta(minutes=5)
"""How long a deferred mail waits until the next try."""

PATIENCE_S, MOST_PATIENCE_S = 0.25, 2.0
"""How long the mails of a batch wait for scripts, all together, before those that are ready are committed without the
others; those wait longer with each round."""


def process(engine: Engine, batch: Sequence[Spooled], now: datetime) -> list[Result]:
    """Decide and commit spooled mails, one result each.

    After a request to stop, mails not yet decided are given back and have no result. Raises StoreError when the
    database is away or full: nothing of the batch is committed then, nothing was told to the server, and no mail
    is charged with it. In a store that takes all of it back, nothing is remembered of scripts either.
    """
    keep_heap()
    results = _Work(engine, now, World if engine.store.is_rehearsing else Live).all(batch)
    switched_off(engine.store, engine.teller, engine.switched_off(), now)
    return results


@dataclass
class _Work:
    """The work on one batch."""

    engine: Engine
    now: datetime
    world: type[World]
    store: Store = field(init=False)
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        self.store, self.config = self.engine.store, self.engine.config

    def all(self, batch: Sequence[Spooled]) -> list[Result]:
        """Decide and commit every mail of a batch, in its order."""
        order = {spooled.row: number for number, spooled in enumerate(batch)}
        results, rest = self._after_parents(batch)
        patience_s = PATIENCE_S
        try:
            while rest:
                told, again, rest = self.round(rest, patience_s)
                patience_s = min(2 * patience_s, MOST_PATIENCE_S)
                results += told
                if len(again) > 1:  # answers to mails of this very batch, most of them
                    told, again, late = self.round(again, patience_s)
                    results, rest = results + told, [*rest, *late]
                for spooled in again:
                    results += self.alone(spooled)
        finally:
            self.engine.batch_over()
            logged.mails(self.engine, results)
        return sorted(results, key=lambda result: order[result.spooled.row])

    def _after_parents(self, batch: Sequence[Spooled]) -> tuple[list[Result], Sequence[Spooled]]:
        """Put off what answers a mail that is not decided yet; gives that, and the rest."""
        if self.engine.stop.is_set():  # all are given back
            return [], batch
        late = put_off(self.store, batch, self.now, self.config.settings("").errors.parent_wait)
        told = [Result(one, Outcome.DEFERRED, PARENT_WAITS, late[one.row], ENGINE) for one in batch if one.row in late]
        return told, [spooled for spooled in batch if spooled.row not in late]

    def alone(self, spooled: Spooled) -> list[Result]:
        """Decide a mail whose answers changed once more, by itself; one that never comes to rest waits."""
        for _ in range(DECIDE_AGAIN):
            results, again, _ = self.round([spooled])
            if not again:
                return results
        why = Disposition(Verdict.DEFER, "commit.conflict", "what this mail depends on kept changing", ENGINE)
        with self.store.writing():
            return [self._deferred(spooled, why)]

    def round(
        self, batch: Sequence[Spooled], patience_s: float = MOST_PATIENCE_S
    ) -> tuple[list[Result], list[Spooled], list[Spooled]]:
        """Decide a batch, commit all in one transaction; gives results, mails to decide again, and those that are late.

        At first without savepoints, and what happened is told when all of it has: where something breaks, all is taken
        back and done mail by mail, to find out which one it was; the others are none the worse for it.
        """
        hand = Hand(self.engine, batch)
        try:
            decided = hand.decide(self.world, patience_s)
            try:
                results, again = self._committed(hand, decided, careful=False)
            except Exception as error:
                waited = isinstance(error, Busy) and self.store.beside_others  # for each other, or for too long
                if isinstance(error, StoreError) and not waited:
                    raise
                results, again = self._committed(hand, decided, careful=True)
        finally:
            hand.put_down()
        return results, again, hand.late

    def _committed(self, hand: Hand, decided: Sequence[Case], *, careful: bool) -> tuple[list[Result], list[Spooled]]:
        results: list[Result] = []
        again: list[Spooled] = []
        broken = [*hand.broken]
        untold: list[Any] | None = None if careful else []
        with self.store.writing(noted=True):
            self.store.hold(map(_held, decided), [hand.batch[case.number] for case in decided])
            self.engine.keep(self.now)
            for case in decided:
                spooled = hand.batch[case.number]
                hand.note(spooled.row)
                if not is_still_true(self.store, case.decision):
                    again.append(spooled)
                    continue
                try:
                    if not careful:
                        results.append(self._commit(spooled, case.decision, case.trace, untold))
                    elif result := self._carefully(spooled, case, broken):
                        results.append(result)
                except ClaimLost:
                    pass  # another runner has the mail, and answers for it; nothing was written
                except Conflict:  # somebody was faster: what is there now is another answer
                    if not careful:
                        raise
                    again.append(spooled)
            self.store.tell(untold or (), hand.note)
            results += [self._failed(spooled, error) for spooled, error in broken]
            breaker.count(self.store, hand.batch, len(results) - len(broken), broken)
            hand.put_down()
        self.engine.kept()
        return results, again

    def _carefully(self, spooled: Spooled, case: Case, broken: list[tuple[Spooled, Exception]]) -> Result | None:
        """Commit a mail behind a savepoint; one that breaks the machine is put down.

        Raises ClaimLost, Conflict where another process was faster, StoreError.
        """
        try:
            with self.store.savepoint():
                return self._commit(spooled, case.decision, case.trace)
        except (ClaimLost, StoreError):
            raise
        except Exception as error:
            if isinstance(error, Conflict) and self.store.beside_others:
                raise
            broken.append((spooled, error))
        return None

    def _commit(
        self, spooled: Spooled, decision: Decision, trace: bytes, untold: list[Any] | None = None
    ) -> Result:  # fmt: skip
        plan = decision.plan
        if plan.disposition.verdict is Verdict.DEFER:
            return self._deferred(spooled, plan.disposition, decision, trace)
        if plan.disposition.code == "limits.too_big" and not self.store.database.is_rehearsing:
            plan = self._copied(spooled, decision.facts.workspace, plan)
        settle = Settle.NOTHING if spooled.raw.truncated else plan.settle  # what we hold in part stays on the server
        kind, folder = action_in(self.config, spooled.raw.origin.mailbox, settle, plan.outcome)
        if self.engine.server_tells and plan.outcome is Outcome.REJECTED:
            plan = replace(plan, effects=tuple(map(_by_the_server, plan.effects)))
        receipt = self.store.commit(
            spooled,
            decision.mail,
            decision.facts,
            plan,
            trace,
            kind,
            folder,
            self.engine.teller,
            untold,
            hits_of(decision.trace.rules),
            measures_of(decision.trace.answers),
        )
        return Result(spooled, plan.outcome, plan.disposition.code, plan.disposition.because, plan.disposition.by,
                      decision, receipt)  # fmt: skip

    def _copied(self, spooled: Spooled, workspace: str, plan: Plan) -> Plan:
        """Copy a mail that is too big to gates.big_files_dir; where that fails, the reason says so."""
        from engine.run.big_files import keep

        folder = self.config.settings(workspace).gates.big_files_dir
        failure = keep(folder, spooled.raw.digest, spooled.raw.content) if folder is not None else ""
        if not failure:
            return plan
        return replace(plan, disposition=replace(plan.disposition, because=f"{plan.disposition.because}; {failure}"))

    def _deferred(
        self, spooled: Spooled, why: Disposition, decision: Decision | None = None, trace: bytes = b""
    ) -> Result:
        """Leave a mail waiting; one that waited longer than errors.defer_limit is held instead."""
        waited = (self.now - spooled.raw.received_at).total_seconds()
        limit = self.config.settings("").errors.defer_limit
        if decision is not None and waited > limit:
            held = replace(
                decision.plan,
                disposition=replace(
                    why, verdict=Verdict.HOLD, because=f"{why.because} (waited {waited / 86400:.0f} days)"
                ),
                outcome=Outcome.HELD,
                settle=Settle.HOLD,
                effects=(),
            )
            return self._commit(spooled, replace(decision, plan=held), trace)
        if self.store.ledger.defer(spooled, why.code, why.because, self.now + DEFER_WAIT) and decision is not None:
            self.store.ledger.describe(spooled, decision.mail, decision.facts)
            self._tell(spooled, decision)
        return Result(spooled, Outcome.DEFERRED, why.code, why.because, why.by, decision)

    def _tell(self, spooled: Spooled, decision: Decision) -> None:
        """Say that a mail waits: to its sender once, to each admin once a day for each mailbox and reason (F021)."""
        plan = decision.plan
        tell = next((effect for effect in plan.effects if isinstance(effect, Tell)), None)
        if tell is not None:
            occasion = f"waits:{spooled.raw.origin.mailbox}:{plan.disposition.code}:{self.now.date()}"
            once = {Kind.AUTO: f"{spooled.row}:waits", Kind.NOTICE: occasion}
            actor = actor_of(decision.facts)
            self.store.ledger.tell(spooled, tell, actor, plan.workspace, self.engine.teller, once)

    def _failed(self, spooled: Spooled, error: Exception) -> Result:
        """Count a failure of the machine; after the last attempt the mail is kept for a person."""
        own, waits = isinstance(error, ExtraError), self.config.settings("").errors.retry  # a host's text is a sentence
        because = whole(str(error) if own else f"{type(error).__name__}: {error}")
        fault = whole("".join([*traceback.format_exception(error), because if own else ""]))
        kind, folder = after_error(self.config, spooled.raw.origin.mailbox)
        quarantined = self.store.ledger.fail(spooled, fault, self.now, waits, MAX_ATTEMPTS, action=kind, folder=folder)
        if quarantined:
            report(self.engine, spooled, because, "fault.exception")
        outcome = Outcome.ERROR if quarantined else Outcome.DEFERRED
        return Result(spooled, outcome, "fault.exception", because, ENGINE, fault=fault)


def _held(case: Case) -> Decided:
    """What the keys of a decision are made of."""
    decision = case.decision
    return decision.mail, decision.facts, decision.plan, decision.look.answers


def _by_the_server(effect: Effect) -> Effect:
    """The mail server that hands the mail over tells its sender."""
    return replace(effect, no_answer=Why.MTA) if isinstance(effect, Tell) else effect
