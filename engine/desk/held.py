"""What a person decides about mail that waits: let it go on, refuse it, drop it, try it again.

Here: which mails are meant, and the decisions, each a transaction of its own. Not here: who hears of a refusal
(`decision/seal.py`), what is done in the mailbox (`decision/mailbox_action.py`), the rows (`store/`).
Invariant: a refusal of a person is told by the same rules as every other, and ends in the mailbox like every other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.decision.mailbox_action import KEEP, Planned, plan_action
from engine.decision.seal import seal
from engine.desk import logged
from engine.explain.replay import decide_again
from engine.model.draft import Decider, Disposition, Verdict, Who
from engine.model.events import Kind
from engine.model.extra import ExtraError
from engine.model.facts import Release
from engine.model.plan import Outcome, Settle, Tell
from engine.model.reasons import REASONS
from engine.model.sight import ALL, Sight
from engine.run.line import Line, line_of
from engine.run.process import process
from engine.store.clock import now as utc_now
from engine.store.errors import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.mail import RawMail
    from engine.model.stored import MailRow
    from engine.run.engine import Engine
    from engine.store.store import Store

MOST_FOUND = 10_000
"""Mails that one query can choose."""


class Closed(Struct, frozen=True):
    """A mail that a person closed: its outcome, and whether an answer to its sender is queued."""

    mail: str
    outcome: Outcome
    sender_told: bool = False


def waiting(
    store: Store, workspace: str = "", query: str = "", zone: tzinfo = UTC, *, sight: Sight = ALL,
    limit: int = MOST_FOUND, after: int = 0,
) -> list[MailRow]:  # fmt: skip
    """List held and quarantined mails, the oldest first: all, those on their way to a workspace, what a query finds.

    Those behind the row `after`. Raises Unclear.
    """
    return store.archive.held(workspace, limit, query, zone, sight=sight, after=after)


class Group(Struct, frozen=True):
    """Mails that are held for one reason: its code and sentence, how many there are, the oldest of them."""

    code: str
    means: str
    count: int
    rows: tuple[MailRow, ...]


def groups(
    store: Store, most: int, query: str = "", zone: tzinfo = UTC, *, sight: Sight = ALL
) -> tuple[Group, ...]:  # fmt: skip
    """Put held mails together by why they are held, what most are held for first. Raises Unclear."""
    found = store.archive.held_by_code(most, query, zone, sight=sight)
    return tuple([Group(code, means(code), count, tuple(rows)) for code, count, rows in found])


def means(code: str) -> str:
    """Say what a reason code means; "" for one that this release does not know."""
    return REASONS[code].sentence if code in REASONS else ""


def oldest(store: Store, limit: int, sight: Sight = ALL) -> list[MailRow]:
    """List the held and quarantined mails that have waited longest."""
    return store.archive.held("", limit, sight=sight)


def chosen(
    store: Store, refs: Sequence[str], query: str | None = None, zone: tzinfo = UTC
) -> list[MailRow]:  # fmt: skip
    """Give the held mails that are named or found, each once.

    Raises NotFound where there are none, Refused where one that is named is not held: before anything happens.
    """
    rows = [store.archive.mail(ref) for ref in refs]
    if query is not None:
        rows += waiting(store, query=query, zone=zone)
    if not rows:
        raise NotFound(f"no held mail matches {query!r}")
    for row in rows:
        if row.state not in ("held", "quarantined"):
            raise Refused(f"{row.mail[:8]} is not held: it ended as {row.outcome}")
    return [*{row.mail: row for row in rows}.values()]


def may_go_to(config: Config, store: Store, workspace: str = "", item: int = 0) -> None:
    """Look whether released mail can go there. Raises NotFound, Refused where the item is in another workspace."""
    if workspace and workspace not in config.workspaces:
        raise NotFound(f"there is no workspace {workspace!r}; there are: {', '.join(config.workspaces)}")
    found = store.items.item(item) if item else None
    if item and found is None:
        raise NotFound(f"there is no item #{item}")
    if found is not None and workspace not in ("", found.workspace):
        raise Refused(f"item #{item} is in {found.workspace}, not in {workspace}: name the item, or the workspace")


def release(
    engine: Engine, rows: Iterable[MailRow], by: str, reason: str = "", workspace: str = "", item: int = 0, *,
    via: str = "command",
) -> Iterator[Line]:  # fmt: skip
    """Let held mails go on, one after the other, and tell what became of each.

    What rules, gates and hooks would hold is passed; every other verdict stands. Raises NotFound, Refused.
    """
    may_go_to(engine.config, engine.store, workspace, item)
    yield from release_all(engine, rows, Release(by, reason, workspace, item), via=via)


def release_all(
    engine: Engine, rows: Iterable[MailRow], release: Release, *, via: str = "command"
) -> Iterator[Line]:  # fmt: skip
    """Let held mails go on as `release` says, and tell what became of each. Raises NotFound, Refused."""
    for row in rows:
        what = "held.trust" if release.trust else "held.release"
        with engine.store.joining():  # a worker that hears of it finds it claimed
            engine.store.ledger.reopen(row.mail, replace(release, generation=row.generation + 1))
            spooled = engine.store.ledger.claim_one(row.mail, utc_now(), engine.store.owner)
            engine.store.history.note(what, release.by, via, release.reason, mail=row.mail, workspace=row.home)
        if not engine.store.is_rehearsing:
            logged.act(engine.config, "held.release", release.by, release.reason, mail=row.mail)
        yield from map(line_of, process(engine, [spooled], utc_now()))


def reject(engine: Engine, row: MailRow, by: str, reason: str, *, via: str = "command") -> Closed:
    """Refuse a held mail; `reason` is for the sender, who hears it if `seal` says so.

    Raises Unclear without a reason, NotFound, Refused.
    """
    _needs(reason)
    raw = engine.store.archive.raw(row.mail)
    tell = _tell(engine, row, raw, by, reason)
    kind, folder = _afterwards(engine.config, row, raw, Outcome.REJECTED)
    with engine.store.joining():
        rows = engine.store.ledger.reject(row.mail, by, reason, tell, engine.teller, action=kind, folder=folder)
        engine.store.history.note("held.reject", by, via, reason, mail=row.mail, workspace=row.home)
    logged.act(engine.config, "held.reject", by, reason, mail=row.mail)
    told = [each for each in engine.store.outbox.told(row.mail) if each.id in rows and each.kind is Kind.AUTO]
    return Closed(row.mail, Outcome.REJECTED, any(each.state == "queued" for each in told))


def discard(config: Config, store: Store, row: MailRow, by: str, reason: str, *, via: str = "command") -> Closed:
    """Close a held, quarantined or waiting mail without making anything of it; nobody is told.

    Raises Unclear without a reason, NotFound, Refused.
    """
    _needs(reason)
    kind, folder = _afterwards(config, row, store.archive.raw(row.mail), Outcome.DISCARDED)
    with store.joining():
        store.ledger.ignore(row.mail, by, reason, action=kind, folder=folder)
        store.history.note("held.discard", by, via, reason, mail=row.mail, workspace=row.home)
    logged.act(config, "held.discard", by, reason, mail=row.mail)
    return Closed(row.mail, Outcome.DISCARDED)


def _needs(reason: str) -> None:
    if not reason.strip():
        raise Unclear("say why: the reason is empty")


def _tell(engine: Engine, row: MailRow, raw: RawMail | None, by: str, reason: str) -> Tell | None:
    """Whom a refusal is told: the sender by mail, others by webhook, as the plan of any refusal says.

    The rules are asked once more, for they may forbid an answer; where they cannot be asked, because their file or a
    word of the host is broken, they might, so nobody is told. What broke the machine is not read again here, and of a
    mail whose bytes are gone nobody can say who wrote it: nobody is told of those either.
    """
    if raw is None or row.state == "quarantined":
        return None
    try:
        come = decide_again(engine, raw, mail=row.mail, until="sender")
    except ExtraError:
        return None
    if come.draft.disposition is not None and come.draft.disposition.verdict is Verdict.DEFER:
        return None
    why = Disposition(Verdict.REJECT, row.code or "draft.undecided", reason, Decider(Who.PERSON, by))
    draft = replace(come.draft, disposition=why, workspace=row.workspace or come.draft.workspace)
    plan = seal(come.mail, come.facts, draft, engine.config)
    return next((each for each in plan.effects if isinstance(each, Tell)), None)


def _afterwards(config: Config, row: MailRow, raw: RawMail | None, outcome: Outcome) -> Planned:
    """What is done with the mail in its mailbox; nothing where that is not configured any more, or in doubt."""
    box = next((box for box in config.mailboxes if box.name == row.mailbox), None)
    if box is None:
        return KEEP
    whole = raw is not None and not raw.truncated  # what we hold in part stays on the server
    return plan_action(box, Settle.FAILURE if whole else Settle.NOTHING, outcome)
