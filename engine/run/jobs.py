"""A helper, another process at the same pass, from the side of the first: starting it, handing out turns, its news.

Here: `Helper`, and the messages between the processes. Not here: when one is called and what is made of its news
(`crew.py`), what it does (`helper.py`).
Invariant: a helper that ended, however it did, is told of last of all, and leaves no process behind.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import msgspec

from engine.model.whole import as_json
from engine.run.crew import Turn, next_turn
from engine.run.line import Line
from engine.run.report import MailboxReport

STOPPED = 75
"""The exit code of a helper that was asked to stop."""

_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from engine.run.helper import main; main()"


class Orders(msgspec.Struct, frozen=True):
    """What a helper is told first: the configuration, with its sha256, and how to visit. Names of mailboxes follow."""

    config: bytes
    digest: str
    limit: int
    wait_s: float
    settle: bool
    since: str = ""
    verbose: bool = False
    named: bool = False


class Told(msgspec.Struct, frozen=True):
    """What a helper tells of the report of a mailbox (`MailboxReport`): `lines` are those that were not told before."""

    state: str
    code: str
    sentence: str
    new: int
    seen_before: int
    lines: list[Line]
    notes: list[str]
    unsettled: dict[str, str]
    withheld: dict[str, str]
    left_alone: int = 0
    older_than: datetime | None = None
    retry_at: datetime | None = None

    @classmethod
    def of(cls, report: MailboxReport, lines: Sequence[Line] = ()) -> Told:
        """Tell how a report stands, with these lines of it."""
        held = {name: getattr(report, name) for name in cls.__struct_fields__}
        return cls(**held | {"lines": list(lines)})


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a helper tells, a line each: that it is ready, how a mailbox goes on, why it cannot work.

    `new` mails will be read where one is `begun`; `report` holds the lines that were not told before. A mailbox that is
    `left` was not finished, because somebody asked to stop.
    """

    what: Literal["ready", "begun", "mails", "done", "left", "broken"]
    report: Told | None = None
    new: int = 0
    why: str = ""


class Helper:
    """Another process that visits mailboxes, and the thread that hands them out and passes on what it tells.

    `called_by` is the report of the mailbox that was much for one process; `why` it cannot work, as it said itself;
    `had_work` tells whether it was given a mailbox.
    """

    def __init__(self, called_by: MailboxReport, orders: Orders, left: deque[Turn], news: Queue) -> None:
        self.called_by, self.is_there, self.had_work, self.why = called_by, True, False, ""
        self._orders, self._left, self._news = orders, left, news
        self._turn: Turn | None = None
        self._is_done = False
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
                [sys.executable, "-P", "-c", _PROGRAM, _ROOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for the first process, which passes it on
            )
        except OSError as error:
            self.why = f"it did not start ({error.strerror or error})"
            self._news.put((self, None, None))
        else:
            self._thread = threading.Thread(target=self._talk, args=(self._process,), daemon=True)
            self._thread.start()

    def _talk(self, process: subprocess.Popen[bytes]) -> None:
        """Hand out a mailbox whenever it has none; pass on the news in their order, at last its end."""
        self._say(self._orders)
        with suppress(msgspec.DecodeError, OSError), process:  # it died in the middle of a line
            for line in process.stdout or ():
                told = msgspec.json.decode(line, type=News)
                self._news.put((self, self._turn, told))
                if told.what in ("ready", "done"):
                    self._turn = next_turn(self._left)
                    if self._turn is None:
                        self._is_done = True
                        break
                    self._turn.begun = self.had_work = True
                    self._say(self._turn.mailbox.name)
        self._news.put((self, self._turn, None))

    def _say(self, said: object) -> None:
        with suppress(OSError, ValueError):  # it is dead, or dismissed
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(as_json(said) + b"\n")
                self._process.stdin.flush()

    def dismiss(self, idle: bool = False) -> None:
        """Let it end: where it has nothing in hand, else as a signal would have it stop. One that is idle just ends."""
        if idle:
            self._is_done = True
            self.kill()
        elif self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def ended(self) -> str:
        """Note that it is gone; say why, where it should not have ended."""
        from engine.mail.isolated import ending

        self.is_there = False
        if self.why or self._is_done or self._process is None:
            return self.why
        status = self._process.returncode
        return "it was asked to stop" if status == STOPPED else f"it {ending(status)}"

    def kill(self) -> None:
        """End it where it is, if it is there; its transactions roll back."""
        if self._process is not None:
            self._process.kill()
            self._thread.join()


class Queue(SimpleQueue[tuple[Helper, Turn | None, News | None]]):
    """What helpers tell, each with the turn it is about; None is the end of a helper."""
