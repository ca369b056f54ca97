"""Items and topics as decisions and people see them.

Here: item, topic, item_by_field as in `Lookups`; lists and views for the command line. Not here: changing items
(`effects.py`). Invariant: a view never holds HTML or attachment bytes, only where to get them.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from engine.model.desk import ItemFacts, Kind, Value
from engine.store.accounts import Accounts
from engine.store.database import moment, time
from engine.store.tables.items import COLUMNS


class ItemRow(Struct, frozen=True):
    """An item in a list."""

    id: int
    workspace: str
    title: str
    type: str
    status: str
    priority: str
    assigned_to: str
    author: str
    created_at: datetime
    changed_at: datetime
    comments: int = 0
    attachments: int = 0


class CommentView(Struct, frozen=True):
    """A comment with the mail it came with (its id, "" for none)."""

    id: int
    author: str
    text: str
    quoted: str
    internal: bool
    created_at: datetime
    mail: str = ""
    html: str = ""


class AttachmentView(Struct, frozen=True):
    """An attachment; its bytes are `Store.blob(digest)`."""

    id: int
    name: str
    content_type: str
    size_bytes: int
    digest: str
    inline: bool
    content_id: str
    comment: int


class ItemView(Struct, frozen=True):
    """Everything about an item. `html` and that of comments is a reference for `Store.html`."""

    item: ItemRow
    text: str
    quoted: str
    html: str
    private: bool
    closed_at: datetime | None
    mail: str
    fields: tuple[tuple[str, Value], ...]
    labels: tuple[str, ...]
    people: tuple[tuple[str, str], ...]
    comments: tuple[CommentView, ...]
    attachments: tuple[AttachmentView, ...]


_FACTS = f"""
SELECT workspace.identifier, title, closed_at, changed_at, private, sender, account.login, account.id,
  {", ".join(f"item.{name}" for name in COLUMNS)}
FROM item JOIN workspace ON workspace.id = workspace_id LEFT JOIN account ON account.id = author_id
WHERE item.id = ?"""  # noqa: S608 - only our own names of columns

_PEOPLE = """
SELECT login, account.id FROM item_person JOIN account ON account.id = account_id WHERE item_id = ?
UNION SELECT login, id FROM account WHERE login = ?"""

_ROW = """
SELECT item.id, workspace.identifier, title, type, item.status, priority, assigned_to,
  coalesce(account.login, item.sender), created, changed_at,
  (SELECT count(*) FROM comment WHERE item_id = item.id),
  (SELECT count(*) FROM attachment WHERE item_id = item.id)
FROM (SELECT *, created_at AS created FROM item {where}) AS item
JOIN workspace ON workspace.id = workspace_id LEFT JOIN account ON account.id = author_id ORDER BY item.id DESC"""


class Items(Accounts):
    """Answers questions about items and topics."""

    def item(self, item: int) -> ItemFacts | None:
        """Find an item by number. `people` are the logins and addresses of everyone on it, case-folded."""
        if not 0 < item < 2**63 or (row := self.database.one(_FACTS, item)) is None:
            return None
        workspace, title, closed_at, changed_at, private, sender, author, author_id, *values = row
        held = dict(zip(COLUMNS, values, strict=True))
        people = {sender} if sender else set()
        for login, number in [(author, author_id), *self.database.rows(_PEOPLE, item, held["assigned_to"])]:
            if login:
                people.add(login.casefold())
                account = self.account_by_id(number)
                people.update(address.casefold() for address in (account.emails if account else ()))
        people.update(
            writer for (writer,) in self.database.rows(
                "SELECT DISTINCT sender FROM comment WHERE item_id = ? AND internal = 0 AND belongs = 1 "
                "AND sender <> ''", item,
            )
        )  # fmt: skip
        return ItemFacts(
            id=item, workspace=workspace, title=title, type=held["type"], status=held["status"],
            closed=closed_at is not None, closed_at=moment(closed_at), changed_at=moment(changed_at),
            private=bool(private),
            fields=(*((name, value) for name, value in held.items() if value), *self._fields(item)),
            people=tuple(sorted(people)),
            attachment_digests=self._digests(item),
        )  # fmt: skip

    def _fields(self, item: int) -> tuple[tuple[str, Value], ...]:
        rows = self.database.rows(
            "SELECT name, value FROM item_field JOIN field ON field.id = field_id WHERE item_id = ? ORDER BY field.id",
            item,
        )
        return tuple((name, value_of(stored)) for name, stored in rows)

    def _digests(self, item: int) -> tuple[str, ...]:
        rows = self.database.rows(
            "SELECT digest FROM attachment JOIN blob ON blob.id = blob_id WHERE item_id = ? ORDER BY attachment.id",
            item,
        )
        return tuple(dict.fromkeys(bytes(digest).hex() for (digest,) in rows))

    def topic(self, topic: int) -> ItemFacts | None:
        """Find a discussion topic by number."""
        if not 0 < topic < 2**63:
            return None
        row = self.database.one(
            "SELECT identifier, title, locked, created_at FROM topic JOIN workspace ON workspace.id = workspace_id "
            "WHERE topic.id = ?", topic,
        )  # fmt: skip
        if row is None:
            return None
        people: set[str] = set()
        for number, sender in self.database.rows(
            "SELECT DISTINCT author_id, sender FROM post WHERE topic_id = ?", topic
        ):
            account = self.account_by_id(number) if number else None
            if account:
                people.update([account.login.casefold(), *(address.casefold() for address in account.emails)])
            if sender:
                people.add(sender)
        workspace, title, locked, created_at = row
        (changed_at,) = self.database.one("SELECT max(created_at) FROM post WHERE topic_id = ?", topic)
        return ItemFacts(
            id=topic, workspace=workspace, title=title, kind=Kind.TOPIC, locked=bool(locked),
            changed_at=time(changed_at or created_at), people=tuple(sorted(people)),
        )  # fmt: skip

    def item_by_field(self, name: str, value: str) -> ItemFacts | None:
        """Find the newest item whose field holds exactly this value (`thread by`).

        Asks fields that admins added or rules set. The columns that many items share (type, status, priority,
        category, version, assignee) identify no item and find none.
        """
        row = self.database.one(
            "SELECT max(item_id) FROM item_field JOIN field ON field.id = field_id "
            "WHERE field.key = ? AND value IN (?, ?, ?)",
            name.strip().casefold(), stored_value(value), value, stored_value((value,)),
        )  # fmt: skip
        return self.item(row[0]) if row and row[0] else None

    # ── for people ────────────────────────────────────────────────────────────────────────────────────────────

    def items(self, workspace: str = "", limit: int = 100, before: int = 0) -> list[ItemRow]:
        """List items, newest first; `before` goes on below an item number."""
        where = ["id < ?"] if before else []
        params: list[object] = [before] if before else []
        if workspace:
            where.append("workspace_id = (SELECT id FROM workspace WHERE identifier = ?)")
            params.append(workspace)
        clause = (f"WHERE {' AND '.join(where)} " if where else "") + "ORDER BY id DESC LIMIT ?"
        return [_item_row(row) for row in self.database.rows(_ROW.format(where=clause), *params, limit)]

    def count_items(self, workspace: str) -> int:
        """Count the items of a workspace."""
        return int(self.database.one(
            "SELECT count(*) FROM item WHERE workspace_id = (SELECT id FROM workspace WHERE identifier = ?)", workspace
        )[0])  # fmt: skip

    def item_view(self, item: int) -> ItemView | None:
        """Show everything about an item."""
        row = self.database.one(_ROW.format(where="WHERE id = ?"), item)
        if row is None:
            return None
        text, quoted, html, private, closed_at, mail, version, category = self.database.one(
            "SELECT text, quoted, html, private, closed_at, ref, version, category FROM item "
            "LEFT JOIN inbound ON inbound.id = inbound_id WHERE item.id = ?", item,
        )  # fmt: skip
        named = (("category", category), ("version", version))
        return ItemView(
            item=_item_row(row), text=text, quoted=quoted, html=html, private=bool(private),
            closed_at=moment(closed_at), mail=mail or "",
            fields=(*((name, value) for name, value in named if value), *self._fields(item)),
            labels=tuple(
                label for (label,) in self.database.rows(
                    "SELECT label FROM item_label WHERE item_id = ? ORDER BY label", item)
            ),
            people=tuple(
                (login, role) for login, role in self.database.rows(
                    "SELECT login, role FROM item_person JOIN account ON account.id = account_id WHERE item_id = ? "
                    "ORDER BY login", item)
            ),
            comments=self._comments(item),
            attachments=self._attachments(item),
        )  # fmt: skip

    def _comments(self, item: int) -> tuple[CommentView, ...]:
        rows = self.database.rows(
            "SELECT comment.id, coalesce(login, comment.sender), text, quoted, internal, comment.created_at, "
            "coalesce(ref, ''), html FROM comment LEFT JOIN account ON account.id = author_id "
            "LEFT JOIN inbound ON inbound.id = inbound_id WHERE item_id = ? ORDER BY comment.id", item,
        )  # fmt: skip
        return tuple(
            CommentView(number, author, text, quoted, bool(internal), time(created_at), mail, html)
            for number, author, text, quoted, internal, created_at, mail, html in rows
        )

    def _attachments(self, item: int) -> tuple[AttachmentView, ...]:
        rows = self.database.rows(
            "SELECT attachment.id, name, content_type, size, digest, inline, content_id, comment FROM attachment "
            "JOIN blob ON blob.id = blob_id WHERE item_id = ? ORDER BY attachment.id", item,
        )  # fmt: skip
        return tuple(
            AttachmentView(number, name, content_type, size, bytes(digest).hex(), bool(inline), content_id, comment)
            for number, name, content_type, size, digest, inline, content_id, comment in rows
        )


def stored_value(value: Value) -> str:
    """Give a field's value as it is stored: JSON text."""
    return msgspec.json.encode(value).decode()


def value_of(stored: str) -> Value:
    """Read a stored value of a field."""
    value = msgspec.json.decode(stored)
    return tuple(str(each) for each in value) if isinstance(value, list) else value


def _item_row(row: tuple[object, ...]) -> ItemRow:
    number, workspace, title, kind, status, priority, assigned_to, author, created, changed, comments, attachments = row
    return ItemRow(
        int(str(number)), str(workspace), str(title), str(kind), str(status), str(priority), str(assigned_to),
        str(author), time(int(str(created))), time(int(str(changed))), int(str(comments)), int(str(attachments)),
    )  # fmt: skip
