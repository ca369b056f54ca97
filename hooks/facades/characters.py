"""`string` and `unicodedata` for scripts."""

from __future__ import annotations

import string
import unicodedata
from typing import Any

from hooks import limits
from hooks.denied import DeniedType, DeniedValue
from hooks.facade import Module
from hooks.text import kind_of


def _normalize(form: Any, text: Any) -> str:
    if type(text) is not str:
        raise DeniedType(f"normalize takes text, not {kind_of(text)}")
    if len(text) > limits.TEXT_CHARS // 4:
        raise DeniedValue(f"normalize takes at most {limits.TEXT_CHARS // 4:,} characters")
    made = unicodedata.normalize(form, text)
    if len(made) > limits.TEXT_CHARS:
        raise DeniedValue(f"this would make a text of more than {limits.TEXT_CHARS:,} characters")
    return made


_CONSTANTS = "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation printable whitespace"
STRING = Module("string", {name: getattr(string, name) for name in _CONSTANTS.split()})
_FUNCTIONS = (
    "category name lookup combining bidirectional east_asian_width mirrored decimal digit numeric decomposition "
    "is_normalized"
)
UNICODEDATA = Module(
    "unicodedata", {name: getattr(unicodedata, name) for name in _FUNCTIONS.split()} | {"normalize": _normalize}
)
