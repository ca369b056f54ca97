"""Items and topics of another system, under the numbers they have there.

Here: `Loading`, a part of `engine.ports.Items`: `put_item`, `put_topic`. Not here: checking the file (`load.py`), what
mails do to items (`effects.py`). Invariant: an item that is there already keeps what the entry does not name; a comment
or post that is there is not added again (same author, same text).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.store import tables
from engine.store.database import Database
from engine.store.directory import Directory
from engine.store.errors import NotFound, Refused
from engine.store.item_facts import stored_value
from engine.store.memory import Memory
from engine.store.terms import COLUMNS
from engine.store.workspaces import Workspaces

GIVEN = ("title", "text", *COLUMNS, "private")


class Loading:
    """Puts items and topics."""

    def __init__(self, database: Database, memory: Memory, directory: Directory, workspaces: Workspaces) -> None:
        self._database, self._memory = database, memory
        self._directory, self._workspaces = directory, workspaces

    # ── items ─────────────────────────────────────────────────────────────────────────────────────────────────

    def put_item(self, entry: Mapping[str, Any]) -> str:
        item, number, workspace = tables.Item, entry["id"], entry["workspace"]
        columns: dict[str, Any] = {"workspace": self._workspaces.workspace_id(workspace)}
        columns |= {key: entry[key] for key in GIVEN if key in entry}
        if "assignee" in entry:
            columns["assigned_to"] = self._assignee(entry["assignee"])
        if "author" in entry:
            columns["author"] = self._account(entry["author"])
        with self._database.joining():
            self._memory.touch("items")
            if self._database.first(item.select(item.id).where(item.id == number)) is None:
                columns = {**self._first_values(workspace), **columns}
                columns["closed_at"] = self._closed_at(workspace, columns.get("status", ""))
                now = self._database.now()
                self._database.do(item.insert(id=number, **columns, created_at=now, changed_at=now))
                self._database.number_from("item", number)
                said = "added"
            else:
                said = self._change(number, workspace, columns)
            changed = self._belongings(number, entry)
            for comment in entry.get("comments", ()):
                changed |= self._comment(number, comment)
        return "changed" if said == "same" and changed else said

    def _first_values(self, workspace: str) -> dict[str, str]:
        """What an item has where nothing is said: the first type and status, the priority Normal or the first."""
        catalog = self._workspaces.catalog(workspace)
        if catalog is None:
            return {}
        normal = "Normal" if "Normal" in catalog.priorities else (*catalog.priorities, "")[0]
        return {
            "type": (*catalog.types, "")[0],
            "status": catalog.statuses[0].name if catalog.statuses else "",
            "priority": normal,
        }

    def _closed_at(self, workspace: str, status: str) -> int | None:
        return self._database.now() if self._workspaces.is_closed(workspace, status) else None

    def _change(self, number: int, workspace: str, columns: dict[str, Any]) -> str:
        item = tables.Item
        fields = [getattr(item, name) for name in columns]
        before = self._database.first(item.select(*fields).where(item.id == number))
        changes = {name: columns[name] for name, old in zip(columns, before, strict=True) if old != columns[name]}
        if not changes:
            return "same"
        if "status" in changes:
            changes["closed_at"] = self._closed_at(workspace, changes["status"])
        self._database.do(item.update(**changes, changed_at=self._database.now()).where(item.id == number))
        return "changed"

    def _belongings(self, number: int, entry: Mapping[str, Any]) -> bool:
        """Watchers, labels and values of fields; tells whether any was new."""
        person, named, field, changed = tables.ItemPerson, tables.ItemLabel, tables.ItemField, 0
        for login in entry.get("watchers", ()):
            watching = person.insert(item=number, account=self._account(login), role="watcher")
            changed += self._database.do(watching.on_conflict_ignore())
        for label in entry.get("labels", ()):
            changed += self._database.do(named.insert(item=number, label=label).on_conflict_ignore())
        for name, value in entry.get("fields", {}).items():
            if isinstance(value, dict):
                raise Refused(f'the field "{name}" has to be a text, a number, true, false or a list of texts')
            stored = stored_value(tuple(map(str, value)) if isinstance(value, list) else value)
            given = field.insert(item=number, field=self._workspaces.field_id(name), value=stored)
            changed += self._database.do(
                given.on_conflict(
                    conflict_target=(field.item, field.field), preserve=(field.value,),
                    where=field.value != tables.EXCLUDED.value,
                )
            )  # fmt: skip
        return changed > 0

    def _comment(self, item: int, entry: Mapping[str, Any]) -> bool:
        comment, author, text = tables.Comment, self._account(entry["author"]), entry["text"]
        there = comment.select(comment.id).where(comment.item == item, comment.author == author, comment.text == text)
        if self._database.first(there):
            return False
        made = comment.insert(
            item=item, author=author, text=text, internal=entry.get("internal", False), created_at=self._database.now()
        )
        self._database.do(made)
        return True

    # ── topics ────────────────────────────────────────────────────────────────────────────────────────────────

    def put_topic(self, entry: Mapping[str, Any]) -> str:
        topic, number = tables.Topic, entry["id"]
        place = self._workspaces.workspace_id(entry["workspace"])
        title, locked = entry["title"], entry.get("locked", False)
        said = "same"
        with self._database.joining():
            self._memory.touch("items")
            columns = (topic.workspace, topic.title, topic.locked)
            row = self._database.first(topic.select(*columns).where(topic.id == number))
            if row is None:
                now = self._database.now()
                self._database.do(
                    topic.insert(id=number, workspace=place, title=title, locked=locked, created_at=now)
                )  # fmt: skip
                self._database.number_from("topic", number)
                said = "added"
            elif row != (place, title, locked):
                changed = topic.update(workspace=place, title=title, locked=locked)
                self._database.do(changed.where(topic.id == number))
                said = "changed"
            new = [self._post(number, post) for post in entry.get("posts", ())]
        return "changed" if said == "same" and any(new) else said

    def _post(self, topic: int, entry: Mapping[str, Any]) -> bool:
        post, author, text = tables.Post, self._account(entry["author"]), entry["text"]
        there = post.select(post.id).where(post.topic == topic, post.author == author, post.text == text)
        if self._database.first(there):
            return False
        title, now = entry.get("title", ""), self._database.now()
        self._database.do(post.insert(topic=topic, author=author, title=title, text=text, created_at=now))
        return True

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def _account(self, who: str) -> int:
        account = self._directory.person(who)
        if account is None:
            raise NotFound(f'there is no user "{who}"', who)
        return account.id

    def _assignee(self, who: str) -> str:
        """Somebody by login, address or name, or a group."""
        if account := self._directory.person(who):
            return account.login
        if not who or (group := self._directory.group(who)):
            return group if who else ""
        raise NotFound(f'there is no user or group "{who}"', who)
