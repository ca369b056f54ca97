"""Topics: the list, one with its posts, writing below it.

Here: what was typed into a form, as an act. Not here: who may (`desk/topics.py`, `desk/topic_page.py`). Invariant: as
in `items.py`: an act of who is signed in, once for a form; what was typed stays where it is refused.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, redirect, url_for

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.pages.mail import download
from engine.console.telling import telling
from engine.console.words import gettext
from engine.desk import plain, topic_page, topics
from engine.desk.exporting import STEP, TOPICS, Table, by_number
from engine.desk.items import How
from engine.desk.refusals import NotFound, Refused, Unclear
from engine.desk.told import heard

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Engine
    from engine.model.acts import Acted

ROWS = 50


def listed(asked: Asked) -> Page:
    """The topics that somebody sees, the newest first, a page at a time."""
    before = number_in(asked.args.get("before", ""))
    rows = topic_page.listed(asked.store, asked.scope, ROWS + 1, before)
    data = {"rows": rows[:ROWS], "more": len(rows) > ROWS, "before": before}
    twin = {"topics": rows[:ROWS], "next": rows[ROWS - 1].id if len(rows) > ROWS else None}
    scope = asked.scope
    table = Table("topics", by_number(lambda store, below: topic_page.listed(store, scope, STEP, below)), TOPICS)
    return Page("topics.html", "Topics", data, twin, "allegra topic list", table=table)


def one(asked: Asked, number: int) -> Page:
    """A topic with its posts."""
    return _page(asked, number)


def _page(asked: Asked, number: int, words: str = "", said: str = "", status: int = 200) -> Page:
    page = topic_page.seen(asked.store, asked.scope, number)
    files = {post.id: [each for each in page.view.attachments if each.comment == post.id] for post in page.view.posts}
    data = {"page": page, "topic": page.topic, "words": words, "said": said, "files": files,
            "key": asked.form.get("key", "")[:64] or secrets.token_hex(8),
            "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    return Page("topic.html", page.topic.title, data, plain.topic(page.view), f"allegra topic show {number}", status,
                reads="posts")  # fmt: skip


def file(asked: Asked, number: int, attachment: int) -> Response:
    """A file of a topic, to be kept."""
    page = topic_page.seen(asked.store, asked.scope, number)
    name, content = topic_page.file(asked.store, page, attachment)
    return download(content, name, "application/octet-stream")


def act(asked: Asked, number: int) -> Page | Answer:
    """Write below it, lock it, or let it be written to again."""
    topic_page.seen(asked.store, asked.scope, number)
    form, words = asked.form, asked.form.get("words", "")
    key = f"console {asked.account.id} {form['key'][:64]}" if form.get("key") else ""
    how = How(asked.account, via="console", key=key)

    def do(engine: Engine) -> Acted:
        if form.get("act") == "post":
            return topics.post(engine, number, words, how)
        if form.get("act") in ("lock", "unlock"):
            return topics.lock(engine, number, how, locked=form["act"] == "lock")
        raise Unclear("choose what to do with it")

    try:
        told = heard(asked.engine(do), asked.zone)
    except (Refused, Unclear, NotFound) as error:
        return _page(asked, number, words, str(error), 422 if isinstance(error, Unclear | NotFound) else 409)
    done = telling(gettext(DONE["post"]), told) if form["act"] == "post" else gettext(DONE[form["act"]])
    return redirect(f"{url_for('topics.one', number=number)}?did={quote(guard.said(done))}", 303)


DONE = {"post": "Posted", "lock": "The topic is locked", "unlock": "The topic is open again"}

BYTES = frozenset({file})
"""Views that give bytes, which have no twin."""
