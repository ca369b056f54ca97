"""What people see of the outbox, and what they decide about rows in it: send again, hold, drop, send now.

Here: which rows are meant, what may be done to which, and why something is not sent, in words. Not here: the rows
(`store/outbox_views.py`), sending (`run/sending.py`), printing (`cli/outbox.py`).
Invariant: of rows that were named all are changed or none; what may have gone out, or was kept back on purpose, goes
out only by `force`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.desk import logged
from engine.explain.hearers import along
from engine.model.addresses import base_key, key_of
from engine.model.events import Kind, Why
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.model.stored import NO_WAY_OUT
from engine.store.errors import NotFound, Refused, Unclear
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxLine
    from engine.run.report import Sent
    from engine.store.store import Store

MOST_FOUND = 10_000
"""Rows that one query can choose."""

MAY: Mapping[str, tuple[str, ...]] = {
    "retry": ("failed", "held", "bounced", "queued", "digest"),
    "hold": ("queued", "digest"),
    "drop": ("queued", "digest", "held", "failed", "unknown", "bounced"),
}
"""The states that an act of a person may change; to retry what waits, also for a digest, is to try it now."""

BY_FORCE = ("unknown", "suppressed")
"""States that only a forced retry changes: it may have gone out, or somebody was not to be told."""

DONE = {"retry": "queued", "hold": "held", "drop": "dropped"}

_NOBODY = (Why.CAP_HEARERS, Why.NOBODY, Why.NOBODY_ELSE, Why.NO_ADDRESS)


class Listed(Struct, frozen=True):
    """Rows of the outbox; `windowed`: only the newest were looked at."""

    lines: tuple[OutboxLine, ...]
    windowed: bool = False


class Waits(Struct, frozen=True):
    """How many rows wait for the server at `place`, which is away since a time; None where it is not known to be."""

    rows: int
    place: str = ""
    away_since: datetime | None = None


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────


def listed(
    store: Store, config: Config, query: str = "", *, everything: bool = False, limit: int = 100,
    sight: ItemSight = EVERY_ITEM, before: int = 0,
) -> Listed:  # fmt: skip
    """List what is not over, or what a query finds, the newest first, those below a number. Raises Unclear."""
    lines, windowed = store.outbox_views.lines(
        query, everything=everything, limit=limit, separators=config.separators, sight=sight, before=before
    )  # fmt: skip
    return Listed(tuple(lines), windowed)


def seen(store: Store, number: int, sight: ItemSight) -> OutboxLine:
    """Give a row, to who sees its item. Raises NotFound, the same for one that is not there and one not seen."""
    line = store.outbox_views.line(number)
    item = store.items.exactly(line.item) if line.item else None
    if not sight.all and (item is None or not sight.sees(item.workspace, private=item.private)):
        raise NotFound(f"the outbox has no row {number}; allegra outbox list --all shows them", str(number))
    return line


def raw(store: Store, config: Config, number: int) -> bytes:
    """Give a mail as it went out, or as it would go. Raises NotFound, Refused where there is none."""
    from engine.run.sending import as_it_would_go

    line = store.outbox_views.line(number)
    if line.kind is Kind.WEBHOOK:
        raise Refused(f"row {number} is a webhook: allegra outbox show {number} --json tells what it is about")
    return store.outbox_views.content(number) or as_it_would_go(store, config, number)


def because(line: OutboxLine, now: datetime | None = None, zone: tzinfo = UTC) -> str:
    """Say in words why a row is as it is, "" where all is well; a slot as clocks in `zone` show it."""
    if line.sent_in or line.state == "digest":
        return along(line, lambda moment: moment.astimezone(zone), now)
    if line.state in ("suppressed", "held", "dropped") and line.why:
        return why_not(Why(line.why), line.said)
    said = line.said
    if line.state == "queued" and line.waits_until is not None:
        left = (line.waits_until - (now or datetime.now(UTC))).total_seconds()
        if left > 0:
            minutes = max(round(left / 60), 1)
            wait = f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
            said = f"{said}; next try in {wait}" if said else f"next try in {wait}"
    return said


def about(line: OutboxLine) -> str:
    """Name what a row is about: `#12 Printer broken`, or the subject of a mail."""
    number = f"#{line.item}" if line.item else f"topic {line.topic}" if line.topic else ""
    return " ".join(filter(None, (number, " ".join(line.title.split()))))


def what_waits(store: Store, config: Config) -> Waits:
    """Tell how much waits, and for what since when."""
    rows, _ = store.outbox.queued()
    trouble = store.troubles.find(NO_WAY_OUT) if rows else None
    place = config.smtp.place if config.smtp is not None else ""
    return Waits(rows, place, None if trouble is None else trouble.since)


def as_data(line: OutboxLine) -> dict[str, Any]:
    """A row as JSON knows it (`allegra.outbox/1`)."""
    is_sent = line.state == "sent"
    return {
        "id": line.id, "state": line.state, "class": line.kind, "event": line.event, "to": line.to,
        "person": line.login or line.name, "roles": line.parts, "item": line.item or None, "topic": line.topic or None,
        "mail": line.mail or None, "act": line.act or None, "about": about(line), "subject": line.subject,
        "why": line.why or None, "said": why_not(Why(line.why), line.said) if line.why else line.said,
        "attempts": line.attempts,
        "next_at": line.waits_until if line.state in ("queued", "digest") else None, "created_at": line.created_at,
        "sent_at": line.tried_at if is_sent else None, "message_id": line.message_id,
        "sent_in": line.sent_in or None,
    }  # fmt: skip


# ── deciding ──────────────────────────────────────────────────────────────────────────────────────────────────


def chosen(
    store: Store, config: Config, act: str, numbers: Sequence[int], query: str | None = None, *, force: bool = False
) -> list[OutboxLine]:
    """Give the rows that are named or found, each once, before anything happens to them.

    What a query finds and may not be changed so is left out. Raises NotFound where there are none, Refused where one
    that is named may not, Unclear.
    """
    lines = [store.outbox_views.line(number) for number in numbers]
    for line in lines:
        if why := _refused(act, line, force):
            raise Refused(f"row {line.id} {why}", str(line.id))
    if query is not None:
        found, _ = store.outbox_views.lines(
            query, everything=force, limit=MOST_FOUND, separators=config.separators
        )  # fmt: skip
        lines += [line for line in found if not _refused(act, line, force)]
    if not lines:
        raise NotFound(f"no row of the outbox that may be {_PAST[act]} matches {query!r}")
    return list({line.id: line for line in lines}.values())


_PAST = {"retry": "sent again", "hold": "held", "drop": "dropped"}


def _refused(act: str, line: OutboxLine, force: bool) -> str:
    """Why a row may not be changed so, "" if it may."""
    if line.sent_in:
        return f"went along with others: name row {line.sent_in}, which carries it"
    if act == "retry" and line.why in _NOBODY:
        return f"names nobody to send it to: {because(line)}"
    if act == "retry" and line.why in (Why.NOT_PERMITTED, Why.OUTSIDE):
        return "was for somebody who may not read it: item join or a role lets them hear of what comes next"
    if line.state in MAY[act] or (act == "retry" and force and line.state in BY_FORCE):
        return ""
    if act == "retry" and line.state == "unknown":
        return "may have gone out: --force sends it again"
    if act == "retry" and line.state == "suppressed":
        return f"was not sent on purpose ({because(line)}): --force sends it after all"
    states = [state for state in MAY[act] if state != "digest"]  # it waits as well, until its slot has come
    return f"is {line.state}: only what is {', '.join(states)} can be {_PAST[act]}"


def change(
    store: Store, config: Config, act: str, lines: Sequence[OutboxLine], by: str, reason: str = "", *,
    force: bool = False, via: str = "command",
) -> list[int]:  # fmt: skip
    """Send rows again, hold or drop them; gives the numbers of those that had not changed meanwhile.

    Raises Unclear where a drop has no reason.
    """
    if act == "drop" and not reason.strip():
        raise Unclear("say why: the reason is empty")
    said = {"retry": "", "hold": f"held by {by}", "drop": f"dropped by {by}: {reason.strip()}"}[act]
    states = (*MAY[act], *(BY_FORCE if force and act == "retry" else ()))
    done = store.outbox_views.change(act, [line.id for line in lines], states, by, said, via)
    for line in lines if config.logs else ():
        if line.id in done:
            about = f"row {line.id} to {line.to}" + (f", {reason.strip()}" if reason.strip() else "")
            logged.act(config, f"outbox.{act}", by, about, item=line.item, mail=line.mail)
    return done


def clear(store: Store, config: Config, address: str, by: str) -> str:
    """Send to an address again that was suspended or muted; gives it as it is kept. Raises NotFound."""
    key = base_key(key_of(address.strip()), config.separators)
    if not store.outbox_views.clear(key, by):
        raise NotFound(f"nothing is known against {key}; allegra outbox addresses lists them", key)
    logged.act(config, "outbox.clear", by, key)
    return key


def send_now(store: Store, config: Config, limit: int = 0) -> Sent:
    """Send what is due, at most `limit` rows (0: `smtp.max_per_run`). Raises Refused, StoreError, Stopped."""
    from engine.run.sending import send

    if config.smtp is None and not config.webhooks:
        raise Refused("there is nothing to send by: write a section [smtp], or [webhooks.NAME]")
    return send(store, config, limit, asked=True)
