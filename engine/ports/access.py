"""Who is let in: passwords, tries, sessions and tokens of accounts.

Here: `Access`. Not here: who the accounts are (`desk.py`), proving a password (`desk/passwords.py`).
Invariant: a `key` is the digest of a secret that only its owner has; no secret comes here. What changes what lets an
account in is written down as an event, with who did it and by which way (`by`, `via`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from engine.model.access import Arrival, Credential, Session, Token, Try


class Access(Protocol):
    """What lets people and programs in. All of it goes with its account; sessions and tokens when it is locked."""

    # ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────

    def credential(self, account: int) -> Credential | None:
        """Give what proves the password of an account, None where it has none."""

    def put_credential(self, account: int, hashed: str, by: str, via: str = "command", keep: str = "") -> int | None:
        """Set what proves the password, and end all sessions of the account but the one with the key `keep`.

        Gives how many ended; None, and nothing is done, where that one ended meanwhile.
        """

    def prove_anew(self, account: int, before: str, hashed: str) -> bool:
        """Let the same password be proved by other means, if it still is proved by those from `before`."""

    def remove_credential(self, account: int, by: str, via: str = "command") -> bool:
        """Take the password away, and end all sessions; tells whether there was one."""

    # ── tries ─────────────────────────────────────────────────────────────────────────────────────────────────

    def count_try(self, who: str, account: int, network: str) -> Try:
        """Count a try before it is made, or tell how long to wait first (`model/throttle.py`); then nothing is counted.

        `who` is what was typed, be it anybody or not; `account` is 0 for nobody. Of tries at the same time no more are
        let through than one after the other. Where the account signed in from this network, only its own tries there
        count. Old tries are forgotten, and there is a limit to all.
        """

    def count_log_in(self, where: str) -> Try:
        """Count a log-in of ours that a person asks for, or tell how long to wait first; then nothing is counted.

        `where` names what is logged in to. Of people who ask at the same time no more are let through than one after
        the other.
        """

    def take_back(self, number: int) -> None:
        """A try was none, or was right: it counts no more."""

    # ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────

    def begin_session(self, key: str, arrival: Arrival, most_s: float) -> bool:
        """Let somebody in whose password was right; gives False where it is another one now, or the account locked.

        Their network is known from now on, and what they mistyped there is forgotten. Sessions that were begun longer
        ago than `most_s` go, whoever's; and the one of this account that was seen longest ago, where there are many.
        """

    def session(self, key: str) -> Session | None:
        """Give the session with this key, however old."""

    def sessions(self, account: int) -> list[Session]:
        """List the sessions of an account, the one that was seen last first."""

    def seen(self, key: str) -> None:
        """Note that somebody was seen now."""

    def confirmed(self, key: str, number: int) -> bool:
        """Note that somebody proved now, by the try with this number, that it is them; False if the session is gone."""

    def end_session(self, account: int, ref: str, by: str, via: str = "console") -> bool:
        """End a session of an account; tells whether there was one."""

    # ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────

    def put_token(self, key: str, account: int, name: str, expires_at: datetime, by: str, via: str = "console") -> str:
        """Let a program in for an account; gives what names the token to people. Those that are over go."""

    def token(self, key: str) -> Token | None:
        """Give the token with this key, be it over or not."""

    def tokens(self, account: int) -> list[Token]:
        """List the tokens of an account, the oldest first."""

    def used(self, key: str) -> None:
        """Note that a token was used now."""

    def end_token(self, account: int, ref: str, by: str, via: str = "console") -> bool:
        """End a token of an account; tells whether there was one."""
