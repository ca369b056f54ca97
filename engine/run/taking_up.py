"""Mails are taken up to be decided; those that no attempt can decide are given up, and somebody is told.

Here: `claim`, what became of a mail (`Result`), what is done with one that broke the machine. Not here: deciding and
committing (`process.py`), the rows (`store/claims.py`). Invariant: whoever gives a mail up says so to the admins.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.decision.mailbox_action import Planned, action_in
from engine.decision.telling import of_failure
from engine.model.draft import ENGINE, Decider
from engine.model.hearing import Actor
from engine.model.plan import Outcome, Receipt, Settle
from engine.run import logged
from engine.store.claims import CRASHED

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.pipeline import Decision
    from engine.model.stored import Spooled
    from engine.run.engine import Engine

BATCH = 50
"""Mails that share a transaction: 10 cost 50 us more each, 200 only 10 us less (docs/performance.md)."""

MAX_ATTEMPTS = 5


class Result(Struct, frozen=True):
    """What became of one spooled mail. `decision` is None where the machine broke; `fault` then says how."""

    spooled: Spooled
    outcome: Outcome
    code: str
    because: str
    by: Decider
    decision: Decision | None = None
    receipt: Receipt | None = None
    fault: str = ""


def claim(engine: Engine, mailbox: str, now: datetime, owner: str, tried: bool) -> tuple[list[Spooled], list[Result]]:
    """Take a batch of waiting mails, with `tried` also those that broke before, each alone.

    Gives with it the mails that were given up because every attempt ended in a crash.
    """
    store = engine.store
    after = after_error(engine.config, mailbox)
    claimed = store.ledger.claim(mailbox, BATCH, now, owner, MAX_ATTEMPTS, tried=tried, after_crash=after)
    if claimed.crashed:
        with store.writing():
            for spooled in claimed.crashed:
                report(engine, spooled, CRASHED, "fault.crash")
    told = [Result(each, Outcome.ERROR, "fault.crash", CRASHED, ENGINE, fault=CRASHED) for each in claimed.crashed]
    logged.mails(engine, told)
    return claimed.mails, told


def after_error(config: Config, mailbox: str) -> Planned:
    """What is done with a mail on the server when all attempts have failed."""
    on_error = config.settings("").errors.behavior
    return action_in(config, mailbox, Settle.FAILURE, Outcome.ERROR, on_error=on_error)


def report(engine: Engine, spooled: Spooled, because: str, code: str) -> None:
    """Send a mail that the machine broke on to the admins."""
    engine.store.ledger.tell(spooled, of_failure(because, code), Actor(), "", engine.teller)
