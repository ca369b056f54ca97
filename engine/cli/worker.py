"""`allegra worker`: a process that stays beside a database on a server and shares its work with others.

Here: the options, what is printed, which files it follows, the exit code. Not here: the worker (`engine/worker`).
Invariant: what it says is a line on standard error; a file that does not load costs a sentence and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from engine.cli import words
from engine.cli.common import (
    DONE,
    USAGE,
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
from engine.store.bells import Bell

if TYPE_CHECKING:
    from engine.config import Config
    from engine.stop import Stop

KINDS = tuple(str(each) for each in Bell)


def _kinds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Bell, ...]:
    """Read what stands behind --only."""
    if value is None:
        return tuple(Bell)
    named = [each.strip() for each in value.split(",")]
    if wrong := [each for each in named if each not in KINDS]:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(KINDS)}", ctx, parameter)
    return tuple(dict.fromkeys(map(Bell, named)))


@click.command()
@click.option("--deciders", type=click.IntRange(1), metavar="N", help="Decide in N processes (default: one a core).")
@click.option("--fetchers", type=click.IntRange(1), metavar="N", help="Read at most N mailboxes at a time.")
@click.option(
    "--only", "kinds", callback=_kinds, metavar="WHAT", help="Only fetch, decide or deliver; several with commas."
)
@click.option(
    "--mailbox",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=words.mailboxes,
    help="Only this mailbox (again for more): system or a workspace.",
)
@click.pass_context
def worker(
    ctx: click.Context, deciders: int | None, fetchers: int | None, kinds: tuple[Bell, ...], names: Sequence[str]
) -> None:
    """Stay, and read, decide and send together with other workers on the same database, on any number of hosts.

    It needs a database on a PostgreSQL server and the package allegra-mail[workers]. Asked to stop (SIGTERM, Ctrl-C) it
    finishes what it has in hand; asked twice, it ends at once.

    Exit codes: 0 it was asked to stop, 64 the database is a file, 69 the database is away at the start or a package is
    missing, 75 the schema was upgraded, or what was in hand could not be finished in time and was given back, 78 the
    configuration does not load.
    """
    from engine.stop import Stop, Stopped

    stop = Stop()
    with stop.signals(), suppress(Stopped, KeyboardInterrupt), stop.interruptible():
        status = _work(ctx, deciders, fetchers, kinds, names, stop)
        if status:  # a thread may hang at a server that says nothing
            sys.stderr.flush()
            os._exit(status)
    raise SystemExit(DONE)


def _work(
    ctx: click.Context, deciders: int | None, fetchers: int | None, kinds: tuple[Bell, ...], names: Sequence[str],
    stop: Stop,
) -> int:  # fmt: skip
    from engine.model.place import Url

    config = open_config(ctx)
    chosen = chosen_mailboxes(config, names)
    with exit_codes():
        where = config.store.where
        if not isinstance(where, Url):
            complain(
                'workers need a database on a PostgreSQL server ([store] driver = "postgresql"); with a file, '
                "allegra run --watch stays and does the same in one process"
            )
            raise SystemExit(USAGE)
        from engine.worker.parent import Worker

        settings = config.workers
        many = deciders or settings.deciders or _cores(), fetchers or settings.fetchers
        files = _Files(ctx, config)
        one = Worker(config, where, kinds, [box.name for box in chosen] if names else [], *many, complain, files.anew)
        if is_terminal() and verbosity(ctx) >= 0:
            click.echo(f"allegra: a worker with {many[0]} deciders; Ctrl-C ends it", err=True)
        with stop.protected():  # from here on the worker hears signals by itself
            return asyncio.run(one.run())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Files:
    """The files that the worker follows."""

    def __init__(self, ctx: click.Context, config: Config) -> None:
        from engine.run.changed import files_of

        self._ctx, self._config, self._look = ctx, config, files_of
        self._seen = files_of(config)

    def anew(self) -> Config | None:
        """Give the configuration of now where a file was changed and it loads, else None."""
        from msgspec.structs import replace

        from engine.config import ConfigError, load

        seen = self._look(self._config)
        if seen == self._seen:
            return None
        self._seen = seen
        path = config_path(self._ctx)
        try:
            config = replace(load(path), extra=extra_of(self._ctx), verbose=verbosity(self._ctx) > 0)
        except ConfigError as error:
            print_problems(error.problems)
            complain(f"{path} does not load: the worker goes on with what it had")
            return None
        if _place(config) != _place(self._config):
            complain("the place of the database was changed: stop the worker and start it again")
            return None
        self._config, self._seen = config, self._look(config)
        return config


def _place(config: Config) -> object:
    store = config.store
    return store.driver, store.path, store.url, store.url_env, store.url_file, store.url_command
