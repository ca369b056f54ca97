"""A copy of a desk without the bytes of mails that nobody waits for.

Here: `Lightening`: which bytes stay behind, and what is kept of them for attachments and bodies. Not here: the copy
(`transfer.py`), letting go of old mails where they are (`retention.py`). Invariant: the bytes of a mail that waits for
anybody go along; whatever items show can be read in the copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from engine.store import tables
from engine.store.blobs import Blobs, Html
from engine.store.database import Database
from engine.store.terms import DECIDED, PLANNED

if TYPE_CHECKING:
    from engine.store.bulk import Row
    from engine.store.shapes import Shape


class Lightening:
    """What of the mails of a database goes along."""

    def __init__(self, old: Database) -> None:
        self._now = old.now()
        self._waiting = _waiting(old)
        self._shown = _shown(old) - self._waiting

    def of(self, table: Shape) -> Callable[[Row], Row] | None:
        """Give what takes the bytes out of a row, None for a table without."""
        if table.name != "raw_mail":
            return None
        columns = [*table.kinds]
        number, content, purged = (columns.index(name) for name in ("id", "content", "purged_at"))
        kept = self._waiting | self._shown

        def lighter(row: Row) -> Row:
            if row[content] is None or row[number] in kept:
                return row
            left = list(row)
            left[content], left[purged] = None, self._now
            return tuple(left)

        return lighter

    def leave(self, new: Database) -> int:
        """Give attachments and bodies in the copy bytes of their own; tells how many mails have none any more."""
        blobs, mail = Blobs(new), tables.RawMail
        for number in sorted(self._shown):
            blobs.free(number)
            there = mail.update(content=None, purged_at=self._now)
            new.do(there.where(mail.id == number, mail.content.is_null(False)))
        (left,) = new.first(mail.select(tables.fn.COUNT(mail.id)).where(mail.purged_at == self._now))
        return int(left)


def _waiting(old: Database) -> set[int]:
    """The raw mails of what a machine, a person or a mail server waits for."""
    inbound, shown = tables.Inbound, tables.Presentation
    over = tables.SQL(DECIDED) & inbound.state.in_(("done", "ignored", "duplicate"))
    planned = shown.select(shown.inbound).where(tables.SQL(PLANNED))
    query = inbound.select(inbound.raw).where(~over | inbound.id.in_(planned))
    return {number for (number,) in old.all(query)}


def _shown(old: Database) -> set[int]:
    """The raw mails in which attachments and bodies stand."""
    blob = tables.Blob
    found = {number for (number,) in old.all(blob.select(blob.raw).where(blob.raw.is_null(False)))}
    for table in (tables.Item, tables.Comment, tables.Post):
        for (reference,) in old.all(table.select(table.html).where(table.html.contains('"raw":'))):
            found.add(msgspec.json.decode(reference, type=Html).raw)
    return found - {0}
