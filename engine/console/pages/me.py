"""One's own account: the password, what one hears by mail, sessions, tokens.

Here: what was typed into a form. Not here: what may be changed (`desk/me.py`).
Invariant: a page is about who asks and nobody else; the secret of a token stands on the answer to the form that made
it, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import redirect, url_for

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.words import gettext, ngettext
from engine.desk import access, access_tokens, me
from engine.desk.plain import plain
from engine.desk.refusals import Busy, NotFound, Refused, Unclear
from engine.model.preferences import BY_KEY, PRESETS, named

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

TITLE = "Your account"

PREFERENCE = "prefers-"
"""What stands before the name of a preference in a form."""


def shown(asked: Asked) -> Page:
    """What somebody sees of their account."""
    return _page(asked)


def _page(asked: Asked, said: str = "", status: int = 200, secret: str = "") -> Page:
    workspace = asked.form.get("workspace", "") or asked.args.get("workspace", "")
    page = me.seen(asked.store, asked.config, asked.account, asked.scope, guard.here(), workspace)
    about = {key: each for key in [row.key for row in page.preferences] if (each := named(key))}
    data = {"me": page, "said": said, "secret": secret, "days": me.DAYS, "presets": (*PRESETS, "reset"),
            "now": asked.now, "about": about, "usual": BY_KEY,
            "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    twin = {**plain(asked.account), "password_set_at": page.password_set_at, "preferences": page.preferences,
            "sessions": page.sessions, "tokens": page.tokens}  # fmt: skip
    return Page("me.html", TITLE, data, twin, f"allegra user show {asked.account.login}", status)


def act(asked: Asked) -> Page | Answer:
    """Change the password or what one hears, prove who it is, end a session or a token, make a token."""
    deed = DEEDS.get(asked.form.get("act", ""))
    try:
        if deed is None:
            raise Unclear("choose what to do")
        if asked.form["act"] == "token":
            return _page(asked, secret=deed(asked))
        done = deed(asked)
    except access.Wait as wait:
        return _page(asked, str(wait), 429)
    except (Refused, Unclear, NotFound, Busy) as error:
        status = 503 if isinstance(error, Busy) else 422 if isinstance(error, Unclear | NotFound) else 409
        return _page(asked, str(error), status)
    wanted = asked.form.get("next", "")
    target = wanted if guard.is_inside(wanted) else url_for("me.shown", workspace=asked.form.get("workspace") or None)
    return redirect(f"{target}{'&' if '?' in target else '?'}did={quote(guard.said(done))}", 303)


def _password(asked: Asked) -> str:
    form, cookie = asked.form, guard.cookie(asked.config)
    words = [form.get(name, "") for name in ("old", "new", "again")]
    ended = me.change_password(asked.store, asked.config, cookie, guard.ip(), *words)
    return ngettext(
        "Your password is set; 1 other session ended", "Your password is set; %(count)s other sessions ended",
        ended, count=ended,
    )  # fmt: skip


def _confirm(asked: Asked) -> str:
    settings = asked.config.console
    access.sudo(
        asked.store, asked.config, guard.cookie(asked.config), asked.form.get("password", ""), guard.ip(),
        idle_s=settings.session_idle, most_s=settings.session_most,
    )  # fmt: skip
    return gettext("The password is right: it is not asked for again for %(count)s minutes",
                   count=round(access.SUDO_S / 60))  # fmt: skip


def _wants(asked: Asked) -> str:
    form = asked.form
    wanted = {key.removeprefix(PREFERENCE): form[key] for key in form if key.startswith(PREFERENCE)}
    many = me.want(asked.store, asked.config, asked.scope, form.get("workspace", ""), wanted,
                   form.get("preset", ""))  # fmt: skip
    return gettext("Saved: these notices you get from now on") if many else gettext("Nothing changed")


def _end_session(asked: Asked) -> str:
    login = asked.account.login
    access.end_session(asked.store, asked.config, login, asked.form.get("ref", ""), login)
    return gettext("The session ended")


def _make_token(asked: Asked) -> str:
    form, login = asked.form, asked.account.login
    days = number_in(form.get("days", ""))
    return me.make_token(asked.store, asked.config, login, guard.here(), form.get("name", ""), days)


def _end_token(asked: Asked) -> str:
    login = asked.account.login
    access_tokens.end_token(asked.store, asked.config, login, asked.form.get("ref", ""), login)
    return gettext("The token is no longer valid")


DEEDS = {"password": _password, "confirm": _confirm, "wants": _wants, "end-session": _end_session,
         "token": _make_token, "end-token": _end_token}  # fmt: skip
