"""The parameter file of scripts: `[params]` and the tables `[lookup.NAME]`.

Here: reading it, as the JSON a worker takes. Not here: what scripts do with it.
Invariant: a file that does not load is never taken for an empty one.
"""

from __future__ import annotations

import json
import os
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

from hooks.problem import ScriptProblem

MOST_BYTES = 4 << 20


NOTHING = ("{}", "{}")
"""No parameters and no tables: there is no file."""


class Params:
    """Reads the file anew when it changes; `problem` tells what is wrong with it as it stands now."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._place = str(path)
        self._mark: tuple[int, int] | None = None
        self._texts: tuple[str, str] | None = NOTHING if path is None else None
        self.problem: ScriptProblem | None = None

    def read(self) -> tuple[str, str] | None:
        """Give parameters and lookup tables, both as JSON objects: the last that loaded here, None where none did."""
        if self._path is None:
            return self._texts
        try:
            state = os.stat(self._place)  # noqa: PTH116 - asked for every mail
            mark = (state.st_mtime_ns, state.st_size)
            if mark == self._mark:
                return self._texts
            self._mark = mark
            self._texts = loaded(self._path)
            self.problem = None
        except OSError as error:
            self._mark = None
            self.problem = ScriptProblem("H113", f"cannot be read: {error.strerror}")
        except Unsound as error:
            self.problem = error.problem
        return self._texts


class Unsound(ValueError):
    """The file is not what it has to be; carries the problem."""

    def __init__(self, problem: ScriptProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def loaded(path: Path) -> tuple[str, str]:
    """Read a parameter file. Raises Unsound, OSError."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unsound(ScriptProblem("H113", f"the file is larger than {MOST_BYTES >> 20} MB"))
    try:
        table = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unsound(ScriptProblem("H110", "this is not UTF-8", line, help="save the file as UTF-8")) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Unsound(ScriptProblem("H113", f"not TOML: {error}")) from None
    for name in table:
        if name not in ("params", "lookup"):
            raise Unsound(
                ScriptProblem(
                    "H113", f'there is no place for "{name}" here', help="write it below [params] or [lookup.NAME]"
                )
            )
    for name, rows in table.get("lookup", {}).items():
        if not isinstance(rows, dict):
            raise Unsound(
                ScriptProblem("H113", f"lookup.{name} is no table", help=f"write [lookup.{name}] and rows below it")
            )
    return _json(table.get("params", {})), _json(table.get("lookup", {}))


def _json(table: Any) -> str:
    if not isinstance(table, dict):
        raise Unsound(ScriptProblem("H113", "[params] and [lookup] are tables"))
    return json.dumps(table, default=_day)


def _day(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError
