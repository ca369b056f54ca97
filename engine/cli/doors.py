"""What `allegra lmtp` and `allegra serve` do the same way: options, opening, the end.

Here: `keep_open`. Not here: the doors (`doors/`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.common import AWAY, BROKEN_CONFIG, complain, config_path, extra_of, open_config, verbosity

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.doors import Http, Lmtp
    from engine.doors.serving import Door

    D = TypeVar("D", Lmtp, Http)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _listen(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else str(_read(value, "read_listen"))


def _mode(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    return None if value is None else int(_read(value, "read_mode"))


def _read(value: str, reader: str) -> Any:
    """Read a value as the configuration does."""
    from engine.config import kinds
    from engine.config.section import Wrong

    try:
        return getattr(kinds, reader)(value, Path.cwd())
    except Wrong as wrong:
        raise click.BadParameter(f"{wrong.sentence}; {wrong.advice}") from None


def listen_option(default: str) -> Decorator:
    """Make the option that says where."""
    said = f"Where: the path of a unix socket, or 127.0.0.1:PORT (default: the configuration's, else {default})."
    return click.option("--listen", metavar="PATH|ADDRESS", callback=_listen, help=said)


mode_option: Decorator = click.option(
    "--mode",
    metavar="MODE",
    callback=_mode,
    help="Who may use the unix socket (default: the configuration's, else 0660).",
)


def keep_open(
    ctx: click.Context, settings_of: Callable[[Config], D], door: Callable[[D], Door], listen: str | None,
    mode: int | None,
) -> None:  # fmt: skip
    """Keep a door open until it is stopped. Exits with a code of docs/cli.md where it cannot be opened."""
    from msgspec.structs import replace

    from engine.config import SecretError, load
    from engine.doors.serving import serve
    from engine.doors.sockets import CannotListen, address_of

    config, path, extra, verbose = open_config(ctx), config_path(ctx).absolute(), extra_of(ctx), verbosity(ctx)
    written = settings_of(config)
    settings = written.filled(listen=listen or written.listen, mode=written.mode if mode is None else mode)
    if mode is not None and address_of(settings.listen) is not None:
        raise click.UsageError(f"--mode does nothing for the address {settings.listen}: it is for a unix socket")

    def again() -> Config:
        return replace(load(path), extra=extra, verbose=verbose > 0)

    def opened(place: str) -> None:
        if verbose >= 0:
            click.echo(f"allegra {ctx.info_name}: taking mail at {place}", err=True)

    try:
        serve(config, again, settings, door(settings), opened)
    except CannotListen as error:
        complain(str(error))
        raise SystemExit(AWAY) from None
    except SecretError as error:
        complain(str(error))
        raise SystemExit(BROKEN_CONFIG) from None
