"""Who is let in: the rows that a store keeps of passwords, sessions and tokens.

Here: frozen data and nothing else. Not here: how long somebody waits (`throttle.py`), keeping them (`store/access.py`),
what is asked of a password (`desk/passwords.py`).
Invariant: none of them holds a password, a cookie or the secret of a token, only what proves one.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Credential(Struct, frozen=True):
    """What proves the password of an account, since when, and by whom it was set."""

    hash: str
    set_at: datetime
    set_by: str

    def __repr__(self) -> str:
        """Tell whose it is from, never what proves it."""
        return f"Credential(set_at={self.set_at!r}, set_by={self.set_by!r})"


class Try(Struct, frozen=True):
    """A log-in that somebody may try now, by the number under which it is counted; or how long they wait first."""

    number: int = 0
    wait_s: int = 0


class Arrival(Struct, frozen=True):
    """Somebody whose password was right: the account, `credential` as it was proved, and where they come from.

    `who` is what their tries are counted by.
    """

    account: int
    credential: str
    csrf: str
    who: str = ""
    network: str = ""
    ip: str = ""
    agent: str = ""

    def __repr__(self) -> str:
        """Tell who and where from, never a secret."""
        return f"Arrival(account={self.account}, ip={self.ip!r})"


class Session(Struct, frozen=True):
    """Somebody who is in: since when, seen last, and when they last proved that it is them.

    `ref` names it to people and lets nobody in.
    """

    ref: str
    account: int
    csrf: str
    made_at: datetime
    seen_at: datetime
    sudo_at: datetime | None = None
    ip: str = ""
    agent: str = ""

    def __repr__(self) -> str:
        """Tell which one, never its secret."""
        return f"Session({self.ref!r}, account={self.account})"


class Token(Struct, frozen=True):
    """What lets a program in, read only, until it ends; `ref` names it to people and lets nobody in."""

    ref: str
    account: int
    name: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
