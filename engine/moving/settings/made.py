"""Our allegra.toml while it is made of another system's settings: options with their values, and what is left to do.

Here: where an option goes, the text of the file. Not here: which setting becomes which option (the tables of the
systems), whether the file loads (`translate.py`).
Invariant: the same settings make the same file; no secret is in it, only the name of the variable that holds it; what
others wrote stands in values and short comments, never as lines of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import tomli_w
from msgspec import Struct

from engine.config.cross import IDENTIFIER
from engine.moving.reading import excerpt
from engine.moving.settings.given import Given
from rules.pattern import compile_pattern
from rules.problem import PatternError

_PLACES = (
    "defaults.mailbox", "system", "system.mailbox", "gates", "people", "people.cc", "items", "items.threading", "body",
    "attachments", "errors", "replies", "smtp",
)  # fmt: skip
_OF_A_WORKSPACE = ("items", "people", "body", "attachments", "errors", "replies")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)(?::?-[^}]*)?\}?")


class Put(Struct, frozen=True):
    """One option: its value, and what is to be said of it."""

    value: Any
    remark: str = ""


class Made:
    """The file in the making. `workspace` is whose mailbox is in hand, "" the system's.

    `shared`: what is said now is said of all mailboxes; `piped`: mail is handed over by the mail server.
    """

    def __init__(self, system: str) -> None:
        self.system, self.workspace, self.shared, self.piped = system, "", False, False
        self.options: dict[str, dict[str, Put]] = {}
        self.notes: dict[str, list[str]] = {}
        self.left: list[str] = []
        self.workspaces: dict[str, None] = {}

    # ── what the tables of the systems say ────────────────────────────────────────────────────────────────────

    def put(self, option: str, value: Any, remark: str = "") -> None:
        """Set an option by the name that docs/coming-from.md gives it, `mailbox.host`; the first that does wins."""
        table, _, name = self._placed(option).rpartition(".")
        self.options.setdefault(table, {}).setdefault(name, Put(value, remark))

    def has(self, option: str) -> bool:
        """Tell whether an option is set."""
        table, _, name = self._placed(option).rpartition(".")
        return name in self.options.get(table, {})

    def value(self, option: str) -> Any:
        """Give the value of an option, None where it is not set."""
        table, _, name = self._placed(option).rpartition(".")
        found = self.options.get(table, {}).get(name)
        return None if found is None else found.value

    def change(self, option: str, value: Any, remark: str = "") -> None:
        """Set an option anew."""
        table, _, name = self._placed(option).rpartition(".")
        self.options.setdefault(table, {})[name] = Put(value, remark)

    def drop(self, option: str) -> None:
        """Take an option out, if it is there."""
        table, _, name = self._placed(option).rpartition(".")
        self.options.get(table, {}).pop(name, None)

    def note(self, given: Given, said: str, *, shown: bool = False) -> None:
        """Say of a setting why it is not here, and what to do instead; `shown` with its value, if that is no secret."""
        value = f" = {excerpt(given.text)}" if shown and given.text else ""
        place = f", {given.file}:{given.line}" if given.line else f", {given.file}"
        self.notes.setdefault(self.workspace, []).append(_comment(f"{given.name}{value}{place}: {said}"))

    def todo(self, sentence: str) -> None:
        """Name something that a person has to do before the file is good."""
        if sentence not in self.left:
            self.left.append(sentence)

    def secret(self, option: str, variable: str, given: Given) -> None:
        """Let a password come from a variable: the one it stands in there, or a new one."""
        found = _VARIABLE.fullmatch(given.text)
        if self.workspace:
            variable = variable.replace("ALLEGRA_", f"ALLEGRA_{re.sub(r'[^A-Z0-9]+', '_', self.workspace.upper())}_", 1)
        name = found[1] if found else variable
        if given.text:
            self.put(f"{option}_env", name, "set this variable: the password is not copied")
            self.todo(f"set the variable {name} to the password of the {option.partition('.')[0]}")

    def pattern(self, given: Given, text: str) -> str | None:
        """Give a pattern as ours are written if our rules take it; else say why not."""
        try:
            compile_pattern(text)
        except PatternError as error:
            advice = f" ({error.help})" if error.help else ""
            self.note(given, f"the pattern {excerpt(text)} cannot be used: {error.message}{advice}")
            self.todo(f"write a pattern for {given.name} anew: the file says which and why")
            return None
        return text

    def patterns(self, given: Given, texts: tuple[str, ...]) -> list[str]:
        """Give those of several patterns that our rules take."""
        return [good for each in texts if (good := self.pattern(given, each)) is not None]

    def open_workspace(self, name: str) -> None:
        """Let there be a workspace of this identifier."""
        self.workspaces[name] = None

    def _placed(self, option: str) -> str:
        first = option.partition(".")[0]
        if first == "mailbox" and self.shared:
            return f"defaults.{option}"
        if first == "mailbox":
            return f"workspace.{self.workspace}.{option}" if self.workspace else f"system.{option}"
        return f"workspace.{self.workspace}.{option}" if self.workspace and first in _OF_A_WORKSPACE else option

    # ── the file ──────────────────────────────────────────────────────────────────────────────────────────────

    def text(self) -> str:
        """Write the file."""
        return "\n".join(self._lines()).rstrip("\n") + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# Made of the settings of {self.system} by: allegra import settings"
        yield "# Read it, do what is left to do, then run:  allegra check --online"
        if self.left:
            yield from ("#", "# Left to do:", *(f"#  - {_comment(each)}" for each in self.left))
        yield from ("", "schema = 1")
        if "" in self.notes:
            yield from ("", "# Not here:", *(f"#  - {each}" for each in self.notes[""]))
        for table in _PLACES:
            yield from self._table(table)
        for name in self.workspaces:
            own = f"workspace.{name}"
            self.options.setdefault(own, {})
            yield from self._table(own, f"name = {toml(name.replace('-', ' ').replace('_', ' ').capitalize())}")
            yield from (f"#  - {each}" for each in self.notes.get(name, ()))
            for each in sorted(set(self.options) - {own}, key=self._order):
                if each.startswith(f"{own}."):
                    yield from self._table(each)

    def _order(self, table: str) -> tuple[int, str]:
        inner = table.split(".", 2)[-1]
        known = ("mailbox", *_PLACES)
        return (known.index(inner) if inner in known else len(known), table)

    def _table(self, table: str, *first: str) -> Iterator[str]:
        options = self.options.get(table)
        if not options and not first:
            return
        yield ""
        yield f"[{table}]"
        yield from first
        for name, put in (options or {}).items():
            yield f"{name} = {toml(put.value)}" + (f"   # {_comment(put.remark)}" if put.remark else "")


def toml(value: Any) -> str:
    """Write a value: a pattern between single quotes, where that can be."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str) and "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(name)} = {toml(each)}" for name, each in value.items()) + " }" if value else "{}"
        )
    return tomli_w.dumps({"x": value}).removeprefix("x = ").strip()


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else tomli_w.dumps({"x": name}).removeprefix("x = ").strip()


def _comment(text: str) -> str:
    """A text as it can stand in a comment: one line without control characters."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))


def identifier(name: str) -> str:
    """Give the identifier of the workspace that something of theirs becomes; "" where its name can be none."""
    plain = name.lower()
    return plain if IDENTIFIER.fullmatch(plain) and plain != "system" else ""


def variable_of(given: Given) -> str:
    """Give the variable that a value is, "" for a value that stands there."""
    found = _VARIABLE.fullmatch(given.text)
    return found[1] if found else ""
