"""Are the words that a host adds to the rules fit to be said?

Here: the check of their names, once for each configuration. Not here: the words (`model/extra.py`), what they do.
Invariant: a word of a host never hides one of ours, and a rule file can say every word that passed.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.model.extra import Extra
from rules.parse import parse_condition
from rules.schema import Type
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


def _is_word(name: str) -> bool:
    """Tell whether the language reads this as the name of a field."""
    try:
        node = parse_condition(f"{name} exists")
    except SyntaxFault:
        return False
    return isinstance(node, Test) and node.op is Op.EXISTS and (node.subject.name, node.subject.key) == (name, None)
