"""What people do, in the log: a line an act, and one for each try to get in that fails.

Here: `act`, `acted` for items and topics, `security`. Not here: the file (`engine/log.py`), what the mails and rows log
that come of it (`run/`, `outbox/`).
Invariant: who is refused over and over fills no disk: of each event so many lines stand in a minute, and one that
counts the rest.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.doing import How
    from engine.model.acts import Acted


MOST_A_MINUTE = 60
"""Lines of one security event in a minute; more are counted, and told by the next line."""

MINUTE_S = 60.0

_lock = threading.Lock()
_written: dict[str, tuple[float, int]] = {}
"""Of each file and security event when its minute began, and how many there were since."""


def act(config: Config, event: str, by: str, said: str = "", *, item: int = 0, mail: str = "") -> None:
    """Log what somebody did, once it is committed."""
    if config.logs:
        from engine.log import Entry, write

        write(config, [Entry("info", event, f"by {by}" + (f": {said}" if said else ""), item, mail)])


def security(config: Config, event: str, said: str) -> None:
    """Log what may be somebody who tries to get in; of very many only some, and how many there were."""
    if config.logs and (left_out := _counted(f"{config.log.file} {event}")) is not None:
        from engine.log import Entry, write

        more = f"{left_out} more were refused in the minute before" if left_out else ""
        write(config, [Entry("warning", event, each) for each in (more, said) if each])


def _counted(event: str) -> int | None:
    """Count an event: gives how many were left out before this one, None where this one is left out, too."""
    with _lock:
        began, many = _written.get(event, (0.0, 0))
        now = monotonic()
        if began and now - began < MINUTE_S:
            _written[event] = began, many + 1
            return 0 if many < MOST_A_MINUTE else None
        _written[event] = now, 1
        return max(many - MOST_A_MINUTE, 0)


def acted(config: Config, done: Acted, how: How) -> None:
    """Log what somebody did to an item or a topic, unless it was only tried or done before."""
    if config.logs and not (how.dry_run or done.again):
        what = ", ".join([each.event for each in done.events]) or "nothing changed"
        who = f"{how.by.login}, typed by {how.typed_by}" if how.typed_by else how.by.login
        where = f" topic {done.topic}" if done.topic else ""
        act(config, "act", who, f"{done.ref} {what}{where}", item=done.item)
