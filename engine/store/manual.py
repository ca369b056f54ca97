"""What a person may do with a mail: let it go on, try again, replay, close, look after its state.

Here: reopen, claim_one, unclaim, ignore, reject, publish, reset_status, settle_again, and the mailbox actions.
Not here: deciding again (`engine.process` does, with the mail that was reopened). Invariant: nobody's effects are ever
taken back; a second item comes only of `as_new`; every generation that ends has a receipt with who ended it.
"""
# ruff: noqa: S608 - only our own constants are put into the statements

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from engine.model.facts import Release
from engine.model.plan import Effect
from engine.store import hot
from engine.store.commit import Commit
from engine.store.database import us
from engine.store.effects import Effects
from engine.store.errors import NotFound, Refused
from engine.store.mails import MailRow, Mails
from engine.store.spool import CLAIM_S, Spooled, _is_free
from engine.store.tables.mail import PLANNED

MADE = "kind IN ('CreateItem', 'AddComment', 'PostToTopic')"


_PLAN_CLOSED = """
UPDATE presentation SET action = ?, folder = ?, action_state = 'pending', attempts = 0, why = ''
WHERE (mailbox_id, key) IN (
  SELECT presentation.mailbox_id, presentation.key FROM presentation
  JOIN inbound ON inbound.id = presentation.inbound_id JOIN raw_mail raw ON raw.id = inbound.raw_id
  JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
  LEFT JOIN item ON item.id = receipt.item LEFT JOIN topic ON topic.id = receipt.topic
  WHERE presentation.mailbox_id = ? AND presentation.action = '' AND action_state = 'none'
    AND inbound.state = 'done' AND raw.truncated = 0
    AND CASE WHEN receipt.topic IS NULL THEN item.id IS NULL OR item.closed_at IS NOT NULL
             ELSE topic.id IS NULL OR topic.locked = 1 END
  LIMIT ?)"""


class Manual(Commit, Mails):
    """Acts on single mails."""

    def reopen(
        self, mail: str, release: Release | None, *,
        retry: bool = False, replay: bool = False, as_new: bool = False, notify: bool = False,
    ) -> None:  # fmt: skip
        """Start the next generation of a mail: it waits, with no attempts counted.

        With a `release` a held or quarantined mail goes on; `retry` tries a held, quarantined, ignored or waiting one
        again. Both are refused if an earlier generation made an item or a comment. `replay` decides any decided mail
        again: what it made is updated, or with `as_new` a second item is made; nobody is notified without `notify`.
        Raises NotFound, Refused.
        """
        with self.database.joining():
            row = self.mail(mail)
            self._may_reopen(row, release, retry, replay)
            mode = ["new" if as_new else "update", *([] if notify else ["quiet"])] if replay else []
            released = msgspec.json.encode(release).decode() if release else ""
            self.database.run(
                "UPDATE inbound SET state = 'received', generation = ?, attempts = 0, owner = NULL, next_at = 0, "
                "mode = ?, released = ?, code = '', error = '' WHERE id = ?",
                self._next_generation(row), " ".join(mode), released, row.row,
            )  # fmt: skip
            self._touch("receipts")

    def _may_reopen(self, row: MailRow, release: Release | None, retry: bool, replay: bool) -> None:
        if self.raw(row.mail) is None:
            raise Refused(f"{row.mail} cannot be decided again: its bytes were purged")
        if replay:
            if row.state == "received":
                raise Refused(f"{row.mail} is waiting to be decided, there is nothing to replay")
            return
        states = ("held", "quarantined") if release else ("held", "quarantined", "ignored", "received")
        if not (release or retry) or row.state not in states:
            can = f"{', '.join(states[:-1])} or {states[-1]}"
            raise Refused(f"{row.mail} ended as {row.outcome}: only {can} mail can go on")
        made = self.database.one(f"SELECT kind, detail, object FROM effect WHERE inbound_id = ? AND {MADE}", row.row)
        if made:
            raise Refused(f"{row.mail} has made something before ({made[0]} {made[2]}): replay updates that")

    def _next_generation(self, row: MailRow) -> int:
        """A generation without a receipt has not ended: it goes on rather than being skipped."""
        ended = self.database.one(
            "SELECT 1 FROM receipt WHERE inbound_id = ? AND generation = ?", row.row, row.generation
        )
        return row.generation + 1 if ended else row.generation

    def claim_one(self, mail: str, now: datetime, owner: str) -> Spooled:
        """Claim one waiting mail, due or not. Raises NotFound, and Refused if it does not wait or is in work."""
        with self.database.joining():
            row = self.mail(mail)
            if row.state != "received":
                raise Refused(f"{row.mail} does not wait to be decided: it is {row.outcome}")
            held_by, until = self.database.one("SELECT owner, claimed_until FROM inbound WHERE id = ?", row.row)
            if held_by != owner and not _is_free(held_by, until, us(now)):
                raise Refused(f"{row.mail} is in work by another process")
            until = us(now) + CLAIM_S * 1_000_000
            self.database.run(hot.CLAIM, row.attempts + 1, owner, until, row.row, row.attempts)
            return self._spooled(row.row)

    def unclaim(self, spooled: Sequence[Spooled]) -> None:
        """Give claims back without having worked on them: the attempts are not counted."""
        with self.database.joining():
            for each in spooled:
                self.defer(each, "", "", each.received_at)

    # ── closing ───────────────────────────────────────────────────────────────────────────────────────────────

    def ignore(self, mail: str, by: str, reason: str, *, action: str = "", folder: str = "") -> None:
        """Close a held, quarantined or waiting mail as discarded. Raises NotFound, Refused."""
        self._close(mail, "discarded", by, reason, action, folder)

    def reject(
        self, mail: str, by: str, reason: str, told: tuple[Effect, ...] = (), *, action: str = "", folder: str = ""
    ) -> None:
        """Close a held, quarantined or waiting mail as rejected; `told` goes to the outbox. Raises as `ignore`."""
        with self.database.joining():
            row = self._close(mail, "rejected", by, reason, action, folder)
            if told:
                Effects(self, self._spooled(row), us(self.clock()), "").apply(told)

    def _close(self, mail: str, outcome: str, by: str, reason: str, action: str, folder: str) -> int:
        """Write the receipt of a person; the reason code stays that of what was held."""
        with self.database.joining():
            row, now = self.mail(mail), us(self.clock())
            if row.state not in ("held", "quarantined", "received"):
                raise Refused(f"{row.mail} is {row.outcome} already")
            generation = self._next_generation(row)
            code = row.code or "draft.undecided"
            self.database.run(
                "UPDATE inbound SET state = 'ignored', generation = ?, owner = NULL, code = ?, decided_at = ? "
                "WHERE id = ?",
                generation, code, now, row.row,
            )  # fmt: skip
            self.database.run(
                hot.RECEIPT, row.row, generation, outcome, code, reason, "person", by, "", 0, row.workspace, None, None,
                None, now, None,
            )  # fmt: skip
            if action:
                self._plan_action(row.row, action, folder)
            self._touch("receipts")
            self._windows.clear()
            return row.row

    def publish(self, item: int, note: int, by: str, *, authorise: bool = False) -> None:
        """Make an internal note a comment that everybody on the item sees (F046, F119).

        With `authorise` its author has to do with the item from now on: as a reader, and as somebody who may reply.
        Raises NotFound, and Refused for what is public already.
        """
        with self.database.joining():
            row = self.database.one(
                "SELECT internal, author_id, sender, inbound_id FROM comment WHERE id = ? AND item_id = ?", note, item
            )
            if row is None:
                raise NotFound(f"item #{item} has no note {note}")
            internal, author, sender, mail = row
            if not internal:
                raise Refused(f"comment {note} of item #{item} is public already")
            now = us(self.clock())
            self.database.run(
                "UPDATE comment SET internal = 0, published = 1, belongs = ? WHERE id = ?", authorise, note
            )
            self.database.run("UPDATE item SET changed_at = max(changed_at, ?) WHERE id = ?", now, item)
            if authorise and author is not None:
                self.database.run(
                    "INSERT INTO item_person (item_id, account_id, role) VALUES (?, ?, 'reader') "
                    "ON CONFLICT (item_id, account_id) DO NOTHING", item, author,
                )  # fmt: skip
            if mail is not None:
                self._write_down(mail, note, f"by {by}" + (f"; {sender} may reply" if authorise else ""))
            self._touch("items", "receipts")

    def _write_down(self, mail: int, note: int, detail: str) -> None:
        """Keep what a person did to something that a mail made, beside the mail's own effects."""
        (n,) = self.database.one("SELECT count(*) FROM effect WHERE inbound_id = ? AND kind = 'Publish'", mail)
        (generation,) = self.database.one("SELECT generation FROM inbound WHERE id = ?", mail)
        self.database.run(hot.EFFECT, mail, generation, "Publish", n + 1, note, detail)

    # ── looking after a row ───────────────────────────────────────────────────────────────────────────────────

    def reset_status(self, mail: str) -> None:
        """Clear claim and back-off of a waiting mail, and nothing else. Raises NotFound, Refused."""
        with self.database.joining():
            row = self.mail(mail)
            if row.state != "received":
                raise Refused(f"{row.mail} does not wait: it is {row.outcome}")
            self.database.run("UPDATE inbound SET owner = NULL, claimed_until = 0, next_at = 0 WHERE id = ?", row.row)

    def settle_again(self, mail: str) -> int:
        """Plan the mailbox action of a mail once more; gives the number of its presentations. Raises NotFound."""
        with self.database.joining():
            row = self.mail(mail)
            return int(
                self.database.run(
                    "UPDATE presentation SET action_state = 'pending', attempts = 0, why = '' "
                    "WHERE inbound_id = ? AND action <> ''", row.row,
                ).rowcount
            )  # fmt: skip

    # ── mailbox actions ───────────────────────────────────────────────────────────────────────────────────────

    def plan_closed(self, mailbox: str, action: str, folder: str, limit: int) -> int:
        """Plan an action for mails that were kept in their mailbox until their item is closed, and it is, or is gone.

        At most `limit` at a time; gives how many (F030). A topic counts as closed when it is locked.
        """
        with self.database.joining():
            return int(self.database.run(_PLAN_CLOSED, action, folder, self.mailbox_id(mailbox), limit).rowcount)

    def pending_actions(self, mailbox: str, limit: int) -> list[tuple[str, str, str, int, str, str]]:
        """Give what is to be done in a mailbox: key, kind, folder, bytes, Message-ID, sha256; failed ones last."""
        rows = self.database.rows(hot.PLANNED_ACTIONS, self.mailbox_id(mailbox), limit)
        return [(*told, bytes(digest).hex()) for *told, digest in rows]

    def actions_done(self, mailbox: str, done: Sequence[tuple[str, ...]]) -> None:
        """Note what came of mailbox actions (TX3): key, state (done, gone, failed) and, if there is one, why."""
        number = self.mailbox_id(mailbox)
        with self.database.joining():
            self.database.many(
                hot.ACTION_DONE, [(state, why[0] if why else "", number, key) for key, state, *why in done]
            )

    def actions_planned(self) -> int:
        """Count the mailbox actions that wait or failed, in all mailboxes."""
        return int(self.database.one(f"SELECT count(*) FROM presentation WHERE {PLANNED}")[0])
