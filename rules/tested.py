"""The [[test]]s of a rule file: reading them, and what is wrong with them.

Here: tables to `RawTest`, the check of names, values and expectations. Not here: running them (the engine builds a mail
around the fields). Invariant: a broken test never keeps a file from loading; mail does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from rules.cases import BadCase, given
from rules.document import Document, Reader
from rules.near import near_names
from rules.parse import parse_action
from rules.places import Path
from rules.problem import Problem
from rules.schema import Schema
from rules.syntax import SyntaxFault

TEST_KEYS = ("name", "mail", "expect", "expect_rule", "expect_not", "expect_workspace", "expect_none")


class RawTest(Struct, frozen=True):
    """A [[test]]: `mail` is a table of fields, or a file name or mail id; `expect` and `expect_not` are actions."""

    name: str
    mail: Mapping[str, Any] | str
    line: int
    path: Path
    expect: tuple[str, ...] = ()
    expect_not: tuple[str, ...] = ()
    expect_rules: tuple[str, ...] = ()
    expect_workspace: str = ""
    expect_none: bool = False


def tests(document: Document) -> tuple[RawTest, ...]:
    """The tests of a file, those that can be run."""
    return tuple(_read(document).found)


def problems(document: Document, schema: Schema) -> tuple[Problem, ...]:
    """Everything that is wrong with the tests of a file."""
    reader = _read(document)
    for test in reader.found:
        reader.names(test, schema)
    return tuple(reader.document.problems)


def _read(document: Document) -> _Tests:
    reader = _Tests(replace(document, problems=[]))
    for number, table in enumerate(document.tests):
        reader.test(number, table)
    return reader


class _Tests(Reader):
    """Reads tables of tests; problems go to a document of its own."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.found: list[RawTest] = []

    def test(self, number: int, table: Mapping[str, Any]) -> None:
        path: Path = ("test", number)
        name = self.typed(table, path, "name", str, "", "") or f"test {number + 1}"
        where = f'test "{name}"'
        self.keys(table, TEST_KEYS, path, where)
        mail = table.get("mail")
        if not isinstance(mail, str | dict):
            spot = self.places.value((*path, "mail")) if "mail" in table else self.places.key(path)
            self.document.report("E170", "this test has no mail", spot, 'such as  mail = { subject = "..." }', where)
            return
        expected = [key for key in TEST_KEYS[2:] if key in table]
        if not expected:
            self.document.report(
                "E170",
                "this test expects nothing",
                self.places.key(path),
                "add  expect = ['...']  or  expect_none = true",
                where,
            )
        actions = {key: self.texts(table, path, key, where) for key in ("expect", "expect_not")}
        for key, texts in actions.items():
            for position, text in enumerate(texts):
                try:
                    parse_action(text)
                except SyntaxFault as fault:
                    inside = (*path, key, position) if isinstance(table[key], list) else (*path, key)
                    spot = self.places.inside(inside, fault.start, fault.end)
                    self.document.report(fault.code, fault.message, spot, fault.help, where)
        self.found.append(
            RawTest(
                name=name,
                mail=mail,
                line=self.places.line(path),
                path=path,
                expect=actions["expect"],
                expect_not=actions["expect_not"],
                expect_rules=self.texts(table, path, "expect_rule", where),
                expect_workspace=self.typed(table, path, "expect_workspace", str, "", where),
                expect_none=self.typed(table, path, "expect_none", bool, False, where),
            )
        )

    def names(self, test: RawTest, schema: Schema) -> None:
        """Check the rules that a test expects, and the fields of its mail."""
        where = f'test "{test.name}"'
        places = self.document.places
        names = [raw.name for raw in self.document.rules]
        for expected in test.expect_rules:
            if expected not in names:
                near = near_names(expected, names, 1)
                help = f'did you mean  "{near[0]}" ?' if near else ""
                spot = places.value((*test.path, "expect_rule"))
                self.document.report("E170", f'there is no rule called "{expected}"', spot, help, where)
        if isinstance(test.mail, str):
            return
        try:
            list(given(test.mail, schema))
        except BadCase as bad:
            path = (*test.path, "mail", *bad.path)
            spot = places.key(path) if bad.code == "E171" else places.value(path)
            self.document.report(bad.code, bad.message, spot, bad.help, where)
