"""Effects become rows: a plan is carried out in the transaction that holds all of it.

Here: `Effects`, which applies one plan's effects in order, gives symbolic ids their numbers and notes what happened by
them. Not here: the claim, the receipt, the mailbox action (`commit.py`), who hears of it (`dispatches.py`).
Invariant: item 0 is the one this plan made, an address is the account this plan made; every effect leaves one row in
`effect`, unique by mail, generation, kind and number: applied twice it fails whole; those of an act are told by its
events. What happened is what changed.
Over 300 lines: a method for each effect, a few statements in each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.model.addresses import LONGEST_NAME, bare, base_key, key_of
from engine.model.desk import TURN, AccountStatus, Value
from engine.model.fields import COMMON
from engine.model.hearing import Actor, Batch, Change, Happened
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CameBack,
    CreateItem,
    CreateUser,
    DeleteItem,
    DropDraft,
    DropLabel,
    DropPerson,
    EditWords,
    Effect,
    LockTopic,
    MergeItem,
    PostToTopic,
    Publish,
    SendDraft,
    SetCopies,
    SetField,
    Tell,
    Unsubscribe,
)
from engine.store import hot, tables
from engine.store.blobs import html_reference
from engine.store.database import Database
from engine.store.directory import Directory
from engine.store.dispatches import Source
from engine.store.errors import NotFound, Refused
from engine.store.item_facts import stored_value, value_of
from engine.store.leaving import Leaving
from engine.store.memory import Memory
from engine.store.not_arrived import NotArrived
from engine.store.terms import COLUMNS
from engine.store.turns import Turns
from engine.store.whole_items import WholeItems
from engine.store.workspaces import Workspaces

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

    def __init__(
        self, shelves: Shelves, source: Source, now: int, sender: str, *, raw: int = 0, updates: bool = False
    ) -> None:  # fmt: skip
        self._database, self._directory, self._workspaces, self._memory = shelves
        self._whole = WholeItems(self._database, self._memory)
        self.row, self.raw, self.generation, self._act = source.row, raw, source.generation, source.act
        self.now, self.sender, self.updates = now, sender, updates
        self.item = self.comment = self.topic = 0
        self._people: dict[str, int] = {}
        self._counts: dict[type[Effect], int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._tell = Tell()
        self._workspace = ""
        self._made_item = False
        self._events: dict[str, int] = {}
        self._returned: tuple[Happened, ...] = ()
        self._changes: dict[str, list[Change]] = {}
        self._elsewhere: list[Happened] = []
        self._speaker: Actor | None = None
        self._last: list[Callable[[], None]] = []

    def apply(self, effects: tuple[Effect, ...]) -> None:
        """Carry out all effects in order."""
        for effect in effects:
            kind = type(effect)
            n = self._counts[kind] = self._counts.get(kind, 0) + 1
            done = _APPLY[kind](self, effect)
            if done is not None:
                self._rows.append((self.row, self.generation, kind.__name__, n, *done))
        if self.row is not None:
            self._database.many(hot.EFFECT, self._rows)

    def batch(self, actor: Actor, workspace: str) -> Batch | None:
        """Give what happened by all of it, and how it is to be told; None where nothing did."""
        if self._tell.event:
            self._events.setdefault(self._tell.event, 0)
        if self._tell.forwards:
            self._events.setdefault("mail.forwarded", 0)
        if not self._events and not self._returned:
            return None
        item, topic = (0, self.topic) if self.topic else (self.item, 0)
        events = [
            Happened(name, item, topic, comment, tuple(self._changes.get(name, ())), speaker=self._speaker)
            for name, comment in self._events.items()
        ]
        events = [*self._returned, *events, *self._elsewhere]
        return Batch(tuple(events), self._tell, actor, self._workspace or workspace, item, topic)

    def finish(self) -> None:
        """Do what waits until everybody is told who hears of it: what is deleted has nobody any more."""
        for do in self._last:
            do()

    def _happened(self, event: str, *changes: Change, comment: int = 0) -> None:
        """Note an event; what belongs to the making of an item is no event of its own."""
        if self._made_item and event != "item.created":
            return
        self._events[event] = comment or self._events.get(event, 0)
        if changes:
            self._changes.setdefault(event, []).extend(changes)

    def _told(self, effect: Tell) -> None:
        self._tell = effect

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def _create_user(self, effect: CreateUser) -> tuple[int, str]:
        user, people = effect.user, self._directory
        key = user.address.key
        found = people.account(key, "").account
        mine = people.login(user.joins) if found is None and user.joins else None
        if mine is not None:
            people.put_account(mine.login, emails=[*mine.emails, user.address.address])
        elif found is None:
            login, again = user.login or key, 1
            while people.login(login):
                again += 1
                login = key if again == 2 else f"{key}-{again - 1}"
            name = f"{user.first_name} {user.last_name}".strip()
            groups = [name for name in user.groups if people.group(name)]
            others = [each for each in user.others if people.account(key_of(each), "").account is None]
            emails = [user.address.address, *others]
            people.put_account(login, name=name or key, emails=emails, groups=groups, language=user.language)
            self._events.setdefault("person.created", 0)
        found = found or people.account(key, "").account
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
        before = self._made_before(CreateItem)
        for name, value in effect.fields:
            column = NAMES.get(name, name)
            if column == "assigned_to":
                columns[column] = self._turn(before, _as_text(value))
            elif column in columns:
                columns[column] = _as_text(value)
            elif column == "private":
                private = bool(value)
            else:
                others.append((name, value))
        closed_at = self.now if self._workspaces.is_closed(effect.workspace, columns["status"]) else None
        html = html_reference(self.raw, effect.html_part)
        author = self._person(effect.author)
        if before:
            self.item = before
            again = tables.Item.update(
                workspace=workspace, title=effect.title, text=effect.text, quoted=effect.quoted, html=html,
                changed_at=self.now,
            )  # fmt: skip
            self._database.do(again.where(tables.Item.id == before))
            item = tables.Item
            (merged,) = self._database.first(item.select(item.merged_into).where(item.id == before))
            for column, value in columns.items() if not merged else ():  # that one is closed, and stays so
                if value:
                    self._set_column(before, column, value)
        else:
            self.item = self._whole.insert(
                "item", workspace, effect.title, effect.text, effect.quoted, author, self.sender,
                *columns.values(), private, self.now, self.now, closed_at, self.row, html, effect.language,
            )  # fmt: skip
        for name, value in others:
            self._set_other(self.item, name, value)
        self._happened("item.created")
        self._made_item, self._workspace = True, effect.workspace
        return self.item, effect.workspace

    def _add_comment(self, effect: AddComment) -> tuple[int, str]:
        item = self.item = effect.item or self.item
        html = html_reference(self.raw, effect.html_part)
        before = self._made_before(AddComment)
        if before:
            self.comment = before
            comment = tables.Comment  # one that a person made public stays public
            internal = tables.Case(None, [(comment.published, False)], effect.internal)
            draft = tables.Case(None, [(comment.published, False)], effect.draft)
            again = comment.update(
                item=item, text=effect.text, quoted=effect.quoted, internal=internal, draft=draft, html=html
            )
            self._database.do(again.where(comment.id == before))
        else:
            self.comment = self._whole.insert(
                "comment", item, self._person(effect.author), self.sender, effect.text,
                effect.quoted, effect.internal, self.now, self.row, html, effect.draft,
            )  # fmt: skip
        if not effect.draft:  # a draft is nothing yet: it tells nobody and changes nothing
            self._changed(item)
            self._happened("item.noted" if effect.internal else "item.commented", comment=self.comment)
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
        self._happened("topic.posted", comment=self.comment)
        return self.comment, str(effect.topic)

    def _lock(self, effect: LockTopic) -> tuple[int, str]:
        if self._database.run(hot.LOCK_TOPIC, effect.locked, effect.topic, not effect.locked).rowcount:
            self._happened("topic.locked" if effect.locked else "topic.unlocked")
        return effect.topic, "locked" if effect.locked else "open"

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
        return int(row[0]) if row and self._is_there(_TABLES[kind](), row[0]) else 0

    def _is_there(self, table: Any, number: int) -> bool:
        """Tell whether what was made has not been deleted since: then it is made anew."""
        return self._database.first(table.select(table.id).where(table.id == number)) is not None

    def _set_field(self, effect: SetField) -> tuple[int, str]:
        item = self.item = effect.item or self.item
        column, value = NAMES.get(effect.name, effect.name), effect.value
        if column == "assigned_to":
            value = self._turn(item, _as_text(value))
        if column in COLUMNS or column == "title":
            self._set_column(item, column, _as_text(value))
        elif column == "private":
            self._set_private(item, bool(effect.value))
        else:
            before = self._other(item, effect.name)
            self._set_other(item, effect.name, effect.value)
            self._field_changed(effect.name, _as_text(before), _as_text(effect.value))
        self._changed(item)
        return item, f"{effect.name} = {stored_value(value)}"

    def _turn(self, item: int, value: str) -> str:
        """Who is assigned by a value, where people take turns; `item` 0 is one that is made now."""
        if not value.startswith(TURN):
            return value
        held = self._database.one(hot.VALUE_OF["assigned_to"], item) if item else None
        return Turns(self._database, self._directory).taken(value, held[0] if held is not None else "")

    def _set_column(self, item: int, column: str, value: str) -> None:
        before = self._database.one(hot.VALUE_OF[column], item)
        self._database.run(hot.SET_ITEM[column], value, item)
        event = "item.changed"
        if column == "status":
            workspace, closed_at = self._database.one(hot.CLOSED_AT, item)
            closed = self._workspaces.is_closed(workspace, value)
            if closed != (closed_at is not None):
                event = "item.closed" if closed else "item.reopened"
                self._database.run(hot.SET_ITEM["closed_at"], self.now if closed else None, item)
        self._field_changed(column, before[0] if before else "", value, event)

    def _set_private(self, item: int, value: bool) -> None:
        (before,) = self._database.one(hot.VALUE_OF["private"], item)
        self._database.run(hot.SET_ITEM["private"], value, item)
        self._field_changed("private", *["yes" if each else "no" for each in (before, value)])

    def _field_changed(self, name: str, before: str, after: str, event: str = "item.changed") -> None:
        """Note that a value became another one; one that stayed is no news."""
        if before != after:
            self._happened("item.assigned" if name == "assigned_to" else event, Change(name, before, after))

    def _other(self, item: int, name: str) -> Value:
        row = self._database.one(hot.FIELD_OF, item, self._workspaces.field_id(name))
        return value_of(row[0]) if row else None

    def _set_other(self, item: int, name: str, value: Value) -> None:
        field = self._workspaces.field_id(name)
        if value is None or value == ():
            self._database.run(hot.NO_FIELD, item, field)
        else:
            self._database.put(hot.FIELD, item, field, stored_value(value))

    def _changed(self, item: int) -> None:
        self._database.put(hot.CHANGED, self.now, self.now, item)

    def _add_label(self, effect: AddLabel) -> tuple[int, str]:
        item = effect.item or self.item
        if self._made_item:
            self._database.put(hot.LABEL, item, effect.label)
        elif self._database.run(hot.LABEL, item, effect.label).rowcount:
            self._happened("item.changed", Change("label", "", effect.label))
        return item, effect.label

    def _add_person(self, effect: AddPerson) -> tuple[int, str] | None:
        item, account = effect.item or self.item, self._person(effect.person)
        if account is None or self.topic:
            return None
        if self._made_item:
            self._database.put(hot.PERSON, item, account, str(effect.role))
        elif self._database.run(hot.PERSON, item, account, str(effect.role)).rowcount:
            self._happened("item.changed", Change(str(effect.role), "", effect.person))
        return item, f"{effect.person} {effect.role}"

    def _drop_label(self, effect: DropLabel) -> tuple[int, str]:
        if self._database.run(hot.NO_LABEL, effect.item, effect.label).rowcount:
            self._happened("item.changed", Change("label", effect.label, ""))
        return effect.item, effect.label

    def _drop_person(self, effect: DropPerson) -> tuple[int, str]:
        account = self._person(effect.person)
        known = self._directory.account_by_id(account) if account is not None else None
        addresses = known.emails if known is not None else (effect.person,)
        if Leaving(self._database, self._memory).off(effect.item, account, addresses):
            self._happened("item.changed", Change("person", effect.person, ""))
        return effect.item, effect.person

    def _publish(self, effect: Publish) -> tuple[int, str]:
        author, sender, draft = self._internal(effect.item, effect.note, "note")
        if draft:
            raise Refused(f"{effect.note} of item #{effect.item} is a draft: allegra item send {effect.item} "
                          f"{effect.note}")  # fmt: skip
        self._database.run(hot.PUBLISH, effect.authorise, effect.note)
        self._changed(effect.item)
        if effect.authorise and author is not None:
            self._database.run(hot.PERSON, effect.item, author, "reader")
        self.comment, self._speaker = effect.note, self._wrote(author, sender, effect.by)
        may = f"; {sender} may reply" if effect.authorise else ""
        self._happened("item.commented", Change("published", "", f"by {effect.by}{may}"), comment=effect.note)
        return effect.note, f"by {effect.by}{may}"

    def _wrote(self, author: int | None, sender: str, by: str) -> Actor | None:
        """Who wrote a note that `by` makes public, None where it is the same person."""
        account = self._directory.account_by_id(author) if author else None
        if account is None or account.status == AccountStatus.GUEST:
            return Actor(None, key_of(bare(sender)), sender.rpartition("<")[0].strip())
        return Actor(account, key_of(next(iter(account.emails), "")), account.name) if account.login != by else None

    def _internal(self, item: int, number: int, what: str) -> tuple[int | None, str, bool]:
        """Author, sender of a note or draft, and whether it is one. Raises NotFound, Refused for what is public."""
        row = self._database.one(hot.NOTE, number, item)
        if row is None:
            raise NotFound(f"item #{item} has no {what} {number}")
        internal, author, sender, draft = row
        if not internal:
            raise Refused(f"comment {number} of item #{item} is public already")
        return author, sender, bool(draft)

    def _is_draft(self, item: int, number: int) -> None:
        if not self._internal(item, number, "draft")[2]:
            raise Refused(f"{number} of item #{item} is a note, not a draft")

    def _send_draft(self, effect: SendDraft) -> tuple[int, str]:
        self._is_draft(effect.item, effect.draft)
        by = self._person(effect.by)
        self.comment = self._whole.send(effect.item, effect.draft, by, self.sender, self.now)
        self._changed(effect.item)
        self._happened("item.commented", comment=self.comment)
        return self.comment, f"by {effect.by}"

    def _edit_words(self, effect: EditWords) -> tuple[int, str]:
        _, _, draft = self._internal(effect.item, effect.comment, "note or draft")
        self.comment, comment = effect.comment, tables.Comment
        changed = comment.update(text=effect.text, html="").where(comment.id == effect.comment)
        if self._database.do(changed.where(comment.text != effect.text)) and not draft:
            self._happened("item.edited", comment=effect.comment)
        return effect.comment, ""

    def _drop_draft(self, effect: DropDraft) -> tuple[int, str]:
        self._is_draft(effect.item, effect.draft)
        self._whole.drop(effect.item, effect.draft)
        return effect.draft, ""

    def _merge(self, effect: MergeItem) -> tuple[int, str]:
        self._whole.merge(effect.item, effect.into, self.now, effect.status)
        self._happened("item.merged", Change("merged_into", "", f"#{effect.into}"))
        came = Change("merged_from", "", f"#{effect.item}")
        self._elsewhere.append(Happened("item.merged", effect.into, 0, 0, (came,)))
        return effect.item, f"into {effect.into}"

    def _delete(self, effect: DeleteItem) -> tuple[int, str]:
        (title,) = self._database.one(hot.VALUE_OF["title"], effect.item)
        self._happened("item.deleted", Change("title", title, ""))
        self._last.append(lambda: self._whole.delete(effect.item, self._act))
        return effect.item, ""

    def _set_copies(self, effect: SetCopies) -> tuple[int, str] | None:
        """Note the copies of a mail of the requester, in place of those of the one before; others copy nobody."""
        item = effect.item or self.item
        if not (self._made_item or self._is_requester(item)):
            return None
        people = self._directory
        copies = [each for each in effect.copies if people.account(each.key, "+").account is None]
        if not self._made_item:
            self._database.run(hot.NO_COPIES, item)
        for each in copies:
            self._database.put(hot.COPY, item, base_key(each.key), each.address, each.name[:LONGEST_NAME])
        return (item, ", ".join([each.address for each in copies])) if copies else None

    def _is_requester(self, item: int) -> bool:
        author, sender = next(iter(self._database.stored(hot.REQUESTER, item)), (None, ""))
        key = key_of(bare(self.sender))
        account = self._directory.account_by_id(author) if author else None
        theirs = [key_of(email) for email in account.emails] if account is not None else []
        return bool(key) and (key in theirs or key == key_of(bare(sender)))

    def _came_back(self, effect: CameBack) -> tuple[int, str] | None:
        """Note on the row of ours what became of it; only a Message-ID that we signed is one of ours."""
        row = self._database.one(hot.OURS, effect.message_id)
        if row is None or row[1] == "bounced":
            return None
        number, _, item = row
        said = effect.diagnostic or effect.status
        self._database.run(hot.BOUNCED, said, number)
        happened, _ = NotArrived(self._database, self._memory).note(number, said, effect.status)
        self.item = self.item or item
        self._returned = (happened,) if happened is not None else ()
        return number, effect.status

    def _unsubscribe(self, effect: Unsubscribe) -> tuple[int, str] | None:
        left = Leaving(self._database, self._memory).leave(effect.row)
        if left is None:
            return None
        self.item, self.topic = self.item or left.item, self.topic or left.topic
        self._happened("person.unsubscribed", Change("person", left.login, ""), *left.changes)
        return effect.row, left.login

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
        number = self._database.insert_ahead(
            hot.ATTACHMENT, item, self.topic or None, self.comment, blob, attached.name, attached.content_type,
            attached.inline, attached.content_id, attached.width_px, attached.height_px, self.now,
        )  # fmt: skip
        if not self.comment:
            self._happened("item.changed", Change("file", "", attached.name))
        return number, attached.name

    def _attached_before(self, item: int | None, blob: int, name: str) -> int:
        there = tables.Attachment
        query = there.select(there.id).where(there.item == item, there.blob == blob, there.name == name)
        row = self._database.first(query)
        return int(row[0]) if row else 0


_APPLY: Mapping[type[Effect], Any] = {
    CreateUser: Effects._create_user,
    CreateItem: Effects._create_item,
    AddComment: Effects._add_comment,
    PostToTopic: Effects._post,
    LockTopic: Effects._lock,
    SetField: Effects._set_field,
    AddLabel: Effects._add_label,
    AddPerson: Effects._add_person,
    Attach: Effects._attach,
    DropLabel: Effects._drop_label,
    DropPerson: Effects._drop_person,
    Publish: Effects._publish,
    SendDraft: Effects._send_draft,
    EditWords: Effects._edit_words,
    DropDraft: Effects._drop_draft,
    MergeItem: Effects._merge,
    DeleteItem: Effects._delete,
    SetCopies: Effects._set_copies,
    CameBack: Effects._came_back,
    Unsubscribe: Effects._unsubscribe,
    Tell: Effects._told,
}

_TABLES: Mapping[type[Effect], Callable[[], Any]] = {
    CreateItem: lambda: tables.Item,
    AddComment: lambda: tables.Comment,
    PostToTopic: lambda: tables.Post,
}
"""Where what an effect made stands."""


def _as_text(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)
