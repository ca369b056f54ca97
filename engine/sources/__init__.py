"""Where mail is read from: one file a kind of source.

Here: `open_source`, the table from protocol to source; mail of other protocols is brought to us.
Not here: what becomes of a mail (`run/passing.py`, `run/process.py`).
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
    "gmail": ("engine.sources.gmail", "GmailSource"),
    "graph": ("engine.sources.graph", "GraphSource"),
    "maildir": ("engine.sources.maildir", "MaildirSource"),
    "mbox": ("engine.sources.mbox", "MboxSource"),
}

HERE = ("maildir", "mbox")
"""Those that ask no server: to look again costs nobody anything."""

BROUGHT = {
    "pipe": "mail arrives by allegra deliver, lmtp or serve",
    "program": "a program reads it (docs/library.md)",
}
"""Protocols that nothing here reads from, and how their mail comes."""


def open_source(mailbox: Mailbox, limits: Limits, now: Callable[[], datetime], own: Source | None = None) -> Source:
    """Make the source of a mailbox; entering it connects. Only the module of its protocol is imported.

    `own` is a source that a host hands in for this mailbox. Raises SourceError (`source.no_reader`) for a protocol
    that is not read from, such as `pipe`.
    """
    if own is not None:
        from engine.sources.own import OwnSource

        return OwnSource(own, mailbox.name)
    if mailbox.protocol not in KINDS:
        how = BROUGHT.get(mailbox.protocol, "nothing here knows it")
        sentence = f"mailbox {mailbox.name}: protocol {mailbox.protocol} is not read from, {how}"
        raise SourceError("source.no_reader", sentence)
    module, name = KINDS[mailbox.protocol]
    source: Source = getattr(importlib.import_module(module), name)(mailbox, limits, now)
    return source
