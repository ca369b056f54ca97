"""The form in which addresses compare, and the ways in which one address can be written.

Here: case, the spellings of an international domain, tags behind a separator, `Name <address>`. Not here: reading
addresses out of header fields (`mail/addresses.py`), whose one is (`store/directory.py`).
Invariant: two spellings of one address have one key; a base never belongs to another domain than its address.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from rules.domains import ascii_form, other_spelling
from rules.pattern import Pattern

LONGEST_REMEMBERED = 320
"""Characters of an address whose key is remembered (RFC 5321, 4.5.3.1): one mail asks for each some thirty times."""

LONGEST_NAME = 100
"""Characters of a display name that are kept with an item or a comment."""


_PERSONAL = re.compile(r"[itn]\d{1,15}-\d{1,15}\.[a-z2-7]{16}@", re.IGNORECASE)


def holds_personal(text: str) -> bool:
    """Tell whether a text names a reply address that was sent to one person: it repeats a notice to them."""
    return _PERSONAL.search(text) is not None


def key_of(address: str) -> str:
    """Give the form in which addresses compare; a text without an @ is only case-folded."""
    return _remembered_key(address) if len(address) <= LONGEST_REMEMBERED else _key(address)


def _key(address: str) -> str:
    if address.isascii():
        return address.lower().rstrip(".") if "@" in address else address.lower()
    local, at, domain = address.rpartition("@")
    return f"{local.casefold()}@{ascii_form(domain)}" if at else address.casefold()


_remembered_key = lru_cache(maxsize=4096)(_key)


def base_key(key: str, separators: str = "") -> str:
    """Give the key of the person whose address this is: without what stands behind `+` or one of `separators`."""
    if "+" not in key and separators in ("", "+"):
        return key
    local, at, domain = key.rpartition("@")
    for separator in "+" + separators:
        cut = local.find(separator, 1)
        local = local[:cut] if cut > 0 else local
    return f"{local}{at}{domain}"


def is_one_of(key: str, addresses: Collection[str], separators: str = "") -> bool:
    """Tell whether a key is that of one of these addresses (keys too), with or without a tag."""
    return key in addresses or base_key(key, separators) in addresses


def written(name: str, key: str) -> str:
    """Write who wrote something: `Name <address>`, or the address alone where there is no name."""
    plain = " ".join(name.split())
    if not plain.isprintable():
        plain = "".join(filter(str.isprintable, plain))
    plain = plain.replace('"', "").replace("<", "").replace(">", "")
    key = key.replace("<", "").replace(">", "")
    return f"{plain[:LONGEST_NAME].strip()} <{key}>" if plain and key else key


def bare(text: str) -> str:
    """Give the address in what `written` made, or in an address alone."""
    return text.rpartition("<")[2].rstrip(">")


def fits(pattern: Pattern, address: str) -> bool:
    """Tell whether a pattern for addresses matches: in any case, in either spelling of the domain."""
    any_case = pattern.in_any_case()
    if any_case.search(address):
        return True
    other = other_spelling(address)
    return other != address and any_case.search(other) is not None
