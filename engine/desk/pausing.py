"""A mailbox left alone by hand, and read again.

Here: both, as acts of a person. Not here: how mailboxes fare (`mailboxes.py`), pauses that end by themselves
(`store/setbacks`). Invariant: nothing on a server changes; who did it and why is written down with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk import logged
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.store.store import Store

MOST_REASON = 200
"""Characters of a reason why a mailbox is paused."""


def pause(store: Store, config: Config, box: Mailbox, reason: str, by: str, *, via: str = "command") -> None:
    """Leave a mailbox alone; every run shows the reason until it is resumed."""
    why = printable(reason, MOST_REASON)
    with store.joining():
        store.mailboxes.pause(box.name, why)
        store.history.note("mailbox.pause", by, via, f"{box.name}: {why}", workspace=box.workspace)
    logged.act(config, "mailbox.pause", by, f"{box.name}: {why}")


def resume(store: Store, config: Config, box: Mailbox, by: str, *, via: str = "command") -> None:
    """Read a paused mailbox again, and one that waits or pauses by itself, from the next run on."""
    with store.joining():
        store.mailboxes.resume(box.name)
        store.setbacks.try_again(box.name)
        store.history.note("mailbox.resume", by, via, box.name, workspace=box.workspace)
    logged.act(config, "mailbox.resume", by, box.name)
