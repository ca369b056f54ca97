"""An IMAP session that stays open between visits and tells when something moves in its folder (IDLE, RFC 2177).

Here: `Kept`, whose session outlives a visit, and `Bell`, the same session at rest. Not here: what is done when it
rings, and when it rests again (`run/lookout.py`), the commands of a visit (`guarded.py`).
Invariant: nothing here waits: what a server has not sent yet is not read, and what it owes us has a deadline.
"""

from __future__ import annotations

import re
from time import monotonic
from types import TracebackType
from typing import Self

from engine.sources.imap import ImapSource
from engine.sources.wire import COMMAND_BYTES, LINE_BYTES

REST_S = 540.0
"""IDLE is begun anew after so long: servers and firewalls may drop who says nothing for ten minutes or half an hour."""

ANSWER_S = 20.0
"""How long a server may take to begin IDLE, and to end it."""

REST_BYTES = 1_000_000
"""What a server may send in one rest; a busy folder sends 50 bytes a change."""

_TOLD = re.compile(rb"\* (\d{1,10}) (EXISTS|EXPUNGE)\s*$", re.IGNORECASE)


class Kept(ImapSource):
    """A folder whose session stays when a visit leaves it, unless that ended in an error.

    `began_at` is the next UID that the folder had when the last visit began.
    """

    began_at = 0

    def open(self) -> Self:
        """Connect, log in and open the folder. Raises SourceError."""
        super().__enter__()
        return self

    def __enter__(self) -> Self:
        self.session.wire.renew()
        self._opened, self._by_id, self._lies, self._refusals = None, None, False, {}
        self.began_at = self.select(write=False).uidnext  # what comes while we are here may be missed by its search
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.session.close()

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands, as far as we heard."""
        return self.session.wire.socket is not None

    @property
    def idles(self) -> bool:
        """Whether the server offers IDLE."""
        return "IDLE" in self.session.capabilities


class Bell:
    """A kept session at rest. It rings where a message came; the server's answer to anything else is not waited for.

    `deadline` is the moment (monotonic) at which `look` has something to do though the server says nothing.
    """

    def __init__(self, source: Kept) -> None:
        self.source, self._wire = source, source.session.wire
        self.deadline, self.is_awake, self.rang = 0.0, True, False
        self._tag, self._state, self._messages = b"", "", 0

    def fileno(self) -> int:
        """The socket to wait for."""
        return self._wire.fileno()

    @property
    def rests(self) -> bool:
        """Whether the server has begun IDLE, and was not asked to end it."""
        return self._state == "rests"

    def rest(self, seconds: float = REST_S) -> None:
        """Open the folder anew and begin IDLE. What came since the visit looked rings at once. Raises SourceError."""
        source = self.source
        source.session.wire.renew()
        source.session._imap.allowance = (min(ANSWER_S, self._wire.timeout_s), COMMAND_BYTES, LINE_BYTES)
        opened = source.select(write=False, again=True)
        self._messages, told = opened.messages, opened.uidnext > 0
        self.rang = opened.uidnext > source.began_at if told else opened.messages > 0
        with source.session.guard():
            imap = source.session._imap
            imap.allowance = (ANSWER_S, COMMAND_BYTES, LINE_BYTES)
            self._tag = imap._new_tag()
            self._wire.send(self._tag + b" IDLE\r\n")
            self._wire.allow(ANSWER_S, REST_BYTES)
        self._state, self.is_awake = "begins", False
        self._until, self.deadline = monotonic() + seconds, monotonic() + ANSWER_S
        self.look()

    def rouse(self) -> None:
        """Ask the server to end the rest; `is_awake` tells when it has. Raises SourceError."""
        if self._state == "rests":
            with self.source.session.guard():
                self._wire.renew()
                self._wire.allow(ANSWER_S, REST_BYTES)
                self._wire.send(b"DONE\r\n")
            self._state, self.deadline = "ends", monotonic() + ANSWER_S

    def look(self) -> None:
        """Hear what the server said, and whether it owes an answer. Raises SourceError; the session is over then."""
        with self.source.session.guard():
            for line in self._wire.hear():
                self._heard(line)
            if not self.is_awake and monotonic() >= self.deadline:
                if self._state != "rests":
                    raise self._wire.error("source.timeout", f"does not answer IDLE in {ANSWER_S:.0f} s")
                self.rouse()

    def _heard(self, line: bytes) -> None:
        if line.startswith(self._tag + b" "):
            self._ended(line)
        elif line.startswith(b"+") and self._state == "begins":
            self._state, self.deadline = "rests", self._until
        elif line[:5].upper() == b"* BYE":
            raise self._wire.error("source.unreachable", "ended the session", line[5:])
        elif told := _TOLD.match(line):
            number = int(told[1])
            if told[2].upper() == b"EXPUNGE":
                self._messages = max(0, self._messages - 1)
            else:
                self.rang |= number > self._messages
                self._messages = number

    def _ended(self, line: bytes) -> None:
        """The server ended the rest, or never began it."""
        if self._state == "begins":
            raise self._wire.error("source.no_idle", "does not begin IDLE, which it offers", line[len(self._tag) :])
        self._state, self.is_awake = "", True

    def close(self) -> None:
        """Hang up."""
        self.source.session.close()
