"""What is known about people and the places where items live: the questions that decisions ask.

Here: account, login, person, group, may, catalog, as in `Lookups`. Not here: changing any of it (`directory.py`).
Invariant: addresses and names compare case-folded, logins exactly; answers are remembered until somebody writes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.model.desk import Account, AccountStatus, Catalog, CustomField
from engine.model.questions import AccountMatch, Found
from engine.store.part import Part

PERMISSIONS = ("view_items", "add_items", "add_comments", "edit_items", "watch")
"""What a role may permit."""

FOR_EVERYONE = frozenset({"view_items", "add_items", "add_comments", "watch"})
"""What every active account, guests too, may do in a public workspace; membership adds to it."""

_ACCOUNT = "SELECT account.id, login, account.name, account.status, language, admin FROM account "


class Accounts(Part):
    """Answers questions about accounts, groups, permissions and workspaces."""

    def account(self, address: str, separators: str) -> AccountMatch:
        """Find the account of a sender address: exactly first, then by suffix with one of `separators` (F061).

        Mail from `user@x` finds an account registered as `user+tag@x`. An address that has a suffix itself is only
        looked for exactly.
        """
        key = address.casefold()
        return self._remember(("account", key, separators), lambda: self._account_of(key, separators))

    def _account_of(self, key: str, separators: str) -> AccountMatch:
        if found := self._account("JOIN email ON email.account_id = account.id WHERE email.key = ?", key):
            return AccountMatch(found, Found.EXACT)
        local, at, domain = key.rpartition("@")
        if not at or not local or not separators or any(char in local for char in separators):
            return AccountMatch()
        pattern = re.compile(f"{re.escape(local)}([{re.escape(separators)}][^@]+)*@{re.escape(domain)}")
        for separator in separators:
            start, end = local + separator, local + chr(ord(separator) + 1)
            rows = self.database.rows(
                "SELECT key, account_id FROM email WHERE key >= ? AND key < ? ORDER BY account_id", start, end
            )
            for registered, number in rows:
                if pattern.fullmatch(registered):
                    return AccountMatch(self._account("WHERE account.id = ?", number), Found.SUFFIX)
        return AccountMatch()

    def login(self, login: str) -> Account | None:
        """Find an account by its login."""
        return self._remember(("login", login), lambda: self._account("WHERE login = ?", login))

    def person(self, text: str) -> Account | None:
        """Find an account by address, login or name (F087); a name that two people have finds nobody."""
        text = text.strip()
        if "@" in text and (found := self.account(text, "").account):
            return found
        if found := self.login(text):
            return found
        rows = self.database.rows("SELECT id FROM account WHERE name_key = ? LIMIT 2", _squeezed(text))
        return self._account("WHERE account.id = ?", rows[0][0]) if len(rows) == 1 else None

    def account_by_id(self, number: int) -> Account | None:
        """Find an account by its number."""
        return self._remember(("id", number), lambda: self._account("WHERE account.id = ?", number))

    def _account(self, where: str, value: Any) -> Account | None:
        row = self.database.one(_ACCOUNT + where, value)
        if row is None:
            return None
        number, login, name, status, language, admin = row
        emails = self.database.rows("SELECT address FROM email WHERE account_id = ? ORDER BY position, key", number)
        groups = self.database.rows(
            "SELECT name FROM account_group JOIN membership ON group_id = id WHERE account_id = ? ORDER BY key", number
        )
        return Account(
            number, login, name, tuple(each for (each,) in emails), AccountStatus(status),
            tuple(each for (each,) in groups), language, bool(admin),
        )  # fmt: skip

    def group(self, name: str) -> str:
        """Give the group's name as stored, "" if there is none."""
        return self._remember(("group", name), lambda: self._group(name))

    def _group(self, name: str) -> str:
        row = self.database.one("SELECT name FROM account_group WHERE key = ?", name.strip().casefold())
        return str(row[0]) if row else ""

    def may(self, login: str, permission: str, workspace: str) -> bool:
        """Tell whether somebody may do that there: admins everything, members what their roles permit.

        In a public workspace everyone who may log in, and a guest, may what `FOR_EVERYONE` says. Whether the
        workspace is open at all is another question (`catalog`).
        """
        return self._remember(("may", login, permission, workspace), lambda: self._may(login, permission, workspace))

    def _may(self, login: str, permission: str, workspace: str) -> bool:
        account = self.login(login)
        place = self.database.one("SELECT id, public FROM workspace WHERE identifier = ?", workspace)
        if account is None or place is None or account.status not in (AccountStatus.ACTIVE, AccountStatus.GUEST):
            return False
        if account.admin or (place[1] and permission in FOR_EVERYONE):
            return True
        rows = self.database.rows(
            "SELECT permissions FROM member JOIN role ON role.id = member.role_id WHERE workspace_id = ? AND "
            "(member.account_id = ? OR group_id IN (SELECT group_id FROM membership WHERE account_id = ?))",
            place[0], account.id, account.id,
        )  # fmt: skip
        return any(permission in msgspec.json.decode(permissions) for (permissions,) in rows)

    def catalog(self, workspace: str) -> Catalog | None:
        """Give what a workspace offers, None if there is no such workspace."""
        return self._remember(("catalog", workspace), lambda: self._catalog(workspace))

    def _catalog(self, workspace: str) -> Catalog | None:
        row = self.database.one("SELECT name, status, public, lists FROM workspace WHERE identifier = ?", workspace)
        if row is None:
            return None
        name, status, public, lists = row
        fields = tuple(
            msgspec.json.decode(definition, type=CustomField)
            for (definition,) in self.database.rows("SELECT definition FROM field WHERE defined = 1 ORDER BY id")
        )
        offered = msgspec.json.decode(lists, type=Lists)
        given = {part: getattr(offered, part) for part in Lists.__struct_fields__ if getattr(offered, part) is not None}
        return msgspec.convert(
            {**msgspec.to_builtins(given), "workspace": workspace, "name": name, "status": status,
             "public": bool(public), "fields": msgspec.to_builtins(fields)},
            Catalog,
        )  # fmt: skip

    def workspaces(self) -> list[Catalog]:
        """Give every workspace by identifier."""
        rows = self.database.rows("SELECT identifier FROM workspace ORDER BY identifier")
        return [found for (identifier,) in rows if (found := self.catalog(identifier))]

    def accounts(self) -> list[Account]:
        """Give every account by login."""
        rows = self.database.rows("SELECT id FROM account ORDER BY login")
        return [found for (number,) in rows if (found := self.account_by_id(number))]

    def groups(self) -> list[tuple[str, tuple[str, ...]]]:
        """Give every group with the logins in it."""
        rows = self.database.rows("SELECT id, name FROM account_group ORDER BY key")
        return [(name, self._logins_in(number)) for number, name in rows]

    def group_logins(self, name: str) -> tuple[str, ...]:
        """Give the logins of the active accounts in a group that can be written to."""
        rows = self.database.rows(
            "SELECT DISTINCT login FROM account JOIN membership ON membership.account_id = account.id "
            "JOIN account_group ON account_group.id = group_id JOIN email ON email.account_id = account.id "
            "WHERE account_group.key = ? AND account.status = 'active' ORDER BY login", name.strip().casefold(),
        )  # fmt: skip
        return tuple(login for (login,) in rows)

    def _logins_in(self, group: int) -> tuple[str, ...]:
        rows = self.database.rows(
            "SELECT login FROM account JOIN membership ON account_id = id WHERE group_id = ? ORDER BY login", group
        )
        return tuple(login for (login,) in rows)

    def members(self, workspace: str) -> list[tuple[str, str, str]]:
        """Give who is a member of a workspace: kind (user or group), login or name, role."""
        return [
            (kind, name, role)
            for kind, name, role in self.database.rows(
                "SELECT CASE WHEN member.account_id IS NULL THEN 'group' ELSE 'user' END, "
                "coalesce(login, account_group.name), role.name FROM member "
                "JOIN workspace ON workspace.id = workspace_id JOIN role ON role.id = role_id "
                "LEFT JOIN account ON account.id = member.account_id LEFT JOIN account_group "
                "ON account_group.id = member.group_id WHERE identifier = ? ORDER BY 1, 2, 3",
                workspace,
            )
        ]


class Lists(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a workspace row holds as JSON; a list that is left out is that of `Catalog`."""

    modules: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    statuses: tuple[dict[str, Any], ...] | None = None
    priorities: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    versions: tuple[str, ...] | None = None


def _squeezed(name: str) -> str:
    """The form in which names of people compare: case-folded, one blank between words."""
    return " ".join(name.split()).casefold()
