"""Where the keys of a data file stand: TOML or JSON, for problems with a line and a caret.

Here: `read`, which gives the data and a finder of places. Not here: what the data mean (`load.py`).
Invariant: a path is a tuple of keys and indices, ("users", 0, "login"); the text is scanned for places only when a
problem asks for one.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from rules.problem import Problem

Where = tuple[str | int, ...]

MOST_BYTES = 64 << 20

_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_JSON_SCALAR = re.compile(r"[^\s,\]}]+")
_SPACE = re.compile(r"[ \t\r\n]*")


class Text:
    """The text of a data file, by the name it is called in problems."""

    def __init__(self, file: str, text: str, is_json: bool) -> None:
        self.file, self.text, self.is_json = file, text, is_json
        self._find = lru_cache(1)(self._finder)

    def problem(self, code: str, message: str, path: Where, advice: str = "") -> Problem:
        """Make a problem with the place of a path; the nearest table around it where it has none."""
        offset, length = self._find()(path)
        if offset < 0:
            return Problem(code, message, self.file, help=advice)
        return at_offset(self.file, self.text, offset, length, code, message, advice)

    def _finder(self) -> Callable[[Where], tuple[int, int]]:
        spans = _json_spans(self.text) if self.is_json else _toml_spans(self.text)

        def find(path: Where) -> tuple[int, int]:
            for length in range(len(path), 0, -1):
                if path[:length] in spans:
                    return spans[path[:length]]
            return -1, 0

        return find


def at_offset(file: str, text: str, offset: int, length: int, code: str, message: str, advice: str = "") -> Problem:
    """Make a problem at an offset of a text."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    excerpt = text[start : end if end >= 0 else len(text)].rstrip("\r")
    line = text.count("\n", 0, offset) + 1
    return Problem(code, message, file, line, offset - start + 1, max(length, 1), excerpt, help=advice)


def read(path: Path) -> tuple[dict[str, Any], Text, list[Problem]]:
    """Read a data file, JSON if its name says so, else TOML; with problems if it is no such text."""
    file = path.name
    try:
        content = path.read_bytes()[: MOST_BYTES + 1]
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        return {}, Text(file, "", False), [Problem("D100", f"cannot be read: {error.strerror}", str(path))]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return {}, Text(file, "", False), [Problem("D100", "is no UTF-8 text", file, line)]
    if len(content) > MOST_BYTES:
        return {}, Text(file, "", False), [Problem("D100", f"is larger than {MOST_BYTES >> 20} MB", file)]
    return parse(file, text, path.suffix.lower() == ".json")


def parse(file: str, text: str, is_json: bool) -> tuple[dict[str, Any], Text, list[Problem]]:
    """Read the text of a data file."""
    source = Text(file, text, is_json)
    try:
        data = json.loads(text) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        return {}, source, [at_offset(file, text, error.pos, 1, "D101", f"this is no JSON: {error.msg}")]
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (0, 0)
        excerpt = text.split("\n")[line - 1] if line else ""
        message = f"this is no TOML: {str(error).partition(' (at ')[0].lower()}"
        return {}, source, [Problem("D101", message, file, line, column, 1, excerpt)]
    except RecursionError:
        return {}, source, [Problem("D101", "is nested too deeply", file)]
    if not isinstance(data, dict):
        return {}, source, [Problem("D101", "is a list: the outermost level has to be an object", file, 1)]
    return data, source, []


def _toml_spans(text: str) -> dict[Where, tuple[int, int]]:
    from rules.places import Places

    return {path: (start, end - start) for path, (start, end) in Places(text).words.items()}


def _json_spans(text: str) -> dict[Where, tuple[int, int]]:
    """Walk JSON that the parser accepted; an element of a list stands where it begins, a key where it is written."""
    spans: dict[Where, tuple[int, int]] = {}

    def skip(at: int) -> int:
        return found.end() if (found := _SPACE.match(text, at)) else at

    def value(at: int, path: Where) -> int:
        at = skip(at)
        opening = text[at : at + 1]
        if opening not in ("{", "["):
            found = (_JSON_STRING if opening == '"' else _JSON_SCALAR).match(text, at)
            return found.end() if found else at + 1
        closing, number = ("}" if opening == "{" else "]"), 0
        at = skip(at + 1)
        while at < len(text) and text[at] != closing:
            key: str | int = number
            start, stop = at, at + 1
            if opening == "{":
                found = _JSON_STRING.match(text, at)
                stop = found.end() if found else at + 1
                key = json.loads(text[at:stop])
                at = skip(stop) + 1
            spans[(*path, key)] = (start, stop - start)
            at = skip(value(at, (*path, key)))
            number += 1
            if text[at : at + 1] == ",":
                at = skip(at + 1)
        return at + 1

    value(0, ())
    return spans
