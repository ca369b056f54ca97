"""Between TOML and the sections: other spellings, unknown options, overrides from the environment.

Here: a walk over the tables with the options in hand. Not here: whether a value is right.
Invariant: what leaves here holds only names that the sections know; each name that was left out or respelled is a
problem.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from engine.config import unavailable
from engine.config.root import Root
from engine.config.section import Option, Section, options
from rules.problem import Severity

Path = tuple[str | int, ...]
"""Keys and, for elements of arrays, indices, from the top of the file down."""

PREFIX = "ALLEGRA__"
_HINTS = {
    "read_on_failure": 'write after_failure = "seen" in [defaults.mailbox]',
    "imap_options": "ssl and ssl_verification say the same",
    "imap_open_options": "ssl and ssl_verification say the same",
    "apop": 'write auth = "apop"',
    "imap_check_interval": "`allegra install-timer --every` says how often `allegra run` starts",
    "include": "there is one file; use the environment for what differs between machines",
}


class Finding(Struct, frozen=True):
    """A problem without its place: `path` as it stands in the file, `at` a character in the value or -1.

    `late`: it stands in the way of deciding mail only; everything else can be done meanwhile. `blind`: its line holds a
    secret in no shape that can be masked, and is not shown.
    """

    code: str
    message: str
    path: Path
    help: str = ""
    on_key: bool = False
    at: int = -1
    severity: Severity = Severity.ERROR
    late: bool = False
    blind: bool = False


class Tidy(Struct):
    """The walk and what it found: `spelled` maps respelled paths to those in the file, `env` paths to variables.

    `meant` are the paths of options and sections that unknown keys were probably to be.
    """

    findings: list[Finding] = field(default_factory=list)
    spelled: dict[Path, Path] = field(default_factory=dict)
    env: dict[Path, str] = field(default_factory=dict)
    meant: set[Path] = field(default_factory=set)

    def table(
        self, table: Mapping[str, Any], section: type[Section], path: Path = (), raw: Path = ()
    ) -> dict[str, Any]:
        """Walk one table; what is known comes back under its proper name."""
        known, tidy = options(section), {}
        for key, value in table.items():
            option = known.get(key) or self._respelled(key, section, path, raw)
            if option is None:
                self._unknown(key, section, (*raw, key), path)
                continue
            here, there = (*path, option.name), (*raw, key)
            if option.name in tidy:
                said = f"{option.name} is given twice, under two spellings"
                self.findings.append(Finding("C101", said, there, on_key=True))
            tidy[option.name] = self._value(value, option, here, there)
        return tidy

    def _value(self, value: Any, option: Option, here: Path, there: Path) -> Any:
        if not isinstance(value, dict):
            return value
        if option.section is not None:
            return self.table(value, option.section, here, there)
        named = option.sections
        if named is None:
            return value
        return {
            name: self.table(entry, named, (*here, name), (*there, name)) if isinstance(entry, dict) else entry
            for name, entry in value.items()
        }

    def _respelled(self, key: str, section: type[Section], path: Path, raw: Path) -> Option | None:
        """An option under another name: with hyphens, in other case, or as another system calls it."""
        plain = key.replace("-", "_").casefold()
        plain = section.aliases.get(plain, plain)
        by_plain = {option.attribute.rstrip("_"): option for option in options(section).values()}
        by_plain |= {name.casefold(): option for name, option in options(section).items()}
        option = by_plain.get(plain)
        if option is not None:
            self.spelled[(*path, option.name)] = (*raw, key)
            said = f'"{key}" is understood as {option.name}'
            self.findings.append(Finding("C170", said, (*raw, key), on_key=True, severity=Severity.INFO))
        return option

    def _unknown(self, key: str, section: type[Section], raw: Path, path: Path) -> None:
        if near := _near(key, section):
            self.meant.add((*path, near))
        of = "" if section is Root else section.__name__.lower()
        if missing := unavailable.missing_option(of, key.replace("-", "_").casefold()):
            self.findings.append(
                Finding("C108", f"this version has no {missing}", raw, f"take {key} out of the file", on_key=True)
            )
            return
        if instead := unavailable.retired_option(of, key.replace("-", "_").casefold()):
            said = f"{key} has no effect any more: {instead}"
            self.findings.append(
                Finding("C172", said, raw, f"take {key} out of the file", on_key=True, severity=Severity.WARNING)
            )
            return
        where = ".".join(map(str, raw[:-1]))
        said = f'there is no option "{key}" in [{where}]' if where else f'there is no section or option "{key}"'
        self.findings.append(Finding("C101", said, raw, _advice(key, section), on_key=True))

    def environment(self, tables: dict[str, Any], environ: Mapping[str, str]) -> None:
        """Put `ALLEGRA__SECTION__KEY=value` into the tables, in place."""
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            words = variable[len(PREFIX) :].split("__")
            found = _find(words, tables)
            if found is None:
                advice = _near_variable(words, tables)
                self.findings.append(Finding("C140", f"{variable} names no option", ("", variable), advice))
                continue
            path, option = found
            table = tables
            for name in path[:-1]:
                below = table.setdefault(str(name), {})
                if not isinstance(below, dict):
                    break
                table = below
            else:
                table[str(path[-1])] = _typed(environ[variable], option)
                self.env[path] = variable

    def place(self, path: Path) -> Path:
        """The path as it stands in the file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.spelled:
                return (*self.spelled[path[:length]], *path[length:])
        return path


def _advice(key: str, section: type[Section]) -> str:
    """What somebody who wrote an unknown key may have meant."""
    plain = key.replace("-", "_").casefold()
    if plain in _HINTS:
        return _HINTS[plain]
    import difflib

    elsewhere = everywhere()
    if plain in elsewhere:
        return f"{plain} is an option of [{elsewhere[plain]}]"
    if meant := _near(key, section):
        return f"did you mean  {meant} ?"
    if near := difflib.get_close_matches(plain, elsewhere, 1, 0.85):
        return f"did you mean  {near[0]}  of [{elsewhere[near[0]]}] ?"
    return ""


def _near(key: str, section: type[Section]) -> str:
    """The option of a section that looks like an unknown key."""
    import difflib

    near = difflib.get_close_matches(key.replace("-", "_").casefold(), options(section), 1, 0.7)
    return near[0] if near else ""


def everywhere() -> dict[str, str]:
    """Every option name and the first section it belongs to."""
    found: dict[str, str] = {}

    def walk(section: type[Section], path: str) -> None:
        for name, option in options(section).items():
            below = option.section or option.sections
            if path:
                found.setdefault(name, path)
            if below is not None:
                walk(below, f"{path}.{name}{'.NAME' if option.named else ''}".strip("."))

    walk(Root, "")
    return found


def _find(words: list[str], tables: Mapping[str, Any]) -> tuple[Path, Option] | None:
    """The option that the words of a variable name, in any case."""
    section: type[Section] | None = Root
    path: Path = ()
    option: Option | None = None
    waiting: type[Section] | None = None
    here: Any = tables
    for word in words:
        plain = word.casefold()
        if waiting is not None:
            names = here if isinstance(here, Mapping) else {}
            name = next((n for n in names if n.casefold().replace("-", "_") == plain), plain)
            section, waiting, option = waiting, None, None
        elif section is not None:
            known = {n.casefold(): o for n, o in options(section).items()}
            option = known.get(plain)
            if option is None:
                return None
            name, section, waiting = option.name, option.section, option.sections
        else:
            return None
        path = (*path, name)
        here = here.get(name) if isinstance(here, Mapping) else None
    return (path, option) if option is not None and section is None and waiting is None else None


def _near_variable(words: list[str], tables: Mapping[str, Any]) -> str:
    """The variable that may be meant: those of the file's own workspaces and webhooks are known by their names."""
    import difflib

    known = {"__".join(path).upper().replace("-", "_"): None for path in _paths(Root, tables)}
    near = difflib.get_close_matches("__".join(words).upper(), known, 1, 0.75)
    return f"did you mean  {PREFIX}{near[0]} ?" if near else ""


def _paths(section: type[Section], table: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every option that a variable can set."""
    held = table if isinstance(table, Mapping) else {}
    for name, option in options(section).items():
        if option.section is not None:
            yield from _paths(option.section, held.get(name), (*path, name))
        elif option.sections is not None:
            for key, entry in held.get(name, {}).items():
                yield from _paths(option.sections, entry, (*path, name, key))
        else:
            yield (*path, name)


def _typed(text: str, option: Option) -> Any:
    """The value of a variable: text as it stands where text is wanted, else what TOML makes of it."""
    as_it_stands = option.kind is not None and option.kind.name in ("text", "address", "path")
    if as_it_stands and not (option.many or option.named):
        return text
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
