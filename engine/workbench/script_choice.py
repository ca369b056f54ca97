"""Which scripts a person means, in which versions, and how they stand.

Here: names to files, files to scripts with their fixtures, a sandbox for them. Not here: which scripts run in
production (`scripts/scripts.py`), what is wrong with one (`script_check.py`).
Invariant: nothing is remembered, no script is switched on or off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.rulebook.book import shown
from engine.scripts.files import Files
from engine.scripts.ledger import LEDGER, Ledger
from engine.scripts.params import NOTHING, Params
from engine.workbench.fixtures import fixtures
from hooks import source
from hooks.limits import SOURCE_BYTES, Limits
from hooks.sandbox import Isolation, Sandbox, Script

if TYPE_CHECKING:
    from engine.config import Config
    from hooks.problem import ScriptProblem

LOOKED_AT = 64 << 10
"""Bytes of a script that are looked at to guess which hook it is."""


RUNS, UNREADABLE, CHANGED = STATES = ("runs", "unreadable", "changed, not run yet")
"""How a script stands that is not off."""


class Listed(Struct, frozen=True):
    """A configured script. `state` is runs, unreadable, changed (not run yet) or off, with why."""

    hook: str
    name: str
    file: str
    sha256: str
    state: str
    fixtures: int


class Read(Struct, frozen=True):
    """A script from a file; `problem` is what is wrong with the file."""

    script: Script
    problem: ScriptProblem | None = None


class Suite(Struct, frozen=True):
    """A script and its fixtures, with the parameters it runs with; `problem` is what is wrong with its file."""

    script: Script
    file: str
    paths: tuple[Path, ...]
    params: str
    tables: str
    problem: ScriptProblem | None = None


@contextmanager
def sandbox(config: Config | None = None) -> Iterator[Sandbox]:
    """Open a sandbox with the limits of a configuration, or the usual ones, for the length of a `with`."""
    if config is None:
        made = Sandbox()
    else:
        hooks = config.hooks
        made = Sandbox(Limits(hooks.timeout, hooks.memory), Isolation("worker", hooks.allow_reduced_isolation))
    try:
        yield made
    finally:
        made.close()


def configured(config: Config) -> Iterator[tuple[str, str]]:
    """Name the scripts that run, in their order: hook and file name."""
    yield from (("guard", name) for name in config.hooks.guard)
    yield from (("activity", name) for name in config.hooks.activity)


def wanted(config: Config, names: Sequence[str]) -> list[tuple[str, str]]:
    """Give the configured scripts, or those of `names`, with the hook that those not configured seem to be."""
    there = list(configured(config))
    if not names:
        return there
    files = {name if name.endswith(".py") else f"{name}.py" for name in names}
    found = [pair for pair in there if pair[1] in files]
    missing = files - {name for _, name in found}
    return found + [(hook_of(config.hooks.directory / name), name) for name in sorted(missing)]


def suites(config: Config, names: Sequence[str], part: str = "") -> Iterator[Suite]:
    """Give the scripts of `wanted` with those of their fixtures whose name holds `part`."""
    files, (params, tables) = Files(config.hooks.directory), Params(config.hooks.params).read() or NOTHING
    for hook, name in wanted(config, names):
        loaded = files.read(name)
        paths = tuple(path for path in fixtures(config.hooks.directory, name) if part in path.stem)
        script = Script(name, hook, loaded.text)
        yield Suite(script, shown(config, loaded.path), paths, params, tables, loaded.problem)


def listed(config: Config) -> Iterator[Listed]:
    """Tell of every configured script which version it is and whether it runs."""
    files, ledger = Files(config.hooks.directory), Ledger(config.instance.state_dir / LEDGER)
    for hook, name in configured(config):
        loaded = files.read(name)
        sha256 = "" if loaded.problem else Script(name, hook, loaded.text).sha256
        off = ledger.anywhere_off(sha256)
        state = UNREADABLE if loaded.problem else f"off: {off}" if off else RUNS
        if state == RUNS and ledger.state.good.get(name) not in (None, loaded.text):
            state = CHANGED
        tests = len(fixtures(config.hooks.directory, name))
        yield Listed(hook, name, shown(config, loaded.path), sha256, state, tests)


def path_of(config: Config, name: str) -> Path:
    """Find the file of a script: in the hooks directory, else where the name says."""
    path = config.hooks.directory / (name if name.endswith(".py") else f"{name}.py")
    return path if path.is_file() or not Path(name).is_file() else Path(name)


def hook_as_configured(config: Config, name: str) -> str:
    """Tell as which hook a file runs, "" if it does not."""
    return next((hook for hook, each in configured(config) if each == name), "")


def hook_of(path: Path) -> str:
    """Guess from the text which hook a script is; the sandbox decides whether that is so."""
    try:
        text = path.read_bytes()[:LOOKED_AT]
    except OSError:
        return "guard"
    return "activity" if b"def activity" in text and b"def guard" not in text else "guard"


def read(path: Path, hook: str = "") -> Read:
    """Read a script, as the hook that is named or that it seems to be. Raises OSError."""
    with path.open("rb") as file:
        text, problem = source.decode(file.read(SOURCE_BYTES + 1))
    return Read(Script(path.name, hook or hook_of(path), text), problem)


def versions(config: Config, names: Sequence[str], old: Path | None = None) -> Iterator[tuple[Script, Script]]:
    """Give pairs of an older and the present version; the older one is `old`, else the one before."""
    ledger, files = Ledger(config.instance.state_dir / LEDGER), Files(config.hooks.directory)
    for hook, name in wanted(config, names):
        loaded = files.read(name)
        before: str | None
        if old is not None:
            before = read(old, hook).script.source
        else:
            before = ledger.state.good.get(name)
            before = ledger.state.previous.get(name) if before == loaded.text else before
        if loaded.problem is None and before is not None and before != loaded.text:
            yield Script(f"old {name}", hook, before), Script(name, hook, loaded.text)
