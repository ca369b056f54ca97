"""Access tokens: the one that is kept, or a new one.

Here: when a token is renewed, and by whom. Not here: what is asked for it (`asking.py`), the file (`kept.py`), signing
in (`sign_in.py`). Nothing of the network is imported while the token that is kept counts.
Invariant: of several processes one renews; a new refresh token is on the disk before the access token beside it is
used; once a token server was asked, a signal stops nothing before its answer is kept.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.web import providers
from engine.web.kept import File, Kept
from engine.web.refusals import OAuthError

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

AHEAD_S, JITTER_S = 300.0, 60.0
"""Renewed so long before its end, and up to so much earlier still: not all processes at once."""

CLOCK_S = 60.0
"""More than this between two clocks is worth a word."""

REFUSED_AFTER_S = 300.0
"""A token that a mail server refuses is asked for anew when it is older: a new one would not fare better."""


def access_token(app: OAuth, username: str) -> str:
    """Give a token that counts for some minutes at least, for the mailbox of `username`. Raises: OAuthError."""
    file = File(app, providers.account(app, username))
    kept = file.read()
    if _counts(app, kept, _ahead(kept)):
        return kept.access_token
    from concurrent.futures import ThreadPoolExecutor

    # In a thread of its own: a signal interrupts who waits, but not the question whose answer may be a new secret.
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(_renewed, app, username, file).result()


def refused(app: OAuth, username: str, token: str) -> None:
    """Let the next log-in ask for a new token: a mail server did not take this one."""
    file = File(app, providers.account(app, username))
    try:
        kept = file.read()
        if kept.access_token != token or time.time() - kept.obtained_at < REFUSED_AFTER_S:
            return
        with file.locked(1.0):
            kept = file.read()
            if kept.access_token == token:
                with file.room() as pen:
                    pen.write(replace(kept, access_token=""))
    except OAuthError:  # then it is used until it ends
        return


def _renewed(app: OAuth, username: str, file: File) -> str:
    """Ask for a token, unless another process did meanwhile."""
    from engine.web.asking import ask

    with file.locked():
        kept = file.read()
        if _counts(app, kept, _ahead(kept)):
            return kept.access_token
        try:
            with file.room() as pen:
                new = ask(app, username, kept)
                pen.write(new)
        except OAuthError as error:
            if error.code in ("oauth.server_away", "oauth.bad_answer") and _counts(app, kept, JITTER_S):
                return kept.access_token
            raise
        return new.access_token


def _ahead(kept: Kept) -> float:
    lives, dice = kept.expires_at - kept.obtained_at, os.urandom(1)[0] / 255  # the module random costs 5 ms
    return min(AHEAD_S, lives / 4) + dice * min(JITTER_S, lives / 20)


def _counts(app: OAuth, kept: Kept, ahead_s: float) -> bool:
    """Whether the token that is kept is one of this app and scope that counts so much longer."""
    now = time.time()
    ours = (kept.app, kept.scope) == (whose(app), providers.scope(app))
    in_time = kept.obtained_at - CLOCK_S <= now < kept.expires_at - ahead_s
    return bool(kept.access_token) and ours and in_time


def whose(app: OAuth) -> str:
    """Name the app that a token is of: another one's is of no use."""
    return " ".join(filter(None, (app.grant, providers.url(app, "token"), app.client_id)))
