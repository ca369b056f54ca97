"""What `allegra check` looks at, one function a thing.

Here: the table of checks, `look`, which goes through it, and `look_at`, which loads the configuration first. Not here:
how their findings are printed (`cli/check.py`).
Invariant: a check never changes anything and never raises; what it cannot look at it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from rules.problem import Problem, Severity, in_order

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import Config
    from engine.model.extra import Extra


class Checked(Struct, frozen=True):
    """One thing that was looked at: its name, what it is when it is sound, and what is wrong with it."""

    name: str
    summary: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def sound(self) -> bool:
        """Tell whether there is no error."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


def configuration(config: Config) -> Iterator[Checked]:
    """The file itself, whose own errors have ended the command before, and the names in it that must exist."""
    from engine.workbench.hearers import problems as unheard
    from engine.workbench.names import opened
    from engine.workbench.setting_names import problems as unknown

    keys = config.source.places.pairs
    found = [
        f"{keys} keys",
        _count(len(config.workspaces), "workspace"),
        _count(len(config.mailboxes), "mailbox", "es"),
    ]
    problems = list(config.warnings)
    if config.smtp is None:
        said = "there is no [smtp] section: nobody is sent anything, also later"
        problems.append(Problem("C171", said, config.path.name, severity=Severity.INFO))
    with opened(config) as names:
        problems += (*unknown(config, names), *unheard(config, names.store))
    yield Checked(config.path.name, ", ".join(found), tuple(problems))


def rule_files(config: Config) -> Iterator[Checked]:
    """Every rule file that is in force; traps and style count as warnings."""
    from engine.rulebook.book import check_rules
    from engine.workbench.names import opened

    with opened(config) as names:
        for file, rules, tests, problems in check_rules(config, names):
            yield Checked(file, f"{_count(rules, 'rule')}, {_count(tests, 'test')}", problems)


def hook_scripts(config: Config) -> Iterator[Checked]:
    """Every script of the hooks directory: does the sandbox take it?"""
    if not config.hooks.directory.is_dir() and not config.missing:
        return
    from engine.workbench.script_check import check_scripts

    for file, summary, problems in check_scripts(config):
        yield Checked(file, summary, problems)


def templates(config: Config) -> Iterator[Checked]:
    """Every template file, and every template that a setting names."""
    from engine.outbox.checking import check
    from engine.workbench.setting_names import missing_templates
    from engine.workbench.templates import strays

    stray: Mapping[Path, Problem] | None = None
    directories = [config.settings(workspace).replies.directory for workspace in ("", *config.workspaces)]
    for directory in dict.fromkeys(directories):
        for file, problems in check(directory):
            stray = strays(config) if stray is None else stray
            more = (stray[file],) if file in stray else ()
            name = f"{directory.name}/{file.relative_to(directory).as_posix()}"
            yield Checked(name, "compiles", tuple(replace(each, file=name) for each in (*problems, *more)))
    if missing := missing_templates(config):
        yield Checked("templates of settings", "", missing)


def database(config: Config) -> Iterator[Checked]:
    """Whether the database opens and what its schema is; one that is not there yet is made by the first run."""
    from engine.workbench.database_check import looked_at

    yield Checked(*looked_at(config))


def database_server(config: Config) -> Iterator[Checked]:
    """Whether the server of the database is what the store has to have."""
    from engine.workbench.server_check import looked_at

    for found in looked_at(config):
        yield Checked(*found)


MADE = ("imap", "gmail", "graph")
"""Protocols whose folders are made when they are needed, on a server."""


def mailboxes(config: Config) -> Iterator[Checked]:
    """Log in to every active mailbox."""
    from engine.run.since import lying_there
    from engine.sources import KINDS, open_source
    from engine.sources.source import SourceError
    from engine.store.clock import now as utc_now

    for box in config.mailboxes:
        if not box.active or box.protocol not in KINDS:
            continue
        try:
            with open_source(box, config.settings().limits, utc_now) as source:
                listed = source.list()
                older = lying_there(config, source, box, listed)
                summary = f"logged in, {_count(len(listed), 'mail')}" + (f", {older}" if older else "")
                missing = [f for f in _folders(box) if box.protocol in MADE and f not in source.folders()]
        except SourceError as error:
            help = f"allegra mailbox folders {box.name}" if error.code == "source.folder_missing" else ""
            problem = Problem("C191", error.sentence, f"mailbox {box.name}", help=help)
            yield Checked(f"{box.name}  {box.place}", "", (problem,))
            continue
        said = f"there is no folder {', '.join(missing)}; it is made when it is needed"
        info = (Problem("C192", said, f"mailbox {box.name}", severity=Severity.INFO),) if missing else ()
        yield Checked(f"{box.name}  {box.place}", summary, info)


def outgoing(config: Config) -> Iterator[Checked]:
    """Log in to the server that takes outgoing mail."""
    if config.smtp is None:
        return
    from engine.outbox.transport import Away, transport

    smtp, name = config.smtp, f"{config.smtp.transport}  {config.smtp.place}"
    try:
        with transport(smtp, "localhost") as way:
            way.open()
    except Away as error:
        yield Checked(name, "", (Problem("C193", str(error), "smtp"),))
        return
    said = "answers" if smtp.transport == "smtp" else "is there"
    yield Checked(name, "logged in" if smtp.username else said)


def signing_in(config: Config) -> Iterator[Checked]:
    """Whether a client secret, certificate or refresh token ends soon."""
    if not config.root.oauth:
        return
    from datetime import UTC, datetime

    from engine.web.expiry import ending

    soon = ending(config, datetime.now(UTC))
    for name in config.root.oauth:
        found = [
            Problem("C199", each.said, f"[oauth.{name}]", help=each.advice, severity=Severity.WARNING)
            for each in soon if each.section == name
        ]  # fmt: skip
        yield Checked(f"[oauth.{name}]", "" if found else "nothing ends soon", tuple(found))


def keys(config: Config, *, written: bool) -> Iterator[Checked]:
    """Read the keys of [http], those that stand in the file itself or the others; programs that give one are run."""
    if config.root.http is not None:
        from engine.workbench.http_keys import looked_at

        for name, problem in looked_at(config.root.http.keys, written=written):
            yield Checked(f"[http.keys.{name}]", "" if problem else "can be had", (problem,) if problem else ())


def tables(config: Config) -> Iterator[Checked]:
    """Read every directory that is a file."""
    yield from _directories(config, "csv")


def servers(config: Config) -> Iterator[Checked]:
    """Log in to every directory that is a server, and look up somebody whom nobody knows."""
    yield from _directories(config, "ldap")


def _directories(config: Config, kind: str) -> Iterator[Checked]:
    for name, own in config.directories.items():
        if own.kind != kind:
            continue
        from engine.directories import Away, open_directory

        people = open_directory(own)
        try:
            yield Checked(f"directory {name}", people.look())
        except Away as error:
            yield Checked(f"directory {name}", "", (Problem("C200", str(error), f"directory {name}"),))
        finally:
            people.close()


def _folders(box: object) -> list[str]:
    names = ("move_on_success", "move_on_failure", "move_on_hold")
    return list(dict.fromkeys(folder for name in names if (folder := getattr(box, name))))


def _count(number: int, word: str, plural: str = "s") -> str:
    return f"{number} {word if number == 1 else word + plural}"


def log_file(config: Config) -> Iterator[Checked]:
    """Whether the file of [log] can be written; without one nothing is looked at."""
    file = config.log.file
    if file is None:
        return
    from engine.log import problem

    wrong = problem(file)
    said = f"the log {file} cannot be written: {wrong}; its lines are lost"
    found = (Problem("C198", said, file.name, severity=Severity.WARNING),) if wrong else ()
    yield Checked(file.name, "" if wrong else "can be written", found)


def console(config: Config) -> Iterator[Checked]:
    """Whether somebody can come into the web console, where one is configured."""
    if config.console.written:
        from engine.workbench.console_check import looked_at

        found = tuple(looked_at(config))
        yield Checked("console", "" if found else "can be entered", found)


CHECKS: tuple[Callable[[Config], Iterator[Checked]], ...] = (
    configuration,
    rule_files,
    hook_scripts,
    templates,
    database,
    tables,
    log_file,
    console,
    partial(keys, written=True),
)
ONLINE: tuple[Callable[[Config], Iterator[Checked]], ...] = (
    database_server, mailboxes, outgoing, signing_in, servers, partial(keys, written=False),
)  # fmt: skip


class Looked(Struct, frozen=True):
    """Everything that was looked at, and whether the configuration loads: without it nothing else is looked at."""

    checked: tuple[Checked, ...]
    loads: bool

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong, by file and line."""
        return in_order(problem for each in self.checked for problem in each.problems)


def look_at(path: Path, extra: Extra, *, online: bool = False) -> Looked:
    """Look at the configuration of a file and, if it loads, at everything else; `extra` is what the host adds."""
    from engine.config import ConfigError, load

    try:
        config = replace(load(path), extra=extra)
    except ConfigError as error:
        return Looked((Checked(path.name, "", error.problems),), loads=False)
    return Looked(tuple(look(config, online=online)), loads=True)


def look(config: Config, *, online: bool = False) -> Iterator[Checked]:
    """Look at everything there is to check; `online` also logs in to the mailboxes and the SMTP server."""
    for check in (*CHECKS, *(ONLINE if online else ())):
        yield from check(config)
