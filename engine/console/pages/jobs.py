"""Long work under way: how far it has come, what it found, ending it.

Here: a page of its own, which is also the part that other pages show of it. Not here: the work (`desk/jobs.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, url_for

from engine.console.asked import Asked, Page
from engine.desk import rule_effect

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.job import Job


def one(asked: Asked, number: str) -> Page:
    """A job of whoever asks."""
    job = asked.jobs.look(number, asked.scope.reader)
    return Page("job.html", "Job", {"job": job, **shown(job)}, job, happened="over" if job.is_over else "")


def stop(asked: Asked, number: str) -> Answer:
    """End a job."""
    asked.jobs.stop(number, asked.scope.reader)
    return redirect(url_for("jobs.one", number=number), 303)


def shown(job: Job | None) -> dict[str, Any]:
    """What a page tells of what a job found."""
    effect = rule_effect.found(job.lines) if job is not None and job.lines and job.kind == rule_effect.KIND else None
    return {"effect": effect}
