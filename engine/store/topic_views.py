"""Topics as people see them: a list, and one with its posts and files.

Here: `TopicViews`, which is `engine.ports.TopicViews`. Not here: what decisions ask (`item_facts.py`), what mails and
acts change (`effects.py`). Invariant: a view never holds HTML or attachment bytes, only where to get them.
"""

from __future__ import annotations

from typing import Any

from engine.model.addresses import bare
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.model.stored import AttachmentView, PostView, TopicRow, TopicView
from engine.store import tables
from engine.store.database import Database, time
from engine.store.item_views import stranger


class TopicViews:
    """Lists and shows topics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(
        self, workspace: str = "", limit: int = 100, *, before: int = 0, sight: ItemSight = EVERY_ITEM
    ) -> list[TopicRow]:  # fmt: skip
        query = _rows().order_by(tables.Topic.id.desc()).limit(limit)
        if before:
            query = query.where(tables.Topic.id < before)
        if not sight.all:
            query = query.where(tables.Workspace.identifier.in_(sorted(sight.workspaces)))
        if workspace:
            query = query.where(tables.Workspace.identifier == workspace)
        return [_topic_row(row) for row in self._database.all(query)]

    def view(self, topic: int) -> TopicView | None:
        row = self._database.first(_rows().where(tables.Topic.id == topic))
        return TopicView(_topic_row(row), self._posts(topic), self._attachments(topic)) if row else None

    def _posts(self, topic: int) -> tuple[PostView, ...]:
        post, account, inbound, fn = tables.Post, tables.Account, tables.Inbound, tables.fn
        login, sender, mail = fn.COALESCE(account.login, ""), stranger(post.sender), fn.COALESCE(inbound.ref, "")
        query = (
            post.select(post.id, login, post.title, post.text, post.quoted, post.created_at, mail, post.html, sender)
            .join(account, tables.JOIN.LEFT_OUTER).switch(post).join(inbound, tables.JOIN.LEFT_OUTER)
            .where(post.topic == topic).order_by(post.id)
        )  # fmt: skip
        return tuple(
            PostView(number, login or bare(sender), title, text, quoted, time(at), mail, html, sender)
            for number, login, title, text, quoted, at, mail, html, sender in self._database.all(query)
        )

    def _attachments(self, topic: int) -> tuple[AttachmentView, ...]:
        attached, blob = tables.Attachment, tables.Blob
        query = (
            attached.select(attached.id, attached.name, attached.content_type, blob.size, blob.digest, attached.inline,
                            attached.content_id, attached.comment)
            .join(blob).where(attached.topic == topic).order_by(attached.id)
        )  # fmt: skip
        return tuple(
            AttachmentView(number, name, content_type, size, bytes(digest).hex(), bool(inline), content_id, post)
            for number, name, content_type, size, digest, inline, content_id, post in self._database.all(query)
        )


def _rows() -> Any:
    """The columns of `TopicRow`, of every topic; the posts are counted."""
    topic, post, workspace, fn = tables.Topic, tables.Post, tables.Workspace, tables.fn
    below = post.topic == topic.id
    posts = post.select(fn.COUNT(post.id)).where(below)
    newest = fn.COALESCE(post.select(fn.MAX(post.created_at)).where(below), topic.created_at)
    return (
        topic.select(topic.id, workspace.identifier, topic.title, topic.locked, posts, topic.created_at, newest)
        .join(workspace)
    )  # fmt: skip


def _topic_row(row: tuple[Any, ...]) -> TopicRow:
    number, workspace, title, locked, posts, created, changed = row
    return TopicRow(number, workspace, title, bool(locked), posts, time(created), time(changed))
