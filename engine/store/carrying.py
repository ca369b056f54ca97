"""Rows that go along with others in one mail: those that are due, and the row that carries them.

Here: `carry`, a part of `engine.ports.Ledger`. Not here: which rows wait for what slot (`decision/collecting.py`), what
the mail says (`outbox/digests.py`). Invariant: a row is carried once, by one transaction, whoever looks at the same
time; where an address takes no mail any more nothing is carried to it, and its rows say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from engine.model.events import NEAREST, Kind, Why
from engine.model.hearing import Outgoing
from engine.store import hot
from engine.store.bells import Bell
from engine.store.outbox import decode
from engine.store.queue import slots

if TYPE_CHECKING:
    from datetime import datetime

    from engine.store.database import Database
    from engine.store.scene import Scene

EVENT, TEMPLATE = "desk.digest", "digest"

AT_ONCE = 20_000
"""Rows that are carried in one transaction; more are due again at once."""


class _Due(NamedTuple):
    """A row that is due, and what it is composed of."""

    id: int
    account: int | None
    address_key: str
    language: str
    event: str
    inbound: int | None
    generation: int
    mailbox: int | None
    told: Outgoing

    @property
    def goes_with(self) -> tuple[object, ...]:
        """What rows of one mail have in common: who gets it; of reports also the reason and the mailbox."""
        who = (self.account, "" if self.account else self.address_key)
        return (*who, self.event, self.told.code, self.mailbox) if self.told.template == "report" else who


def carry(database: Database, scene: Scene, now: datetime) -> tuple[int, ...]:
    """Write a row for each mail that carries what is due by now; gives their numbers."""
    with database.joining():
        scene.look_anew()
        groups: dict[tuple[object, ...], list[_Due]] = {}
        for *columns, payload in database.rows(hot.DUE_TO_GO_ALONG, *slots(now), AT_ONCE):
            due = _Due._make((*columns, decode(payload)))
            groups.setdefault(due.goes_with, []).append(due)
        return tuple([row for group in groups.values() if (row := _carried(database, scene, group))])


def _carried(database: Database, scene: Scene, group: list[_Due]) -> int:
    """Write the row that carries a group; 0 where its address takes no mail any more."""
    last = group[-1]
    if scene.is_suspended(last.address_key):
        for each in group:
            database.run(hot.NOT_CARRIED, Why.SUSPENDED, each.id)
        return 0
    is_report = last.told.template == "report"
    event, told = (last.event, last.told) if is_report else (EVENT, _digest(group))
    told = replace(told, collected=tuple([each.id for each in group]))
    dedupe = f"{event}:{last.id}:{Kind.NOTICE}:{last.account or last.address_key}"
    row = database.insert(
        hot.OUTBOX, dedupe, last.inbound if is_report else None,
        last.generation if is_report else 0, "", event,
        str(Kind.NOTICE), last.address_key, last.account, " ".join(part.replace(" ", "-") for part in told.parts),
        last.language, None, None, _encode(told).decode(), "queued", "", "", database.now(), 0,
    )  # fmt: skip
    database.ring(Bell.DELIVER)
    scene.letters.wrote(Kind.NOTICE, last.address_key, 0, database.now(), held=False)
    for each in group:
        database.run(hot.CARRIED, row, each.id)
    return row


def _digest(group: list[_Due]) -> Outgoing:
    """What the mail to a person is composed of: nothing of its rows but their numbers."""
    last, parts = group[-1].told, {part for each in group for part in each.told.parts}
    places = {each.told.workspace for each in group}
    return Outgoing(
        last.to, TEMPLATE, last.name, (EVENT,), tuple(sorted(parts, key=NEAREST.__getitem__)),
        all(each.told.inside for each in group), workspace=places.pop() if len(places) == 1 else "",
    )  # fmt: skip


_encode = msgspec.json.Encoder().encode
