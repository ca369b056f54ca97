"""A worker: the parent of deciders, with threads that read mailboxes and one that sends.

Here: `Worker`: what it keeps running, what it hears, how it ends. Not here: bells (`loop.py`), deciders
(`deciders.py`), reading (`fetching.py`), what is printed (`cli/worker.py`).
Invariant: rows are the truth: whatever is lost here, a tick finds the work again; asked to stop it begins nothing new,
and what is begun is finished or given back. A database that is away is waited for.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from engine.log import Entry, write
from engine.run.alive import Alive
from engine.run.passing import send
from engine.store.bells import DECIDERS, Bell
from engine.store.database import time
from engine.store.errors import OtherSchema, StoreError
from engine.store.migrations import check_version
from engine.worker.deciders import Deciders, Host
from engine.worker.desk import Desk, Desks
from engine.worker.fetching import Fetching
from engine.worker.loop import Loop, make_tables
from engine.worker.sweeping import sweep

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.place import Url
    from engine.store.store import Store

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""How long is waited until the bells are listened to again, where that broke, at first and at last."""

SOUND_S = 60.0
"""Who has listened for so long begins with the first wait again."""

DONE, LATER = 0, 75


class Worker:
    """Works until it is asked to stop. `changed` gives another configuration where files were changed, or None."""

    def __init__(
        self, config: Config, where: Url, kinds: Collection[Bell], names: Collection[str], deciders: int,
        fetchers: int, said: Callable[[str], None], changed: Callable[[], Config | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._config, self._where, self._kinds, self._names = config, where, kinds, tuple(names)
        self._said, self._changed, self._numbers = said, changed, (deciders, fetchers)
        self._over, self._look, self._asked, self._away = asyncio.Event(), asyncio.Event(), 0, ""
        self._status, self._alive, self._begun = DONE, Alive(None), False
        self._desks, self._senders = Desks(config, self._opened), Desks(config)
        self._control = ThreadPoolExecutor(1, thread_name_prefix="control")
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="deliver")
        self._post, self._owed = asyncio.Event(), list[tuple[str, int]]()

    async def run(self) -> int:
        """Work; gives the exit code. Raises StoreError where the database cannot be had at first."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._ask)
        loop.add_signal_handler(signal.SIGHUP, self._look.set)
        await self._with_store(lambda desk: make_tables(desk.store.database))
        await self._with_store(self._expect)
        if self._over.is_set():  # asked to stop before anything began
            self._desks.end()
            return self._status
        self._begun = True
        deciders, fetchers = self._numbers
        host = Host(self._gone, self._paused, self._tell)
        self._deciders = Deciders(
            self._config.path, deciders if Bell.DECIDE in self._kinds else 0, self._names, host,
            verbose=self._config.verbose,
        )  # fmt: skip
        self._fetching = Fetching(self._config, fetchers, self._names, self._tell, self._is_away)
        self._deciders.start()
        rings = {Bell.DECIDE: self._deciders.ring, Bell.FETCH: self._fetching.ring, Bell.DELIVER: self._post.set}
        tasks = {str(bell): rings[bell] for bell in self._kinds}
        for ring in tasks.values():  # what lies there
            ring()
        hears = asyncio.create_task(self._hear(Loop(self._where, tasks, self._tick, self._config.workers.tick)))
        self._alive.say("READY=1")
        works = [asyncio.create_task(work) for work in (self._fetching.run(), self._deliver(), self._keep_up())]
        over = asyncio.create_task(self._over.wait())
        await asyncio.wait([over, hears, *works], return_when=asyncio.FIRST_COMPLETED)
        self._over.set()  # also where one of them ended, which none should
        return await self._end(hears, works)

    # ── bells ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _hear(self, bells: Loop) -> None:
        """Listen to the bells; where that ends, the database went away: listen again."""
        wait_s = FIRST_WAIT_S
        while not self._over.is_set():
            began = monotonic()
            try:
                await bells.run()
            except StoreError as error:
                self._is_away(str(error))
            except Exception as error:
                self._broke("listening to the bells", error)
            wait_s = FIRST_WAIT_S if monotonic() - began > SOUND_S else min(2 * wait_s, LONGEST_WAIT_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), wait_s)

    async def _tick(self) -> None:
        """Look once in a while: it is the turn of this worker."""
        try:
            await self._with_store(lambda desk: sweep(desk.store, self._config))
        except StoreError:
            pass  # that is said, and the next tick finds the same
        except Exception as error:
            self._broke("the tick", error)

    async def _keep_up(self) -> None:
        """Look once in a while, each worker for itself: at files that were changed, at a schema that is another one."""
        while not self._over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), self._alive.patience_s(self._config.workers.tick))
            self._look.clear()
            if (config := await asyncio.to_thread(self._changed)) is not None:
                self._take_up(config)
            self._fetching.tidy()
            self._alive.beat()
            with suppress(StoreError):
                await self._with_store(lambda desk: check_version(desk.store.database))

    def _take_up(self, config: Config) -> None:
        """Go on with other settings, rules and scripts, each when it is done with what it has in hand."""
        self._config = config
        self._desks.renew(config)
        self._senders.renew(config)
        self._fetching.take_up(config)
        self._deciders.renew()
        self._tell("files were changed: the worker follows them")

    async def _deliver(self) -> None:
        """Send what is due whenever there is something, until the end."""
        while True:
            await self._post.wait()
            self._post.clear()
            if self._over.is_set():
                return
            try:
                await self._in(self._sender, self._send)
            except StoreError as error:
                self._is_away(str(error))
            except Exception as error:
                self._broke("sending", error)

    def _send(self) -> None:
        with self._senders.desk() as desk:
            while not desk.stop.is_set():
                done = send(desk.engine)
                if not (done.sent or done.failed or done.unknown):
                    return

    # ── the database ──────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self, store: Store) -> None:
        """A new connection, also of a store that found its old one lost: this worker is one of those that live."""
        if store.database.workers is not None:
            store.database.workers.attend()

    def _expect(self, desk: Desk) -> None:
        names = self._names or [box.name for box in self._config.mailboxes if box.active]
        desk.store.visiting.expect(names)
        desk.store.troubles.over(DECIDERS)

    async def _with_store(self, work: Callable[[Desk], Any]) -> Any:
        """Do something with a store, one after the other. Raises StoreError."""

        def there() -> Any:
            with self._desks.desk() as desk:
                for owner, row in [*self._owed]:
                    waits_s = self._config.settings("").errors.retry
                    desk.store.queue.give_back_all(owner, row, time(desk.store.database.now()), waits_s)
                    self._owed.remove((owner, row))
                found = work(desk)
                self._opened(desk.store)
                return found

        try:
            found = await self._in(self._control, there)
        except OtherSchema:
            self._tell("the schema of the database was upgraded: this worker ends, start it again")
            self._status = LATER
            self._over.set()
            raise
        except StoreError as error:
            self._is_away(str(error))
            raise
        self._is_away("")
        return found

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[..., Any], *params: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *params)

    def _is_away(self, sentence: str) -> None:
        """Say once that the database is away, and once that it is back; before the start nothing waits for it."""
        if not self._begun:
            return
        if bool(sentence) != bool(self._away):
            self._tell(f"{sentence}; the worker waits for it" if sentence else "the database is there again")
        self._away = sentence

    # ── deciders ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _gone(self, owner: str, row: int) -> None:
        """Give back what a decider had that ended; where the database is away, as soon as it is back."""
        self._owed.append((owner, row))
        with suppress(StoreError):
            await self._with_store(lambda desk: None)

    async def _paused(self, why: str) -> None:
        """Note for people that nothing is decided, or that it is again."""

        def note(desk: Desk) -> None:
            if why:
                desk.store.troubles.begin(DECIDERS, why, time(desk.store.database.now()))
            else:
                desk.store.troubles.over(DECIDERS)

        self._tell(why or "mail is decided again")
        with suppress(StoreError):
            await self._with_store(note)

    def _broke(self, what: str, error: Exception) -> None:
        """Say that something broke that should not; it is tried again."""
        self._tell(f"{what} broke ({type(error).__name__}: {error}); it is tried again")

    def _tell(self, sentence: str) -> None:
        self._said(sentence)
        if self._config.logs:
            write(self._config, [Entry("warning", "worker.said", sentence)])

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> None:
        """Hear a signal: the first asks to stop, the second ends everything at once."""
        self._asked += 1
        self._over.set()
        self._look.set()

    async def _end(self, hears: asyncio.Task[None], works: list[asyncio.Task[None]]) -> int:
        """Begin nothing new, finish what is begun, give the rest back."""
        self._alive.say("STOPPING=1")
        drain_s = self._config.workers.drain
        self._post.set()
        self._senders.end()
        hears.cancel()
        ends = asyncio.gather(self._deciders.stop(drain_s), self._fetching.stop(drain_s), self._sent(works[1], drain_s))
        while not ends.done() and self._asked < 2:
            await asyncio.wait([ends], timeout=0.1)
        if not ends.done():
            ends.cancel()
            await self._deciders.kill()
            return LATER
        in_time = all(ends.result())
        with suppress(asyncio.CancelledError, TimeoutError, StoreError):
            await asyncio.wait_for(hears, 5.0)
        self._desks.end()
        return self._status if in_time else LATER

    async def _sent(self, deliver: asyncio.Task[None], seconds: float) -> bool:
        late = (await asyncio.wait([deliver], timeout=seconds))[1]
        return not late
