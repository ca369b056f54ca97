"""A rule file as it is written: TOML outside, sentences inside, every piece with its place.

Here: from text to `Document`, with the problems of TOML, keys and grammar. Not here: whether names exist (`load.py`).
Invariant: any text gives a document and a list of problems; what is unusable is left out of the document.
Over 300 lines: one reader from text to a document, key by key.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct, field

from rules.near import near_names
from rules.outline import Definition
from rules.parse import parse_action, parse_condition
from rules.places import Path, Places, Spot
from rules.problem import Problem, Severity
from rules.syntax import Action, Node, SyntaxFault

ON = ("new", "reply", "any")
RULE_KEYS = ("name", "on", "when", "then", "enabled", "shadow", "until", "owner", "note")
TOP_KEYS = ("rule", "test", "lists", "define")
_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")


class RawRule(Struct, frozen=True):
    """A rule whose sentences are parsed but not checked. `path` leads to it in the file; `then` keeps its positions."""

    number: int
    name: str
    on: str
    when: str | None
    condition: Node | None
    actions: tuple[tuple[int, Action], ...]
    line: int
    path: Path
    explicit_on: bool = False
    enabled: bool = True
    shadow: bool = False
    until: date | None = None
    owner: str = ""
    note: str = ""


class Document(Struct):
    """One file. `problems` grows while the file is read; `text` has `\\n` at its line ends.

    `unread` are the definitions that do not parse: what uses one is not to blame.
    `tests` are tables as they stand there: nobody needs them while mail is decided (`tested.py` reads them).
    """

    file: str
    text: str
    digest: str
    places: Places
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    rules: list[RawRule] = field(default_factory=list)
    tests: list[Mapping[str, Any]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def report(
        self, code: str, message: str, spot: Spot, help: str = "", where: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        """Add a problem."""
        self.problems.append(
            Problem(code, message, self.file, spot.line, spot.column, spot.length, spot.excerpt, where, help, severity)
        )

    @property
    def sound(self) -> bool:
        """Whether nothing wrong was found."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def digest(text: str) -> str:
    """The sha256 of a file's text in hex; line ends do not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()


def read(file: str, text: str) -> Document:
    """Read one rule file; `file` is how problems call it."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        document = Document(file, text, digest(text), Places(""))
        _not_toml(document, str(error) or "nested too deep")
        return document
    document = Document(file, text, digest(text), Places(text))
    Reader(document).all(data)
    return document


def _not_toml(document: Document, reason: str) -> None:
    found = re.search(r" \(at line (\d+), column (\d+)\)$", reason)
    lines = document.text.split("\n")
    line, column = (int(found[1]), int(found[2])) if found else (max(len(lines), 1), 1)
    message = re.sub(r" \(at .*\)$", "", reason)
    excerpt = lines[min(line, len(lines)) - 1] if lines else ""
    help = ""
    if re.search(r"=\s*'[^']*'[^'\s,#\]]", excerpt):
        help = "a text that holds ' stands in '''...'''"
    elif re.match(r'\s*[^\s"\'=\[#]*[^\x00-\x7f][^=]*=', excerpt):
        help = 'a key with accents stands in quotes: "Priorität" = ...'
    document.report(
        "E100", f"this is not TOML: {message[:1].lower()}{message[1:]}", Spot(line, column, 1, excerpt), help
    )


class Reader:
    """Goes through the tables of one file; problems go to the document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.places = document.places

    def all(self, data: Mapping[str, Any]) -> None:
        self.keys(data, TOP_KEYS, (), "")
        self._lists(self._table(data, "lists"))
        self._definitions(self._table(data, "define"))
        names: dict[str, int] = {}
        for number, table in enumerate(self.tables(data, "rule")):
            self._rule(number, table, names)
        self.document.tests += self.tables(data, "test")

    # ── shapes ────────────────────────────────────────────────────────────────────────────────────────────────

    def keys(self, table: Mapping[str, Any], known: tuple[str, ...], path: Path, where: str) -> None:
        """Report the keys that nobody knows."""
        for key in table:
            if key in known:
                continue
            near = [_SYNONYMS[key]] if _SYNONYMS.get(key) in known else near_names(key, known, 1, 0.6)
            help = f"did you mean  {near[0]} ?" if near else "possible: " + ", ".join(known)
            self.document.report(
                "E112", f'there is no key called "{key}" here', self.places.key((*path, key)), help, where
            )

    def _table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        table = data.get(key, {})
        if isinstance(table, dict):
            return table
        self.document.report("E114", f'"{key}" is a table', self.places.value((key,)), f"write  [{key}]")
        return {}

    def tables(self, data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        """Give an array of tables, none with a problem if it is something else."""
        tables = data.get(key, [])
        if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
            return tables
        self.document.report(
            "E114", f'"{key}" is written with two brackets', self.places.key((key,)), f"write  [[{key}]]"
        )
        return []

    def typed(self, table: Mapping[str, Any], path: Path, key: str, kind: type, default: Any, where: str) -> Any:
        """A value of a type, or the default with a problem."""
        value = table.get(key, default)
        if key not in table or (isinstance(value, kind) and not (kind is date and isinstance(value, datetime))):
            return value
        words = {
            str: ("a text", f'{key} = "..."'),
            bool: ("true or false", f"{key} = true"),
            date: ("a date", f"{key} = 2026-12-31"),
            list: ("a list of texts", f"{key} = ['...']"),
        }
        word, example = words[kind]
        self.document.report("E114", f'"{key}" is {word}', self.places.value((*path, key)), f"write  {example}", where)
        return default

    def texts(self, table: Mapping[str, Any], path: Path, key: str, where: str) -> tuple[str, ...]:
        """Give a list of texts; one text is a list, too."""
        values = table.get(key, ())
        if isinstance(values, str):
            values = [values] if key != "then" else values
        if isinstance(values, list | tuple) and all(isinstance(value, str) for value in values):
            return tuple(values)
        self.document.report(
            "E114",
            f'"{key}" is a list of texts',
            self.places.value((*path, key)),
            f"write  {key} = ['...', '...']",
            where,
        )
        return ()

    # ── tables ────────────────────────────────────────────────────────────────────────────────────────────────

    def _lists(self, table: Mapping[str, Any]) -> None:
        for name in table:
            values = self.texts(table, ("lists",), name, "")
            if not values and not any(problem.code == "E114" for problem in self.document.problems):
                spot = self.places.value(("lists", name))
                self.document.report("E114", f'the list "{name}" is empty', spot, "put something in, or remove it")
            self.document.lists[name] = values

    def _definitions(self, table: Mapping[str, Any]) -> None:
        for name, text in table.items():
            path: Path = ("define", name)
            if not _NAME.match(name):
                said = f'"{name}" cannot be the name of a definition'
                self.document.report(
                    "E114", said, self.places.key(path), "small letters, digits and _ :  working_hours"
                )
                continue
            if not isinstance(text, str):
                self.document.report(
                    "E114", f'"{name}" is a condition', self.places.value(path), f"write  {name} = '...'"
                )
                continue
            node = self._condition(text, path, f'definition "{name}"')
            if node is not None:
                self.document.definitions[name] = Definition(name, text, node)
            else:
                self.document.unread.add(name)

    def _condition(self, text: str, path: Path, where: str) -> Node | None:
        try:
            return parse_condition(text)
        except SyntaxFault as whole:
            from rules.pieces import faults

            for fault in faults(text, whole):
                spot = self.places.inside(path, fault.start, fault.end)
                self.document.report(fault.code, fault.message, spot, fault.help, where)
            return None

    def _rule(self, number: int, table: Mapping[str, Any], names: dict[str, int]) -> None:
        path: Path = ("rule", number)
        line = self.places.line(path)
        name = self.typed(table, path, "name", str, "", "")
        where = f'rule "{name}"' if name else f"rule {number + 1}"
        self.keys(table, RULE_KEYS, path, where)
        if not name.strip():
            self.document.report("E113", "this rule has no name", self.places.key(path), 'add  name = "..."', where)
        elif name in names:
            said = f'rule {names[name]} is also called "{name}"'
            self.document.report(
                "E115", said, self.places.value((*path, "name")), "every rule has a name of its own", where
            )
        names.setdefault(name, number + 1)
        on = self.typed(table, path, "on", str, "new", where)
        if on not in ON:
            self.document.report(
                "E114",
                f'"{on}" is not when a rule is read',
                self.places.value((*path, "on")),
                "possible: new, reply, any",
                where,
            )
            on = "new"
        when = self.typed(table, path, "when", str, None, where)
        condition = self._condition(when, (*path, "when"), where) if when is not None else None
        broken = ("when" in table and condition is None) or not name
        actions = self._actions(table, path, where)
        rule = RawRule(
            number=number + 1,
            name=name,
            on=on,
            when=when,
            condition=condition,
            actions=actions,
            line=line,
            path=path,
            explicit_on="on" in table,
            enabled=self.typed(table, path, "enabled", bool, True, where),
            shadow=self.typed(table, path, "shadow", bool, False, where),
            until=self.typed(table, path, "until", date, None, where),
            owner=self.typed(table, path, "owner", str, "", where),
            note=self.typed(table, path, "note", str, "", where),
        )
        if not broken:
            self.document.rules.append(rule)

    def _actions(self, table: Mapping[str, Any], path: Path, where: str) -> tuple[tuple[int, Action], ...]:
        if "then" not in table:
            self.document.report("E113", "this rule does nothing", self.places.key(path), "add  then = ['...']", where)
            return ()
        texts = self.texts(table, path, "then", where)
        if not texts and table["then"] == []:
            self.document.report(
                "E113", "this rule does nothing", self.places.value((*path, "then")), "put an action in", where
            )
        actions = []
        for position, text in enumerate(texts):
            try:
                actions.append((position, parse_action(text)))
            except SyntaxFault as fault:
                spot = self.places.inside((*path, "then", position), fault.start, fault.end)
                self.document.report(fault.code, fault.message, spot, fault.help, where)
        return tuple(actions)


_SYNONYMS = {
    "if": "when", "condition": "when", "do": "then", "actions": "then", "action": "then", "active": "enabled",
    "title": "name", "comment": "note", "description": "note", "expires": "until", "dry_run": "shadow",
    "definitions": "define", "list": "lists", "rules": "rule", "tests": "test",
}  # fmt: skip
