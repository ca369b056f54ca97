"""Effects become rows: a plan is carried out in the transaction that holds all of it.

Here: `Effects`, which applies one plan's effects in order and gives symbolic ids their numbers. Not here: the claim,
the receipt, the mailbox action (`commit.py`), what goes out (`dispatches.py`).
Invariant: item 0 is the one this plan made, an address is the account this plan made; every effect leaves one row in
`effect` (dispatches leave rows in `outbox`), unique by mail, generation, kind and number: applied twice it fails whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model.addresses import key_of
from engine.model.desk import Value
from engine.model.fields import COMMON
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CallWebhook,
    CreateItem,
    CreateUser,
    Effect,
    PostToTopic,
    SendMail,
    SetField,
)
from engine.model.stored import Spooled
from engine.store import hot, tables
from engine.store.blobs import html_reference
from engine.store.database import Database
from engine.store.directory import Directory
from engine.store.dispatches import Dispatches
from engine.store.item_facts import stored_value
from engine.store.memory import Memory
from engine.store.terms import COLUMNS
from engine.store.workspaces import Workspaces

if TYPE_CHECKING:
    from engine.ports import MessageIds

NAMES = {"subject": "title"} | {other: field.name for field in COMMON.rows if field.column for other in field.aliases}
"""Other systems' names of fields that are columns here."""


class Shelves(NamedTuple):
    """What effects are carried out with: where rows go, who names people, who names places, what is remembered."""

    database: Database
    directory: Directory
    workspaces: Workspaces
    memory: Memory


class Effects:
    """Carries out the effects of one plan. `update` means that an earlier generation's item and comment are changed."""

    def __init__(self, shelves: Shelves, spooled: Spooled, now: int, sender: str, message_ids: MessageIds) -> None:
        self._database, self._directory, self._workspaces, self._memory = shelves
        self._dispatches = Dispatches(self._database, self._directory, spooled, now, message_ids)
        self.row, self.raw, self.generation = spooled.row, spooled.raw_row, spooled.generation
        self.now, self.sender, self.updates = now, sender, "update" in spooled.mode
        self.item = self.comment = self.topic = 0
        self._people: dict[str, int] = {}
        self._counts: dict[type[Effect], int] = {}
        self._rows: list[tuple[Any, ...]] = []

    @property
    def outbox(self) -> tuple[int, ...]:
        """The rows that the effects left in the outbox."""
        return tuple(self._dispatches.rows)

    def apply(self, effects: tuple[Effect, ...]) -> None:
        """Carry out all effects in order."""
        for effect in effects:
            kind = type(effect)
            n = self._counts[kind] = self._counts.get(kind, 0) + 1
            done = _APPLY[kind](self, effect)
            if done is not None:
                self._rows.append((self.row, self.generation, kind.__name__, n, *done))
        self._database.many(hot.EFFECT, self._rows)

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def _create_user(self, effect: CreateUser) -> tuple[int, str]:
        user, people = effect.user, self._directory
        key = user.address.key
        found = people.account(key, "").account
        if found is None:
            login, again = key, 1
            while people.login(login):
                again += 1
                login = f"{key}-{again}"
            name = f"{user.first_name} {user.last_name}".strip()
            groups = [name for name in user.groups if people.group(name)]
            people.put_account(
                login, name=name or key, emails=[user.address.address], groups=groups, language=user.language
            )
            found = people.account(key, "").account
        assert found is not None  # noqa: S101 - it was put there a line ago
        self._people[key] = found.id
        return found.id, found.login

    def _person(self, who: str) -> int | None:
        """Number of an account named by login or address; None for nobody (then only the sender's address is kept)."""
        key = key_of(who)
        if key in self._people:
            return self._people[key]
        account = self._directory.login(who) or (self._directory.account(key, "").account if "@" in key else None)
        return account.id if account else None

    # ── items ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _create_item(self, effect: CreateItem) -> tuple[int, str]:
        workspace = self._workspaces.workspace_id(effect.workspace)
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
        closed_at = self.now if self._workspaces.is_closed(effect.workspace, columns["status"]) else None
        html = html_reference(self.raw, effect.html_part)
        author = self._person(effect.author)
        before = self._made_before(CreateItem)
        if before:
            self.item = before
            again = tables.Item.update(
                workspace=workspace, title=effect.title, text=effect.text, quoted=effect.quoted, html=html,
                changed_at=self.now,
            )  # fmt: skip
            self._database.do(again.where(tables.Item.id == before))
            for column, value in columns.items():
                if value:
                    self._set_column(before, column, value)
        else:
            self.item = self._database.insert(
                *self._numbered(), workspace, effect.title, effect.text, effect.quoted, author, self.sender,
                *columns.values(), private, self.now, self.now, closed_at, self.row, html,
            )  # fmt: skip
        for name, value in others:
            self._set_other(self.item, name, value)
        return self.item, effect.workspace

    def _numbered(self) -> tuple[Any, ...]:
        """The statement that inserts an item; the first one after a restore is given its number."""
        self._memory.versions()  # where somebody else has written, a restore perhaps, it forgets
        restored = self._memory.remember(("restored",), lambda: self._database.one(hot.RESTORED))
        mark = self._database.one(hot.MARK) if restored else None
        return (hot.ITEM_AT, mark[0] + 1) if mark else (hot.ITEM,)

    def _add_comment(self, effect: AddComment) -> tuple[int, str]:
        item = self.item = effect.item or self.item
        html = html_reference(self.raw, effect.html_part)
        before = self._made_before(AddComment)
        if before:
            self.comment = before
            comment = tables.Comment  # one that a person made public stays public
            internal = tables.Case(None, [(comment.published, False)], effect.internal)
            again = comment.update(item=item, text=effect.text, quoted=effect.quoted, internal=internal, html=html)
            self._database.do(again.where(comment.id == before))
        else:
            self.comment = self._database.insert(
                hot.COMMENT, item, self._person(effect.author), self.sender, effect.text, effect.quoted,
                effect.internal, self.now, self.row, html,
            )  # fmt: skip
        self._changed(item)
        return self.comment, str(item)

    def _post(self, effect: PostToTopic) -> tuple[int, str]:
        self.topic, self.item = effect.topic, 0  # what follows hangs on the topic, not on the item of that number
        html = html_reference(self.raw, effect.html_part)
        before = self._made_before(PostToTopic)
        if before:
            self.comment = before
            self._database.do(tables.Post.update(text=effect.text, html=html).where(tables.Post.id == before))
        else:
            self.comment = self._database.insert(
                hot.POST, effect.topic, self._person(effect.author), self.sender, effect.title, effect.text,
                effect.quoted, self.now, self.row, html,
            )  # fmt: skip
        return self.comment, str(effect.topic)

    def _made_before(self, kind: type[Effect]) -> int:
        """The object that this effect made in an earlier generation, 0 unless this generation is to update it."""
        if not self.updates:
            return 0
        made = tables.Effect
        query = made.select(made.object).where(
            made.inbound == self.row, made.generation < self.generation, made.kind == kind.__name__,
            made.n == self._counts[kind],
        )  # fmt: skip
        row = self._database.first(query.order_by(made.generation.desc()).limit(1))
        return int(row[0]) if row else 0

    def _set_field(self, effect: SetField) -> tuple[int, str]:
        item = self.item = effect.item or self.item
        column = NAMES.get(effect.name, effect.name)
        if column in COLUMNS or column == "title":
            self._set_column(item, column, _as_text(effect.value))
        elif column == "private":
            self._database.run(hot.SET_ITEM["private"], bool(effect.value), item)
        else:
            self._set_other(item, effect.name, effect.value)
        self._changed(item)
        return item, f"{effect.name} = {stored_value(effect.value)}"

    def _set_column(self, item: int, column: str, value: str) -> None:
        self._database.run(hot.SET_ITEM[column], value, item)
        if column == "status":
            workspace, closed_at = self._database.one(hot.CLOSED_AT, item)
            closed = self._workspaces.is_closed(workspace, value)
            if closed != (closed_at is not None):
                self._database.run(hot.SET_ITEM["closed_at"], self.now if closed else None, item)

    def _set_other(self, item: int, name: str, value: Value) -> None:
        field = self._workspaces.field_id(name)
        if value is None or value == ():
            self._database.run(hot.NO_FIELD, item, field)
        else:
            self._database.run(hot.FIELD, item, field, stored_value(value))

    def _changed(self, item: int) -> None:
        self._database.run(hot.CHANGED, self.now, self.now, item)

    def _add_label(self, effect: AddLabel) -> tuple[int, str]:
        item = effect.item or self.item
        self._database.run(hot.LABEL, item, effect.label)
        return item, effect.label

    def _add_person(self, effect: AddPerson) -> tuple[int, str] | None:
        item, account = effect.item or self.item, self._person(effect.person)
        if account is None or self.topic:
            return None
        self._database.run(hot.PERSON, item, account, str(effect.role))
        return item, f"{effect.person} {effect.role}"

    def _attach(self, effect: Attach) -> tuple[int, str]:
        attached, part = effect.attachment, effect.attachment.part
        digest = bytes.fromhex(attached.digest)
        row = self._database.one(hot.BLOB_BY_DIGEST, digest)
        made = attached.content  # stands nowhere in the raw mail: unpacked, or made smaller
        where = (made, None, 0, 0, "") if made else (None, self.raw, part.start, part.end, part.encoding)
        blob = row[0] if row else self._database.insert(hot.BLOB, digest, attached.size_bytes, *where)
        item = None if self.topic else effect.item or self.item
        if self.updates and (again := self._attached_before(item, blob, attached.name)):
            return again, attached.name
        number = self._database.insert(
            hot.ATTACHMENT, item, self.topic or None, self.comment, blob, attached.name, attached.content_type,
            attached.inline, attached.content_id, attached.width_px, attached.height_px, self.now,
        )  # fmt: skip
        return number, attached.name

    def _attached_before(self, item: int | None, blob: int, name: str) -> int:
        there = tables.Attachment
        query = there.select(there.id).where(there.item == item, there.blob == blob, there.name == name)
        row = self._database.first(query)
        return int(row[0]) if row else 0

    # ── dispatches ────────────────────────────────────────────────────────────────────────────────────────────

    def _send_mail(self, effect: SendMail) -> None:
        self._dispatches.mail(effect, self.item, self.topic)

    def _call_webhook(self, effect: CallWebhook) -> None:
        self._dispatches.webhook(effect, self.item, self.topic)


_APPLY: Mapping[type[Effect], Any] = {
    CreateUser: Effects._create_user,
    CreateItem: Effects._create_item,
    AddComment: Effects._add_comment,
    PostToTopic: Effects._post,
    SetField: Effects._set_field,
    AddLabel: Effects._add_label,
    AddPerson: Effects._add_person,
    Attach: Effects._attach,
    SendMail: Effects._send_mail,
    CallWebhook: Effects._call_webhook,
}


def _as_text(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)
