"""Who read what mail says: an act, where an installation wants to know.

Here: `Reads`. Not here: what may be read (`scope.py`), lists that are taken away (`exporting.py`).
Invariant: it is written down before the words are given, and what cannot be written down is not given; who looks at the
same again within an hour reads it once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING

from engine.desk import logged, looking
from engine.model.events import READ

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope
    from engine.store.store import Store

AGAIN_S = 3_600.0
"""So long the same person reads the same thing once."""

MOST_REMEMBERED = 10_000


class Reads:
    """Use it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lately: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def note(
        self, store: Store, config: Config, scope: Scope, what: str, *, mail: str = "", item: int = 0, topic: int = 0
    ) -> None:  # fmt: skip
        """Write down that somebody reads something of a mail (by what names it), an item or a topic.

        Raises NotFound for a mail they do not see, Busy, StoreError.
        """
        row = looking.seen(store, mail, scope.sight) if mail else None
        ref = row.mail if row is not None else ""
        key = (scope.login, what, ref, str(item), str(topic))
        if self._is_known(key):
            return
        home = row.home if row is not None else ""
        store.history.note(READ, scope.login, "console", what, mail=ref, item=item, topic=topic, workspace=home)
        about = f"{what}, topic {topic}" if topic else what
        logged.act(config, READ, scope.login, about, mail=ref, item=item)
        self._remember(key)

    def _is_known(self, key: tuple[str, ...]) -> bool:
        with self._lock:
            at = self._lately.get(key)
            return at is not None and monotonic() - at < AGAIN_S

    def _remember(self, key: tuple[str, ...]) -> None:
        with self._lock:
            self._lately[key] = monotonic()
            self._lately.move_to_end(key)
            while len(self._lately) > MOST_REMEMBERED:
                self._lately.popitem(last=False)
