"""What an admin does to a mail for good: erase our copy, delete it on its server, keep what deciding it anew makes.

Here: `foresee`, which tells what would go or change, and `carry_out`. Not here: what is erased (`erasing.py`), deciding
again (`acting.py`): the command line calls the same. Invariant: nothing is done that was not looked at as it is now;
what was done is an event with who and why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import acting, erasing, logged
from engine.store.errors import Refused, Unclear

if TYPE_CHECKING:
    from engine.desk.acting import Compared
    from engine.desk.erasing import OnServer
    from engine.model.stored import MailRow
    from engine.run.engine import Engine

WHAT = ("purge", "delete", "replay")
"""What can be done, as the command line calls it."""

MOST_REASON = 300
"""Characters."""


class Foreseen(Struct, frozen=True):
    """What would come of it: `bytes` of ours that would go, what lies on the server, what would be decided otherwise.

    `state` is how the mail is now: who agrees says that this is what they saw.
    """

    what: str
    state: str
    bytes: int | None = None
    on_server: OnServer | None = None
    compared: Compared | None = None


def foresee(engine: Engine, row: MailRow, what: str) -> Foreseen:
    """Tell what would come of it, and change nothing. Raises Refused, Unclear."""
    store = engine.store
    if what == "purge":
        list(erasing.purge(store, erasing.Chosen((row,), by_name=True), commit=False))
        raw = store.archive.raw(row.mail)
        return Foreseen(what, state(row), bytes=None if raw is None else len(raw.content))
    if what == "delete":
        found = erasing.delete_on_server(engine.config, store, row.mail, commit=False)
        return Foreseen(what, state(row), on_server=found)
    if what == "replay":
        return Foreseen(what, state(row), compared=acting.decided_now(engine, row))
    raise Unclear(f"choose what to do: {', '.join(WHAT)}")


def carry_out(engine: Engine, row: MailRow, what: str, by: str, reason: str, seen: str, via: str = "console") -> str:
    """Do it, and say so; `seen` is the state of the mail that was looked at. Raises Refused, Unclear."""
    if what not in WHAT:
        raise Unclear(f"choose what to do: {', '.join(WHAT)}")
    reason = " ".join(reason.split())
    if not reason or len(reason) > MOST_REASON:
        raise Unclear(f"say why, in at most {MOST_REASON} characters")
    if seen != state(row):
        raise Refused(f"{row.mail[:8]} is {row.outcome} by now: look again what would come of it")
    said = _DEEDS[what](engine, row, by, reason, via)
    logged.act(engine.config, f"mail.{what}", by, mail=row.mail)
    return said


def state(row: MailRow) -> str:
    """How a mail is, in words of ours."""
    return f"{row.state} {row.outcome} {row.code} {row.item} {row.generation}"


def _purge(engine: Engine, row: MailRow, by: str, reason: str, via: str) -> str:
    chosen = erasing.Chosen((row,), by_name=True)
    list(erasing.purge(engine.store, chosen, commit=True, by=by, reason=reason, via=via))
    return f"{row.mail[:8]} is purged: its receipts stay"


def _delete(engine: Engine, row: MailRow, by: str, reason: str, via: str) -> str:
    erasing.delete_on_server(engine.config, engine.store, row.mail, commit=True, by=by, reason=reason, via=via)
    return f"The next run deletes {row.mail[:8]} in mailbox {row.mailbox}"


def _replay(engine: Engine, row: MailRow, by: str, reason: str, via: str) -> str:
    (line,) = acting.replay(engine, row, by=by, reason=reason, via=via)
    return f"{row.mail[:8]} is {line.outcome} now{f', #{line.item}' if line.item else ''}; nobody was told"


_DEEDS: dict[str, Callable[[Engine, MailRow, str, str, str], str]] = {
    "purge": _purge, "delete": _delete, "replay": _replay,
}  # fmt: skip
