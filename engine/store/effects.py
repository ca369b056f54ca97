"""Effects become rows: a plan is carried out in the transaction that holds all of it.

Here: `Effects`, which applies one plan's effects in order and gives symbolic ids their numbers. Not here: the claim,
the receipt, the mailbox action (`commit.py`), sending (`engine/outbox`).
Invariant: item 0 is the one this plan made, an address is the account this plan made; every effect leaves one row in
`effect` (dispatches leave rows in `outbox`), unique by mail, generation, kind and number: applied twice it fails whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.model.desk import Value
from engine.model.draft import Role
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CallWebhook,
    CreateItem,
    CreateUser,
    Effect,
    Letter,
    PostToTopic,
    SendMail,
    SetField,
)
from engine.store import hot
from engine.store.blobs import html_reference
from engine.store.items import COLUMNS, stored_value

if TYPE_CHECKING:
    from engine.store.commit import Commit
    from engine.store.spool import Spooled

NAMES = {"assignee": "assigned_to", "is_private": "private", "subject": "title", "tracker": "type",
         "fixed_version": "version"}  # fmt: skip
"""Other systems' names of fields that are columns here."""

RANK = {Role.EDITOR: 0, Role.READER: 1, Role.WATCHER: 2}

_encode = msgspec.json.Encoder().encode


class Effects:
    """Carries out the effects of one plan. `update` means that an earlier generation's item and comment are changed."""

    def __init__(self, store: Commit, spooled: Spooled, now: int, sender: str) -> None:
        self.store, self.database = store, store.database
        self.row, self.raw, self.mail, self.generation = spooled.row, spooled.raw_row, spooled.mail, spooled.generation
        self.now, self.sender = now, sender
        self.updates, self.quiet = "update" in spooled.mode, "quiet" in spooled.mode
        self.item = self.comment = self.topic = 0
        self.outbox: list[int] = []
        self._people: dict[str, int] = {}
        self._notified: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._rows: list[tuple[Any, ...]] = []

    def apply(self, effects: tuple[Effect, ...]) -> None:
        """Carry out all effects in order."""
        for effect in effects:
            kind = type(effect).__name__
            self._counts[kind] += 1
            done = _APPLY[kind](self, effect)
            if done is not None:
                self._rows.append((self.row, self.generation, kind, self._counts[kind], *done))
        self.database.many(hot.EFFECT, self._rows)

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def _create_user(self, effect: CreateUser) -> tuple[int, str]:
        user, store = effect.user, self.store
        key = user.address.key
        found = store.account(key, "").account
        if found is None:
            login, again = key, 1
            while store.login(login):
                again += 1
                login = f"{key}-{again}"
            name = f"{user.first_name} {user.last_name}".strip()
            groups = [name for name in user.groups if store.group(name)]
            store.put_account(
                login, name=name or key, emails=[user.address.address], groups=groups, language=user.language
            )
            found = store.account(key, "").account
        assert found is not None  # noqa: S101 - it was put there a line ago
        self._people[key] = found.id
        return found.id, found.login

    def _person(self, who: str) -> int | None:
        """Number of an account named by login or address; None for nobody (then only the sender's address is kept)."""
        key = who.casefold()
        if key in self._people:
            return self._people[key]
        account = self.store.login(who) or (self.store.account(key, "").account if "@" in key else None)
        return account.id if account else None

    # ── items ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _create_item(self, effect: CreateItem) -> tuple[int, str]:
        workspace = self.store.workspace_id(effect.workspace)
        columns: dict[str, str] = dict.fromkeys(COLUMNS, "")
        others: list[tuple[str, Value]] = []
        private = effect.private
        for name, value in effect.fields:
            column = NAMES.get(name, name)
            if column in columns:
                columns[column] = _as_text(value)
            elif column == "private":
                private = bool(value)
            else:
                others.append((name, value))
        closed_at = self.now if self.store.is_closed(effect.workspace, columns["status"]) else None
        html = html_reference(self.raw, effect.html_part)
        author = self._person(effect.author)
        before = self._made_before("CreateItem")
        if before:
            self.item = before
            self.database.run(
                hot.ITEM_AGAIN, workspace, effect.title, effect.text, effect.quoted, html, self.now, before
            )
            for column, value in columns.items():
                if value:
                    self._set_column(before, column, value)
        else:
            self.item = self.database.insert(
                hot.ITEM, workspace, effect.title, effect.text, effect.quoted, author, self.sender, *columns.values(),
                private, self.now, self.now, closed_at, self.row, html,
            )  # fmt: skip
        for name, value in others:
            self._set_other(self.item, name, value)
        return self.item, effect.workspace

    def _add_comment(self, effect: AddComment) -> tuple[int, str]:
        item = self.item = effect.item or self.item
        html = html_reference(self.raw, effect.html_part)
        before = self._made_before("AddComment")
        if before:
            self.comment = before
            self.database.run(
                "UPDATE comment SET item_id = ?, text = ?, quoted = ?, internal = (? AND NOT published), html = ? "
                "WHERE id = ?", item, effect.text, effect.quoted, effect.internal, html, before,
            )  # fmt: skip
        else:
            self.comment = self.database.insert(
                hot.COMMENT, item, self._person(effect.author), self.sender, effect.text, effect.quoted,
                effect.internal, self.now, self.row, html,
            )  # fmt: skip
        self._changed(item)
        return self.comment, str(item)

    def _post(self, effect: PostToTopic) -> tuple[int, str]:
        self.topic = effect.topic
        html = html_reference(self.raw, effect.html_part)
        before = self._made_before("PostToTopic")
        if before:
            self.comment = before
            self.database.run("UPDATE post SET text = ?, html = ? WHERE id = ?", effect.text, html, before)
        else:
            self.comment = self.database.insert(
                hot.POST, effect.topic, self._person(effect.author), self.sender, effect.title, effect.text,
                effect.quoted, self.now, self.row, html,
            )  # fmt: skip
        return self.comment, str(effect.topic)

    def _made_before(self, kind: str) -> int:
        """The object that this effect made in an earlier generation, 0 unless this generation is to update it."""
        if not self.updates:
            return 0
        row = self.database.one(
            "SELECT object FROM effect WHERE inbound_id = ? AND generation < ? AND kind = ? AND n = ? "
            "ORDER BY generation DESC LIMIT 1", self.row, self.generation, kind, self._counts[kind],
        )  # fmt: skip
        return int(row[0]) if row else 0

    def _set_field(self, effect: SetField) -> tuple[int, str]:
        item = effect.item or self.item
        column = NAMES.get(effect.name, effect.name)
        if column in COLUMNS or column == "title":
            self._set_column(item, column, _as_text(effect.value))
        elif column == "private":
            self.database.run("UPDATE item SET private = ? WHERE id = ?", bool(effect.value), item)
        else:
            self._set_other(item, effect.name, effect.value)
        self._changed(item)
        return item, f"{effect.name} = {stored_value(effect.value)}"

    def _set_column(self, item: int, column: str, value: str) -> None:
        self.database.run(f"UPDATE item SET {column} = ? WHERE id = ?", value, item)  # noqa: S608
        if column == "status":
            row = self.database.one(
                "SELECT identifier, closed_at FROM item JOIN workspace ON workspace.id = workspace_id "
                "WHERE item.id = ?",
                item,
            )
            closed = self.store.is_closed(row[0], value)
            if closed != (row[1] is not None):
                self.database.run("UPDATE item SET closed_at = ? WHERE id = ?", self.now if closed else None, item)

    def _set_other(self, item: int, name: str, value: Value) -> None:
        field = self.store.field_id(name)
        if value is None or value == ():
            self.database.run("DELETE FROM item_field WHERE item_id = ? AND field_id = ?", item, field)
        else:
            self.database.run(hot.FIELD, item, field, stored_value(value))

    def _changed(self, item: int) -> None:
        self.database.run("UPDATE item SET changed_at = max(changed_at, ?) WHERE id = ?", self.now, item)

    def _add_label(self, effect: AddLabel) -> tuple[int, str]:
        item = effect.item or self.item
        self.database.run(hot.LABEL, item, effect.label)
        return item, effect.label

    def _add_person(self, effect: AddPerson) -> tuple[int, str] | None:
        item, account = effect.item or self.item, self._person(effect.person)
        if account is None or self.topic:
            return None
        row = self.database.one("SELECT role FROM item_person WHERE item_id = ? AND account_id = ?", item, account)
        if row is None:
            self.database.run(
                "INSERT INTO item_person (item_id, account_id, role) VALUES (?, ?, ?)", item, account, str(effect.role)
            )
        elif RANK[effect.role] < RANK[Role(row[0])]:
            self.database.run(
                "UPDATE item_person SET role = ? WHERE item_id = ? AND account_id = ?", str(effect.role), item, account
            )
        return item, f"{effect.person} {effect.role}"

    def _attach(self, effect: Attach) -> tuple[int, str]:
        attached, part = effect.attachment, effect.attachment.part
        digest = bytes.fromhex(attached.digest)
        row = self.database.one(hot.BLOB_BY_DIGEST, digest)
        made = attached.content  # stands nowhere in the raw mail: unpacked, or made smaller
        where = (made, None, 0, 0, "") if made else (None, self.raw, part.start, part.end, part.encoding)
        blob = row[0] if row else self.database.insert(hot.BLOB, digest, attached.size_bytes, *where)
        item = None if self.topic else effect.item or self.item
        if self.updates and (again := self.database.one(
            "SELECT id FROM attachment WHERE item_id = ? AND blob_id = ? AND name = ?", item, blob, attached.name
        )):  # fmt: skip
            return int(again[0]), attached.name
        number = self.database.insert(
            hot.ATTACHMENT, item, self.topic or None, self.comment, blob, attached.name, attached.content_type,
            attached.inline, attached.content_id, attached.width_px, attached.height_px, self.now,
        )  # fmt: skip
        return number, attached.name

    # ── dispatches ────────────────────────────────────────────────────────────────────────────────────────────

    def _send_mail(self, effect: SendMail) -> None:
        for recipient in self._recipients(effect):
            filled = replace(effect, to=(recipient,) if recipient else (), item=effect.item or self.item)
            self._dispatch(effect.kind, recipient.casefold(), effect.automatic, filled)

    def _recipients(self, effect: SendMail) -> Iterator[str]:
        """Whom a mail goes to, one row each. Notices go to people: groups are resolved, nobody is told twice."""
        if effect.kind != Letter.NOTIFY:
            yield from effect.to or ("",)
            return
        for name in effect.to:
            group = "" if "@" in name or self.store.login(name) else self.store.group(name)
            for each in (self.store.group_logins(group) if group else ()) or (name,):
                account = self.store.person(each)
                key = account.login if account is not None else each.casefold()
                if key not in self._notified:
                    self._notified.add(key)
                    yield each

    def _call_webhook(self, effect: CallWebhook) -> None:
        self._dispatch("webhook", "", False, effect)

    def _dispatch(self, kind: str, recipient: str, automatic: bool, effect: SendMail | CallWebhook) -> None:
        if self.quiet:
            return
        n = len(self.outbox) + 1
        message_id = self.store.message_ids(self.mail, self.generation, n, self.item)
        self.outbox.append(
            self.database.insert(
                hot.OUTBOX, f"{self.row}:{self.generation}:{n}:{recipient}", message_id, self.row, self.generation,
                kind, automatic, recipient, self.item or None, self.topic or None, _encode(effect).decode(), self.now,
            )
        )  # fmt: skip


_APPLY: dict[str, Any] = {
    "CreateUser": Effects._create_user,
    "CreateItem": Effects._create_item,
    "AddComment": Effects._add_comment,
    "PostToTopic": Effects._post,
    "SetField": Effects._set_field,
    "AddLabel": Effects._add_label,
    "AddPerson": Effects._add_person,
    "Attach": Effects._attach,
    "SendMail": Effects._send_mail,
    "CallWebhook": Effects._call_webhook,
}


def _as_text(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)
