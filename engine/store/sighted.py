"""What somebody may see, as conditions of queries.

Here: a `Sight` as a condition on mails, on what was counted of them, and as text. Not here: who sees what
(`desk/scope.py`), the queries (`mails.py`, `walking.py`, `facets.py`, `counting.py`).
Invariant: a query asks for nothing but what is seen; what is counted is seen exactly as the mails are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.model.sight import Sight
from engine.store import tables
from engine.store.query import Condition

if TYPE_CHECKING:
    from engine.store.search import Meaning


def home() -> Any:
    """The workspace of the newest receipt of a mail, joined with that of its present generation; "" for none."""
    receipt, newest = tables.Receipt, tables.Receipt.alias()
    earlier = newest.select(newest.workspace).where(newest.inbound == tables.Inbound.id)
    return tables.fn.COALESCE(receipt.workspace, earlier.order_by(newest.generation.desc()).limit(1), "")


def mails(sight: Sight) -> Any:
    """Say which mails are seen, joined with their receipts and mailboxes, where not all are."""
    return _seen(sight, home(), tables.Mailbox.name)


def _seen(sight: Sight, workspace: Any, mailbox: Any) -> Any:
    there = workspace.in_(sorted(sight.workspaces - {""}))
    return there | ((workspace == "") & mailbox.in_(sorted(sight.mailboxes)))


def meant(sight: Sight) -> Meaning | None:
    """Give a sight as if it were a word of a query; None where all is seen."""
    from engine.store.search import Meaning

    if sight.all:
        return None
    return Meaning(mails(sight), _seen(sight, tables.Tally.workspace, tables.Tally.mailbox))


def text(sight: Sight, workspace: str, mailbox: str) -> Condition:
    """Write it as text, of these columns; the workspace is that of the newest receipt."""
    if sight.all:
        return Condition("TRUE")
    places, boxes = sorted(sight.workspaces - {""}), sorted(sight.mailboxes)
    sql = f"({_in(workspace, places)} OR ({workspace} = '' AND {_in(mailbox, boxes)}))"
    return Condition(sql, (*places, *boxes))


def places(sight: Sight) -> list[Condition]:
    """The same of what was counted, a condition for the workspaces and one for the mailboxes: each by an index."""
    workspaces, boxes = sorted(sight.workspaces - {""}), sorted(sight.mailboxes)
    found = [(workspaces, _in("workspace", workspaces)), (boxes, f"workspace = '' AND {_in('mailbox', boxes)}")]
    return [Condition(sql, tuple(names)) for names, sql in found if names]


def _in(column: str, values: Iterable[str]) -> str:
    marks = ", ".join("?" for _ in values)
    return f"{column} IN ({marks})" if marks else "FALSE"
