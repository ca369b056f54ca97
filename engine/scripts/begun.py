"""Calls of scripts that were begun for mails of a batch, until somebody asks what they say.

Here: `Begun`, by thread and request. Not here: which version runs (`scripts.py`), the calls (`hooks/sandbox.py`).
Invariant: a call is begun once and asked for once; what nobody asked for is forgotten with its batch.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from engine.model.hook_request import HookRequest
    from hooks.sandbox import Pending

P = TypeVar("P")

MOST_BEGUN = 200
"""Calls that are under way; the oldest are forgotten first."""


class Begun(Generic[P]):
    """What is under way, each call with the plan it was begun by; safe to use from several threads."""

    def __init__(self) -> None:
        self._calls: dict[tuple[int, HookRequest], tuple[P, Pending]] = {}

    def holds(self, request: HookRequest) -> bool:
        """Tell whether this was begun."""
        return (threading.get_ident(), request) in self._calls

    def put(self, request: HookRequest, plan: P, call: Pending) -> None:
        """Keep a call that was begun."""
        if len(self._calls) >= MOST_BEGUN:
            self._calls.pop(next(iter(self._calls)), None)
        self._calls[threading.get_ident(), request] = plan, call

    def is_ready(self, request: HookRequest, wait_s: float) -> bool:
        """Tell whether nobody has to wait for this, after waiting so long."""
        known = self._calls.get((threading.get_ident(), request))
        return known is None or known[1].ready(wait_s)

    def take(self, request: HookRequest) -> tuple[P | None, Pending | None]:
        """Give a call to whoever asks; (None, None) if it was not begun."""
        return self._calls.pop((threading.get_ident(), request), (None, None))

    def clear(self) -> None:
        """Forget what this thread began."""
        ours = threading.get_ident()
        for at in [at for at in list(self._calls) if at[0] == ours]:
            self._calls.pop(at, None)
