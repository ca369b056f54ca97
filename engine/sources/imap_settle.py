"""Moving, flagging and deleting in an IMAP folder.

Here: the actions of one settle. Not here: which action a mail gets (`decision/mailbox_action.py`), the session
(`guarded.py`).
Invariant: nothing happens to a message whose folder, UIDVALIDITY or size is not the one it was fetched with, but for
one that we moved away before and that is known again by all of its bytes; a bare EXPUNGE only in a mailbox that is ours
alone; everything may be done twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.sources.guarded import Answer, Selected
from engine.sources.imap_rows import Row
from engine.sources.source import RENUMBERED, Action, Settled, SourceError, folders_before

if TYPE_CHECKING:
    from engine.sources.imap import ImapSource

AT_ONCE = 200
SLACK_BYTES = 1_000_000
"""What a server may say around the bytes of a message."""

REFUSES = "the server refuses"

MARK = "$AllegraMoving"
"""Set before a COPY, so that a second try looks whether the copy is there already."""


def settle(source: ImapSource, actions: Sequence[Action]) -> list[Settled]:
    """Do the actions and give a result for each, in order. Raises SourceError when the session breaks."""
    results = {action.key: Settled(action.key, "done") for action in actions if action.kind == "keep"}
    wanted = [action for action in actions if action.key not in results]
    if wanted:
        opened = source.select(write=True)
        if not opened.writable:
            results |= {each.key: Settled(each.key, "failed", "the folder is read-only") for each in wanted}
        else:
            results |= _Settling(source, wanted, source.place, opened).run()
            results |= _moved_before(
                source, [each for each in wanted if results[each.key] == Settled(each.key, "gone")]
            )
    return [results.get(action.key) or Settled(action.key, "failed", "not done") for action in actions]


def _moved_before(source: ImapSource, actions: Sequence[Action]) -> dict[str, Settled]:
    """Do what is left to do with messages that we moved away before, and that a person has decided on since.

    There they have other numbers: a message is itself by its Message-ID, its size and all of its bytes.
    """
    results: dict[str, Settled] = {}
    session = source.session
    folders = dict.fromkeys(each for action in actions for each in folders_before(source.mailbox, action))
    for folder in folders:
        here = [each for each in actions if each.key not in results and folder in folders_before(source.mailbox, each)]
        try:
            place = session.place(folder)
            opened = session.select(place, write=True)
        except SourceError as error:
            if error.code not in ("source.folder_missing", "source.bad_name"):
                raise
            continue
        settling = _Settling(source, here, place, opened)
        if opened.writable and settling.find():
            results |= settling.run()
    if folders:
        source.select(write=True, again=True)
    return results


@dataclass
class _Settling:
    """The actions of one call on their way, in the folder that is open: `place`, as the server names it."""

    source: ImapSource
    actions: Sequence[Action]
    place: str
    opened: Selected
    results: dict[str, Settled] = field(default_factory=dict)
    by_uid: dict[int, Action] = field(default_factory=dict)

    def run(self) -> dict[str, Settled]:
        """Do the actions; by number, or with those that `find` has found."""
        there = self._still_there()
        groups: dict[tuple[str, str], list[int]] = {}
        for uid, action in self.by_uid.items():
            if uid in there:
                groups.setdefault((action.kind, action.folder), []).append(uid)
        for (kind, folder), uids in groups.items():
            for start in range(0, len(uids), AT_ONCE):
                self._do(kind, folder, uids[start : start + AT_ONCE], there)
        return self.results

    def find(self) -> bool:
        """Look for the messages by what they are; tells whether any is there."""
        for action in self.actions:
            if action.digest and action.size_bytes:
                twins, _ = self.source.sizes(self._named(action))
                same = [uid for uid, row in twins.items() if row.size_bytes == action.size_bytes]
                for uid in same:
                    if uid not in self.by_uid and self._digest(uid, action.size_bytes) == action.digest:
                        self.by_uid[uid] = action
                        break
        self.actions = ()
        return bool(self.by_uid)

    def _digest(self, uid: int, size_bytes: int) -> str:
        rows, problem, _ = self.source.session.rows([uid], "(UID BODY.PEEK[])", size_bytes=size_bytes + SLACK_BYTES)
        if problem is not None:
            raise problem
        body = rows[uid].body if uid in rows else None
        return hashlib.sha256(body).hexdigest() if body is not None else ""

    def _named(self, action: Action) -> list[int]:
        """The messages in the open folder that carry the Message-ID of an action."""
        name = action.message_id.strip()
        if not name or not name.isascii() or not name.isprintable():
            return []
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return self.source.session.search(f'UNDELETED HEADER Message-ID "{quoted}"')[:AT_ONCE]

    def _open(self) -> None:
        """Open the folder of the actions again, after a look into another one."""
        if self.place == self.source.place:
            self.source.select(write=True, again=True)
        else:
            self.source.session.select(self.place, write=True)

    def _still_there(self) -> dict[int, Row]:
        """Ask the server for the messages again: the ones that are still themselves."""
        for action in self.actions:
            uid = self.source.uid(action.key)
            if uid is None:
                self.results[action.key] = Settled(action.key, "gone", "not in this folder and epoch")
            else:
                self.by_uid[uid] = action
        rows, refused = self.source.sizes(list(self.by_uid), "(UID RFC822.SIZE FLAGS)")
        for uid, action in self.by_uid.items():
            if uid not in rows and refused:
                self.results[action.key] = Settled(action.key, "failed", f"{REFUSES}: {refused}")
            elif uid not in rows:
                self.results[action.key] = Settled(action.key, "gone")
            elif action.size_bytes and rows[uid].size_bytes not in (None, action.size_bytes):
                self.results[action.key] = Settled(action.key, "gone", RENUMBERED)
                del rows[uid]
        return rows

    def _do(self, kind: str, folder: str, uids: Sequence[int], rows: dict[int, Row]) -> None:
        session = self.source.session
        if kind == "seen":
            self._note(uids, session.store(uids, r"\Seen"))
        elif kind == "delete":
            self._delete(uids)
        elif kind == "move" and folder:
            try:
                place = session.place(folder)
            except SourceError as error:
                if error.code != "source.bad_name":
                    raise
                self._fail(uids, error.sentence)
                return
            if place == self.place:
                self._finish(uids, "kept")
            elif "MOVE" in session.capabilities:
                self._note(uids, self._into(place, uids, move=True))
            else:
                self._copy_and_delete(place, uids, rows)
        else:
            self._fail(uids, f"an IMAP mailbox cannot {kind or 'do nothing'}")

    def _into(self, place: str, uids: Sequence[int], move: bool) -> Answer:
        """MOVE or COPY; a folder that is missing is made, once."""
        session = self.source.session
        answer = session.copy(uids, place, move)
        if not answer.ok and answer.code in ("TRYCREATE", "NONEXISTENT"):
            made = session.create(place)
            answer = session.copy(uids, place, move) if made.ok or made.code == "ALREADYEXISTS" else made
        return answer

    def _copy_and_delete(self, place: str, uids: Sequence[int], rows: dict[int, Row]) -> None:
        """What MOVE does, on a server without it, so that a crash in between leaves no second copy."""
        session = self.source.session
        keywords = self.opened.keywords
        tried = [uid for uid in uids if MARK in rows[uid].flags or not keywords]
        copied = self._copied(place, tried) if tried else set()
        missing = [uid for uid in uids if uid not in copied]
        if missing:
            if keywords:
                session.store(missing, MARK)
            answer = self._into(place, missing, move=False)
            if not answer.ok:
                self._fail(missing, _why(answer))
                uids = [uid for uid in uids if uid in copied]
        if uids:
            self._delete(uids)

    def _copied(self, place: str, uids: Iterable[int]) -> set[int]:
        """Look into the target for messages of the same Message-ID and size."""
        source, session = self.source, self.source.session
        found: set[int] = set()
        try:
            session.select(place, write=False)
        except SourceError as error:
            if error.code != "source.folder_missing":
                raise
            self._open()
            return found
        for uid in uids:
            action = self.by_uid[uid]
            rows, _ = source.sizes(self._named(action))
            if any(action.size_bytes in (0, row.size_bytes) for row in rows.values()):
                found.add(uid)
        self._open()
        return found

    def _delete(self, uids: Sequence[int]) -> None:
        """Flag as deleted, then remove exactly these where the server can; otherwise they stay, flagged."""
        session = self.source.session
        answer = session.store(uids, r"\Deleted")
        if answer.ok and "UIDPLUS" in session.capabilities:
            answer = session.expunge(uids)
        elif answer.ok and self.source.mailbox.exclusive_mailbox:
            answer = session.expunge()
        self._note(uids, answer)

    def _note(self, uids: Sequence[int], answer: Answer) -> None:
        """Write down what came of a command. After a refusal some may be done: the server is asked."""
        if not answer.ok and len(uids) > 1:
            left, refused = self.source.sizes(uids)
            done = [] if refused else [uid for uid in uids if uid not in left]
            self._finish(done)
            uids = [uid for uid in uids if uid not in done]
        if answer.ok:
            self._finish(uids)
        else:
            self._fail(uids, _why(answer))

    def _finish(self, uids: Iterable[int], state: str = "done") -> None:
        for uid in uids:
            key = self.by_uid[uid].key
            self.results[key] = Settled(key, state)

    def _fail(self, uids: Iterable[int], why: str) -> None:
        for uid in uids:
            key = self.by_uid[uid].key
            self.results[key] = Settled(key, "failed", why)


def _why(answer: Answer) -> str:
    return f"{REFUSES}: {answer.text or answer.code or 'it does not say why'}"
