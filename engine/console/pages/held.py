"""Held mail: the queue, one mail with all that a person needs to decide, and deciding.

Here: what was chosen in a form. Not here: what comes of it (`desk/held.py`, `desk/held_mail.py`).
Invariant: who decides says who they are by being signed in, and why; what came of it stands on the next page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as _quoted

from flask import redirect, url_for
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page
from engine.console.words import gettext, ngettext
from engine.desk import held, held_mail, item_page, looking
from engine.desk.exporting import MAILS, STEP, Table, by_number
from engine.desk.refusals import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.held_mail import HeldMail
    from engine.desk.installation import Engine
    from engine.model.stored import MailRow

MOST_AT_ONCE = 200
SHOWN_OF_A_GROUP = 50


def queue(asked: Asked) -> Page:
    """What waits for a person, the oldest first, by reason; beside it the first one, or what came of the last act."""
    return _page(asked, "")


def one(asked: Asked, ref: str) -> Page:
    """The same with this mail beside it."""
    return _page(asked, ref)


def _page(asked: Asked, ref: str) -> Page:
    query, said, groups = asked.args.get("q", "").strip(), "", tuple[held.Group, ...]()
    zone, sight = asked.zone, asked.scope.sight
    try:
        groups = held.groups(asked.store, SHOWN_OF_A_GROUP, query, zone, sight=sight)
    except Unclear as error:
        said = str(error)
    shown = _shown(asked, ref) if ref else None
    data = {"groups": groups, "count": sum(each.count for each in groups), "query": query, "said": said, "shown": shown,
            "means": held.means(shown.row.code) if shown else "", "workspaces": _places(asked),
            "reads": shown is not None and asked.scope.reads(shown.row),
            "decides": shown is not None and asked.scope.decides(shown.row),
            "did": guard.heard(asked.args.get("did", "")), "undo": _undoes(asked)}  # fmt: skip
    command = f"allegra held show {shown.row.mail[:8]}" if shown else f"allegra held list {query}".strip()
    return Page("held.html", "Held", data, shown or _waiting(asked, query, said), command, 422 if said else 200,
                None if shown else _table(asked, query), "text" if shown and shown.mail else "")  # fmt: skip


def _undoes(asked: Asked) -> MailRow | None:
    """The mail that this page says is discarded, where that can be taken back."""
    try:
        row = looking.seen(asked.store, asked.args.get("undo", ""), asked.scope.sight)
    except NotFound:
        return None
    return row if row.outcome == "discarded" and asked.scope.decides(row) else None


def _waiting(asked: Asked, query: str, said: str) -> Any:
    """All that wait, for programs, made when one asks."""
    zone, sight = asked.zone, asked.scope.sight
    return [] if said else lambda: held.waiting(asked.store, query=query, zone=zone, sight=sight)


def _table(asked: Asked, query: str) -> Table:
    """All that wait, the oldest first."""
    zone, sight = asked.zone, asked.scope.sight
    rows = by_number(
        lambda store, after: held.waiting(store, query=query, zone=zone, sight=sight, limit=STEP, after=after), "row"
    )  # fmt: skip
    return Table("held", rows, MAILS, query)


def _shown(asked: Asked, ref: str) -> HeldMail:
    """The mail that was chosen, for who sees it; its words for who may read them."""
    row = looking.seen(asked.store, ref, asked.scope.sight)
    found = asked.engine(lambda engine: held_mail.shown(engine, row.mail, asked.account.login, asked.scope.sight))
    return found if asked.scope.reads(row) else replace(found, mail=None, files=())


def _places(asked: Asked) -> tuple[str, ...]:
    """The workspaces into which somebody may release."""
    return tuple([name for name in asked.config.workspaces if asked.scope.may("add_items", name)])


# ── deciding ──────────────────────────────────────────────────────────────────────────────────────────────────


def decide(asked: Asked, ref: str) -> Answer:
    """Decide about one mail, and go on with the next that waits."""
    following = _next(asked, ref)
    said = _said(*asked.engine(lambda engine: _done(engine, asked, [ref])))
    target = url_for("held.one", ref=following) if following else url_for("held.queue")
    back = f"&undo={_quoted(ref)}" if asked.form.get("act") == "discard" else ""
    return redirect(f"{target}?did={_quoted(guard.said(said))}{back}", 303)


def decide_all(asked: Asked) -> Answer:
    """Decide about all that were selected, each by itself."""
    refs = asked.form.getlist("ref")[:MOST_AT_ONCE]
    if not refs:
        raise Unclear("select some mails first")
    said = _said(*asked.engine(lambda engine: _done(engine, asked, refs)))
    return redirect(f"{url_for('held.queue')}?did={_quoted(guard.said(said))}", 303)


def _next(asked: Asked, ref: str) -> str:
    """The mail behind this one in the queue; the one before it where it is the last."""
    waiting = held.groups(asked.store, SHOWN_OF_A_GROUP, sight=asked.scope.sight)
    refs = [row.mail for group in waiting for row in group.rows]
    here = next((number for number, each in enumerate(refs) if each.startswith(ref)), -1)
    rest = [*refs[here + 1 :], *refs[:here][::-1]] if here >= 0 else refs
    return rest[0] if rest else ""


class Done(Struct, frozen=True):
    """What was done to a mail, or about its sender (`trust`), and what came of it."""

    act: str
    about: str
    outcome: str = ""
    target: str = ""
    sender_told: bool = False
    released: int = 0


def _done(engine: Engine, asked: Asked, refs: list[str]) -> tuple[list[Done], list[str]]:
    """Do it to each; gives what was done, and of the others why not."""
    deed = DEEDS.get(asked.form.get("act", ""))
    if deed is None:
        raise Unclear("choose what to do: release, trust, reject or discard")
    reason = asked.form.get("reason", "").strip()
    if not reason and (len(refs) > 1 or deed is _reject or deed is _discard):
        raise Unclear("say why: the reason is empty")
    done: list[Done] = []
    refused: list[str] = []
    for ref in refs:
        try:
            row = looking.seen(engine.store, ref, asked.scope.sight)
            if not asked.scope.decides(row):
                raise Forbidden(f"{row.mail[:8]} is decided by others: decide_mail in its workspace lets somebody")
            done += deed(engine, row, asked, reason)
        except (NotFound, Refused) as error:
            if len(refs) == 1:
                raise
            refused.append(f"{ref[:8]}: {error}")
    return done, refused


def _said(done: list[Done], refused: list[str]) -> str:
    """Say in a sentence what came of all."""
    more = [gettext("and %(count)s more", count=len(done) - 5)] if len(done) > 5 else []
    return "; ".join([*map(_told, done[:5]), *more, *refused[:5]])


def _told(done: Done) -> str:
    if done.act == "trust":
        return ngettext(
            "%(who)s is known now; 1 mail was released", "%(who)s is known now; %(count)s mails were released",
            done.released, who=done.about, count=done.released,
        )  # fmt: skip
    if done.act == "discard":
        return gettext("%(mail)s is discarded; allegra mail retry %(mail)s takes that back", mail=done.about)
    if done.act == "reject" and done.sender_told:
        return gettext("%(mail)s is rejected, its sender is told", mail=done.about)
    if done.act == "reject":
        return gettext("%(mail)s is rejected, its sender is not told", mail=done.about)
    said = gettext("%(mail)s is %(outcome)s", mail=done.about, outcome=gettext(done.outcome))
    return f"{said}, {done.target}" if done.target else said


def _release(engine: Engine, row: MailRow, asked: Asked, reason: str) -> list[Done]:
    item = asked.form.get("item", "").strip().removeprefix("#")
    if item and not item.isdecimal():
        raise Unclear(f"an item is a number, not {item!r}")
    workspace, number = asked.form.get("to", ""), int(item[:18] or 0)
    if workspace and workspace not in _places(asked) and not asked.scope.admin:
        raise Forbidden(f"nobody gave you add_items in {workspace}")
    if number and not item_page.may_answer(asked.scope, item_page.view(engine.store, asked.scope, number)):
        raise Forbidden(f"nobody gave you add_comments on item #{number}")
    rows, by = held.chosen(engine.store, [row.mail]), asked.account.login
    lines = held.release(engine, rows, by, reason, workspace, number, via="console")
    return [Done("release", each.mail[:8], each.outcome, each.target) for each in lines]


def _trust(engine: Engine, row: MailRow, asked: Asked, _reason: str) -> list[Done]:
    held.chosen(engine.store, [row.mail])
    where = "" if asked.scope.admin else row.workspace
    done = held_mail.trust(engine, row.sender, asked.account.login, where, via="console", may=asked.scope.decides)
    return [Done("trust", row.sender, released=len(done.lines))]


def _reject(engine: Engine, row: MailRow, asked: Asked, reason: str) -> list[Done]:
    held.chosen(engine.store, [row.mail])
    done = held.reject(engine, row, asked.account.login, reason, via="console")
    return [Done("reject", row.mail[:8], sender_told=done.sender_told)]


def _discard(engine: Engine, row: MailRow, asked: Asked, reason: str) -> list[Done]:
    held.chosen(engine.store, [row.mail])
    held.discard(engine.config, engine.store, row, asked.account.login, reason, via="console")
    return [Done("discard", row.mail[:8])]


DEEDS: dict[str, Callable[[Engine, MailRow, Asked, str], list[Done]]] = {
    "release": _release, "trust": _trust, "reject": _reject, "discard": _discard,
}  # fmt: skip
