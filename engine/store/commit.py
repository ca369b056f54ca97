"""Commit (TX2): one mail's decision becomes permanent, whole or not at all.

Here: `Commit`, which is `Store.commit`: the compare-and-set on the claim, the receipt, the planned mailbox action, and
what later mails search by. Not here: the effects one by one (`effects.py`), deciding. Invariant: a mail has one receipt
for each generation; if the claim is lost nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.model.addresses import base_key, written
from engine.model.changes import Key
from engine.model.events import Why
from engine.model.facts import Auto, Facts
from engine.model.figures import SIZE, Measured, RuleHit
from engine.model.hearing import Actor
from engine.model.mail import Mail
from engine.model.plan import CreateItem, Outcome, Plan, Receipt, SetField
from engine.model.questions import message_id_key
from engine.model.stored import Spooled
from engine.store import hot
from engine.store.claims import MOST_TEXT, claim_of, listed
from engine.store.database import us
from engine.store.dispatches import Dispatches, Source, Untold
from engine.store.effects import Effects, Shelves
from engine.store.errors import ClaimLost
from engine.store.receipts import Receipts, body_key, message_key, named_key, search_key
from engine.store.scene import Scene
from engine.store.settling import plan as plan_action
from engine.store.tallying import Came

if TYPE_CHECKING:
    from engine.ports import Teller

STATES = {
    Outcome.CREATED: "done",
    Outcome.COMMENT: "done",
    Outcome.NOTE: "done",
    Outcome.REJECTED: "ignored",
    Outcome.DISCARDED: "ignored",
    Outcome.DUPLICATE: "duplicate",
    Outcome.HELD: "held",
    Outcome.ERROR: "quarantined",
}
"""The state of the ledger that an outcome leads to; `deferred` leads nowhere (`Ledger.defer`)."""


def _changed(plan: Plan, done: Effects) -> Iterator[Key]:
    """Name what answers about items hang on that a plan changed."""
    if done.item:
        yield "item", done.item
    if done.topic:
        yield "topic", done.topic
    for effect in plan.effects:
        if type(effect) is CreateItem:
            yield "number", "item"
            yield from [("field", name.casefold()) for name, _ in effect.fields]
        elif type(effect) is SetField:
            yield "field", effect.name.casefold()


def _size_of(spooled: Spooled) -> Measured:
    """A mail of which only the header was taken is as big as its server said."""
    origin = spooled.raw.origin
    return Measured(SIZE, origin.mailbox, max(len(spooled.raw.content), origin.size_bytes))


def _reached(mail: Mail) -> tuple[Key, ...]:
    """Name what answers about receipts hang on that the receipt of a mail changes."""
    return message_id_key(mail.message_id), ("content", mail.fingerprint)


def actor_of(facts: Facts) -> Actor:
    """Who did what a mail does: the account it is believed to come from, else the address."""
    sender = facts.sender
    account = sender.account if sender.is_believed else None
    return Actor(account, sender.address.key, sender.address.name, sender.is_believed)


class Commit:
    """Writes decisions."""

    def __init__(self, shelves: Shelves, receipts: Receipts, scene: Scene) -> None:
        self._shelves, self._receipts, self._scene = shelves, receipts, scene
        self._database, self._memory = shelves.database, shelves.memory

    def commit(
        self, spooled: Spooled, mail: Mail, facts: Facts, plan: Plan, trace: bytes, action: str, folder: str,
        teller: Teller | None = None, untold: list[Untold] | None = None, hits: Sequence[RuleHit] = (),
        measured: Sequence[Measured] = (),
    ) -> Receipt:  # fmt: skip
        if not self._database.is_writing:
            raise RuntimeError("commit belongs into a transaction")
        now, received_at = self._database.now(), us(spooled.received_at)
        row, generation = spooled.row, spooled.generation
        key = facts.sender.address.key
        self._receipts.now_from(row, generation, key[:MOST_TEXT])
        self._compare_and_set(spooled, mail, facts, plan, now)
        sender = written(facts.sender.address.name, key)
        source = Source(row, spooled.mail, generation)
        effects = Effects(
            self._shelves, source, received_at, sender, raw=spooled.raw_row, updates="update" in spooled.mode
        )
        effects.item = plan.item
        effects.apply(plan.effects)
        if changed := tuple(_changed(plan, effects)):
            self._memory.touch_only("items", changed)
        if facts.automatic.kind is Auto.NONE and facts.sender.is_believed:
            self._scene.heard_from(base_key(key))
        news = self._news(spooled, facts, plan, effects, teller)
        told = self.tell(news) if untold is None else ()
        if untold is not None:
            untold += news
        plan_action(self._database, row, action, folder)
        item = 0 if effects.topic else effects.item or plan.item
        decision = plan.disposition
        self._receipts.write(
            row, generation, str(plan.outcome), decision.code, decision.because, decision.by, now,
            workspace=plan.workspace, item=item, topic=effects.topic, comment=effects.comment, trace=trace,
            came=Came(spooled.raw.origin.mailbox, received_at, key[:MOST_TEXT], facts.sender.address.name[:MOST_TEXT],
                      facts.authentication.dmarc if generation == 1 else ""), hits=hits, keys=_reached(mail),
            measured=(*measured, _size_of(spooled)) if generation == 1 else measured,
        )  # fmt: skip
        return Receipt(
            spooled.mail, generation, plan.outcome, decision.code, decision.because, decision.by, plan.workspace, item,
            effects.comment, told,
        )  # fmt: skip

    def _news(
        self, spooled: Spooled, facts: Facts, plan: Plan, done: Effects, teller: Teller | None
    ) -> Sequence[Untold]:
        """Say what is to be written of what happened; a mail that is decided again quietly tells nobody."""
        batch = done.batch(actor_of(facts), plan.workspace)
        if batch is None:
            return ()
        batch = replace(batch, mailbox=spooled.raw.origin.mailbox, row=spooled.row)
        if "quiet" in spooled.mode:
            batch = replace(batch, tell=replace(batch.tell, quiet=Why.QUIET))
        return (Untold(batch, Source(spooled.row, spooled.mail, spooled.generation), teller),)

    def tell(self, untold: Sequence[Untold], note: Callable[[int], None] | None = None) -> tuple[int, ...]:
        for batch, _, _ in untold:
            self._scene.foresee(batch)
        told: list[int] = []
        try:
            for batch, source, teller in untold:
                if note is not None and source.row is not None:
                    note(source.row)
                told += Dispatches(self._database, self._scene, teller).write(batch, source)
        finally:
            self._scene.letters.forget_foreseen()
        return tuple(told)

    def _compare_and_set(self, spooled: Spooled, mail: Mail, facts: Facts, plan: Plan, now: int) -> None:
        claim = claim_of(spooled)
        settled = (
            hot.SETTLE_INBOUND, STATES[plan.outcome], plan.disposition.code, mail.message_id[:MOST_TEXT],
            search_key(mail.fingerprint), *listed(mail, facts),
            body_key(facts.cut.new), now,
            *claim,
        )  # fmt: skip
        if claim in self._database.ours:
            self._database.put(*settled)
        elif self._database.run(*settled).rowcount != 1:
            raise ClaimLost(f"another runner has taken {spooled.mail}")
        key = message_key(mail.message_id)
        if key != named_key(spooled.named.own):
            self._database.put(hot.SETTLE_UNDER_KEY, key, spooled.row)
