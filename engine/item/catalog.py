"""The table of fields, as it is asked about an item: which field a key names, what a workspace offers for it.

Here: names in other systems, the keys of keyword lines in eighteen languages (F080, F081), choices and defaults.
Not here: the table itself (`model/fields.py`), how keyword lines are read (`keywords.py`), values (`values.py`).
Invariant: everything is worked out from the table that is handed in; a key means one field in its language; keys are
compared folded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.item.words import fold
from engine.model.desk import Catalog
from engine.model.fields import Field, ItemFields

if TYPE_CHECKING:
    from engine.config import Items


def canonical(name: str, common: ItemFields) -> str:
    """The name of a field as `allow_override` and aliases write it: stripped, lower case, blanks as `_` (F070)."""
    plain = fold(name).replace(" ", "_")
    return common.other_names.get(plain, plain)


@lru_cache(maxsize=256)
def keys(
    languages: tuple[str, ...], aliases: tuple[tuple[str, str], ...], customs: tuple[str, ...], common: ItemFields
) -> Mapping[str, str]:
    """Give the folded key -> field table: English, these languages, custom fields by displayed name, then aliases."""
    table: dict[str, str] = {}
    for language in (*reversed(languages), "en"):
        for field in common.set_by("keyword"):
            if label := field.labels.get(language):
                table |= dict.fromkeys(map(fold, label.split("|")), field.name)
    for other, name in common.other_names.items():
        table.setdefault(fold(other), name)
    for name in customs:
        table.setdefault(fold(name), name)
    own = {fold(name): name for name in customs}
    for alias, name in aliases:
        table[fold(alias)] = own.get(fold(name), canonical(name, common))
    return table


def offered(field: Field, catalog: Catalog) -> tuple[str, ...]:
    """What a field may hold in a workspace; nothing where it does not choose from a list."""
    if field.choices == "statuses":
        return tuple([status.name for status in catalog.statuses])
    return getattr(catalog, field.choices) if field.choices else field.values


def fallback(field: Field, catalog: Catalog) -> str:
    """The value of a field that must not be empty, where nothing gives one: never a status that ends the work."""
    if not field.needed:
        return ""
    ends = {status.name for status in catalog.statuses if status.closed} if field.choices == "statuses" else ()
    return next((name for name in offered(field, catalog) if name not in ends), "")


def default(name: str, items: Items) -> Any:
    """The option of [items] for a field that has one."""
    return getattr(items, name)
