"""Moving, marking and deleting in a Microsoft 365 mailbox.

Here: the actions of one settle. Not here: which action a mail gets (`decision/mailbox_action.py`), folders by path
(`graph_folders.py`).
Invariant: nothing happens to a message that lies neither where it was read nor where we moved it; nothing is deleted
for good, only moved to the deleted items; everything may be done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.sources.api_mails import settled
from engine.sources.graph_folders import ID
from engine.sources.source import Action, Settled, folders_before

if TYPE_CHECKING:
    from engine.sources.graph import GraphSource

DELETED = "deleteditems"
STAYS = "the server says OK and leaves it as it is"


def settle(source: GraphSource, actions: Sequence[Action]) -> list[Settled]:
    """Do the actions and give a result for each, in order. Raises SourceError when Graph cannot be asked."""

    def one(action: Action, here: set[str]) -> Settled | None:
        if action.kind == "move" and action.folder:
            return _moved(source, action, source.tree.make(action.folder), here)
        if action.kind == "delete":
            return _moved(source, action, source.tree.find(DELETED), here)
        if action.kind == "seen":
            is_there = action.key in here or _where(source, action)
            return _act(source, action, {"isRead": True}) if is_there else Settled(action.key, "gone")
        return None

    return settled(actions, ID, source.pages, one)


def _moved(source: GraphSource, action: Action, target: str, here: set[str]) -> Settled:
    if not target:
        return Settled(action.key, "failed", f"the mailbox has no folder {DELETED}")
    own = source.tree.find(source.mailbox.folder or "INBOX")
    if target == own:
        return Settled(action.key, "kept")
    if action.key not in here:
        place = _where(source, action, target)
        if place == target:
            return Settled(action.key, "done")  # its answer was lost
        if not place:
            return Settled(action.key, "gone")
    return _act(source, action, {"destinationId": target})


def _where(source: GraphSource, action: Action, target: str = "") -> str:
    """The folder in which a message lies: its own, the target, or one that we moved it to before; "" for any other."""
    body = source.get(action.key, "parentFolderId")
    shown = str(body.get("parentFolderId") or "") if body is not None else ""
    if not shown:
        return ""
    folders = source.tree
    before = (folders.find(folder) for folder in folders_before(source.mailbox, action))
    known = [target, folders.find(source.mailbox.folder or "INBOX"), *before]
    return next((folder for folder in known if folder and folders.same(shown, folder)), "")


def _act(source: GraphSource, action: Action, change: dict[str, object]) -> Settled:
    """Move a message or mark it as read, and look at what comes back."""
    move = "destinationId" in change
    url = source.api.url("messages", action.key, *(("move",) if move else ()))
    reply = source.api.ask("POST" if move else "PATCH", url, change, expected=(400, 404))
    if reply.status in (400, 404):
        source.check_gone(reply)
        return Settled(action.key, "gone")
    key = str(reply.body.get("id") or "")
    if move and ID.fullmatch(key):  # another id, where it went to another mailbox: the archive
        return Settled(action.key, "done", moved_to=key if key != action.key else "")
    if key == action.key and reply.body.get("isRead") is True:
        return Settled(action.key, "done")
    return Settled(action.key, "failed", STAYS)
