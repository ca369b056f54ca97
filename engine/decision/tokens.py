"""Signed tokens: what makes a reply find its item, and nobody else's mail.

Here: the token of reply addresses (`help+i4711.k3…@example.com`) and the Message-IDs of outgoing mail.
Not here: where a token is looked for, and what a valid one allows.
Invariant: lower case only, because servers may fold a local part; a forged token costs 2**80 tries and is compared in
constant time. `i` stands for an item, `t` for a topic; a Message-ID of ours that belongs to neither has number 0.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

_MAC_CHARS = 16
_TOKEN = re.compile(r"(?:^|[+\-=_])([it])([0-9]{1,15})\.([a-z2-7]{16})(?:@|$)")
_MESSAGE_ID = re.compile(r"<?([a-z2-7]{16})\.([it])([0-9]{1,15})\.([a-z2-7]{16})@[^\s<>@]{1,255}>?")
_LONGEST = 400


def sign(item: int, secret: bytes, kind: str = "i") -> str:
    """Make the token of an item or topic: `i4711.k3…`."""
    return f"{kind}{item}.{_mac(secret, f'reply:{kind}{item}')}"


def read(text: str, secret: bytes, kind: str = "i") -> int | None:
    """Read the token in a plus tag, a local part or an address; None if there is none or it is forged."""
    found = _TOKEN.search(text[:_LONGEST].lower())
    if found is None or found[1] != kind:
        return None
    expected = _mac(secret, f"reply:{found[1]}{int(found[2])}")
    return int(found[2]) if hmac.compare_digest(expected, found[3]) else None


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
    digest = hmac.digest(secret, text.encode(), sha256)
    return base64.b32encode(digest[: _MAC_CHARS * 5 // 8]).decode().lower()


def message_ids(config: Config) -> Callable[[str, int, int, int, int], str]:
    """Make the function that signs Message-IDs of new outbox rows: (mail, generation, n, item, topic) -> Message-ID."""
    secret, domain = config.instance.secret(), _domain(config)

    def signed(mail: str, generation: int, n: int, item: int, topic: int) -> str:
        return message_id(f"{mail}.{generation}.{n}", topic or item, secret, domain, "t" if topic else "i")

    return signed


def _domain(config: Config) -> str:
    """The domain of our Message-IDs."""
    own = config.smtp.from_ if config.smtp is not None else ""
    address = str(own.rpartition("<")[2].rstrip("> ") or next(iter(config.own_addresses), ""))
    return address.rpartition("@")[2].lower() or "localhost"
