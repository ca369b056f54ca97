"""Where mail is read from: one file a kind of source.

Here: `open_source`, the table from protocol to source. Not here: what becomes of a mail (`run/passing.py`,
`run/process.py`).
Invariant: a source tells its server only what `settle` was asked to do; listing and fetching change nothing there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from engine.sources.source import Source, SourceError

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.sources.source import Limits

KINDS = {
    "imap": ("engine.sources.imap", "ImapSource"),
    "pop3": ("engine.sources.pop3", "Pop3Source"),
    "maildir": ("engine.sources.maildir", "MaildirSource"),
    "mbox": ("engine.sources.mbox", "MboxSource"),
}


def open_source(mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> Source:
    """Make the source of a mailbox; entering it connects. Only the module of its protocol is imported.

    Raises SourceError (`source.no_reader`) for a protocol that is not read from, such as `pipe`.
    """
    if mailbox.protocol not in KINDS:
        sentence = (
            f"mailbox {mailbox.name}: protocol {mailbox.protocol} is not read from, mail arrives by allegra deliver"
        )
        raise SourceError("source.no_reader", sentence)
    module, name = KINDS[mailbox.protocol]
    source: Source = getattr(importlib.import_module(module), name)(mailbox, limits, now)
    return source
