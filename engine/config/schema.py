"""The JSON Schema of allegra.toml, for editors that complete and check it while it is typed.

Here: the schema, made of the types of the options and of what docs/config.md tells about them. It is made when the
engine is built, not when it runs: allegra.schema.json, which is shipped, is held against this by a test.
Not here: what only the whole file shows (`cross.py`), other spellings (`tidy.py`).
Invariant: the schema refuses nothing that loads without a remark; what it cannot say, the loader does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import json

from engine.config.cross import IDENTIFIER
from engine.config.root import Root
from engine.config.section import Option, Section, options, words
from engine.config.write import SECRETS, shown

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ROW = re.compile(r"\| `(\w+)` \|(?:[^|`]|`[^`]*`)*\| (.+) \|")

Told = Mapping[tuple[str, str], str]
"""What an option means, by the section it is described in and its name."""


def told(markdown: str) -> dict[tuple[str, str], str]:
    """Read the tables of docs/config.md: a heading names sections, a row an option."""
    found: dict[tuple[str, str], str] = {}
    sections: list[str] = []
    for line in markdown.splitlines():
        if line.startswith("### "):
            sections = re.findall(r"`\[([\w.]+)\]`", line) or [""]
        elif row := _ROW.fullmatch(line):
            found |= {(section, row[1]): row[2].replace("`", "").replace("\\|", "|") for section in sections}
    return found


def schema(told: Told) -> dict[str, Any]:
    """Make the schema. Raises: KeyError for an option that is described nowhere."""
    sections: dict[type[Section], str] = {}
    for section, path in _sections(Root, ""):
        sections.setdefault(section, path)
    tables = {section.__name__.lower(): _table(section, path, told) for section, path in sections.items()}
    return {"$schema": DIALECT, "title": "allegra.toml", **tables.pop("root"), "$defs": tables}


def _sections(section: type[Section], path: str) -> Iterator[tuple[type[Section], str]]:
    """Every section, wherever it may stand."""
    yield section, path
    for name, option in options(section).items():
        if below := option.section or option.sections:
            yield from _sections(below, f"{path}.{name}{'.NAME' if option.named else ''}".strip("."))


def _table(section: type[Section], path: str, told: Told) -> dict[str, Any]:
    return {
        "description": (section.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": {name: _option(option, path, told) for name, option in options(section).items()},
        "additionalProperties": False,
    }


def _option(option: Option, path: str, told: Told) -> dict[str, Any]:
    """The schema of one option, with its meaning and its default; tables with a heading of their own have neither."""
    found = _value(option)
    if not (option.section or option.sections) or (path, option.name) in told:
        found["description"] = told[path, option.name]
        if option.name in SECRETS:
            found["writeOnly"] = True
        elif option.default is not None:
            found["default"] = shown(option, option.default)
    return found


def _value(option: Option) -> dict[str, Any]:
    if option.section is not None:
        return {"$ref": f"#/$defs/{option.section.__name__.lower()}"}
    if option.sections is not None:
        below = {"$ref": f"#/$defs/{option.sections.__name__.lower()}"}
        names = {"pattern": f"^{IDENTIFIER.pattern}$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": below}
    if option.kind is not None:
        one = dict(option.kind.written)
    else:
        one = {"enum": list(known)} if (known := words(option.type)) else json.schema(option.type)
    if option.many:
        return {"anyOf": [{"type": "array", "items": one}, one]}
    return {"type": "object", "additionalProperties": one} if option.named else one
