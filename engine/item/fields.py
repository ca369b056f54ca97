"""Fields of the item: what rules, keywords, an invitation and the defaults decide, in this order.

Here: who wins, and what a new item holds in the end. Not here: reading keywords, or what a value may be.
Invariant: each field is decided once, by the first who says it; what is not valid is told and leaves room for the next;
defaults are for new items only (F071).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.gates import Findings, described
from engine.item.catalog import canonical, default, fallback
from engine.item.values import custom, judge
from engine.model.addresses import key_of
from engine.model.desk import Catalog, ItemFacts, Value
from engine.model.draft import Decider, Draft, FieldChange, Mark, Who
from engine.model.fields import COMMON, Field, ItemFields

if TYPE_CHECKING:
    from engine.config import Items, People
    from engine.lookups import Lookups

BY = Decider(Who.STAGE, "defaults")

TEXTS = ("title", "description")
"""Names a rule may set that are no fields of the catalog."""


class Fields:
    """The fields of one item while they are decided: the first one wins."""

    def __init__(self, catalog: Catalog, look: Lookups, found: Findings, common: ItemFields = COMMON) -> None:
        self.catalog, self.look, self.found, self.common = catalog, look, found, common
        self.decided: dict[str, FieldChange] = {}

    def add(self, changes: Iterable[FieldChange]) -> None:
        """Take what is not decided yet, as it is."""
        for change in changes:
            before = self.decided.setdefault(change.name, change)
            if before is not change:
                self.found.note("fields.ignored", Mark.INFO, by=described(before.by), field=change.name)

    def judged(self, changes: Iterable[FieldChange]) -> None:
        """Take what is valid, in the catalog's spelling; say what is not."""
        known = self.common.by_name
        for change in changes:
            name = plain if (plain := canonical(change.name, self.common)) in known else change.name
            value = change.value
            if isinstance(value, int | float) and not isinstance(value, bool) and name in known:
                value = f"{value:g}"
            if isinstance(value, str) and name not in TEXTS:
                field = None if name in known else custom(name, self.catalog)
                name = field.name if field is not None else name
                answer = judge(name, value, self.catalog, self.look, self.common)
                if answer.problem:
                    by, problem = described(change.by), answer.problem
                    self.found.note("fields.bad_value", Mark.WARN, field=name, by=by, problem=problem)
                    continue
                value = answer.value
            self.add((FieldChange(name, value, change.by),))

    def text(self, name: str) -> str:
        """The decided value as text, "" where there is none."""
        change = self.decided.get(name)
        return str(change.value) if change is not None and change.value is not None else ""

    def all(self) -> tuple[FieldChange, ...]:
        """What was decided, in the order it was."""
        return tuple(self.decided.values())


def from_rules(draft: Draft) -> tuple[FieldChange, ...]:
    """What rules decided: their fields, and the assignee."""
    if draft.assignee is None:
        return draft.fields
    return (*draft.fields, FieldChange("assigned_to", draft.assignee.value, draft.assignee.by))


def fill(fields: Fields, items: Items) -> str:
    """Give a new item the defaults of [items] and of the catalog (F069); says which mandatory field is missing."""
    catalog = fields.catalog
    for common in fields.common.with_default:
        if common.name not in fields.decided:
            _default(common, default(common.name, items), fields)
    kind, missing = fields.text("type"), []
    for field in catalog.fields:
        fits = not field.types or kind in field.types
        if not fits:
            if fields.decided.pop(field.name, None) is not None:
                fields.found.note("fields.wrong_type", Mark.WARN, field=field.name, type=kind)
        elif field.name not in fields.decided and field.default is not None:
            fields.add((FieldChange(field.name, field.default, BY),))
        if fits and field.required and not fields.text(field.name):
            missing.append(field.name)
    return ", ".join(missing)


def _default(field: Field, wanted: str | bool, fields: Fields) -> None:
    """One default (F077). What must not be empty falls back to the first the workspace offers."""
    name = field.name
    if isinstance(wanted, bool):
        fields.add((FieldChange(name, wanted, BY),) if wanted else ())
        return
    answer = judge(name, wanted, fields.catalog, fields.look, fields.common) if wanted else None
    if answer is not None and not answer.problem:
        fields.add((FieldChange(name, answer.value, BY),))
        return
    first = fallback(field, fields.catalog)
    if answer is not None:
        fields.found.note("fields.bad_default", Mark.WARN, option=name, problem=answer.problem, instead=first)
    if first:
        fields.add((FieldChange(name, first, BY),))


def reopened(item: ItemFacts, items: Items, catalog: Catalog) -> FieldChange | None:
    """The status that opens a closed item again: the default one if it is open, else the first open one."""
    is_open = [status.name for status in catalog.statuses if not status.closed]
    wanted = default("status", items).casefold()
    status = next((name for name in is_open if name.casefold() == wanted), is_open[0] if is_open else "")
    return FieldChange("status", status, BY) if status and status != item.status else None


def replied(item: ItemFacts, items: Items, catalog: Catalog) -> FieldChange | None:
    """The status that follows the present one when somebody outside replies (F078), None where none does."""
    table = {status.casefold(): wanted.casefold() for status, wanted in items.on_reply.items()}
    wanted = table.get(item.status.casefold(), "")
    status = next((each.name for each in catalog.statuses if each.name.casefold() == wanted), "")
    return FieldChange("status", status, BY) if status and status != item.status else None


def organisation(address: str, people: People) -> tuple[FieldChange, ...]:
    """The organisation of a new item's sender, by the domain of the address or the nearest one above it (F075)."""
    domain = key_of(address).rpartition("@")[2]
    table = {key_of(f"@{each}")[1:]: name for each, name in people.organisations.items()}
    while domain:
        if domain in table:
            return (FieldChange("organisation", table[domain], BY),)
        domain = domain.partition(".")[2]
    return ()


def entry(item: ItemFacts, name: str, text: str) -> Value:
    """A field that keeps a log: what stands there, then the new text (`log_field`)."""
    before = next((value for field, value in item.fields if field == name), None)
    return f"{before}\n\n{text}" if isinstance(before, str) and before else text
