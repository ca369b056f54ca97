"""What is to be gone: our copy of a mail, the message on its mail server, a person in everything that is kept.

Here: which mails are meant, what stands in the way, and doing it. Not here: what is erased in which row
(`store/retention.py`, `store/forgetting.py`), what goes by itself in time (`acting.prune`), mailboxes (`sources/`).
Invariant: nothing goes without `commit`, and nothing that waits for a machine or a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import looking
from engine.model.addresses import key_of
from engine.store.errors import Refused, StoreError, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import Forgotten, MailRow
    from engine.store.store import Store

MOST_PURGED = 10_000
"""Mails that one query can have purged."""

AT_ONCE = 100
"""Mails purged in one transaction."""

UNTOUCHED = ("pipe", "mbox")
"""Protocols by which mail comes that nothing here can delete."""


class Purge(Struct, frozen=True):
    """A mail that was purged, or would be; `because` says why it cannot be now."""

    row: MailRow
    because: str = ""


class Chosen(Struct, frozen=True):
    """Mails that are named one by one (`by_name`), or that a query finds; `more` of them than are taken at once."""

    rows: tuple[MailRow, ...]
    by_name: bool
    more: bool = False


def to_purge(store: Store, words: Sequence[str], zone: tzinfo = UTC) -> Chosen:
    """Find the mails that are meant: each by its id or Message-ID, else those that a query finds.

    Raises NotFound, Unclear.
    """
    if not " ".join(words).strip():
        raise Unclear("the query is empty: it would find every mail")
    named = [store.archive.find_mail(each) for each in words]
    if all(named):
        return Chosen(tuple([row for row in named if row is not None]), by_name=True)
    by_name = all(each.startswith(("m-", "<")) for each in words)
    rows = looking.mails(store, words, MOST_PURGED + 1, zone)
    return Chosen(tuple(rows[:MOST_PURGED]), by_name, len(rows) > MOST_PURGED)


def purge(
    store: Store, chosen: Chosen, *, commit: bool, by: str = "", reason: str = "", via: str = "command"
) -> Iterator[Purge]:  # fmt: skip
    """Erase bytes, addresses, subject and trace of mails for good; without `commit` only tell which could be.

    Of those that a query found, the ones that wait are left out. That it was done stays, with who did it and why.
    Raises Refused for one that is named.
    """
    for start in range(0, len(chosen.rows), AT_ONCE):
        with store.writing() if commit else store.reading():
            done = [Purge(row, store.archive.not_to_purge(row.mail)) for row in chosen.rows[start : start + AT_ONCE]]
            for each in done:
                if each.because and chosen.by_name:
                    raise Refused(each.because)
                if commit and not each.because:
                    store.archive.purge(each.row.mail)
                    _note(store, "mail.purge", each.row, by, reason, via)
        yield from done
    if commit:
        store.archive.wipe()


def _note(store: Store, name: str, row: MailRow, by: str, reason: str, via: str) -> None:
    store.history.note(name, by, via, reason, mail=row.mail, workspace=row.home)


class OnServer(Struct, frozen=True):
    """A mail that is to be deleted on its server, in so many places; `kept` tells whether its bytes are ours, too."""

    row: MailRow
    places: int
    kept: bool


def delete_on_server(
    config: Config, store: Store, ref: str, *, commit: bool, by: str = "", reason: str = "", via: str = "command"
) -> OnServer:  # fmt: skip
    """Plan that the next run deletes a mail in its mailbox; without `commit` only find out whether it could.

    Raises NotFound, and Refused for a mail that is not decided, or that no run can delete.
    """
    row = store.archive.mail(ref)
    box = next((each for each in config.mailboxes if each.name == row.mailbox), None)
    if box is None or not box.active:
        state = "not configured any more" if box is None else "off (active = false)"
        raise Refused(f"mailbox {row.mailbox} is {state}: no run comes there")
    if box.protocol in UNTOUCHED:
        raise Refused(f"{row.mail} came by mailbox {box.name} ({box.protocol}): there is nothing to delete it from")
    with store.joining() if commit else store.rehearsal():
        places = store.mailboxes.settle_again(row.mail, delete=True)
        if not places:
            raise Refused(f"{row.mail} does not lie in mailbox {box.name} any more")
        _note(store, "mail.delete", row, by, reason, via)
    return OnServer(row, places, store.archive.raw(row.mail) is not None)


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Erased(Struct, frozen=True):
    """Who was forgotten, or would be; `rest` says why unused parts of the database file may still hold it."""

    person: Forgotten
    rest: str = ""


def forget(
    config: Config, store: Store, address: str, by: str, *, names: Sequence[str] = (), reason: str = "",
    via: str = "cli", commit: bool,
) -> Erased:  # fmt: skip
    """Erase a person: address, names and words in all that is kept; without `commit` do it and take it back.

    That it was done stays, with the `reason`, without the names of whom it was done to.

    Raises Unclear, and Refused for an address of ours, while mail of theirs waits, and for items under `legal-hold`.
    """
    key = key_of(address.strip())
    local, at, domain = key.rpartition("@")
    if not (at and local and domain) or set(key) & set(' \t<>",;'):
        raise Unclear(f"{address!r} is no mail address")
    if any(key == key_of(own) for own in config.own_addresses):
        raise Refused(f"{address} is an address of ours: mailboxes, smtp.from or addresses name it")
    with nullcontext() if commit else store.rehearsal():
        person = store.archive.forget(key, by, config.separators, names, reason, via)
    if not commit:
        return Erased(person)
    try:
        store.archive.wipe(anew=True)
    except StoreError as error:
        return Erased(person, str(error))
    return Erased(person)
