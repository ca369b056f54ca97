"""Those who write, for people: `engine.ports.Senders` tells what each method does.

Here: counters of addresses, with the account behind each and how it takes our mail. Not here: counting
(`tallying.py`), their mails (`mails.py`). Invariant: addresses are found by their keys; a text is looked for among
senders, never among mails.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from engine.model.addresses import base_key, key_of
from engine.model.senders import NewDomain, SenderRow
from engine.store import tables
from engine.store.database import moment, time, us

if TYPE_CHECKING:
    from datetime import datetime

    from engine.store.database import Database

AT_ONCE = 500

MOST_NEW = 20_000
"""Addresses, those that wrote first last, among which is looked for new domains."""


class Senders:
    """Lists who writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, text: str, limit: int, separators: str = "") -> list[SenderRow]:
        row, key = tables.Sender, key_of(text.strip().removeprefix("@"))
        found = self._database.all(_counted().where(row.domain == key).order_by(*_most()).limit(limit))
        if not found:
            found = self._database.all(_counted().where(_holds(text)).order_by(*_most()).limit(limit))
        return self._whole(found, separators)

    def after(self, address: str, text: str, limit: int, separators: str = "") -> list[SenderRow]:
        row, key = tables.Sender, key_of(text.strip().removeprefix("@"))
        wanted = _counted().where(row.address > address)
        if text.strip():
            of_domain = row.domain == key
            is_domain = self._database.all(row.select(row.address).where(of_domain).limit(1))
            wanted = wanted.where(of_domain if is_domain else _holds(text))
        return self._whole(self._database.all(wanted.order_by(row.address).limit(limit)), separators)

    def new_domains(self, since: datetime, limit: int) -> list[NewDomain]:
        row, older, fn = tables.Sender, tables.Sender.alias(), tables.fn
        first = row.select(row.domain, row.first_at, row.mails, row.made, row.held, row.refused)
        new = first.where(row.first_at >= us(since), row.domain != "").order_by(row.first_at.desc()).limit(MOST_NEW)
        its = new.alias("new").c
        before = older.select(older.address).where(older.domain == its.domain, older.first_at < us(since))
        mails, sums = _sum(its.mails), [_sum(each) for each in (its.made, its.held, its.refused)]
        found = self._database.all(
            row.select(its.domain, fn.MIN(its.first_at), fn.COUNT(its.first_at), mails, *sums).from_(new.alias("new"))
            .where(~fn.EXISTS(before)).group_by(its.domain).order_by(mails.desc(), its.domain).limit(limit)
        )  # fmt: skip
        return [NewDomain(domain, time(first), *counts) for domain, first, *counts in found]

    def named(self, addresses: Collection[str], separators: str = "") -> list[SenderRow]:
        wanted = list(dict.fromkeys(addresses))
        counted: dict[str, tuple[Any, ...]] = {}
        for start in range(0, len(wanted), AT_ONCE):
            here = _counted().where(tables.Sender.address.in_(wanted[start : start + AT_ONCE]))
            counted |= {row[0]: row for row in self._database.all(here)}
        nothing = ("", None, None, 0, 0, 0, 0, 0, 0)
        return self._whole([counted.get(each, (each, *nothing)) for each in wanted], separators)

    def _whole(self, rows: Sequence[tuple[Any, ...]], separators: str) -> list[SenderRow]:
        """With the accounts that have the addresses, and how these take our mail."""
        addresses = [row[0] for row in rows]
        base = {each: base_key(each, separators) for each in addresses}
        logins, states = self._logins({*addresses, *base.values()}), self._states(set(base.values()))
        found = []
        for address, name, first, last, mails, made, held, refused, passed, failed in rows:
            login = logins.get(address) or logins.get(base[address], "")
            failures, since = states.get(base[address], (0, 0))
            counts = (mails, made, held, refused, passed, failed)
            found.append(SenderRow(address, name, moment(first), moment(last), *counts, login, failures, moment(since)))
        return found

    def _logins(self, keys: set[str]) -> dict[str, str]:
        email, account = tables.Email, tables.Account
        query = email.select(email.key, account.login).join(account)
        return {
            key: login for part in _parts(keys) for key, login in self._database.all(query.where(email.key.in_(part)))
        }

    def _states(self, keys: set[str]) -> dict[str, tuple[int, int]]:
        state, found = tables.AddressState, dict[str, tuple[int, int]]()
        query = state.select(state.address_key, state.failures, state.suspended_at)
        for part in _parts(keys):
            here = self._database.all(query.where(state.address_key.in_(part)))
            found |= {key: (failures, since) for key, failures, since in here}
        return found


def _parts(keys: set[str]) -> list[list[str]]:
    wanted = sorted(keys)
    return [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]


def _counted() -> Any:
    row = tables.Sender
    return row.select(row.address, row.name, row.first_at, row.last_at, row.mails, row.made, row.held, row.refused,
                      row.passed, row.failed)  # fmt: skip


def _holds(text: str) -> Any:
    row = tables.Sender
    return row.address.contains(key_of(text.strip().removeprefix("@"))) | row.name.contains(text.strip())


def _sum(column: Any) -> Any:
    return tables.fn.SUM(column).cast("BIGINT")


def _most() -> tuple[Any, ...]:
    return tables.Sender.mails.desc(), tables.Sender.address
