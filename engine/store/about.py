"""What a row of the outbox is about: the mail it answers, the item or topic, the words and the files.

Here: `About`. Not here: what is made of it (`outbox/contents.py`), the rows (`outbox.py`). Invariant: it is read when
the mail is composed, so it tells what is there then; words and files that only staff may see are given for staff only.
What was read for a row stands for the next one about the same, side and all, until anything is written by anybody.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from engine.model.addresses import bare, key_of
from engine.model.events import Kind
from engine.model.preferences import SIGNATURE
from engine.model.stored import OutboxContext, OutboxRow, SentFile
from engine.store import hot
from engine.store.database import Database, moment, time
from engine.store.memory import Memory

MOST_REFERENCES = 50

MOST_FILES = 100

_NEWEST = 1 << 62
"""Above the number of any comment."""

_LAST = ("context",)
"""Where what was read last is remembered: of one row only, for words may be long."""


class About:
    """Answers what composing asks."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def context(self, row: OutboxRow) -> OutboxContext:
        others = self._memory.versions().others
        told, is_answer = row.told, row.kind is Kind.ANSWER
        by = (told.actor_inside, told.actor_address) if is_answer else ()
        same = (self._database.written, others, row.mail, row.item, row.topic, told.comment, told.inside, by)
        kept = self._memory.remembered(_LAST)
        if kept is None or kept[0] != same:
            self._memory.forget(_LAST)
            kept = self._memory.remember(_LAST, lambda: (same, *self._read(row)))
        about: OutboxContext = kept[1]
        return replace(about, **self._their_own(row, kept[2])) if is_answer and about.item else about

    def _their_own(self, row: OutboxRow, item: int) -> dict[str, Any]:
        """What hangs on who gets an answer: their own last words on the item, and the mail that they came by.

        Nobody else's are quoted: they may have been told to others only. `item` is where the words of the row stand, 0
        where there are none that this person reads.
        """
        told, key = row.told, row.address_key
        theirs, before = (key, key_of(told.to)), told.comment or _NEWEST
        found = self._database.one(hot.SAID_THEMSELVES, *theirs, key, before, *theirs, item or row.item)
        if found is None:
            return {}
        text, name, at, last_id = found
        quoted = {"quoted": text, "quoted_from": name or "", "quoted_at": moment(at)} if item and text else {}
        return {**quoted, "last_id": last_id or ""}

    def _read(self, row: OutboxRow) -> tuple[OutboxContext, int]:
        """Read what does not hang on who it goes to, but for whether they are inside; and where its words stand."""
        known = {**self._mail(row), **(self._topic(row) if row.topic else self._item(row) if row.item else {})}
        said_on = known.pop("said_on", 0)
        return OutboxContext(**known), said_on

    def _mail(self, row: OutboxRow) -> dict[str, Any]:
        found = self._database.one(hot.KNOWN_AS, row.mail) if row.mail else None
        if found is None:
            return {}
        mail, mailbox, subject, message_id, sender, received_at, raw = found
        references, name = self._head(raw)
        return {
            "mail": mail or "", "mailbox": mailbox or "", "subject": subject or "", "message_id": message_id or "",
            "references": references, "sender": sender or "", "name": name,
            "received_at": time(received_at) if received_at else None,
        }  # fmt: skip

    def _item(self, row: OutboxRow) -> dict[str, Any]:
        found = self._database.one(hot.ABOUT["item"], row.item)
        if found is None:
            return {}
        (title, workspace, text, status, kind, priority, assigned_to, opened_at, name, sender, first_id, html,
         language, merged_into) = found  # fmt: skip
        said = {
            "item": row.item, "title": title, "workspace": workspace, "status": status, "type": kind,
            "priority": priority, "assigned_to": assigned_to, "opened_at": time(opened_at),
            "requester": sender or name or "", "requester_address": bare(sender) if sender else "",
            "first_id": first_id or "", "text": text, "html": html, "language": language or "",
            "merged_into": merged_into or 0,
        }  # fmt: skip
        if row.told.comment:
            if self._went_away(row.item):  # and the words with it
                return {}
            said |= self._words(row)
        else:
            said["files"] = self._files(hot.FILES["item"], row.item, 0)
            said["pictures"] = self._pictures(hot.PICTURES["item"], row.item, 0) if html else ()
        return said | {"signature": self._signature(row, workspace)} if row.kind is Kind.ANSWER else said

    def _went_away(self, item: int) -> bool:
        """Tell whether an item was merged into one that is not there any more."""
        while (row := self._database.one(hot.LEADS_TO, item)) is not None and row[0]:
            (item,) = row
        return row is None

    def _signature(self, row: OutboxRow, workspace: str) -> str:
        """What stands below the words of somebody inside."""
        if not row.told.actor_inside:
            return ""
        kept = dict(self._database.rows(hot.SIGNED, row.told.actor_address, SIGNATURE, workspace))
        return str(kept.get(workspace) or kept.get("", ""))

    def _words(self, row: OutboxRow) -> dict[str, Any]:
        """The words and files of a comment, of a note for people inside only."""
        found = self._database.one(hot.WORDS["comment"], row.told.comment)
        if found is None or (found[2] and not row.told.inside):
            return {"text": "", "html": "", "files": ()}
        words, html, internal, item = found  # the item has another number where it was merged since
        return {
            "text": words, "html": html, "said_on": 0 if internal else item,
            "files": self._files(hot.FILES["item"], item, row.told.comment),
            "pictures": self._pictures(hot.PICTURES["item"], item, row.told.comment) if html else (),
        }  # fmt: skip

    def _topic(self, row: OutboxRow) -> dict[str, Any]:
        found = self._database.one(hot.ABOUT["topic"], row.topic)
        if found is None:
            return {}
        words = self._database.one(hot.WORDS["post"], row.told.comment)
        about, html = (row.topic, row.told.comment), words[1] if words else ""
        return {
            "topic": row.topic, "title": found[0], "workspace": found[1], "text": words[0] if words else "",
            "files": self._files(hot.FILES["topic"], *about), "html": html,
            "pictures": self._pictures(hot.PICTURES["topic"], *about) if html else (),
        }  # fmt: skip

    def _files(self, statement: str, about: int, comment: int) -> tuple[SentFile, ...]:
        rows = self._database.rows(statement, about, comment, MOST_FILES)
        return tuple([SentFile(name, kind, size, bytes(digest).hex()) for name, kind, size, digest in rows])

    def _pictures(self, statement: str, about: int, comment: int) -> tuple[SentFile, ...]:
        """The pictures that came with the words, or with the item when it was opened, by their names in the HTML."""
        rows = self._database.rows(statement, about, comment, MOST_FILES)
        return tuple(
            [SentFile(name, kind, size, bytes(digest).hex(), named) for name, kind, size, digest, named in rows]
        )

    def _head(self, raw: int | None) -> tuple[tuple[str, ...], str]:
        """The newest Message-IDs in References of a raw mail and the name in From, as long as its bytes are there."""
        row = self._database.one(hot.HEAD, raw or 0)
        if row is None or row[0] is None:
            return (), ""
        header = re.split(rb"\r?\n\r?\n", bytes(row[0]), maxsplit=1)[0]
        from engine.mail import addresses

        lines = re.sub(rb"\r?\n[ \t]+", b" ", header).splitlines()
        values = {name.lower(): value for name, _, value in (line.partition(b":") for line in reversed(lines))}
        references = values.get(b"references", b"").decode("ascii", "replace")
        writer = addresses.parse(values.get(b"from", b"").decode("utf-8", "replace"), 1)
        return tuple(re.findall(r"<[!-;=?-~]{1,250}>", references)[-MOST_REFERENCES:]), writer[0].name if writer else ""
