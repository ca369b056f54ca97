"""A source that a host wrote, as a pass may trust it.

Here: whatever it raises becomes a SourceError, and what it gives is mail of its mailbox. Not here: any host's code.
Invariant: a host's source that breaks costs its own mailbox this pass, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from engine.config.redacting import logger
from engine.model.mail import RawMail
from engine.sources.arrival import Judged
from engine.sources.source import Action, Limits, Listed, Peek, Settled, Source, SourceError

_log = logger("allegra.sources")

BROUGHT = ("door/", "pipe/")
"""How the keys of mails begin that `Desk.take` and `allegra deliver` brought."""


class OwnSource:
    """Another source behind a wall: same questions, same answers, one kind of failure."""

    def __init__(self, source: Source, mailbox: str) -> None:
        self._source, self._mailbox = source, mailbox

    def __enter__(self) -> Self:
        with self._blamed():
            self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._blamed():
            self._source.__exit__(kind, error, trace)

    def epoch(self) -> str:
        with self._blamed():
            return self._source.epoch()

    @property
    def uidnext(self) -> int:
        with self._blamed():
            return self._source.uidnext

    def list(self) -> list[Listed]:
        with self._blamed():
            return self._source.list()

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        with self._blamed():
            for raw in self._source.fetch(keys, limits):
                if raw.origin.mailbox != self._mailbox:
                    raise ValueError(f"its source gave mail of the mailbox {raw.origin.mailbox!r}")
                yield raw

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        """Ask the source about mails it handed over; what came through another door it cannot know."""
        strange = [Settled(each.key, "gone", "it came another way") for each in actions if each.key.startswith(BROUGHT)]
        theirs = [each for each in actions if not each.key.startswith(BROUGHT)]
        with self._blamed():
            return [*strange, *(self._source.settle(theirs) if theirs else ())]

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        with self._blamed():
            return self._source.judge(listed, since)

    def refusal(self, key: str) -> str:
        with self._blamed():
            return self._source.refusal(key)

    def peek(self, n: int) -> Sequence[Peek]:
        with self._blamed():
            return self._source.peek(n)

    def folders(self) -> Sequence[str]:
        with self._blamed():
            return self._source.folders()

    def describe(self) -> Sequence[tuple[str, str]]:
        with self._blamed():
            return self._source.describe()

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Turn what foreign code raises into the one failure that a pass knows; the traceback goes to the log."""
        try:
            yield
        except SourceError:
            raise
        except Exception as error:
            _log.exception("the source of mailbox %s failed", self._mailbox)
            said = f"mailbox {self._mailbox}: {type(error).__name__}: {error}"
            raise SourceError("source.program", said) from error
