"""`fmt`: a rule file in its usual shape, nothing else changed.

Here: blanks inside of sentences, blanks around `=`, quotes that need no escapes, blank lines.
Not here: reordering or rewording; comments stay where they are.
Invariant: the formatted file loads to the same rules, and formatting it again changes nothing.
"""

from __future__ import annotations

import re
import tomllib

from rules.document import Document, read
from rules.outline import Definition
from rules.parse import parse_action, parse_condition
from rules.places import Path, Place
from rules.syntax import SyntaxFault
from rules.tested import tests

_TOKEN = re.compile(
    r'"[^"\n]*"'  # a text
    r"|/(?:[^/\\\n]|\\.)+/[A-Za-z]*"  # a pattern
    r"|#[^\n]*"
    r"|>=|<=|[()\[\],=<>+]"
    r"|\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}"
    r"|-?\d+(?:\.\d+)?"
    r"|[^\s\"()\[\],=<>+]+"
)


def formatted(file: str, text: str) -> str | None:
    """Give the file in its usual shape; None if it is no TOML."""
    document = read(file, text)
    if not document.places.text and document.text:
        return None
    edited = _apply(document.text, _edits(document))
    again = read(file, _blank_lines(edited))
    return again.text if _same(document, again) else document.text


def sentence(text: str) -> str:
    """One condition or action with single blanks; a text with comments or several lines stays as it is."""
    if "\n" in text or "#" in re.sub(r'"[^"\n]*"|/(?:[^/\\\n]|\\.)+/', "", text):
        return text.rstrip(" \t") if "\n" not in text else text
    said = ""
    before = ""
    for found in _TOKEN.finditer(text):
        token = found[0]
        tight = (
            not said
            or before in ("(", "[", "+")
            or token in (")", "]", ",")
            or (token == "[" and before in ("headers", "item"))
        )
        said += token if tight else f" {token}"
        before = token
    return said if _means_the_same(text, said) else text.strip()


def _means_the_same(text: str, said: str) -> bool:
    for parse in (parse_condition, parse_action):
        try:
            parse(text)
        except SyntaxFault:
            continue
        try:
            parse(said)
        except SyntaxFault:
            return False
        return _words(text) == _words(said)
    return False


def _words(text: str) -> list[str]:
    return [found[0] for found in _TOKEN.finditer(text)]


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _edits(document: Document) -> list[tuple[int, int, str]]:
    """What to put where; slices do not overlap."""
    edits: list[tuple[int, int, str]] = []
    widths = _widths(document)
    for path, place in document.places.found.items():
        if place.key_end > place.key_start and place.start > place.key_end and path in widths:
            edits.append((place.key_end, place.start, " " * (widths[path] - (place.key_end - place.key_start)) + " = "))
        if _is_sentence(path):
            new = _string(document, place)
            if new is not None and new != document.text[place.start : place.end]:
                edits.append((place.start, place.end, new))
    return edits


def _is_sentence(path: Path) -> bool:
    if path[0] == "define":
        return len(path) == 2
    if path[0] == "rule":
        return (len(path) == 3 and path[2] == "when") or (len(path) == 4 and path[2] == "then")
    return path[0] == "test" and len(path) == 4 and path[2] in ("expect", "expect_not")


def _string(document: Document, place: Place) -> str | None:
    source = document.text[place.start : place.end]
    if source[:1] not in "\"'":
        return None
    value = tomllib.loads(f"x = {source}")["x"]
    if source.startswith(("'''", '"""')):
        return None
    new = sentence(value)
    if "'" not in new and new.isprintable():
        return f"'{new}'"
    return source if new == value else None


def _widths(document: Document) -> dict[Path, int]:
    """For every key on a line of its own: the width that all keys of its table are padded to."""
    tables: dict[Path, list[Path]] = {}
    for path, place in document.places.found.items():
        top = path[0]
        depth = 3 if top in ("rule", "test") else 2
        begins = document.text[document.text.rfind("\n", 0, place.key_start) + 1 : place.key_start].strip() == ""
        if len(path) == depth and begins and place.key_end > place.key_start and document.text[place.key_start] != "[":
            tables.setdefault(path[:-1], []).append(path)
    widths: dict[Path, int] = {}
    for paths in tables.values():
        sizes = {path: document.places.found[path].key_end - document.places.found[path].key_start for path in paths}
        for path in paths:
            widths[path] = max(sizes.values())
    return widths


def _apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _blank_lines(text: str) -> str:
    """No blanks at line ends, at most one empty line, one before each table; strings of several lines stay."""
    inside = _multiline(text)
    lines: list[str] = []
    position = 0
    for line in text.split("\n"):
        kept = position in inside or (position + len(line)) in inside
        if position not in inside:
            if line.startswith("[") and lines and lines[-1].strip() and not lines[-1].startswith("#"):
                lines.append("")
            if not line.strip() and lines and not lines[-1].strip() and not kept:
                position += len(line) + 1
                continue
        lines.append(line if kept else line.rstrip())
        position += len(line) + 1
    return "\n".join(lines).strip("\n") + "\n"


def _multiline(text: str) -> frozenset[int]:
    """The positions inside of strings that span lines."""
    places = read("", text).places.found.values()
    inside: set[int] = set()
    for place in places:
        if text.startswith(("'''", '"""'), place.start) and "\n" in text[place.start : place.end]:
            inside.update(range(place.start + 1, place.end))
    return frozenset(inside)


def _same(before: Document, after: Document) -> bool:
    """Whether two documents say the same, blanks aside."""

    def said(document: Document) -> object:
        definitions: list[Definition] = list(document.definitions.values())
        return (
            document.lists,
            [(each.name, _words(each.text)) for each in definitions],
            [
                (rule.name, rule.on, _words(rule.when or ""), [_words(action.text) for _, action in rule.actions],
                 rule.enabled, rule.shadow, rule.until, rule.owner, rule.note)
                for rule in document.rules
            ],
            [
                (test.name, str(test.mail), [_words(text) for text in test.expect + test.expect_not])
                for test in tests(document)
            ],
            [(problem.code, problem.message) for problem in before.problems] if document is before else
            [(problem.code, problem.message) for problem in after.problems],
        )  # fmt: skip

    return said(before) == said(after)
