"""What stood in rule files and when, and what somebody is writing.

Here: frozen data and nothing else. Not here: the files in force (`rulebook/book.py`), saving them
(`desk/rule_saving.py`), keeping the rows (`store/rule_files.py`).
Invariant: a text is named by its digest (`rules/document.py`), a place is a workspace or "" for all mail.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class RuleVersion(Struct, frozen=True):
    """What stood in the file of a place from a time on; `by` is "" where it was found there, written by other means."""

    number: int
    place: str
    digest: str
    at: datetime
    by: str
    via: str
    reason: str


class RuleDraft(Struct, frozen=True):
    """What an account is writing for a place, begun from the text with the digest `base`, and when it was kept."""

    place: str
    base: str
    text: str
    at: datetime
