"""What people change, but for items and held mail: mails looked after or replayed, users and workspaces.

Here: one function an act, each a transaction of its own. Not here: items (`items.py`), held mail (`held.py`),
mailboxes (`mailboxes.py`), data files (`loading.py`), the rows (`store/`).
Invariant: an act is done whole or refused with a sentence (NotFound, Refused, Unclear).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from engine.desk import looking
from engine.model.told import Told, nobody
from engine.run.line import Line, line_of
from engine.run.process import process
from engine.store.clock import now as utc_now
from engine.store.errors import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.mail import RawMail
    from engine.model.stored import MailRow, Pruned, Recounted, Spooled
    from engine.run.engine import Engine
    from engine.store.store import Store


# ── mails ─────────────────────────────────────────────────────────────────────────────────────────────────────


def prune(config: Config, store: Store, *, commit: bool, told: Told = nobody) -> Pruned:
    """Let go of what is older than store.archive and outbox.keep say; without `commit` only tell what would go.

    What was let go stays so: whoever is stopped goes on with the next call.
    """
    archive = config.store.archive
    keep = archive.keep if archive.enabled else 0.0
    with nullcontext() if commit else store.rehearsal():
        return store.archive.prune(utc_now(), keep, archive.keep_trace, config.outbox.keep, told)


def recount(store: Store, told: Told = nobody) -> Recounted:
    """Count anew what is counted of mails. Raises StoreError."""
    return store.archive.recount(told)


class Erased(Refused):
    """The bytes of a mail are gone: it cannot be decided again."""


class Changed(Struct, frozen=True):
    """A part of an item that a replay would change, as people read it."""

    name: str
    before: str
    after: str


class Compared(Struct, frozen=True):
    """How a mail ended, how it would end now, and what would change in the item it made or changed then."""

    row: MailRow
    now: Line
    changes: tuple[Changed, ...] = ()

    @property
    def same_end(self) -> bool:
        """Tell whether outcome, reason, workspace and item are the same."""
        row, now = self.row, self.now
        then = (row.outcome, row.code, row.workspace, row.item)
        return then == (now.outcome.value, now.code, now.workspace, now.item)

    @property
    def same(self) -> bool:
        """Tell whether keeping the result would change nothing."""
        return self.same_end and not self.changes


def decided_now(engine: Engine, row: MailRow, *, as_new: bool = False) -> Compared:
    """Do what `replay` does, look what it changed, and take it back. Raises Erased, Refused."""
    store = engine.store
    _kept(store, row)
    with store.rehearsal():
        before = _told(store, row.item)
        if row.state != "received":  # what waits is decided as it is
            store.ledger.reopen(row.mail, None, replay=True, as_new=as_new)
        (now,) = _decided(engine, store.ledger.claim_one(row.mail, utc_now(), store.owner))
        after = _told(store, row.item)
    names = dict.fromkeys((*before, *after))
    changes = [Changed(name, before.get(name, ""), after.get(name, "")) for name in names]
    return Compared(row, now, tuple(each for each in changes if each.before != each.after))


def _told(store: Store, number: int) -> dict[str, str]:
    """All that a mail can change in an item, by name; nothing where there is no item."""
    view = store.items.view(number) if number else None
    if view is None:
        return {}
    item = view.item
    told = {"workspace": item.workspace, "title": item.title, "type": item.type, "status": item.status}
    told |= {"priority": item.priority, "assigned_to": item.assigned_to, "text": view.text, "quoted": view.quoted}
    told |= {"private": "yes" if view.private else "no", "labels": ", ".join(view.labels)}
    told |= {name: ", ".join(value) if isinstance(value, tuple) else str(value) for name, value in view.fields}
    told["people"] = ", ".join(f"{login} {role}" for login, role in view.people)
    told["copies"] = ", ".join(address for address, _ in view.copies)
    told["attachments"] = ", ".join(each.name for each in view.attachments)
    return told | {f"{'note' if each.internal else 'comment'} {each.id}": each.text for each in view.comments}


def replay(
    engine: Engine, row: MailRow, *, as_new: bool = False, notify: bool = False, by: str = "", reason: str = "",
    via: str = "command",
) -> Iterator[Line]:  # fmt: skip
    """Start a mail's next generation and keep what comes of it: what it made before is updated.

    With `as_new` a second item is made; nobody is told without `notify`. Who did it and why is an event.
    Raises Erased, Refused.
    """
    _kept(engine.store, row)
    with engine.store.joining():  # a worker that hears of it finds it claimed
        engine.store.ledger.reopen(row.mail, None, replay=True, as_new=as_new, notify=notify)
        engine.store.history.note("mail.replay", by, via, reason, mail=row.mail, workspace=row.home)
        spooled = engine.store.ledger.claim_one(row.mail, utc_now(), engine.store.owner)
    yield from _decided(engine, spooled)


def _decided(engine: Engine, spooled: Spooled) -> list[Line]:
    return [line_of(result) for result in process(engine, [spooled], utc_now())]


def _kept(store: Store, row: MailRow) -> RawMail:
    raw = store.archive.raw(row.mail)
    if raw is None:
        raise Erased(f"{row.mail[:8]}  its bytes were purged, it cannot be replayed")
    return raw


# ── scripts ───────────────────────────────────────────────────────────────────────────────────────────────────


def switch_on(config: Config, name: str) -> bool | None:
    """Switch a script on again; tells whether it was off, None where there is no such script."""
    from engine.scripts.switching import switch_on as forget

    return forget(config, name)


def switch_off(config: Config, name: str, by: str, reason: str = "") -> bool | None:
    """Switch a script off, so that mail which asks it is held; tells whether it was on, None for no such script."""
    from engine.scripts.switching import switch_off as note

    return note(config, name, f"{by} switched it off" + (f": {reason}" if reason.strip() else ""))


# ── people and places ─────────────────────────────────────────────────────────────────────────────────────────


def put_user(store: Store, login: str, emails: Sequence[str] = (), groups: Sequence[str] = (), **given: object) -> str:
    """Add a user, or change what is `given` of one: name, status, language, admin; addresses replace those there were.

    Gives added, changed or same. Raises Unclear, NotFound.
    """
    if not login.strip() or set(login) & set(" \t\n<>"):
        raise Unclear(f"{login!r} is no login: write a word without blanks")
    for address in emails:
        local, at, domain = address.rpartition("@")
        if not (at and local and domain) or set(address) & set(' \t\n<>"'):
            raise Unclear(f"{address!r} is no mail address")
    named = {key: value for key, value in given.items() if value is not None}
    return store.directory.put_account(login, emails=emails or None, groups=groups, **named)


def set_user_status(store: Store, login: str, status: str) -> None:
    """Lock a user, or make one active again. Raises NotFound."""
    if store.directory.login(login) is None:
        raise NotFound(f'there is no user "{login}"')
    store.directory.put_account(login, status=status)


def remove(store: Store, kind: Literal["user", "group", "workspace"], name: str, *, commit: bool) -> None:
    """Take a user, a group or a workspace away; without `commit` only find out whether it can go.

    Raises NotFound, and Refused for what still holds something.
    """
    with nullcontext() if commit else store.rehearsal():
        if kind == "user":
            store.directory.remove_account(name)
        elif kind == "group":
            store.directory.remove_group(name)
        else:
            store.items.remove_workspace(name)


def put_group(store: Store, name: str, members: Sequence[str] = ()) -> str:
    """Add a group, or members to one; gives added, changed or same. Raises Unclear, NotFound."""
    if not name.strip():
        raise Unclear("a group needs a name")
    return store.directory.put_group(name, members)


def put_workspace(
    store: Store, identifier: str, lists: Mapping[str, Sequence[str]], members: Sequence[tuple[str, str]] = (),
    **given: object,
) -> str:  # fmt: skip
    """Add a workspace, or change what is `given` of one (name, public), its `lists`, who has which role in it.

    Gives added, changed or same. Raises Unclear, NotFound.
    """
    if not identifier.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Unclear(f"{identifier!r} is no identifier: use letters, digits, -, _ and . (--name says it all)")
    named = {key: value for key, value in given.items() if value is not None}
    with store.writing():
        said = store.items.put_workspace(identifier, lists={key: each for key, each in lists.items() if each}, **named)
        for who, role in members:
            kind = "group" if store.directory.group(who) and store.directory.login(who) is None else "user"
            if store.directory.put_member(identifier, role, **{kind: who}) == "added" and said == "same":
                said = "changed"
    return said


def set_workspace_status(store: Store, identifier: str, status: str) -> None:
    """Close a workspace, or open it again. Raises NotFound."""
    looking.workspace(store, identifier)
    store.items.put_workspace(identifier, status=status)
