"""The words and files of a person in items, comments and posts, and their name in what others wrote there.

Here: `Unsaying`. Not here: who is meant and where they took part (`took_part.py`), mails (`retention.py`).
Invariant: what the person wrote is replaced whole; of what others wrote only the name and what they quoted goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from engine.store import tables
from engine.store.named import ERASED, Named

if TYPE_CHECKING:
    from engine.store.blobs import Blobs
    from engine.store.database import Database
    from engine.store.took_part import Conversations

OF_LISTS = ("list", "bool", "version")
"""Kinds of fields whose values an admin wrote, so that a person's words never stand there."""


class Unsaying:
    """Takes back what one person said."""

    def __init__(self, database: Database, named: Named, count: Callable[[str, Any], None]) -> None:
        self._database, self._named, self._count = database, named, count
        self._loose: set[int] = set()

    def conversations(self, where: Conversations) -> None:
        """Erase their words where they took part, and their name in the words of others."""
        item, comment, post = tables.Item, tables.Comment, tables.Post
        for number in where.own:
            self._erase(item, number, {"title": ERASED, "text": ERASED, "language": ""})
            self._fields(number)
        for number in where.comments:
            self._erase(comment, number, {"text": ERASED, "draft": False})  # nobody sends that: it becomes a note
        for number in where.posts:
            self._erase(post, number, {"title": "", "text": ERASED})
        for number in where.items:
            spoken = number in where.spoken
            if number not in where.own:
                self._unname(item, number, ("title", "text"), spoken=spoken)
            self._values(number)
            self._begun(number)
            for (each,) in self._database.all(comment.select(comment.id).where(comment.item == number)):
                if each not in where.comments:
                    self._unname(comment, each, ("text",), spoken=spoken)
            self._attached(tables.Attachment.item, number, where.comments, own=number in where.own)
        for number in where.topics:
            for (each,) in self._database.all(post.select(post.id).where(post.topic == number)):
                if each not in where.posts:
                    self._unname(post, each, ("title", "text"), spoken=True)
            self._attached(tables.Attachment.topic, number, where.posts, own=False)

    def _erase(self, table: Any, number: int, words: dict[str, Any]) -> None:
        self._let_html_go(table, number)
        nothing = {"quoted": "", "html": "", "sender": "", "author": None}
        self._database.do(table.update(**words, **nothing).where(table.id == number))
        self._count(table._meta.table_name, number)

    def _unname(self, table: Any, number: int, texts: tuple[str, ...], *, spoken: bool) -> None:
        """Take the name out of what somebody else wrote; where the person had `spoken`, what was quoted goes, too.

        Nobody looks into HTML: it goes where it may name them, the text is there.
        """
        names = (*texts, "quoted", "sender", "html")
        columns = [getattr(table, name) for name in names]
        row = self._database.first(table.select(*columns).where(table.id == number))
        if row is None:  # the item was deleted: its mails, events and rows are still there
            return
        said = dict(zip(names, row, strict=True))
        new = {name: self._named.without(said[name]) for name in (*texts, "quoted")}
        new["sender"] = "" if self._named.is_theirs(said["sender"]) else said["sender"]
        if spoken:
            new["quoted"] = ""
        new["html"] = "" if spoken or any(new[name] != said[name] for name in new) else said["html"]
        if changed := {name: text for name, text in new.items() if text != said[name]}:
            self._let_html_go(table, number)
            self._database.do(table.update(**changed).where(table.id == number))
            self._count(table._meta.table_name, number)

    def _begun(self, item: int) -> None:
        """In what others are writing there nothing names them."""
        row = tables.BegunWords
        for account, words in self._database.all(row.select(row.account, row.words).where(row.item == item)):
            if (new := self._named.without(words)) != words:
                self._database.do(row.update(words=new).where(row.item == item, row.account == account))
                self._count("begun_words", (item, account))

    def _let_html_go(self, table: Any, number: int) -> None:
        (html,) = self._database.first(table.select(table.html).where(table.id == number))
        if html and (blob := msgspec.json.decode(html).get("blob", 0)):
            self._loose.add(blob)

    # ── fields, labels, roles ─────────────────────────────────────────────────────────────────────────────────

    def _fields(self, item: int) -> None:
        """Of an item of theirs the values go that they may have written."""
        value, field = tables.ItemField, tables.FieldName
        query = value.select(value.field, field.kind, field.defined).join(field).where(value.item == item)
        for number, kind, defined in self._database.all(query):
            if not (defined and kind in OF_LISTS):
                self._database.do(value.delete().where(value.item == item, value.field == number))
                self._count("item_field", (item, number))

    def _values(self, item: int) -> None:
        """In what is left of an item where they took part, nothing names them."""
        value, label, of, login = tables.ItemField, tables.ItemLabel, tables.Item, self._named.login
        for number, text in self._database.all(value.select(value.field, value.value).where(value.item == item)):
            new = self._named.without(text.replace(f'"{login}"', '""') if login else text)
            if new != text:
                here = value.update(value=new).where(value.item == item, value.field == number)
                self._database.do(here)
                self._count("item_field", (item, number))
        for (text,) in self._database.all(label.select(label.label).where(label.item == item)):
            if (new := self._named.without(text)) != text:
                self._database.do(label.delete().where(label.item == item, label.label == text))
                self._database.do(label.insert(item=item, label=new).on_conflict_ignore())
                self._count("item_label", (item, text))
        if login and self._database.do(of.update(assigned_to="").where(of.id == item, of.assigned_to == login)):
            self._count("item", item)

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _attached(self, place: Any, number: int, words: set[int], *, own: bool) -> None:
        """The files they sent go; the names of others' files do not name them."""
        attached = tables.Attachment
        query = attached.select(attached.id, attached.comment, attached.name, attached.blob).where(place == number)
        for each, comment, name, blob in self._database.all(query):
            if comment in words or (own and not comment):
                self._database.do(attached.delete().where(attached.id == each))
                self._loose.add(blob)
            elif (new := self._named.without(name)) != name:
                self._database.do(attached.update(name=new).where(attached.id == each))
            else:
                continue
            self._count("attachment", each)

    def files(self, blobs: Blobs) -> None:
        """Let go of bytes that nothing shows any more, and of all that hold the address, whoever sent them."""
        blob, attached = tables.Blob, tables.Attachment
        for number in [*self._database.holding(blob.content, self._named.stand_in)]:
            for (each,) in self._database.all(attached.select(attached.id).where(attached.blob == number)):
                self._database.do(attached.delete().where(attached.id == each))
                self._count("attachment", each)
            for table in (tables.Item, tables.Comment, tables.Post):
                for each in blobs.shown_by(table, number):
                    self._database.do(table.update(html="").where(table.id == each))
                    self._count(table._meta.table_name, each)
            self._loose.add(number)
        for number in sorted(self._loose):
            self._let_go(blobs, number)

    def _let_go(self, blobs: Blobs, number: int) -> None:
        blob, attached = tables.Blob, tables.Attachment
        if self._database.first(attached.select(attached.id).where(attached.blob == number)):
            return
        if any(blobs.shown_by(table, number) for table in (tables.Item, tables.Comment, tables.Post)):
            return
        if self._database.do(blob.delete().where(blob.id == number)):
            self._count("blob", number)
