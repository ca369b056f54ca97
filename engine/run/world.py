"""Who answers the questions of a decision: the store, the sandbox, the scanner.

Here: the one table of questions and who answers each, who hears of some ahead, and whether the answers of a decision
still hold. Not here: the questions (`model/questions.py`), the recording of answers (`lookups.py`).
Invariant: every question stands in the table, and who answers takes its words in their order.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec

from msgspec.structs import astuple

from engine.model import questions
from engine.model.addresses import base_key
from engine.model.answers import HookAnswer, Listed
from engine.model.hook_request import HookRequest
from engine.model.questions import A, Question

if TYPE_CHECKING:
    from engine.decision.pipeline import Decision
    from engine.run.engine import Engine
    from engine.store.store import Store

P = ParamSpec("P")


class InHand:
    """What the mails of a batch share.

    Those that asked how many came before them, which rates count beside the store's; the patience with scripts.
    """

    __slots__ = ("mails", "patience_s", "senders")

    def __init__(self, patience_s: float = 0.0) -> None:
        self.senders: Counter[str] = Counter()
        self.mails = 0
        self.patience_s = patience_s


class World:
    """The world as one mail may see it; rates include the batch in hand."""

    __slots__ = ("content", "engine", "in_hand", "mail", "now", "store")

    def __init__(
        self, engine: Engine, content: bytes, now: datetime, mail: str = "", in_hand: InHand | None = None
    ) -> None:
        """`mail` is the id of the mail itself, which is no duplicate of itself when it is decided once more."""
        self.engine, self.store, self.content, self.now, self.mail = engine, engine.store, content, now, mail
        self.in_hand = in_hand or InHand()

    def ask(self, question: Question[A]) -> A:
        """Let the one answer whose question this is."""
        answer: A = WHO_ANSWERS[type(question)](self)(*astuple(question))
        return answer

    def foresee(self, question: Question[Any]) -> None:
        """Let scripts begin, and the store hear of what it will be asked; whoever else is asked answers at once."""
        hears = WHO_HEARS.get(type(question))
        if hears is not None:
            hears(self, question)

    def is_ready(self, question: Question[Any]) -> bool:
        """Wait for scripts as long as the batch has patience with all of them."""
        if not isinstance(question, questions.HooksSay):
            return True
        began, in_hand = time.monotonic(), self.in_hand
        ready = self.engine.scripts.is_ready(question.request, in_hand.patience_s)
        in_hand.patience_s = max(0.0, in_hand.patience_s - (time.monotonic() - began))
        return ready

    def earlier_mail(self, workspace: str, fingerprint: str) -> str:
        """Give the id of an earlier mail with this content, which is not this one decided once more."""
        return self.store.ledger.duplicate(workspace, fingerprint, other_than=self.mail, now=self.now)

    def sender_rate(self, address: str, seconds: int) -> int:
        """Count the mails of a sender, under whatever tags, those of the batch too; from now on this one as well."""
        separators = self.engine.config.separators
        sender = base_key(address, separators)
        before = self.store.ledger.sender_rate(address, seconds, self.now, separators) + self.in_hand.senders[sender]
        self.in_hand.senders[sender] += 1
        return before

    def total_rate(self, seconds: int) -> int:
        """Count all mails, those of the batch too; from now on this one as well."""
        before = self.store.ledger.total_rate(seconds, self.now) + self.in_hand.mails
        self.in_hand.mails += 1
        return before

    def hooks(self, request: HookRequest) -> HookAnswer:
        """Run scripts; nothing is remembered of it."""
        return self.engine.scripts.ask(request)

    def listed(self, directory: str, address: str) -> Listed:
        """Ask a directory; nothing is stored of it."""
        return self.engine.directories.find(directory, address)

    def scan(self) -> str:
        """Ask the virus scanner about the bytes of the mail."""
        from engine.run.scanner import scan

        return scan(self.engine.config, self.content)


class Live(World):
    """The world of a pass that commits: what scripts did is remembered. Who only tries something out has the other."""

    __slots__ = ()

    def hooks(self, request: HookRequest) -> HookAnswer:
        """Run scripts; what failed is counted."""
        return self.engine.scripts.ask(request, self.engine.memory)


def _by(question: Callable[P, Question[A]], who: Callable[[World], Callable[P, A]]) -> tuple[Any, Any]:
    """One row of the table; the types hold the answerer to the words and the answer of the question."""
    return question, who


WHO_ANSWERS: Mapping[type[Question[Any]], Callable[[World], Callable[..., Any]]] = dict(
    (
        _by(questions.AccountOf, lambda world: world.store.directory.account),
        _by(questions.ListedIn, lambda world: world.listed),
        _by(questions.AccountByLogin, lambda world: world.store.directory.login),
        _by(questions.PersonNamed, lambda world: world.store.directory.person),
        _by(questions.GroupNamed, lambda world: world.store.directory.group),
        _by(questions.May, lambda world: world.store.directory.may),
        _by(questions.CatalogOf, lambda world: world.store.items.catalog),
        _by(questions.ItemByNumber, lambda world: world.store.items.item),
        _by(questions.TopicByNumber, lambda world: world.store.items.topic),
        _by(questions.NumberGiven, lambda world: world.store.items.given),
        _by(questions.ItemByField, lambda world: world.store.items.item_by_field),
        _by(questions.ItemByMarkers, lambda world: world.store.markers.item_of),
        _by(questions.ItemByMessageIds, lambda world: world.store.ledger.item_by_message_ids),
        _by(questions.EarlierMail, lambda world: world.earlier_mail),
        _by(questions.SenderRate, lambda world: world.sender_rate),
        _by(questions.TotalRate, lambda world: world.total_rate),
        _by(questions.VirusFound, lambda world: world.scan),
        _by(questions.HooksSay, lambda world: world.hooks),
    )
)


WHO_HEARS: Mapping[type[Question[Any]], Callable[[World, Any], None]] = {
    questions.HooksSay: lambda world, asked: world.engine.scripts.begin(asked.request),
    questions.AccountOf: lambda world, asked: world.store.ahead.account(asked.address, asked.separators),
    questions.ItemByNumber: lambda world, asked: world.store.ahead.item(asked.item),
    questions.ItemByMessageIds: lambda world, asked: world.store.ahead.item_by_message_ids(asked.message_ids),
    questions.EarlierMail: lambda world, asked: world.store.ahead.duplicate(asked.fingerprint, world.mail, world.now),
    questions.SenderRate: lambda world, asked: world.store.ahead.sender_rate(
        asked.address, asked.seconds, world.now, world.engine.config.separators
    ),
}
"""Who hears ahead what will be asked."""


def is_still_true(store: Store, decision: Decision) -> bool:
    """Ask the questions about accounts, items and receipts again whose answers may have changed meanwhile."""
    if decision.versions is None:
        return True
    changes = store.changed_since(decision.versions)
    counters, world = changes.counters, decision.look.world
    return not counters or all(
        world.ask(question) == answer
        for question, answer in decision.look.answers.items()
        if not counters.isdisjoint(question.depends_on)
        and changes.reach(question.depends_on, question.hangs_on(answer))
    )
