"""Signing in and out.

Here: the form, the cookie, and what comes of it. Not here: passwords, sessions and who waits (`desk/access.py`).
Invariant: where somebody goes after it is a page of ours; whoever is refused reads one sentence, whatever the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, redirect, render_template, request, url_for

from engine.console import guard
from engine.desk import access
from engine.desk.refusals import Busy, Refused

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.console.guard import Guard


def add(app: Flask, watch: Guard) -> None:
    """Put the pages under their addresses."""
    app.add_url_rule("/login", "signing_in.form", lambda: _asked(watch), methods=["GET"])
    app.add_url_rule("/login", "signing_in.enter", lambda: _enter(watch), methods=["POST"])
    app.add_url_rule("/logout", "signing_in.leave", lambda: _leave(watch), methods=["POST"])


def _asked(watch: Guard) -> Answer:
    """The form, where there is something to sign in with."""
    return _form() if watch.installation.config.console.auth == "accounts" else redirect(_next(), 303)


def _form(said: str = "", status: int = 200) -> Response:
    who = request.form.get("who", "")[: access.MOST_WHO]
    return Response(render_template("login.html", title="Sign in", said=said, name=who, next=_next()), status)


def _enter(watch: Guard) -> Answer:
    """Let somebody in, or say why not, and when to come again."""
    config = watch.installation.config
    if config.console.auth != "accounts":
        return redirect(_next(), 303)
    who, password = request.form.get("who", ""), request.form.get("password", "")
    try:
        with watch.installation.store() as store:
            here = access.sign_in(
                store, config, who, password, request.remote_addr or "", request.user_agent.string,
                cookie=guard.cookie(config), most_s=config.console.session_most,
            )  # fmt: skip
    except access.Wait as wait:
        answer = _form(str(wait), 429)
        answer.headers["Retry-After"] = str(wait.seconds)
        return answer
    except (Refused, Busy) as error:
        return _form(str(error), 401 if isinstance(error, Refused) else 503)
    came = redirect(_next(), 303)
    guard.keep(came, config, here.cookie)
    return came


def _leave(watch: Guard) -> Answer:
    config = watch.installation.config
    with watch.installation.store() as store:
        access.sign_out(store, config, guard.cookie(config))
    gone = redirect(url_for("signing_in.form"), 303)
    guard.keep(gone, config, "")
    return gone


def _next() -> str:
    wanted = request.values.get("next", "")
    return wanted if guard.is_inside(wanted) else url_for("today.front")
