"""An item as one who works on it sees it: the conversation, who heard of each word of it, what they may do.

Here: `seen`, `listed`. Not here: acts (`items.py`), who hears of one (`told.py`), queries (`store/`), the console's
page (`console/`). Invariant: what somebody may not see is not there, in no list, count or reason; what is said inside,
what happened and who heard of it is for who may edit items there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.desk.told import Told, told_of
from engine.explain.page import shown
from engine.model.desk import Catalog
from engine.model.figures import ItemKinds
from engine.model.stored import AttachmentView, EventRow, ItemRow, ItemView, OutboxLine
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from engine.config import Config
    from engine.desk.scope import Scope
    from engine.store.store import Store


class Words(Struct, frozen=True):
    """One entry of a conversation: the item itself (number 0), a comment, a note or a draft.

    `html` tells that it came as a page, too; `mail` is the mail that brought it, "" for none or one that is not seen.
    """

    number: int
    kind: str
    writer: str
    at: datetime
    text: str
    quoted: str
    html: bool
    mail: str
    subject: str = ""
    files: tuple[AttachmentView, ...] = ()
    told: tuple[Told, ...] = ()


class ItemPage(Struct, frozen=True):
    """An item with all that is seen of it; `edits` and `answers` say what may be done."""

    view: ItemView
    conversation: tuple[Words, ...]
    events: tuple[EventRow, ...]
    catalog: Catalog
    edits: bool
    answers: bool

    @property
    def item(self) -> ItemRow:
        """The item as lists show it."""
        return self.view.item


class Found(Struct, frozen=True):
    """Items that a search found; `more` than these, `beyond` what was looked at; what they have in common.

    That is told with the newest ones only: `kinds` is None for those further back.
    """

    rows: list[ItemRow]
    more: bool
    beyond: bool
    kinds: ItemKinds | None = None


def listed(store: Store, scope: Scope, query: str, limit: int, before: int = 0) -> Found:
    """Find items that somebody sees, the newest first, those below a number. Raises Unclear."""
    rows, beyond = store.items.found(query, limit + 1, before=before, sight=scope.items)
    return Found(rows[:limit], len(rows) > limit, beyond)


def searched(store: Store, scope: Scope, query: str, limit: int, before: int = 0) -> Found:
    """Do as `listed`, and tell what all that are found have in common. Raises Unclear."""
    if before:
        return listed(store, scope, query, limit, before)
    rows, beyond, kinds = store.items.gathered(query, limit + 1, sight=scope.items)
    return Found(rows[:limit], len(rows) > limit, beyond, kinds)


def view(store: Store, scope: Scope, number: int) -> ItemView:
    """Give what somebody sees of an item. Raises NotFound, the same for one that is not there and one not seen."""
    facts = store.items.exactly(number)
    is_seen = facts is not None and scope.items.sees(facts.workspace, private=facts.private)
    found = store.items.view(number) if is_seen else None
    if found is None:
        raise NotFound(f"there is no item #{number}")
    if not scope.may("view_mail", found.item.workspace):
        found = replace(found, mail="", comments=tuple([replace(each, mail="") for each in found.comments]))
    if _edits(scope, found):
        return found
    inside = {each.id for each in found.comments if each.internal}
    return replace(
        found, comments=tuple([each for each in found.comments if not each.internal]),
        attachments=tuple([each for each in found.attachments if each.comment not in inside]),
    )  # fmt: skip


def seen(store: Store, scope: Scope, number: int, zone: tzinfo) -> ItemPage:
    """Give an item for its page. Raises NotFound."""
    found = view(store, scope, number)
    place, edits = found.item.workspace, _edits(scope, found)
    events = tuple(store.history.of_item(number)) if edits else ()
    told = _told(store.outbox.told(item=number) if edits else (), events, zone)
    catalog = store.items.catalog(place)
    assert catalog is not None  # noqa: S101 - an item stands in a workspace
    shows = not found.item.merged_into
    return ItemPage(
        found, _conversation(found, told), events, catalog, edits and shows, may_answer(scope, found) and shows
    )  # fmt: skip


def may_answer(scope: Scope, found: ItemView) -> bool:
    """Tell whether somebody may write on an item that they see."""
    return _edits(scope, found) or (not found.private and scope.may("add_comments", found.item.workspace))


def _edits(scope: Scope, found: ItemView) -> bool:
    return scope.may("edit_items", found.item.workspace)


def _conversation(found: ItemView, told: Mapping[int, tuple[Told, ...]]) -> tuple[Words, ...]:
    files: dict[int, list[AttachmentView]] = {}
    for each in found.attachments:
        files.setdefault(each.comment or 0, []).append(each)

    first = Words(
        0, "opened", found.item.writer, found.item.created_at, found.text, found.quoted, bool(found.html),
        found.mail, "", tuple(files.get(0, ())), told.get(0, ()),
    )  # fmt: skip
    return (first, *[
        Words(
            each.id, "draft" if each.draft else "note" if each.internal else "comment", each.writer, each.created_at,
            each.text, each.quoted, bool(each.html), each.mail, each.subject, tuple(files.get(each.id, ())),
            told.get(each.id, ()),
        )
        for each in found.comments
    ])  # fmt: skip


def _told(rows: Sequence[OutboxLine], events: Sequence[EventRow], zone: tzinfo) -> dict[int, tuple[Told, ...]]:
    """Who heard of the words of each comment; 0 is the item itself. What did it names them: a mail, or an act."""
    did: dict[str, int] = {}
    for event in events:
        by = event.mail or event.act
        if by and event.name in ("item.created", "item.commented", "item.answered", "item.noted"):
            did.setdefault(by, event.comment)
    found: dict[int, list[Told]] = {}
    for row in rows:
        comment = did.get(row.mail or row.act)
        if comment is not None:
            found.setdefault(comment, []).append(told_of(row, zone))
    return {comment: tuple(each) for comment, each in found.items()}


def page(store: Store, config: Config, found: ItemView, comment: int) -> str:
    """Give the HTML of the item (0) or of a comment, safe to be shown in a frame. Raises NotFound."""
    if comment and all(each.id != comment for each in found.comments):
        raise NotFound(f"item #{found.item.id} has no comment {comment}")
    return shown(store, config, found, comment)


def content(store: Store, found: ItemView, number: int) -> tuple[str, bytes]:
    """Give the name and the bytes of a file of an item. Raises NotFound, StoreError where they are damaged."""
    from engine.desk.looking import attachment

    file = attachment(found, number)
    return file.name, store.items.blob(file.digest)
