"""The words that a host adds to the rules: are they fit to be said, and what if one breaks?

Here: the check of their names, once for each configuration; fields that say by themselves that they broke. Not here:
the words (`model/extra.py`), what an action does (`stages/route.py`).
Invariant: a word of a host never hides one of ours, a rule file can say every word that passed, and whatever goes wrong
in a field is an `ExtraError` that names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from engine.model.extra import Extra, ExtraError
from rules.parse import parse_condition
from rules.schema import Field, Type
from rules.syntax import Op, SyntaxFault, Test


def checked(extra: Extra, taken: Collection[str]) -> Extra:
    """Give the words back. Raises ValueError for one that is `taken`, is there twice, or could not be said."""
    names: set[str] = set(taken)
    for field in extra.fields:
        if field.name in names:
            raise ValueError(f"there is a rule field called {field.name} already")
        if not _is_word(field.name):
            raise ValueError(f"{field.name!r} is no name of a rule field: write it in lower case, such as crm.tier")
        if field.type is Type.CHOICE and not field.choices:
            raise ValueError(f"the rule field {field.name} is a choice and needs choices")
        names.add(field.name)
    known: set[str] = set()
    for action in extra.actions:
        if action.name in known:
            raise ValueError(f"there is a rule action called {action.name} already")
        if not action.name.strip() or not action.name.isprintable() or set(action.name) & set('"{}'):
            raise ValueError(f"{action.name!r} is no name of a rule action: it stands in quotes in a rule")
        known.add(action.name)
    return extra


def guarded(field: Field) -> Field:
    """Give a field of a host that raises ExtraError where its reader breaks or gives what its type does not say."""

    def read(sight: Any) -> Any:
        try:
            value = field.read(sight)
        except Exception as error:
            said = f"the rule field {field.name} broke: {type(error).__name__}: {error}"
            raise ExtraError(said.removesuffix(": ")) from error
        value = tuple(value) if field.type.listed and isinstance(value, list) else value
        if value is not None and not _fits(value, field.type):
            raise ExtraError(f"the rule field {field.name} holds {field.type.value} and gave {value!r:.60}")
        return value

    return replace(field, read=read)


def _fits(value: Any, type: Type) -> bool:
    """Tell whether conditions can be asked of a value; a type that takes any is not looked at."""
    if type.listed:
        return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
    return isinstance(value, _HELD.get(type, object))


_HELD: Mapping[Type, Any] = {
    **dict.fromkeys((Type.ADDRESS, Type.TEXT, Type.CHOICE), str),
    **dict.fromkeys((Type.NUMBER, Type.SIZE, Type.DURATION), int | float),
    Type.DATE: datetime,
}
"""What a field of a type holds."""


def _is_word(name: str) -> bool:
    """Tell whether the language reads this as the name of a field."""
    try:
        node = parse_condition(f"{name} exists")
    except SyntaxFault:
        return False
    return isinstance(node, Test) and node.op is Op.EXISTS and (node.subject.name, node.subject.key) == (name, None)
