"""People who write, for people: who they are here, what came of their mail, and forgetting one.

Here: a list, one of them, and erasing somebody as an act of a person. Not here: what is erased (`erasing.py`),
counters (`store/senders.py`), accounts (`acting.py`).
Invariant: counters are of all mail, so they are for admins; whoever sees less is told of the newest mails that they
see, and of nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import erasing, logged
from engine.model.addresses import key_of
from engine.model.desk import Account, AccountStatus
from engine.model.senders import NewDomain, SenderRow
from engine.store.errors import NotFound, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.erasing import Erased
    from engine.desk.scope import Scope
    from engine.model.stored import MailRow
    from engine.store.store import Store

NEWEST, WITHIN_S = 500, 0.15
"""So many of the newest mails are looked at for who writes, and no longer than that."""

MOST_MAILS, SHOWN_MAILS = 100, 20
"""Mails of one person that are counted for who does not see all; those that are listed."""

WEEK, MOST_DOMAINS = timedelta(days=7), 50
"""Domains that are new since then, and so many of them at most."""

MADE, REFUSED = ("created", "comment", "note"), ("rejected", "discarded")


class Listed(Struct, frozen=True):
    """People who write, who wrote last or most first. `exact`: counted of all mail, not of the newest that one sees."""

    people: tuple[SenderRow, ...]
    exact: bool
    more: bool = False


class Person(Struct, frozen=True):
    """Somebody who writes: counts, their newest mails, and the account behind the address, if there is one.

    `may` tells of each workspace what the account may do there. Of `more` mails than are counted there may be some.
    """

    sender: SenderRow
    mails: tuple[MailRow, ...]
    exact: bool
    account: Account | None = None
    may: Mapping[str, tuple[str, ...]] = {}
    more: bool = False


def listed(
    store: Store, config: Config, scope: Scope, text: str = "", limit: int = 50, zone: tzinfo = UTC
) -> Listed:  # fmt: skip
    """List who wrote lately, or whose address holds a text."""
    if scope.admin and text:
        found = store.senders.find(text, limit + 1, config.separators)
        return Listed(tuple(found[:limit]), exact=True, more=len(found) > limit)
    mails = _newest(store, scope, text, zone)
    addresses = list(dict.fromkeys(each.sender for each in mails if each.sender))
    known = store.senders.named(addresses[:limit], config.separators)
    rows = known if scope.admin else [_counted(each, mails) for each in known]
    return Listed(tuple(rows), exact=scope.admin, more=len(addresses) > limit)


def new_domains(store: Store, scope: Scope, now: datetime) -> tuple[NewDomain, ...] | None:
    """Give the domains whose first mail came within a week; None for who does not see all mail.

    Of many those from which most mail came.
    """
    return tuple(store.senders.new_domains(now - WEEK, MOST_DOMAINS)) if scope.admin else None


def everybody(
    store: Store, config: Config, scope: Scope, text: str, after: str, limit: int, zone: tzinfo = UTC
) -> tuple[Sequence[SenderRow], str]:  # fmt: skip
    """Give some of all who ever wrote, or whom a text finds, by address, and behind whom the next ones stand.

    Who does not see all mail is given all senders of the newest mails that they see, at once.
    """
    if not scope.admin:
        return listed(store, config, scope, text, NEWEST, zone).people, ""
    found = store.senders.after(after, text, limit, config.separators)
    return found, found[-1].address if len(found) == limit else ""


def _newest(store: Store, scope: Scope, text: str, zone: tzinfo) -> list[MailRow]:
    """The newest mails that somebody sees; with a text, those from such addresses."""
    said = text.replace('"', " ").strip()
    query = f'from:"{said}"' if said else ""
    try:
        return store.archive.search(query, NEWEST, within_s=WITHIN_S, zone=zone, sight=scope.sight).mails
    except Unclear:
        return []


def _counted(sender: SenderRow, mails: Iterable[MailRow]) -> SenderRow:
    """What these mails say of a sender, and nothing of all others."""
    theirs = [each for each in mails if each.sender == sender.address]
    came = [each.received_at for each in theirs]
    outcomes = [each.outcome for each in theirs]
    return SenderRow(
        sender.address, first_at=min(came, default=None), last_at=max(came, default=None), mails=len(theirs),
        made=sum(each in MADE for each in outcomes), held=outcomes.count("held"),
        refused=sum(each in REFUSED for each in outcomes), login=sender.login,
    )  # fmt: skip


def seen(store: Store, config: Config, scope: Scope, address: str) -> Person:
    """Give somebody who wrote where one sees it; admins also who has an account and never wrote. Raises NotFound."""
    key = key_of(address.strip())
    (sender,) = store.senders.named([key], config.separators)
    mails = store.archive.mails_of(key, MOST_MAILS + 1, sight=scope.sight)
    account = _account(store, config, key)
    if not mails and not (scope.admin and (account is not None or sender.mails)):
        raise NotFound(f"nobody wrote from {address}", address)
    shown, more = tuple(mails[:SHOWN_MAILS]), len(mails) > MOST_MAILS
    if scope.admin:
        return Person(sender, shown, True, account, _may(store, account), more)
    if account is not None:
        account = Account(account.id, account.login, account.name, status=account.status)
    return Person(_counted(sender, mails[:MOST_MAILS]), shown, False, account, more=more)


def _account(store: Store, config: Config, key: str) -> Account | None:
    found = store.directory.account(key, config.separators).account
    return None if found is None or found.status == AccountStatus.GUEST else found


def _may(store: Store, account: Account | None) -> dict[str, tuple[str, ...]]:
    if account is None or account.admin:
        return {}
    return {place: tuple(words) for place, words in sorted(store.directory.permitted(account.login).items()) if words}


def forget(
    store: Store, config: Config, scope: Scope, address: str, reason: str = "", *, commit: bool
) -> Erased:  # fmt: skip
    """Erase a person for good, or tell what that would be. Raises NotFound for who is no admin, Unclear, Refused."""
    if not scope.admin:
        raise NotFound(f"nobody wrote from {address}", address)
    if commit and not reason.strip():
        raise Unclear("say why: the reason is empty")
    done = erasing.forget(config, store, address, scope.login, reason=reason.strip(), via="console", commit=commit)
    if commit and done.person.counts:
        logged.act(config, "person.forget", scope.login)  # and not whom
    return done
