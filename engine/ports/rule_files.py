"""What stood in rule files and when, and what people are writing.

Here: `RuleFiles`. Not here: the files themselves, which are what is in force (`rulebook/book.py`).
Invariant: a version is never changed; what is written down here changes no rule.
"""

from __future__ import annotations

from typing import Protocol

from engine.model.rule_files import RuleDraft, RuleVersion


class RuleFiles(Protocol):
    """Versions and drafts of rule files. Drafts go with their account."""

    def found(self, place: str, text: str) -> None:
        """Write down what stands in the file of a place, if that is not its newest version: others wrote it."""

    def put_version(self, place: str, text: str, by: str, via: str, reason: str) -> int:
        """Write down that somebody put a text into the file of a place, with an event; gives the number.

        Their draft of this place goes.
        """

    def versions(self, place: str, limit: int = 50, before: int = 0) -> list[RuleVersion]:
        """List what stood in the file of a place, the newest first; with `before` those with a lower number."""

    def version(self, number: int) -> RuleVersion | None:
        """Give the version with this number."""

    def put_draft(self, account: int, place: str, base: str, text: str) -> None:
        """Keep what somebody is writing for a place, in place of what they wrote before."""

    def draft(self, account: int, place: str) -> RuleDraft | None:
        """Give what somebody is writing for a place."""

    def drop_draft(self, account: int, place: str) -> bool:
        """Forget what somebody is writing for a place; tells whether there was anything."""
