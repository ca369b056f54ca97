"""The deciders of a worker, from the side of their parent: started, woken, replaced, buried.

Here: `Deciders`, and one child (`_Child`). Not here: what a decider does (`decider.py`), where work comes from
(`parent.py`).
Invariant: a child that ended, however it did, has its claims given back by whoever knows which mail was in hand; a bell
that rings while all are at work is heard by the first that is done.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

import msgspec
from msgspec import Struct

from engine.mail.isolated import ending
from engine.model.whole import as_json
from engine.worker.orders import AWAY, BROKEN, NOTE_BYTES, STOPPED, Drain, News, Orders

DRAIN_S = 60.0
"""After so long a decider looks up, to be replaced if it is time."""

MOST_DRAINS, LONGEST_LIFE_S = 500, 3600.0
"""When a decider is replaced: what scripts and libraries leave behind in memory goes with it."""

MOST_DEATHS, DEATHS_S, PAUSE_S = 5, 60.0, 60.0
"""So many deaths in so many seconds, and nothing is decided for a while."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""How long is waited before a decider is started that cannot work, at first and at last."""

ENDINGS = (0, STOPPED, AWAY, BROKEN, -signal.SIGTERM)
"""How a decider ends that did not die; one that is asked to stop as it begins has not heard of signals yet."""

_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from engine.worker.decider import main; main()"


class Host(Struct, eq=False):
    """What deciders ask of their parent.

    `gone` gives back what an owner had claimed, by the row that was in hand, 0 for none; `paused` hears why nothing is
    decided, "" when it is again; `said` hears what a decider says that cannot work.
    """

    gone: Callable[[str, int], Awaitable[None]]
    paused: Callable[[str], Awaitable[None]]
    said: Callable[[str], None]


class _Child:
    """One process, and the eight bytes in which it notes the mail in hand."""

    def __init__(self) -> None:
        self.owner, self.drains, self.born = "", 0, monotonic()
        self._file = os.memfd_create("allegra-note")
        os.ftruncate(self._file, NOTE_BYTES)
        self._page = mmap.mmap(self._file, NOTE_BYTES)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, config: bytes, names: Sequence[str], verbose: bool) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", _PROGRAM, _ROOT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, pass_fds=(self._file,),
            start_new_session=True,  # a Ctrl-C is for the parent, which passes it on
        )  # fmt: skip
        self.say(Orders(config, self._file, [*names], verbose))

    def say(self, order: object) -> None:
        if self.process is not None and self.process.stdin is not None:
            with suppress(OSError, RuntimeError):  # it is dead
                self.process.stdin.write(as_json(order) + b"\n")

    async def hear(self) -> News | None:
        """What it tells next, None at its end."""
        assert self.process is not None  # noqa: S101 - it was started
        assert self.process.stdout is not None  # noqa: S101
        line = await self.process.stdout.readline()
        try:
            return msgspec.json.decode(line, type=News)
        except msgspec.DecodeError:  # it ended, perhaps in the middle of a line
            return None

    @property
    def is_old(self) -> bool:
        return self.drains >= MOST_DRAINS or monotonic() - self.born >= LONGEST_LIFE_S

    def dismiss(self) -> None:
        """Let it end when it has nothing in hand."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    def end(self, *, kill: bool) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill() if kill else self.process.terminate()

    async def dead(self) -> None:
        """Wait for its end, and leave it as it is."""
        assert self.process is not None  # noqa: S101 - it was started
        await self.process.wait()

    async def ended(self) -> tuple[int, int]:
        """Wait for its end; gives its exit code, and the row that was in hand, 0 for none."""
        status = await self.process.wait() if self.process is not None else 0
        row = int.from_bytes(self._page[:], sys.byteorder, signed=True)
        self._page.close()
        os.close(self._file)
        return status, row


class Deciders:
    """Keeps so many deciders alive and wakes one whenever a bell rings."""

    def __init__(self, config: Path, number: int, names: Sequence[str], host: Host, *, verbose: bool = False) -> None:
        self._config, self._number, self._names, self._host = os.fsencode(config), number, names, host
        self._verbose = verbose
        self._bells: asyncio.Queue[None] = asyncio.Queue(maxsize=1)
        self._children: set[_Child] = set()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._paused_until, self._is_paused, self._wait_s = 0.0, False, 0.0
        self._age, self._was_killed, self._over = 0, False, asyncio.Event()
        self._slots: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to keep them."""
        self._slots = [asyncio.create_task(self._keep()) for _ in range(self._number)]

    def ring(self) -> None:
        """Wake one of them; where all are at work, the first that is done looks again."""
        with suppress(asyncio.QueueFull):
            self._bells.put_nowait(None)

    def renew(self) -> None:
        """Replace all of them, each when it is done with what it has in hand: files were changed."""
        self._age += 1

    async def stop(self, seconds: float) -> bool:
        """Let them commit what they have in hand, and end; tells whether all did in time."""
        self._over.set()
        for child in self._children:
            child.end(kill=False)
        late = (await asyncio.wait(self._slots, timeout=seconds))[1] if self._slots else set()
        if late:
            await self.kill()
        return not late

    async def kill(self) -> None:
        """End them where they are; their transactions roll back, and nobody is to blame."""
        self._over.set()
        self._was_killed = True
        for child in self._children:
            child.end(kill=True)
        if self._slots:
            await asyncio.wait(self._slots, timeout=5.0)

    # ── one of them ───────────────────────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        """Keep one alive."""
        while await self._may_begin():
            child = _Child()
            self._children.add(child)
            try:
                await child.start(self._config, self._names, self._verbose)
                await self._serve(child)
            except OSError as error:
                self._host.said(f"a decider did not start ({error.strerror or error})")
                self._wait_s = min(max(FIRST_WAIT_S, 2 * self._wait_s), LONGEST_WAIT_S)
            finally:
                await self._bury(child)
                self._children.discard(child)

    async def _may_begin(self) -> bool:
        """Wait as long as nothing is to be decided, or as a decider that could not work makes us; not at the end."""
        wait_s = max(self._wait_s, self._paused_until - monotonic())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), max(0.0, wait_s))
        return not self._over.is_set()

    async def _serve(self, child: _Child) -> None:
        """Wake it when there is work, until it ends or is to be replaced."""
        age = self._age
        while (news := await child.hear()) is not None:
            if news.what == "broken":
                self._host.said(news.why)
                self._wait_s = min(max(FIRST_WAIT_S, 2 * self._wait_s), LONGEST_WAIT_S)
                return
            child.owner, self._wait_s = news.owner, 0.0
            if news.what == "idle":
                await self._is_well()
            if news.left:
                self.ring()
            if not await self._rings(child) or not await self._may_begin():
                child.dismiss()
                return
            if child.is_old or age != self._age:
                self.ring()  # another one hears it
                child.dismiss()
                return
            child.drains += 1
            child.say(Drain(DRAIN_S))

    async def _rings(self, child: _Child) -> bool:
        """Wait for a bell, or for the end: that of all, or of this one, which may die while it waits."""
        bell, over = asyncio.create_task(self._bells.get()), asyncio.create_task(self._over.wait())
        died = asyncio.create_task(child.dead())
        await asyncio.wait((bell, over, died), return_when=asyncio.FIRST_COMPLETED)
        is_heard = bell.done()
        for each in (bell, over, died):
            each.cancel()
        if died.done() and is_heard:
            self.ring()  # another one hears it
        return not self._over.is_set() and not died.done()

    async def _is_well(self) -> None:
        if self._is_paused and monotonic() >= self._paused_until:
            self._is_paused = False
            await self._host.paused("")

    async def _bury(self, child: _Child) -> None:
        """Give back what it had; five that died in a minute are no accident."""
        status, row = await child.ended()
        died = status not in ENDINGS and not self._was_killed
        if died:
            self._host.said(f"a decider {ending(status)}{', and the mail in hand is charged with it' if row else ''}")
        if child.owner:
            await self._host.gone(child.owner, row if died else 0)
        if not died:
            return
        now = monotonic()
        self._deaths.append(now)
        if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] <= DEATHS_S:
            self._deaths.clear()
            self._paused_until, self._is_paused = now + PAUSE_S, True
            why = f"{MOST_DEATHS} deciders died within a minute, the last one {ending(status)}"
            await self._host.paused(f"{why}: nothing is decided for {PAUSE_S:.0f} s")
        self.ring()
