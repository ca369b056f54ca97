"""Mail from a POP3 account.

Here: listing by unique id, fetching, deleting. Not here: the session (`pop3_session.py`).
Invariant: nothing is deleted before `settle`, and nothing counts as deleted before QUIT was answered +OK; a session
retrieves and deletes at most `SESSION_MESSAGES`, so that little hangs on any one QUIT. Message numbers are never
carried from one session to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.model.mail import RawMail
from engine.sources.arrival import Judged, is_before, of_header
from engine.sources.pop3_session import Refused, Session
from engine.sources.source import (
    Action,
    Limits,
    Listed,
    Peek,
    Settled,
    SourceError,
    chunks,
    content_key,
    message_id_key,
    raw_mail,
)
from engine.sources.wire import Overflow

if TYPE_CHECKING:
    from engine.config import Mailbox

SESSION_MESSAGES = 50

MOST_ASKED = 500
"""Headers that one pass asks for to learn when mail came; what is old is remembered and never asked about again."""

FEW = 2
"""Headers that may be refused, all that were asked for, before that is the server's fault."""


class Pop3Source:
    """A POP3 account. See `Source`.

    The key is the UIDL; where the server gives none, or one twice, it is the sha256 of the content: then listing
    has to read every such message.
    """

    uidnext = 0

    def __init__(self, mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> None:
        self.mailbox, self._limits, self._now = mailbox, limits, now
        self._session: Session | None = None
        self._numbers: dict[str, list[int]] = {}
        self._sizes: dict[int, int] = {}
        self._refusals: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(politely=kind is None)

    def epoch(self) -> str:
        return ""

    def list(self) -> list[Listed]:
        self._ready()
        listed = [Listed(key, self._sizes[numbers[0]]) for key, numbers in self._numbers.items()]
        return listed[::-1] if self.mailbox.order == "newest-first" else listed

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        for key in keys:
            session = self._ready()
            if session.retrieved >= SESSION_MESSAGES:
                self._end()
                session = self._ready()
            if key not in self._numbers:
                continue
            number = self._numbers[key][0]
            size = self._sizes[number]
            try:
                if size > limits.raw:
                    content, truncated = self._header(session, number, limits.header_block), True
                else:
                    content, truncated = session.retrieve(number, size + limits.raw), False
            except Refused as refused:
                self._refusals[key] = refused.text or "-ERR"
                continue
            except Overflow as overflow:
                raise session.wire.error("source.protocol", f"sends {overflow} for {size}", key=key) from None
            except SourceError as error:
                raise SourceError(error.code, error.sentence, key) from None
            yield raw_mail(self.mailbox.name, key, content, self._now(), size, truncated)

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """By what headers say, the newest first, `MOST_ASKED` in a pass. Raises SourceError where none is shown."""
        numbers = {each.key: self._numbers[each.key][0] for each in listed if each.key in self._numbers}
        newest = sorted(numbers, key=lambda key: -numbers[key])
        older: set[str] = set()
        refused: list[str] = []
        for key in newest[:MOST_ASKED]:
            session = self._ready()
            if key not in self._numbers:
                continue
            try:
                header = self._header(session, self._numbers[key][0], self._limits.header_block)
            except Refused as error:
                refused.append(error.text)
            except Overflow:  # the session is over; whoever fetches it will tell
                self._end(politely=False)
            except SourceError as error:
                raise SourceError(error.code, error.sentence, key) from None
            else:
                older |= {key} if is_before(of_header(header), since) else set()
        if len(refused) == len(newest[:MOST_ASKED]) > FEW:
            what = "does not show headers (TOP), so nobody can tell what is older than since"
            raise self._ready().wire.error("source.protocol", what, refused[0])
        return Judged(frozenset(older), frozenset(newest[MOST_ASKED:]))

    def refusal(self, key: str) -> str:
        return self._refusals.get(key, "")

    # ── sessions and numbers ──────────────────────────────────────────────────────────────────────────────────

    def _ready(self) -> Session:
        """Give a session that knows which numbers each key has in it."""
        if self._session is None:
            session = Session(self.mailbox)
            try:
                self._number(session)
            except BaseException:
                session.wire.close()
                raise
            self._session = session
        return self._session

    def _end(self, politely: bool = True) -> None:
        """End the session. Without QUIT the server forgets every mark."""
        session, self._session = self._session, None
        if session is not None:
            if politely:
                session.leave()
            session.wire.close()

    def _number(self, session: Session) -> None:
        by_id = self.mailbox.use_message_id_as_uid
        self._sizes = session.sizes()
        self._numbers = {}
        names = {} if by_id or not self._sizes else session.uidls()
        times = Counter(names.values())
        try:
            for number in sorted(self._sizes):
                name = names.get(number, "")
                key = name if name and times[name] == 1 else self._own_key(session, number, by_id)
                self._numbers.setdefault(key, []).append(number)
        except Refused as refused:
            raise session.wire.error("source.protocol", "neither names nor shows its messages", refused.text) from None
        except Overflow as overflow:
            raise session.wire.error("source.protocol", f"sends {overflow}") from None
        session.retrieved = 0

    def _own_key(self, session: Session, number: int, by_id: bool) -> str:
        """Key a message that has no id of its own, by reading it; of one that is too big, its header."""
        size = self._sizes[number]
        if not by_id and size <= self._limits.raw:
            return content_key(session.retrieve(number, size + self._limits.raw))
        header = self._header(session, number, self._limits.header_block)
        return (message_id_key(header) if by_id else "") or content_key(header)

    def _header(self, session: Session, number: int, limit: int) -> bytes:
        return session.top(number, limit + self._limits.raw)[:limit]

    # ── settling and looking ──────────────────────────────────────────────────────────────────────────────────

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        results: dict[str, Settled] = {}
        for action in actions:
            if action.kind in ("keep", "seen"):
                results[action.key] = Settled(action.key, "done")
            elif action.kind != "delete":
                results[action.key] = Settled(action.key, "failed", "POP3 has no folders: it can only keep or delete")
        doomed = list(dict.fromkeys(action.key for action in actions if action.key not in results))
        for chunk in chunks(doomed, SESSION_MESSAGES):
            results |= {settled.key: settled for settled in self._delete(chunk)}
        return [results[action.key] for action in actions]

    def _delete(self, keys: Sequence[str]) -> Iterator[Settled]:
        """Mark messages and end the session: QUIT answered +OK is what deletes them (RFC 1939, 6)."""
        session = self._ready()
        marked: list[str] = []
        for key in keys:
            try:
                for number in self._numbers.get(key, ()):
                    session.mark(number)
            except Refused as refused:
                yield Settled(key, "failed", f"the server refuses: {refused.text}")
                continue
            if key in self._numbers:
                marked.append(key)
            else:
                yield Settled(key, "gone")
        if not marked:
            return
        self._session = None
        try:
            session.quit()
        except Refused as refused:
            yield from (Settled(key, "failed", f"not confirmed by the server: {refused.text}") for key in marked)
        else:
            yield from (Settled(key, "done") for key in marked)

    def peek(self, n: int) -> Sequence[Peek]:
        session, found = self._ready(), []
        for key, numbers in list(self._numbers.items())[:n]:
            try:
                header = self._header(session, numbers[0], self._limits.header_block)
            except (Refused, Overflow) as error:
                raise session.wire.error("source.protocol", "does not show a header", str(error)) from None
            found.append(Peek(key, self._sizes[numbers[0]], None, (), header))
        return found

    def folders(self) -> Sequence[str]:
        return []

    def describe(self) -> Sequence[tuple[str, str]]:
        session = self._ready()
        named = (
            "by the server" if not any(key.startswith(("sha256:", "mid:")) for key in self._numbers) else "by content"
        )
        return [
            ("encryption", session.wire.encrypted or "none"),
            ("messages", str(len(self._sizes))),
            ("named", named),
        ]
