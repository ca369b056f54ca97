"""Messages of an IMAP account that we moved before, found again in the folder they were moved to.

Here: by the number the server gave them, by Message-ID or size and all of their bytes. Not here: what is done with
them (`imap_settle.py`).
Invariant: a message counts as found only by its UID and its size or Message-ID, or by its sha256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.sources.source import Action, split_imap_key

if TYPE_CHECKING:
    from engine.sources.imap import ImapSource

AT_ONCE = 200
"""Messages that one command is about, and that a search may find."""

SLACK_BYTES = 1_000_000
"""What a server may say around the bytes of a message."""


def find(source: ImapSource, actions: Sequence[Action], folder: str, uidvalidity: int) -> tuple[dict[int, Action], str]:
    """Find the messages of actions in the folder that is open, by UID; with it the server's words if it said NO."""
    found, words = _by_number(source, actions, folder, uidvalidity)
    known = {action.digest for action in found.values()}
    for action in actions:
        if action.digest and action.digest not in known and action.size_bytes:
            uid, refused = _by_bytes(source, action, found)
            words = refused or words
            if uid:
                found[uid] = action
    return found, words


def named(source: ImapSource, action: Action) -> list[int]:
    """Give the messages in the open folder of the Message-ID of an action; where it has none, those of its size."""
    name, size = action.message_id.strip(), action.size_bytes
    if name and name.isascii() and name.isprintable():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return source.session.search(f'UNDELETED HEADER Message-ID "{quoted}"')[:AT_ONCE]
    if not size:
        return []
    return source.session.search(f"UNDELETED LARGER {size - 1} SMALLER {size + 1}")[:AT_ONCE]


def _by_number(
    source: ImapSource, actions: Sequence[Action], folder: str, uidvalidity: int
) -> tuple[dict[int, Action], str]:
    """Some servers change a message when they move it: then its Message-ID has to be the same, else its size."""
    numbered: dict[int, Action] = {}
    for action in actions:
        parts = split_imap_key(action.key)
        if parts and parts[:2] == (folder, str(uidvalidity)):
            numbered[parts[2]] = action
    found: dict[int, Action] = {}
    rows, refused = source.sizes(list(numbered), "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    for uid, row in rows.items():
        action, name = numbered[uid], numbered[uid].message_id.strip()
        if action.size_bytes == row.size_bytes or (name and name.encode() in (row.body or b"")):
            found[uid] = replace(action, size_bytes=row.size_bytes or 0)
    return found, refused


def _by_bytes(source: ImapSource, action: Action, taken: dict[int, Action]) -> tuple[int, str]:
    twins, words = source.sizes(named(source, action))
    for uid, row in twins.items():
        if row.size_bytes == action.size_bytes and uid not in taken:
            digest, refused = _digest(source, uid, action)
            words = refused or words
            if digest == action.digest:
                return uid, ""
    return 0, words


def _digest(source: ImapSource, uid: int, action: Action) -> tuple[str, str]:
    size_bytes = action.size_bytes + SLACK_BYTES
    rows, problem, refused = source.session.rows([uid], "(UID BODY.PEEK[])", size_bytes=size_bytes)
    if problem is not None:
        raise problem
    body = rows[uid].body if uid in rows else None
    return (hashlib.sha256(body).hexdigest() if body is not None else ""), refused
