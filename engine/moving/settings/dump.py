"""Settings in a dump of a database: the rows of `INSERT INTO`, with the names of their columns.

Here: one statement a table, its rows. Not here: what a column means (`eventum.py`, `redmine.py`).
Invariant: a row without names of columns is read only where the dump makes the table, or the order is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.moving.reading import Problems
from engine.moving.settings.given import Given, plain_name

_INSERT = re.compile(
    r"INSERT\s+(?:IGNORE\s+)?INTO\s+[`\"]?([\w.`\"]+?)[`\"]?\s*(\([^()]*\))?\s*VALUES\s*", re.IGNORECASE
)  # fmt: skip
_CREATE = re.compile(r"CREATE[ \t]+TABLE[ \t]+(?:IF[ \t]+NOT[ \t]+EXISTS[ \t]+)?[`\"]?(\w+)[`\"]?\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r"^[ \t]*[`\"]?(\w+)[`\"]?[ \t]+\w+", re.MULTILINE)
_VALUE = re.compile(r"""\s*(?:'((?:[^'\\]|\\.|'')*)'|([^,()']+))\s*([,)])""", re.DOTALL)
_NO_COLUMN = ("primary", "unique", "key", "constraint", "index", "foreign", "fulltext")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": ""}

EMAIL_ACCOUNT = (
    "ema_id", "ema_prj_id", "ema_type", "ema_folder", "ema_hostname", "ema_port", "ema_username", "ema_password",
    "ema_get_only_new", "ema_leave_copy", "ema_issue_auto_creation", "ema_issue_auto_creation_options",
    "ema_use_routing",
)  # fmt: skip
"""The columns of Eventum's table of accounts, in its order."""

_TABLES = ("email_account", "settings")


def read(text: str, problems: Problems) -> Iterator[Given]:
    """Read the rows of the tables that hold settings: a row of accounts is a mailbox, one of settings is one."""
    made = dict(_made(text))
    group = 0
    for found in _INSERT.finditer(text):
        table = re.split(r"[.`\"]+", found[1])[-1].lower()
        known = next((name for name in _TABLES if table == name or table.endswith(f"_{name}")), "")
        if not known:
            continue
        line = text.count("\n", 0, found.start()) + 1
        columns = re.findall(r"\w+", found[2] or "") or made.get(table, [])
        if not columns and known == "email_account":
            columns = list(EMAIL_ACCOUNT)
        if not columns:
            problems.add("D152", f'which columns "{table}" has stands nowhere: export it with their names', line)
            continue
        for row in _rows(text, found.end(), line, problems):
            values = dict(zip(map(plain_name, columns), row, strict=False))
            if known == "settings":
                yield Given(plain_name(values.get("name", "")), _yaml_list(values.get("value", "")), line)
            else:
                group += 1
                yield from (Given(name, value, line, group) for name, value in values.items() if value)


def _made(text: str) -> Iterator[tuple[str, list[str]]]:
    """The tables that the dump makes, with the names of their columns."""
    at = 0
    while found := _CREATE.search(text, at):
        end = text.find("\n)", found.end())
        if end < 0:
            return
        names = _COLUMN.findall(text, found.end(), end)
        yield found[1].lower(), [each for each in names if each.lower() not in _NO_COLUMN]
        at = end


def _rows(text: str, at: int, line: int, problems: Problems) -> Iterator[list[str]]:
    """The rows behind VALUES, up to the end of the statement."""
    while at < len(text) and text[at] == "(":
        row, at = [], at + 1
        while True:
            found = _VALUE.match(text, at)
            if found is None:
                problems.add("D101", "a row of values does not end", line)
                return
            row.append(_plain(found[1]) if found[1] is not None else _bare(found[2]))
            at = found.end()
            if found[3] == ")":
                break
        yield row
        gap = re.compile(r"\s*,\s*").match(text, at)
        at = gap.end() if gap else len(text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)|''", lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else "'", text, flags=re.S)


def _bare(text: str) -> str:
    return "" if text.strip().upper() == "NULL" else text.strip()


def _yaml_list(value: str) -> str:
    """A list as Rails stores it in a column, a line each; any other value as it stands."""
    if not value.startswith("---"):
        return value
    return "\n".join(line.removeprefix("- ").strip("'\" ") for line in value.split("\n")[1:] if line.strip())
