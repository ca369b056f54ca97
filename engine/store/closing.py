"""What a person may decide about a mail: let it go on, try it again, replay it, close it.

Here: `Closing`, a part of `engine.ports.Ledger`: reopen, ignore, reject. Not here: deciding again (`run/process.py`
does, with the mail that was reopened). Invariant: nobody's effects are ever taken back; a second item comes only of
`as_new`; every generation that ends has a receipt with who ended it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.model.draft import Decider, Who
from engine.model.facts import Release
from engine.model.hearing import Actor
from engine.model.plan import Tell
from engine.model.stored import MailRow
from engine.store import tables
from engine.store.bells import Bell
from engine.store.claims import Claims
from engine.store.database import Database
from engine.store.effects import Shelves
from engine.store.errors import Refused
from engine.store.mails import Mails
from engine.store.receipts import Receipts
from engine.store.settling import plan
from engine.store.telling import Telling

if TYPE_CHECKING:
    from engine.ports import Teller

MADE = ("CreateItem", "AddComment", "PostToTopic")


class Closing:
    """Opens the next generation of a mail, or closes the one that waits."""

    def __init__(
        self, shelves: Shelves, mails: Mails, claims: Claims, receipts: Receipts, telling: Telling
    ) -> None:  # fmt: skip
        self._mails, self._claims, self._receipts, self._telling = mails, claims, receipts, telling
        self._database: Database = shelves.database

    def reopen(
        self, mail: str, release: Release | None, *,
        retry: bool = False, replay: bool = False, as_new: bool = False, notify: bool = False,
    ) -> None:  # fmt: skip
        inbound = tables.Inbound
        with self._database.joining():
            row = self._mails.mail(mail)
            self._may_reopen(row, release, retry, replay)
            mode = ["new" if as_new else "update", *([] if notify else ["quiet"])] if replay else []
            released = msgspec.json.encode(release).decode() if release else ""
            again = inbound.update(
                state="received", generation=self._next_generation(row), attempts=0, owner=None, next_at=0,
                mode=" ".join(mode), released=released, code="", error="",
            )  # fmt: skip
            self._database.do(again.where(inbound.id == row.row))
            self._receipts.reopened()
            self._database.ring(Bell.DECIDE)

    def _may_reopen(self, row: MailRow, release: Release | None, retry: bool, replay: bool) -> None:
        if self._mails.raw(row.mail) is None:
            raise Refused(f"{row.mail} cannot be decided again: its bytes were purged")
        if replay:
            if row.state == "received":
                raise Refused(f"{row.mail} is waiting to be decided, there is nothing to replay")
            return
        states = ("held", "quarantined") if release else ("held", "quarantined", "ignored", "received")
        if not (release or retry) or row.state not in states:
            can = f"{', '.join(states[:-1])} or {states[-1]}"
            raise Refused(f"{row.mail} ended as {row.outcome}: only {can} mail can go on")
        effect = tables.Effect
        query = effect.select(effect.kind, effect.object).where(effect.inbound == row.row, effect.kind.in_(MADE))
        if made := self._database.first(query):
            raise Refused(f"{row.mail} has made something before ({made[0]} {made[1]}): replay updates that")

    def _next_generation(self, row: MailRow) -> int:
        """A generation without a receipt has not ended: it goes on rather than being skipped."""
        receipt = tables.Receipt
        query = receipt.select(receipt.id).where(receipt.inbound == row.row, receipt.generation == row.generation)
        return row.generation + 1 if self._database.first(query) else row.generation

    # ── closing ───────────────────────────────────────────────────────────────────────────────────────────────

    def ignore(self, mail: str, by: str, reason: str, *, action: str = "", folder: str = "") -> None:
        self._close(mail, "discarded", by, reason, action, folder)

    def reject(
        self,
        mail: str,
        by: str,
        reason: str,
        tell: Tell | None = None,
        teller: Teller | None = None,
        *,
        action: str = "",
        folder: str = "",
    ) -> tuple[int, ...]:
        with self._database.joining():
            row = self._close(mail, "rejected", by, reason, action, folder)
            if tell is None:
                return ()
            spooled, workspace = self._claims.spooled(row), self._mails.mail(mail).workspace
            return self._telling.tell(spooled, tell, Actor(name=by), workspace, teller)

    def _close(self, mail: str, outcome: str, by: str, reason: str, action: str, folder: str) -> int:
        """Write the receipt of a person; the reason code stays that of what was held."""
        inbound = tables.Inbound
        with self._database.joining():
            row, now = self._mails.mail(mail), self._database.now()
            if row.state not in ("held", "quarantined", "received"):
                raise Refused(f"{row.mail} is {row.outcome} already")
            generation, code = self._next_generation(row), row.code or "draft.undecided"
            closed = inbound.update(state="ignored", generation=generation, owner=None, code=code, decided_at=now)
            self._database.do(closed.where(inbound.id == row.row))
            self._receipts.write(
                row.row, generation, outcome, code, reason, Decider(Who.PERSON, by), now, workspace=row.workspace
            )
            if action:
                plan(self._database, row.row, action, folder)
            return row.row
