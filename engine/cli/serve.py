"""`allegra serve`: programs and services push mail by HTTP.

Here: the options. Not here: opening and the end (`doors.py`), the door itself (`doors/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.common import BROKEN_CONFIG, complain, verbosity
from engine.cli.doors import keep_open, listen_option, mode_option

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.doors import Http
    from engine.doors.serving import Door


@click.command()
@listen_option("127.0.0.1:8025")
@mode_option
@click.pass_context
def serve(ctx: click.Context, listen: str | None, mode: int | None) -> None:
    """Take mail by HTTP from programs that show a key, until it is stopped.

    POST /mail and /mail/MAILBOX take a mail as message/rfc822, or in the form of a service; GET /healthz tells whether
    mail can be taken. It listens on this machine only: a reverse proxy before it speaks TLS. What is taken is decided
    at once, as far as no other run works on the mailbox; sending is up to `allegra run`. A key that cannot be had is
    told and left out.

    Exit codes: 0 it was stopped, 69 the socket cannot be had, 78 the configuration does not load, or no key can be had.
    """
    from engine.doors import serving

    def settings(config: Config) -> Http:
        if config.root.http is None:
            complain("there are no keys, so nobody could push mail: add [http.keys.NAME] with  key_env = …")
            raise SystemExit(BROKEN_CONFIG)
        return config.root.http

    def door(settings: Http) -> Door:
        logged = verbosity(ctx) > 0  # on standard error, too
        return serving.http(settings) if logged else serving.http(settings, complain)

    keep_open(ctx, settings, door, listen, mode)
