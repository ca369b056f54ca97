"""The query language of `allegra item list`: words as in `allegra mail list`, which find items.

Here: from words to a statement that gives the numbers of items, the newest first. Not here: reading the text
(`query.py`), running it (`item_views.py`). Invariant: what no index finds is looked for among the newest `WINDOW`
items only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.model.addresses import key_of
from engine.model.desk import GROUP
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.store.query import Condition, Statement, among_newest, newer, older, statement, words
from engine.store.terms import ASSIGNED

WINDOW = 100_000
"""Items, the newest, among which is looked for what no index knows."""

NOBODY = "-"
"""What stands for nobody, where a person is asked for."""

UNANSWERED = "unanswered"

ENDED = {"open": " OR closed_at IS NULL", "closed": " OR closed_at IS NOT NULL"}
"""What stands for all statuses that leave the work open, or end it."""

_OF_ITEM = "FROM event WHERE event.item = item.id AND event.item IS NOT NULL AND name IN"
_ASKED = f"coalesce((SELECT max(id) {_OF_ITEM} ('item.created', 'item.commented')), 0)"
_UNANSWERED = Condition(f"(closed_at IS NULL AND NOT EXISTS (SELECT 1 {_OF_ITEM} ('item.answered') AND id > {_ASKED}))")
"""Open, and nobody who works here answered since it was opened or somebody else wrote last."""


class Found(NamedTuple):
    """The statement that a query comes to, whether it looks at the newest items only, and the statuses it names."""

    statement: Statement
    windowed: bool = False
    statuses: tuple[str, ...] = ()


def read(query: str, now: datetime, sight: ItemSight = EVERY_ITEM, before: int = 0) -> Found:
    """Turn a query into a statement about what is seen, below an item number. Raises Unclear."""
    asked = [*words(query, _EXAMPLES, lambda text: UNANSWERED if text == UNANSWERED else "")]
    conditions = [
        meant.turned_round if negated else meant for word, text, negated in asked if (meant := _WORDS[word](text, now))
    ]
    windowed = not all(each.finds for each in conditions)
    newest = (among_newest("item", WINDOW),) if windowed else ()
    statuses = tuple([text for word, text, _ in asked if word == "status"])
    page = (Condition("item.id < ?", (before,)),) if before else ()
    return Found(statement("item", (*newest, *page, *seen(sight), *conditions)), windowed, statuses)


def seen(sight: ItemSight) -> Iterator[Condition]:
    """Narrow items to those that somebody sees."""
    if not sight.all:
        yield _within(sight.workspaces)
        inside = _within(sight.workspaces & sight.inside)
        yield Condition(f"(private = FALSE OR {inside.sql})", inside.params)


def _within(workspaces: frozenset[str]) -> Condition:
    """The items of these workspaces."""
    marks = ", ".join("?" * len(workspaces)) or "NULL"
    here = f"SELECT id FROM workspace WHERE identifier IN ({marks})"  # noqa: S608 - marks
    return Condition(f"workspace_id IN ({here})", tuple(sorted(workspaces)))


def with_status(name: str) -> Statement:
    """The items that have a status, among those that are looked at."""
    return statement("item", (among_newest("item", WINDOW), _status(name)))


def unanswered_among(numbers: Sequence[int]) -> Statement:
    """Those of these items that wait for an answer."""
    among = Condition(f"id IN ({', '.join('?' * len(numbers)) or 'NULL'})", tuple(numbers))
    return statement("item", (among, _UNANSWERED))


def _status(text: str, _: datetime | None = None) -> Condition:
    """A status by its name, or one of `ENDED`."""
    ended = ENDED.get(text.casefold(), "")
    return Condition(f"(lower(status) = ?{ended})", (_small(text),))


def _assigned(text: str, _: datetime) -> Condition:
    """Somebody by login or address, a group as `group:NAME`, or nobody."""
    if text == NOBODY:
        return Condition("assigned_to = ''")
    if text.startswith(GROUP):
        return Condition(f"({ASSIGNED} AND lower(assigned_to) = ?)", (_small(text),))
    theirs = "SELECT lower(login) FROM account JOIN email ON account.id = account_id WHERE email.key = ?"
    named = f"SELECT CAST(? AS TEXT) UNION ALL {theirs}"
    return Condition(f"({ASSIGNED} AND lower(assigned_to) IN ({named}))", (_small(text), key_of(text)))


def _from(text: str, _: datetime) -> Condition:
    """Who opened it: an account by login or address, or a part of the name and address of who has none."""
    theirs = "SELECT id FROM account WHERE login = ? UNION SELECT account_id FROM email WHERE key = ?"
    return Condition(f"(author_id IN ({theirs}) OR {_HOLDS.format('sender')})", (text, key_of(text), _part(text)))


def _label(text: str, _: datetime) -> Condition:
    here = "SELECT 1 FROM item_label WHERE item_id = item.id AND lower(label) = ?"
    return Condition(f"EXISTS ({here})", (_small(text),))


def _workspace(text: str, _: datetime) -> Condition:
    return Condition("workspace_id = (SELECT id FROM workspace WHERE identifier = ?)", (text,), finds=True)


def _title(text: str, _: datetime) -> Condition:
    return Condition(_HOLDS.format("title"), (_part(text),))


_HOLDS = "lower({}) LIKE ? ESCAPE '\\'"


def _part(text: str) -> str:
    """A pattern for what holds a text."""
    plain = _small(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


def _small(text: str) -> str:
    """The text as `lower` of both databases writes a column: A to Z only. A server asked for a parameter does more."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


_WORDS: dict[str, Callable[[str, datetime], Condition]] = {
    "": _title, "title": _title, "status": _status, "assigned": _assigned, "from": _from, "label": _label,
    "workspace": _workspace, UNANSWERED: lambda _, __: _UNANSWERED,
    "newer_than": lambda text, now: newer("changed_at", text, now),
    "older_than": lambda text, now: older("changed_at", text, now),
}  # fmt: skip
"""Every search word and what it means."""

_EXAMPLES = {"": "printer", "title": "printer", "status": "open", "assigned": "anna", "from": "jane@example.com",
             "label": "urgent", "workspace": "support", UNANSWERED: "yes", "newer_than": "7d",
             "older_than": "1d"}  # fmt: skip

WORDS = (*_EXAMPLES,)
"""The words that there are, "" among them."""
