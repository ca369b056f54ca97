"""Who hears the bells: procrastinate, and nothing else of the engine knows it.

Here: its tables, its tasks, its loop; the only file that loads it. Not here: how a bell is rung (`store/bells.py`),
what is done then (`parent.py`). Invariant: a job carries nothing and ends at once: it tells this process that there is
work, and what becomes of the work stands in our own rows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config.redacting import logger
from engine.store.bells import STALLED_S, TICK
from engine.store.errors import StoreError

try:
    from procrastinate import App, PsycopgConnector
    from procrastinate.exceptions import ConnectorException
    from procrastinate.schema import SchemaManager
except ImportError as error:
    raise StoreError('workers need another package: install it with  pip install "allegra-mail[workers]"') from error

if TYPE_CHECKING:
    from engine.model.place import Url
    from engine.store.database import Database

MOST_AT_ONCE = 8
"""Bells that are taken at the same time; each ends at once."""

HEARTBEAT_S = 10.0

_LOCK = int.from_bytes(b"bells", "big")

_MADE = "SELECT obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"

_SAYS = "made for procrastinate "


def make_tables(database: Database) -> bool:
    """Make what rings, or bring it up to date; tells whether there was something to do. Raises StoreError."""
    here = version("procrastinate")
    with database.writing():
        database.lock([_LOCK])
        made = str(database.one(_MADE)[0] or "").removeprefix(_SAYS)
        workers = database.workers
        if workers is None or made == here:
            return False
        texts = [*_steps(made, here)] if workers.have_bells else [SchemaManager.get_schema()]
        for text in texts:
            database.run(text)
        database.run(f"COMMENT ON TABLE procrastinate_jobs IS '{_SAYS}{here}'")
    return True


def _steps(before: str, now: str) -> list[str]:
    """The steps of procrastinate between two of its versions, in order. One that is not known is the oldest we take."""
    begin = _number(before) if before else (3, 10, 0)
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    return [each.read_text("utf-8") for each in files if begin < _number(each.name) <= _number(now)]


def _number(told: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", told)[:3]))


class Loop:
    """Hears bells and calls what belongs to each, until it is cancelled or the database goes away."""

    def __init__(
        self, where: Url, tasks: dict[str, Callable[[], None]], tick: Callable[[], Awaitable[None]], tick_s: float
    ) -> None:
        self._where, self._tasks, self._tick, self._tick_s = where, tasks, tick, tick_s
        for name in ("procrastinate", "psycopg.pool"):  # what goes wrong is told by whoever runs the loop
            log = logger(name)
            log.addHandler(logging.NullHandler())
            log.propagate = False

    async def run(self) -> None:
        """Hear; ends where the database goes away. Raises StoreError where it is away at first."""
        app = self._app()
        try:
            async with app.open_async():
                await app.run_worker_async(
                    queues=[*self._tasks, TICK], concurrency=MOST_AT_ONCE, delete_jobs="always",
                    fetch_job_polling_interval=self._tick_s, abort_job_polling_interval=3600.0,
                    install_signal_handlers=False, update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=STALLED_S, shutdown_graceful_timeout=2.0,
                )  # fmt: skip
        except (ConnectorException, OSError) as error:
            raise StoreError(f"the database {self._where} cannot be reached: {type(error).__name__}") from error

    def _app(self) -> App:
        from engine.store.postgres import CONNECT

        connector = PsycopgConnector(
            conninfo=self._where.secret, kwargs={**CONNECT, "application_name": "allegra worker, bells"}, min_size=1,
            max_size=3, timeout=10.0, reconnect_timeout=10.0,
        )  # fmt: skip
        app = App(connector=connector)
        for name, ring in self._tasks.items():
            app.task(name=name, queue=name, pass_context=False)(_heard(ring))
        task = app.task(name=TICK, queue=TICK, queueing_lock=TICK, pass_context=False)(self._ticks)
        app.periodic(cron=cron(self._tick_s))(task)
        return app

    async def _ticks(self, timestamp: int) -> None:
        await self._tick()


def _heard(ring: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def heard() -> None:
        ring()

    return heard


def cron(seconds: float) -> str:
    """Write every so many seconds as procrastinate reads it: seconds stand last."""
    if seconds < 60:
        return f"* * * * * */{max(1, round(seconds))}"
    return f"*/{min(59, round(seconds / 60))} * * * *"
