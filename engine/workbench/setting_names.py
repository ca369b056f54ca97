"""Do the names in settings exist? Types, people, groups and fields that `[items]` and `[people]` name; templates.

Here: what `allegra check` finds about them (C195, C196; C184 of templates), at the place where each was written. Not
here: names in rules (`names.py`), whether the value of an option is right in itself (`config/`).
Invariant: only what was written is doubted; one problem a place, however many workspaces inherit it. An option that
does nothing is an error, unless the database is still empty: its fields may come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from engine.item.catalog import canonical
from engine.item.values import custom, judge
from engine.model.desk import GROUP
from engine.model.questions import AccountByLogin, GroupNamed
from engine.workbench.names import Names, suggestion
from rules.problem import Problem, Severity, in_order

if TYPE_CHECKING:
    from engine.config import Config, Settings
    from engine.model.desk import Catalog

LOGS = ("comment", "note")
"""What `items.log_field` means beside a field of text."""


class _Said(Struct, frozen=True):
    """A doubt about an option of a section, before it is known where that was written."""

    section: str
    option: KeyPath
    message: str
    help: str = ""
    error: bool = False


def problems(config: Config, names: Names) -> tuple[Problem, ...]:
    """Everything that is doubted, in the order of the file."""
    found: dict[KeyPath, Problem] = {}
    for workspace in config.workspaces or ("",):
        settings, catalog = config.settings(workspace), names.catalogs.get(workspace)
        said = [*_fields(settings, names), *_people(settings, names)]
        if catalog is not None:
            said += [*_log_field(settings, catalog), *_defaults(settings, catalog, names)]
            said += _on_reply(settings, catalog)
        for each in said:
            path = _written(config, workspace, each)
            if path is not None and path not in found:
                found[path] = _problem(config, each, path, names.empty)
    for path, doubt in _groups_of_directories(config, names):
        found[path] = _problem(config, doubt, path, names.empty)
    return in_order(found.values())


def _groups_of_directories(config: Config, names: Names) -> Iterator[tuple[KeyPath, _Said]]:
    """The groups here that [directory.NAME.groups] names."""
    for name, own in config.directories.items() if not names.empty else ():
        for there, here in own.groups.items():
            if not names.look.ask(GroupNamed(here)):
                said = f'there is no group "{here}"'
                yield (
                    ("directory", name, "groups", there),
                    _Said("directory", (), said, _add(here, names.groups, "group")),
                )


TEMPLATES: tuple[tuple[str, str], ...] = (
    ("replies", "new_item"), ("replies", "new_comment"), ("replies", "held"), ("replies", "rejected"),
    ("people", "unknown_sender_reply"),
)  # fmt: skip
"""The options that name a template."""


def templates_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every option that names a template, with the name."""
    for section, option in TEMPLATES:
        if name := getattr(getattr(settings, section), option):
            yield f"{section}.{option}", name


def missing_templates(config: Config) -> tuple[Problem, ...]:
    """Every template that a setting names and that is not there, at the place where it was named."""
    from engine.outbox.templates import NAMES, Templates

    found: dict[KeyPath, Problem] = {}
    for workspace in ("", *config.workspaces):
        settings = config.settings(workspace)
        known = Templates(settings.replies.directory, config.instance.language, workspace)
        for option, name in templates_of(settings):
            if not known.exists(name):
                section, _, key = option.partition(".")
                said = f'there is no template for {option} = "{name}"'
                near = suggestion(name, NAMES, shown=False)
                advice = near or f"add {settings.replies.directory.name}/{name}.{config.instance.language}.txt"
                path = _written(config, workspace, _Said(section, (key,), said)) or (section, key)
                found.setdefault(path, config.source.problem(Finding("C184", said, path, advice)))
    return in_order(found.values())


def _written(config: Config, workspace: str, said: _Said) -> KeyPath | None:
    """Where the option that is in force in a workspace was written, None if it is a default."""
    own = config.workspaces.get(workspace)
    if own is not None and said.option[0] in getattr(own, said.section).written:
        return ("workspace", workspace, said.section, *said.option)
    return (said.section, *said.option) if said.option[0] in getattr(config.root, said.section).written else None


def _problem(config: Config, said: _Said, path: KeyPath, unsure: bool) -> Problem:
    code = "C196" if said.error else "C195"
    severity = Severity.ERROR if said.error and not unsure else Severity.WARNING
    return config.source.problem(Finding(code, said.message, path, said.help, severity=severity))


def _fields(settings: Settings, names: Names) -> Iterator[_Said]:
    """Names of fields that keywords may set, and the other names of keywords."""
    items = settings.items
    by_keyword = [field.name for field in items.fields.set_by("keyword")]
    named: list[tuple[KeyPath, str]] = [
        (("allow_override", number), name) for number, name in enumerate(items.allow_override) if name != "all"
    ]
    named += [(("keyword_aliases", alias), name) for alias, name in items.keyword_aliases.items()]
    for option, name in named:
        if canonical(name, items.fields) not in by_keyword and not names.is_own(name):
            said = f'there is no field "{name}" that a keyword could set'
            yield _Said("items", option, said, suggestion(name, (*by_keyword, *names.own_fields)), error=True)


def _log_field(settings: Settings, catalog: Catalog) -> Iterator[_Said]:
    wanted = settings.items.log_field
    field = custom(wanted, catalog)
    if wanted not in LOGS and (field is None or field.kind not in ("text", "long_text")):
        texts = [each.name for each in catalog.fields if each.kind in ("text", "long_text")]
        said = f'"{wanted}" is none of comment, note or a field of text in {catalog.workspace}'
        yield _Said("items", ("log_field",), said, suggestion(wanted, (*LOGS, *texts)), error=True)


def _defaults(settings: Settings, catalog: Catalog, names: Names) -> Iterator[_Said]:
    """What a new item gets where nothing is said."""
    for field in names.common.with_default:
        wanted = getattr(settings.items, field.name)
        if not isinstance(wanted, str) or not wanted:
            continue
        problem = judge(field.name, wanted, catalog, names.look, names.common).problem
        if problem and field.kind == "user":
            yield _Said("items", (field.name,), problem, suggestion(wanted, names.people, shown=False))
        elif problem:
            help = names.near_value(field.name, wanted, (catalog,))
            yield _Said("items", (field.name,), f"{problem}: {catalog.workspace}", help)


def _on_reply(settings: Settings, catalog: Catalog) -> Iterator[_Said]:
    """Statuses of the table that says which one follows a reply."""
    known = [each.name for each in catalog.statuses]
    for before, after in settings.items.on_reply.items():
        for status in (before, after):
            if status.casefold() not in map(str.casefold, known):
                said = f'"{status}" is no status of {catalog.workspace}'
                yield _Said("items", ("on_reply", before), said, suggestion(status, known))


def _people(settings: Settings, names: Names) -> Iterator[_Said]:
    """Groups and accounts."""
    if names.empty:
        return
    people, by = settings.people, settings.items.override_by
    groups: list[tuple[str, KeyPath, str]] = [
        ("people", ("default_group", number), name) for number, name in enumerate(people.default_group)
    ]
    groups.append(("people", ("create_defaults", "group"), people.create_defaults.group))
    groups.append(("items", ("override_by",), by.removeprefix(GROUP) if by.startswith(GROUP) else ""))
    for section, option, name in groups:
        if name and not names.look.ask(GroupNamed(name)):
            yield _Said(section, option, f'there is no group "{name}"', _add(name, names.groups, "group"))
    if names.look.ask(AccountByLogin(people.guest_user)) is None:
        said = f'there is no account "{people.guest_user}"'
        logins = (each for each in names.people if each not in names.groups)
        yield _Said("people", ("guest_user",), said, _add(people.guest_user, logins, "user"))


def _add(name: str, known: Iterable[str], noun: str) -> str:
    return suggestion(name, known, shown=False) or f"allegra {noun} add {name}"
