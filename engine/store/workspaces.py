"""Places: workspaces with what they offer, and the fields that items may have beside their columns.

Here: `Workspaces`, a part of `engine.ports.Items`. Not here: who is a member of one (`directory.py`), items.
Invariant: answers are remembered until somebody writes; putting the same thing twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.model.desk import Catalog, CustomField, Status, WorkspaceStatus
from engine.store import hot, tables
from engine.store.database import Database
from engine.store.errors import NotFound
from engine.store.memory import Memory
from engine.store.rows import number, put, remove

WORKSPACE_STATUSES = tuple(WorkspaceStatus)
LISTS = ("modules", "types", "statuses", "priorities", "categories", "versions")


class Lists(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a workspace row holds as JSON; a list that is left out is that of `Catalog`."""

    modules: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    statuses: tuple[dict[str, Any], ...] | None = None
    priorities: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    versions: tuple[str, ...] | None = None


class Workspaces:
    """Workspaces and fields."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def catalog(self, workspace: str) -> Catalog | None:
        return self._memory.remember(("catalog", workspace), lambda: self._catalog(workspace))

    def _catalog(self, workspace: str) -> Catalog | None:
        row = self._database.one(hot.WORKSPACE, workspace)
        if row is None:
            return None
        name, status, public, lists = row
        fields = tuple(
            msgspec.json.decode(definition, type=CustomField)
            for (definition,) in self._database.rows(hot.DEFINED_FIELDS)
        )
        offered = msgspec.json.decode(lists, type=Lists)
        given = {part: getattr(offered, part) for part in Lists.__struct_fields__ if getattr(offered, part) is not None}
        return msgspec.convert(
            {**msgspec.to_builtins(given), "workspace": workspace, "name": name, "status": status,
             "public": bool(public), "fields": msgspec.to_builtins(fields)},
            Catalog,
        )  # fmt: skip

    def workspaces(self) -> list[Catalog]:
        return [found for (name,) in self._database.rows(hot.WORKSPACES) if (found := self.catalog(name))]

    def workspace_id(self, identifier: str) -> int:
        return self._memory.remember(("workspace", identifier), lambda: self._workspace_id(identifier))

    def _workspace_id(self, identifier: str) -> int:
        row = self._database.one(hot.WORKSPACE_ID, identifier)
        if row is None:
            raise NotFound(f'there is no workspace "{identifier}"', identifier)
        return int(row[0])

    def is_closed(self, workspace: str, status: str) -> bool:
        catalog = self.catalog(workspace)
        return catalog is not None and any(each.closed and each.name == status for each in catalog.statuses)

    def field_id(self, name: str) -> int:
        return self._memory.remember(("field", name), lambda: self._field_id(name))

    def _field_id(self, name: str) -> int:
        row = self._database.one(hot.FIELD_ID, name.casefold())
        if row is None:
            return self._database.insert(hot.FIELD_NAME, name.casefold(), name)
        return int(row[0])

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────

    def put_workspace(self, identifier: str, *, lists: Mapping[str, Any] | None = None, **columns: Any) -> str:
        place = tables.Workspace
        with self._database.joining():
            row = self._database.first(place.select(place.lists).where(place.identifier == identifier))
            offered = msgspec.json.decode(row[0]) if row else {}
            for name, values in (lists or {}).items():
                offered[name] = [_status(each) if name == "statuses" else each for each in values]
            columns["lists"] = _json(msgspec.convert(offered, Lists))
            if row is None:
                columns = {"name": identifier, **columns}
            return put(self._database, self._memory, place.identifier, identifier, columns)

    def remove_workspace(self, identifier: str) -> None:
        with self._database.joining():
            row = number(self._database, tables.Workspace.identifier, identifier, "workspace")
            self._database.do(tables.Member.delete().where(tables.Member.workspace == row))
            self._memory.touch("accounts")
            remove(self._database, tables.Workspace, row, f"workspace {identifier} holds items: lock it instead")

    def put_field(self, field: CustomField) -> str:
        with self._database.joining():
            columns = {"name": field.name, "kind": field.kind, "definition": _json(field), "defined": True}
            return put(self._database, self._memory, tables.FieldName.key, field.name.casefold(), columns)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _status(value: Any) -> dict[str, Any]:
    status = msgspec.convert(value, Status) if isinstance(value, Mapping) else Status(str(value), _ends(str(value)))
    return {"name": status.name, "closed": status.closed}


def _ends(name: str) -> bool:
    """A status given by its name alone ends the work if it is called so."""
    return name.casefold() in ("closed", "done", "resolved", "rejected", "cancelled", "geschlossen", "erledigt")
