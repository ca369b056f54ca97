"""Text that every sink takes: no half of a surrogate pair, which UTF-8, and so every database and JSON, refuses.

Here: `whole`, and `as_json`, by which data becomes JSON whatever text is in it. Not here: reading mail, which leaves no
such half behind (`mail/headers.py`); what is safe on a terminal (`plain_text.py`).
Invariant: neither raises because of a text; text that is whole costs nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def whole(value: Any) -> Any:
    """Put a question mark for every half of a surrogate pair, in a text or in all texts of plain data."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {whole(key): whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        found = map(whole, value)
        return list(found) if isinstance(value, list) else tuple(found)
    return value


def as_json(value: Any) -> bytes:
    """Write data as JSON; a text that no JSON can hold is made whole first."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(whole(msgspec.to_builtins(value)))
