"""What the stages have decided so far, and who decided it.

Here: frozen data and nothing else. Not here: the stages (`stages/`), what is done in the end (`plan.py`).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.desk import ItemFacts, Value
from engine.model.hook_request import HookRequest
from engine.model.mail import Address, Attachment, Part
from engine.model.words import Stored
from rules.trace import FileTrace


class Verdict(Stored):
    """The five ways to decide about a mail."""

    ACCEPT = "accept"
    DISCARD = "discard"
    REJECT = "reject"
    HOLD = "hold"
    DEFER = "defer"


class Who(Stored):
    """What kind of thing decided."""

    GATE = "gate"
    RULE = "rule"
    HOOK = "hook"
    STAGE = "stage"
    PERSON = "person"
    ENGINE = "engine"


class Decider(Struct, frozen=True):
    """Who decided, by name; rules and hooks have a file and a line."""

    kind: Who
    name: str
    file: str = ""
    line: int = 0


ENGINE = Decider(Who.ENGINE, "engine")
"""Who decided where no stage did: the mail broke the machine, or waits for what is not its own."""


class Disposition(Struct, frozen=True):
    """A verdict with its reason code (`reasons.py`), a sentence for people, and who decided."""

    verdict: Verdict
    code: str
    because: str
    by: Decider


class Target(StrEnum):
    """What an accepted mail becomes."""

    NEW_ITEM = "new_item"
    COMMENT = "comment"
    NOTE = "note"
    TOPIC_POST = "topic_post"


class Role(StrEnum):
    """What a person on a mail may become on the item; an earlier one includes the later ones."""

    EDITOR = "editor"
    READER = "reader"
    WATCHER = "watcher"


class FieldChange(Struct, frozen=True):
    """One decided field: the value and who decided it (the first one wins)."""

    name: str
    value: Value
    by: Decider


class PersonChange(Struct, frozen=True):
    """Somebody who joins the item. `login` is empty for a person that is to be created from `address`."""

    address: Address
    role: Role
    login: str = ""


class AttachmentFate(Struct, frozen=True):
    """What becomes of one attachment: kept, or left out and why."""

    attachment: Attachment
    keep: bool = True
    because: Note | None = None


class NewUser(Struct, frozen=True):
    """An account to be created from the mail, referred to by its address until it has an id.

    `login` and `others`, further addresses, are what a directory knows. `joins` is the login of an account that gets
    this address; then nothing is created.
    """

    address: Address
    first_name: str
    last_name: str
    groups: tuple[str, ...] = ()
    language: str = ""
    login: str = ""
    others: tuple[str, ...] = ()
    joins: str = ""


class Skip(Struct, frozen=True):
    """A gate that a rule opens for this mail."""

    gate: str
    because: str
    by: Decider


class Reply(Struct, frozen=True):
    """An automatic mail to be sent: `template` by name; `to` empty means the sender. `text` is for `reject with`."""

    template: str
    to: tuple[str, ...] = ()
    text: str = ""


class Draft(Struct, frozen=True):
    """What the stages have decided so far. A stage returns a new one; setting `disposition` settles it.

    `by_keyword`: a `Project:` line of the mail chose the workspace. `original` wrote the mail that is forwarded and is
    to be its author. `unsent`: what is written is a draft, which tells nobody. `asked` is what the scripts were asked,
    once for both of their stages. From `hops` on stands what a trace does not tell as a change.
    """

    workspace: str = ""
    disposition: Disposition | None = None
    target: Target = Target.NEW_ITEM
    item: ItemFacts | None = None
    title: str = ""
    text: str = ""
    html_part: Part | None = None
    fields: tuple[FieldChange, ...] = ()
    assignee: FieldChange | None = None
    labels: tuple[str, ...] = ()
    people: tuple[PersonChange, ...] = ()
    cc_role: Role | None = None
    drop_names: tuple[str, ...] = ()
    new_users: tuple[NewUser, ...] = ()
    author: str = ""
    original: Address | None = None
    start_new: bool = False
    by_keyword: bool = False
    thread_by: tuple[str, str] | None = None
    skips: tuple[Skip, ...] = ()
    hooks: tuple[str, ...] = ()
    reply: Reply | None = None
    no_reply: bool = False
    forwards: tuple[str, ...] = ()
    notifies: tuple[str, ...] = ()
    private: bool = False
    unsent: bool = False
    hops: tuple[str, ...] = ()
    quoted: str = ""
    attachments: tuple[AttachmentFate, ...] = ()
    asked: HookRequest | None = None
    notes: tuple[Note, ...] = ()
    rule_traces: tuple[FileTrace, ...] = ()


class Mark(Stored):
    """How much a note weighs: as it should be, worth a look, the end of the way, or just to know."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"
    INFO = "info"


class Note(Struct, frozen=True, omit_defaults=True):
    """One line of why, as data; its sentence is made where it is shown (`wording/`), and nothing depends on it.

    `kind` is a row of `wording/english.py`, `fields` are what its sentence tells and what programs ask; `code` is a
    reason code where one applies. `text` is the sentence of a note that an early release stored, which had no kinds.
    """

    kind: str = ""
    mark: Mark = Mark.OK
    code: str = ""
    fields: tuple[tuple[str, Said], ...] = ()
    text: str = ""

    def field(self, name: str) -> Said:
        """Give what a field holds, None if it is not there."""
        return next((value for each, value in self.fields if each == name), None)


Said = str | int | float | bool | None | Note | tuple[str | Note, ...]
"""What a field of a note may hold: a text, a number, another note, or several texts and notes."""


READ, PASSED = "route.read", "released.passed"
"""Kinds that programs ask for: a file of rules was read; what would hold the mail, had nobody released it."""


def note(kind: str, mark: Mark = Mark.OK, code: str = "", /, **fields: Said) -> Note:
    """Make a note of a kind with its fields."""
    return Note(kind, mark, code, tuple(fields.items()))
