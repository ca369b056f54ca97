"""What a source hands out of what it lists.

Here: `Handed`, which fetches and keeps count. Not here: any protocol; what is done with the mails.
Invariant: a message that was asked for has come, or has gone, or is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.sources.source import SourceError

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.mail import RawMail
    from engine.sources.source import Limits, Source

MOST_NAMED = 10
"""Messages that a sentence names."""


class Handed:
    """Fetches from a source, and knows at the end what is listed and was not handed out."""

    def __init__(self, source: Source, mailbox: Mailbox) -> None:
        self._source, self._mailbox = source, mailbox
        self._missing: list[str] = []
        self._came = False

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        """Fetch as the source does."""
        missing = dict.fromkeys(keys)
        for raw in self._source.fetch(keys, limits):
            missing.pop(raw.origin.key, None)
            self._came = True
            yield raw
        self._missing += missing

    def withheld(self, asked: Collection[str]) -> dict[str, str]:
        """Give the messages that stand there still and did not come, with the server's words or "".

        Raises SourceError (`source.refused`) where nothing came at all and each one of `asked` was refused in words.
        """
        if not self._missing:
            return {}
        there = {each.key for each in self._source.list()}
        told = {key: self._source.refusal(key) for key in self._missing if key in there}
        if asked and not self._came and all(told.get(key) for key in asked):
            first = next(iter(asked))
            sentence = f"mailbox {self._mailbox.name}: {self._mailbox.place} {self._says(told)}"
            raise SourceError("source.refused", sentence, first)
        return told

    def _says(self, told: Mapping[str, str]) -> str:
        many = f"hands out none of {len(told)} messages" if len(told) > 1 else "does not hand out a message"
        return f"{many}: {named(told)}"


def named(told: Mapping[str, str]) -> str:
    """Name messages that were not handed out, the first of them with the server's words."""
    names = [f"{key} ({words})" if words else key for key, words in list(told.items())[:MOST_NAMED]]
    return ", ".join(names) + (f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else "")
