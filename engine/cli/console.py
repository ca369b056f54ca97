"""`allegra console`: the web console.

Here: the options, what is said where it cannot be served. Not here: serving it (`console/serving.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

import click

from engine.cli.common import AWAY, BROKEN_CONFIG, complain, config_path, open_config
from engine.cli.doors import listen_option

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import Config


def _opened(where: str) -> None:
    click.echo(f"allegra console: {where if '/' in where else f'http://{where}/'}", err=True)


def _opened_in_browser(where: str) -> None:
    """The same, and a browser shows it; one that keeps its terminal busy keeps nobody else waiting."""
    _opened(where)
    Thread(target=_browse, args=(f"http://{where}/",), daemon=True).start()


def _browse(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        complain(f"no browser was found: open {address} yourself")


def serve_console(config: Config, path: Path, opened: Callable[[str], None]) -> None:
    """Serve until it is stopped; ends the command where a package lacks or the socket cannot be had."""
    serve = needed()
    try:
        serve(config, path, opened)
    except OSError as error:
        complain(f"{config.console.listen} cannot be listened at: {error.strerror or error}")
        raise SystemExit(AWAY) from None


def needed() -> Callable[[Config, Path, Callable[[str], None]], None]:
    """Give what serves a console; where a package lacks it says how to get it, and ends the command."""
    try:
        from engine.console.serving import serve
    except ModuleNotFoundError as error:
        complain(f"the console needs the package {error.name}: pip install 'allegra-mail[console]'")
        raise SystemExit(BROKEN_CONFIG) from None
    return serve


@click.command()
@listen_option("127.0.0.1:8026")
@click.option("--open", "browse", is_flag=True, help="Also show it in a browser.")
@click.pass_context
def console(ctx: click.Context, listen: str | None, browse: bool) -> None:
    """Serve the web console, until it is stopped.

    Who comes in is up to [console] auth. It listens on this machine; a reverse proxy before it speaks TLS.

    Exit codes: 0 it was stopped, 69 the socket cannot be had, 78 the configuration does not load, or a package lacks.
    """
    from msgspec.structs import replace

    config = open_config(ctx)
    if listen is not None:
        config = replace(config, root=replace(config.root, console=config.console.filled(listen=listen)))
    if browse and config.console.listen.startswith("/"):
        raise click.UsageError("--open shows an address, and the console listens at a socket: --listen 127.0.0.1:8026")
    serve_console(config, config_path(ctx).absolute(), _opened_in_browser if browse else _opened)
