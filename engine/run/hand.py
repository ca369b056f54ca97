"""A batch led through the decision, step by step: which mail is in hand, and what becomes of one that breaks.

Here: for every step of every mail the note who is to blame should the process die, the time it may take, a stop, the
exception that makes it a broken one. Not here: the steps (`decision/pipeline.py`), committing (`process.py`).
Invariant: what happens to one mail is never felt by another: every mail that was given in comes to the end, is broken,
is late, or was given back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.model.trace import encode
from engine.stop import Stopped
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.decision.case import Case, Step
    from engine.model.stored import Spooled
    from engine.run.engine import Engine
    from engine.run.world import World

ROUND_S = 2.0
"""A step of a batch ends after so long, most often because scripts are slow: what came so far goes on by itself."""


def _encode(case: Case) -> None:
    case.trace = encode(case.decision.trace)


@dataclass
class Hand:
    """Leads one batch. `broken` are mails that broke the machine, `late` those it had no time for."""

    engine: Engine
    batch: Sequence[Spooled]
    broken: list[tuple[Spooled, Exception]] = field(default_factory=list)
    late: list[Spooled] = field(default_factory=list)
    until: float = 0.0

    def decide(self, world: type[World], patience_s: float) -> Sequence[Case]:
        """Take the batch through the decision; what a stop leaves undecided is given back. Raises StoreError."""
        stop, store = self.engine.stop, self.engine.store
        self.until = time.monotonic() + ROUND_S
        try:
            with store.reading():
                decided = self.engine.decide(self.batch, world, self.each, patience_s)
            return self.each(_encode, decided)  # before the transaction, in which others have to wait
        except Stopped:
            broken = {spooled.row for spooled, _ in self.broken}
            store.ledger.unclaim([each for each in self.batch if each.row not in broken])
            self.late = []
            return ()
        finally:
            stop.limit(False)

    @cached_property
    def note(self) -> Callable[[int], None]:
        """Note which mail, by its row, is to blame should the process die now; 0 for none. All are of one mailbox."""
        return self.engine.store.mailboxes.noting(self.batch[0].raw.origin.mailbox)

    def put_down(self) -> None:
        """Note that no mail is to blame."""
        if self.batch:
            self.note(0)

    def each(self, step: Step, cases: Sequence[Case]) -> Sequence[Case]:
        """Do a step for every mail; gives those that go on. After `ROUND_S` what is left of them is late.

        But for what is settled: to decide it anew would ask its scripts again, which may be switched off by then.

        The clock that ends a mail which takes too long runs for a step, and is set anew every second.
        """
        through: list[Case] = []
        slow = [case for case in cases if case.slow]
        if 0 < len(slow) < len(cases):  # the others are committed before these are waited for
            self.late += [self.batch[case.number] for case in slow]
            cases = [case for case in cases if not case.slow]
        batch, stop, set_at = self.batch, self.engine.stop, 0.0
        with stop.interruptible():
            for number, case in enumerate(cases):
                spooled, now = batch[case.number], time.monotonic()
                if now > self.until and through and case.settled is None:  # a settled one asks nothing more
                    self.late += [batch[each.number] for each in cases[number:]]
                    self.until = now + ROUND_S
                    break
                try:
                    self.note(spooled.row)
                    if now - set_at > 1.0:
                        stop.limit(True)
                        set_at = now
                    step(case)
                    through.append(case)
                except StoreError:
                    raise
                except Exception as error:
                    self.broken.append((spooled, error))
        return through
