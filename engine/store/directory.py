"""Changing people and places: accounts, groups, roles, workspaces, members, fields.

Here: one `put_…` for each kind of row, which adds it or changes what was given. Not here: reading files (`load.py`).
Invariant: putting the same thing twice changes nothing; what was not given stays as it is. Every `put_…` tells
whether it `added`, `changed` or found the `same`.
"""
# ruff: noqa: S608 - only our own names of tables and columns are put into the statements

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from engine.model.desk import AccountStatus, CustomField, Status, WorkspaceStatus
from engine.store.accounts import Accounts, Lists, _squeezed
from engine.store.database import us
from engine.store.errors import Conflict, NotFound, Refused

STATUSES = tuple(AccountStatus)
WORKSPACE_STATUSES = tuple(WorkspaceStatus)
LISTS = ("modules", "types", "statuses", "priorities", "categories", "versions")


class Directory(Accounts):
    """Writes the tables that change seldom."""

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def put_account(
        self, login: str, *, emails: Iterable[str] | None = None, groups: Iterable[str] | None = None, **columns: Any
    ) -> str:
        """Add or change an account; `columns` are name, status, language, admin. Groups are added to, never left.

        Raises Refused for an address of somebody else, NotFound for a group that does not exist.
        """
        if "name" in columns:
            columns["name_key"] = _squeezed(columns["name"])
        with self.database.joining():
            row = self.database.one("SELECT id FROM account WHERE login = ?", login)
            if row is None:
                columns = {"name": login, "name_key": _squeezed(login), **columns, "created_at": us(self.clock())}
            said = self._put("account", {"login": login}, columns)
            number = int(self.database.one("SELECT id FROM account WHERE login = ?", login)[0])
            changed = emails is not None and self._put_emails(number, list(emails))
            for name in groups or ():
                changed |= self._join(number, name)
        return "changed" if said == "same" and changed else said

    def _put_emails(self, account: int, addresses: list[str]) -> bool:
        wanted = {address.casefold(): address for address in addresses}
        before = self.database.rows("SELECT key, address FROM email WHERE account_id = ? ORDER BY position", account)
        if before == list(wanted.items()):
            return False
        for key, address in wanted.items():
            taken = self.database.one(
                "SELECT login FROM email JOIN account ON account.id = account_id "
                "WHERE email.key = ? AND account_id <> ?",
                key, account,
            )  # fmt: skip
            if taken:
                raise Refused(f"the address {address} belongs to user {taken[0]}", address)
        self.database.run("DELETE FROM email WHERE account_id = ?", account)
        for position, (key, address) in enumerate(wanted.items()):
            self.database.run(
                "INSERT INTO email (key, address, account_id, position) VALUES (?, ?, ?, ?)",
                key,
                address,
                account,
                position,
            )
        self._touch("accounts")
        return True

    def _join(self, account: int, group: str) -> bool:
        row = self.database.one("SELECT id FROM account_group WHERE key = ?", group.strip().casefold())
        if row is None:
            raise NotFound(f'there is no group "{group}"', group)
        self._touch("accounts")
        return bool(
            self.database.run(
                "INSERT INTO membership (account_id, group_id) VALUES (?, ?) "
                "ON CONFLICT (account_id, group_id) DO NOTHING",
                account, row[0],
            ).rowcount
        )  # fmt: skip

    def put_group(self, name: str, members: Iterable[str] = ()) -> str:
        """Add a group, and members to it by login. Raises NotFound for a login that does not exist."""
        with self.database.joining():
            said = self._put("account_group", {"key": name.strip().casefold()}, {"name": name.strip()})
            changed = False
            for login in members:
                changed |= self._join(self._number("account", "login", login, "user"), name)
        return "changed" if said == "same" and changed else said

    def put_role(self, name: str, permissions: Iterable[str]) -> str:
        """Add or change a role."""
        with self.database.joining():
            columns = {"name": name, "permissions": _json(tuple(permissions))}
            return self._put("role", {"key": name.casefold()}, columns)

    # ── places ────────────────────────────────────────────────────────────────────────────────────────────────

    def put_workspace(self, identifier: str, *, lists: Mapping[str, Any] | None = None, **columns: Any) -> str:
        """Add or change a workspace; `lists` are those of `Catalog`, `columns` name, public, status, parent.

        A status is a name, or an object with `name` and `closed`.
        """
        with self.database.joining():
            row = self.database.one("SELECT lists FROM workspace WHERE identifier = ?", identifier)
            offered = msgspec.json.decode(row[0]) if row else {}
            for name, values in (lists or {}).items():
                offered[name] = [_status(each) if name == "statuses" else each for each in values]
            columns["lists"] = _json(msgspec.convert(offered, Lists))
            if row is None:
                columns = {"name": identifier, **columns}
            return self._put("workspace", {"identifier": identifier}, columns)

    def put_member(self, workspace: str, role: str, *, user: str = "", group: str = "") -> str:
        """Give a user or a group a role in a workspace. Raises NotFound."""
        with self.database.joining():
            place = self._number("workspace", "identifier", workspace, "workspace")
            part = self._number("role", "key", role.casefold(), "role")
            who = self._number("account", "login", user, "user") if user else None
            party = self._number("account_group", "key", group.casefold(), "group") if group else None
            found = self.database.one(
                "SELECT id FROM member WHERE workspace_id = ? AND role_id = ? AND coalesce(account_id, 0) = ? "
                "AND coalesce(group_id, 0) = ?",
                place, part, who or 0, party or 0,
            )  # fmt: skip
            if found:
                return "same"
            self.database.run(
                "INSERT INTO member (workspace_id, account_id, group_id, role_id) VALUES (?, ?, ?, ?)",
                place, who, party, part,
            )  # fmt: skip
            self._touch("accounts")
            return "added"

    def put_field(self, field: CustomField) -> str:
        """Add or change a custom field, by name."""
        with self.database.joining():
            columns = {"name": field.name, "kind": field.kind, "definition": _json(field), "defined": 1}
            return self._put("field", {"key": field.name.casefold()}, columns)

    # ── taking away ───────────────────────────────────────────────────────────────────────────────────────────

    def remove_account(self, login: str) -> None:
        """Take an account away. Raises NotFound, or Refused if items, comments or topics are by it."""
        with self.database.joining():
            number = self._number("account", "login", login, "user")
            for table in ("email", "membership", "member", "item_person"):
                self.database.run(f"DELETE FROM {table} WHERE account_id = ?", number)
            self._delete("account", number, f"user {login} has written items or comments: lock it instead")

    def remove_group(self, name: str) -> None:
        """Take a group away, with its memberships. Raises NotFound."""
        with self.database.joining():
            number = self._number("account_group", "key", name.strip().casefold(), "group")
            for table in ("membership", "member"):
                self.database.run(f"DELETE FROM {table} WHERE group_id = ?", number)
            self._delete("account_group", number, f"group {name} is in use")

    def remove_workspace(self, identifier: str) -> None:
        """Take an empty workspace away. Raises NotFound, or Refused if there are items or topics in it."""
        with self.database.joining():
            number = self._number("workspace", "identifier", identifier, "workspace")
            self.database.run("DELETE FROM member WHERE workspace_id = ?", number)
            self._delete("workspace", number, f"workspace {identifier} holds items: lock it instead")

    def _delete(self, table: str, number: int, because: str) -> None:
        self._touch("accounts")
        try:
            self.database.run(f"DELETE FROM {table} WHERE id = ?", number)
        except Conflict:
            raise Refused(because) from None

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _number(self, table: str, column: str, value: str, word: str) -> int:
        row = self.database.one(f"SELECT id FROM {table} WHERE {column} = ?", value)
        if row is None:
            raise NotFound(f'there is no {word} "{value}"', value)
        return int(row[0])

    def _put(self, table: str, key: Mapping[str, Any], columns: Mapping[str, Any]) -> str:
        """Add a row, or change those of its columns that differ."""
        ((name, value),) = key.items()
        wanted = list(columns)
        row = self.database.one(f"SELECT {', '.join(wanted) or '1'} FROM {table} WHERE {name} = ?", value)
        if row is None:
            names = [name, *wanted]
            marks = ", ".join("?" * len(names))
            self.database.run(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
                value,
                *columns.values(),
            )
            self._touch("accounts")
            return "added"
        changes = {
            column: columns[column] for column, before in zip(wanted, row, strict=False) if before != columns[column]
        }
        if not changes:
            return "same"
        assignments = ", ".join(f"{column} = ?" for column in changes)
        self.database.run(f"UPDATE {table} SET {assignments} WHERE {name} = ?", *changes.values(), value)
        self._touch("accounts")
        return "changed"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _status(value: Any) -> dict[str, Any]:
    status = msgspec.convert(value, Status) if isinstance(value, Mapping) else Status(str(value), _ends(str(value)))
    return {"name": status.name, "closed": status.closed}


def _ends(name: str) -> bool:
    """A status given by its name alone ends the work if it is called so."""
    return name.casefold() in ("closed", "done", "resolved", "rejected", "cancelled", "geschlossen", "erledigt")
