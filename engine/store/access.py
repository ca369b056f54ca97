"""Who is let in: `engine.ports.Access` tells what each method does.

Here: passwords as what proves them, tries and how long somebody waits, sessions, tokens, and the events that tell of
them. Not here: what a password must be and proving one (`desk/passwords.py`), how long waits are
(`model/throttle.py`).
Invariant: nothing else of the store hangs on these tables, so their transactions are noted and nobody forgets anything
for them. What changes what lets an account in is done by one at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.model import throttle
from engine.model.access import Arrival, Credential, Session, Token, Try
from engine.model.desk import AccountStatus
from engine.model.throttle import COUNTED, KNOWN, MANY, REMEMBERED, SPAN
from engine.store import hot, tables
from engine.store.database import Database, moment, time, us
from engine.store.keys import numbers

MOST_SESSIONS = 50
"""Sessions of an account; beyond that the one that was seen longest ago ends."""

MOST_FAILURES = 100_000
"""Tries that are remembered; beyond that the oldest are forgotten, however many addresses they come from."""

OURS = "log in to "
"""How a try is named that is a log-in of ours; those of people are named by digests."""

REF = 12
"""As much of a hash names a session or a token to people."""


class Access:
    """Keeps what lets people and programs in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────

    def credential(self, account: int) -> Credential | None:
        row = tables.Credential
        found = self._database.first(row.select(row.hash, row.set_at, row.set_by).where(row.account == account))
        return Credential(found[0], time(found[1]), found[2]) if found else None

    def put_credential(self, account: int, hashed: str, by: str, via: str = "command", keep: str = "") -> int | None:
        row = tables.Credential
        with self._database.joining(noted=True):
            self._alone(account)
            if keep and keep not in self._keys(account):
                return None
            self._database.do(row.delete().where(row.account == account))
            self._database.do(row.insert(account=account, hash=hashed, set_at=self._database.now(), set_by=by))
            self._note("password.set", account, by, via)
            return self._end_others(account, keep)

    def prove_anew(self, account: int, before: str, hashed: str) -> bool:
        row = tables.Credential
        with self._database.joining(noted=True):
            here = row.update(hash=hashed).where(row.account == account, row.hash == before)
            return bool(self._database.do(here))

    def remove_credential(self, account: int, by: str, via: str = "command") -> bool:
        row = tables.Credential
        with self._database.joining(noted=True):
            self._alone(account)
            gone = self._database.do(row.delete().where(row.account == account))
            if gone:
                self._note("password.removed", account, by, via)
                self._end_others(account)
        return bool(gone)

    # ── tries ─────────────────────────────────────────────────────────────────────────────────────────────────

    def count_try(self, who: str, account: int, network: str) -> Try:
        return self._counted(who, account, network, lambda: self._wait(who, account, network))

    def count_log_in(self, where: str) -> Try:
        name = f"{OURS}{where}"
        return self._counted(name, 0, name, lambda: self._wait_outside(name))

    def _counted(self, who: str, account: int, network: str, waits: Callable[[], int]) -> Try:
        row = tables.LoginFailure
        if wait := waits():  # whoever waits keeps nobody from writing
            return Try(wait_s=wait)
        with self._database.unflushed(noted=True):
            if self._database.beside_others:
                self._database.lock(numbers((("try", who), ("tries", network))))
            if wait := waits():
                return Try(wait_s=wait)
            now = self._database.now()
            number = self._database.add(row.insert(who=who, account=account, network=network, at=now))
            old = (row.at <= now - _us(REMEMBERED)) | (row.id <= number - MOST_FAILURES)
            self._database.do(row.delete().where(old))
        return Try(number)

    def take_back(self, number: int) -> None:
        row = tables.LoginFailure
        with self._database.unflushed(noted=True):
            self._database.do(row.delete().where(row.id == number))

    def _wait(self, who: str, account: int, network: str) -> int:
        """How many seconds somebody waits before a password is tried, 0 for none."""
        row, now = tables.LoginFailure, self._database.now()
        known = account and self._is_known(account, network, now)
        mine = (row.who == who, row.network == network) if known else (row.who == who,)
        ends = [throttle.account_until(self._failures(now, REMEMBERED, COUNTED, *mine))]
        if not known:
            ends.append(throttle.address_until(self._failures(now, SPAN, MANY, row.network == network)))
        return _seconds(ends, now)

    def _wait_outside(self, name: str) -> int:
        """How many seconds people wait before we log in somewhere for them, 0 for none."""
        now, mine = self._database.now(), tables.LoginFailure.who == name
        tries = self._failures(now, throttle.AN_HOUR, throttle.LOG_INS, mine)
        return _seconds([throttle.log_in_at(tries)], now)

    def _failures(self, now: int, span: Any, most: int, *conditions: Any) -> list[datetime]:
        """When somebody failed in a time up to now, the newest first."""
        row = tables.LoginFailure
        found = row.select(row.at).where(*conditions, row.at > now - _us(span), row.at <= now)
        return [time(at) for (at,) in self._database.all(found.order_by(row.at.desc()).limit(most))]

    def _is_known(self, account: int, network: str, now: int) -> bool:
        row = tables.KnownNetwork
        here = (row.account == account, row.network == network, row.at > now - _us(KNOWN))
        return self._database.first(row.select(row.at).where(*here)) is not None

    # ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────

    def begin_session(self, key: str, arrival: Arrival, most_s: float) -> bool:
        row, now = tables.Session, self._database.now()
        with self._database.joining(noted=True):
            self._alone(arrival.account)
            if not self._still_right(arrival):
                return False
            self._database.do(row.delete().where(row.made_at < now - round(most_s * 1_000_000)))
            if oldest := self._keys(arrival.account)[MOST_SESSIONS - 1 :]:
                self._database.do(row.delete().where(row.hash.in_(oldest)))
            self._database.do(
                row.insert(
                    hash=key, account=arrival.account, csrf=arrival.csrf, made_at=now, seen_at=now, sudo_at=now,
                    ip=arrival.ip, agent=arrival.agent,
                )
            )  # fmt: skip
            self._came_from(arrival, now)
        return True

    def _still_right(self, arrival: Arrival) -> bool:
        """Tell whether the account is active and its password the one that was proved."""
        row, proved = tables.Account, self.credential(arrival.account)
        here = row.select(row.id).where(row.id == arrival.account, row.status == AccountStatus.ACTIVE)
        return proved is not None and proved.hash == arrival.credential and self._database.first(here) is not None

    def _came_from(self, arrival: Arrival, now: int) -> None:
        """They are known where they come from, and what they mistyped there is forgotten."""
        known, failure = tables.KnownNetwork, tables.LoginFailure
        here = (known.account == arrival.account) & (known.network == arrival.network)
        self._database.do(known.delete().where(here | (known.at <= now - _us(KNOWN))))
        self._database.do(known.insert(account=arrival.account, network=arrival.network, at=now))
        mine = (failure.who == arrival.who, failure.network == arrival.network)
        self._database.do(failure.delete().where(*mine))

    def session(self, key: str) -> Session | None:
        row = tables.Session
        found = self._database.first(_sessions().where(row.hash == key))
        return _session(found) if found else None

    def sessions(self, account: int) -> list[Session]:
        row = tables.Session
        rows = self._database.all(_sessions().where(row.account == account).order_by(row.seen_at.desc(), row.hash))
        return [_session(each) for each in rows]

    def seen(self, key: str) -> None:
        row = tables.Session
        with self._database.unflushed(noted=True):
            self._database.do(row.update(seen_at=self._database.now()).where(row.hash == key))

    def confirmed(self, key: str, number: int) -> bool:
        row = tables.Session
        with self._database.joining(noted=True):
            self.take_back(number)
            return bool(self._database.do(row.update(sudo_at=self._database.now()).where(row.hash == key)))

    def end_session(self, account: int, ref: str, by: str, via: str = "console") -> bool:
        return self._end(tables.Session, "session.ended", account, ref, by, via)

    def _keys(self, account: int) -> list[str]:
        """The sessions of an account, the one that was seen last first."""
        row = tables.Session
        mine = row.select(row.hash).where(row.account == account).order_by(row.seen_at.desc(), row.hash)
        return [key for (key,) in self._database.all(mine)]

    def _end_others(self, account: int, keep: str = "") -> int:
        row = tables.Session
        return self._database.do(row.delete().where(row.account == account, row.hash != keep))

    # ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────

    def put_token(self, key: str, account: int, name: str, expires_at: datetime, by: str, via: str = "console") -> str:
        row, now = tables.Token, self._database.now()
        with self._database.joining(noted=True):
            self._database.do(row.delete().where(row.account == account, row.expires_at <= now))
            made = row.insert(hash=key, account=account, name=name, made_at=now, expires_at=us(expires_at))
            self._database.do(made)
            self._note("token.made", account, by, via, f"{name}, {_ref('t', key)}")
        return _ref("t", key)

    def token(self, key: str) -> Token | None:
        found = self._database.first(_tokens().where(tables.Token.hash == key))
        return _token(found) if found else None

    def tokens(self, account: int) -> list[Token]:
        row = tables.Token
        rows = self._database.all(_tokens().where(row.account == account).order_by(row.made_at, row.hash))
        return [_token(each) for each in rows]

    def used(self, key: str) -> None:
        row = tables.Token
        with self._database.unflushed(noted=True):
            self._database.do(row.update(used_at=self._database.now()).where(row.hash == key))

    def end_token(self, account: int, ref: str, by: str, via: str = "console") -> bool:
        return self._end(tables.Token, "token.ended", account, ref, by, via)

    # ── what all share ────────────────────────────────────────────────────────────────────────────────────────

    def _end(self, table: Any, event: str, account: int, ref: str, by: str, via: str) -> bool:
        """End what is named so, if it is of that account."""
        first = ref.partition("-")[2]
        if len(first) != REF:
            return False
        named = (table.account == account, table.hash >= first, table.hash < f"{first}~")
        with self._database.joining(noted=True):
            gone = self._database.do(table.delete().where(*named))
            if gone:
                self._note(event, account, by, via, ref)
        return bool(gone)

    def _alone(self, account: int) -> None:
        """Until the transaction ends nobody else changes what lets this account in."""
        if self._database.beside_others:
            self._database.lock(numbers((("access", account),)))

    def _note(self, name: str, account: int, by: str, via: str, what: str = "") -> None:
        """Write down for good who did what for whom."""
        row = tables.Account
        (login,) = self._database.first(row.select(row.login).where(row.id == account))
        detail = {"account": account, "said": f"{login}: {what}" if what else login}
        told = msgspec.json.encode(detail).decode()
        now = self._database.now()
        self._database.run(hot.EVENT, now, name, by, via, None, None, 0, "", None, 0, "", told)


def _seconds(ends: Sequence[datetime | None], now: int) -> int:
    """How long it is until the last of these times, 0 where there is none."""
    wait = max((us(end) - now for end in ends if end is not None), default=0)
    return max(math.ceil(wait / 1_000_000), 0)


def _us(span: Any) -> int:
    return int(span.total_seconds() * 1_000_000)


def _ref(letter: str, key: str) -> str:
    return f"{letter}-{key[:REF]}"


def _sessions() -> Any:
    row = tables.Session
    return row.select(row.hash, row.account, row.csrf, row.made_at, row.seen_at, row.sudo_at, row.ip, row.agent)


def _session(row: tuple[Any, ...]) -> Session:
    key, account, csrf, made_at, seen_at, sudo_at, ip, agent = row
    return Session(_ref("s", key), account, csrf, time(made_at), time(seen_at), moment(sudo_at), ip, agent)


def _tokens() -> Any:
    row = tables.Token
    return row.select(row.hash, row.account, row.name, row.made_at, row.expires_at, row.used_at)


def _token(row: tuple[Any, ...]) -> Token:
    key, account, name, made_at, expires_at, used_at = row
    return Token(_ref("t", key), account, name, time(made_at), time(expires_at), moment(used_at))
