"""Items as people see them: lists, views, drafts.

Here: `ItemViews`, a part of `engine.ports.Items`. Not here: what decisions ask (`item_facts.py`), what mails change
(`effects.py`), the words of a query (`item_query.py`). Invariant: a view never holds HTML or attachment bytes, only
where to get them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.mail.subject import changed
from engine.model.addresses import bare
from engine.model.desk import AccountStatus
from engine.model.figures import ItemKinds
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.model.stored import AttachmentView, CommentView, DraftRow, ItemRow, ItemView
from engine.store import hot, tables
from engine.store.database import Database, moment, time
from engine.store.item_facts import ItemLookups
from engine.store.memory import Memory
from engine.store.workspaces import Workspaces

AT_ONCE = 500


class ItemViews:
    """Lists and shows items."""

    def __init__(self, database: Database, memory: Memory, lookups: ItemLookups, workspaces: Workspaces) -> None:
        self._database, self._memory, self._lookups, self._workspaces = database, memory, lookups, workspaces

    def newest(self, workspace: str = "", limit: int = 100, before: int = 0) -> list[ItemRow]:
        item = tables.Item
        query = _rows().order_by(item.id.desc()).limit(limit)
        if before:
            query = query.where(item.id < before)
        if workspace:
            query = query.where(tables.Workspace.identifier == workspace)
        return [_item_row(row) for row in self._database.all(query)]

    def found(
        self, query: str = "", limit: int = 100, now: datetime | None = None, *, before: int = 0,
        sight: ItemSight = EVERY_ITEM,
    ) -> tuple[list[ItemRow], bool]:  # fmt: skip
        numbers, windowed = self._numbers(query, limit, now, before, sight)
        return self._shown(numbers), self._is_beyond(numbers, limit, windowed=windowed)

    def gathered(
        self, query: str = "", limit: int = 100, now: datetime | None = None, *, sight: ItemSight = EVERY_ITEM
    ) -> tuple[list[ItemRow], bool, ItemKinds]:  # fmt: skip
        from engine.store.item_kinds import MOST_COUNTED, kinds

        numbers, windowed = self._numbers(query, max(limit, MOST_COUNTED + 1), now, 0, sight)
        beyond = self._is_beyond(numbers, limit, windowed=windowed)
        return self._shown(numbers[:limit]), beyond, kinds(self._database, numbers)

    def _numbers(
        self, query: str, limit: int, now: datetime | None, before: int, sight: ItemSight
    ) -> tuple[list[int], bool]:  # fmt: skip
        """The numbers of what is found, and whether only the newest items were looked at."""
        from engine.store.item_query import read

        asked = read(query, now or self._database.clock(), sight, before)
        for name in asked.statuses if sight.all else ():
            self._expect_status(name)
        found = self._database.rows(asked.statement.sql, *asked.statement.params, limit)
        return [number for (number,) in found], asked.windowed

    def _is_beyond(self, numbers: Sequence[int], limit: int, *, windowed: bool) -> bool:
        from engine.store.item_query import WINDOW

        return windowed and len(numbers) < limit and self._database.one(hot.NEWEST_ITEM)[0] > WINDOW

    def _shown(self, numbers: Sequence[int]) -> list[ItemRow]:
        rows: list[ItemRow] = []
        for start in range(0, len(numbers), AT_ONCE):
            here = _rows().where(tables.Item.id.in_(numbers[start : start + AT_ONCE]))
            rows += [_item_row(row) for row in self._database.all(here.order_by(tables.Item.id.desc()))]
        return rows

    def _expect_status(self, name: str) -> None:
        """Raises Unclear for a status that no workspace offers and no item has: items keep one that went away."""
        from engine.store.item_query import ENDED, with_status
        from engine.store.query import one_of

        offered = [status.name for place in self._workspaces.workspaces() for status in place.statuses]
        known = {each.casefold(): each for each in (*offered, *ENDED)}
        sql, params = with_status(name)
        if name.casefold() not in known and not self._database.rows(sql, *params, 1):
            one_of(name, known.values(), "status")

    def count(self, workspace: str) -> int:
        query = tables.Item.select(tables.fn.COUNT(tables.Item.id)).join(tables.Workspace)
        return int(self._database.first(query.where(tables.Workspace.identifier == workspace))[0])

    def view(self, item: int) -> ItemView | None:
        row = self._database.first(_rows().where(tables.Item.id == item))
        if row is None:
            return None
        of, inbound = tables.Item, tables.Inbound
        text, quoted, html, private, closed_at, mail, version, category = self._database.first(
            of.select(of.text, of.quoted, of.html, of.private, of.closed_at, inbound.ref, of.version, of.category)
            .join(inbound, tables.JOIN.LEFT_OUTER).where(of.id == item)
        )  # fmt: skip
        named = (("category", category), ("version", version))
        return ItemView(
            item=_item_row(row), text=text, quoted=quoted, html=html, private=bool(private),
            closed_at=moment(closed_at), mail=mail or "",
            fields=(*((name, value) for name, value in named if value), *self._lookups.fields(item)),
            labels=self._labels(item), people=self._people(item),
            copies=tuple(self._database.rows(hot.COPIES, item)), comments=self._comments(item),
            attachments=self._attachments(item),
        )  # fmt: skip

    def _labels(self, item: int) -> tuple[str, ...]:
        label = tables.ItemLabel
        rows = self._database.all(label.select(label.label).where(label.item == item).order_by(label.label))
        return tuple(each for (each,) in rows)

    def _people(self, item: int) -> tuple[tuple[str, str], ...]:
        person, account = tables.ItemPerson, tables.Account
        query = person.select(account.login, person.role).join(account).where(person.item == item)
        return tuple((login, role) for login, role in self._database.all(query.order_by(account.login)))

    def _comments(self, item: int) -> tuple[CommentView, ...]:
        comment, account, inbound, first = tables.Comment, tables.Account, tables.Inbound, tables.Inbound.alias("first")
        fn = tables.fn
        login, sender, mail = fn.COALESCE(account.login, ""), stranger(comment.sender), fn.COALESCE(inbound.ref, "")
        said, was = fn.COALESCE(inbound.subject, ""), fn.COALESCE(first.subject, "")
        query = (
            comment.select(comment.id, login, comment.text, comment.quoted, comment.internal, comment.created_at, mail,
                           comment.html, sender, comment.draft, said, tables.Item.title, was)
            .join(account, tables.JOIN.LEFT_OUTER).switch(comment).join(inbound, tables.JOIN.LEFT_OUTER)
            .switch(comment).join(tables.Item)
            .join(first, tables.JOIN.LEFT_OUTER, on=tables.Item.inbound == first.id)
            .where(comment.item == item).order_by(comment.created_at, comment.id)
        )  # fmt: skip
        return tuple(
            CommentView(
                number,
                login or bare(sender),
                text,
                quoted,
                bool(internal),
                time(at),
                mail,
                html,
                changed(*subjects),
                sender,
                bool(draft),
            )
            for number, login, text, quoted, internal, at, mail, html, sender, draft, *subjects in self._database.all(
                query
            )
        )

    def _attachments(self, item: int) -> tuple[AttachmentView, ...]:
        attached, blob = tables.Attachment, tables.Blob
        query = (
            attached.select(attached.id, attached.name, attached.content_type, blob.size, blob.digest, attached.inline,
                            attached.content_id, attached.comment)
            .join(blob).where(attached.item == item).order_by(attached.id)
        )  # fmt: skip
        return tuple(
            AttachmentView(number, name, content_type, size, bytes(digest).hex(), bool(inline), content_id, comment)
            for number, name, content_type, size, digest, inline, content_id, comment in self._database.all(query)
        )

    def drafts(self, item: int = 0) -> list[DraftRow]:
        found = self._database.rows(hot.DRAFTS["item"], item) if item else self._database.rows(hot.DRAFTS["all"])
        return [
            DraftRow(number, of, workspace, title, login or bare(sender), text, time(at))
            for number, of, workspace, title, login, sender, text, at in found
        ]


def _rows() -> Any:
    """The columns of `ItemRow`, of every item; the comments and attachments are counted."""
    item, workspace, account = tables.Item, tables.Workspace, tables.Account
    comments = tables.Comment.select(tables.fn.COUNT(tables.Comment.id)).where(tables.Comment.item == item.id)
    attachments = tables.Attachment.select(tables.fn.COUNT(tables.Attachment.id)).where(
        tables.Attachment.item == item.id
    )
    return (
        item.select(item.id, workspace.identifier, item.title, item.type, item.status, item.priority, item.assigned_to,
                    tables.fn.COALESCE(account.login, ""), item.created_at, item.changed_at, comments, attachments,
                    stranger(item.sender), item.merged_into)
        .join(workspace).switch(item).join(account, tables.JOIN.LEFT_OUTER)
    )  # fmt: skip


def stranger(sender: Any) -> Any:
    """Name and address of somebody without an account, for whom the guest stands; "" where the author has one."""
    account = tables.Account
    return tables.Case(None, [(account.id.is_null() | (account.status == AccountStatus.GUEST), sender)], "")


def _item_row(row: tuple[Any, ...]) -> ItemRow:
    (number, place, title, kind, status, priority, assigned_to, login, created, changed, comments, files, sender,
     merged_into) = row  # fmt: skip
    return ItemRow(
        number, place, title, kind, status, priority, assigned_to, login or bare(sender), time(created), time(changed),
        comments, files, sender, sender.partition("<")[0].strip() if "<" in sender else "", merged_into,
    )  # fmt: skip
