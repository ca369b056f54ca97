"""The application: every route under its address, and what is done around each request.

Here: `create`, the table of routes, pages and their twins as JSON, errors as pages. Not here: who may come in
(`guard.py`), what a page shows (`pages/`), serving (`serving.py`).
Invariant: a GET changes nothing; a page and its twin show the same; an error is a sentence and a number that stands in
the log, never a traceback.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from engine.console import guard, names, static, taking, words
from engine.console.asked import Asked, Page
from engine.console.drawing import DRAWERS
from engine.console.forms import Request
from engine.console.nav import LINKS, nav
from engine.console.pages import (
    audit,
    complete,
    for_good,
    held,
    hooks,
    item_acts,
    items,
    jobs,
    mail,
    mailboxes,
    mails,
    me,
    outbox,
    people,
    playground,
    rule_edit,
    rules,
    settings,
    signing_in,
    stats,
    today,
    topics,
)
from engine.console.proxied import Proxied
from engine.console.shown import FILTERS
from engine.desk import logged
from engine.desk.exporting import FORMS
from engine.desk.log_ins import TooOften
from engine.desk.plain import plain
from engine.desk.reads import Reads
from engine.desk.refusals import Busy, NotFound, Refused, StoreError, Unclear
from engine.desk.scope import Scope
from engine.desk.waits import Waits, waits
from engine.log import Entry, write

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Installation

View = Callable[..., "Page | Answer"]

PAGES: tuple[tuple[str, View], ...] = (
    ("/", today.front),
    ("/mails", mails.listed),
    ("/mail/<ref>", mail.one),
    ("/mail/<ref>/headers", mail.headers),
    ("/mail/<ref>/raw", mail.raw),
    ("/mail/<ref>/body", mail.body),
    ("/mail/<ref>/file/<int:number>", mail.file),
    ("/held", held.queue),
    ("/held/<ref>", held.one),
    ("/items", items.listed),
    ("/item/<int:number>", items.one),
    ("/item/<int:number>/body/<int:comment>", items.body),
    ("/item/<int:number>/file/<int:attachment>", items.file),
    ("/topics", topics.listed),
    ("/topic/<int:number>", topics.one),
    ("/topic/<int:number>/file/<int:attachment>", topics.file),
    ("/outbox", outbox.listed),
    ("/outbox/<int:number>", outbox.one),
    ("/rules", rules.listed),
    ("/rules/<name>", rules.one),
    ("/rules/<name>/edit", rule_edit.form),
    ("/rules/<name>/text", rules.text),
    ("/rules/<name>/versions", rules.versions),
    ("/rules/<name>/version/<int:number>", rules.version),
    ("/playground", playground.one),
    ("/jobs/<number>", jobs.one),
    ("/me", me.shown),
    ("/hooks", hooks.listed),
    ("/hooks/<name>", hooks.one),
    ("/mailboxes", mailboxes.listed),
    ("/mailbox/<path:name>", mailboxes.one),
    ("/people", people.listed),
    ("/person/<path:address>", people.one),
    ("/settings", settings.listed),
    ("/audit", audit.listed),
    ("/stats", stats.shown),
    ("/complete", complete.offered),
    ("/mail/<ref>/for-good", for_good.one),
    ("/item/<int:number>/delete", for_good.item),
)
"""What is looked at. Each has a twin with `.json` behind its address, but for bytes; a list is also taken away."""

ACTS: tuple[tuple[str, View], ...] = (
    ("/mail/<ref>", mail.act),
    ("/held/<ref>", held.decide),
    ("/held", held.decide_all),
    ("/item/<int:number>", item_acts.act),
    ("/topic/<int:number>", topics.act),
    ("/outbox", outbox.decide),
    ("/rules/<name>/edit", rule_edit.act),
    ("/playground", playground.act),
    ("/jobs/<number>/stop", jobs.stop),
    ("/me", me.act),
    ("/hooks/<name>", hooks.act),
    ("/settings", settings.act),
    ("/mailbox/<path:name>", mailboxes.act),
    ("/person/<path:address>", people.act),
    ("/mail/<ref>/for-good", for_good.act),
    ("/item/<int:number>/delete", for_good.delete),
)
"""What changes something."""

READS: Mapping[View, str] = {
    mail.raw: "bytes", mail.body: "HTML", mail.file: "file", items.body: "HTML", items.file: "file",
    topics.file: "file",
}  # fmt: skip
"""What of a mail or an item the views read that give bytes; a page says that itself."""

NAMES: tuple[str, ...] = (*[link.name for link in LINKS], *names.SHOWN)
"""Names of ours that templates show by a variable: they are translated as well."""

STATUS = {TooOften: 429, NotFound: 404, Unclear: 422, Refused: 409, Busy: 503, StoreError: 503}
"""How the ways in which the desk says no are told by HTTP."""

AGAIN_S = 5
"""Seconds after which a program asks again what was busy."""

MOST_FIELDS, MOST_FORM = 300, guard.MOST_FORM


def create(installation: Installation) -> Flask:
    """Make the application for an installation."""
    app = Flask("engine.console", static_folder=None)
    app.request_class = Request
    app.config.update(MAX_CONTENT_LENGTH=MOST_FORM, MAX_FORM_PARTS=MOST_FIELDS, MAX_FORM_MEMORY_SIZE=MOST_FORM)
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(static=static.address, nav=nav, language=lambda: words.mine().language, **DRAWERS)
    words.speak(app.jinja_env)
    app.url_map.merge_slashes = False  # an address may hold several
    watch, reads = guard.Guard(installation), Reads()
    app.before_request(watch.admit)
    app.after_request(guard.with_headers)
    app.register_error_handler(Exception, lambda error: _told(installation, error))
    put = partial(_add, app, installation, reads)
    for address, view in PAGES:
        put(address, view, "GET")
        if view not in mail.BYTES | items.BYTES | topics.BYTES | rules.BYTES | complete.BYTES:
            put("/index.json" if address == "/" else f"{address}.json", view, "GET", form="json")
            for form in FORMS if address != "/" else ():
                put(f"{address}.{form}", view, "GET", form=form)
    for address, view in ACTS:
        put(address, view, "POST")
    signing_in.add(app, watch)
    app.wsgi_app = Proxied(app.wsgi_app, installation)  # type: ignore[assignment, method-assign]
    app.add_url_rule("/static/<digest>/<name>", "static", static.serve)
    app.add_url_rule("/healthz", "healthz", lambda: ("ok\n", 200, {"Content-Type": "text/plain"}))
    return app


def _add(
    app: Flask, installation: Installation, reads: Reads, address: str, view: View, method: str, *, form: str = ""
) -> None:  # fmt: skip
    """Put a view under an address, or its twin of a form for programs."""

    def answer(**parts: Any) -> Answer:
        with installation.store() as store:
            account = guard.account()
            scope = Scope.of(store, installation.config, account)
            asked = Asked(installation, store, account, scope, request.args, request.form, request.files)
            came = view(asked, **parts)
            _read(reads, asked, came, parts, READS.get(view, ""))
            waiting = waits(store, scope) if isinstance(came, Page) and not form else Waits()
        if not isinstance(came, Page):
            return came
        if form in FORMS:
            return taking.answer(came, asked, form)
        if form:
            return jsonify(plain(came.plain() if callable(came.plain) else came.plain))
        told = {"HX-Trigger": came.happened} if came.happened else None
        return Response(_rendered(came, asked, waiting), came.status, told)

    name = f"{view.__module__.rpartition('.')[2]}.{view.__name__}{f'.{form}' if form else ''}"
    app.add_url_rule(address, name, answer, methods=[method])


def _read(reads: Reads, asked: Asked, came: Page | Answer, parts: dict[str, Any], what: str) -> None:
    """Write down what is read here, where that is wanted: before it is given."""
    if not asked.config.console.audit_reads:
        return
    what = came.reads if isinstance(came, Page) else what
    number = parts.get("number", 0)
    if what and "ref" in parts:
        reads.note(asked.store, asked.config, asked.scope, f"{what} {number}" if number else what, mail=parts["ref"])
    elif what and request.path.startswith("/topic/"):
        reads.note(asked.store, asked.config, asked.scope, what, topic=number)
    elif what:
        reads.note(asked.store, asked.config, asked.scope, what, item=number)


def _rendered(page: Page, asked: Asked, waiting: Waits) -> str:
    return render_template(
        page.template, **page.data, title=page.title, asked=asked, command=page.command, csrf=guard.csrf(),
        signed_in=guard.is_signed_in(), takes=page.table is not None,
        waiting=waiting, trouble=asked.installation.trouble,
    )  # fmt: skip


def _told(installation: Installation, error: Exception) -> Answer:
    """Tell an error on a page of its own, or to a program."""
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    said = str(error)
    if isinstance(error, HTTPException):
        status, said = error.code or 500, error.description or ""
    number = secrets.token_hex(4) if status >= 500 else ""
    if number:
        what = f"{number} {request.method} {request.path}: {type(error).__name__}: {error}"
        write(installation.config, [Entry("error", "console.failed", what)])
    if status == 500:
        said = f"something broke here; the log tells it under {number}"
    if request.path.endswith(guard.TWINS):
        told = jsonify({"error": said})
        told.status_code = status
    else:
        told = Response(render_template("error.html", title=said, said=said, status=status), status)
    again = getattr(error, "retry_after", None) or (AGAIN_S if status == 503 else None)
    if again is not None:
        told.headers["Retry-After"] = str(again)
    if status == 403 and request.method == "POST":
        who = guard.login() or "nobody"
        what = f"{who}, from {request.remote_addr}: POST {request.path}: {said}"
        logged.security(installation.config, "security.refused", what)
    return told
