"""Moving, flagging and deleting in an IMAP folder.

Here: the actions of one settle. Not here: which action a mail gets (`decision/mailbox_action.py`), the session
(`guarded.py`).
Invariant: nothing happens to a message whose folder, UIDVALIDITY or size is not the one it was fetched with, but for
one that we moved away before and that is known again (`imap_find.py`); a bare EXPUNGE only in a mailbox that is ours
alone; everything may be done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.sources.guarded import Answer, Selected
from engine.sources.imap_find import AT_ONCE, find, named
from engine.sources.imap_rows import Row
from engine.sources.source import (
    RENUMBERED,
    Action,
    Settled,
    SourceError,
    folders_before,
    imap_key,
    split_imap_key,
)

if TYPE_CHECKING:
    from engine.sources.imap import ImapSource

REFUSES = "the server refuses"
STAYS = "the server says OK and leaves it where it is"

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
            away = [each for each in wanted if results[each.key].state == "gone" and _may_be_elsewhere(source, each)]
            results |= _moved_before(source, away)
    return [results.get(action.key) or Settled(action.key, "failed", "not done") for action in actions]


def _may_be_elsewhere(source: ImapSource, action: Action) -> bool:
    """Tell whether a message of this folder and epoch has gone, or was moved to where its key says."""
    parts = split_imap_key(action.key)
    moved = parts is not None and parts[0] in folders_before(source.mailbox, action)
    return moved or source.uid(action.key) is not None or action.key.startswith("mid:")


def _moved_before(source: ImapSource, actions: Sequence[Action]) -> dict[str, Settled]:
    """Do what is left to do with messages that we moved away before, and that a person has decided on since.

    There they have other numbers. The server told them (COPYUID), or a message is itself by all of its bytes.
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
        if not opened.writable:
            continue
        found, refused = find(source, here, folder, opened.uidvalidity)
        if found:
            results |= _Settling(source, (), place, opened, by_uid=found).run()
        if refused:
            missed = [each.key for each in here if each.key not in results]
            results |= {key: Settled(key, "failed", f"{REFUSES}: {refused}") for key in missed}
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
        """Do the actions, and those of `by_uid`, which were found another way."""
        there = self._still_there()
        groups: dict[tuple[str, str], list[int]] = {}
        for uid, action in self.by_uid.items():
            if uid in there:
                groups.setdefault((action.kind, action.folder), []).append(uid)
        for (kind, folder), uids in groups.items():
            for start in range(0, len(uids), AT_ONCE):
                self._do(kind, folder, uids[start : start + AT_ONCE], there)
        return self.results

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
            answer = session.store(uids, r"\Seen")
            if answer.ok:
                self._finish(uids)
            else:
                self._fail(uids, _why(answer))
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
                answer = self._into(place, uids, move=True)
                self._note_gone(uids, answer)
                self._remember(folder, answer)
            else:
                self._remember(folder, self._copy_and_delete(place, uids, rows))
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

    def _remember(self, folder: str, answer: Answer) -> None:
        """Keep the new number of what may be moved on from a folder one day."""
        if folder in (self.source.mailbox.move_on_hold, self.source.mailbox.move_on_failure):
            for uid, (validity, now) in answer.places.items():
                settled = self.results[self.by_uid[uid].key]
                if settled.state == "done":
                    self.results[settled.key] = replace(settled, moved_to=imap_key(folder, validity, now))

    def _copy_and_delete(self, place: str, uids: Sequence[int], rows: dict[int, Row]) -> Answer:
        """What MOVE does, on a server without it, so that a crash in between leaves no second copy.

        Gives the answer to COPY.
        """
        session, answer = self.source.session, Answer(True)
        keywords = self.opened.keywords
        tried = [uid for uid in uids if MARK in rows[uid].flags or not keywords]
        copied = self._copied(place, tried) if tried else set()
        missing = [uid for uid in uids if uid not in copied]
        if missing and keywords and not session.store(missing, MARK).ok:
            copied |= self._copied(place, missing)
            missing = [uid for uid in missing if uid not in copied]
        if missing:
            answer = self._into(place, missing, move=False)
            if not answer.ok:
                self._fail(missing, _why(answer))
                uids = [uid for uid in uids if uid in copied]
        if uids:
            self._delete(uids)
        return answer

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
            rows, _ = source.sizes(named(source, action))
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
        self._note_gone(uids, answer)

    def _note_gone(self, uids: Sequence[int], answer: Answer) -> None:
        """Write down what came of a command after which the messages are not listed here: the server is asked.

        After a refusal some may be done; a server that says OK and does nothing would be told the same for ever.
        """
        rows, refused = self.source.sizes(uids, "(UID RFC822.SIZE FLAGS)")
        left = {uid for uid, row in rows.items() if not (answer.ok and _is_deleted(row))}
        if refused and not answer.ok:
            left = set(uids)
        self._finish(uid for uid in uids if uid not in left)
        self._fail((uid for uid in uids if uid in left), STAYS if answer.ok else _why(answer))

    def _finish(self, uids: Iterable[int], state: str = "done") -> None:
        for uid in uids:
            key = self.by_uid[uid].key
            self.results[key] = Settled(key, state)

    def _fail(self, uids: Iterable[int], why: str) -> None:
        for uid in uids:
            key = self.by_uid[uid].key
            self.results[key] = Settled(key, "failed", why)


def _is_deleted(row: Row) -> bool:
    return any(flag.casefold() == "\\deleted" for flag in row.flags)


def _why(answer: Answer) -> str:
    return f"{REFUSES}: {answer.text or answer.code or 'it does not say why'}"
