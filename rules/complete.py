"""Which words may follow the beginning of a condition or an action.

Here: from what the grammar accepts to words, fields and values. Not here: shells.
Invariant: every word given leads on to something the grammar reads.
"""

from __future__ import annotations

import re

from rules.diagnose import WORDS
from rules.parse import next_tokens
from rules.schema import DAYS, Schema, Type

_FREE = frozenset({"STRING", "REGEX", "NUMBER", "SIZE", "DURATION", "DATE", "TIME", "PLUS", "$END"})
_SPOKEN = {"_DOES": "does not", "ORDER": "> >= < <= before after", "LPAR": "(", "RPAR": ")", "LSQB": "[", "COMMA": ",",
           "NONE": "none of", "STARTS": "starts with", "ENDS": "ends with", "LIST": 'list "', "HEADERS": 'headers["',
           "ITEM": 'item["', "EQUAL": "=", "RSQB": "]"}  # fmt: skip


def completions(text: str, start: str, schema: Schema) -> tuple[str, ...]:
    """Give the words that may follow `text`; one that is begun is completed. Empty if nothing may."""
    following = next_tokens(text, start)
    if following is None:
        return ()
    unfinished, terminals = following
    words: list[str] = []
    for terminal in terminals:
        if terminal == "FIELD":
            words += _names(text, start, schema)
        elif terminal not in _FREE:
            words += _words(terminal)
    return tuple(dict.fromkeys(word for word in sorted(words) if word.startswith(unfinished) and word != unfinished))


def _words(terminal: str) -> list[str]:
    if terminal in ("ORDER",):
        return _SPOKEN[terminal].split()
    return [_SPOKEN.get(terminal) or WORDS.get(terminal) or terminal.lower().strip("_")]


def _names(text: str, start: str, schema: Schema) -> list[str]:
    """Fields; behind a comparison the values of the field compared; behind `set` the fields of an item."""
    if start == "action":
        return list(schema.settings) if re.search(r"\bset\s+[\w.]*\Z", text) else []
    compared = re.search(
        r"([a-z_][\w.]*)\s+(?:is|are)(?:\s+not)?\s+[\w.]*\Z|([a-z_][\w.]*)\s+(?:not\s+)?in\s*\[[^\]]*\Z", text
    )
    if compared:
        field = schema.field(compared[1] or compared[2])
        if field is not None and field.type is Type.CHOICE:
            return list(field.choices)
        if field is not None and field.type is Type.DAY:
            return list(DAYS)
    return list(schema.fields)
