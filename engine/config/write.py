"""The configuration in force, written as TOML.

Here: what `allegra config` shows: every option with its value and where it came from. Not here: reading.
Invariant: no secret is in it; what it prints loads again, secrets apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w
from msgspec import Struct
from msgspec.structs import replace

from engine.config.effective import Config
from engine.config.section import Option, Section, options
from engine.config.tidy import everywhere

MASK = "***"
SECRETS = frozenset({"password", "secret", "url", "key", "client_secret", "refresh_token", "replica_url"})
_INHERITED = ("gates", "people", "items", "body", "attachments", "errors", "replies", "notify")


class Entry(Struct, frozen=True):
    """One option in force: its path, its value as TOML has it, and where it came from."""

    path: tuple[str, ...]
    value: Any
    origin: str

    @property
    def key(self) -> str:
        """The path as it would be written in TOML."""
        return ".".join(part if _bare(part) else f'"{part}"' for part in self.path)


def entries(config: Config) -> Iterator[Entry]:
    """Every option in force, in the order of the sections; of a workspace only what it overrides."""
    root = config.root
    for name, option in options(type(root)).items():
        value = getattr(root, option.attribute)
        if name == "schema":
            yield Entry((name,), value, "default")
        elif name == "workspace":
            for identifier in config.workspaces:
                yield from _workspace(config, identifier)
        elif name in ("webhooks", "oauth", "directory"):
            for identifier, own in value.items():
                yield from _section(config, own, (name, identifier))
        elif name == "system":
            box = next((box for box in config.mailboxes if box.name == "system"), None)
            yield from _section(config, value.filled(mailbox=box), (name,))
        elif value is not None:
            yield from _section(config, value, (name,))


def _workspace(config: Config, identifier: str) -> Iterator[Entry]:
    own = config.workspaces[identifier]
    settings = config.settings(identifier)
    for name, option in options(type(own)).items():
        value = getattr(own, option.attribute)
        path = ("workspace", identifier, name)
        if name == "mailbox":
            if value is not None:
                yield from _section(config, config.mailbox(identifier), path)
        elif name in _INHERITED:
            yield from _overridden(config, getattr(settings, name), value, path)
        else:
            yield Entry(path, shown(option, value), config.source.origin((path,)))


def _overridden(config: Config, effective: Section, own: Section, path: tuple[str, ...]) -> Iterator[Entry]:
    """The options that a workspace writes, with the values that come of it."""
    for name, option in options(type(own)).items():
        if option.attribute in own.written:
            value = getattr(effective, option.attribute)
            if isinstance(value, Section) and type(value).nested:
                yield from _overridden(config, value, getattr(own, option.attribute), (*path, name))
            else:
                here = (*path, name)
                yield Entry(here, shown(option, value), config.source.origin((here,)))


def _section(config: Config, section: Section, path: tuple[str, ...]) -> Iterator[Entry]:
    for name, option in options(type(section)).items():
        value, here = getattr(section, option.attribute), (*path, name)
        if option.section is not None and (value is None or type(value).nested or name == "archive"):
            if value is not None:
                yield from _section(config, value, here)
        elif option.sections is not None:
            for identifier, own in value.items():
                yield from _section(config, own, (*here, identifier))
        else:
            yield Entry(here, shown(option, value), _origin(config, here))


def _origin(config: Config, path: tuple[str, ...]) -> str:
    above = ("defaults", *path[-2:]) if len(path) > 1 and path[-2] == "mailbox" else ()
    return config.source.origin((path, above) if above else (path,))


def shown(option: Option, value: Any) -> Any:
    """A value the way TOML has it, secrets masked."""
    if option.name in SECRETS and value:
        return MASK
    return _toml(option, value)


def _toml(option: Option, value: Any) -> Any:
    if isinstance(value, Section):
        return {name: _toml(inner, getattr(value, inner.attribute)) for name, inner in options(type(value)).items()}
    if isinstance(value, Mapping):
        return {name: _toml(option, own) if isinstance(own, Section) else own for name, own in value.items()}
    if option.many:
        return [element if option.kind is None else option.kind.show(element) for element in value]
    if option.kind is not None:
        return option.kind.show(value)
    return "" if value is None else value


def tables(found: Iterator[Entry]) -> dict[str, Any]:
    """The entries as nested tables."""
    root: dict[str, Any] = {}
    for entry in found:
        table = root
        for part in entry.path[:-1]:
            table = table.setdefault(part, {})
        last = entry.path[-1]
        if entry.value == "" and (
            last == "key"
            or last.startswith(("password", "url", "replica_url", "key_", "client_secret", "refresh_token"))
        ):
            continue
        if entry.value in ([], {}) and entry.path[-1].endswith("_command"):
            continue
        table[entry.path[-1]] = entry.value
    return root


def dumps(found: list[Entry]) -> str:
    """The entries as a TOML file."""
    return tomli_w.dumps(tables(iter(found)))


def find(config: Config, key: str) -> Entry | None:
    """The option of that key; of a workspace also one that it inherits."""
    found = {entry.key: entry for entry in entries(config)}
    if key in found:
        return found[key]
    words = key.split(".")
    if words[0] == "workspace" and len(words) > 3 and words[1] in config.workspaces and words[2] in _INHERITED:
        inherited = found.get(".".join(words[2:]))
        return replace(inherited, path=tuple(words)) if inherited is not None else None
    return None


def below(config: Config, section: str) -> list[Entry]:
    """Give the options of a section that are in force."""
    return [entry for entry in entries(config) if entry.key.startswith(f"{section}.")]


def near(key: str) -> str:
    """A hint at the key that was meant."""
    import difflib

    last = key.rpartition(".")[2].replace("-", "_")
    elsewhere = everywhere()
    names = [last] if last in elsewhere else difflib.get_close_matches(last, elsewhere, 1)
    return f"; did you mean {elsewhere[names[0]]}.{names[0]}?" if names else ""


def value_text(value: Any) -> str:
    """One value as TOML writes it, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_quoted(name)} = {value_text(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return tomli_w.dumps({"v": value}).partition("=")[2].strip()


def _quoted(name: str) -> str:
    return name if _bare(name) else value_text(name)


def _bare(name: str) -> bool:
    return bool(name) and all(char.isascii() and (char.isalnum() or char in "-_") for char in name)


def plain(tables: dict[str, Any]) -> str:
    """Tables as TOML text."""
    return tomli_w.dumps(tables)
