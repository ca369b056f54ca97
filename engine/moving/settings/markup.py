"""Settings in XML (an export of iTop) and in YAML (the settings of Redmine, a compose file).

Here: both as settings, nothing but texts, lists and tables. Not here: what they mean.
Invariant: XML with a document type is refused, so it has no entities to expand and nothing to fetch; YAML with an
alias is refused, and its tags make no objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from engine.moving.reading import Problems
from engine.moving.settings.given import Given, plain_name

MOST_DEPTH = 30
MOST_EVENTS = 20_000
_INNER = ("environment", "env_file", "services", "default", "production", "email_delivery", "settings")
"""Tables of YAML whose own name says nothing about a setting."""


class _Refused(Exception):
    """What stands in the file is not read at all, and why."""


def read_xml(text: str, problems: Problems) -> Iterator[Given]:
    """Read an export of iTop: of each Mail Inbox its fields."""
    try:
        yield from _Inboxes(text).found
    except (_Refused, expat.ExpatError) as error:
        line = error.lineno if isinstance(error, expat.ExpatError) else error.args[1]
        said = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else error.args[0]
        problems.add("D101", f"this is no XML that can be read: {said}", line)


class _Inboxes:
    """The fields of all inboxes: a field is an element without elements in it."""

    def __init__(self, text: str) -> None:
        self.found: list[Given] = []
        self._open: list[tuple[int, list[str]]] = []
        self._inner, self._group = False, 0
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = lambda data: self._open[-1][1].append(data) if self._open else None
        self._parser.Parse(re.sub(r"^<\?xml[^>]*\?>", "", text.lstrip()).encode("utf-8", "replace"), True)

    def _refuse(self, *_: Any) -> None:
        raise _Refused("it has a document type, which an export has not", self._parser.CurrentLineNumber)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MOST_DEPTH:
            raise _Refused("it is nested too deeply", self._parser.CurrentLineNumber)
        self._open.append((self._parser.CurrentLineNumber, []))
        self._inner = True
        if name.startswith("MailInbox"):
            self._group += 1

    def _end(self, name: str) -> None:
        line, parts = self._open.pop()
        if self._inner and self._group and not name.startswith("MailInbox"):
            value = "".join(parts).strip()
            if value:
                self.found.append(Given(plain_name(name), value, line, self._group))
        self._inner = False


def read_yaml(text: str, problems: Problems) -> Iterator[Given]:
    """Read YAML: names with values at any depth, and lists of `NAME=VALUE`."""
    import yaml

    try:
        nodes = list(yaml.compose_all(_without_aliases(text), Loader=yaml.BaseLoader))
    except _Refused as error:
        problems.add("D101", str(error.args[0]), error.args[1])
        return
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.add("D101", "this is no YAML that can be read", mark.line + 1 if mark is not None else 0)
        return
    except RecursionError:
        problems.add("D101", "is nested too deeply", 0)
        return
    for node in nodes:
        if node is not None:
            yield from _under(node, "", 0, problems)


def _without_aliases(text: str) -> str:
    """The text itself, when nothing in it is repeated by a name."""
    import yaml

    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
        if number > MOST_EVENTS:
            raise _Refused("has too many parts for settings", event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("repeats a part by its name (*), which is not read: write it out", event.start_mark.line + 1)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise _Refused("is nested too deeply", event.start_mark.line + 1)
    return text


def _under(node: Any, name: str, depth: int, problems: Problems) -> Iterator[Given]:
    """The settings below a node: a table of tables is gone through, a list of texts is a value or pairs."""
    import yaml

    from engine.moving.settings.words import variable

    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        if name:
            yield Given(name, node.value, line)
    elif isinstance(node, yaml.SequenceNode):
        texts = [each.value for each in node.value if isinstance(each, yaml.ScalarNode)]
        pairs = [each.partition("=") for each in texts]
        if pairs and all(equals for _, equals, _ in pairs):
            for each, (key, _, value) in zip(node.value, pairs, strict=False):
                yield Given(variable(key), value, each.start_mark.line + 1)
        elif len(texts) == len(node.value):
            if name and texts:
                yield Given(name, tuple(texts), line)
        else:
            for each in node.value:
                yield from _row(each, name, depth + 1, problems)
    else:
        for key, value in node.value:
            inner = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            smtp = plain_name(name) == "smtp_settings" and isinstance(value, yaml.ScalarNode)
            yield from _under(value, f"smtp_{plain_name(inner)}" if smtp else variable(inner), depth + 1, problems)


def _row(node: Any, name: str, depth: int, problems: Problems) -> Iterator[Given]:
    """A row of a table, as the settings table is exported: name and value."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        row = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        if "name" in row and "value" in row and isinstance(row["name"], yaml.ScalarNode):
            yield from _under(row["value"], plain_name(row["name"].value), depth + 1, problems)
            return
    yield from _under(node, name, depth + 1, problems)
