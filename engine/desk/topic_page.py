"""A topic as one who reads it sees it: its posts, and what they may do.

Here: `seen`, `listed`. Not here: acts (`topics.py`), the console's page (`console/`). Invariant: a topic is seen by who
sees items of its workspace; what somebody may not see is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.stored import AttachmentView, TopicRow, TopicView
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from engine.desk.scope import Scope
    from engine.store.store import Store


class TopicPage(Struct, frozen=True):
    """A topic with its posts; `writes` and `locks` say what may be done."""

    view: TopicView
    writes: bool
    locks: bool

    @property
    def topic(self) -> TopicRow:
        """The topic as lists show it."""
        return self.view.topic


def listed(store: Store, scope: Scope, limit: int, before: int = 0) -> list[TopicRow]:
    """List topics that somebody sees, the newest first, those below a number."""
    return store.topic_views.newest("", limit, before=before, sight=scope.items)


def seen(store: Store, scope: Scope, number: int) -> TopicPage:
    """Give a topic. Raises NotFound, the same for one that is not there and one not seen."""
    found = store.topic_views.view(number)
    if found is None or not scope.items.sees(found.topic.workspace, private=False):
        raise NotFound(f"there is no topic {number}")
    place = found.topic.workspace
    writes = scope.may("add_comments", place) and not found.topic.locked
    return TopicPage(found, writes, scope.may("edit_items", place))


def file(store: Store, page: TopicPage, number: int) -> tuple[str, bytes]:
    """Give the name and the bytes of a file. Raises NotFound, StoreError where they are damaged."""
    found: AttachmentView | None = next((each for each in page.view.attachments if each.id == number), None)
    if found is None:
        raise NotFound(f"topic {page.topic.id} has no attachment {number}")
    return found.name, store.items.blob(found.digest)
