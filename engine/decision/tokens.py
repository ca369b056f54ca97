"""Signed tokens: what makes a reply find its item, and nobody else's mail.

Here: the token of reply addresses (`help+i4711.k3…@example.com`, of one person `help+i4711-7.q2…@example.com`, for an
internal note `n4711-7.…`), of the address that ends notices (`u812.…`), and the Message-IDs of outgoing mail.
Not here: where a token is looked for, and what a valid one allows.
Invariant: lower case only, because servers may fold a local part; a forged token costs 2**80 tries and is compared in
constant time. `i` stands for an item, `t` for a topic, `u` for a row of the outbox; a Message-ID of ours that belongs
to neither has number 0.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.config import Config

_MAC_CHARS = 16
_TOKEN = re.compile(r"(?:^|[+\-=_])([itn])([0-9]{1,15})(?:-([0-9]{1,15}))?\.([a-z2-7]{16})(?:@|$)")
_MESSAGE_ID = re.compile(r"<?([a-z2-7]{16})\.([it])([0-9]{1,15})\.([a-z2-7]{16})@[^\s<>@]{1,255}>?")
_LEAVING = re.compile(r"(?:^|[+\-=_])(u([0-9]{1,15}))\.([a-z2-7]{16})")
_LONGEST = 400

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
_SHIFTS = range(70, -1, -10)
"""Base 32 (RFC 4648, 6) in small letters, two at a time."""


class Token(Struct, frozen=True):
    """What a token says: the number of an item or topic, and whose token it is (0: everybody's).

    `private`: what is written to it is an internal note.
    """

    number: int
    topic: bool = False
    account: int = 0
    private: bool = False


def sign(item: int, secret: bytes, kind: str = "i", account: int = 0) -> str:
    """Make the token of an item or topic: `i4711.k3…`; with an account that of one person, `i4711-7.q2…`."""
    name = f"{kind}{item}-{account}" if account else f"{kind}{item}"
    return f"{name}.{_mac(secret, f'reply:{name}')}"


def read(text: str, secret: bytes) -> Token | None:
    """Read the token in a plus tag, a local part or an address; None if there is none or it is forged."""
    found = _TOKEN.search(text[:_LONGEST].lower())
    if found is None or (found[1] == "n" and not found[3]):
        return None
    kind, number, account = found[1], int(found[2]), int(found[3] or 0)
    name = f"{kind}{number}-{account}" if account else f"{kind}{number}"
    if not hmac.compare_digest(_mac(secret, f"reply:{name}"), found[4]):
        return None
    return Token(number, kind == "t", account, kind == "n")


def leaves(tags: Iterable[tuple[str, str]], secret: bytes) -> int:
    """Find the row of the outbox whose recipient wants no more of its kind, by our token in these tags; 0 for none."""
    for tag, _ in tags:
        found = _LEAVING.fullmatch(tag[:_LONGEST].lower())
        if found and secret and hmac.compare_digest(_mac(secret, f"reply:{found[1]}"), found[3]):
            return int(found[2])
    return 0


def message_id(outbox_key: str, item: int, secret: bytes, domain: str, kind: str = "i") -> str:
    """Make the Message-ID of an outgoing mail: the same for the same key, so that a mail sent twice is known as one."""
    key = _mac(secret, f"outbox:{outbox_key}")
    return f"<{key}.{kind}{item}.{_mac(secret, f'message:{key}.{kind}{item}')}@{domain}>"


def read_message_id(text: str, secret: bytes, kind: str = "i") -> int | None:
    """Read the number of the item (0 for none) out of a Message-ID of ours; None if it is not ours or of that kind."""
    found = _MESSAGE_ID.fullmatch(text.strip()[:_LONGEST].lower())
    if found is None or found[2] != kind:
        return None
    expected = _mac(secret, f"message:{found[1]}.{found[2]}{int(found[3])}")
    return int(found[3]) if hmac.compare_digest(expected, found[4]) else None


def ours(text: str, secret: bytes) -> bool:
    """Tell whether a Message-ID is one that we made."""
    return any(read_message_id(text, secret, kind) is not None for kind in "it")


def _mac(secret: bytes, text: str) -> str:
    number = int.from_bytes(hmac.digest(secret, text.encode(), sha256)[: _MAC_CHARS * 5 // 8])
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def root_id(item: int, secret: bytes, domain: str, kind: str = "i") -> str:
    """Make the Message-ID that every mail about an item refers to, so that mail programs keep them together."""
    return message_id(f"root:{kind}{item}", item, secret, domain, kind)


def domain(config: Config) -> str:
    """The domain of our Message-IDs."""
    own = config.smtp.from_ if config.smtp is not None else ""
    address = str(own.rpartition("<")[2].rstrip("> ") or next(iter(config.own_addresses), ""))
    return address.rpartition("@")[2].lower() or "localhost"
