"""Whether the server that takes our mail is asked at all: an account that it refused is not tried until it is locked.

Here: `waits` and `note_refused`. Not here: the numbers (`model/refusals.py`), logging in (`wire.py`), who hears of it
(`run/alarms.py`). Invariant: passes that nobody asked for try an account at most three times an hour.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engine.config.problems import SecretError
from engine.config.tried import digest
from engine.model.refusals import full_until, recent, same_again
from engine.model.stored import NO_WAY_OUT

if TYPE_CHECKING:
    from engine.config import Config, Smtp
    from engine.store.store import Store


def waits(store: Store, config: Config, smtp: Smtp, now: datetime) -> str:
    """Say why the server is not asked now; "" where it is. Another password ends a wait while the hour permits it."""
    trouble = store.troubles.find(NO_WAY_OUT)
    refused = recent(trouble.refused, now) if trouble is not None else ()
    if trouble is None or not refused:
        return ""
    until = full_until(refused)
    if until is None and trouble.settings in ("", settings_of(config, smtp) or trouble.settings):
        until = same_again(refused)
    return trouble.said if until is not None and now < until else ""


def note_refused(store: Store, config: Config, smtp: Smtp, said: str, now: datetime) -> None:
    """Note that the server refused our login just now."""
    with store.joining():
        trouble = store.troubles.begin(NO_WAY_OUT, said, now)
        store.troubles.refused(NO_WAY_OUT, (*recent(trouble.refused, now), now), settings_of(config, smtp))


def settings_of(config: Config, smtp: Smtp) -> str:
    """Digest what the login is tried with; a token is left out, for it changes by itself; "" without its secret."""
    try:
        return digest(config.instance.secret(), smtp, smtp.secret() if smtp.sign_in is None else "")
    except SecretError:
        return ""
