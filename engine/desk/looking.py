"""What people look up: the mail they mean, its bytes and header, an item, a file, a person, a group, a workspace.

Here: finding one thing, and what is known where it is not there; what a directory says of an address. Not
here: the queries (`store/`), mailboxes (`mailboxes.py`), changing anything (`acting.py`).
Invariant: what is not found is said by `NotFound`, whose text is a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.addresses import key_of
from engine.model.sight import ALL, Sight
from engine.store.errors import NotFound, Refused, StoreError, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.answers import Listed
    from engine.model.desk import Account, Catalog
    from engine.model.figures import Facets
    from engine.model.mail import Header, RawMail
    from engine.model.stored import AttachmentView, CommentView, DraftRow, ItemView, MailRow, Searched
    from engine.store.store import Store

MOST_COUNTED = 100
"""Mails of one sender that are counted; beyond that there are "more"."""


# ── people of a directory ─────────────────────────────────────────────────────────────────────────────────────


def in_directory(config: Config, address: str, name: str = "") -> Listed:
    """Ask a directory about an address, now, and keep nothing; without a name the one that [people] names.

    Raises NotFound, StoreError where it cannot be asked.
    """
    from engine.directories import Away, open_directory

    there = config.directories
    name = name or config.settings().people.directory or (next(iter(there)) if len(there) == 1 else "")
    if name not in there:
        known = f"there are: {', '.join(there)}" if there else "the configuration has none"
        raise Unclear(f'there is no directory "{name}"; {known}' if name else f"which directory? {known}")
    if "@" not in address:
        raise Unclear(f"{address!r} is no address")
    people = open_directory(there[name])
    try:
        return people.find(key_of(address.strip()))
    except Away as error:
        raise StoreError(str(error)) from None
    finally:
        people.close()


# ── mails ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Found(Struct, frozen=True):
    """The mail that is meant; `of` is how many there are from that address, it being the newest, else 1."""

    row: MailRow
    of: int = 1


class NoMail(NotFound):
    """There is no such mail. `meant` says as what the reference was read: id, address, message-id or nothing.

    `first` is when the oldest mail of all came in, None where none ever did.
    """

    def __init__(self, ref: str, meant: str, first: datetime | None) -> None:
        super().__init__(f"there is no mail {ref}")
        self.ref, self.meant, self.first = ref, meant, first


def mail(store: Store, ref: str) -> Found:
    """Find a mail by id, Message-ID, `last`, `last-held`, or the newest from an address. Raises NotFound, NoMail."""
    ref = ref.strip()
    row = store.archive.find_mail(ref)
    if row is not None:
        return Found(row)
    if ref in ("last", "last-held"):
        raise NotFound("nothing is held" if ref == "last-held" else "no mail was read in yet")
    if _is_address(ref):
        rows = store.archive.mails(f'from:"{ref}"', MOST_COUNTED + 1)
        if rows:
            return Found(rows[0], len(rows))
        raise NoMail(ref, "address", store.archive.oldest())
    meant = "id" if ref.startswith("m-") else "message-id" if "@" in ref else "nothing"
    raise NoMail(ref, meant, store.archive.oldest())


def _is_address(ref: str) -> bool:
    local, at, domain = ref.rpartition("@")
    return bool(at and local and domain) and not ref.startswith("<") and not set('" \t') & set(ref)


def mails(store: Store, refs: Sequence[str], limit: int, zone: tzinfo = UTC) -> list[MailRow]:
    """Give mails by their ids, or, where one of the words is none, what all of them find as a query.

    Raises NotFound, Unclear.
    """
    if all(ref.startswith(("m-", "<")) or ref in ("last", "last-held") for ref in refs):
        return [store.archive.mail(ref) for ref in refs]
    rows = list(store.archive.mails(" ".join(refs), limit, zone))
    if not rows:
        raise NotFound(f"no mail matches {' '.join(refs)!r}")
    return rows


def search(
    store: Store, query: str, limit: int, *, before: int = 0, within_s: float = float("inf"), zone: tzinfo = UTC,
    sight: Sight = ALL,
) -> Searched:  # fmt: skip
    """Search mails, the newest first, those before a row of the ledger; see `engine.ports.Archive.search`.

    Raises Unclear.
    """
    return store.archive.search(query, limit, before=before, within_s=within_s, zone=zone, sight=sight)


class Kinds(Struct, frozen=True):
    """What mails have in common: those of the query where that can be told (`exact`), else all that somebody sees."""

    facets: Facets
    exact: bool


def kinds(store: Store, query: str, *, zone: tzinfo = UTC, sight: Sight = ALL) -> Kinds | None:
    """Count what the mails of a query have in common; None for a query that means nothing."""
    try:
        found = store.archive.facets(query, sight=sight, zone=zone)
        every = store.archive.facets(sight=sight, zone=zone) if found is None else found
    except Unclear:
        return None
    return Kinds(every, found is not None) if every is not None else None


def seen(store: Store, ref: str, sight: Sight) -> MailRow:
    """Find a mail by id or Message-ID among those that somebody sees; what they do not see is not there.

    Raises NotFound.
    """
    row = store.archive.seen(ref, sight)
    if row is None:
        raise NotFound(f"there is no mail {ref}")
    return row


def raw(store: Store, ref: str) -> RawMail:
    """Give the original bytes of a mail. Raises NotFound, also where they are not kept any more."""
    stored = store.archive.raw(store.archive.mail(ref).mail)
    if stored is None:
        raise NotFound(f"the bytes of {ref} are not kept any more; its receipt is")
    return stored


def header(config: Config, store: Store, ref: str) -> Sequence[Header]:
    """Give the header fields of a mail, decoded. Raises NotFound."""
    from engine.explain.replay import parse_stored

    return parse_stored(config, raw(store, ref)).headers


# ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────


def item(store: Store, number: int) -> ItemView:
    """Give an item with all that hangs on it. Raises NotFound."""
    view = store.items.view(number)
    if view is None:
        raise NotFound(gone(store, number))
    return view


def gone(store: Store, number: int) -> str:
    """Say that there is no such item, or none any more."""
    deleted = [each for each in store.history.of_item(number) if each.name == "item.deleted"]
    return f"item #{number} was deleted by {deleted[-1].actor}" if deleted else f"there is no item #{number}"


def drafts(store: Store, number: int = 0) -> list[DraftRow]:
    """List what waits to be sent, of one item or of all. Raises NotFound."""
    if number:
        item(store, number)
    return store.items.drafts(number)


def internal(view: ItemView, number: int) -> CommentView:
    """Give a note or a draft, whose words may become others. Raises NotFound, Refused."""
    found = comment(view, number)
    if not found.internal:
        raise Refused(f"comment {number} of item #{view.item.id} is public: what was said stays")
    return found


def comment(view: ItemView, number: int) -> CommentView:
    """Give a comment or note of an item. Raises NotFound."""
    for each in view.comments:
        if each.id == number:
            return each
    raise NotFound(f"item #{view.item.id} has no comment {number}")


def attachment(view: ItemView, number: int) -> AttachmentView:
    """Give an attachment of an item. Raises NotFound."""
    for each in view.attachments:
        if each.id == number:
            return each
    raise NotFound(f"item #{view.item.id} has no attachment {number}")


# ── people and places ─────────────────────────────────────────────────────────────────────────────────────────


def user(store: Store, who: str) -> Account:
    """Find a user by login, address or name. Raises NotFound."""
    account = store.directory.person(who) or store.directory.account(who, "+").account
    if account is None:
        raise NotFound(f'there is no user "{who}"')
    return account


def group(store: Store, name: str) -> tuple[str, tuple[str, ...]]:
    """Find a group; gives its name as stored and the logins in it. Raises NotFound."""
    stored = store.directory.group(name)
    if not stored:
        raise NotFound(f'there is no group "{name}"')
    return stored, tuple(dict(store.directory.groups())[stored])


def workspace(store: Store, identifier: str) -> Catalog:
    """Find a workspace and what it offers. Raises NotFound."""
    found = store.items.catalog(identifier)
    if found is None:
        raise NotFound(f'there is no workspace "{identifier}"')
    return found
