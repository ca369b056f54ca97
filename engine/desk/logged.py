"""What people do, in the log: a line an act, and one for each try to get in that fails.

Here: `act`, `acted` for items and topics, `security`. Not here: the file (`engine/log.py`), what the mails and rows log
that come of it (`run/`, `outbox/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.doing import How
    from engine.model.acts import Acted


def act(config: Config, event: str, by: str, said: str = "", *, item: int = 0, mail: str = "") -> None:
    """Log what somebody did, once it is committed."""
    if config.logs:
        from engine.log import Entry, write

        write(config, [Entry("info", event, f"by {by}" + (f": {said}" if said else ""), item, mail)])


def security(config: Config, event: str, said: str) -> None:
    """Log what may be somebody who tries to get in."""
    if config.logs:
        from engine.log import Entry, write

        write(config, [Entry("warning", event, said)])


def acted(config: Config, done: Acted, how: How) -> None:
    """Log what somebody did to an item or a topic, unless it was only tried or done before."""
    if config.logs and not (how.dry_run or done.again):
        what = ", ".join([each.event for each in done.events]) or "nothing changed"
        who = f"{how.by.login}, typed by {how.typed_by}" if how.typed_by else how.by.login
        where = f" topic {done.topic}" if done.topic else ""
        act(config, "act", who, f"{done.ref} {what}{where}", item=done.item)
