"""Moving, marking and deleting in a Gmail mailbox.

Here: the actions of one settle, as changes of labels. Not here: which action a mail gets
(`decision/mailbox_action.py`), labels by name (`gmail_labels.py`).
Invariant: nothing happens to a message that lies neither where it was read nor where we moved it; nothing is deleted
for good, only put into the trash; everything may be done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.sources.api_mails import settled
from engine.sources.gmail import ID, labels_of
from engine.sources.source import Action, Settled, folders_before

if TYPE_CHECKING:
    from engine.sources.gmail import GmailSource

STAYS = "the server says OK and leaves it as it is"


def settle(source: GmailSource, actions: Sequence[Action]) -> list[Settled]:
    """Do the actions and give a result for each, in order. Raises SourceError when Gmail cannot be asked."""

    def one(action: Action, here: set[str]) -> Settled | None:
        if action.kind == "move" and action.folder:
            target = source.labels.make(action.folder)
            return Settled(action.key, "kept") if target == source.label else _do(source, action, here, target)
        return _do(source, action, here) if action.kind in ("seen", "delete") else None

    return settled(actions, ID, source.pages, one)


def _do(source: GmailSource, action: Action, here: set[str], target: str = "") -> Settled:
    before = _labels_before(source, action)
    if action.key not in here:
        body = source.get(action.key, "minimal")
        labels = () if body is None else labels_of(body)
        if target and target in labels and source.label not in labels:
            return Settled(action.key, "done")  # its answer was lost
        if "TRASH" in labels or not {source.label, *before} & {*labels}:
            return Settled(action.key, "gone")
    if action.kind == "delete":
        return _changed(source, action, "trash", None, added="TRASH")
    gone = ["UNREAD"] if action.kind == "seen" else [source.label, *(each for each in before if each != target)]
    change = {"removeLabelIds": gone, **({"addLabelIds": [target]} if target else {})}
    return _changed(source, action, "modify", change, added=target, gone=gone)


def _changed(
    source: GmailSource, action: Action, verb: str, change: object, *, added: str = "", gone: Sequence[str] = ()
) -> Settled:  # fmt: skip
    """Change the labels of a message, and look at what it has then."""
    reply = source.api.ask("POST", source.api.url("messages", action.key, verb), change, expected=(404,))
    if reply.status == 404:
        return Settled(action.key, "gone")
    labels = labels_of(reply.body)
    if reply.body.get("id") != action.key or (added and added not in labels) or {*gone} & {*labels}:
        return Settled(action.key, "failed", STAYS)
    return Settled(action.key, "done")


def _labels_before(source: GmailSource, action: Action) -> list[str]:
    """The labels that a message may have got from us before, where they exist."""
    found = (source.labels.find(folder) for folder in folders_before(source.mailbox, action))
    return [label for label in found if label and label != source.label]
