"""A person is forgotten: the address, the names and the words go, the numbers, times and digests stay.

Here: `Forgetting`, a part of `engine.ports.Archive`: who is meant, what stands in the way, the order in which all of it
goes. Not here: where they took part (`took_part.py`), words and files (`unsaying.py`), events and what was sent
(`untelling.py`), the walk over every other text (`scrubbing.py`), how one mail is purged (`retention.py`).
Invariant: it is one transaction, whole or not at all; what others said in a conversation stays, without the person's
name in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.model.addresses import base_key, key_of
from engine.model.desk import LEGAL_HOLD, Account, AccountStatus
from engine.model.stored import Forgotten
from engine.store import hot, tables
from engine.store.errors import Refused
from engine.store.letting_out import let_out
from engine.store.named import Named
from engine.store.scrubbing import scrub
from engine.store.terms import OPEN, PLANNED
from engine.store.took_part import AT_ONCE, Conversations, TookPart
from engine.store.unsaying import Unsaying
from engine.store.untelling import Untelling

if TYPE_CHECKING:
    from engine.store.blobs import Blobs
    from engine.store.database import Database
    from engine.store.directory import Directory
    from engine.store.memory import Memory

Key = int | tuple[Any, ...]
"""What a row is counted by: its number, or its key where it has none."""

_NOBODY = Account(0, "", "")
"""In place of the account of somebody who has none; what the guest wrote is not one person's."""

MOST_NAMED = 5
"""Mails or items that a refusal names."""


class Forgetting:
    """Forgets people."""

    def __init__(
        self, database: Database, memory: Memory, directory: Directory, blobs: Blobs, purge: Callable[[int], None]
    ) -> None:  # fmt: skip
        self._database, self._memory, self._directory = database, memory, directory
        self._blobs, self._purge = blobs, purge

    def forget(
        self, address: str, by: str, separators: str = "", names: Sequence[str] = (), reason: str = "", via: str = "cli"
    ) -> Forgotten:  # fmt: skip
        """Erase a person by an address; see `engine.ports.Archive.forget`."""
        self._database.overwrite()
        with self._database.joining():
            once = _Once(self._database, self._directory, self._blobs, self._purge, address, separators, names)
            done = once.forget(by, reason, via)
            self._memory.touch("accounts", "items", "receipts")
            self._memory.forget_letters()
            self._database.run(hot.LEFT_UNSAID)  # it names senders
        return done


class _Once:
    """One person being forgotten; lives within one transaction."""

    def __init__(
        self, database: Database, directory: Directory, blobs: Blobs, purge: Callable[[int], None], address: str,
        separators: str, names: Sequence[str],
    ) -> None:  # fmt: skip
        self._database, self._blobs, self._purge = database, blobs, purge
        found = directory.account(address, separators).account
        account = found if found is not None and found.status != AccountStatus.GUEST else _NOBODY
        keys = {base_key(key_of(each), separators) for each in (address, *account.emails)}
        self._address, self._number = address, account.id
        written = TookPart(database, Named(keys, separators), account.id).names()
        known = [account.name] if account.name != account.login else []
        self._named = Named(keys, separators, [*names, *known, *written], account.login)
        self._part = TookPart(database, self._named, account.id)
        self._rows: dict[str, set[Key]] = {}
        self._others: dict[str, int] = {}

    def forget(self, by: str, reason: str, via: str) -> Forgotten:
        where = self._part.conversations()
        self._may_go(where.mails)
        unsaying = Unsaying(self._database, self._named, self._count)
        unsaying.conversations(where)
        self._mails_go(where.mails)
        unsaying.files(self._blobs)
        event, row = tables.Event, tables.Outbox
        untelling = Untelling(self._database, self._named, self._number, self._count)
        untelling.events(self._about(event, where))
        about = self._about(row, where)
        untelling.outbox(about | self._part.numbers(row.sent_in, row.id, about))
        if where.mails:
            untelling.lists()
        untelling.deeds(self._part.numbers(tables.Receipt.inbound, tables.Receipt.item, where.items) - where.mails)
        self._person()
        for table, key in scrub(self._database, self._named):
            self._count(table, key)
        self._no_hold(where.items)
        counts = {table: len(self._rows.get(table, ())) + self._others.get(table, 0) for table in
                  sorted({*self._rows, *self._others})}  # fmt: skip
        if counts:
            self._note(by, counts, reason, via)
        return Forgotten(self._address, self._named.login, self._named.names, tuple(counts.items()))

    def _mails_go(self, mails: set[int]) -> None:
        inbound, receipt, row = tables.Inbound, tables.Receipt, tables.Outbox
        changes = (("raw_mail", inbound.raw, inbound.id), ("receipt", receipt.id, receipt.inbound),
                   ("outbox", row.id, row.inbound))  # fmt: skip
        for table, wanted, known in changes:
            for number in self._part.numbers(wanted, known, mails):
                self._count(table, number)
        for mail in sorted(mails):
            self._purge(mail)
            self._count("inbound", mail)

    def _count(self, table: str, key: Key = 0, many: int = 0) -> None:
        """Count a row of a table once, however often it is changed; or `many` that nobody else counts."""
        if many:
            self._others[table] = self._others.get(table, 0) + many
        else:
            self._rows.setdefault(table, set()).add(key)

    def _about(self, table: Any, where: Conversations) -> set[int]:
        """The rows of a table that are about a conversation, or came of one of the mails."""
        near = ((table.item, where.items), (table.topic, where.topics), (table.inbound, where.mails))
        return {number for column, among in near for number in self._part.numbers(table.id, column, among)}

    # ── what stands in the way ────────────────────────────────────────────────────────────────────────────────

    def _may_go(self, mails: set[int]) -> None:
        shown = tables.Presentation
        if waiting := self._refs(mails, tables.SQL(OPEN)):
            raise Refused(f"{_some(waiting, 'mail')} not decided yet: release, discard or ignore what waits first")
        planned = self._database.all(shown.select(shown.inbound).where(tables.SQL(PLANNED)).distinct())
        if moving := mails & {number for (number,) in planned}:
            raise Refused(f"{_some(self._refs(moving), 'mail')} still to be moved in the mailbox: allegra run first")

    def _refs(self, mails: Iterable[int], *conditions: Any) -> list[str]:
        inbound, values = tables.Inbound, sorted(mails)
        found: list[str] = []
        for start in range(0, len(values), AT_ONCE):
            query = inbound.select(inbound.ref).where(inbound.id.in_(values[start : start + AT_ONCE]), *conditions)
            found += [ref for (ref,) in self._database.all(query.order_by(inbound.id))]
        return found

    def _no_hold(self, items: set[int]) -> None:
        """Refuse where an item that would change is held for a court; raised inside the transaction, it undoes all."""
        label, changed = tables.ItemLabel, set(items)
        for table, place in (("comment", tables.Comment), ("attachment", tables.Attachment)):
            rows = [key for key in self._rows.get(table, ()) if isinstance(key, int)]
            changed |= self._part.numbers(place.item, place.id, rows)
        for table in ("item", "item_field", "item_label", "item_copy"):
            changed |= {key if isinstance(key, int) else int(key[0]) for key in self._rows.get(table, ())}
        query = label.select(label.item).where(tables.fn.LOWER(label.label) == LEGAL_HOLD)
        if held := sorted({number for (number,) in self._database.all(query)} & changed):
            named = _some([f"#{number}" for number in held], "item")
            raise Refused(f"{named} labelled {LEGAL_HOLD}: nobody is forgotten there")

    # ── the account ───────────────────────────────────────────────────────────────────────────────────────────

    def _person(self) -> None:
        """The account goes, its number stays taken: a reply token of theirs never becomes somebody else's."""
        self._database.do(tables.ListedAddress.delete())  # of others as well: they are only asked for again
        for table in (tables.Mute, tables.AddressState, tables.ItemCopy):
            for (key,) in self._database.all(table.select(table.address_key).distinct()):
                if self._named.is_theirs(key):
                    many = self._database.do(table.delete().where(table.address_key == key))
                    self._count(table._meta.table_name, many=many)
        if not self._number:
            return
        number, account = self._number, tables.Account
        for table in (tables.Email, tables.Membership, tables.Member, tables.ItemPerson, tables.Preference):
            if many := self._database.do(table.delete().where(table.account == number)):
                self._count(table._meta.table_name, many=many)
        for name, many in let_out(self._database, number).items():
            self._count(name, many=many)
        nobody = {"login": f"erased-{number}", "name": "", "name_key": "", "status": "locked", "language": "",
                  "admin": False}  # fmt: skip
        self._database.do(account.update(**nobody).where(account.id == number))
        self._count("account", number)

    def _note(self, by: str, counts: dict[str, int], reason: str, via: str) -> None:
        """Write down that somebody was forgotten, and not whom."""
        said = {"said": self._named.without(reason)} if reason else {}
        detail = msgspec.json.encode({"erased": counts, **said}).decode()
        now = self._database.now()
        self._database.run(
            hot.EVENT, now, "person.forgotten", by, via, None, None, 0, "", None, 0, "", detail
        )  # fmt: skip


def _some(names: Sequence[str], word: str) -> str:
    """Name the first of them in a sentence, up to its verb."""
    shown = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    return f"{word} {shown} is" if len(names) == 1 else f"{len(names)} {word}s ({shown}) are"
