"""Hook scripts for people: which run, in which version, what they decided, switching one on again.

Here: the list, one of them with its source and the mails that it decided. Not here: running and checking scripts, which
takes long (`jobs.py`, `workbench/`), what switches one off by itself (`scripts/memory.py`).
Invariant: code is read here, never written; scripts are seen by admins and by who owns a workspace, their mails by who
sees those.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import acting, logged
from engine.scripts.files import Files
from engine.store.errors import NotFound, Unclear
from engine.workbench.fixtures import fixtures
from engine.workbench.script_choice import Listed
from engine.workbench.script_choice import listed as all_scripts

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope
    from engine.model.figures import Facet
    from engine.model.stored import MailRow
    from engine.store.store import Store

NEWEST, WITHIN_S = 10, 0.15
"""Mails that a script decided that are shown, and how long it is looked for them."""

OFF = "off: "


class Hook(Struct, frozen=True):
    """A script: `since` when its file stands so, `off` why it is switched off, how mail ended that it decided.

    `codes` are the reasons of those mails, `mails` the newest of them, as somebody sees them.
    """

    script: Listed
    since: datetime | None
    off: str = ""
    outcomes: tuple[Facet, ...] = ()
    codes: tuple[Facet, ...] = ()


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


def listed(store: Store, config: Config, scope: Scope) -> list[Hook]:
    """Give every configured script, in the order in which they run. Raises NotFound for who may not."""
    if not may(scope):
        raise NotFound("there is no such page")
    return [_hook(store, config, scope, each) for each in all_scripts(config)]


def _hook(store: Store, config: Config, scope: Scope, script: Listed) -> Hook:
    try:
        written = (config.hooks.directory / script.name).stat().st_mtime
    except OSError:
        written = 0.0
    since = datetime.fromtimestamp(written, UTC) if written else None
    counted = store.archive.facets(query_of(script.name), sight=scope.sight)
    off = script.state.removeprefix(OFF) if script.state.startswith(OFF) else ""
    return Hook(script, since, off, counted.outcome if counted else (), counted.code if counted else ())


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
