"""Commit (TX2): one mail's decision becomes permanent, whole or not at all.

Here: the compare-and-set on the claim, the receipt, the planned mailbox action, and what later mails search by.
Not here: the effects one by one (`effects.py`), deciding. Invariant: a mail has one receipt for each generation; if
the claim is lost nothing is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from engine.model.facts import Facts
from engine.model.mail import Mail
from engine.model.plan import Outcome, Plan, Receipt, SendMail
from engine.store import hot
from engine.store.blobs import Blobs
from engine.store.database import us
from engine.store.directory import Directory
from engine.store.effects import Effects
from engine.store.errors import ClaimLost, NotFound
from engine.store.poison import Poison
from engine.store.receipts import message_key, search_key
from engine.store.spool import Spooled, claim_of

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
"""The state of the ledger that an outcome leads to; `deferred` leads nowhere (`Store.defer`)."""

MOST_TEXT = 1000
"""Characters kept of a header value that mails are searched by."""


def random_message_id(mail: str, generation: int, n: int, item: int) -> str:
    """Make a Message-ID that nobody can guess; the engine sets a signed one in its place (`Store.message_ids`)."""
    return f"<{mail}.{generation}.{n}.{item}.{secrets.token_hex(8)}@allegra.invalid>"


class Commit(Poison, Blobs, Directory):
    """Writes decisions."""

    message_ids: Callable[[str, int, int, int], str] = staticmethod(random_message_id)
    """Makes the Message-ID of an outgoing mail from mail id, generation, number and item."""

    def commit(
        self, spooled: Spooled, mail: Mail, facts: Facts, plan: Plan, trace: bytes, action: str, folder: str
    ) -> Receipt:
        """Write everything that was decided about a mail, inside the caller's `writing` and `savepoint`.

        `action` (move, seen, delete, keep) and `folder` are what is to be done with it in its mailbox afterwards.
        Raises ClaimLost if another runner has the mail now; then nothing was written.
        """
        if not self.database.is_writing:
            raise RuntimeError("commit belongs into a transaction")
        now = us(self.clock())
        row, generation = spooled.row, spooled.generation
        self._compare_and_set(spooled, mail, facts, plan, now)
        effects = Effects(self, spooled, us(spooled.received_at), facts.sender.address.key)
        if plan.effects:
            effects.item = plan.item
            effects.apply(plan.effects)
            self._touch("items")
        self._plan_action(row, action, folder)
        self._touch("receipts")
        self._count_decided(us(spooled.received_at), generation)
        item = 0 if effects.topic else effects.item or plan.item
        decision = plan.disposition
        by = decision.by
        self.database.run(
            hot.RECEIPT, row, generation, str(plan.outcome), decision.code, decision.because, by.kind, by.name, by.file,
            by.line, plan.workspace, item or None, effects.topic or None, effects.comment or None, now, trace,
        )  # fmt: skip
        return Receipt(
            spooled.mail, generation, plan.outcome, decision.code, decision.because, by, plan.workspace, item,
            effects.comment, tuple(effects.outbox),
        )  # fmt: skip

    def tell(self, spooled: Spooled, mails: Iterable[SendMail], once: str) -> None:
        """Queue mails about a mail that no receipt carries: it waits, or the machine broke on it.

        `once` names the occasion: whoever was told of it is not told again.
        """
        for mail in mails if "quiet" not in spooled.mode else ():
            for recipient in mail.to:
                key = f"{once}:{mail.kind}:{recipient.casefold()}"
                number = int.from_bytes(blake2b(key.encode(), digest_size=6).digest())
                self.database.run(
                    hot.OUTBOX_ONCE, key, self.message_ids(spooled.mail, 0, number, 0), spooled.row, 0, mail.kind,
                    mail.automatic, recipient.casefold(), None, None,
                    msgspec.json.encode(replace(mail, to=(recipient,))).decode(), us(self.clock()),
                )  # fmt: skip

    def describe(self, spooled: Spooled, mail: Mail, facts: Facts) -> None:
        """Keep by what a mail is found and listed while it waits to be decided."""
        names = ("message_id", "message_key", "sender", "recipients", "subject")
        self.database.run(
            f"UPDATE inbound SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?",  # noqa: S608
            mail.message_id[:MOST_TEXT], message_key(mail.message_id), *_listed(mail, facts), spooled.row,
        )  # fmt: skip

    def _compare_and_set(self, spooled: Spooled, mail: Mail, facts: Facts, plan: Plan, now: int) -> None:
        done = self.database.run(
            hot.SETTLE_INBOUND,
            STATES[plan.outcome],
            plan.disposition.code,
            mail.message_id[:MOST_TEXT],
            message_key(mail.message_id),
            search_key(mail.fingerprint or mail.core_digest),
            *_listed(mail, facts),
            now,
            *claim_of(spooled),
        )
        if done.rowcount != 1:
            raise ClaimLost(f"another runner has taken {spooled.mail}")

    # ── numbers of what has a name ────────────────────────────────────────────────────────────────────────────

    def workspace_id(self, identifier: str) -> int:
        """Give the number of a workspace. Raises NotFound."""
        return self._remember(
            ("workspace", identifier), lambda: self._number("workspace", "identifier", identifier, "workspace")
        )

    def is_closed(self, workspace: str, status: str) -> bool:
        """Tell whether a status ends the work in that workspace."""
        catalog = self.catalog(workspace)
        return catalog is not None and any(each.closed and each.name == status for each in catalog.statuses)

    def field_id(self, name: str) -> int:
        """Give the number of a field; one that no admin defined is noted by its name."""
        return self._remember(("field", name), lambda: self._field_id(name))

    def _field_id(self, name: str) -> int:
        try:
            return self._number("field", "key", name.casefold(), "field")
        except NotFound:
            return self.database.insert("INSERT INTO field (key, name) VALUES (?, ?)", name.casefold(), name)


def _listed(mail: Mail, facts: Facts) -> tuple[str, str, str]:
    """Sender, recipients and subject as they stand in lists."""
    to = ", ".join([each.address for each in mail.to[:3]])
    return facts.sender.address.key[:MOST_TEXT], to[:MOST_TEXT], mail.subject[:MOST_TEXT]
