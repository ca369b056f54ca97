"""What happened and what was sent, without the person who is forgotten.

Here: `Untelling`: events, acts, who decided, the rows of the outbox. Not here: who is meant and where they took part
(`forgetting.py`, `took_part.py`), words (`unsaying.py`). Invariant: a row keeps its name, times and the values that
come from lists; what was still to be sent to the person is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.model.events import EXPORTED, OF_ACCESS
from engine.model.hearing import Change
from engine.store import tables
from engine.store.outbox import decode

if TYPE_CHECKING:
    from engine.store.database import Database
    from engine.store.named import Named

OF_THE_DESK = ("status", "priority", "type", "category", "version", "assigned_to", "merged_into", "merged_from")
"""Values that stay in the history: lists of a workspace and numbers of items, nothing that a person wrote."""

OVER = ("sent", "suppressed", "failed", "bounced", "unknown", "dropped")


class Untelling:
    """Takes one person out of what is told."""

    def __init__(self, database: Database, named: Named, account: int, count: Callable[[str, Any], None]) -> None:
        self._database, self._named, self._account, self._count = database, named, account, count

    def events(self, found: set[int]) -> None:
        """Of an event stay its name, time and the values that come from lists."""
        event, login = tables.Event, self._named.login
        if login:
            mine = event.select(event.id).where(event.actor == login)
            found = found | {number for (number,) in self._database.all(mine)} | self._let_in()
        for number in found | self._looked_for():
            actor, detail = self._database.first(event.select(event.actor, event.detail).where(event.id == number))
            new = self._detail(detail) if detail else ""
            who = "" if self._is_them(actor) else actor
            if (who, new) != (actor, detail):
                self._database.do(event.update(actor=who, detail=new).where(event.id == number))
                self._count("event", number)
        self._acts()

    def _let_in(self) -> set[int]:
        """The events that tell what let their account in, whoever did it."""
        event = tables.Event
        rows = self._database.all(event.select(event.id, event.detail).where(event.name.in_(OF_ACCESS)))
        return {
            number for number, detail in rows if msgspec.json.decode(detail or "{}").get("account") == self._account
        }

    def _looked_for(self) -> set[int]:
        """The events of lists that somebody took away by a search that names them."""
        event = tables.Event
        rows = self._database.all(event.select(event.id, event.detail).where(event.name == EXPORTED))
        return {number for number, detail in rows if self._named.without(detail) != detail}

    def _detail(self, detail: str) -> str:
        said: dict[str, Any] = msgspec.json.decode(detail)
        changes = self._changes([Change(*each) for each in said.get("changes", ())])
        kept: dict[str, Any] = {name: said[name] for name in ("code", "outbox") if name in said}
        if changes:
            kept["changes"] = changes
        return msgspec.json.encode(kept).decode() if kept else ""

    def _changes(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        kept = [each for each in changes if each.name in OF_THE_DESK]
        return tuple([Change(each.name, self._plain(each.before), self._plain(each.after)) for each in kept])

    def _plain(self, value: str) -> str:
        return "" if self._is_them(value) else self._named.without(value)

    def _is_them(self, who: str) -> bool:
        return bool(who) and (who == self._named.login or self._named.is_theirs(who))

    def _acts(self) -> None:
        act, receipt, login = tables.Act, tables.Receipt, self._named.login
        if not login:
            return
        for column in (act.by, act.typed_by):
            self._blank(act, column, login)
        self._blank(receipt, receipt.by_name, login)
        self._blank(tables.Credential, tables.Credential.set_by, login)

    def _blank(self, table: Any, column: Any, value: str) -> None:
        key = table._meta.primary_key
        for (number,) in self._database.all(table.select(key).where(column == value)):
            self._database.do(table.update({column: ""}).where(key == number))
            self._count(table._meta.table_name, number)

    def deeds(self, mails: set[int]) -> None:
        """What mails did to items that the person is on: the login, which others may have written there."""
        effect, receipt, trace, login = tables.Effect, tables.Receipt, tables.Trace, self._named.login
        for mail in mails if login else ():
            query = effect.select(effect.generation, effect.kind, effect.n, effect.detail).where(effect.inbound == mail)
            for generation, kind, n, detail in self._database.all(query):
                if login in (detail.partition(" ")[0], detail.partition(" = ")[2].strip('"')):
                    here = (effect.inbound == mail, effect.generation == generation, effect.kind == kind, effect.n == n)
                    self._database.do(effect.update(detail="").where(*here))
                    self._count("effect", (mail, generation, kind, n))
            theirs = receipt.select(receipt.id).where(receipt.inbound == mail)
            for number, content in self._database.all(
                trace.select(trace.id, trace.content).where(trace.id.in_(theirs))
            ):  # fmt: skip
                if content is not None and f'"{login}"'.encode() in bytes(content):
                    self._database.do(trace.delete().where(trace.id == number))
                    self._count("trace", number)

    def outbox(self, found: set[int]) -> None:
        """What went to them or waits for them says nothing any more; what went to others about it names them not."""
        row, to_them = tables.Outbox, set()
        for _, domain in self._named.spellings:
            query = row.select(row.id, row.address_key).where(row.address_key.endswith(f"@{domain}"))
            to_them |= {number for number, key in self._database.all(query) if self._named.is_theirs(key)}
        if self._account:
            query = row.select(row.id).where(row.account == self._account)
            to_them |= {number for (number,) in self._database.all(query)}
        for number in to_them:
            self._unsend(number)
        for number in found - to_them:
            self._without_them(number)

    def lists(self) -> None:
        """A mail that told what is held says more of a mail than is known of it now: its bytes go, whoever it names."""
        row = tables.Outbox
        kept = row.select(row.id).where(row.event == "desk.held", row.content.is_null(False))
        for (number,) in self._database.all(kept):
            self._database.do(row.update(content=None).where(row.id == number))
            self._count("outbox", number)

    def _unsend(self, number: int) -> None:
        row = tables.Outbox
        (state,) = self._database.first(row.select(row.state).where(row.id == number))
        ends = {} if state in OVER else {"state": "dropped"}
        changed = {"dedupe": f"erased:{number}", "payload": "{}", "address_key": "", "account": None, "error": "",
                   "language": "", "content": None, "owner": None, **ends}  # fmt: skip
        self._database.do(row.update(**changed).where(row.id == number))
        self._count("outbox", number)

    def _without_them(self, number: int) -> None:
        row = tables.Outbox
        payload, error = self._database.first(row.select(row.payload, row.error).where(row.id == number))
        told = decode(payload)
        if not told.to and payload == "{}":
            return
        mine = self._is_them(told.actor_address) or told.actor in self._named.names
        told = replace(
            told, actor="" if mine else told.actor, actor_address="" if mine else told.actor_address,
            login="" if self._is_them(told.login) else told.login,
            changes=self._changes(told.changes), because=self._named.without(told.because),
            text=self._named.without(told.text),
        )  # fmt: skip
        text = msgspec.json.encode(told).decode()
        done = row.update(payload=text, error=self._named.without(error), content=None).where(row.id == number)
        self._database.do(done)
        self._count("outbox", number)
