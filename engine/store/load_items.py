"""Loading items and topics of another system, under the numbers they have there.

Here: `put_item`, `put_topic`. Not here: checking the file (`load.py`), what mails do to items (`effects.py`).
Invariant: an item that is there already keeps what the file does not name; a comment or post that is there is not
added again (same author, same text).
"""
# ruff: noqa: S608 - only our own names of columns are put into the statements

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.store.database import us
from engine.store.errors import NotFound, Refused
from engine.store.items import stored_value

if TYPE_CHECKING:
    from engine.store.store import Store


def put_item(store: Store, entry: dict[str, Any]) -> str:
    """Add or change an item. Raises NotFound for a person or workspace that does not exist."""
    number, now = entry["id"], us(store.clock())
    columns: dict[str, Any] = {"workspace_id": store.workspace_id(entry["workspace"])}
    for key in ("title", "text", "type", "status", "priority", "category", "version", "private"):
        if key in entry:
            columns[key] = entry[key]
    if "assignee" in entry:
        columns["assigned_to"] = _assignee(store, entry["assignee"])
    if "author" in entry:
        columns["author_id"] = _account(store, entry["author"])
    row = store.database.one("SELECT workspace_id FROM item WHERE id = ?", number)
    if row is None:
        columns = {**_first_values(store, entry["workspace"]), **columns}
        columns["closed_at"] = now if store.is_closed(entry["workspace"], columns["status"]) else None
        names = ["id", *columns, "created_at", "changed_at"]
        marks = ", ".join("?" * len(names))
        store.database.run(
            f"INSERT INTO item ({', '.join(names)}) VALUES ({marks})", number, *columns.values(), now, now
        )
        said = "added"
    else:
        said = _change(store, number, entry["workspace"], columns, now)
    changed = _belongings(store, number, entry)
    for comment in entry.get("comments", ()):
        changed |= _comment(store, number, comment, now)
    return "changed" if said == "same" and changed else said


def _first_values(store: Store, workspace: str) -> dict[str, str]:
    """What an item has where the file says nothing: the first type and status, the priority Normal or the first."""
    catalog = store.catalog(workspace)
    if catalog is None:
        return {}
    normal = "Normal" if "Normal" in catalog.priorities else (*catalog.priorities, "")[0]
    return {
        "type": (*catalog.types, "")[0],
        "status": catalog.statuses[0].name if catalog.statuses else "",
        "priority": normal,
    }


def _change(store: Store, number: int, workspace: str, columns: dict[str, Any], now: int) -> str:
    before = store.database.one(f"SELECT {', '.join(columns)} FROM item WHERE id = ?", number)
    changes = {name: columns[name] for name, old in zip(columns, before, strict=True) if old != columns[name]}
    if not changes:
        return "same"
    if "status" in changes:
        changes["closed_at"] = now if store.is_closed(workspace, changes["status"]) else None
    assignments = ", ".join(f"{name} = ?" for name in changes)
    store.database.run(f"UPDATE item SET {assignments}, changed_at = ? WHERE id = ?", *changes.values(), now, number)
    return "changed"


def _belongings(store: Store, number: int, entry: dict[str, Any]) -> bool:
    """Watchers, labels and values of fields; tells whether any was new."""
    database, changed = store.database, 0
    for login in entry.get("watchers", ()):
        changed += database.run(
            "INSERT INTO item_person (item_id, account_id, role) VALUES (?, ?, 'watcher') "
            "ON CONFLICT (item_id, account_id) DO NOTHING", number, _account(store, login),
        ).rowcount  # fmt: skip
    for label in entry.get("labels", ()):
        changed += database.run(
            "INSERT INTO item_label (item_id, label) VALUES (?, ?) ON CONFLICT (item_id, label) DO NOTHING",
            number,
            label,
        ).rowcount
    for name, value in entry.get("fields", {}).items():
        if isinstance(value, dict):
            raise Refused(f'the field "{name}" has to be a text, a number, true, false or a list of texts')
        stored = stored_value(tuple(map(str, value)) if isinstance(value, list) else value)
        changed += database.run(
            "INSERT INTO item_field (item_id, field_id, value) VALUES (?, ?, ?) "
            "ON CONFLICT (item_id, field_id) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
            number, store.field_id(name), stored,
        ).rowcount  # fmt: skip
    return changed > 0


def _comment(store: Store, item: int, comment: dict[str, Any], now: int) -> bool:
    author = _account(store, comment["author"])
    if store.database.one(
        "SELECT 1 FROM comment WHERE item_id = ? AND author_id = ? AND text = ?", item, author, comment["text"]
    ):
        return False
    store.database.run(
        "INSERT INTO comment (item_id, author_id, text, internal, created_at) VALUES (?, ?, ?, ?, ?)",
        item, author, comment["text"], comment.get("internal", False), now,
    )  # fmt: skip
    return True


def put_topic(store: Store, entry: dict[str, Any]) -> str:
    """Add or change a discussion topic with its posts. Raises NotFound."""
    number, now = entry["id"], us(store.clock())
    place, locked = store.workspace_id(entry["workspace"]), entry.get("locked", False)
    row = store.database.one("SELECT workspace_id, title, locked FROM topic WHERE id = ?", number)
    said = "same"
    if row is None:
        store.database.run(
            "INSERT INTO topic (id, workspace_id, title, locked, created_at) VALUES (?, ?, ?, ?, ?)",
            number, place, entry["title"], locked, now,
        )  # fmt: skip
        said = "added"
    elif row != (place, entry["title"], locked):
        store.database.run(
            "UPDATE topic SET workspace_id = ?, title = ?, locked = ? WHERE id = ?",
            place,
            entry["title"],
            locked,
            number,
        )
        said = "changed"
    for post in entry.get("posts", ()):
        author = _account(store, post["author"])
        if store.database.one(
            "SELECT 1 FROM post WHERE topic_id = ? AND author_id = ? AND text = ?", number, author, post["text"]
        ):
            continue
        store.database.run(
            "INSERT INTO post (topic_id, author_id, title, text, created_at) VALUES (?, ?, ?, ?, ?)",
            number, author, post.get("title", ""), post["text"], now,
        )  # fmt: skip
        said = "changed" if said == "same" else said
    return said


def _account(store: Store, who: str) -> int:
    account = store.person(who)
    if account is None:
        raise NotFound(f'there is no user "{who}"', who)
    return account.id


def _assignee(store: Store, who: str) -> str:
    """Somebody by login, address or name, or a group."""
    if account := store.person(who):
        return account.login
    if not who or (group := store.group(who)):
        return group if who else ""
    raise NotFound(f'there is no user or group "{who}"', who)
