"""The templates of an installation, for who writes them: which there are, what uses them, a copy to begin with.

Here: listing, showing, copying, checking. Not here: trying one (`template_trial.py`), rendering (`outbox/`).
Invariant: nothing is written but the copy that was asked for, and never over a file that is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.events import EVENTS
from engine.outbox import layout, page
from engine.outbox.checking import template_files
from engine.outbox.templates import FORMER, LANGUAGES, NAMES, Templates, is_name, source, spoken
from engine.rulebook.book import load_rules, shown
from engine.store.errors import NotFound, Refused, Unclear
from engine.workbench import checks
from engine.workbench.names import suggestion
from engine.workbench.setting_names import templates_of
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config
    from engine.rulebook.book import Rulebook

BUILT_IN = "built in"

_ALWAYS = {"answer": ("item.answered",), "waits": ("mail.waits",), "account": ("person.created",)}
"""What the engine sends by itself, whatever settings say."""


class Listed(Struct, frozen=True):
    """A template from one place, in the languages that come from there, and what sends it."""

    name: str
    languages: tuple[str, ...]
    origin: str
    used_by: tuple[str, ...]


class Text(Struct, frozen=True):
    """The text of a template as it is written, where it comes from and what sends it."""

    name: str
    language: str
    origin: str
    text: str
    used_by: tuple[str, ...] = ()


def listed(config: Config, workspace: str = "") -> list[Listed]:
    """Give every template that mail of a workspace (with "" of any) is made of, in the order of their purpose."""
    places_of_mail = (workspace,) if workspace else ("", *config.workspaces)
    there = [templates(config, place) for place in places_of_mail]
    used, found = _uses(config), list[Listed]()
    for name in (*NAMES, *_own_names(config, workspace)):
        places: dict[str, list[str]] = {}
        for language in LANGUAGES:
            for each in there:
                this = each.found(name, language)
                if this is not None and this.language == language:
                    languages = places.setdefault(_origin(config, this.file), [])
                    languages += [] if language in languages else [language]
        found += [Listed(name, tuple(languages), place, used.get(name, ())) for place, languages in places.items()]
    origins = dict.fromkeys(_layout(config, place).origin for place in places_of_mail)
    return [*found, *(Listed(layout.LAYOUT, (), origin, ("the HTML of every mail",)) for origin in origins)]


def names(config: Config) -> tuple[str, ...]:
    """Give every name that there is."""
    return (*NAMES, *_own_names(config, ""), layout.LAYOUT)


def in_short(languages: tuple[str, ...]) -> str:
    """Name languages in a narrow column."""
    return f"all {len(LANGUAGES)}" if languages == LANGUAGES else " ".join(languages)


def _origin(config: Config, file: Path | None) -> str:
    return BUILT_IN if file is None else shown(config, file)


def _folders(config: Config, workspace: str = "") -> list[Path]:
    """The folders that templates of a workspace (with "" of any) may lie in, the nearest first."""
    places = (workspace,) if workspace else (*config.workspaces, "")
    directories = {place: config.settings(place).replies.directory for place in places}
    return list(dict.fromkeys((*(folder / place for place, folder in directories.items()), *directories.values())))


def _own_names(config: Config, workspace: str) -> list[str]:
    """Names that are not built in, of files that are used."""
    files = (file for folder in _folders(config, workspace) for file in folder.glob("*.txt"))
    parts = (file.stem.rpartition(".") for file in files)
    names = {FORMER.get(name, name) for name, _, language in parts if is_name(name) and language in LANGUAGES}
    return sorted(names - {*NAMES})


def _uses(config: Config) -> Mapping[str, tuple[str, ...]]:
    """What sends each template: events, settings, rules."""
    found: dict[str, list[str]] = {name: list(events) for name, events in _ALWAYS.items()}
    found["notice"] = ["events without one of their own"]
    for event in EVENTS:
        if event.template:
            found.setdefault(event.template, []).append(event.name)
    for workspace in ("", *config.workspaces):
        for option, name in templates_of(config.settings(workspace)):
            uses = found.setdefault(FORMER.get(name, name), [])
            if option not in uses:
                uses.append(f"{option} of {workspace}" if workspace else option)
    for name, rule in _by_rules(load_rules(config)):
        found.setdefault(FORMER.get(name, name), []).append(rule)
    return {name: tuple(dict.fromkeys(uses)) for name, uses in found.items()}


def _by_rules(book: Rulebook) -> Iterator[tuple[str, str]]:
    """The templates that rules name, "" for a name that each mail makes anew; each with the rule."""
    for file in book.rules.files.values():
        for rule in file.rules:
            for step in (ready.step for ready in rule.steps):
                if step.spec.name == "reply_with":
                    yield step.texts[0].constant or "", f"{file.file} rule {rule.number}"


def strays(config: Config) -> Mapping[Path, Problem]:
    """Tell of files that no mail is made of: their workspace is not there, or nothing sends what they are called."""
    folders, uses, book = _folders(config), _uses(config), load_rules(config)
    certain = not book.broken and all(name for name, _ in _by_rules(book))
    found: dict[Path, Problem] = {}
    for directory in {config.settings(place).replies.directory for place in ("", *config.workspaces)}:
        for file in template_files(directory):
            name, _, language = file.stem.rpartition(".")
            said = advice = ""
            if file.parent not in folders:
                said = f"{file.name} is not used: there is no workspace {file.parent.name}"
                advice = suggestion(file.parent.name, config.workspaces)
            elif certain and is_name(name) and language in LANGUAGES and FORMER.get(name, name) not in (*NAMES, *uses):
                said = f"{file.name} is not used: no setting and no rule names {name}"
                advice = suggestion(name, NAMES, shown=False)
            if said:
                found[file] = Problem("C180", said, file.name, help=advice, severity=Severity.WARNING)
    return found


# ── one ───────────────────────────────────────────────────────────────────────────────────────────────────────


def text(config: Config, name: str, language: str = "", workspace: str = "") -> Text:
    """Give the text that is in force in a language. Raises NotFound, Refused, Unclear."""
    if _is_layout(name):
        return _layout(config, workspace)
    name, language = FORMER.get(name, name), language_of(config, language)
    found = templates(config, workspace).found(name, language)
    if found is None:
        raise unknown(config, name, workspace)
    said = _written(name, found.language) if found.file is None else _read(found.file)
    return Text(name, found.language, _origin(config, found.file), said, _uses(config).get(name, ()))


def templates(config: Config, workspace: str) -> Templates:
    """The templates of a workspace, those of the installation with ""."""
    return Templates(config.settings(workspace).replies.directory, config.instance.language, workspace)


def _layout(config: Config, workspace: str) -> Text:
    directory = config.settings(workspace).replies.directory
    files = (directory / workspace / layout.LAYOUT, directory / layout.LAYOUT)
    file = next((each for each in files if each.is_file()), None)
    return Text(layout.LAYOUT, "", _origin(config, file), page.LAYOUT if file is None else _read(file))


def _written(name: str, language: str) -> str:
    return source(name, language).strip("\n") + "\n"


def _read(file: Path) -> str:
    from engine.outbox.sandbox import Unreadable, read

    try:
        return read(file)
    except Unreadable as error:
        raise Refused(f"{file}: {error}") from None


def _is_layout(name: str) -> bool:
    return name in (layout.LAYOUT, "layout")


def language_of(config: Config, language: str) -> str:
    """Give a language there are texts in; that of the installation where none is named. Raises Unclear."""
    if language and language not in LANGUAGES:
        raise Unclear(f"there are no texts in {language!r}; languages are {' '.join(LANGUAGES)}")
    return language or spoken(config.instance.language)


def unknown(config: Config, name: str, workspace: str) -> NotFound:
    """Say that there is no such template, and which was meant."""
    known = (*NAMES, *_own_names(config, workspace))
    return NotFound(f"there is no template {name!r}; {suggestion(name, known)}", name)


def copy(
    config: Config, name: str, language: str = "", to: Path | None = None, workspace: str = "", *, force: bool = False
) -> Path:  # fmt: skip
    """Write the text built in to a file of one's own, and give that. Raises NotFound, Refused, Unclear, OSError."""
    folder = to or config.settings(workspace).replies.directory / workspace
    if _is_layout(name):
        file, said = folder / layout.LAYOUT, page.LAYOUT
    else:
        name, language = FORMER.get(name, name), language_of(config, language)
        if name not in NAMES:
            raise unknown(config, name, workspace)
        file, said = folder / f"{name}.{language}.txt", _written(name, language)
    folder.mkdir(parents=True, exist_ok=True)
    made = False
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            made = not force
            stream.write(said)
    except FileExistsError:
        raise Refused(f"{shown(config, file)} is there already: --force writes over it") from None
    except OSError:
        if made:  # half a file would be taken for the text, and stand in the way of whoever tries again
            file.unlink(missing_ok=True)
        raise
    return file


def checked(config: Config) -> Iterator[checks.Checked]:
    """Look through every file, and at every place that names a template: settings, and rules of all files."""
    yield from checks.templates(config)
    for found in checks.rule_files(config):
        named = tuple(_of_templates(found.problems))
        if named:
            yield checks.Checked(found.name, "", named)


def _of_templates(problems: Iterable[Problem]) -> Iterator[Problem]:
    return (problem for problem in problems if problem.code == "W446")
