"""What there is to tell about a mail: the receipt, the trace, and what became of it since.

Here: frozen data and nothing else. Not here: gathering it (`replay.py`), telling it (`told.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from engine.model.draft import Decider, Note
from engine.model.plan import Outcome

if TYPE_CHECKING:
    from engine.model.stored import OutboxLine
    from engine.model.trace import Trace
    from rules.explain import Leaves


class IfReleased(Struct, frozen=True):
    """What a release would come to now: its outcome, why, and and what would hold it otherwise."""

    outcome: Outcome
    because: str
    stage: str
    passed: tuple[Note, ...] = ()


class Explained(Struct, frozen=True):
    """A decision with what is known around it, ready to be told.

    `mail` is its id, or the name of the file; `sent_to` are the recipients the mail names. `code`, `because` and `by`
    are those of the receipt: a person may have closed what the trace held. `trace` is None where there is none (any
    more), `unread` names what this release does not understand of it. `erased` mails have no bytes any more, those
    `purged` no addresses and no subject either. `before` are the outcomes of earlier generations. A mail that `waits`
    is not decided yet, and not before `until` where that is set; `would` is what would become of it now. `anew` says
    with what it was decided again just now. `leaves` are the values of every condition, by the digest of the rule file.
    `hearers` are all who were considered, or would be where nothing is stored. Times are told in `zone`.
    """

    mail: str
    subject: str
    sender: str
    sent_to: str
    received_at: datetime
    outcome: Outcome
    code: str
    because: str
    by: Decider
    mailbox: str
    trace: Trace | None
    size_bytes: int = 0
    key: str = ""
    item: int = 0
    topic: int = 0
    workspace: str = ""
    before: tuple[str, ...] = ()
    attempts: int = 1
    fault: str = ""
    released: IfReleased | None = None
    stored: bool = True
    waits: bool = False
    until: datetime | None = None
    would: Outcome | None = None
    unread: tuple[str, ...] = ()
    erased: bool = False
    erased_at: datetime | None = None
    purged: bool = False
    anew: str = ""
    asked_anew: tuple[str, ...] = ()
    zone: str = "UTC"
    hearers: tuple[OutboxLine, ...] = ()
    leaves: Mapping[str, Leaves] = field(default_factory=dict)

    def local(self, moment: datetime) -> datetime:
        """Give a time in the zone of the instance, in which rules count, too."""
        from zoneinfo import ZoneInfo

        return moment.astimezone(ZoneInfo(self.zone) if self.zone != "UTC" else UTC)
