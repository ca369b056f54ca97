"""People who write: the list, one of them, forgetting one.

Here: what was typed into a form, and that the password was given lately. Not here: who sees whom (`desk/people.py`).
Invariant: nothing is erased before it was said what that is, by an admin, with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import redirect, url_for
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page
from engine.console.words import gettext, ngettext
from engine.desk import people
from engine.desk.exporting import SENDERS, STEP, Table
from engine.desk.me import SUDO
from engine.desk.refusals import Refused, StoreError, Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.erasing import Erased
    from engine.desk.installation import Store
    from engine.model.senders import SenderRow

ROWS = 50


def listed(asked: Asked) -> Page:
    """Who wrote lately, or whom a search finds."""
    text = asked.args.get("q", "").strip()[:320]
    found = people.listed(asked.store, asked.config, asked.scope, text, ROWS, asked.zone)
    domains = people.new_domains(asked.store, asked.scope, asked.now) if not text else None
    data = {"query": text, "found": found, "newest": people.NEWEST, "domains": domains,
            "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    twin = {"people": found.people, "exact": found.exact, "more": found.more, "new_domains": domains}
    return Page("people.html", text or "People", data, twin, "allegra stats --by sender", table=_table(asked, text))


def _table(asked: Asked, text: str) -> Table:
    """All who wrote, as far as somebody sees them, by address."""
    config, scope, zone = asked.config, asked.scope, asked.zone

    def step(store: Store, after: str) -> tuple[Sequence[SenderRow], str]:
        return people.everybody(store, config, scope, text, after or "", STEP, zone)

    return Table("people", step, SENDERS, text)


def one(asked: Asked, address: str) -> Page:
    """Somebody who writes: who they are here, and what came of their mail."""
    return _page(asked, address)


def _page(asked: Asked, address: str, said: str = "", status: int = 200, erased: Erased | None = None) -> Page:
    person = people.seen(asked.store, asked.config, asked.scope, address)
    here = guard.here()
    data = {"person": person, "said": said, "erased": erased, "reason": asked.form.get("reason", ""),
            "sudo": here is None or here.sudo}  # fmt: skip
    command = f"allegra mail list from:{person.sender.address}"
    return Page("person.html", person.sender.address, data, person, command, status)


def act(asked: Asked, address: str) -> Page | Answer:
    """Tell what forgetting them would erase, or do it."""
    people.seen(asked.store, asked.config, asked.scope, address)
    if not asked.scope.admin:
        raise Forbidden("an admin forgets people")
    here, form = guard.here(), asked.form
    commit = form.get("act") == "forget"
    try:
        if here is not None and not here.sudo:
            raise Refused(SUDO)
        if not commit and form.get("act") != "look":
            raise Unclear("choose what to do")
        done = people.forget(asked.store, asked.config, asked.scope, address, form.get("reason", ""), commit=commit)
    except (Refused, Unclear, StoreError) as error:
        return _page(asked, address, str(error), 422 if isinstance(error, Unclear) else 409)
    if not commit:
        return _page(asked, address, erased=done)
    rows = sum(number for _, number in done.person.counts)
    said = ngettext("Forgotten, in 1 row", "Forgotten, in %(count)s rows", rows, count=rows)
    if done.rest:
        rest = gettext("Unused parts of the database file may still hold it: %(rest)s", rest=done.rest)
        said = f"{said}. {rest}"
    return redirect(f"{url_for('people.listed')}?did={quote(guard.said(said))}", 303)
