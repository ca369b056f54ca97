"""How a search may go on: the words of a list, and values that stand in what somebody sees.

Here: `complete`. Not here: what words mean (`store/query.py` and the queries of each list), the field (`console/`).
Invariant: no value is offered that somebody could not read in the counts beside the list; nothing that is offered is
a search that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from engine.desk import looking
from engine.desk.numbers import OUTCOMES
from engine.store import item_query, search
from engine.store.errors import Unclear

if TYPE_CHECKING:
    from engine.desk.scope import Scope
    from engine.store.store import Store

MOST = 8
"""How much is offered at once."""

MOST_TEXT = 1_000
"""Characters of a search that are looked at."""

_VALUE = re.compile(r'(?:^|\s)-?(?P<word>[a-z_]+):(?:"(?P<quoted>[^"]*)|(?P<plain>[^\s"]*))$')
_BEGUN = re.compile(r"(?:^|\s)-?(?P<begun>[a-z_]+)$")

_AGES, _DAYS = ("1h", "1d", "7d", "30d", "1y"), ("today", "yesterday")

_ALWAYS = {
    "newer_than": _AGES, "older_than": _AGES, "after": _DAYS, "before": _DAYS,
    "on": (*_DAYS, "mon", "tue", "wed", "thu", "fri", "sat", "sun"), "outcome": OUTCOMES,
}  # fmt: skip
"""Values of words that are the same for everybody."""

WORDS = {"mails": search.WORDS, "items": item_query.WORDS}
"""The words of each list that can be completed, by its name."""


def complete(store: Store, scope: Scope, what: str, text: str, zone: tzinfo = UTC) -> list[str]:
    """Give searches that begin with this text, its last word completed; for a list by its name. Raises Unclear."""
    if what not in WORDS:
        raise Unclear(f"there is no search of {what!r}: there are {', '.join(WORDS)}")
    found = _VALUE.search(text) or _BEGUN.search(text)
    if len(text) > MOST_TEXT or found is None or text.count('"', 0, found.start()) % 2:  # within quotes
        return []
    if "word" in found.re.groupindex:
        begun = found["quoted"] if found["quoted"] is not None else found["plain"]
        values = _ALWAYS.get(found["word"]) or (_of_mails if what == "mails" else _of_items)(
            store, scope, found["word"], zone
        )
        return [text[: found.end("word") + 1] + each for each in _written(_fit(begun, values))]
    words = [word if word == item_query.UNANSWERED else f"{word}:" for word in WORDS[what] if word]
    return [text[: found.start("begun")] + each for each in _fit(found["begun"], words)]


def _fit(begun: str, values: Iterable[str]) -> list[str]:
    """What begins so, then what holds it; not what is there already."""
    small = begun.casefold()
    others = [each for each in dict.fromkeys(values) if each and each.casefold() != small]
    first = [each for each in others if each.casefold().startswith(small)]
    return [*first, *[each for each in others if small in each.casefold() and each not in first]][:MOST]


def _written(values: Iterable[str]) -> list[str]:
    """Values as they stand behind a word: in quotes where one has a blank."""
    plain = [each for each in values if '"' not in each]
    return [f'"{each}"' if re.search(r"\s", each) else each for each in plain]


def _of_mails(store: Store, scope: Scope, word: str, zone: tzinfo) -> list[str]:
    if word not in ("code", "mailbox", "workspace", "by", "domain", "rule"):
        return []
    kinds = looking.kinds(store, "", zone=zone, sight=scope.sight)
    if kinds is None:
        return []
    if word == "rule":
        return [each.value[5:] for each in kinds.facets.by if each.value.startswith("rule ")]
    return [each.value for each in getattr(kinds.facets, word) or ()]


def _of_items(store: Store, scope: Scope, word: str, _zone: tzinfo) -> list[str]:
    if word not in ("status", "assigned", "workspace"):
        return []
    _, _, kinds = store.items.gathered("", 1, sight=scope.items)
    first = {"status": [*item_query.ENDED], "assigned": [scope.login, item_query.NOBODY]}.get(word, [])
    return [*first, *[share.value for share in getattr(kinds, word)]]
