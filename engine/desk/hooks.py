"""Hook scripts for people: which run, in which version, what they decided, switching one on again.

Here: the list, one of them with its source and the mails that it decided. Not here: running and checking scripts, which
takes long (`jobs.py`, `workbench/`), what switches one off by itself (`scripts/memory.py`).
Invariant: code is read here, never written; scripts are seen by admins and by who owns a workspace, their mails by who
sees those.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import acting, logged
from engine.model.figures import SCRIPTS
from engine.scripts.files import Files
from engine.store.errors import NotFound, Unclear
from engine.workbench.fixtures import fixtures
from engine.workbench.script_choice import STATES as STATES
from engine.workbench.script_choice import Listed, configured
from engine.workbench.script_choice import listed as all_scripts

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope
    from engine.model.figures import Facet, Measure
    from engine.model.stored import MailRow
    from engine.store.store import Store

DAYS = 30
"""For so long runs are counted."""

NEWEST, WITHIN_S = 10, 0.15
"""Mails that a script decided that are shown, and how long it is looked for them."""

OFF = "off: "


class Hook(Struct, frozen=True):
    """A script: `since` when its file stands so, `off` why it is switched off, how mail ended that it decided.

    `codes` are the reasons of those mails, as somebody sees them. `runs` are those of 30 days, alone or with others
    that were asked about the same mail, half of which took less than `half_us` and 95 % less than `most_us`: None for
    who does not see all mail.
    """

    script: Listed
    since: datetime | None
    off: str = ""
    outcomes: tuple[Facet, ...] = ()
    codes: tuple[Facet, ...] = ()
    runs: int | None = None
    half_us: int = 0
    most_us: int = 0


class Page(Struct, frozen=True):
    """A script with its text, the names of its fixtures and the newest mails that it decided."""

    hook: Hook
    source: str
    problem: str
    fixtures: tuple[str, ...]
    mails: tuple[MailRow, ...]
    enables: bool


def may(scope: Scope) -> bool:
    """Tell whether somebody may look at scripts."""
    return scope.admin or bool(scope.owned)


def may_try(config: Config, scope: Scope, row: MailRow) -> bool:
    """Tell whether somebody may run the scripts on a mail: who looks at scripts and reads it, where there are any."""
    return any(configured(config)) and may(scope) and scope.reads(row)


def listed(store: Store, config: Config, scope: Scope) -> list[Hook]:
    """Give every configured script, in the order in which they run. Raises NotFound for who may not."""
    if not may(scope):
        raise NotFound("there is no such page")
    since = datetime.now(UTC) - timedelta(days=DAYS)
    measured = store.series.measures(SCRIPTS, since) if scope.sight.all else None
    return [_hook(store, config, scope, each, measured) for each in all_scripts(config)]


def _hook(
    store: Store, config: Config, scope: Scope, script: Listed, measured: Sequence[Measure] | None
) -> Hook:  # fmt: skip
    try:
        written = (config.hooks.directory / script.name).stat().st_mtime
    except OSError:
        written = 0.0
    since = datetime.fromtimestamp(written, UTC) if written else None
    counted = store.archive.facets(query_of(script.name), sight=scope.sight)
    off = script.state.removeprefix(OFF) if script.state.startswith(OFF) else ""
    outcomes, codes = (counted.outcome, counted.code) if counted else ((), ())
    if measured is None:
        return Hook(script, since, off, outcomes, codes)
    theirs = sorted((each.power, each.many) for each in measured if script.name in each.key.split(" "))
    runs = sum(many for _, many in theirs)
    return Hook(script, since, off, outcomes, codes, runs, _below(theirs, runs * 0.5), _below(theirs, runs * 0.95))


def _below(powers: Sequence[tuple[int, int]], wanted: float) -> int:
    """The power of two below which so many lie; 0 where there are none."""
    reached = 0
    for power, many in powers:
        reached += many
        if reached >= wanted:
            return int(2 ** (power + 1))
    return 0


def query_of(name: str) -> str:
    """Give the search for the mails that a script decided."""
    return f'by:"hook {name}"'


def seen(store: Store, config: Config, scope: Scope, name: str) -> Page:
    """Give a script that is configured. Raises NotFound."""
    hook = next((each for each in listed(store, config, scope) if each.script.name == name), None)
    if hook is None:
        raise NotFound(f"no script {name} is configured", name)
    loaded = Files(config.hooks.directory).read(name)
    tests = tuple([path.stem for path in fixtures(config.hooks.directory, name)])
    found = store.archive.search(query_of(name), NEWEST, within_s=WITHIN_S, sight=scope.sight)
    problem = loaded.problem.message if loaded.problem is not None else ""
    return Page(hook, loaded.text, problem, tests, tuple(found.mails), scope.admin)


def enable(store: Store, config: Config, scope: Scope, name: str) -> bool:
    """Switch a script on again, as an act of an admin; tells whether it was off. Raises NotFound, Unclear."""
    if not scope.admin:
        raise Unclear("an admin switches scripts on")
    was_off = acting.switch_on(config, seen(store, config, scope, name).hook.script.name)
    if was_off:
        store.history.note("hooks.enable", scope.login, "console", name)
        logged.act(config, "hooks.enable", scope.login, name)
    return bool(was_off)
