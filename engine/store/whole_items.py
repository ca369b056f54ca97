"""An item as a whole: merged into another one, or deleted with all that hangs on it; a draft that is sent or dropped.

Here: `WholeItems`, the rows that move or go. Not here: who may (`desk/item_whole.py`), what is told of it
(`effects.py`). Invariant: what is merged stays as it was opened and leads to the other one; of what is deleted its
receipts and events keep the number, which is never given again, nor is that of a comment: a row of the outbox, a
receipt or an effect that names one never means another. Bytes that nobody else uses go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from engine.model.desk import AccountStatus
from engine.store import hot, tables
from engine.store.begun_words import move as move_begun
from engine.store.blobs import Blobs, Html
from engine.store.database import Database
from engine.store.memory import Memory

NOT_SENT = ("queued", "digest", "held", "failed")
"""States of rows that may still be sent."""


class WholeItems:
    """Changes the rows of one item together."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    # ── merged ────────────────────────────────────────────────────────────────────────────────────────────────

    def merge(self, item: int, into: int, now: int, status: str) -> None:
        """Let `into` have what `item` holds: its text as a comment, its comments and files, people, copies, labels."""
        self._moved(item, into)
        person, label, copy = tables.ItemPerson, tables.ItemLabel, tables.ItemCopy
        people = self._database.all(person.select(person.account, person.role).where(person.item == item))
        author, _ = self._database.one(hot.REQUESTER, item)
        asked = author if author and not self._is_guest(author) else None  # `Scene.asked_before` knows the others
        for account, role in (*people, *(((asked, "watcher"),) if asked else ())):
            self._database.run(hot.PERSON, into, account, role)
        for (name,) in self._database.all(label.select(label.label).where(label.item == item)):
            self._database.run(hot.LABEL, into, name)
        copies = copy.select(copy.address_key, copy.address, copy.name, copy.gone).where(copy.item == item)
        for key, address, name, gone in self._database.all(copies):
            self._database.run(hot.COPY, into, key, address, name)
            if gone:
                self._database.run(hot.GONE, into, key, address)
        move_begun(self._database, item, into)
        one = tables.Item
        closed = tables.Case(None, [(one.closed_at.is_null(), now)], one.closed_at)
        ended = one.update(merged_into=into, closed_at=closed, changed_at=now, **({"status": status} if status else {}))
        self._database.do(ended.where(one.id == item))
        self._database.run(hot.CHANGED, now, now, into)

    def _is_guest(self, account: int) -> bool:
        one = tables.Account
        (status,) = self._database.first(one.select(one.status).where(one.id == account))
        return bool(status == AccountStatus.GUEST)

    def _moved(self, item: int, into: int) -> None:
        """Move comments and files; the text and its files stay and are told there by a comment of the requester's."""
        one, comment, file = tables.Item, tables.Comment, tables.Attachment
        words = one.select(one.author, one.sender, one.text, one.quoted, one.created_at, one.inbound, one.html)
        author, sender, text, quoted, at, inbound, html = self._database.first(words.where(one.id == item))
        self._database.do(comment.update(item=into).where(comment.item == item))
        self._database.do(file.update(item=into).where(file.item == item, file.comment != 0))
        html = Blobs(self._database).kept(html)
        number = self.insert("comment", into, author, sender, text, quoted, False, at, inbound, html, False)
        self._database.do(comment.update(published=True).where(comment.id == number))  # who asked may go on
        columns = (file.blob, file.name, file.content_type, file.inline, file.content_id, file.width_px,
                   file.height_px, file.created_at)  # fmt: skip
        for blob, *rest in self._database.all(file.select(*columns).where(file.item == item)):
            self.insert(hot.ATTACHMENT, into, None, number, blob, *rest)

    # ── deleted ───────────────────────────────────────────────────────────────────────────────────────────────

    def delete(self, item: int, act: str) -> None:
        """Take away an item and all that hangs on it; what `act` itself tells of it is still sent."""
        one, comment, file, row = tables.Item, tables.Comment, tables.Attachment, tables.Outbox
        comments = self._database.all(comment.select(comment.id, comment.html).where(comment.item == item))
        (html,) = self._database.first(one.select(one.html).where(one.id == item))
        blobs = [*self._blobs(item), *_own_blobs([html, *(each for _, each in comments)])]
        still = row.update(state="dropped", owner=None, error="the item was deleted")
        others = (row.item == item) & (row.act != act)
        self._database.do(still.where(others, row.state.in_(NOT_SENT)))
        self._database.do(row.update(content=None).where(others, row.state != "sending"))
        for number in sorted(number for number, _ in comments)[-1:]:
            self._keep_number("comment", number)
        self._keep_number("item", item)
        self._database.do(tables.Mute.delete().where(tables.Mute.item == item))
        for table in (file, comment, tables.ItemField, tables.ItemLabel, tables.ItemPerson, tables.ItemCopy,
                      tables.BegunWords):  # fmt: skip
            self._database.do(table.delete().where(table.item == item))
        self._database.do(one.delete().where(one.id == item))
        self._forget(blobs)

    def _blobs(self, item: int, *where: Any) -> list[int]:
        file = tables.Attachment
        rows = self._database.all(file.select(file.blob).where(file.item == item, *where).distinct())
        return [number for (number,) in rows]

    def _forget(self, blobs: Sequence[int]) -> None:
        """Take away those of these bytes that nobody uses any more. It may read all files: nobody deletes often."""
        if not blobs:
            return
        file = tables.Attachment
        used = {number for (number,) in self._database.all(file.select(file.blob).where(file.blob.in_(blobs)))}
        for table in (tables.Item, tables.Comment, tables.Post):
            pages = self._database.all(table.select(table.html).where(table.html.contains('"blob":')))
            used.update(_own_blobs(html for (html,) in pages))
        gone = [each for each in blobs if each not in used]
        self._database.do(tables.Blob.delete().where(tables.Blob.id.in_(gone)))

    # ── drafts ────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, item: int, draft: int, author: int | None, sender: str, now: int) -> int:
        """Make a draft the newest comment, by who sends it; gives its number."""
        comment, file, receipt, effect = tables.Comment, tables.Attachment, tables.Receipt, tables.Effect
        query = comment.select(comment.text, comment.quoted, comment.inbound, comment.html)
        text, quoted, inbound, html = self._database.first(query.where(comment.id == draft))
        number = self.insert("comment", item, author, sender, text, quoted, False, now, inbound, html, False)
        self._database.do(comment.update(published=True).where(comment.id == number))
        self._database.do(file.update(comment=number).where(file.item == item, file.comment == draft))
        if inbound is not None:  # the mail that it came by answers for it from now on
            told = receipt.update(comment=number).where(receipt.inbound == inbound, receipt.comment == draft)
            self._database.do(told)
            made = effect.update(object=number).where(effect.inbound == inbound, effect.kind == "AddComment")
            self._database.do(made.where(effect.object == draft))
        self._database.do(comment.delete().where(comment.id == draft))
        return number

    def drop(self, item: int, draft: int) -> None:
        """Take away a draft and its files."""
        comment, file = tables.Comment, tables.Attachment
        (html,) = self._database.first(comment.select(comment.html).where(comment.id == draft))
        blobs = [*self._blobs(item, file.comment == draft), *_own_blobs([html])]
        self._keep_number("comment", draft)
        self._database.do(file.delete().where(file.item == item, file.comment == draft))
        self._database.do(comment.delete().where(comment.id == draft))
        self._forget(blobs)

    # ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────

    def insert(self, kind: str, *values: Any) -> int:
        """Insert an item or a comment; the first above a mark is given its number."""
        self._memory.versions()  # where somebody else has written, a restore perhaps, it forgets
        marked = self._memory.remember(("marked",), lambda: self._database.rows(hot.MARKED))
        mark = self._database.one(hot.MARK[kind]) if (kind,) in marked else None
        number = self._database.number_from(kind, mark[0]) if mark else 0
        if number:
            return self._database.insert(hot.ITEM_AT if kind == "item" else hot.COMMENT_AT, number, *values)
        return self._database.insert_ahead(hot.ITEM if kind == "item" else hot.COMMENT, *values)

    def _keep_number(self, kind: str, number: int) -> None:
        """See to it that the number of what goes is not given again: that of the highest one would be."""
        (highest,) = self._database.one(hot.HIGHEST_NUMBER[kind])
        if number == highest:
            self._database.run(hot.NUMBER_ABOVE, kind, highest)
            self._memory.forget(("marked",))


def _own_blobs(references: Iterable[str]) -> list[int]:
    """The blobs that hold HTML which stands in no raw mail any more."""
    read = [msgspec.json.decode(each, type=Html) for each in references if '"blob":' in each]
    return [each.blob for each in read if each.blob]
