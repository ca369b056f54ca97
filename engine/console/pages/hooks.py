"""Hook scripts: the list, one of them, trying it on its fixtures, switching it on again.

Here: the jobs that a form begins, and their lines beside the source. Not here: who may (`desk/hooks.py`).
Invariant: no script is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import redirect, url_for
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page
from engine.console.words import gettext
from engine.desk import hooks
from engine.desk.exporting import SCRIPTS, Table, at_once
from engine.desk.refusals import Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer


LONG = ("check", "test")
"""What runs a script, which takes long."""

MOST_LINES = 1_000
"""Lines of a source that are shown."""


def listed(asked: Asked) -> Page:
    """The scripts that run, in their order."""
    found = hooks.listed(asked.store, asked.config, asked.scope)
    config, scope = asked.config, asked.scope
    table = Table("hooks", at_once(lambda store: hooks.listed(store, config, scope)), SCRIPTS)
    return Page("hooks.html", "Hooks", {"hooks": found}, {"hooks": found}, "allegra hooks list", table=table)


def one(asked: Asked, name: str) -> Page:
    """A script: what it decided, its source with what is wrong beside it, its fixtures."""
    page = hooks.seen(asked.store, asked.config, asked.scope, name)
    job = asked.job(*[f"{what} {name}" for what in LONG])
    lines = job.lines if job is not None and job.is_over else ()
    data = {"page": page, "hook": page.hook, "script": page.hook.script, "job": job, "lines": lines,
            "source": list(enumerate(page.source.splitlines()[:MOST_LINES], 1)), "findings": _by_line(lines),
            "query": hooks.query_of(name), "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    return Page("hook.html", name, data, page, f"allegra hooks test {name}")


def _by_line(lines: tuple[dict[str, Any], ...]) -> dict[int, list[dict[str, Any]]]:
    """What a check found, by the line of the source."""
    found: dict[int, list[dict[str, Any]]] = {}
    for each in lines:
        if "code" in each:
            found.setdefault(each.get("line") or 0, []).append(each)
    return found


def act(asked: Asked, name: str) -> Answer:
    """Check it, run it on its fixtures, switch it on again."""
    page = hooks.seen(asked.store, asked.config, asked.scope, name)
    what, here, script = asked.form.get("act", ""), url_for("hooks.one", name=name), page.hook.script
    if what == "enable":
        if not page.enables:
            raise Forbidden("an admin switches scripts on")
        was_off = hooks.enable(asked.store, asked.config, asked.scope, name)
        done = gettext("It is on again") if was_off else gettext("It was not switched off")
        return redirect(f"{here}?did={quote(guard.said(done))}", 303)
    if what not in LONG:
        raise Unclear("choose what to do")
    place = str(asked.config.hooks.directory / name)
    rest = ["--hook", script.hook, "--", place] if what == "check" else ["--", name]
    job = asked.jobs.begin(asked.scope.reader, f"{what} {name}", ["hooks", what, "--json", *rest])
    return redirect(f"{here}?job={job.id}#job", 303)
