"""How a text names a person: by an address with or without a tag, by a name, by a login.

Here: `Named`: finding a person in texts and bytes, and taking them out. Not here: which rows (`forgetting.py`,
`scrubbing.py`). Invariant: an address is found whole: nobody whose address only holds this one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cached_property

from engine.model.addresses import bare, base_key, key_of
from rules.domains import other_spelling

ERASED = "[erased]"
"""What stands where a person was named, or where their words were."""

SHORTEST = 3
"""A part of a name that has fewer letters is looked for in the whole name only."""


class Named:
    """One person: `keys` are their addresses as they compare, without tags; `names` and `login` may be missing."""

    def __init__(self, keys: Collection[str], separators: str, names: Iterable[str] = (), login: str = "") -> None:
        self.keys, self.login = frozenset(keys), login
        self.names = tuple(dict.fromkeys(name for each in names if (name := " ".join(each.split()))))
        self._separators = separators

    def is_theirs(self, text: str) -> bool:
        """Tell whether a text (`Name <address>`, or an address alone) is this person's address, whatever its tag."""
        return base_key(key_of(bare(text)), self._separators) in self.keys

    @cached_property
    def spellings(self) -> tuple[tuple[str, str], ...]:
        """What is in front of the @ and what is behind it, in small letters, in either spelling of the domain."""
        every = dict.fromkeys(each for key in sorted(self.keys) for each in (key, other_spelling(key).casefold()))
        return tuple([(local, domain) for local, _, domain in (each.rpartition("@") for each in every)])

    @cached_property
    def _address(self) -> re.Pattern[str]:
        tag = rf"(?:[{re.escape('+' + self._separators)}][^\s@<>\"',;:]*)?"
        each = "|".join(rf"{re.escape(local)}{tag}@{re.escape(domain)}" for local, domain in self.spellings)
        return re.compile(rf"(?<![\w.+%-])(?:{each})(?![\w-]|\.\w)", re.IGNORECASE)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._address.pattern.encode(), re.IGNORECASE)

    @cached_property
    def _name(self) -> re.Pattern[str] | None:
        """The names of several words in any case, single words as they are written: `Will`, but not `will`."""
        whole = [name for name in self.names if " " in name]
        words = {word for name in self.names for word in name.split() if len(word.strip(".,")) >= SHORTEST}
        each = [f"(?i:{_any_of(whole)})"] if whole else []
        each += [_any_of(words)] if words else []
        return re.compile(rf"(?<!\w)(?:{'|'.join(each)})(?!\w)") if each else None

    def without_addresses(self, text: str) -> str:
        """Take the addresses out of a text."""
        return self._address.sub(ERASED, text)

    def without(self, text: str) -> str:
        """Take addresses and names out of a text, which stands where this person took part."""
        text = self.without_addresses(text)
        return self._name.sub(ERASED, text) if self._name is not None else text

    def are_spoken_of(self, content: bytes) -> bool:
        """Tell whether bytes, of a mail about something they are on, name them in any way: address, name or login."""
        text = content.decode("utf-8", "replace")
        login = rf"(?<![\w.+%-]){re.escape(self.login)}(?![\w-])"
        return self.without(text) != text or bool(self.login and re.search(login, text))

    def stand_in(self, content: bytes | None) -> bool:
        """Tell whether bytes hold one of the addresses as it is written."""
        if not content:
            return False
        small = content.lower()
        there = any(f"@{domain}".encode() in small for _, domain in self.spellings)
        return there and self._in_bytes.search(content) is not None


def _any_of(names: Iterable[str]) -> str:
    """The longest first, or a part of it would be found in its place; blanks may be any."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(r"\s+".join(map(re.escape, name.split())) for name in longest_first)
