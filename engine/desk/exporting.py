"""Lists that people take away: all rows that a search finds, as lines of JSON or as a table for a spreadsheet.

Here: `Table`, what says how a list goes on; `lines` and `sheet`, which write it; the act that tells of a long one. Not
here: the searches (the rest of `desk`), answering a request (`console/`).
Invariant: so many rows as one step gives are in memory at once; a cell is never a formula; where rows lack, the last
line says so; a long list is written down before its rows are given.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from engine.desk import logged
from engine.desk.access import active
from engine.desk.plain import plain
from engine.desk.scope import Scope
from engine.model.events import EXPORTED
from engine.model.whole import as_json
from engine.plain_text import printable
from engine.store.errors import Refused, StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.installation import Installation
    from engine.model.desk import Account
    from engine.store.store import Store

STEP = 500
"""Rows that are asked for at once."""

BEYOND = 1 << 62
"""Above every number of a row: from there a list begins that goes by numbers."""

MOST_S = 600.0
"""How long a list is written at most: few are at a time, and who reads slowly keeps others from theirs."""

ACT_ROWS = 1_000
"""A list with more rows than this is written down as an act of who takes it away."""

MOST_SAID = 1_000

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How a cell begins that a spreadsheet would compute."""

MAILS = (
    "mail", "row", "mailbox", "key", "message_id", "subject", "sender", "recipients", "received_at", "size_bytes",
    "state", "outcome", "code", "because", "by.kind", "by.name", "by.file", "by.line", "workspace", "item",
    "generation", "attempts", "error", "topic", "waits_until", "erased_at", "home",
)  # fmt: skip

ITEMS = (
    "id", "workspace", "title", "type", "status", "priority", "assigned_to", "author", "created_at", "changed_at",
    "comments", "attachments", "sender", "sender_name", "merged_into",
)  # fmt: skip

TOPICS = ("id", "workspace", "title", "locked", "posts", "created_at", "changed_at")

LETTERS = (
    "id", "state", "class", "event", "to", "person", "roles", "item", "topic", "mail", "act", "about", "subject", "why",
    "said", "attempts", "next_at", "created_at", "sent_at", "message_id", "sent_in",
)  # fmt: skip


ACTS = (
    "id", "at", "name", "actor", "via", "item", "topic", "comment", "workspace", "mail", "act", "code", "because",
    "changes", "detail.said",
)  # fmt: skip


SENDERS = (
    "address", "name", "first_at", "last_at", "mails", "made", "held", "refused", "passed", "failed", "login",
    "failures", "suspended_at",
)  # fmt: skip

MAILBOXES = (
    "mailbox", "workspace", "protocol", "place", "folder", "active", "state", "since", "sentence", "holder", "waiting",
    "left_alone", "older_than", "retry_at",
)  # fmt: skip

SCRIPTS = (
    "script.hook", "script.name", "script.file", "script.sha256", "script.state", "script.fixtures", "since", "off",
    "outcomes", "codes", "runs", "half_us", "most_us",
)  # fmt: skip

RULES = (
    "file", "place", "number", "name", "line", "on", "when", "then", "enabled", "shadow", "until", "owner", "note",
    "hits", "last_hit", "problems",
)  # fmt: skip


class Table(Struct, frozen=True):
    """A list that can be taken away: its name, its columns, the search, and how it goes on.

    `step` gives some rows from where the last one ended, at first 0, and where the next one goes on, 0 for nowhere.
    Without `columns` the first row names them.
    """

    name: str
    step: Callable[[Store, Any], tuple[Sequence[Any], Any]]
    columns: tuple[str, ...] = ()
    query: str = ""


class Taken(Struct, frozen=True):
    """Who takes which list away, from which installation, in which form ("csv"); `scope` is what they saw at first."""

    installation: Installation
    by: Account
    table: Table
    form: str
    scope: Scope | None = None

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.installation.config

    def store(self) -> AbstractContextManager[Store]:
        """A store of the thread that asks."""
        return self.installation.store()


class _End(Struct):
    """How a list ended: rows that were given, whether there are more, why it broke off."""

    rows: int = 0
    more: bool = False
    error: str = ""


def by_number(
    rows: Callable[[Store, int], Sequence[Any]], number: str = "id"
) -> Callable[[Store, int], tuple[Sequence[Any], int]]:  # fmt: skip
    """Make the step of a list whose rows stand below a number, or behind one, and are `STEP` at once."""

    def step(store: Store, place: int) -> tuple[Sequence[Any], int]:
        found = rows(store, place)
        return found, getattr(found[-1], number) if len(found) >= STEP else 0

    return step


def at_once(rows: Callable[[Store], Sequence[Any]]) -> Callable[[Store, int], tuple[Sequence[Any], int]]:
    """Make the step of a short list, whose rows are given together."""
    return lambda store, _: (rows(store), 0)


def lines(taken: Taken) -> Iterator[bytes]:
    """Write a list as lines of JSON, the last of which says how many rows there were and whether there are more."""
    end = _End()
    for rows in _steps(taken, end):
        yield b"".join([as_json(plain(row)) + b"\n" for row in rows])
    yield as_json({"rows": end.rows, "more": end.more, **({"error": end.error} if end.error else {})}) + b"\n"


def sheet(taken: Taken) -> Iterator[bytes]:
    """Write a list as CSV with the names of its columns; where rows lack, the last line is a remark that says so."""
    end, columns = _End(), taken.table.columns
    if columns:
        yield _written([columns])
    for rows in _steps(taken, end):
        flat = [_flat(plain(row)) for row in rows]
        if not columns and flat:
            columns = tuple(flat[0])
            yield _written([columns])
        yield _written([[_cell(row.get(name)) for name in columns] for row in flat])
    if end.more or end.error:
        yield _written([[f"# {end.rows} rows, and there are more: {end.error or 'search for less'}"]])


FORMS: Mapping[str, tuple[str, Callable[[Taken], Iterator[bytes]]]] = {
    "ndjson": ("application/x-ndjson", lines),
    "csv": ("text/csv; charset=utf-8", sheet),
}
"""The forms by the ends of their names: what kind of content each is, and what writes it."""


def _steps(taken: Taken, end: _End) -> Iterator[Sequence[Any]]:
    """Give the rows step by step; what went wrong on the way is told at the end, for the first are given already."""
    most, place, is_told = taken.config.console.most_exported, cast("Any", 0), False
    until = monotonic() + MOST_S
    while not end.more:
        if monotonic() > until:
            end.more, end.error = True, f"it took longer than {MOST_S / 60:.0f} minutes"
            return
        try:
            with taken.store() as store:
                _is_still_seen(taken, store)
                rows, place = taken.table.step(store, place)
                if end.rows + len(rows) > ACT_ROWS and not is_told:
                    _tell(taken, store)
                    is_told = True
        except (StoreError, Refused) as error:
            end.more, end.error = True, str(error)
            return
        given = rows[: most - end.rows]
        end.rows += len(given)
        end.more = len(given) < len(rows) or (end.rows == most and bool(place))
        yield given
        if not place:
            return


def _is_still_seen(taken: Taken, store: Store) -> None:
    """A list that takes long ends when who takes it sees other things than they did. Raises Refused."""
    if taken.scope is None:
        return
    now = active(store, taken.by.id)
    if now is None or Scope.of(store, taken.config, now) != taken.scope:
        raise Refused("what you may see has changed: begin anew")


def _tell(taken: Taken, store: Store) -> None:
    said = f"{taken.table.name}.{taken.form}, more than {ACT_ROWS} rows: {taken.table.query or 'all'}"
    store.history.note(EXPORTED, taken.by.login, "console", printable(said, MOST_SAID))
    logged.act(taken.config, EXPORTED, taken.by.login, said)


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Make one level of all: `by.name`."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return found


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else "; ".join(map(str, value)) if _is_simple(value) else _told(value)
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def _is_simple(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(each, list | Mapping) for each in value)


def _told(value: Any) -> str:
    return as_json(value).decode()


def _written(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
