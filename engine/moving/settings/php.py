"""Settings in PHP: the array of a configuration file, `array('a' => 1)` or `['a' => 1]`, and nothing else of PHP.

Here: literals, one inside another. Not here: what a setting means (`itop.py`, `eventum.py`).
Invariant: nothing is run; what is no literal is passed over as a value that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.moving.reading import Problems
from engine.moving.settings.given import Given, Value, plain_name

MOST_DEPTH = 30

_TOKEN = re.compile(
    r"""(?P<gap>\s+|//[^\n]*|\#[^\n]*)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<open>array\s*\(|\[)|(?P<close>[)\]])|(?P<arrow>=>)|(?P<comma>,)|(?P<word>[-+.\w\\:$]+)|(?P<other>.)""",
    re.DOTALL | re.IGNORECASE,
)
_START = re.compile(r"(?:(?:=|return)\s*|^[ \t]*)(?=array[ \t]*\(|\[)", re.IGNORECASE | re.MULTILINE)
_TABLES = ("ticket_log", "html_tags_to_remove", "html_tags_to_remove_from_reply", "delimiter_patterns")
"""What is a table although its keys look like names of settings."""

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

Element = tuple[str, "str | list[Element]", int]


def read(text: str, problems: Problems) -> Iterator[Given]:
    """Read every array of a PHP file: a setting is a name with a text, a list, or a table of patterns."""
    at, any_found = 0, False
    while found := _START.search(text, at):
        any_found = True
        elements, at = _array(text, found.end(), problems)
        yield from _settings(elements, "")
    if not any_found:
        problems.add("D101", "there is no array of PHP in it", 0)


def _array(text: str, at: int, problems: Problems) -> tuple[list[Element], int]:
    """Read one array with all that is in it; gives its elements and where it ends."""
    top: list[Element] = []
    stack: list[list[Element]] = []
    key, value, line = "", None, text.count("\n", 0, at) + 1  # type: str, str | list[Element] | None, int
    keys: list[str] = []
    while at < len(text):
        if text.startswith("/*", at):
            end = text.find("*/", at + 2)
            line += text.count("\n", at, end)
            at = end + 2 if end > 0 else len(text)
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            break
        at, kind, said = found.end(), found.lastgroup, found[0]
        line += said.count("\n")
        if kind == "open":
            if len(stack) >= MOST_DEPTH:
                problems.add("D101", "is nested too deeply", line)
                return top, len(text)
            stack.append([])
            keys.append(key)
            key, value = "", None
        elif kind == "arrow":
            key, value = value if isinstance(value, str) else "", None
        elif kind in ("comma", "close") and stack:
            if value is not None:
                stack[-1].append((key, value, line))
            key, value = "", None
            if kind == "close":
                done, outer = stack.pop(), keys.pop()
                if not stack:
                    return done, at
                key, value = outer, done
        elif kind == "text":
            value = _text(said)
        elif kind == "word":
            value = said
    problems.add("D101", "an array of it does not end", line)
    return top, len(text)


def _text(literal: str) -> str:
    inner = literal[1:-1]
    if literal[0] == "'":
        return re.sub(r"\\(['\\])", r"\1", inner)
    return re.sub(r"\\([\\\"$ntr])", lambda found: _ESCAPES.get(found[1], found[1]), inner)


def _settings(elements: list[Element], below: str) -> Iterator[Given]:
    for key, value, line in elements:
        name = plain_name(key)
        if isinstance(value, str):
            if key:
                yield Given(f"{below}{name}", value, line)
        elif key and (plain := _value(value, name in _TABLES)) is not None:
            yield Given(f"{below}{name}", plain, line)
        else:
            yield from _settings(value, _below(name))


def _below(name: str) -> str:
    """What stands in front of the settings of a table: its name, where they could be taken for others."""
    return (
        f"{name}."
        if name in ("smtp", "email_routing", "note_routing", "draft_routing", "subject_based_routing")
        else ""
    )


def _value(elements: list[Element], is_table: bool) -> Value | None:
    """A list of texts, or a table from pattern or tag to texts; None for a table of settings."""
    if all(isinstance(value, str) and (not key or key.isdecimal()) for key, value, _ in elements):
        return tuple(str(value) for _, value, _ in elements)
    if is_table or all(not re.fullmatch(r"[A-Za-z][\w-]*", key) for key, _, _ in elements):
        flat = all(isinstance(value, str) or not any(isinstance(each, list) or key for key, each, _ in value)
                   for _, value, _ in elements)  # fmt: skip
        if flat:
            return tuple(
                (key, value if isinstance(value, str) else " ".join(str(each) for _, each, _ in value))
                for key, value, _ in elements
            )
    return None
