"""Loading allegra.toml: read, tidy, make sections, check, or say everything that is wrong with it at once.

Here: the order of these steps. Not here: the steps themselves.
Invariant: a `Config` exists only if there is no error; problems of all kinds come together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.config import cross, inherit, syntax
from engine.config.effective import Config
from engine.config.problems import ConfigError
from engine.config.reading import Reader
from engine.config.root import Root, Workspace
from engine.config.source import Source
from engine.config.tidy import Finding, Tidy
from engine.config.tidy import Path as KeyPath
from engine.model.addresses import key_of
from rules.problem import Problem, Severity, in_order

FILE_LIMIT_BYTES = 4 << 20
_SECRET = (
    r"""(?i)((?!\w*(?:_env|_file|_command|reply_token)\b)\b\w*(?:pas+\w*|pw|secret|token|key)["']?\s*=\s*["']*)"""
    r"""((?<=["'])(?:(?!["']\s*(?:[,}\]#]|$)).)*|[^\s"',}\]]+)"""
)
"""A key that smells of a secret, and its value: misspelt ones too. Compiled only where there is a problem."""

_IN_ADDRESS = r"""((?://|["'](?!\w+://|mailto:))[^\s"'/@:]*:)([^\s"']+)(?=@)"""
"""A password in an address, `https://user:password@host`, and what stands before it."""

_CONSEQUENCES = ("C109", "C112", "C118")
"""Codes of what may be only because something else is wrong."""

_DEFAULTS: KeyPath = ("defaults", "mailbox")


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
        text = syntax.decode(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError((Problem("C150", "this is no UTF-8 text", file, line, column),)) from None
    return parse(text, path, environ, content)


def parse(text: str, path: Path, environ: Mapping[str, str] = os.environ, content: bytes = b"") -> Config:
    """Load text as if it stood in the file `path`. Raises: ConfigError with every problem."""
    folder = path.absolute().parent
    tables, problems = syntax.read(text, path.name)
    tidy = Tidy()
    source = Source(path.name, _readable(text, problems), tidy)
    tidied = tidy.table(tables, Root)
    tidy.environment(tidied, environ)
    reader = Reader(folder)
    root = cross.settled(reader.section(tidied, Root))
    mailboxes = _mailboxes(root)
    if root.oauth:
        from engine.config import oauth

        root, mailboxes = oauth.joined(root, mailboxes)
    wrong = {each.path for each in reader.findings if each.severity is Severity.ERROR} | tidy.meant
    crossing = cross.findings(root, mailboxes, path, whole=not problems)
    findings = [*reader.findings, *tidy.findings, *(each for each in crossing if not _follows(each, wrong))]
    late = in_order(source.problem(finding) for finding in findings if finding.late)
    at_once = (source.problem(finding) for finding in findings if not finding.late)
    found = tuple(map(_masked, in_order({*problems, *at_once})))
    if any(problem.severity is Severity.ERROR for problem in found):
        raise ConfigError((*found, *late))
    return Config(
        path=path,
        content=content or text.encode(),
        root=root,
        mailboxes=mailboxes,
        workspaces={name: _named(own, name) for name, own in root.workspace.items()},
        webhooks={name: hook.filled(name=name) for name, hook in root.webhooks.items()},
        own_addresses=_own_addresses(root, mailboxes),
        source=source,
        warnings=found,
        missing=late,
    )


def _follows(finding: Finding, wrong: set[KeyPath]) -> bool:
    """Tell whether what is missing or idle is only so because a value was wrong or a key misspelt: that is told."""
    if finding.code not in _CONSEQUENCES:
        return False
    *table, option = finding.path or ("",)
    causes = [finding.path or ("system", "mailbox")]
    if table[-1:] == ["mailbox"]:
        causes += [(*place, name) for place in (tuple(table), _DEFAULTS) for name in (option, "protocol")]
    if option == "password":
        causes += [(*place, "oauth") for place in (tuple(table), _DEFAULTS)]
    if finding.path[:1] == ("oauth",) and len(finding.path) == 2:  # nobody signs in by it
        causes += [path for path in wrong if path[-1:] == ("oauth",)]
    if option in ("password", "url", "client_secret", "refresh_token"):
        causes += [(*table, f"{option}_{way}") for way in ("env", "file", "command")]
    if finding.path[:1] in (("store",), ("workers",)):
        causes.append(("store", "driver"))
    if finding.code == "C112":
        causes.append(("workspace",))
    return any(path[: len(cause)] == cause for cause in causes for path in wrong)


def _masked(problem: Problem) -> Problem:
    """A problem that shows no secret, nor does its line: problems go to logs, mails of cron and other services."""
    message, excerpt, advice = (
        re.sub(_IN_ADDRESS, _stars, each) for each in (problem.message, problem.excerpt, problem.help)
    )
    return replace(problem, message=message, excerpt=re.sub(_SECRET, _stars, excerpt), help=advice)


def _stars(found: re.Match[str]) -> str:
    return found[1] + "*" * len(found[2])


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


def _own_addresses(root: Root, mailboxes: tuple[Any, ...]) -> tuple[str, ...]:
    """The keys of our addresses: those that are read, then those that we write from."""
    written = ["" if root.smtp is None else root.smtp.from_, root.errors.from_]
    written += [own.errors.from_ for own in root.workspace.values()]
    bare = (text.rstrip("> ").rpartition("<")[2] for text in written if text)
    return tuple(dict.fromkeys(map(key_of, (*(a for box in mailboxes for a in box.addresses), *bare))))


def _mailboxes(root: Root) -> tuple[Any, ...]:
    defaults = root.defaults.mailbox
    found = [] if root.system.mailbox is None else [inherit.mailbox(defaults, root.system.mailbox, "system", "")]
    for name, own in root.workspace.items():
        if own.mailbox is not None:
            found.append(inherit.mailbox(defaults, own.mailbox, name, name))
    return tuple(found)
