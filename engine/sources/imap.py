"""Mail from an IMAP folder.

Here: listing, fetching and looking. Not here: the session (`guarded.py`), moving and deleting (`imap_settle.py`).
Invariant: the folder is opened read-only until `settle` is called, and bodies are read by BODY.PEEK, so nothing
changes on the server before somebody owns the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.model.mail import RawMail
from engine.sources.arrival import Judged, is_before
from engine.sources.guarded import Fetched, Selected, Session
from engine.sources.imap_rows import Row
from engine.sources.source import (
    BATCH,
    BATCH_BYTES,
    Action,
    Limits,
    Listed,
    Peek,
    Settled,
    SourceError,
    chunks,
    header_of,
    imap_key,
    message_id_key,
    raw_mail,
    split_imap_key,
)

if TYPE_CHECKING:
    from engine.config import Mailbox

SIZES_AT_ONCE = 500
"""UIDs in one command that fetches no bodies; the command stays under 8 kB (RFC 7162, 4)."""

MOST_ALONE = 50
"""Messages of a refused command that are asked for one by one."""

SLACK_BYTES = 1_000_000
FETCH_TIMES = 5
"""A fetch may take this many times the mailbox's `timeout`: five minutes at the default of a minute."""

PEEK_BYTES = 16_384

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ImapSource:
    """One folder of an IMAP account. See `Source`."""

    def __init__(self, mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> None:
        self.mailbox, self._limits, self._now = mailbox, limits, now
        self._opened: Selected | None = None
        self._by_id: dict[str, int] | None = None
        self._lies = False
        self._refusals: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.session = Session(self.mailbox)
        try:
            self.folder = self.mailbox.folder or "INBOX"
            self.place = self.session.place(self.folder)
            self.select(write=False)
        except BaseException:
            self.session.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, SourceError):
            self.session.logout()
        else:
            self.session.close()

    def select(self, write: bool, again: bool = False) -> Selected:
        """Open the folder, once; for writing again. A folder that was replaced meanwhile ends the session."""
        if self._opened is None or again or (write and not self._opened.writable):
            before, self._opened = self._opened, self.session.select(self.place, write)
            if before is not None and before.uidvalidity != self._opened.uidvalidity:
                raise self.session.wire.error("source.protocol", f"replaced the folder {self.folder} while it was read")
        return self._opened

    @property
    def uidvalidity(self) -> int:
        return self.select(write=False).uidvalidity

    @property
    def uidnext(self) -> int:
        """The next UID of the folder, 0 if unknown: one below a UID we have seen means numbers started over."""
        return self.select(write=False).uidnext

    def epoch(self) -> str:
        return str(self.uidvalidity)

    def list(self) -> list[Listed]:
        query = (self.mailbox.query or "ALL").strip()
        uids = self.session.search("UNDELETED" if query.upper() == "ALL" else f"UNDELETED {query}")
        if self.mailbox.order == "newest-first":
            uids.reverse()
        if self.mailbox.use_message_id_as_uid or not self.select(write=False).sticky:
            return [*self._listed_by_id(uids)]
        start = imap_key(self.folder, self.uidvalidity, 0)[:-1]
        return [Listed(start + str(uid)) for uid in uids]

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """By INTERNALDATE, when the message came into this mailbox: by the day in one search, near the edge exactly.

        A server counts days in a time zone of its own, so those of three days are asked for their time.
        """
        day, wanted = since.astimezone(UTC).date(), {each.key for each in listed}
        older = {*self._before(day - timedelta(days=1))}
        edge = [uid for uid in self._before(day + timedelta(days=2)) if uid not in older]
        names = {uid: key for key, uid in (self._by_id or {}).items()}
        start = imap_key(self.folder, self.uidvalidity, 0)[:-1]
        keys = {uid: names.get(uid) or f"{start}{uid}" for uid in (*older, *edge)}
        for chunk in chunks([uid for uid in edge if keys[uid] in wanted], SIZES_AT_ONCE):
            rows, _ = self._rows(chunk, "(UID INTERNALDATE)")
            older |= {uid for uid in chunk if uid in rows and is_before(rows[uid].internaldate, since)}
        return Judged(frozenset(key for uid in older if (key := keys[uid]) in wanted))

    def _before(self, day: date) -> Sequence[int]:
        return self.session.search(f"UNDELETED BEFORE {day.day}-{MONTHS[day.month - 1]}-{day.year}")

    def _listed_by_id(self, uids: Sequence[int]) -> Sequence[Listed]:
        """Key the messages by Message-ID; that takes a look at every header."""
        self._by_id = {}
        listed: dict[str, Listed] = {}
        for chunk in chunks(uids, BATCH):
            items = f"(UID RFC822.SIZE BODY.PEEK[HEADER]<0.{self._limits.header_block}>)"
            rows, _ = self._rows(chunk, items, (self._limits.header_block + 512) * len(chunk) + SLACK_BYTES)
            for uid in chunk:
                row = rows.get(uid, Row())  # one that shows no header is listed all the same
                key = message_id_key(row.body or b"") or imap_key(self.folder, self.uidvalidity, uid)
                listed.setdefault(key, Listed(key, row.size_bytes, row.internaldate))
                self._by_id.setdefault(key, uid)
        return tuple(listed.values())

    def uid(self, key: str) -> int | None:
        """The UID behind a key; None for what is not, or no longer, in this folder."""
        if key.startswith("mid:"):
            if self._by_id is None:
                self.list()
            return (self._by_id or {}).get(key)
        parts = split_imap_key(key)
        return parts[2] if parts and parts[:2] == (self.folder, str(self.uidvalidity)) else None

    # ── fetching ──────────────────────────────────────────────────────────────────────────────────────────────

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        for chunk in chunks(keys, SIZES_AT_ONCE):
            by_uid = {uid: key for key in chunk if (uid := self.uid(key)) is not None}
            sizes, refused = self.sizes(list(by_uid))
            self._refusals |= {key: refused for uid, key in by_uid.items() if uid not in sizes}
            for batch in _batches(by_uid, sizes, limits.raw):
                yield from self._batch(batch, by_uid, sizes, limits)

    def refusal(self, key: str) -> str:
        return self._refusals.get(key, "")

    def sizes(self, uids: Sequence[int], items: str = "(UID RFC822.SIZE)") -> tuple[dict[int, Row], str]:
        """Ask for the sizes of messages; what has gone is left out. With it the server's words if it said NO.

        One message may be why all were refused: then they are asked for one by one, `MOST_ALONE` of them.
        """
        rows: dict[int, Row] = {}
        words = ""
        for chunk in chunks(uids, SIZES_AT_ONCE):
            found, refused = self._rows(chunk, items)
            rows |= found
            words = refused or words
            left = [uid for uid in chunk if uid not in found] if refused and len(chunk) > 1 else []
            for uid in left[:MOST_ALONE]:
                rows |= self._rows([uid], items)[0]
        return rows, words

    def _batch(
        self, uids: Sequence[int], keys: dict[int, str], sizes: dict[int, Row], limits: Limits
    ) -> Iterator[RawMail]:
        claimed = {uid: sizes[uid].size_bytes or 0 for uid in uids}
        if claimed[uids[0]] > limits.raw:
            yield from self._header_only(uids[0], keys, claimed, limits)
            return
        rows, problem, refused = self._bodies(uids, claimed, limits)
        for uid in uids:
            row = rows.get(uid)
            if problem is None and (row is None or row.body is None or self._differs(row, claimed[uid])):
                again, problem, refused = self._bodies([uid], claimed, limits)
                row = again.get(uid, row)
                if row and row.body is not None and self._differs(row, claimed[uid]):
                    self._lies = True  # it says the same twice: its sizes are estimates, as with Exchange
            if row is None or row.body is None or (not row.body and claimed[uid]):
                if problem is not None:
                    raise SourceError(problem.code, problem.sentence, keys[uid])
                self._refusals[keys[uid]] = refused
                continue
            yield raw_mail(self.mailbox.name, keys[uid], row.body, self._now(), claimed[uid])
        if problem is not None:
            raise problem

    def _differs(self, row: Row, claimed: int) -> bool:
        return not self._lies and len(row.body or b"") != claimed

    def _bodies(self, uids: Sequence[int], claimed: dict[int, int], limits: Limits) -> Fetched:
        size = sum(claimed[uid] for uid in uids) + limits.raw + SLACK_BYTES
        return self.session.rows(uids, "(UID BODY.PEEK[])", FETCH_TIMES * self.session.wire.timeout_s, size)

    def _header_only(
        self, uid: int, keys: dict[int, str], claimed: dict[int, int], limits: Limits
    ) -> Iterator[RawMail]:
        items = f"(UID BODY.PEEK[HEADER]<0.{limits.header_block}>)"
        rows, self._refusals[keys[uid]] = self._rows([uid], items, limits.header_block + SLACK_BYTES)
        row = rows.get(uid)
        if row and row.body:
            yield raw_mail(self.mailbox.name, keys[uid], header_of(row.body), self._now(), claimed[uid], truncated=True)

    def _rows(self, uids: Sequence[int], items: str, size_bytes: int = 8_000_000) -> tuple[dict[int, Row], str]:
        if not uids:
            return {}, ""
        rows, problem, refused = self.session.rows(uids, items, size_bytes=size_bytes)
        if problem is not None:
            raise problem
        return rows, refused

    # ── settling and looking ──────────────────────────────────────────────────────────────────────────────────

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        from engine.sources.imap_settle import settle

        return settle(self, actions)

    def peek(self, n: int) -> Sequence[Peek]:
        keys = [each.key for each in self.list()[:n]]
        found: list[Peek] = []
        for chunk in chunks(keys, BATCH):
            by_uid = {uid: key for key in chunk if (uid := self.uid(key)) is not None}
            items = f"(UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[HEADER]<0.{PEEK_BYTES}>)"
            rows, _ = self._rows(list(by_uid), items)
            for uid, key in by_uid.items():
                if row := rows.get(uid):
                    found.append(Peek(key, row.size_bytes or 0, row.internaldate, row.flags, row.body or b""))
        return found

    def folders(self) -> Sequence[str]:
        prefix, separator = self.session.namespace()
        names = [name.removeprefix(prefix) for name in self.session.folders()]
        return [name.replace(separator, "/") if separator else name for name in names]

    def describe(self) -> Sequence[tuple[str, str]]:
        opened = self.select(write=False)
        can = [word for word in ("MOVE", "UIDPLUS", "ESEARCH", "IDLE") if word in self.session.capabilities]
        there = {name.casefold() for name in self.folders()}
        told = [
            ("encryption", self.session.wire.encrypted or "none"),
            ("folder", f"{self.folder}, {opened.messages} messages, UIDVALIDITY {opened.uidvalidity}"),
            ("server can", " ".join(can) or "none of MOVE UIDPLUS ESEARCH IDLE"),
        ]
        for option in ("move_on_success", "move_on_failure", "move_on_hold"):
            if folder := getattr(self.mailbox, option):
                told.append((option, f"{folder}{'' if folder.casefold() in there else ' (will be made)'}"))
        return told


def _batches(uids: dict[int, str], sizes: dict[int, Row], most: int) -> Iterator[list[int]]:
    """Group the messages that are still there; one over `most` bytes comes alone."""
    batch: list[int] = []
    total = 0
    for uid in uids:
        if uid not in sizes:
            continue
        size = sizes[uid].size_bytes or 0
        if batch and (len(batch) >= BATCH or total + size > BATCH_BYTES or size > most):
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += size
        if size > most:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch
