"""`allegra run --watch`: the process that stays: what it prints, which files it follows, its exit code.

Here: the host of a watch on the command line. Not here: the watch (`engine/run/watch.py`), the options (`run.py`).
Invariant: every pass prints what a run by cron would have printed, and nothing where there is nothing to tell; a file
that does not load costs a sentence and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click
from msgspec.structs import replace

from engine.cli.common import (
    DONE,
    LATER,
    chosen_mailboxes,
    complain,
    config_path,
    exit_codes,
    extra_of,
    is_terminal,
    open_config,
    print_problems,
    verbosity,
)
from engine.cli.reminders import has_news, quiet_of
from engine.cli.run_told import tell
from engine.config import ConfigError, SecretError, load
from engine.run.alive import Alive
from engine.run.changed import files_of
from engine.run.engine import Engine
from engine.run.watch import Watch
from engine.stop import Stop
from engine.store.errors import StoreError
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.run.report import MailboxReport, Sent
    from engine.store.place import Where


class _Desk:
    """A watch on the command line."""

    def __init__(self, ctx: click.Context, config: Config, names: Sequence[str], as_json: bool) -> None:
        self._ctx, self._config, self._names, self._as_json = ctx, config, names, as_json
        self._seen = files_of(config)
        self._where: Where | None = None

    def begin(self) -> Engine:
        try:
            self._where = self._config.store.where
        except SecretError as error:
            raise StoreError(str(error)) from None
        store = Store.open(self._where, busy_s=self._config.store.busy_timeout)
        return Engine(self._config, store)

    def end(self, engine: Engine) -> None:
        engine.close()
        engine.store.close()

    def anew(self, engine: Engine, *, asked: bool) -> Engine | None:
        seen = files_of(self._config)
        if seen == self._seen and not asked:
            return None
        self._seen = seen
        try:
            config = replace(load(config_path(self._ctx)), extra=extra_of(self._ctx), verbose=verbosity(self._ctx) > 0)
            chosen_mailboxes(config, self._names)
            where = config.store.where
        except SecretError as error:
            complain(f"{error}: the watch goes on with what it had")
            return None
        except ConfigError as error:
            print_problems(error.problems)
            complain(f"{config_path(self._ctx)} does not load: the watch goes on with what it had")
            return None
        except click.UsageError as error:
            complain(f"{error.message}: the watch goes on with what it had")
            return None
        if str(where) != str(self._where):  # the same with another password is the same
            complain("[store] names another database: stop the watch and start it again; it goes on with what it had")
            return None
        engine.close()
        self._config, self._seen = config, files_of(config)
        if verbosity(self._ctx) >= 0 and is_terminal():
            click.echo("files were changed: the watch follows them", err=True)
        return Engine(config, engine.store)

    def mailboxes(self, engine: Engine) -> list[Mailbox]:
        return chosen_mailboxes(engine.config, self._names)

    def told(self, engine: Engine, reports: Sequence[MailboxReport], sent: Sent, took_s: float) -> None:
        quiet = quiet_of(engine.store, reports, sent, whole=self._as_json)
        if has_news(reports, sent, quiet):
            loud, smtp = is_terminal() and verbosity(self._ctx) >= 0, engine.config.smtp
            tell(reports, sent, took_s, quiet, smtp.place if smtp is not None else "", as_json=self._as_json, loud=loud)

    def away(self, sentence: str) -> None:
        complain(f"{sentence}; the watch waits for it" if sentence else "the database is there again")


def watch(ctx: click.Context, names: Sequence[str], as_json: bool, settle: bool) -> NoReturn:
    """Watch until somebody asks to stop; ends with 0 then, with 75 where another watch is at work."""
    stop = Stop()
    with stop.signals():
        config = open_config(ctx)
        chosen_mailboxes(config, names)
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exit_codes():
            alive = Alive(config.beside)
            if alive.taken:
                complain("another allegra run --watch is at work on this database")
                raise SystemExit(LATER)
            try:
                Watch(_Desk(ctx, config, names, as_json), alive, stop, settle).run()
            finally:
                alive.close()
    raise SystemExit(DONE)
