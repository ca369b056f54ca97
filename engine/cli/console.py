"""`allegra console`: the web console.

Here: the options. Not here: serving it (`console/serving.py`).
"""

from __future__ import annotations

import click

from engine.cli.common import AWAY, BROKEN_CONFIG, complain, config_path, open_config
from engine.cli.doors import listen_option


def _opened(where: str) -> None:
    click.echo(f"allegra console: {where if '/' in where else f'http://{where}/'}", err=True)


@click.command()
@listen_option("127.0.0.1:8026")
@click.pass_context
def console(ctx: click.Context, listen: str | None) -> None:
    """Serve the web console, until it is stopped.

    Who comes in is up to [console] auth. It listens on this machine; a reverse proxy before it speaks TLS.

    Exit codes: 0 it was stopped, 69 the socket cannot be had, 78 the configuration does not load, or a package lacks.
    """
    from msgspec.structs import replace

    config = open_config(ctx)
    if listen is not None:
        config = replace(config, root=replace(config.root, console=config.console.filled(listen=listen)))
    try:
        from engine.console.serving import serve
    except ModuleNotFoundError as error:
        complain(f"the console needs the package {error.name}: pip install 'allegra-mail[console]'")
        raise SystemExit(BROKEN_CONFIG) from None
    try:
        serve(config, config_path(ctx).absolute(), _opened)
    except OSError as error:
        complain(f"{config.console.listen} cannot be listened at: {error.strerror or error}")
        raise SystemExit(AWAY) from None
