"""What happened at once, who hears of it, and what goes out to them: the data between a commit and the outbox.

Here: frozen data and nothing else. Not here: the events (`events.py`), who hears (`decision/hearing.py`), rows
(`store/dispatches.py`), the bytes of a mail (`outbox/compose.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.desk import Account
from engine.model.events import Kind, Part, Why

if TYPE_CHECKING:  # a run without mail asks for rows of the outbox and for no plan
    from engine.model.plan import Tell


AUTOMATIC = -1
"""In place of an item of a mute: any item, but only what a machine would answer by itself; 0 is all mail about any."""


class Change(Struct, frozen=True, array_like=True):
    """A value that became another one, as people read it; "" is none."""

    name: str
    before: str
    after: str


class Actor(Struct, frozen=True):
    """Who did it: an account, or somebody known by an address; neither is the engine. `key` compares the address.

    Where it is not `believed` anybody may have named that address: it is told and makes nobody who did it.
    """

    account: Account | None = None
    key: str = ""
    name: str = ""
    believed: bool = True


class Happened(Struct, frozen=True):
    """One event. `comment` is the number of a comment or post with the words, 0 for those of the item itself.

    `writer` is the address of who wrote what did not arrive. `once` names the occasion, where it is not the mail or
    act that did it: whoever was told of it is not told again. `speaker` wrote the words, where somebody else made them
    public; None where who did it says them.
    """

    event: str
    item: int = 0
    topic: int = 0
    comment: int = 0
    changes: tuple[Change, ...] = ()
    writer: str = ""
    once: str = ""
    speaker: Actor | None = None


class Batch(Struct, frozen=True):
    """All that one plan or one act did: a person hears of it in one mail.

    `mailbox` and `row` are those of the mail that did it, "" and 0 for an act.
    """

    events: tuple[Happened, ...]
    tell: Tell
    actor: Actor
    workspace: str
    item: int = 0
    topic: int = 0
    mailbox: str = ""
    row: int = 0

    @property
    def speaker(self) -> Actor | None:
        """Who wrote the words that somebody else made public, None where nobody did."""
        return next((each.speaker for each in self.events if each.speaker is not None), None)


class Heard(Struct, frozen=True):
    """One person (or program) who was considered, and what comes of it: a row of the outbox.

    `to` is an address or the name of a webhook, `key` compares it, `account` is the number of an account or 0. `events`
    lead with the strongest. `state` is queued, held or suppressed; in the latter two `why` says why, and `said` more
    where the code does not say all. It is digest where the row goes along with others at `due`. `last`: more for this
    reason will not be answered. `template` and `text` are for an automatic answer or a notice; an answer is a comment's
    words.
    """

    kind: Kind
    to: str
    events: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    key: str = ""
    account: int = 0
    name: str = ""
    actor_inside: bool = False
    inside: bool = False
    language: str = ""
    template: str = ""
    text: str = ""
    last: bool = False
    state: str = "queued"
    why: Why | None = None
    said: str = ""
    due: datetime | None = None


class Outgoing(Struct, frozen=True, omit_defaults=True):
    """What a row of the outbox is composed of, beside what is read anew when it is sent: its `payload`.

    `actor` and `actor_address` say who did it, `comment` where the words are; `because`, `code`, `text` and `since`
    are as in `Tell`. `account`: it tells of an account that was made, too; `last`: it is the last that such a sender
    hears today. A program is told the `number` of the event and the `login` of who did it. `collected` are the
    numbers of the rows that it carries. `author` wrote the words that the actor made public, "" for the actor's own.
    """

    to: str
    template: str = ""
    name: str = ""
    events: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    inside: bool = False
    actor: str = ""
    actor_address: str = ""
    actor_inside: bool = False
    comment: int = 0
    changes: tuple[Change, ...] = ()
    because: str = ""
    code: str = ""
    text: str = ""
    account: bool = False
    last: bool = False
    workspace: str = ""
    number: int = 0
    login: str = ""
    collected: tuple[int, ...] = ()
    since: datetime | None = None
    author: str = ""


class OnItem(Struct, frozen=True):
    """Who has to do with an item or topic when something happens to it.

    `requester` is the author's account, `requester_address` and its name who wrote it without one. `people` have a role
    on it, `watchers` only watch; `writers` wrote public comments, as account or address. `copies` are addresses that
    stood in To or Cc of the requester's newest mail.
    """

    workspace: str
    private: bool = False
    language: str = ""
    requester: Account | None = None
    requester_address: str = ""
    assigned_to: str = ""
    people: tuple[Account, ...] = ()
    watchers: tuple[Account, ...] = ()
    writers: tuple[Account | str, ...] = ()
    copies: tuple[str, ...] = ()
