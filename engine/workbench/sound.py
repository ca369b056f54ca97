"""Which files of ours are broken, told in a sentence each: for monitoring, which asks often.

Here: `broken`: rule files, scripts and templates that do not load, scripts that are switched off. Not here: all that is
wrong with them, warnings too (`checks.py`); there scripts run, here none does.
Invariant: only looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rules.problem import Severity

if TYPE_CHECKING:
    from engine.config import Config


def broken(config: Config) -> tuple[str, ...]:
    """A sentence for each file that is missing, broken or switched off."""
    return tuple(dict.fromkeys((*_missing(config), *_rule_files(config), *_scripts(config), *_templates(config))))


def _missing(config: Config) -> Iterator[str]:
    for problem in config.missing:
        yield problem.message


def _rule_files(config: Config) -> Iterator[str]:
    from engine.rulebook.book import load_rules

    for problem in load_rules(config).problems:
        if problem.severity is Severity.ERROR:
            yield f"{problem.file}: {problem.message}"


def _scripts(config: Config) -> Iterator[str]:
    hooks = config.hooks
    if not (hooks.guard or hooks.activity or hooks.directory.is_dir()):
        return
    from engine.scripts.files import Files
    from engine.scripts.ledger import LEDGER, Ledger
    from engine.scripts.params import Params
    from hooks.program import Script

    params = Params(hooks.params)
    params.read()
    if params.problem is not None and hooks.params is not None:
        yield f"{hooks.params.name}: {params.problem.message}"
    files, ledger = Files(hooks.directory), Ledger(config.instance.state_dir / LEDGER)
    listed = (*hooks.guard, *hooks.activity)
    for name in dict.fromkeys((*listed, *sorted(path.name for path in hooks.directory.glob("*.py")))):
        loaded = files.read(name)
        if loaded.problem is not None and name in listed:
            yield f"{name}: {loaded.problem.message}"
        elif loaded.problem is None and (why := ledger.anywhere_off(Script(name, "", loaded.text).sha256)):
            yield f"{name} is switched off: {why}"


def _templates(config: Config) -> Iterator[str]:
    folders = {config.settings(name).replies.directory for name in ("", *config.workspaces)}
    for directory in sorted(folders):
        if not directory.is_dir():
            continue
        from engine.outbox.checking import check

        for file, problems in check(directory):
            for problem in problems:
                if problem.severity is Severity.ERROR:
                    yield f"{file.relative_to(directory).as_posix()}: {problem.message}"
