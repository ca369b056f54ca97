"""What people hear by the clock, and of faults that no mail carries: what is held, what was collected, what broke.

Here: when it is due, and how often it is told. Not here: who hears (`decision/hearing.py`), which rows wait for what
slot (`decision/collecting.py`), what the mails say (`outbox/digests.py`).
Invariant: the owner hears of the first held mail at once, of more every `notify.held_every`, and once a day while
something has waited for a day; two processes that look at the same time tell once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.model.plan import Tell

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import HeldSince
    from engine.outbox.deliver import Replaced
    from engine.ports import Teller
    from engine.store.store import Store

EVENT = "desk.held"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def by_the_clock(store: Store, config: Config, teller: Teller, now: datetime) -> None:
    """Write all rows whose time has come: of what is held, and those that carry others. Raises StoreError."""
    if store.queue.is_anything_to_tell(now):
        held(store, config, teller, now)
        store.ledger.carry(now)


def held(store: Store, config: Config, teller: Teller, now: datetime) -> None:
    """Tell the owners of workspaces of what is held there, where that is due. Raises StoreError."""
    for workspace, since in store.ledger.held().items():
        every = timedelta(seconds=config.settings(workspace).notify.held_every)
        with store.joining():
            if _is_due(store.ledger.last_happened(EVENT, workspace), since, now, every):
                store.ledger.happened(EVENT, workspace, Tell(), teller)


def _is_due(last: datetime | None, since: HeldSince, now: datetime, every: timedelta) -> bool:
    """Mail of ours that is held was told of when that began (`outbox.held`): it only is reminded of."""
    last = _believed(last, now)
    if since.newest is not None and (last is None or (since.newest > last and now - last >= every)):
        return True
    return now - since.oldest >= DAY and (last is None or now - last >= DAY)


def _believed(last: datetime | None, now: datetime) -> datetime | None:
    """A time that is still to come was told by a clock that ran ahead: it keeps nobody from being told."""
    return None if last is not None and last > now + DAY else last


def templates_failed(store: Store, teller: Teller, failed: Iterable[Replaced], now: datetime) -> None:
    """Tell the admins of templates that failed, of each once a day. Raises StoreError."""
    for each in failed:
        _once(store, teller, ("template.failed", each.workspace, each.template), each.said, now, DAY)


def switched_off(store: Store, teller: Teller, scripts: Iterable[tuple[str, str]], now: datetime) -> None:
    """Tell the admins of scripts that were switched off and why, of each once an hour. Raises StoreError."""
    for name, why in scripts:
        _once(store, teller, ("hook.disabled", "", name), f"the script {name} is off: {why}", now, HOUR)


def _once(
    store: Store, teller: Teller, about: tuple[str, str, str], because: str, now: datetime, every: timedelta
) -> None:
    event, workspace, name = about
    with store.joining():
        last = _believed(store.ledger.last_happened(event, workspace, name), now)
        if last is None or now - last >= every:
            store.ledger.happened(event, workspace, Tell(event, because=because, code=name, report=True), teller)
