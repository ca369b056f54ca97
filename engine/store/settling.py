"""What is to be done with mails in their mailboxes, and what came of it (TX3).

Here: `Settling`, a part of `engine.ports.Mailboxes`, and `plan`, with which commits and people plan an action. Not
here: doing it (`sources/`). Invariant: an action is planned in the transaction that ends its mail, never before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.store import hot, tables
from engine.store.database import Database
from engine.store.errors import Refused
from engine.store.terms import PLANNED

if TYPE_CHECKING:
    from engine.model.stored import MailRow
    from engine.store.listing import Listing

NOTHING = ("", "keep", "none", "nothing")
"""Mailbox actions that leave the server alone."""


def plan(database: Database, row: int, action: str, folder: str) -> None:
    """Plan the mailbox action on every presentation of a mail."""
    state = "none" if action in NOTHING else "pending"
    database.put(hot.PLAN, "" if state == "none" else action, folder, state, row)


class Settling:
    """Hands out planned actions and notes what came of them."""

    def __init__(self, database: Database, listing: Listing) -> None:
        self._database, self._listing = database, listing

    def pending_actions(self, mailbox: str, limit: int) -> list[tuple[str, str, str, int, str, str]]:
        rows = self._database.rows(hot.PLANNED_ACTIONS, self._listing.number(mailbox), limit)
        return [(*told, bytes(digest).hex()) for *told, digest in rows]

    def actions_done(self, mailbox: str, done: Sequence[tuple[str, ...]]) -> None:
        number, now = self._listing.number(mailbox), self._database.now()
        with self._database.unflushed(noted=True):  # what is not noted is looked at again on the server
            for key, state, *more in done:
                why, moved_to = (*more, "", "")[:2]
                self._database.put(hot.ACTION_DONE, state, why, number, key)
                if moved_to:
                    self._database.put(hot.MOVED_TO, moved_to, now, now, number, key)

    def actions_planned(self) -> int:
        query = tables.Presentation.select(tables.fn.COUNT(tables.Presentation.key)).where(tables.SQL(PLANNED))
        return int(self._database.first(query)[0])

    def plan_closed(self, mailbox: str, action: str, folder: str, limit: int) -> int:
        with self._database.joining():
            return int(
                self._database.run(hot.PLAN_CLOSED, action, folder, self._listing.number(mailbox), limit).rowcount
            )

    def settle_again(self, mail: str, *, delete: bool = False) -> int:
        from engine.store.mails import Mails

        shown = tables.Presentation
        with self._database.joining():
            row = Mails(self._database).mail(mail)
            if delete:
                return self._delete(row)
            again = shown.update(action_state="pending", attempts=0, why="")
            return self._database.do(again.where(shown.inbound == row.row, shown.action != ""))

    def _delete(self, row: MailRow) -> int:
        if row.state in ("received", "held", "quarantined"):
            raise Refused(f"{row.mail} is {row.outcome}: it is not decided yet, ignore or release it first")
        shown = tables.Presentation
        gone = (shown.action_state == "gone") | ((shown.action == "delete") & (shown.action_state == "done"))
        planned = shown.update(action="delete", folder="", action_state="pending", attempts=0, why="")
        return self._database.do(planned.where(shown.inbound == row.row, ~gone))
