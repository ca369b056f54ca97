"""The options of [items] that are defaults of fields: made from the table of fields, not written out.

Here: `with_defaults`. Not here: the fields and their defaults (`model/fields.py`), the other options (`content.py`).
Invariant: the section that comes out tells in `fields` which table its options were made from.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from engine.config.kinds import Line
from engine.config.section import Section
from engine.model.fields import COMMON, ItemFields

S = TypeVar("S", bound=Section)


def with_defaults(section: type[S], fields: ItemFields = COMMON) -> type[S]:
    """Give a section an option for every field that has a default, in the place where it declares `fields`."""
    made = {field.name: bool if isinstance(field.default, bool) else Line for field in fields.with_default}
    annotations: dict[str, Any] = {}
    for name, annotation in section.__annotations__.items():
        annotations |= {name: annotation, **(made if name == "fields" else {})}
    body = {name: value for name, value in vars(section).items() if name not in ("__dict__", "__weakref__")}
    body |= {field.name: field.default for field in fields.with_default}
    body |= {"__annotations__": annotations, "fields": fields}
    return cast("type[S]", type(section.__name__, section.__bases__, body))
