"""What a decision may ask the world: a class a question, and what it is made of.

Here: of each question its words, its answer's type, its name in stored traces, and what its answer depends on.
Not here: who answers (`run/world.py`), how answers are kept (`lookups.py`), what they look like (`answers.py`).
Invariant: the name of a question and the order of its words never change, or stored traces could not be read back.
Texts compare case-folded; ids and logins are exact.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Generic, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import astuple

from engine.model.answers import AccountMatch, HookAnswer, Listed, MessageMatch
from engine.model.changes import Counter, Key
from engine.model.desk import Account, Catalog, ItemFacts, Kind
from engine.model.hook_request import HookRequest

A = TypeVar("A")


class Question(Struct, Generic[A], frozen=True):
    """A question whose answer is an `A`, a frozen value.

    One that depends on something stored is asked again by commit, inside its transaction, when that was changed: a
    different answer sends the mail back to be decided.
    """

    stored_as: ClassVar[str]
    depends_on: ClassVar[tuple[Counter, ...]] = ()

    @property
    def stored(self) -> tuple[Any, ...]:
        """The question as a trace keeps it: its name and its words."""
        return (self.stored_as, *astuple(self))

    def hangs_on(self, answer: A) -> Collection[Key] | None:
        """Name all that this answer hangs on of what it depends on; None where that cannot be said."""
        return None

    @classmethod
    def answer_type(cls) -> Any:
        """Give the type of its answer: how a recording is read back."""
        return get_args(cls.__orig_bases__[0])[0]  # type: ignore[attr-defined]

    @classmethod
    def nothing(cls) -> A:
        """Give the answer of somebody who knows nothing: none, no text, no, zero."""
        kind = cls.answer_type()
        return kind() if isinstance(kind, type) else None  # type: ignore[return-value]


def message_id_key(message_id: str) -> Key:
    """Name a Message-ID, with or without its angle brackets."""
    return "message", message_id.strip().strip("<>")


def _key_of(found: ItemFacts) -> Key:
    return ("topic" if found.kind is Kind.TOPIC else "item"), found.id


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────


class AccountOf(Question[AccountMatch], frozen=True):
    """Whose is a sender address, exactly or else by suffix with one of `separators` (F061)? Asks for `Address.key`."""

    stored_as = "account"
    depends_on = ("accounts",)
    address: str
    separators: str


class ListedIn(Question[Listed], frozen=True):
    """What does a directory say of an address? Asks for `Address.key`, of who has no account here."""

    stored_as = "directory"
    directory: str
    address: str


class AccountByLogin(Question[Account | None], frozen=True):
    """Who has this login?"""

    stored_as = "login"
    depends_on = ("accounts",)
    login: str


class PersonNamed(Question[Account | None], frozen=True):
    """Who is meant by an address, a login or "First Last", as a keyword names people (F087)?"""

    stored_as = "person"
    depends_on = ("accounts",)
    text: str


class GroupNamed(Question[str], frozen=True):
    """How is this group's name stored? "" if there is none."""

    stored_as = "group"
    depends_on = ("accounts",)
    name: str


class May(Question[bool], frozen=True):
    """May somebody `add_items`, `add_comments`, `edit_items`, `view_items` or `watch` there?"""

    stored_as = "may"
    depends_on = ("accounts",)
    login: str
    permission: str
    workspace: str


# ── places and what is in them ────────────────────────────────────────────────────────────────────────────────


class CatalogOf(Question[Catalog | None], frozen=True):
    """What does a workspace offer? None if there is no such workspace."""

    stored_as = "catalog"
    depends_on = ("accounts",)
    workspace: str


class ItemByNumber(Question[ItemFacts | None], frozen=True):
    """Which item has this number?"""

    stored_as = "item"
    depends_on = ("items",)
    item: int

    def hangs_on(self, answer: ItemFacts | None) -> Collection[Key]:
        here: Key = ("item", self.item)
        return (here,) if answer is None or answer.id == self.item else (here, _key_of(answer))  # it was merged


class TopicByNumber(Question[ItemFacts | None], frozen=True):
    """Which discussion topic has this number?"""

    stored_as = "topic"
    depends_on = ("items",)
    topic: int

    def hangs_on(self, answer: ItemFacts | None) -> Collection[Key]:
        return (("topic", self.topic),)


class NumberGiven(Question[bool], frozen=True):
    """Was this number of an item, or of a `topic`, ever given here?"""

    stored_as = "given"
    depends_on = ("items",)
    number: int
    topic: bool

    def hangs_on(self, answer: bool) -> Collection[Key]:
        return (("number", "topic" if self.topic else "item"),)


class ItemByMessageIds(Question[MessageMatch | None], frozen=True):
    """Whose conversation is that of the first of these Message-IDs that is stored?"""

    stored_as = "item_by_message_ids"
    depends_on = ("items", "receipts")
    message_ids: tuple[str, ...]

    def hangs_on(self, answer: MessageMatch | None) -> Collection[Key]:
        keys = [message_id_key(each) for each in self.message_ids]
        return keys if answer is None else [*keys, *map(_key_of, (answer.item, *answer.also))]


class ItemByMarkers(Question[MessageMatch | None], frozen=True):
    """Which item does the first of these markers of another system mean that were brought in?"""

    stored_as = "item_by_markers"
    depends_on = ("items",)
    markers: tuple[str, ...]

    def hangs_on(self, answer: MessageMatch | None) -> Collection[Key]:
        return () if answer is None else (_key_of(answer.item),)  # putting one counts as any change of items


class ItemByField(Question[ItemFacts | None], frozen=True):
    """Which is the newest item whose field holds exactly this value (`thread by`)?"""

    stored_as = "item_by_field"
    depends_on = ("items",)
    name: str
    value: str

    def hangs_on(self, answer: ItemFacts | None) -> Collection[Key]:
        field: Key = ("field", self.name.strip().casefold())
        return (field,) if answer is None else (field, _key_of(answer))


# ── mails that came before ────────────────────────────────────────────────────────────────────────────────────


class EarlierMail(Question[str], frozen=True):
    """Which mail with this content reached the workspace within 30 days, by its id? "" if none did."""

    stored_as = "duplicate"
    depends_on = ("receipts",)
    workspace: str
    fingerprint: str

    def hangs_on(self, answer: str) -> Collection[Key]:
        return (("content", self.fingerprint),)

    @property
    def stored(self) -> tuple[Any, ...]:
        """Keep the place of a second digest, which early releases stored and never looked at."""
        return (self.stored_as, self.workspace, "", self.fingerprint)


class SenderRate(Question[int], frozen=True):
    """How many mails of a sender, under any tag, came in the time before now, this one not counted?"""

    stored_as = "sender_rate"
    address: str
    seconds: int


class TotalRate(Question[int], frozen=True):
    """How many mails came in the time before now, this one not counted?"""

    stored_as = "total_rate"
    seconds: int


# ── this mail ─────────────────────────────────────────────────────────────────────────────────────────────────


class VirusFound(Question[str], frozen=True):
    """What does the virus scanner say of this mail: clean, off, unavailable, or the name of what it found?"""

    stored_as = "scan"


class HooksSay(Question[HookAnswer], frozen=True):
    """What do guard and activity scripts say in the sandbox? A trace keeps the hash of what they were given."""

    stored_as = "hooks"
    request: HookRequest

    @property
    def stored(self) -> tuple[Any, ...]:
        return (self.stored_as, self.request.digest)


QUESTIONS: tuple[type[Question[Any]], ...] = (
    *(AccountOf, ListedIn, AccountByLogin, PersonNamed, GroupNamed, May),
    *(CatalogOf, ItemByNumber, TopicByNumber, NumberGiven, ItemByMessageIds, ItemByField, ItemByMarkers),
    *(EarlierMail, SenderRate, TotalRate, VirusFound, HooksSay),
)
"""Every question there is."""
