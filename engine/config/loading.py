"""Loading allegra.toml: read, tidy, validate, check, or say everything that is wrong with it at once.

Here: the order of these steps, and the sentences for what the validator finds. Not here: the schema, the checks.
Invariant: a `Config` exists only if there is no error; problems of all kinds come together.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic_core import ValidationError

from engine.config import cross, inherit, syntax, unavailable
from engine.config.effective import Config
from engine.config.problems import ConfigError
from engine.config.root import Root, Workspace
from engine.config.section import Option, Section, options, section_of, sections_of, validator
from engine.config.source import Source
from engine.config.tidy import Finding, Tidy
from rules.problem import Problem, Severity, in_order

FILE_LIMIT_BYTES = 4 << 20
_SECRET = re.compile(
    r"""((?!\w*(?:_env|_file|_command|reply_token)\b)\b\w*(?:pas+\w*|pw|secret|token|key)["']?\s*=\s*["']*)"""
    r"""((?<=["'])(?:(?!["']\s*(?:[,}\]#]|$)).)*|[^\s"',}\]]+)""",
    re.IGNORECASE,
)
"""A key that smells of a secret, and its value: misspelt ones too."""
_KINDS = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list: [ … ]",
    "dict_type": "a table: { … }",
    "mapping_type": "a table: { … }",
}


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Load a file. Raises: ConfigError with every problem."""
    file = path.name
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        said = "there is no such file" if missing else f"cannot be read: {error.strerror}"
        advice = "go to the folder of allegra.toml, or name it: --config FILE; `allegra init` writes one"
        raise ConfigError((Problem("C150", said, str(path), help=advice if missing else ""),)) from None
    if len(content) > FILE_LIMIT_BYTES:
        raise ConfigError((Problem("C150", f"larger than {FILE_LIMIT_BYTES} bytes", file),))
    try:
        text = syntax.decode(content, file)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError((Problem("C150", "this is no UTF-8 text", file, line, column),)) from None
    return parse(text, path, environ, hashlib.sha256(content).hexdigest())


def parse(text: str, path: Path, environ: Mapping[str, str] = os.environ, digest: str = "") -> Config:
    """Load text as if it stood in the file `path`. Raises: ConfigError with every problem."""
    folder = path.absolute().parent
    tables, problems = syntax.read(text, path.name)
    tidy = Tidy()
    source = Source(path.name, _readable(text, problems), tidy)
    tidied = tidy.table(tables, Root)
    tidy.environment(tidied, environ)
    root, findings = _validated(tidied, folder)
    findings += tidy.findings
    root = cross.settled(root, folder)
    mailboxes = _mailboxes(root)
    findings += cross.findings(root, mailboxes, path, whole=not problems)
    found = tuple(map(_masked, in_order({*problems, *map(source.problem, findings)})))
    if any(problem.severity is Severity.ERROR for problem in found):
        raise ConfigError(found)
    return Config(
        path=path,
        digest=digest or hashlib.sha256(text.encode()).hexdigest(),
        root=root,
        mailboxes=mailboxes,
        workspaces={name: _named(own, name) for name, own in root.workspace.items()},
        webhooks={name: hook.filled(name=name) for name, hook in root.webhooks.items()},
        own_addresses=tuple(dict.fromkeys(a.casefold() for box in mailboxes for a in box.addresses)),
        source=source,
        warnings=found,
    )


def _masked(problem: Problem) -> Problem:
    """A problem whose line of the file shows no secret: problems go to logs, mails of cron and other services."""
    return replace(problem, excerpt=_SECRET.sub(lambda found: found[1] + "*" * len(found[2]), problem.excerpt))


def _readable(text: str, problems: tuple[Problem, ...]) -> str:
    """The text with the broken lines blanked, so that positions can be found in the rest."""
    if not problems:
        return text
    lines = text.split("\n")
    for problem in problems:
        lines[problem.line - 1] = ""
    return "\n".join(lines)


def _named(own: Workspace, identifier: str) -> Workspace:
    return own.filled(identifier=identifier, name=own.name or identifier)


def _mailboxes(root: Root) -> tuple[Any, ...]:
    defaults = root.defaults.mailbox
    found = [] if root.system.mailbox is None else [inherit.mailbox(defaults, root.system.mailbox, "system", "")]
    for name, own in root.workspace.items():
        if own.mailbox is not None:
            found.append(inherit.mailbox(defaults, own.mailbox, name, name))
    return tuple(found)


def _validated(tables: dict[str, Any], folder: Path) -> tuple[Root, list[Finding]]:
    """Validate; values that are wrong are left out and the rest validated again, so that it can be checked too."""
    check = validator(Root)
    try:
        return check.validate_python(tables, context={"folder": folder}), []
    except ValidationError as error:
        findings = [_finding(detail, tables) for detail in error.errors(include_url=False)]
    for finding in findings:
        _drop(tables, finding.path)
    try:
        return check.validate_python(tables, context={"folder": folder}), findings
    except ValidationError:
        return check.validate_python({}, context={"folder": folder}), findings


def _drop(tables: dict[str, Any], path: tuple[Any, ...]) -> None:
    """Take the option that holds the value at `path` out of the tables."""
    table: Any = tables
    for name in path[:-1]:
        below = table.get(name)
        if not isinstance(below, dict):
            table.pop(name, None)
            return
        table = below
    if isinstance(table, dict):
        table.pop(path[-1], None)


def _finding(detail: Any, tables: dict[str, Any]) -> Finding:
    """Say what the validator found the way an admin needs it."""
    path: tuple[Any, ...] = tuple(detail["loc"])
    context = detail.get("ctx", {})
    section, option = _declared(path)
    if detail["type"] == "option":
        return Finding(context["code"], context["said"], path, context["advice"], at=context["at"])
    if detail["type"] == "literal_error" and option is not None:
        return _word(detail["input"], section, option, path)
    wanted = _KINDS.get(detail["type"])
    if wanted is None and detail["type"].endswith("_type"):
        wanted = "a table: { … }"
    return Finding("C102", f"this must be {wanted}" if wanted else str(detail["msg"]), path)


def _word(word: Any, section: str, option: Option, path: tuple[Any, ...]) -> Finding:
    if missing := unavailable.missing_word(section, option.name, word):
        return Finding("C108", f"this version has no {missing}", path)
    words = [str(w).lower() if isinstance(w, bool) else f'"{w}"' for w in literals(option.annotation)]
    import difflib

    near = difflib.get_close_matches(f'"{word}"', words, 1, 0.6)
    advice = f"did you mean  {near[0]} ?" if near else ""
    said = f'"{word}"' if isinstance(word, str) else str(word).lower() if isinstance(word, bool) else repr(word)
    return Finding("C103", f"{said} is none of {', '.join(words)}", path, advice)


def literals(annotation: Any) -> tuple[Any, ...]:
    """The words of a Literal, also inside a list."""
    from typing import Literal, get_args, get_origin

    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return literals(get_args(annotation)[0]) if get_origin(annotation) is tuple else ()


def _declared(path: tuple[Any, ...]) -> tuple[str, Option | None]:
    """The section name and the option that a path leads to."""
    section: type[Section] | None = Root
    named: type[Section] | None = None
    option: Option | None = None
    owner = ""
    for name in path:
        if named is not None:
            section, named = named, None
        elif section is not None and name in options(section):
            owner, option = section.__name__.lower(), options(section)[name]
            section, named = section_of(option.annotation), sections_of(option.annotation)
    return owner, option
