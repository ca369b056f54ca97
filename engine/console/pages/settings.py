"""The configuration in force, and whether it is sound.

Here: a search, and the jobs that look. Not here: what is told (`desk/settings.py`), the checks (`workbench/checks.py`).
Invariant: nothing can be changed here.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flask import redirect, url_for

from engine.console.asked import Asked, Page
from engine.desk import log_ins, settings
from engine.desk.refusals import Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer


ROWS = 340
"""Options that are shown at once."""

LONG = {"check": ("check", "--json"), "check-online": ("check", "--online", "--json")}
"""What looks whether all is sound."""


def listed(asked: Asked) -> Page:
    """The options that somebody wrote, those that a search finds, or all."""
    text, everything = asked.args.get("q", "").strip()[:200], asked.args.get("all") == "1"
    found = settings.found(asked.config, asked.scope, text, everything=everything)
    job = asked.job(*LONG)
    sections = [(name, list(each)) for name, each in groupby(found.settings[:ROWS], lambda setting: setting.section)]
    data = {"query": text, "found": found, "more": len(found.settings) - ROWS, "sections": sections,
            "everything": everything, "job": job,
            "checked": [each for each in (job.lines if job is not None else ()) if "checked" in each]}  # fmt: skip
    twin = {"settings": found.settings, "usual": found.usual}
    return Page("settings.html", "Settings", data, twin, "allegra config show --origin")


def act(asked: Asked) -> Answer:
    """Look whether all of it is sound, the servers that it names too."""
    settings.found(asked.config, asked.scope)
    what = asked.form.get("act", "")
    if what not in LONG:
        raise Unclear("choose what to do")
    if what == "check-online":
        job = log_ins.begun(asked.store, asked.jobs, log_ins.EVERYWHERE, asked.scope.reader, what, LONG[what])
    else:
        job = asked.jobs.begin(asked.scope.reader, what, LONG[what])
    return redirect(f"{url_for('settings.listed')}?job={job.id}#job", 303)
