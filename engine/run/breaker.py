"""When mail after mail breaks the machine in the same way, the machine is broken, not the mail: its mailbox pauses.

Here: counting, telling the one from the other, the pause, and how it ends. Not here: one mail that breaks
(`process.py`), when a mailbox that failed is tried again (`backoff.py`), who hears of it (`alarms.py`).
Invariant: what the machine did wrong is charged to no mail; nobody can stop a mailbox by what they send to it.

Five mails in a row that break alike are a suspicion only: anybody can send five such mails, and under any name. So the
newest mail that went well is decided once more, and all of it is taken back. If it goes well, those mails were to blame
and are charged as before; if it breaks as well, the machine is to blame. Where no mail ever went well there is nothing
to try: then five different senders have to agree, and later a real mail is the probe.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.stored import BROKEN
from engine.run.backoff import wait
from engine.store.errors import NotFound, Refused
from engine.store.queue import DIED

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.stored import Spooled, Standing
    from engine.run.engine import Engine
    from engine.store.store import Store

ENOUGH = 5
"""Different mails in a row that break alike."""

_FROM = re.compile(rb"^from[ \t]*:[^\n]*?([^\s<>\"]+@[^\s<>\"]+)", re.IGNORECASE | re.MULTILINE)


def fault_of(error: BaseException) -> str:
    """Name a fault by what was raised and where, so that two mails that break alike have one name."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place, trace = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} {place}"


def count(
    store: Store, batch: Sequence[Spooled], went_well: int, broken: Sequence[tuple[Spooled, Exception]]
) -> None:  # fmt: skip
    """Count how the mails of a round ended; one that went well ends the row of those that broke. Raises StoreError."""
    if went_well:
        store.setbacks.goes_well(batch[0].raw.origin.mailbox)
        return
    for spooled, error in broken:
        store.setbacks.broke_alike(spooled.raw.origin.mailbox, fault_of(error), [spooled.row])


def is_suspect(store: Store, standing: Standing) -> bool:
    """Tell whether so many mails broke alike, here and in other mailboxes, that the machine may be to blame."""
    return bool(standing.fault) and len({*standing.faulty, *store.setbacks.alike(standing.fault)}) >= ENOUGH


def is_to_blame(engine: Engine, mailbox: Mailbox, owner: str, now: datetime) -> str:
    """Find out whether the machine is to blame; gives the sentence of the pause, or "". Raises StoreError.

    The pause begins before it is tried: should that end the process, the next one finds the mailbox paused.
    """
    store, standing = engine.store, engine.store.setbacks.standing(mailbox.name)
    if not is_suspect(store, standing):
        return ""
    sentence = _sentence(store, mailbox, standing)
    _pause(store, mailbox, standing, sentence, now)
    blamed = _tried(engine, mailbox.name, owner, now)
    if blamed is None:
        blamed = len(_senders(store, standing.faulty)) >= ENOUGH
    if not blamed:
        _end(store, mailbox.name, now)
        return ""
    store.setbacks.refund(Counter(standing.faulty))
    return sentence


def goes_again(engine: Engine, mailbox: Mailbox, owner: str, now: datetime) -> str:
    """Try whether a paused mailbox can go on; gives the sentence of the pause that lasts, or "". Raises StoreError."""
    store, standing = engine.store, engine.store.setbacks.standing(mailbox.name)
    _pause(store, mailbox, standing, standing.sentence, now)
    breaks = _tried(engine, mailbox.name, owner, now)
    if breaks is None:
        breaks = _probe(engine, mailbox.name, owner, now)
    if breaks:
        return standing.sentence
    _end(store, mailbox.name, now)
    return ""


def _pause(store: Store, mailbox: Mailbox, standing: Standing, sentence: str, now: datetime) -> None:
    retry_at = now + wait(max(standing.failures, 1) if standing.code == BROKEN else 1)
    store.mailboxes.failed(mailbox.name, BROKEN, sentence, now, retry_at, standing.refused)


def _end(store: Store, name: str, now: datetime) -> None:
    with store.joining():
        store.setbacks.try_again(name)
        store.mailboxes.worked(name, now)


def _tried(engine: Engine, mailbox: str, owner: str, now: datetime) -> bool | None:
    """Decide the newest mail that went well once more and take all of it back: whether it breaks, None without one."""
    from engine.run.process import process

    store = engine.store
    good = store.setbacks.last_done(mailbox)
    if not good:
        return None
    with store.rehearsal():
        try:
            store.ledger.reopen(good, None, replay=True)
            spooled = store.ledger.claim_one(good, now, owner)
        except (NotFound, Refused):
            return None
        results = process(engine, [spooled], now)
    return any(result.fault for result in results)


def _probe(engine: Engine, mailbox: str, owner: str, now: datetime) -> bool:
    """Decide one mail that waits, for good: whether it breaks. What it is charged with is taken back."""
    from engine.run.process import MAX_ATTEMPTS, process

    store = engine.store
    claimed = store.ledger.claim(mailbox, 1, now, owner, MAX_ATTEMPTS)
    results = process(engine, claimed.mails, now) if claimed.mails else []
    broken = [result.spooled.row for result in results if result.fault]
    store.setbacks.refund(dict.fromkeys(broken, 1))
    return bool(broken)


def _senders(store: Store, rows: Sequence[int]) -> set[bytes]:
    """Who wrote these mails, as they say."""
    found = (_FROM.search(store.setbacks.head(row)) for row in dict.fromkeys(rows))
    return {each[1].lower() for each in found if each is not None}


def _sentence(store: Store, mailbox: Mailbox, standing: Standing) -> str:
    many = len({*standing.faulty, *store.setbacks.alike(standing.fault)})
    how = standing.fault if standing.fault != DIED else "the process died each time"
    return (
        f"mailbox {mailbox.name}: paused, because {many} mails in a row broke the machine in the same way ({how}); "
        "none of them is charged with it"
    )
