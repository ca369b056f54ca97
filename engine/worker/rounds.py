"""Mailboxes that are due, taken up twenty at a time, and how their visits ended, noted together.

Here: `Rounds`. Not here: the visit (`fetching.py`), the statements (`store/lease.py`). One connection has the leases of
all that was handed out here, whichever thread visits it: who dies with it gives everything back at once.
Invariant: what was taken up is given back, with the next due time, a second after its visit at the latest; what nobody
began to visit for a while is given to others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from engine.model.stored import Visited
from engine.store.database import time
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.model.stored import Taken
    from engine.store.store import Store

T = TypeVar("T")

AT_ONCE = 20
"""Mailboxes that are taken up together, and visits that are noted together."""

NOTED_S = 0.5
"""So long a visit that ended waits for others."""

UNBEGUN_S = 5.0
"""A mailbox that nobody began to visit for so long is given to others: all threads wait for their servers."""

AWAY_S = 5.0
"""What could not be noted is tried again after so long."""

IDLE_S = 60.0
"""How long the connection is kept where nothing is due."""


class Rounds:
    """Hands out mailboxes and hears how their visits ended; counts those that were `begun`. Use it from any thread."""

    def __init__(self, opened: Callable[[], Store], names: Sequence[str]) -> None:
        self._opened, self._names = opened, names
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._turns: deque[Taken] = deque()
        self._ended: list[Visited] = []
        self._taken_at = self._ended_at = self._used_at = 0.0
        self._out = self.begun = 0
        self._is_dry = self._is_over = False

    @property
    def waiting(self) -> int:
        """How many mailboxes wait for a thread."""
        return len(self._turns)

    @property
    def rests(self) -> bool:
        """Whether nothing is under way, and nothing is to be noted."""
        return not (self._turns or self._out or self._ended)

    @property
    def is_anything_to_tend(self) -> bool:
        """Whether the time has come for something."""
        return self._notes_wait or self._turns_wait

    @property
    def _notes_wait(self) -> bool:
        return bool(self._ended) and (monotonic() - self._ended_at >= NOTED_S or not (self._turns or self._out))

    @property
    def _turns_wait(self) -> bool:
        return bool(self._turns) and monotonic() - self._taken_at >= UNBEGUN_S

    def ring(self) -> None:
        """Hear that something may be due."""
        self._is_dry = False

    def next(self) -> Taken | None:
        """Give the next mailbox, None where none is due. Raises StoreError."""
        with self._lock:
            if not self._turns and not self._is_dry and not self._is_over:
                self._is_dry = True
                taken = self._asked(self._take)
                self._is_dry = len(taken) < AT_ONCE
                self._turns.extend(taken)
                self._taken_at = monotonic()
            if not self._turns:
                return None
            self._out += 1
            self.begun += 1
            return self._turns.popleft()

    def end(self, visited: Visited, *, again: bool = False) -> None:
        """Hear how a visit ended; what cannot be noted now is noted later. One that is due `again` is noted at once."""
        with self._lock:
            self._out -= 1
            self._ended_at = self._ended_at if self._ended else monotonic()
            self._ended.append(visited)
            if again or len(self._ended) >= AT_ONCE:
                with suppress(StoreError):
                    self._note()
            self._is_dry &= not again

    def tend(self) -> None:
        """Do what its time has come for. Raises StoreError."""
        with self._lock:
            if self._turns_wait:
                self._let_go()
            if self._notes_wait:
                self._note()

    def give_up(self) -> None:
        """Give back what nobody began: nobody may. Raises StoreError."""
        with self._lock:
            self._let_go()

    def tidy(self) -> None:
        """Close a connection that nobody needed for a while."""
        if self._lock.acquire(blocking=False):
            try:
                if self.rests and monotonic() - self._used_at >= IDLE_S:
                    self._drop()
            finally:
                self._lock.release()

    def close(self) -> None:
        """Hand out nothing more, and give back what is left. Raises StoreError."""
        with self._lock:
            self._is_over = True
            try:
                self._let_go()
                self._note()
            finally:
                if not self._out:
                    self._drop()

    def _take(self, store: Store) -> list[Taken]:
        return store.visiting.take_due(store.owner, AT_ONCE, time(store.database.now()), self._names)

    def _let_go(self) -> None:
        """Give back what nobody began."""
        turns, self._turns = self._turns, deque()
        if turns:
            self._is_dry = False
            now = self._asked(lambda store: time(store.database.now()))
            self._ended += [Visited(each, next_at=now) for each in turns]
            self._note()

    def _note(self) -> None:
        ended, self._ended = self._ended, []
        if ended:
            try:
                self._asked(lambda store: store.mailboxes.end(ended))
            except StoreError:
                self._ended, self._ended_at = ended, monotonic() + AWAY_S
                raise

    def _asked(self, what: Callable[[Store], T]) -> T:
        """Ask the store; one that raised is not used again."""
        self._used_at = monotonic()
        try:
            if self._store is None:
                self._store = self._opened()
            return what(self._store)
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with suppress(StoreError):
                store.close()
