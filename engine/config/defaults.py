"""The options of [items] that are defaults of fields: made from the table of fields, not written out.

Here: `with_defaults`. Not here: the fields and their defaults (`model/fields.py`), the other options (`content.py`).
Invariant: the section that comes out tells in `fields` which table its options were made from.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from msgspec import defstruct

from engine.config.kinds import Line
from engine.config.section import Section
from engine.model.fields import COMMON, ItemFields

S = TypeVar("S", bound=Section)


def with_defaults(section: type[S], fields: ItemFields = COMMON) -> type[S]:
    """Give a section an option for every field that has a default, in the place where it declares `fields`."""
    made = {each.name: bool if isinstance(each.default, bool) else Line for each in fields.with_default}
    plain, before = section(), {each.name for each in COMMON.with_default}
    annotations: dict[str, Any] = {}
    for name, annotation in section.__annotations__.items():
        if name not in before:
            annotations |= {name: annotation, **(made if name == "fields" else {})}
    defaults = {name: getattr(plain, name) for name in annotations if name in section.__struct_fields__}
    defaults |= {each.name: each.default for each in fields.with_default}
    constants = {name: getattr(section, name) for name in annotations if name not in defaults}
    options = [(name, annotations[name], default) for name, default in defaults.items()]
    type_ = defstruct(
        section.__name__,
        options,
        bases=section.__bases__,
        namespace={**constants, "fields": fields, "__doc__": section.__doc__},
        module=section.__module__,
        frozen=True,
        kw_only=True,
        eq=False,
    )
    type_.__annotations__ = annotations
    return cast("type[S]", type_)
