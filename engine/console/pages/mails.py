"""The list of mails, and the search above every page.

Here: what was asked, as a search; an exact thing leads to its page. Not here: the words (`store/search.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import redirect, url_for

from engine.console.asked import Asked, Page, number_in
from engine.desk import looking, nothing_found
from engine.desk.exporting import MAILS, STEP, Table
from engine.desk.refusals import NotFound, Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Store
    from engine.model.stored import MailRow, Searched

ROWS = 50

WITHIN_S = 0.15
"""How long a list looks for what no count finds; then it says how far back it looked."""

LONG_S = 2.0
"""The same for a list that is taken away: somebody who waits no more is heard of between."""

FACETS = (
    ("outcome", "Outcome"), ("by", "Decided by"), ("code", "Reason"), ("mailbox", "Mailbox"),
    ("workspace", "Workspace"), ("domain", "Sender's domain"),
)  # fmt: skip
"""What mails are told apart by beside the list: a word of the search, and its name."""

_EXACT = re.compile(r"m-[0-9a-f]{4,}|<[^<>\s]+@[^<>\s]+>")


def listed(asked: Asked) -> Page | Answer:
    """The mails that a search finds, the newest first, a page at a time."""
    query, before = asked.args.get("q", "").strip(), number_in(asked.args.get("before", ""))
    said, found = "", None
    try:
        if _EXACT.fullmatch(query):
            row = looking.seen(asked.store, query, asked.scope.sight)
            return redirect(url_for("mail.one", ref=row.mail), 303)
        found = looking.search(
            asked.store, query, ROWS, before=before, within_s=WITHIN_S, zone=asked.zone, sight=asked.scope.sight
        )
    except (Unclear, NotFound) as error:
        said = str(error)
    rows = found.mails if found is not None else []
    older = _older(found) if found is not None else 0
    kinds = looking.kinds(asked.store, query, zone=asked.zone, sight=asked.scope.sight)
    nothing = None
    if found is not None and not rows and not before and not older:
        nothing = nothing_found.told(asked.store, asked.config, asked.scope, query, asked.zone)
    data = {"nothing": nothing, "kinds": kinds, "facets": FACETS, "query": query, "rows": rows, "said": said,
            "older": older, "before": before,
            "looked_since": found.looked_since if found is not None else None}  # fmt: skip
    command = f"allegra mail list {query}".strip()
    plain = {"mails": rows, "next": older or None, "error": said or None,
             "facets": kinds.facets if kinds else None}  # fmt: skip
    return Page("mails.html", query or "Mails", data, plain, command, 422 if said else 200, _table(asked, query))


def _table(asked: Asked, query: str) -> Table:
    """All that are found; a search that takes long goes on from where it looked."""
    zone, sight = asked.zone, asked.scope.sight

    def step(store: Store, before: int) -> tuple[Sequence[MailRow], int]:
        found = looking.search(store, query, STEP, before=before, within_s=LONG_S, zone=zone, sight=sight)
        return found.mails, _older(found)

    return Table("mails", step, MAILS, query)


def _older(found: Searched) -> int:
    """The row before which the next page looks, 0 where there is none."""
    if found.looked_to:
        return found.looked_to
    return found.mails[-1].row if found.more else 0
