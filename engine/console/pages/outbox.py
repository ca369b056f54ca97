"""The outbox: what is to be sent, what was not and why, and what a person does about it.

Here: what was chosen in a form. Not here: which row may be changed how (`desk/outbox.py`).
Invariant: somebody sees and changes rows about items that they may edit, no others; all that are chosen are changed or
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import redirect, url_for

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.words import gettext, ngettext
from engine.desk import outbox
from engine.desk.exporting import BEYOND, LETTERS, STEP, Table
from engine.desk.refusals import Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Engine, Store

ROWS = 100

MOST_AT_ONCE = 200

WAYS = (("Unfinished", ""), ("Waiting", "state:queued"), ("Held", "state:held"), ("Failed", "state:failed"),
        ("Bounced", "state:bounced"), ("Unknown", "state:unknown"), ("Not sent on purpose", "state:suppressed"),
        ("Sent", "state:sent"))  # fmt: skip
"""Searches that are asked for most."""


def listed(asked: Asked) -> Page:
    """What is not over, or what a search finds, the newest first."""
    query, said, found = asked.args.get("q", "").strip(), "", outbox.Listed(())
    try:
        found = outbox.listed(asked.store, asked.config, query, limit=ROWS, sight=asked.scope.letters)
    except Unclear as error:
        said = str(error)
    rows = [(line, outbox.about(line), outbox.because(line, asked.now, asked.zone)) for line in found.lines]
    waits = outbox.what_waits(asked.store, asked.config) if asked.scope.admin else None
    data = {"query": query, "rows": rows, "said": said, "windowed": found.windowed, "most": ROWS, "ways": WAYS,
            "waits": waits, "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    twin = {"rows": [outbox.as_data(line) for line in found.lines], "error": said or None}
    command = f"allegra outbox list {query}".strip()
    return Page("outbox.html", query or "Outbox", data, twin, command, 422 if said else 200, _table(asked, query))


def _table(asked: Asked, query: str) -> Table:
    """All that are found, by their numbers."""
    config, sight = asked.config, asked.scope.letters

    def step(store: Store, before: int) -> tuple[Sequence[Any], int]:
        lines = outbox.listed(store, config, query, limit=STEP, sight=sight, before=before or BEYOND).lines
        return [outbox.as_data(line) for line in lines], lines[-1].id if len(lines) == STEP else 0

    return Table("outbox", step, LETTERS, query)


def one(asked: Asked, number: int) -> Page:
    """A row: to whom, of what it tells, what became of it and why."""
    line = outbox.seen(asked.store, number, asked.scope.letters)
    data = {"line": line, "about": outbox.about(line), "because": outbox.because(line, asked.now, asked.zone)}
    return Page("letter.html", f"Letter {number}", data, outbox.as_data(line), f"allegra outbox show {number}")


def decide(asked: Asked) -> Answer:
    """Send rows again, hold or drop them."""
    act, form = asked.form.get("act", ""), asked.form
    numbers = [number for each in form.getlist("row")[:MOST_AT_ONCE] if (number := number_in(each))]
    if act not in outbox.MAY or not numbers:
        raise Unclear("select some rows first" if act in outbox.MAY else "choose what to do: send again, hold or drop")
    for number in numbers:
        outbox.seen(asked.store, number, asked.scope.letters)
    force = form.get("force") == "1"

    def do(engine: Engine) -> tuple[int, int]:
        lines = outbox.chosen(engine.store, asked.config, act, numbers, force=force)
        by, reason = asked.account.login, form.get("reason", "")
        done = outbox.change(engine.store, asked.config, act, lines, by, reason, force=force, via="console")
        return len(done), len(lines) - len(done)

    said = _said(outbox.DONE[act], *asked.engine(do))
    target = url_for("outbox.listed", q=form.get("q") or None)
    joined = "&" if "?" in target else "?"
    return redirect(f"{target}{joined}did={quote(guard.said(said))}", 303)


def _said(state: str, done: int, left: int) -> str:
    said = ngettext(
        "1 letter: %(state)s", "%(count)s letters: %(state)s", done, count=done, state=gettext(state)
    )  # fmt: skip
    more = gettext("Changed meanwhile, nothing was done there: %(count)s", count=left)
    return f"{said}. {more}" if left else said
