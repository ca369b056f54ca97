"""What acts on items ask before they are done: the item, who may, and which value is meant.

Here: finding and judging. Not here: the acts (`items.py`, `item_words.py`, `item_whole.py`), doing one (`doing.py`).
Invariant: values and permissions are judged by the same functions as those of a mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk.looking import gone
from engine.item.title import one_line, shortened
from engine.item.values import judge
from engine.model.desk import GROUP
from engine.model.fields import COMMON
from engine.model.plan import SetField
from engine.store.errors import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from engine.desk.doing import How
    from engine.lookups import Lookups
    from engine.model.desk import Account, Catalog, ItemFacts, Value
    from engine.run.engine import Engine

NEEDED = frozenset(["title", *(field.name for field in COMMON.rows if field.needed)])
"""Fields that are never empty."""


def found(engine: Engine, number: int) -> ItemFacts:
    """Find the item. Raises NotFound, and Refused for one that was merged: what is meant now is another."""
    item = engine.store.items.exactly(number)
    if item is None:
        raise NotFound(gone(engine.store, number))
    if item.merged_into:
        raise Refused(f"item #{number} was merged into #{item.merged_into}: say that number")
    return item


def catalog_of(engine: Engine, number: int) -> Catalog:
    """Give what the workspace of an item offers."""
    catalog = engine.store.items.catalog(found(engine, number).workspace)
    assert catalog is not None  # noqa: S101 - an item stands in a workspace
    return catalog


def may_edit(engine: Engine, by: Account, item: ItemFacts) -> None:
    """Who may edit items of its workspace, or has it. Raises Refused."""
    if not (engine.store.directory.may(by.login, "edit_items", item.workspace) or _is_assignee(by, item)):
        raise Refused(f"{by.login} may not edit items of {item.workspace}")


def may_comment(engine: Engine, by: Account, item: ItemFacts) -> None:
    """Who has to do with the item, or who may comment in its workspace; of a private one, edit. Raises Refused."""
    may = engine.store.directory.may(by.login, "edit_items" if item.private else "add_comments", item.workspace)
    if not (may or by.login.casefold() in item.people or _is_assignee(by, item)):
        raise Refused(f"{by.login} may not comment on items of {item.workspace}")


def _is_assignee(by: Account, item: ItemFacts) -> bool:
    assigned = str(dict(item.fields).get("assigned_to") or "")
    groups = {f"{GROUP}{name}" for name in by.groups}
    return assigned == by.login or assigned in groups


def known(engine: Engine, who: str) -> str:
    """Give the login of somebody. Raises NotFound."""
    account = engine.store.directory.person(who)
    if account is None:
        raise NotFound(f'there is no user "{who}"')
    return account.login


def status_change(engine: Engine, item: ItemFacts, how: How, wanted: str, *, ends: bool | None = None) -> SetField:
    """The change of status: to the one that is named, else to the first there is that `ends` the work, or does not.

    Where nobody says whether it is to end it, any that is named will do. Raises Refused, Unclear.
    """
    may_edit(engine, how.by, item)
    catalog = catalog_of(engine, item.id)
    closing = {each.name: each.closed for each in catalog.statuses}
    name = wanted or next((name for name, closed in closing.items() if closed == (ends is not False)), "")
    if not name:
        raise Refused(
            f"workspace {item.workspace} has no status that {'is open' if ends is False else 'ends the work'}"
        )
    status = str(judged("status", name, catalog, engine.looking()))
    if ends is not None and closing.get(status, False) != ends:
        raise Unclear(f'status: "{status}" {"does not end" if ends else "ends"} the work')
    return SetField(item.id, "status", status)


def judged(field: str, text: str, catalog: Catalog, look: Lookups) -> Value:
    """Judge a value as a keyword of a mail would be, a title as the subject of one. Raises Unclear."""
    if field == "title":
        text = shortened(one_line(text))
    if not text and field in NEEDED:
        raise Unclear(f"{field}: an item needs one")
    if not text:
        return "" if field in ("assigned_to", "category", "version") else None
    answer = judge(field, text, catalog, look)
    if answer.problem:
        raise Unclear(f"{field}: {answer.problem}")
    return answer.value
