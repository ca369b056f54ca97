"""People: accounts, groups, roles and what they permit. `engine.ports.Directory` tells what each method does.

Here: questions of decisions about people, lists, one `put_…` for each kind of row. Not here: workspaces. Invariant:
addresses and names compare case-folded, logins exactly; what is asked is remembered until somebody writes.
Over 300 lines: each kind of row with its questions, its list and what puts it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from engine.model.addresses import key_of
from engine.model.answers import AccountMatch, Found
from engine.model.desk import Account, AccountStatus
from engine.store import hot, tables
from engine.store.database import Database
from engine.store.errors import NotFound, Refused
from engine.store.letting_out import let_out, sign_off
from engine.store.memory import Memory
from engine.store.permissions import FOR_EVERYONE, MAY, permitted
from engine.store.rows import number, put, remove
from rules.domains import other_spelling

STATUSES = tuple(AccountStatus)

FIRST = {"status": "active", "language": "", "admin": False}
"""What an account has where nothing is said."""

_ORDER = itemgetter(0, 1, 4)
"""Kind, place, and the key of an address or group."""


class Directory:
    """People, groups, roles and members."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    # ── questions of decisions ────────────────────────────────────────────────────────────────────────────────

    def account(self, address: str, separators: str) -> AccountMatch:
        key = key_of(address)
        return self._memory.remember(("account", key, separators), lambda: self._account_of(key, separators))

    def _account_of(self, key: str, separators: str) -> AccountMatch:
        if found := self._memory.remember(("address", key), lambda: self._addressed(key)):
            return AccountMatch(found, Found.EXACT)
        local, at, domain = key.rpartition("@")
        if not at or not local or not separators or any(char in local for char in separators):
            return AccountMatch()
        pattern = re.compile(f"{re.escape(local)}([{re.escape(separators)}][^@]+)*@{re.escape(domain)}")
        for separator in separators:
            start, end = local + separator, local + chr(ord(separator) + 1)
            for registered, account in self._database.rows(hot.EMAILS_FROM, start, end):
                if pattern.fullmatch(registered):
                    return AccountMatch(self._account("id", account), Found.SUFFIX)
        return AccountMatch()

    def _addressed(self, key: str) -> Account | None:
        """Find an address, also one whose key an earlier release stored with the letters of its domain, not `xn--`."""
        if (found := self._account("email", key)) or (letters := other_spelling(key).casefold()) == key:
            return found
        found = self._account("email", letters)
        return found if found is not None and key in map(key_of, found.emails) else None

    def preference(self, account: int, workspace: str, key: str) -> str:
        wanted = self._wanted()
        return wanted.get((account, workspace, key)) or wanted.get((account, "", key), "")

    def _wanted(self) -> dict[tuple[int, str, str], str]:
        return self._memory.remember(("preferences",), self._all_wanted)

    def _all_wanted(self) -> dict[tuple[int, str, str], str]:
        return {(account, workspace, key): value for account, workspace, key, value in
                self._database.rows(hot.PREFERENCES)}  # fmt: skip

    def login(self, login: str) -> Account | None:
        return self._memory.remember(("login", login), lambda: self._account("login", login))

    def person(self, text: str) -> Account | None:
        text = text.strip()
        if "@" in text and (found := self.account(text, "").account):
            return found
        if found := self.login(text):
            return found
        rows = self._database.rows(hot.NAMED, _squeezed(text))
        return self._account("id", rows[0][0]) if len(rows) == 1 else None

    def account_by_id(self, number: int) -> Account | None:
        return self._memory.remember(("id", number), lambda: self._account("id", number))

    def _account(self, by: str, value: Any) -> Account | None:
        rows = sorted(self._database.rows(hot.ACCOUNT_BY[by], value, value, value), key=_ORDER)
        if not rows:
            return None
        (_, _, number, login, name, status, language, admin), *others = rows
        emails = [address for kind, _, _, address, *_ in others if kind == "email"]
        groups = [group for kind, _, _, group, *_ in others if kind == "group"]
        account = Account(
            number, login, name, tuple(emails), AccountStatus(status), tuple(groups), language, bool(admin)
        )  # fmt: skip
        for key in (("id", number), ("login", login)):  # it is asked for by another name soon
            self._memory.remember(key, lambda: account)
        return account

    def group(self, name: str) -> str:
        return self._memory.remember(("group", name), lambda: self._group(name))

    def _group(self, name: str) -> str:
        return str((self._database.one(hot.GROUP, name.strip().casefold()) or ("",))[0])

    def group_logins(self, name: str) -> tuple[str, ...]:
        return tuple(login for (login,) in self._database.rows(hot.GROUP_LOGINS, name.strip().casefold()))

    def may(self, login: str, permission: str, workspace: str) -> bool:
        key = ("may", login, permission, workspace)
        return self._memory.remember(key, lambda: self._may(login, permission, workspace))

    def _may(self, login: str, permission: str, workspace: str) -> bool:
        account = self.login(login)
        place = self._memory.remember(("place", workspace), lambda: self._database.one(hot.PUBLIC, workspace))
        if account is None or place is None or account.status not in MAY:
            return False
        if account.admin or (place[1] and permission in FOR_EVERYONE):
            return True
        key = ("permitted", account.id, workspace)
        return permission in self._memory.remember(key, lambda: self._permitted(place[0], account.id))

    def _permitted(self, place: int, account: int) -> frozenset[str]:
        rows = self._database.rows(hot.PERMITTED, place, account, account)
        return frozenset([each for (permissions,) in rows for each in msgspec.json.decode(permissions)])

    def permitted(self, login: str) -> Mapping[str, frozenset[str]]:
        return self._memory.remember(("permitted everywhere", login), lambda: self._everywhere(login))

    def _everywhere(self, login: str) -> dict[str, frozenset[str]]:
        account = self.login(login)
        return permitted(self._database, account) if account is not None and account.status in MAY else {}

    # ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────

    def accounts(self) -> list[Account]:
        """Three questions, however many there are."""
        account, email, group = tables.Account, tables.Email, tables.AccountGroup
        addresses = email.select(email.account, email.address).order_by(email.position, email.key)
        member = tables.Membership
        groups = member.select(member.account, group.name).join(group).order_by(group.key)
        emails, within = [defaultdict[int, list[str]](list) for _ in range(2)]
        for found, asked in ((emails, addresses), (within, groups)):
            for whose, name in self._database.all(asked):
                found[whose].append(name)
        columns = account.id, account.login, account.name, account.status, account.language, account.admin
        rows = self._database.all(account.select(*columns).order_by(account.login))
        return [
            Account(
                its, login, name, tuple(emails[its]), AccountStatus(status), tuple(within[its]), language, bool(admin)
            )
            for its, login, name, status, language, admin in rows
        ]

    def admins(self) -> list[Account]:
        account = tables.Account
        query = account.select(account.id).where(account.admin, account.status == AccountStatus.ACTIVE.value)
        rows = self._database.all(query.order_by(account.login))
        return [found for (number,) in rows if (found := self.account_by_id(number))]

    def groups(self) -> list[tuple[str, tuple[str, ...]]]:
        group = tables.AccountGroup
        rows = self._database.all(group.select(group.id, group.name).order_by(group.key))
        return [(name, self._logins_in(number)) for number, name in rows]

    def _logins_in(self, group: int) -> tuple[str, ...]:
        login = tables.Account.login
        query = tables.Account.select(login).join(tables.Membership).where(tables.Membership.group == group)
        return tuple(found for (found,) in self._database.all(query.order_by(login)))

    def roles(self) -> list[tuple[str, tuple[str, ...]]]:
        role = tables.Role
        rows = self._database.all(role.select(role.name, role.permissions).order_by(role.key))
        return [(name, tuple(msgspec.json.decode(permissions))) for name, permissions in rows]

    def members(self, workspace: str) -> list[tuple[str, str, str]]:
        member, account, group, role = tables.Member, tables.Account, tables.AccountGroup, tables.Role
        kind = tables.Case(None, [(member.account.is_null(), "group")], "user")
        who = tables.fn.COALESCE(account.login, group.name)
        query = (
            member.select(kind, who, role.name).join(tables.Workspace).switch(member).join(role).switch(member)
            .join(account, tables.JOIN.LEFT_OUTER).switch(member).join(group, tables.JOIN.LEFT_OUTER)
            .where(tables.Workspace.identifier == workspace).order_by(kind, who, role.name)
        )  # fmt: skip
        return [(kind, name, role) for kind, name, role in self._database.all(query)]

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────

    def put_account(
        self, login: str, *, emails: Iterable[str] | None = None, groups: Iterable[str] | None = None, **columns: Any
    ) -> str:
        if "name" in columns:
            columns["name_key"] = _squeezed(columns["name"])
        with self._database.joining():
            there = self._database.one(hot.LOGIN_ID, login)
            said = put(self._database, self._memory, tables.Account.login, login, columns) if there else "added"
            row = there[0] if there else self._new_account(login, columns)
            sign_off(self._database, row, columns.get("status"))
            changed = emails is not None and self._put_emails(row, list(emails))
            for name in groups or ():
                changed |= self._join(row, name)
        return "changed" if said == "same" and changed else said

    def _new_account(self, login: str, columns: dict[str, Any]) -> int:
        given = {"name": login, "name_key": _squeezed(login), **FIRST, **columns}
        self._memory.touch("accounts")
        return self._database.insert(
            hot.NEW_ACCOUNT, login, given.pop("name"), given.pop("name_key"), *[given[name] for name in FIRST],
            self._database.now(),
        )  # fmt: skip

    def _put_emails(self, account: int, addresses: list[str]) -> bool:
        wanted = {key_of(address): address for address in addresses}
        if self._database.rows(hot.ADDRESSES, account) == list(wanted.items()):
            return False
        for key, address in wanted.items():
            taken = self.account(key, "").account
            if taken is not None and taken.id != account:
                raise Refused(f"the address {address} belongs to user {taken.login}", address)
        self._database.run(hot.NO_ADDRESSES, account)
        for position, (key, address) in enumerate(wanted.items()):
            self._database.run(hot.ADDRESS, key, address, account, position)
        self._memory.touch("accounts")
        return True

    def _join(self, account: int, group: str) -> bool:
        row = self._database.one(hot.GROUP_ID, group.strip().casefold())
        if row is None:
            raise NotFound(f'there is no group "{group}"', group)
        self._memory.touch("accounts")
        return bool(self._database.run(hot.JOIN, account, row[0]).rowcount)

    def put_group(self, name: str, members: Iterable[str] = ()) -> str:
        with self._database.joining():
            key = name.strip().casefold()
            said = put(self._database, self._memory, tables.AccountGroup.key, key, {"name": name.strip()})
            changed = False
            for login in members:
                changed |= self._join(number(self._database, tables.Account.login, login, "user"), name)
        return "changed" if said == "same" and changed else said

    def put_role(self, name: str, permissions: Iterable[str]) -> str:
        columns = {"name": name, "permissions": msgspec.json.encode(tuple(permissions)).decode()}
        with self._database.joining():
            return put(self._database, self._memory, tables.Role.key, name.casefold(), columns)

    def put_member(self, workspace: str, role: str, *, user: str = "", group: str = "") -> str:
        member, database = tables.Member, self._database
        with database.joining():
            place = number(database, tables.Workspace.identifier, workspace, "workspace")
            part = number(database, tables.Role.key, role.casefold(), "role")
            who = number(database, tables.Account.login, user, "user") if user else None
            party = number(database, tables.AccountGroup.key, group.casefold(), "group") if group else None
            found = database.first(
                member.select(member.id).where(
                    member.workspace == place, member.role == part,
                    member.account.is_null() if who is None else member.account == who,
                    member.group.is_null() if party is None else member.group == party,
                )
            )  # fmt: skip
            if found:
                return "same"
            database.do(member.insert(workspace=place, account=who, group=party, role=part))
            self._memory.touch("accounts")
            return "added"

    def preferences(self, login: str) -> dict[tuple[str, str], str]:
        self._memory.versions()
        row = number(self._database, tables.Account.login, login, "user")
        return {(workspace, key): value for (account, workspace, key), value in self._wanted().items()
                if account == row}  # fmt: skip

    def put_preferences(self, login: str, workspace: str, wanted: Mapping[str, str | None]) -> str:
        there = tables.Preference
        with self._database.joining():
            row, changed = number(self._database, tables.Account.login, login, "user"), 0
            before = self.preferences(login)
            for key, value in wanted.items():
                if before.get((workspace, key)) == value:
                    continue
                mine = there.delete().where(there.account == row, there.workspace == workspace, there.key == key)
                changed += self._database.do(mine) + (value is not None)
                if value is not None:
                    self._database.do(there.insert(account=row, workspace=workspace, key=key, value=value))
            self._memory.touch("accounts")
        return "changed" if changed else "same"

    def remove_account(self, login: str) -> None:
        with self._database.joining():
            row = number(self._database, tables.Account.login, login, "user")
            for table in (tables.Email, tables.Membership, tables.Member, tables.ItemPerson, tables.Preference):
                self._database.do(table.delete().where(table.account == row))
            let_out(self._database, row)
            told = tables.Outbox
            self._database.do(told.update(account=None).where(told.account == row))
            self._memory.touch("accounts")
            because = f"user {login} has written items or comments: lock it instead"
            remove(self._database, tables.Account, row, because)

    def remove_group(self, name: str) -> None:
        with self._database.joining():
            row = number(self._database, tables.AccountGroup.key, name.strip().casefold(), "group")
            for table in (tables.Membership, tables.Member):
                self._database.do(table.delete().where(table.group == row))
            self._memory.touch("accounts")
            remove(self._database, tables.AccountGroup, row, f"group {name} is in use")


def _squeezed(name: str) -> str:
    """The form in which names of people compare: case-folded, one blank between words."""
    return " ".join(name.split()).casefold()
