"""What is to be done with a mail in its mailbox once its receipt is written.

Here: `plan_action`, a pure reading of the mailbox options. Not here: doing it (the sources).
Invariant: whatever is in doubt is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model.plan import Outcome, Settle

if TYPE_CHECKING:
    from engine.config import Config, Mailbox

FOLDERS = ("imap", "gmail", "graph", "maildir", "files", "program")
"""Protocols with folders and flags; the others can only delete or keep. What a program can, it knows itself."""


class Planned(NamedTuple):
    """What to do: `kind` is move, seen, delete or keep; `folder` is set for a move."""

    kind: str
    folder: str = ""


KEEP = Planned("keep")


def plan_action(
    mailbox: Mailbox, settle: Settle, outcome: Outcome, *, on_error: str = "mark", item_closed: bool = False
) -> Planned:
    """Tell what the mailbox options want done with a mail.

    `on_error` is `errors.behavior`. `item_closed` says that the item of the mail is closed or gone: with
    `keep_until = "item-closed"` a mail that made or changed an item is kept until then. A mail of which only the
    header was taken must come with `Settle.NOTHING`.
    """
    if settle is Settle.NOTHING or outcome is Outcome.DEFERRED:
        return KEEP
    if settle is Settle.HOLD:
        return _move(mailbox, mailbox.move_on_hold) or KEEP
    if settle is Settle.FAILURE:
        return _after_failure(mailbox, outcome, on_error)
    if mailbox.keep_until == "item-closed" and not item_closed and outcome is not Outcome.DUPLICATE:
        return KEEP
    if mailbox.after_success == "move":
        return _move(mailbox, mailbox.move_on_success) or _flag(mailbox)
    return _other(mailbox, mailbox.after_success)


def action_in(config: Config, name: str, settle: Settle, outcome: Outcome, *, on_error: str = "mark") -> Planned:
    """`plan_action` of a mailbox by its name; nothing in one that the configuration does not name any more."""
    mailbox = next((each for each in config.mailboxes if each.name == name), None)
    return plan_action(mailbox, settle, outcome, on_error=on_error) if mailbox is not None else KEEP


def _after_failure(mailbox: Mailbox, outcome: Outcome, on_error: str) -> Planned:
    if outcome is Outcome.ERROR:
        if on_error == "delete":
            return Planned("delete")
    elif mailbox.delete_unprocessed and mailbox.protocol == "pop3":
        return Planned("delete")
    if mailbox.after_failure == "move":
        return _move(mailbox, mailbox.move_on_failure) or KEEP
    return _other(mailbox, mailbox.after_failure)


def _other(mailbox: Mailbox, word: str) -> Planned:
    if word == "delete" and mailbox.protocol not in ("mbox", "pipe"):
        return Planned("delete")
    return _flag(mailbox) if word == "seen" else KEEP


def _move(mailbox: Mailbox, folder: str) -> Planned | None:
    return Planned("move", folder) if folder and mailbox.protocol in FOLDERS else None


def _flag(mailbox: Mailbox) -> Planned:
    return Planned("seen") if mailbox.protocol in FOLDERS else KEEP
