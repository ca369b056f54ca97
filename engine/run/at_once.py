"""Mail decided as it comes: one for somebody who waits for the answer, or what doors that stay open took.

Here: its turn in the mailbox, and giving the mail back where it cannot be decided now. Not here: how it came to be ours
(`doors/taking.py`, `library.py`), the work itself (`process.py`).
Invariant: a mail that was not decided here waits for the next pass, which need not wait for this process to end;
nothing is decided while its mailbox pauses.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.model.stored import pauses
from engine.run.lease import Lease
from engine.run.process import process
from engine.run.taking_up import Result
from engine.stop import Stopped
from engine.store.clock import now as utc_now
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.stored import Spooled
    from engine.run.engine import Engine


def decide_at_once(engine: Engine, spooled: Spooled, wait_s: float) -> tuple[Result | None, str]:
    """Decide a mail that was just spooled; without a result the next pass decides, and the text says what was wrong.

    `wait_s` is how long another run on this mailbox is waited for. The text is empty where nothing is wrong but that.
    """
    store, mailbox = engine.store, spooled.raw.origin.mailbox
    results: list[Result] = []
    wrong = ""
    try:
        with Lease(store, mailbox, utc_now, wait_s, waits_s=engine.config.settings("").errors.retry) as lease:
            if lease.held and not pauses(store.setbacks.standing(mailbox)):
                results = process(engine, [spooled], utc_now())
    except StoreError as error:
        wrong = f"{type(error).__name__}: {error}"
    finally:
        if not results:
            with suppress(StoreError):
                store.ledger.unclaim([spooled])
    return (results[0] if results else None), wrong


def decide_fresh(engine: Engine, mailbox: Mailbox) -> bool:
    """Decide what waits in a mailbox and was never tried; tells whether its turn was free. Raises StoreError.

    What comes to a mailbox that pauses is left to the pass that ends the pause.
    """
    from engine.run.report import Listener, MailboxReport
    from engine.run.visit import Visit

    store, waits_s = engine.store, engine.config.settings("").errors.retry
    with Lease(store, mailbox.name, utc_now, 0.0, engine.stop, waits_s=waits_s) as lease:
        if lease.held and not pauses(store.setbacks.standing(mailbox.name)):
            with suppress(Stopped):
                report = MailboxReport(mailbox.name, mailbox.place)
                Visit(engine, mailbox, report, lease, Listener(), utc_now).decide_waiting(tried=False)
        return lease.held
