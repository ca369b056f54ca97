"""Words that are stored: closed sets that another release may have made bigger.

Here: how such a set reads a word it does not know. Not here: the sets; each stands beside the nouns that hold it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Stored(StrEnum):
    """A closed set of words. One that another release stored and this one does not know stays that word."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_, word._value_ = value.upper(), value
        return word
