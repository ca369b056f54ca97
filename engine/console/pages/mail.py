"""One mail: what became of it and why, what it says, what came with it.

Here: its page, its header, its bytes, its HTML in a frame of its own, its files; taking it up again. Not here: why
(`desk/why.py`), deciding about held mail (`held.py`).
Invariant: nothing of a mail is ever a part of our page but text; its HTML has no scripts and no way out of its frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, abort, redirect, request, url_for
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page
from engine.console.words import gettext
from engine.desk import again, held, hooks, looking, rule_places, why
from engine.desk.reading import safe_body, shown_file
from engine.desk.refusals import NotFound, Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.job import Job
    from engine.desk.why import SeenMail
    from engine.model.mail import Mail
    from engine.model.stored import MailRow

FRAME = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""What the HTML of a mail may do: be seen, and open a link in a page of its own."""

MOST_TEXT = 100_000
"""Characters of a text that a page shows."""


def one(asked: Asked, ref: str) -> Page:
    """What became of a mail."""
    seen = asked.engine(lambda engine: why.seen(engine, ref, asked.scope, every_rule="all" in asked.args))
    text, files, note = _text(asked, seen.row.mail)
    data = {"seen": seen, "row": seen.row, "explained": seen.explained, "stages": why.STAGES, "text": text,
            "files": files, "no_text": note, "decides": asked.scope.decides(seen.row), **_rules(asked, seen),
            "acts": _acts(seen.row), "tries": hooks.may_try(asked.config, asked.scope, seen.row),
            "job": _job(asked, seen.row), "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    title = seen.row.subject or "(no subject)"
    return Page("mail.html", title, data, seen.explained, f"allegra explain {seen.row.mail[:8]}",
                reads="" if note else "text")  # fmt: skip


def _rules(asked: Asked, seen: SeenMail) -> dict[str, object]:
    """Where the rule stands that decided, and for which places somebody may write one of this mail."""
    places = rule_places.places(asked.config, asked.scope)
    by, home = seen.row.by, seen.row.home
    place = next((each.name for each in places if by.file and each.file == by.file), "")
    files = (seen.explained["trace"] or {}).get("rules", ())
    numbers = [rule["number"] for file in files if file["file"] == by.file for rule in file["rules"] if rule["matched"]
               and rule["rule"] == by.name]  # fmt: skip
    own = next((each.name for each in places if each.place == home), places[0].name if places else "")
    return {"rule_place": place, "rule_number": numbers[0] if numbers else 0,
            "write_at": own if asked.scope.reads(seen.row) else ""}  # fmt: skip


def _acts(row: MailRow) -> tuple[tuple[str, str], ...]:
    """What may be done to a mail beside deciding about it, with the words of the buttons."""
    if row.outcome == "deferred":
        acts: tuple[str, ...] = "reset", "ignore"
    else:
        acts = ("retry", "settle") if row.outcome in ("rejected", "discarded") else ("settle",)
    return tuple([(act, WORDS[act]) for act in acts])


def _job(asked: Asked, row: MailRow) -> Job | None:
    """What the scripts say of this mail, while that is found out and kept."""
    job = asked.job(TRIED) if hooks.may_try(asked.config, asked.scope, row) else None
    return job if job is not None and job.key == row.mail else None


def act(asked: Asked, ref: str) -> Answer:
    """Take a mail up again, ignore one that waits, or run the scripts on it."""
    row = looking.seen(asked.store, ref, asked.scope.sight)
    if asked.form.get("act") == "scripts":
        return _try(asked, row)
    if not asked.scope.decides(row):
        raise Forbidden(f"{row.mail[:8]} is decided by others: decide_mail in its workspace lets somebody")
    what, here = asked.form.get("act", ""), (asked.config, asked.store, row.mail, asked.account.login)
    if what == "ignore":
        held.discard(asked.config, asked.store, row, asked.account.login, asked.form.get("reason", ""), via="console")
    elif what in AGAIN:
        AGAIN[what](*here, via="console")
    else:
        raise Unclear("choose what to do")
    return redirect(f"{url_for('mail.one', ref=row.mail)}?did={quote(guard.said(gettext(SAID[what])))}", 303)


def _try(asked: Asked, row: MailRow) -> Answer:
    """Run the scripts on a mail, in a process of its own; nothing is kept of it."""
    if not hooks.may_try(asked.config, asked.scope, row):
        raise Forbidden("scripts are run on a mail by admins, and by owners of workspaces who may read it")
    command = ["hooks", "try", "--as", asked.account.login, "--json", "--", row.mail]
    job = asked.jobs.begin(asked.scope.reader, TRIED, command, row.mail, hushed=not asked.scope.admin)
    return redirect(f"{url_for('mail.one', ref=row.mail)}?job={job.id}#scripts", 303)


TRIED = "scripts on a mail"
"""The kind of the job that runs them."""

WORDS = {
    "reset": "Process it now", "ignore": "Ignore it", "retry": "Decide it again",
    "settle": "Repeat its mailbox action",
}  # fmt: skip
"""What the buttons say."""

AGAIN = {"retry": again.retry, "reset": again.reset_status, "settle": again.settle}

SAID = {
    "retry": "The next run decides it again", "reset": "The next run takes it up",
    "settle": "The next run repeats its mailbox action", "ignore": "It is ignored: nothing is made of it",
}  # fmt: skip


def _text(asked: Asked, ref: str) -> tuple[str, tuple[object, ...], str]:
    """The text of a mail and its files, or why there is none."""
    try:
        mail: Mail = asked.engine(lambda engine: why.parsed(engine, ref, asked.scope))
    except NotFound as error:
        return "", (), str(error)
    return mail.text[:MOST_TEXT], mail.attachments, ""


def headers(asked: Asked, ref: str) -> Page:
    """The header of a mail, decoded."""
    row = looking.seen(asked.store, ref, asked.scope.sight)
    found = looking.header(asked.config, asked.store, row.mail)
    data = {"row": row, "headers": found}
    return Page("headers.html", "Header", data, found, f"allegra mail headers {row.mail[:8]}")


def raw(asked: Asked, ref: str) -> Response:
    """The bytes of a mail, to be kept."""
    mail = asked.engine(lambda engine: why.parsed(engine, ref, asked.scope))
    return download(mail.raw.content, f"{mail.raw.digest[:12]}.eml", "message/rfc822")


def body(asked: Asked, ref: str) -> Response:
    """The HTML of a mail, for the frame that shows it."""
    mail = asked.engine(lambda engine: why.parsed(engine, ref, asked.scope))
    answer = Response(safe_body(mail), content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = FRAME
    return answer


def file(asked: Asked, ref: str, number: int) -> Response:
    """A file that came with a mail: to be kept, but for a picture that is one by its bytes."""
    mail = asked.engine(lambda engine: why.parsed(engine, ref, asked.scope))
    if not 0 < number <= len(mail.attachments):
        abort(404, "this mail has no such file")
    found = shown_file(mail, number - 1)
    if "view" in request.args and found.picture:
        answer = Response(found.content, content_type=found.picture)
        answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return answer
    return download(found.content, found.name, "application/octet-stream")


def download(content: bytes, name: str, kind: str) -> Response:
    """Bytes to be kept under a name."""
    answer = Response(content, content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return answer


BYTES = frozenset({raw, body, file})
"""Views that give bytes, which have no twin."""
