"""What every command does the same way: open the configuration and the store, print tables and JSON, choose exit codes.

Here: `open_config`, `open_store`, `open_to_read`, `exit_codes`, `table`, `print_table`, `print_json`. Not here: any
command, nor what commands look like to the shell (`noun.py`).
Invariant: data goes to stdout, everything else to stderr; an error is a sentence, never a traceback, and has a code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.paint import paint
from engine.plain_text import printable, safe_json

if TYPE_CHECKING:
    from datetime import datetime

    from engine.config import Config, Mailbox
    from engine.model.extra import Extra
    from engine.store.store import Store

DONE, FINDINGS, USAGE, AWAY, LATER, BROKEN_CONFIG = 0, 1, 64, 69, 75, 78
"""Exit codes of docs/cli.md: done, something was found, wrong usage, something is away, later, configuration."""


SAID = {"added": "added", "changed": "changed", "same": "nothing to change"}
"""What a `put_…` of the store says, for people."""


def config_path(ctx: click.Context) -> Path:
    """Name the configuration file: `--config`, else `allegra.toml` in the working directory."""
    return Path((ctx.find_root().obj or {}).get("config") or "allegra.toml")


def extra_of(ctx: click.Context) -> Extra:
    """The words that the host of this command line adds to the rules (`main`)."""
    from engine.model.extra import Extra

    found = (ctx.find_root().obj or {}).get("extra")
    return found if isinstance(found, Extra) else Extra()


def verbosity(ctx: click.Context) -> int:
    """Give the number of `-v`, or -1 for `--quiet`."""
    shared = ctx.find_root().obj or {}
    return -1 if shared.get("quiet") else int(shared.get("verbose") or 0)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn the errors a command may meet into a sentence on stderr and the exit code that belongs to it."""
    from engine.config import SecretError
    from engine.model.extra import ExtraError
    from engine.store.errors import Busy, NotFound, Refused, StoreError, Unclear

    try:
        yield
    except ExtraError as error:
        complain(str(error))
        raise SystemExit(FINDINGS) from None
    except Busy as error:
        complain(str(error))
        raise SystemExit(LATER) from None
    except (StoreError, SecretError) as error:
        complain(str(error))
        raise SystemExit(AWAY) from None
    except (NotFound, Refused) as error:
        complain(str(error))
        raise SystemExit(USAGE if isinstance(error, Unclear) else FINDINGS) from None


@contextmanager
def usage() -> Iterator[None]:
    """Tell of what was typed and means nothing as click tells of wrong usage."""
    from engine.store.errors import Unclear

    try:
        yield
    except Unclear as error:
        raise click.UsageError(str(error)) from None


def chosen_mailboxes(config: Config, names: Sequence[str] = ()) -> list[Mailbox]:
    """Give the mailboxes that were named, all active ones without a name; another name is wrong usage."""
    from engine.desk.choosing import named

    with usage():
        return named(config, names)


def chosen_workspace(config: Config, name: str | None) -> str:
    """Give back a workspace that is configured; another name is wrong usage."""
    if name and name not in config.workspaces:
        raise click.UsageError(f"there is no workspace {name!r}; there are: {', '.join(config.workspaces)}")
    return name or ""


def local_of(config: Config) -> Callable[[datetime], datetime]:
    """Make the function that gives a time in the zone of the installation."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(config.instance.timezone)
    return lambda moment: moment.astimezone(zone)


def open_config(ctx: click.Context) -> Config:
    """Load the configuration; with problems in it, print all of them and exit 78.

    Its warnings are printed too, without a terminal once a day.
    """
    from msgspec.structs import replace

    from engine.cli.reminders import due
    from engine.config import ConfigError, load

    try:
        config = replace(load(config_path(ctx)), extra=extra_of(ctx), verbose=verbosity(ctx) > 0)
    except ConfigError as error:
        print_problems(error.problems)
        if len(error.problems) > 1:
            complain(f"{config_path(ctx)} does not load; nothing was done")
        raise SystemExit(BROKEN_CONFIG) from None
    ctx.find_root().ensure_object(dict).update(zone=config.instance.timezone, loaded=config)
    if verbosity(ctx) >= 0 and config.warnings and due(config):
        print_problems(config.warnings)
    return config


@contextmanager
def open_store(ctx: click.Context, config: Config | None = None) -> Iterator[Store]:
    """Open the store that the configuration names, for the length of a `with`; its errors become exit codes."""
    from engine.store.store import Store

    config = config or open_config(ctx)
    with exit_codes(), Store.open(config.store.where, busy_s=config.store.busy_timeout) as store:
        yield store


@contextmanager
def open_to_read(ctx: click.Context, config: Config | None = None) -> Iterator[Store]:
    """Open the replica that the configuration names, or the store: for lists, which may be some seconds old.

    How old they are is said on stderr, and so is that a replica does not answer.
    """
    config = config or open_config(ctx)
    with exit_codes():
        if config.store.replica is None:
            with open_store(ctx, config) as store:
                yield store
            return
        from engine.store.replica import open_to_read as opened

        replica = config.store.replica
        store, as_of, away = opened(config.store.where, replica, busy_s=config.store.busy_timeout)
        if away:
            complain(f"the replica is not read: {away}")
        elif verbosity(ctx) >= 0:
            told = f"{local_of(config)(as_of):%Y-%m-%d %H:%M:%S}" if as_of is not None else "its beginning"
            click.echo(f"as of {told}, from {replica.name}", err=True)
        with store:
            yield store


def print_problems(problems: Iterable[Any]) -> None:
    """Print problems the way compilers do, to stderr."""
    from rules.problem import in_order, render

    for number, problem in enumerate(in_order(problems)):
        click.echo(("\n" if number else "") + render(problem, paint), err=True)


def complain(sentence: str) -> None:
    """Say on stderr why the command stops."""
    click.echo(f"allegra: {printable(sentence)}", err=True)


def print_json(schema: str, data: Mapping[str, Any] | Any) -> None:
    """Print one line of NDJSON; `schema` is the name of the command, as in `allegra.item/1`."""
    import json

    from engine.desk.plain import plain

    line = {"schema": f"allegra.{schema}/1", **plain(data)}
    click.echo(safe_json(json.dumps(line, ensure_ascii=False, separators=(",", ":"))))


def answer(as_json: bool, schema: str, data: Mapping[str, Any], sentence: str) -> None:
    """Say what was done: as JSON, or in a sentence."""
    if as_json:
        print_json(schema, data)
    else:
        click.echo(printable(sentence))


def log_act(ctx: click.Context, event: str, said: str = "", *, mail: str = "") -> None:
    """Log what was done, once it is committed, by whoever types; what logs by itself needs no line here."""
    from engine.cli.mail import person
    from engine.desk import logged

    logged.act(ctx.find_root().obj["loaded"], event, person(), said, mail=mail)


def save(path: Path, content: bytes, *, over: bool = False) -> None:
    """Write a file, never `over` one unless that is asked for; no half of one is left. Raises click.ClickException."""
    made = False
    try:
        with path.open("wb" if over else "xb") as target:
            made = not over
            target.write(content)
    except OSError as error:
        if made:  # it would stand in the way of whoever tries again
            path.unlink(missing_ok=True)
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def reader_left(seconds: float = 0.0) -> bool:
    """Wait so long, and tell whether nobody reads what is printed any more: a pipe says so before it is written to."""
    import select
    import time

    try:
        printed = select.poll()
        printed.register(sys.stdout.fileno(), 0)
    except OSError:  # no file of the system
        time.sleep(seconds)
        return False
    return bool(printed.poll(seconds * 1000))


def is_terminal() -> bool:
    """Tell whether a person reads stdout."""
    return sys.stdout.isatty()


def terminal_columns() -> int:
    """How broad the terminal is; 0 where stdout is none or does not say."""
    if not is_terminal():
        return 0
    told = os.environ.get("COLUMNS", "")
    try:
        return int(told) if told.isdecimal() else os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 0
