"""Subjects of one conversation: what mail programs and desks put around the same words.

Here: `bare`, and `changed`, by which a reply shows that it is about something else. Not here: titles (`item/title.py`),
markers that lead to an item (`decision/matching.py`). Invariant: linear in the subject.
"""

from __future__ import annotations

import re

_AROUND = re.compile(
    r"\[[^\[\]]{0,80}\]|\b(?:re|aw|sv|vs|rif|res|ref|odp|ynt|antw|antwort|fwd?|wg|tr|rv|enc|vl|doorst|pd|i|ang|ответ|回复|答复"
    r"|回覆|转发|轉寄|답장|전달)\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\d)?\s?[:：]",
    re.IGNORECASE,
)
SHORTEST = 20
"""Characters of a cut title that must agree."""


def bare(subject: str) -> str:
    """Give the words of a subject: no `Re:`, no marker or tag in brackets, blanks once, any case."""
    return " ".join(_AROUND.sub(" ", subject).split()).casefold()


def changed(subject: str, *before: str) -> str:
    """Give the subject of a mail if it says something else than those before it, else "".

    What comes before is the title of the item, perhaps cut or with a prefix, and the subject of the mail it came with.
    """
    said = bare(subject)
    return "" if not said or any(_same(said, bare(each)) for each in before) else " ".join(subject.split())


def _same(said: str, before: str) -> bool:
    cut = before.removesuffix("…")
    return f" {before}".endswith(f" {said}") or (cut != before and len(cut) >= SHORTEST and said.startswith(cut))
