"""What a script can ever ask of a mail, told from its source.

Here: the names of the fields that a source may read, found by its letters. Not here: parsing, which only the jailed
process does (`compiling.py`), what a field is (`request.py`), which of them are sent (the engine decides that).
Invariant: never too few. An attribute has to be spelled in the source; what takes a name made at run time (`getattr`
and `hasattr`, which have to be spelled, too) may ask for anything. What shows a mail (`str`, an f-string, the log)
shows none of its fields.
"""

from __future__ import annotations

import unicodedata

from hooks.request import MailData

FIELDS = frozenset(MailData.__struct_fields__)
"""All fields of a mail."""

_BY_ANY_NAME = ("getattr", "hasattr")
_SPELLED = {name: name for name in FIELDS} | {"headers": "header"}
"""What stands in a source that reads a field; `mail.header` reads the headers, too."""


def wanted(source: str) -> frozenset[str]:
    """Name the fields that a script may ask for: every spelling counts, wherever it stands.

    Python reads a name in the form NFKC, so `mail.ｂｏｄｙ` is `mail.body`.
    """
    text = source if source.isascii() else unicodedata.normalize("NFKC", source)
    if any(word in text for word in _BY_ANY_NAME):
        return FIELDS
    return frozenset(name for name, spelled in _SPELLED.items() if spelled in text)
