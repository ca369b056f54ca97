"""When mail after mail breaks the machine in the same way, the machine is broken, not the mail: its mailbox pauses.

Here: counting, telling the one from the other, the pause, and how it ends. Not here: one mail that breaks
(`process.py`), the mail that is tried (`sample.py`), when a mailbox that failed is tried again (`backoff.py`), who
hears of it (`alarms.py`).
Invariant: what the machine did wrong is charged to no mail; nobody can stop a mailbox by what they send to it.

Five mails in a row that break alike are a suspicion only: anybody can send five such mails, and under any name. So a
mail of our own is decided, and all of it is taken back. If it goes well, those mails were to blame and are charged as
before; if it breaks as well, the machine is to blame. Mail of others is no measure: whoever sent it chose what it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.stored import BROKEN, Standing
from engine.run.backoff import wait
from engine.run.sample import sample
from engine.stop import Stopped
from engine.store.queue import DIED

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.stored import Spooled
    from engine.run.engine import Engine
    from engine.store.store import Store

ENOUGH = 5
"""Different mails in a row that break alike."""


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


def judge(engine: Engine, mailbox: Mailbox, owner: str, now: datetime) -> str:
    """Find out whether the machine is to blame; gives the sentence of the pause, "" where mail can be decided.

    The pause begins before that is tried: should it end the process, the next one finds the mailbox paused. Where the
    machine works the mailbox stands as it did before. Raises StoreError, Stopped.
    """
    store, standing = engine.store, engine.store.setbacks.standing(mailbox.name)
    pauses = standing.code == BROKEN
    if not pauses and not _is_suspect(store, standing):
        return ""
    sentence = standing.sentence if pauses else _sentence(store, mailbox, standing)
    retry_at = now + wait(max(standing.failures, 1) if pauses else 1)
    store.mailboxes.failed(mailbox.name, BROKEN, sentence, now, retry_at, standing.refused)
    if _breaks(engine, mailbox, owner, now):
        store.setbacks.refund(Counter(standing.faulty))
        return sentence
    store.setbacks.stands_as(mailbox.name, Standing() if pauses else standing)
    return ""


def _is_suspect(store: Store, standing: Standing) -> bool:
    """Tell whether so many mails broke alike, here and in other mailboxes, that the machine may be to blame."""
    return bool(standing.fault) and len({*standing.faulty, *store.setbacks.alike(standing.fault)}) >= ENOUGH


def _breaks(engine: Engine, mailbox: Mailbox, owner: str, now: datetime) -> bool:
    """Decide a mail of our own and take all of it back; tell whether the machine broke. Raises Stopped."""
    from engine.run.process import process

    store = engine.store
    with store.rehearsal():
        results = process(engine, store.ledger.spool([sample(store, mailbox, now)], owner), now)
    if not results:  # somebody asked to stop: nothing is known, and the pause lasts until it is
        raise Stopped
    return any(result.fault for result in results)


def _sentence(store: Store, mailbox: Mailbox, standing: Standing) -> str:
    many = len({*standing.faulty, *store.setbacks.alike(standing.fault)})
    how = standing.fault if standing.fault != DIED else "the process died each time"
    return (
        f"mailbox {mailbox.name}: paused, because {many} mails in a row broke the machine in the same way ({how}); "
        "none of them is charged with it"
    )
