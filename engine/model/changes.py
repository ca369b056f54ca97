"""What changed in a store since something was seen.

Here: frozen data. Not here: who counts (`store/memory.py`), what an answer hangs on (`questions.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

Counter = Literal["accounts", "items", "receipts"]
"""What changes are counted of; workspaces and fields are counted as accounts."""

Key = tuple[str, str | int]
"""One thing that answers hang on: ("item", 7), ("topic", 3), ("number", "item"), ("field", "order"),
("message", a Message-ID without its brackets), ("content", a fingerprint)."""


class Versions(NamedTuple):
    """When something was seen: `writes` counts those that are known of, `others` moves when another one commits."""

    writes: int
    others: int


class Changes(NamedTuple):
    """What changed since something was seen.

    Of the `whole` ones anything may have changed, of the `partly` ones only what stands in `keys`, each with the write
    that changed it, if that is later than `since`.
    """

    whole: frozenset[Counter]
    partly: frozenset[Counter]
    keys: Mapping[Key, int]
    since: int

    @property
    def counters(self) -> frozenset[Counter]:
        """Everything of which something changed."""
        return self.whole | self.partly

    def reach(self, depends_on: tuple[Counter, ...], keys: Collection[Key] | None) -> bool:
        """Tell whether an answer may be another now, by what it depends on and hangs on (None: nobody knows)."""
        if not self.whole.isdisjoint(depends_on):
            return True
        if keys is None:
            return not self.partly.isdisjoint(depends_on)
        for key in keys:  # noqa: SIM110 - every answer of every mail passes here
            if self.keys.get(key, 0) > self.since:
                return True
        return False
