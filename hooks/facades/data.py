"""`json` for scripts: plain values in, plain values out, both bounded."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

from hooks import limits
from hooks.denied import DeniedType, DeniedValue
from hooks.facade import Module
from hooks.text import Eager, kind_of


def _loads(text: Any) -> Any:
    if type(text) not in (str, bytes):
        raise DeniedType(f"json.loads takes text, not {kind_of(text)}")
    if len(text) > limits.TEXT_CHARS:
        raise DeniedValue(f"json.loads takes at most {limits.TEXT_CHARS:,} characters")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _dumps(
    value: Any,
    *,
    indent: int | None = None,
    sort_keys: bool = False,
    ensure_ascii: bool = True,
    separators: tuple[str, str] | None = None,
) -> str:
    if indent is not None and not (type(indent) is int and 0 <= indent <= 16):
        raise DeniedValue("indent is a number up to 16")
    if separators is not None and not (
        type(separators) is tuple and len(separators) == 2 and all(type(s) is str and len(s) < 9 for s in separators)
    ):
        raise DeniedValue("separators are two short texts")
    plain = _Copy().plain(value, 0)
    return json.dumps(
        plain, indent=indent, sort_keys=bool(sort_keys), ensure_ascii=bool(ensure_ascii), separators=separators
    )


class _Copy:
    """Copies a value, part by part, into what JSON has; counts the parts and the characters."""

    __slots__ = ("chars", "parts")

    def __init__(self) -> None:
        self.parts = self.chars = 0

    def plain(self, value: Any, depth: int) -> Any:
        self.parts += 1
        if self.parts > limits.PRINTED_PARTS or depth > limits.PRINTED_DEPTH:
            raise DeniedValue("this value is too big or too deeply nested for JSON")
        kind = type(value)
        if kind is str:
            self.chars += len(value)
            if self.chars > limits.TEXT_CHARS:
                raise DeniedValue(f"this would make a text of more than {limits.TEXT_CHARS:,} characters")
            return value
        if kind in (int, float, bool, type(None)):
            return value
        if kind in (list, tuple, Eager):
            return [self.plain(each, depth + 1) for each in value]
        if kind in (dict, MappingProxyType):
            return {self._key(key): self.plain(each, depth + 1) for key, each in value.items()}
        raise DeniedType(f"a {kind_of(value)} cannot be written as JSON: use str(...) first")

    def _key(self, key: Any) -> Any:
        if type(key) not in (str, int, float, bool, type(None)):
            raise DeniedType(f"a {kind_of(key)} cannot be a key in JSON")
        return self.plain(key, 0)


MODULE = Module("json", {"loads": _loads, "dumps": _dumps, "JSONDecodeError": json.JSONDecodeError})
