"""Mailboxes: the list, one of them, leaving it alone, trying it out.

Here: what was typed into a form, and the job that was begun by it. Not here: who may (`desk/mailbox_page.py`), the work
(`desk/jobs.py`). Invariant: logging in to a server is never done while somebody waits for a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import redirect, url_for
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page
from engine.console.words import gettext
from engine.desk import log_ins, mailbox_page, plain
from engine.desk.exporting import MAILBOXES, Table, at_once
from engine.desk.refusals import Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.job import Job

LONG = {"test": ("mailbox", "test"), "peek": ("mailbox", "peek", "-n", str(mailbox_page.PEEKED))}
"""What takes long: the command that does it."""

SHOWN = ("state", "received", "from", "subject", "size")


def listed(asked: Asked) -> Page:
    """The mailboxes of which somebody sees mail, and how they fare."""
    fares = mailbox_page.listed(asked.store, asked.config, asked.scope)
    twin = {"mailboxes": [plain.fare(each) for each in fares]}
    config, scope = asked.config, asked.scope
    rows = at_once(lambda store: [plain.fare(each) for each in mailbox_page.listed(store, config, scope)])
    return Page("mailboxes.html", "Mailboxes", {"fares": fares}, twin, "allegra mailbox list",
                table=Table("mailboxes", rows, MAILBOXES))  # fmt: skip


def one(asked: Asked, name: str) -> Page:
    """A mailbox: how it fares, what becomes of its mail, what to do about what is wrong."""
    return _page(asked, name)


def _page(asked: Asked, name: str, said: str = "", status: int = 200) -> Page:
    page = mailbox_page.seen(asked.store, asked.config, asked.scope, name)
    job = asked.job(*[f"{what} {name}" for what in LONG]) if page.pauses else None
    data = {"page": page, "fare": page.fare, "box": page.fare.mailbox, "said": said, "job": job,
            "told": _pairs(job), "columns": SHOWN, "reason": asked.form.get("reason", ""),
            "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    twin = {**plain.fare(page.fare), "owner": page.owner, "settings": dict(page.settings), "to_do": page.to_do}
    return Page("mailbox.html", name, data, twin, "allegra mailbox list", status)


def _pairs(job: Job | None) -> list[tuple[str, Any]]:
    """What a log-in told, by name."""
    if job is None or not job.kind.startswith("test ") or not job.lines:
        return []
    return [(key.replace("_", " "), value) for key, value in job.lines[0].items() if key not in ("schema", "mailbox")]


def act(asked: Asked, name: str) -> Page | Answer:
    """Leave it alone, read it again, log in, or look inside."""
    page = mailbox_page.seen(asked.store, asked.config, asked.scope, name)
    if not page.pauses:
        raise Forbidden("a mailbox is looked after by the owner of its workspace and by admins")
    what, reason, here = asked.form.get("act", ""), asked.form.get("reason", ""), url_for("mailboxes.one", name=name)
    if what in LONG and page.reads:
        arguments = [*LONG[what], "--json", "--", name]
        where = f"mailbox {name}"
        job = log_ins.begun(asked.store, asked.jobs, where, asked.scope.reader, f"{what} {name}", arguments)
        return redirect(f"{here}?job={job.id}#job", 303)
    try:
        if what not in ("pause", "resume"):
            raise Unclear("choose what to do")
        mailbox_page.leave(asked.store, asked.config, asked.scope, name, reason, pause=what == "pause")
    except Unclear as error:
        return _page(asked, name, str(error), 422)
    return redirect(f"{here}?did={quote(guard.said(gettext(DONE[what])))}", 303)


DONE = {"pause": "It is not read until reading is resumed", "resume": "It is read again from the next run on"}
