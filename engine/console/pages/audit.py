"""What people did, for who looks over it.

Here: a search and its pages. Not here: who sees what of it (`desk/audit.py`). Invariant: nothing can be changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.console.asked import Asked, Page, number_in
from engine.desk import audit
from engine.desk.exporting import ACTS, STEP, Table
from engine.desk.refusals import Unclear

if TYPE_CHECKING:
    from engine.desk.installation import Store
    from engine.desk.scope import Scope
    from engine.model.stored import EventRow

ROWS = 50

WAYS = (("By people", audit.BY_PEOPLE), ("Mail", "event:held"), ("Items", f"event:item {audit.BY_PEOPLE}"),
        ("Letters", f"event:outbox {audit.BY_PEOPLE}"), ("Mailboxes", f"event:mailbox {audit.BY_PEOPLE}"),
        ("In the console", "via:console"), ("Everything", ""))  # fmt: skip
"""Searches that are asked for most."""


def listed(asked: Asked) -> Page:
    """What people did, or what a search finds, the newest first, a page at a time."""
    query, said, page = asked.args.get("q", audit.BY_PEOPLE).strip(), "", audit.Found(())
    before = number_in(asked.args.get("before", ""))
    try:
        page = audit.found(asked.store, asked.scope, query, ROWS, before)
    except Unclear as error:
        said = str(error)
    data = {"query": query, "page": page, "said": said, "told": audit.said, "ways": WAYS, "before": before}
    twin = {"events": page.events, "next": page.older or None, "error": said or None}
    return Page(
        "audit.html", "Audit", data, twin, f"allegra log -- {query}".removesuffix(" -- "), 422 if said else 200,
        Table("audit", partial(_step, asked.scope, query), ACTS, query),
    )  # fmt: skip


def _step(scope: Scope, query: str, store: Store, before: int) -> tuple[Sequence[EventRow], int]:
    found = audit.found(store, scope, query, STEP, before)
    return found.events, found.older
