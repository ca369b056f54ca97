"""The only door to the world during a decision, and its recording.

Here: the door as stages see it (`Lookups`), and `Recorder`, which asks somebody and keeps question and answer.
Not here: the questions (`model/questions.py`), who answers them (`run/world.py`), what is made of the answers.
Invariant: an answer is a frozen value of `model`; asked twice in one decision, a question has one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct, field

from engine.model.questions import A, Question


class Answering(Protocol):
    """Whoever can be asked."""

    def ask(self, question: Question[A]) -> A:
        """Answer a question as things are now."""

    def foresee(self, question: Question[Any]) -> None:
        """Hear what will be asked; whoever needs time for the answer may begin. Changes no answer."""

    def is_ready(self, question: Question[Any]) -> bool:
        """Tell whether what was foreseen can be answered now, after a moment's patience with all of a batch."""


class Lookups(Answering, Protocol):
    """What a decision may look at."""

    @property
    def now(self) -> datetime:
        """When the mail was received: the only clock of a decision."""


_NEVER_ASKED: Any = object()


class Recorder(Struct):
    """Asks somebody else and keeps every question with its answer, so that a decision can be repeated.

    `recorded` holds answers of an earlier run by stored question: one that stands there is not asked anew. Questions
    that had to be asked although a recording was given are in `asked_anew`.
    """

    world: Answering
    now: datetime
    recorded: Mapping[tuple[Any, ...], Any] | None = None
    answers: dict[Question[Any], Any] = field(default_factory=dict)
    asked_anew: list[Question[Any]] = field(default_factory=list)

    def ask(self, question: Question[A]) -> A:
        answer: A = self.answers.get(question, _NEVER_ASKED)
        if answer is _NEVER_ASKED:
            answer = self.answers[question] = self._find(question)
        return answer

    def _find(self, question: Question[A]) -> A:
        if self.recorded is not None:
            answer: A = self.recorded.get(question.stored, _NEVER_ASKED)
            if answer is not _NEVER_ASKED:
                return answer
            self.asked_anew.append(question)
        return self.world.ask(question)

    def foresee(self, question: Question[Any]) -> None:
        if not self._known(question):
            self.world.foresee(question)

    def is_ready(self, question: Question[Any]) -> bool:
        return self._known(question) or self.world.is_ready(question)

    def _known(self, question: Question[Any]) -> bool:
        return question in self.answers or (self.recorded is not None and question.stored in self.recorded)

    def kept(self) -> tuple[tuple[tuple[Any, ...], Any], ...]:
        """Give every question as it is stored, with its answer, in the order they were asked."""
        return tuple([(question.stored, answer) for question, answer in self.answers.items()])
