"""From spooled mails to receipts: decide each, commit together.

Here: the order of deciding and committing, what happens when an answer changed meanwhile, and the only
`except Exception` of the engine: a mail that breaks the machine is counted and retried, the next one goes on.
Not here: where mails come from (`passing.py`, `cli/deliver.py`), what a stage or a table does.
Invariant: every mail of a batch ends in a receipt, a deferral or a counted failure; one transaction holds all of
the batch's effects, with a savepoint for each mail.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.decision.mailbox_action import Planned, plan_action
from engine.decision.seal import reports
from engine.lookups import REPEATABLE, Recorder
from engine.model.draft import Decider, Disposition, Verdict
from engine.model.mail import RawMail
from engine.model.plan import Effect, Outcome, Plan, Receipt, SendMail, Settle
from engine.model.questions import HookAnswer, HookRequest
from engine.model.trace import encode
from engine.stop import Stop, Stopped
from engine.store.claims import CRASHED
from engine.store.errors import ClaimLost, StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.pipeline import Decision, Pipeline
    from engine.model.stored import Spooled
    from engine.ports import MessageIds
    from engine.scripts.scripts import Scripts
    from engine.store.store import Store

BATCH = 50
"""Mails that share a transaction: 10 cost 50 us more each, 200 only 10 us less (docs/performance.md)."""

DECIDE_AGAIN = 3
"""How often a mail is decided anew because an answer changed before it could be committed."""

DEFER_WAIT = timedelta(minutes=5)
"""How long a deferred mail waits until the next try."""

MAX_ATTEMPTS = 5

ENGINE = Decider("engine", "engine")


class Result(Struct, frozen=True):
    """What became of one spooled mail. `decision` is None where the machine broke; `fault` then says how."""

    spooled: Spooled
    outcome: Outcome
    code: str
    because: str
    by: Decider
    decision: Decision | None = None
    receipt: Receipt | None = None
    fault: str = ""


WHO_ANSWERS = {
    "account": "directory", "login": "directory", "person": "directory", "group": "directory", "may": "directory",
    "catalog": "items", "item": "items", "topic": "items", "item_by_field": "items", "item_by_message_ids": "ledger",
}  # fmt: skip
"""The part of the store that answers a question."""


class World:
    """Who answers a decision's questions: the store, the sandbox, the scanner; rates include the batch in hand."""

    __slots__ = ("_content", "_engine", "_mail", "_now", "_store")

    def __init__(self, engine: Engine, content: bytes, now: datetime, mail: str = "") -> None:
        """`mail` is the id of the mail itself, which is no duplicate of itself when it is decided once more."""
        self._engine, self._store, self._content, self._now, self._mail = engine, engine.store, content, now, mail

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(self._store, WHO_ANSWERS[name]), name)

    def duplicate(self, workspace: str, core_digest: str, fingerprint: str) -> str:
        return self._store.ledger.duplicate(workspace, core_digest, fingerprint, other_than=self._mail, now=self._now)

    def sender_rate(self, address: str, seconds: int) -> int:
        return self._store.ledger.sender_rate(address, seconds, self._now) + self._engine.in_hand[address]

    def total_rate(self, seconds: int) -> int:
        return self._store.ledger.total_rate(seconds, self._now) + self._engine.in_hand.total()

    def scan(self) -> str:
        from engine.run.scanner import scan

        return scan(self._engine.config, self._content)

    def hooks(self, request: HookRequest) -> HookAnswer:
        return self._engine.scripts.ask(request)


@dataclasses.dataclass
class Engine:
    """A configuration, a store and all that deciding needs, made when first asked for."""

    config: Config
    store: Store
    in_hand: Counter[str] = field(default_factory=Counter)
    rules_directory: Any = None
    stop: Stop = field(default_factory=Stop)
    _marked: str = ""
    server_tells: bool = False
    """The mail server tells senders of refused mail (`deliver --bounce`): no rejection of our own is sent."""

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stages with the rules as they stand on disk now; broken files become problems of stage `config`."""
        from engine.decision.pipeline import build
        from engine.rulebook.book import load_rules

        book = load_rules(self.config, self.rules_directory)
        self._rule_texts.update(book.rules.texts())
        return build(self.config, book)

    @cached_property
    def message_ids(self) -> MessageIds:
        """Makes signed Message-IDs for what is sent, so that a reply finds its item."""
        from engine.decision.tokens import message_ids

        return message_ids(self.config)

    @cached_property
    def scripts(self) -> Scripts:
        """The sandbox with the scripts of `[hooks]`."""
        from engine.scripts.scripts import Scripts

        return Scripts(self.config)

    @cached_property
    def _rule_texts(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        """Stop the sandbox, if it was started."""
        if "scripts" in self.__dict__:
            self.scripts.close()

    def look(self, raw: RawMail, mail: str = "", recorded: dict[tuple[Any, ...], Any] | None = None) -> Recorder:
        """Open the door to the world for one decision; the clock stands at the time the mail was received."""
        return Recorder(World(self, raw.content, raw.received_at, mail), raw.received_at, recorded)

    def decide(self, spooled: Spooled) -> Decision:
        """Parse and decide one spooled mail. From its second attempt on, the bytes are read in a process apart."""
        from engine.mail.parse import parse

        limits = self.config.settings("").limits
        if spooled.attempts > 1:
            from engine.mail.isolated import parse_apart

            mail = parse_apart(spooled.raw, limits)
        else:
            mail = parse(spooled.raw, limits)
        look = self.look(spooled.raw, spooled.mail)
        versions = self.store.versions()
        return self.pipeline.decide(mail, look, release=spooled.release, versions=versions)

    def process(self, batch: Sequence[Spooled], now: datetime) -> list[Result]:
        """Decide and commit spooled mails, one result each.

        After a request to stop, mails not yet decided are given back and have no result. Raises StoreError when the
        database is away or full: nothing of the batch is committed then, nothing was told to the server, and no mail
        is charged with it.
        """
        try:
            results, again = self._round(batch, now)
            if len(again) > 1:  # answers to mails of this very batch, most of them
                more, again = self._round(again, now)
                results += more
            for spooled in again:
                results += self._alone(spooled, now)
        except StoreError:
            self._in_hand(None)
            raise
        finally:
            self.stop.limit(False)
        order = {spooled.row: number for number, spooled in enumerate(batch)}
        return sorted(results, key=lambda result: order[result.spooled.row])

    def _alone(self, spooled: Spooled, now: datetime) -> list[Result]:
        """Decide a mail whose answers changed once more, by itself; one that never comes to rest waits."""
        for _ in range(DECIDE_AGAIN):
            results, again = self._round([spooled], now)
            if not again:
                return results
        why = Disposition(Verdict.DEFER, "commit.conflict", "what this mail depends on kept changing", ENGINE)
        with self.store.writing():
            return [self._deferred(spooled, why, now)]

    def _round(self, batch: Sequence[Spooled], now: datetime) -> tuple[list[Result], list[Spooled]]:
        """Decide all, commit all in one transaction; gives the results and the mails to decide again."""
        decided, broken = self._decide_all(batch)
        results: list[Result] = []
        again: list[Spooled] = []
        with self.store.writing():
            self._keep_rule_texts()
            for spooled, decision in decided:
                self._in_hand(spooled)
                if not self._still_true(decision):
                    again.append(spooled)
                    continue
                try:
                    with self.store.savepoint():
                        results.append(self._commit(spooled, decision, now))
                except StoreError:
                    raise
                except ClaimLost:
                    continue  # another runner has it, and answers for it
                except Exception as error:
                    broken.append((spooled, error))
            results += [self._failed(spooled, error, now) for spooled, error in broken]
            self._in_hand(None)
        return results, again

    def _in_hand(self, spooled: Spooled | None) -> None:
        """Note which mail is to blame should the process die now; None where none is."""
        if spooled is not None:
            self._marked = spooled.raw.origin.mailbox
            self.store.mailboxes.begin(self._marked, spooled.row)
        elif self._marked:
            self.store.mailboxes.begin(self._marked, 0)

    def _decide_all(
        self, batch: Sequence[Spooled]
    ) -> tuple[list[tuple[Spooled, Decision]], list[tuple[Spooled, Exception]]]:
        decided: list[tuple[Spooled, Decision]] = []
        broken: list[tuple[Spooled, Exception]] = []
        self.in_hand.clear()
        undecided: Sequence[Spooled] = ()
        with self.store.reading():
            for number, spooled in enumerate(batch):
                self._in_hand(spooled)
                try:
                    with self.stop.interruptible():
                        self.stop.limit(True)
                        decision = self.decide(spooled)
                except StoreError:
                    raise
                except Stopped:
                    undecided = batch[number:]
                    break
                except Exception as error:  # the machine broke on this mail: count it, go on with the next
                    broken.append((spooled, error))
                    continue
                decided.append((spooled, decision))
                self.in_hand[decision.facts.sender.address.key] += 1
        self.stop.limit(False)
        self.in_hand.clear()
        if undecided:
            self.store.ledger.unclaim(undecided)
        return decided, broken

    def _still_true(self, decision: Decision) -> bool:
        """Ask the questions about accounts, items and receipts again whose answers may have changed meanwhile."""
        if decision.versions is None:
            return True
        doubtful = self.store.changed_since(decision.versions) & REPEATABLE
        world = decision.look.world
        return not doubtful or all(
            getattr(world, question[0])(*question[1:]) == answer
            for question, answer in decision.look.answers.items()
            if question[0] in doubtful
        )

    def _commit(self, spooled: Spooled, decision: Decision, now: datetime) -> Result:
        plan = decision.plan
        if plan.disposition.verdict is Verdict.DEFER:
            return self._deferred(spooled, plan.disposition, now, decision)
        if plan.disposition.code == "limits.too_big" and not self.store.is_rehearsing:
            plan = self._copied(spooled, decision.facts.workspace, plan)
        settle = Settle.NOTHING if spooled.raw.truncated else plan.settle  # what we hold in part stays on the server
        kind, folder = plan_action(self.config.mailbox(spooled.raw.origin.mailbox), settle, plan.outcome)
        if self.server_tells and plan.outcome is Outcome.REJECTED:
            plan = replace(plan, effects=tuple(each for each in plan.effects if not _tells_sender(each)))
        receipt = self.store.commit(
            spooled, decision.mail, decision.facts, plan, encode(decision.trace), kind, folder, self.message_ids
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

    def _deferred(self, spooled: Spooled, why: Disposition, now: datetime, decision: Decision | None = None) -> Result:
        """Leave a mail waiting; one that waited longer than errors.defer_limit is held instead."""
        waited = (now - spooled.raw.received_at).total_seconds()
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
            return self._commit(spooled, replace(decision, plan=held), now)
        if self.store.ledger.defer(spooled, why.code, why.because, now + DEFER_WAIT) and decision is not None:
            self.store.ledger.describe(spooled, decision.mail, decision.facts)
            self._tell(spooled, decision.plan, now)
        return Result(spooled, Outcome.DEFERRED, why.code, why.because, why.by, decision)

    def _tell(self, spooled: Spooled, plan: Plan, now: datetime) -> None:
        """Say that a mail waits: to its sender once, to each admin once a day for each mailbox and reason (F021)."""
        mails = [effect for effect in plan.effects if isinstance(effect, SendMail)]
        occasion = f"waits:{spooled.raw.origin.mailbox}:{plan.disposition.code}:{now.date()}"
        once = f"{spooled.row}:waits"
        self.store.outbox.tell(spooled, [mail for mail in mails if mail.automatic], once, self.message_ids)
        self.store.outbox.tell(spooled, [mail for mail in mails if not mail.automatic], occasion, self.message_ids)

    def _after_error(self, mailbox: str) -> Planned:
        """What is done with a mail on the server when all attempts have failed."""
        on_error = self.config.settings("").errors.behavior
        return plan_action(self.config.mailbox(mailbox), Settle.FAILURE, Outcome.ERROR, on_error=on_error)

    def _failed(self, spooled: Spooled, error: Exception, now: datetime) -> Result:
        """Count a failure of the machine; after the last attempt the mail is kept for a person."""
        because = _storable(f"{type(error).__name__}: {error}")
        fault = _storable("".join(traceback.format_exception(error)))
        errors = self.config.settings("").errors
        action, folder = self._after_error(spooled.raw.origin.mailbox)
        quarantined = self.store.ledger.fail(
            spooled, fault, now, errors.retry, MAX_ATTEMPTS, action=action, folder=folder
        )
        if quarantined:
            self._report(spooled, because)
        outcome = Outcome.ERROR if quarantined else Outcome.DEFERRED
        return Result(spooled, outcome, "fault.exception", because, ENGINE, fault=fault)

    def _report(self, spooled: Spooled, because: str) -> None:
        """Send a mail that the machine broke on to the admins."""
        told = reports(because, self.config.settings(""))
        self.store.outbox.tell(spooled, told, f"{spooled.row}:{spooled.generation}:error", self.message_ids)

    def claim(self, mailbox: str, now: datetime, owner: str, tried: bool) -> tuple[list[Spooled], list[Result]]:
        """Take a batch of waiting mails, with `tried` also those that broke before, each alone.

        Gives with it the mails that were given up because every attempt ended in a crash.
        """
        after = self._after_error(mailbox)
        batch, crashed = self.store.ledger.claim(
            mailbox, BATCH, now, owner, MAX_ATTEMPTS, tried=tried, after_crash=after
        )
        if crashed:
            with self.store.writing():
                for spooled in crashed:
                    self._report(spooled, CRASHED)
        return batch, [Result(each, Outcome.ERROR, "fault.crash", CRASHED, ENGINE, fault=CRASHED) for each in crashed]

    def _keep_rule_texts(self) -> None:
        """Store the texts of the rule files once, by hash: what `explain` prints traces with."""
        while self._rule_texts:
            self.store.archive.keep_text(*self._rule_texts.popitem())


def _tells_sender(effect: Effect) -> bool:
    return isinstance(effect, SendMail) and effect.kind == "rejected"


def _storable(text: str) -> str:
    """Text of an exception without halves of surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode()
