"""The only door to the world during a decision, and its recording.

Here: the questions a decision may ask (`Lookups`) and `Recorder`, which asks somebody and keeps question and answer.
Not here: who answers (the store, the sandbox, the virus scanner) or what is made of the answers.
Invariant: an answer is a frozen value of `model`; asked twice in one decision, a question has one answer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from datetime import datetime
from typing import Any, Protocol

from engine.model.desk import Account, Catalog, ItemFacts
from engine.model.questions import AccountMatch, HookAnswer, HookRequest, MessageMatch


class Lookups(Protocol):
    """Every question a decision may ask. Texts compare case-folded; ids and logins are exact."""

    @property
    def now(self) -> datetime:
        """When the mail was received: the only clock of a decision."""

    def account(self, address: str, separators: str) -> AccountMatch:
        """Find the account of a sender address, exactly first, then by suffix with one of `separators` (F061)."""

    def login(self, login: str) -> Account | None:
        """Find an account by its login."""

    def person(self, text: str) -> Account | None:
        """Find an account by address, login or "First Last", as a keyword names people (F087)."""

    def group(self, name: str) -> str:
        """Give the group's name as stored, "" if there is none."""

    def may(self, login: str, permission: str, workspace: str) -> bool:
        """Tell whether somebody may `add_items`, `add_comments`, `edit_items`, `view_items` or `watch` there."""

    def catalog(self, workspace: str) -> Catalog | None:
        """Give what a workspace offers, None if there is no such workspace."""

    def item(self, item: int) -> ItemFacts | None:
        """Find an item by number."""

    def topic(self, topic: int) -> ItemFacts | None:
        """Find a discussion topic by number."""

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        """Find the conversation of the first of these Message-IDs that is stored."""

    def item_by_field(self, name: str, value: str) -> ItemFacts | None:
        """Find the newest item whose field holds exactly this value (`thread by`)."""

    def duplicate(self, workspace: str, core_digest: str, fingerprint: str) -> str:
        """Give the id of an earlier mail with this content that reached the workspace within 30 days, or ""."""

    def sender_rate(self, address: str, seconds: int) -> int:
        """Count the mails of a sender in the time before `now`, this one not included."""

    def total_rate(self, seconds: int) -> int:
        """Count all mails in the time before `now`, this one not included."""

    def scan(self) -> str:
        """Ask the virus scanner about this mail: clean, off, unavailable, or the name of what it found."""

    def hooks(self, request: HookRequest) -> HookAnswer:
        """Run guard and activity scripts in the sandbox."""


REPEATABLE = frozenset(
    {"account", "login", "person", "group", "may", "catalog", "item", "topic", "item_by_message_ids",
     "item_by_field", "duplicate"}
)  # fmt: skip
"""Questions that commit asks again inside its transaction: a different answer sends the mail back to be decided."""


NEVER_ASKED = object()


@dataclasses.dataclass(slots=True)
class Recorder:
    """Asks somebody else and keeps every question with its answer, so that a decision can be repeated.

    `recorded` holds answers of an earlier run: a question that stands there is not asked anew. Questions that had
    to be asked although a recording was given are named in `asked_anew`.
    """

    world: Any
    now: datetime
    recorded: dict[tuple[Any, ...], Any] | None = None
    answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    asked_anew: list[tuple[Any, ...]] = field(default_factory=list)
    hooked: tuple[HookRequest | None, tuple[Any, ...]] = (None, ())

    def _ask(self, *question: Any) -> Any:
        if question in self.answers:
            return self.answers[question]
        answer = self._recorded(question)
        if answer is NEVER_ASKED:
            name, *arguments = question
            answer = getattr(self.world, name)(*arguments)
        self.answers[question] = answer
        return answer

    def _recorded(self, question: tuple[Any, ...]) -> Any:
        if self.recorded is None:
            return NEVER_ASKED
        if question in self.recorded:
            return self.recorded[question]
        self.asked_anew.append(question)
        return NEVER_ASKED

    def account(self, address: str, separators: str) -> AccountMatch:
        return self._ask("account", address.casefold(), separators)  # type: ignore[no-any-return]

    def login(self, login: str) -> Account | None:
        return self._ask("login", login)  # type: ignore[no-any-return]

    def person(self, text: str) -> Account | None:
        return self._ask("person", text)  # type: ignore[no-any-return]

    def group(self, name: str) -> str:
        return self._ask("group", name)  # type: ignore[no-any-return]

    def may(self, login: str, permission: str, workspace: str) -> bool:
        return self._ask("may", login, permission, workspace)  # type: ignore[no-any-return]

    def catalog(self, workspace: str) -> Catalog | None:
        return self._ask("catalog", workspace)  # type: ignore[no-any-return]

    def item(self, item: int) -> ItemFacts | None:
        return self._ask("item", item)  # type: ignore[no-any-return]

    def topic(self, topic: int) -> ItemFacts | None:
        return self._ask("topic", topic)  # type: ignore[no-any-return]

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        return self._ask("item_by_message_ids", message_ids)  # type: ignore[no-any-return]

    def item_by_field(self, name: str, value: str) -> ItemFacts | None:
        return self._ask("item_by_field", name, value)  # type: ignore[no-any-return]

    def duplicate(self, workspace: str, core_digest: str, fingerprint: str) -> str:
        return self._ask("duplicate", workspace, core_digest, fingerprint)  # type: ignore[no-any-return]

    def sender_rate(self, address: str, seconds: int) -> int:
        return self._ask("sender_rate", address.casefold(), seconds)  # type: ignore[no-any-return]

    def total_rate(self, seconds: int) -> int:
        return self._ask("total_rate", seconds)  # type: ignore[no-any-return]

    def scan(self) -> str:
        return self._ask("scan")  # type: ignore[no-any-return]

    def hooks(self, request: HookRequest) -> HookAnswer:
        known, question = self.hooked
        if known is not request:  # two stages ask the very same request: it is hashed once
            question = ("hooks", request.digest)
            self.hooked = (request, question)
        if question not in self.answers:
            answer = self._recorded(question)
            self.answers[question] = self.world.hooks(request) if answer is NEVER_ASKED else answer
        return self.answers[question]  # type: ignore[no-any-return]
