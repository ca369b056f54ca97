"""One mail: what became of it and why, what it says, what came with it.

Here: its page, its header, its bytes, its HTML in a frame of its own, its files. Not here: why (`desk/why.py`).
Invariant: nothing of a mail is ever a part of our page but text; its HTML has no scripts and no way out of its frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, abort, request

from engine.console.asked import Asked, Page
from engine.desk import looking, why
from engine.desk.reading import safe_body, shown_file
from engine.desk.refusals import NotFound

if TYPE_CHECKING:
    from engine.model.mail import Mail

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
            "files": files, "no_text": note, "decides": asked.scope.decides(seen.row)}  # fmt: skip
    title = seen.row.subject or "(no subject)"
    return Page("mail.html", title, data, seen.explained, f"allegra explain {seen.row.mail[:8]}",
                reads="" if note else "text")  # fmt: skip


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
