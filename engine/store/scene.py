"""Who has to do with an item, who works in a workspace, who takes our mail and how much of it went out.

Here: `Scene`, as `engine.ports.Scene` tells it: the questions of who hears. Not here: the answer
(`decision/hearing.py`), the rows (`dispatches.py`). Invariant: it is asked inside the transaction that writes, so two
processes cannot both be the last below a cap; nothing of an item is remembered, small tables are until they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec

from engine.model.addresses import bare
from engine.model.desk import Account, AccountStatus
from engine.model.draft import Role
from engine.model.events import Kind
from engine.model.hearing import AUTOMATIC, Batch, Change, OnItem
from engine.store import hot
from engine.store.database import Database, moment, time, us
from engine.store.directory import Directory
from engine.store.memory import Memory
from engine.store.queue import CLOCK_JUMP_S
from engine.store.written import KEPT_US, Written

LOOP_S, LOOP_MAILS, PROMPT_S, LOOP_MUTE_S = 600.0, 5, 120, 86_400
"""So many mails in so many seconds, each so soon after one of ours, are a loop: nothing goes to the address about the
item for a day."""

REPEAT_US, REPEAT_MAILS = 3_600_000_000, 3
"""So many mails of one sender in so many microseconds that say the same: no automatic answer goes to it for a day."""


_ORDER = itemgetter(0, 1, 3)
"""Kind, place, and the key of an address."""


class _Detail(msgspec.Struct):
    """What is read of an event."""

    changes: tuple[Change, ...] = ()


class Scene:
    """Answers from the database of one store."""

    def __init__(self, database: Database, directory: Directory, memory: Memory) -> None:
        self._database, self._directory, self._memory = database, directory, memory
        self.letters = Written(database, memory)
        self.person, self.may, self.preference = directory.person, directory.may, directory.preference

    def look_anew(self) -> None:
        """Forget what another process has changed since; inside a transaction nobody can."""
        self._memory.versions()

    def foresee(self, batch: Batch) -> None:
        """Hear what will be told: what that asks for is asked together with the others."""
        if batch.item:
            self._database.foresee(hot.ON_ITEM, *[batch.item] * 4)
        if batch.row:
            self._database.foresee(hot.REPEATED, batch.row, REPEAT_US, REPEAT_MAILS)
            self.letters.foresee(batch.actor.key)

    # ── items and topics ──────────────────────────────────────────────────────────────────────────────────────

    def on_item(self, item: int, *, writers: bool = True) -> OnItem | None:
        found: dict[str, list[list[Any]]] = {"item": [], "role": [], "writer": [], "copy": []}
        for kind, _, *row in sorted(self._database.rows(hot.ON_ITEM, *[item] * 4), key=_ORDER):
            found[kind].append(row)
        if not found["item"]:
            return None
        ((workspace, language, assigned_to, author, sender, private),) = found["item"]
        roles = [(number, role) for role, _, _, number, *_ in found["role"]]
        return OnItem(
            workspace, bool(private), language, self._account(author), bare(sender) if sender else "", assigned_to,
            self._accounts(number for number, role in roles if role != Role.WATCHER),
            self._accounts(number for number, role in roles if role == Role.WATCHER),
            self._writers([(number, wrote) for *_, number, wrote, _ in found["writer"]]) if writers else (),
            tuple([address for address, *_ in found["copy"]]) if writers else (),
        )  # fmt: skip

    def asked_before(self, item: int) -> tuple[str, ...]:
        merged, found = [item], dict[str, None]()
        for number in merged:  # it grows: one of them may have been merged into before
            for (detail,) in self._database.rows(hot.MERGES, number):
                changes = msgspec.json.decode(detail, type=_Detail).changes
                came = [int(each.after.removeprefix("#")) for each in changes if each.name == "merged_from"]
                merged += [each for each in came if each not in merged]
            rows = self._database.rows(hot.WITHOUT_ACCOUNT, number) if number != item else ()
            found.update({bare(sender): None for (sender,) in rows})
        return tuple(found)

    def on_topic(self, topic: int) -> OnItem | None:
        row = self._database.one(hot.TOPIC_WORKSPACE, topic)
        if row is None:
            return None
        return OnItem(row[0], writers=self._writers(self._database.rows(hot.TOPIC_PEOPLE, topic)))

    def _writers(self, rows: list[tuple[int | None, str]]) -> tuple[Account | str, ...]:
        """Who wrote: the account, but for a guest's, who is known by an address."""
        found: dict[Account | str, None] = {}
        for author, sender in rows:
            account = self._account(author)
            if account is not None and account.status != AccountStatus.GUEST:
                found[account] = None
            elif sender:
                found[bare(sender)] = None
        return tuple(found)

    def _account(self, number: int | None) -> Account | None:
        return self._directory.account_by_id(number) if number else None

    def _accounts(self, numbers: Iterable[int]) -> tuple[Account, ...]:
        wanted = [*numbers]
        for number in wanted:
            if self._memory.remembered(("id", number)) is None:
                self._database.foresee(hot.ACCOUNT_BY["id"], number, number, number)
        return tuple([account for number in wanted if (account := self._account(number)) is not None])

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def members(self, workspace: str) -> tuple[Account, ...]:
        return self._memory.remember(("members", workspace), lambda: self._members(workspace))

    def _members(self, workspace: str) -> tuple[Account, ...]:
        rows = self._database.rows(hot.MEMBERS, workspace)
        edit = [number for number, permissions in rows if "edit_items" in msgspec.json.decode(permissions)]
        return self._accounts(dict.fromkeys(edit))

    def who_wait(self, workspace: str, usual: str) -> Mapping[str, tuple[Account, ...]]:
        return self._memory.remember(("who wait", workspace, usual), lambda: self._who_wait(workspace, usual))

    def _who_wait(self, workspace: str, usual: str) -> Mapping[str, tuple[Account, ...]]:
        wants: dict[str, list[Account]] = {}
        for account in self.members(workspace):
            wants.setdefault(self.preference(account.id, workspace, "new") or usual, []).append(account)
        return {value: tuple(accounts) for value, accounts in wants.items()}

    def admins(self) -> tuple[Account, ...]:
        return self._memory.remember(
            ("admins",), lambda: self._accounts(number for (number,) in self._database.rows(hot.ADMINS))
        )

    def in_group(self, name: str) -> tuple[Account, ...] | None:
        return self._memory.remember(("in group", name), lambda: self._in_group(name))

    def _in_group(self, name: str) -> tuple[Account, ...] | None:
        if not self._directory.group(name):
            return None
        return self._accounts(number for (number,) in self._database.rows(hot.IN_GROUP, name.strip().casefold()))

    # ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────

    def is_suspended(self, address_key: str) -> bool:
        return address_key in self._memory.remember(("suspended",), self._suspended)

    def _suspended(self) -> frozenset[str]:
        return frozenset([key for (key,) in self._database.rows(hot.SUSPENDED)])

    def came_back(self, address_key: str) -> bool:
        return address_key in self._memory.remember(("failing",), self._failing)

    def heard_from(self, address_key: str) -> None:
        """Hear that a person wrote from an address: what came back from there before counts no more."""
        if self.came_back(address_key):
            self._database.run(hot.TAKEN_AGAIN, address_key)
            self._memory.touch("accounts")

    def _failing(self) -> frozenset[str]:
        return frozenset([key for (key,) in self._database.rows(hot.FAILING)])

    def is_muted(self, address_key: str, item: int) -> bool:
        muted = self._memory.remember(("muted",), self._muted)
        return bool(muted) and self._database.now() < max(
            muted.get((address_key, item), 0), muted.get((address_key, 0), 0)
        )

    def _muted(self) -> dict[tuple[str, int], int]:
        rows = self._database.rows(hot.MUTED, self._database.now())
        return {(key, item): until for key, item, until in rows}

    def is_looping(self, address_key: str, item: int) -> bool:
        if not item:
            return False
        now = self._database.now()
        start, soon = now - KEPT_US, now - int(LOOP_S * 1_000_000)
        ours = [each for each in self.letters.to(address_key) if each.item == item and not each.held]
        if len(ours) < LOOP_MAILS:
            return False
        theirs = self._database.rows(hot.TO_AND_FRO, address_key, start, item)
        late = [each.at for each in ours if each.at >= soon]
        prompt = [at for at, _ in theirs if at >= soon and any(0 <= at - each <= PROMPT_S * 1_000_000 for each in late)]
        told = [each.at for each in ours if each.kind != Kind.AUTO]
        if len(prompt) < LOOP_MAILS and _turns(theirs, told) < LOOP_MAILS:
            return False
        until = self._database.now() + LOOP_MUTE_S * 1_000_000
        self._database.run(hot.MUTE, address_key, item, until, "mails went to and fro")
        self._memory.forget(("muted",))
        return True

    def is_repeating(self, address_key: str, row: int) -> bool:
        if self._database.one(hot.REPEATED, row, REPEAT_US, REPEAT_MAILS)[0] < REPEAT_MAILS:
            return False
        until = self._database.now() + LOOP_MUTE_S * 1_000_000
        self._database.run(hot.MUTE, address_key, AUTOMATIC, until, "equal mails: no automatic answers")
        self._memory.forget(("muted",))
        return True

    # ── mails ─────────────────────────────────────────────────────────────────────────────────────────────────

    def first_read(self, mailbox: str) -> datetime | None:
        return self._memory.remember(("first read", mailbox), lambda: self._first_read(mailbox))

    def _first_read(self, mailbox: str) -> datetime | None:
        row = self._database.one(hot.FIRST_READ, mailbox)
        return moment(row[0]) if row else None

    def lay_long(self, row: int, arrived: datetime, limit_s: float) -> bool:
        limit = us(arrived) + int(limit_s * 1_000_000)
        if not row or limit >= self._database.now():  # the usual mail came just now: nothing need be asked
            return False
        (seen,) = self._database.one(hot.TAKEN_IN, row)
        return seen is not None and limit < seen

    # ── counts ────────────────────────────────────────────────────────────────────────────────────────────────

    def written(self, kind: Kind, address_key: str = "", item: int = 0) -> int:
        return self.letters.count(kind, address_key, item) if address_key else self.letters.of(kind)

    def refused(self, code: str, since_s: float, address_key: str) -> int:
        return int(self._database.one(hot.REFUSED_TO, address_key, *self._span(since_s), code)[0])

    def reported(self, address_key: str, code: str, mailbox: str, since_s: float, most: int) -> tuple[datetime, ...]:
        rows = self._database.rows(hot.REPORTED, address_key, *self._span(since_s), code, mailbox, most)
        return tuple([time(at) for (at,) in rows])

    def now(self) -> datetime:
        return time(self._database.now())

    def _span(self, since_s: float) -> tuple[int, int]:
        """Between which times what was written counts: a clock that ran ahead wrote what is of a time to come."""
        return self._start(since_s), self._database.now() + CLOCK_JUMP_S * 1_000_000

    def _start(self, since_s: float) -> int:
        return self._database.now() - int(since_s * 1_000_000)


def _turns(theirs: Sequence[tuple[int, bytes | None]], ours: Sequence[int]) -> int:
    """Count how often in turn an address said what it said last, each time after one of ours."""
    turns, since, (_, last) = 0, 0, theirs[-1] if theirs else (0, None)
    for at, said in theirs:
        if said is None or said != last:
            turns, since = 0, at
        elif any(since <= each < at for each in ours):
            turns, since = turns + 1, at
    return turns


class Still(Scene):
    """The same for whoever only looks: it writes nothing, and no cap and no loop of just now stands in between."""

    def is_looping(self, address_key: str, item: int) -> bool:
        return False

    def written(self, kind: Kind, address_key: str = "", item: int = 0) -> int:
        return 0

    def refused(self, code: str, since_s: float, address_key: str) -> int:
        return 0
