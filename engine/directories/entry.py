"""An entry of a directory: what stands in it, read with distrust, and what it says of an address.

Here: the protocol of a directory, and values -> `Listed`. Not here: where the values come from (`table.py`, `ldap.py`).
Invariant: whatever stands in a directory, an answer holds no control character, no address that is none, and no more
than the caps below; a value that is not understood is as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from engine.model.addresses import key_of
from engine.model.answers import Listed, Standing

if TYPE_CHECKING:
    from engine.config.directory import Directory

LONGEST_ADDRESS = 254
"""Characters of an address that is looked up (RFC 5321, 4.5.3.1.3)."""

MOST_ADDRESSES, MOST_GROUPS, LONGEST_NAME, LONGEST_LOGIN = 20, 100, 100, 64

_ADDRESS = re.compile(r"""[^\s<>@"(),:;\[\]\\]+@[^\s<>@"(),:;\[\]\\]+""")
_LOGIN = re.compile(r"\w[\w.@+$\\-]*")
_FIRST = re.compile(r"\s*(?:cn|ou|uid)\s*=\s*((?:[^,+\\]|\\.)+)", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_NO = frozenset({"", "0", "no", "n", "false", "never", "active", "enabled"})
_LOCKED_FOR_GOOD = "000001010000Z"
"""What `pwdAccountLockedTime` holds where a person locked it; a time is that of wrong passwords, which anybody can
send."""

AD_DISABLED = 2
"""The bit of `userAccountControl` that says an account is disabled."""


class Away(Exception):
    """A directory could not be asked; the text is a sentence for people."""


class People(Protocol):
    """A directory that can be asked."""

    def find(self, address: str) -> Listed:
        """Tell what it says of an address. Raises: Away."""

    def look(self) -> str:
        """Try it, and say what is there. Raises: Away."""

    def close(self) -> None:
        """Let go of connections."""


Values = Mapping[str, Sequence[str]]
"""The values of an entry by the name of their attribute, in lower case."""


def standing(found: Sequence[Values], own: Directory) -> Listed:
    """Tell what the entries with an address say of it: two of them say nothing."""
    if not found:
        return Listed(directory=own.name)
    if len(found) > 1:
        return Listed(Standing.AMBIGUOUS, own.name)
    if is_disabled(found[0], own.attributes.disabled):
        return Listed(Standing.DISABLED, own.name)
    values, wanted = found[0], own.attributes
    return Listed(
        Standing.KNOWN,
        own.name,
        _login(_first(values, wanted.login)),
        _plain(_first(values, wanted.name)),
        addresses(_all(values, wanted.addresses)),
        _groups(_all(values, wanted.groups), own.groups),
        _language(_first(values, wanted.language)),
    )


def is_disabled(values: Values, names: Iterable[str]) -> bool:
    """Tell whether an entry is out of use, as directories write that."""
    for name in names:
        for value in values.get(name.lower(), ()):
            text = value.strip().casefold()
            if name.lower() == "useraccountcontrol":
                if text.lstrip("-").isdecimal() and len(text) < 12 and int(text) & AD_DISABLED:
                    return True
            elif name.lower() == "pwdaccountlockedtime":
                if value.strip() == _LOCKED_FOR_GOOD:
                    return True
            elif text not in _NO:
                return True
    return False


def addresses(values: Iterable[str]) -> tuple[str, ...]:
    """Give what is one whole mail address, each once; `smtp:` before it goes, other schemes are none."""
    found: dict[str, str] = {}
    for value in values:
        text = value.strip()
        text = text[5:] if text[:5].lower() == "smtp:" else text
        if len(text) <= LONGEST_ADDRESS and text.isprintable() and _ADDRESS.fullmatch(text):
            found.setdefault(key_of(text), text)
    return tuple(found.values())[:MOST_ADDRESSES]


def _first(values: Values, names: Iterable[str]) -> str:
    return next((each for name in names for each in values.get(name.lower(), ()) if each.strip()), "")


def _all(values: Values, names: Iterable[str]) -> list[str]:
    return [each for name in names for each in values.get(name.lower(), ())]


def _plain(text: str) -> str:
    """A name on one line. What a spreadsheet would take for a formula loses the sign that makes it one."""
    plain = "".join(each if each.isprintable() else " " for each in text[: 4 * LONGEST_NAME])
    return " ".join(plain.lstrip("=+-@ ").split())[:LONGEST_NAME]


def _login(text: str) -> str:
    """A login as it may stand here; "" where it cannot: then it is made of the address."""
    login = text.strip()
    return login if len(login) <= LONGEST_LOGIN and _LOGIN.fullmatch(login) else ""


def _groups(names: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """The groups by the names they have here: those that are named if any are, else all by their own."""
    ours = {name.strip().casefold(): own for name, own in known.items()}
    found: dict[str, None] = {}
    for name in names:
        short = _plain(_common(name))
        mine = ours.get(name.strip().casefold()) or ours.get(short.casefold()) or ("" if ours else short)
        if mine:
            found[mine] = None
    return tuple(found)[:MOST_GROUPS]


def _common(name: str) -> str:
    """The first part of a distinguished name (RFC 4514), or the name as it stands."""
    found = _FIRST.match(name) if "=" in name else None
    return _ESCAPED.sub(_unescaped, found[1]) if found else name


def _unescaped(found: re.Match[str]) -> str:
    said = found[1]
    return chr(int(said, 16)) if len(said) == 2 and int(said, 16) < 128 else said if len(said) == 1 else "?"


def _language(text: str) -> str:
    """Two letters of a language, from `de`, `de-AT` or `de;q=0.9, en`."""
    said = text.strip()[:2].lower()
    return said if len(said) == 2 and said.isascii() and said.isalpha() else ""
