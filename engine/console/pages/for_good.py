"""What is done to a mail or an item for good: the page that tells what would go or change, the button that does it.

Here: what was chosen in a form, and that the password was given lately. Not here: what comes of it
(`desk/for_good.py`, `desk/item_whole.py`). Invariant: nothing is done before it was told what that is, to a mail by an
admin and with a reason, to an item by an admin or the owner of its workspace.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import redirect, url_for
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page
from engine.console.pages.items import key_of
from engine.console.words import gettext
from engine.desk import for_good, item_page, item_whole, items, looking
from engine.desk.me import SUDO
from engine.desk.refusals import NotFound, Refused, StoreError, Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.for_good import Foreseen
    from engine.model.stored import MailRow


def one(asked: Asked, ref: str) -> Page:
    """What could be done to a mail for good."""
    return _page(asked, _row(asked, ref))


def _row(asked: Asked, ref: str) -> MailRow:
    row = looking.seen(asked.store, ref, asked.scope.sight)
    if not asked.scope.admin:
        raise Forbidden("an admin erases mail and keeps what deciding it anew makes of it")
    return row


def _is_sure() -> bool:
    """Tell whether the password was given lately, where people sign in with one."""
    here = guard.here()
    return here is None or here.sudo


def _page(asked: Asked, row: MailRow, said: str = "", status: int = 200, foreseen: Foreseen | None = None) -> Page:
    data = {"row": row, "said": said, "foreseen": foreseen, "reason": asked.form.get("reason", ""), "sudo": _is_sure()}
    what = {"delete": "delete --on-server", "replay": ""}.get(foreseen.what, "purge") if foreseen else "purge"
    command = f"allegra mail {what} {row.mail[:8]}" if what else f"allegra replay {row.mail[:8]}"
    return Page("for_good.html", "For good", data, foreseen or row, command, status)


def act(asked: Asked, ref: str) -> Page | Answer:
    """Tell what would come of it, or do it."""
    row, form = _row(asked, ref), asked.form
    what, reason = form.get("what", ""), form.get("reason", "")
    try:
        if not _is_sure():
            raise Refused(SUDO)
        if form.get("act") == "look":
            foreseen = asked.engine(lambda engine: for_good.foresee(engine, row, what))
            return _page(asked, row, foreseen=foreseen)
        if form.get("act") != "do":
            raise Unclear("choose what to do")
        by, seen = asked.account.login, form.get("seen", "")
        said = asked.engine(lambda engine: for_good.carry_out(engine, row, what, by, reason, seen))
    except (Refused, Unclear, NotFound, StoreError) as error:
        return _page(asked, row, str(error), 422 if isinstance(error, Unclear) else 409)
    return redirect(f"{url_for('mail.one', ref=row.mail)}?did={quote(guard.said(said))}", 303)


# ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────


def item(asked: Asked, number: int) -> Page:
    """What would go with an item."""
    return _item_page(asked, number)


def _item_page(asked: Asked, number: int, said: str = "", status: int = 200) -> Page:
    row = item_page.view(asked.store, asked.scope, number).item
    if not (asked.scope.admin or row.workspace in asked.scope.owned):
        raise Forbidden("an admin or the owner of its workspace deletes an item")
    goes = item_whole.weighed(asked.store, number)
    key = asked.form.get("key", "")[:64] or secrets.token_hex(8)
    data = {"row": row, "said": said, "goes": goes, "sudo": _is_sure(), "key": key}
    return Page("item_gone.html", "Delete it", data, goes, f"allegra item delete {number}", status)


def delete(asked: Asked, number: int) -> Page | Answer:
    """Take an item away for good, with all that was told to go with it."""
    told, form = _item_page(asked, number), asked.form
    how = items.How(asked.account, via="console", key=key_of(asked, form.get("key", "")[:64]))
    try:
        if not _is_sure():
            raise Refused(SUDO)
        if form.get("goes") != str(told.data["goes"]):
            raise Refused("something else would go with it by now: look again")
        asked.engine(lambda engine: items.delete(engine, number, how))
    except Refused as error:
        return _item_page(asked, number, str(error), 409)
    said = gettext("Item #%(number)s is deleted", number=number)
    return redirect(f"{url_for('items.listed')}?did={quote(guard.said(said))}", 303)
