"""Loading people, places, items and topics from a file: how another system's catalogue gets in.

Here: what keys there are, how they are checked, in which order they are applied. Not here: reading the file and
finding places in it (`places.py`), the rows (`directory.py`, `workspaces.py`, `load_items.py`).
Invariant: all or nothing, in one transaction; loading the same file twice changes nothing; every problem is reported
at once, with its place.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from engine.model.desk import CustomField
from engine.model.fields import KINDS
from engine.model.preferences import BY_KEY, PREFERENCES
from engine.store.directory import STATUSES
from engine.store.errors import NotFound, Refused
from engine.store.load_values import unknown_default, unknown_values
from engine.store.permissions import PERMISSIONS
from engine.store.places import Text, Where
from engine.store.workspaces import LISTS, WORKSPACE_STATUSES
from rules.problem import Problem, in_order

if TYPE_CHECKING:
    from engine.ports import Store

FIELD_KINDS = tuple(kind.name for kind in KINDS.values() if kind.custom)


class LoadError(Exception):
    """The data cannot be loaded; nothing was. `problems` are all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems[:3]))
        self.problems = problems


@dataclass(slots=True)
class Tally:
    """How many entries of a kind were added, changed, or there already."""

    added: int = 0
    changed: int = 0
    same: int = 0

    def count(self, said: str) -> None:
        """Count one entry by what a `put_…` said."""
        setattr(self, said, getattr(self, said) + 1)


# ── what may stand in a file ──────────────────────────────────────────────────────────────────────────────────


def _is_text(value: Any) -> str:
    return "" if isinstance(value, str) else "text"


def _is_name(value: Any) -> str:
    return "" if isinstance(value, str) and value.strip() and value.isprintable() else "a name"


def _is_title(value: Any) -> str:
    return "" if isinstance(value, str) and value.strip() else "a text that is not empty"


def _is_flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _is_number(value: Any) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53
    return "" if good else "a whole number from 1"


def _is_texts(value: Any) -> str:
    return "" if isinstance(value, list) and all(isinstance(each, str) for each in value) else "a list of texts"


def _is_table(value: Any) -> str:
    return "" if isinstance(value, Mapping) else "a table: { … }"


def _is_value(value: Any) -> str:
    return "a text, a number, true, false or a list of texts" if isinstance(value, Mapping) else ""


def _is_anything(_: Any) -> str:
    return ""


def _is_statuses(value: Any) -> str:
    good = isinstance(value, list) and all(
        isinstance(each, str)
        or (isinstance(each, Mapping) and isinstance(each.get("name"), str) and set(each) <= {"name", "closed"})
        for each in value
    )
    return "" if good else 'a list of names, or of { name = "…", closed = true }'


def _one_of(*words: str) -> Callable[[Any], str]:
    return lambda value: "" if value in words else f"one of {', '.join(words)}"


def _some_of(*words: str) -> Callable[[Any], str]:
    def judge(value: Any) -> str:
        good = isinstance(value, list) and all(each in words for each in value)
        return "" if good else f"some of {', '.join(words)}"

    return judge


Shape = Mapping[str, Callable[[Any], str]]

COMMENT: Shape = {"author": _is_text, "text": _is_text, "internal": _is_flag}
POST: Shape = {"author": _is_text, "text": _is_text, "title": _is_text}

SHAPES: dict[str, Shape] = {
    "groups": {"name": _is_name, "members": _is_texts},
    "users": {"login": _is_name, "name": _is_text, "emails": _is_texts, "status": _one_of(*STATUSES),
              "language": _is_text, "groups": _is_texts, "admin": _is_flag},
    "roles": {"name": _is_name, "permissions": _some_of(*PERMISSIONS)},
    "workspaces": {"identifier": _is_name, "name": _is_text, "public": _is_flag, "parent": _is_text,
                   "status": _one_of(*WORKSPACE_STATUSES), "statuses": _is_statuses,
                   **{name: _is_texts for name in LISTS if name != "statuses"}},
    "members": {"user": _is_text, "group": _is_text, "workspace": _is_name, "role": _is_name},
    "preferences": {"user": _is_name, "workspace": _is_text,
                    **{each.key: _one_of(*each.values) for each in PREFERENCES}},
    "fields": {"name": _is_name, "kind": _one_of(*FIELD_KINDS), "values": _is_texts, "multiple": _is_flag,
               "types": _is_texts, "required": _is_flag, "default": _is_value},
    "items": {"id": _is_number, "workspace": _is_name, "title": _is_title, "text": _is_text, "type": _is_text,
              "status": _is_text, "priority": _is_text, "author": _is_text, "assignee": _is_text,
              "category": _is_text, "version": _is_text, "private": _is_flag, "watchers": _is_texts,
              "labels": _is_texts, "fields": _is_table, "comments": _is_anything},
    "topics": {"id": _is_number, "workspace": _is_name, "title": _is_title, "locked": _is_flag, "posts": _is_anything},
}  # fmt: skip
"""Every table a file may have and every key in it, in the order in which they are applied."""

REQUIRED = {
    "groups": ("name",), "users": ("login",), "roles": ("name",), "workspaces": ("identifier",),
    "members": ("workspace", "role"), "preferences": ("user",), "fields": ("name",),
    "items": ("id", "workspace", "title"), "topics": ("id", "workspace", "title"),
}  # fmt: skip

INNER: dict[str, tuple[str, Shape]] = {"items": ("comments", COMMENT), "topics": ("posts", POST)}


@dataclass(slots=True)
class _Check:
    """Collects problems while the data are looked through."""

    text: Text
    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, message: str, path: Where, advice: str = "") -> None:
        self.problems.append(self.text.problem(code, message, path, advice))

    def data(self, data: Mapping[str, Any]) -> None:
        for table, entries in data.items():
            if table not in SHAPES:
                self.add("D110", f'there is no table "{table}"', (table,), _near(table, SHAPES))
            else:
                self.entries(entries, (table,), SHAPES[table], REQUIRED[table])
                if table in INNER and isinstance(entries, list):
                    name, shape = INNER[table]
                    for number, entry in enumerate(entries):
                        if isinstance(entry, Mapping) and name in entry:
                            self.entries(entry[name], (table, number, name), shape, ("author", "text"))

    def entries(self, entries: Any, path: Where, shape: Shape, required: tuple[str, ...]) -> None:
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            self.add("D112", f'"{path[-1]}" has to be a list of tables: [[{path[0]}]]', path)
            return
        for number, entry in enumerate(entries):
            for key in required:
                if key not in entry:
                    self.add("D113", f'"{key}" is missing', (*path, number))
            for key, value in entry.items():
                if key not in shape:
                    self.add("D111", f'{path[-1]} have no "{key}"', (*path, number, key), _near(key, shape))
                elif wanted := shape[key](value):
                    self.add("D114", f'"{key}" has to be {wanted}', (*path, number, key))


def _near(word: str, words: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, words, 1)
    return f"did you mean {near[0]} ?" if near else f"there are {', '.join(words)}"


# ── applying ──────────────────────────────────────────────────────────────────────────────────────────────────


def load(store: Store, data: Mapping[str, Any], text: Text | None = None) -> dict[str, Tally]:
    """Put everything into the store, in one transaction; tells for each table what was new.

    `text` is where the data came from, for the places of problems. Raises LoadError with all of them.
    """
    check = _Check(text or Text("data", "", False))
    check.data(data)
    if check.problems:
        raise LoadError(in_order(check.problems))
    tallies = {table: Tally() for table in SHAPES if table in data}
    with store.joining():
        for table in tallies:
            for number, entry in enumerate(data[table]):
                try:
                    with store.savepoint():
                        tallies[table].count(_PUT[table](store, dict(entry)))
                except (NotFound, Refused) as error:
                    check.add("D120", str(error), (table, number, _culprit(entry, error.value)))
        for path, message, advice in _unknown(store, data):
            check.add("D121", message, path, advice)
        for number, entry in enumerate(data.get("groups", ())):
            try:
                if store.directory.put_group(entry["name"], entry.get("members", ())) == "changed":
                    tallies["groups"].changed += 1
            except NotFound as error:
                check.add("D120", str(error), ("groups", number, "members"))
        for number, entry in enumerate(data.get("workspaces", ())):
            if (parent := entry.get("parent")) and store.items.catalog(parent) is None:
                check.add("D120", f'there is no workspace "{parent}"', ("workspaces", number, "parent"))
        if check.problems:
            raise LoadError(in_order(check.problems))
    return tallies


def _unknown(store: Store, data: Mapping[str, Any]) -> Iterator[tuple[Where, str, str]]:
    """What items and fields hold that nothing offers: path, message, advice."""
    for number, entry in enumerate(data.get("fields", ())):
        for keys, message, advice in unknown_default(entry):
            yield ("fields", number, *keys), message, advice
    for number, entry in enumerate(data.get("items", ())):
        if (catalog := store.items.catalog(entry["workspace"])) is not None:
            for keys, message, advice in unknown_values(entry, catalog):
                yield ("items", number, *keys), message, advice


def _culprit(entry: Mapping[str, Any], culprit: str) -> str:
    """The key that holds what is wrong, "" where nothing is named."""
    for key, value in entry.items():
        if culprit and (value == culprit or (isinstance(value, list) and culprit in value)):
            return key
    return ""


def _user(store: Store, entry: dict[str, Any]) -> str:
    return store.directory.put_account(entry.pop("login"), **entry)


def _workspace(store: Store, entry: dict[str, Any]) -> str:
    lists = {name: entry.pop(name) for name in LISTS if name in entry}
    return store.items.put_workspace(entry.pop("identifier"), lists=lists, **entry)


def _member(store: Store, entry: dict[str, Any]) -> str:
    user, group = entry.get("user", ""), entry.get("group", "")
    if bool(user) == bool(group):
        raise Refused("a member is a user or a group")
    return store.directory.put_member(entry["workspace"], entry["role"], user=user, group=group)


def _preference(store: Store, entry: dict[str, Any]) -> str:
    """What somebody wants; what the entry does not name stays as it is."""
    workspace = entry.get("workspace", "")
    if workspace and store.items.catalog(workspace) is None:
        raise NotFound(f'there is no workspace "{workspace}"', workspace)
    wanted = {key: value for key, value in entry.items() if key in BY_KEY}
    return store.directory.put_preferences(entry["user"], workspace, wanted)


def _field(store: Store, entry: dict[str, Any]) -> str:
    return store.items.put_field(msgspec.convert(entry, CustomField))


_PUT: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "groups": lambda store, entry: store.directory.put_group(entry["name"]),
    "users": _user,
    "roles": lambda store, entry: store.directory.put_role(entry["name"], entry.get("permissions", ())),
    "workspaces": _workspace,
    "members": _member,
    "preferences": _preference,
    "fields": _field,
    "items": lambda store, entry: store.items.put_item(entry),
    "topics": lambda store, entry: store.items.put_topic(entry),
}
