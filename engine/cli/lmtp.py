"""`allegra lmtp`: mail servers hand mail over, and each recipient is answered for.

Here: the options. Not here: opening and the end (`doors.py`), the door itself (`doors/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.doors import keep_open, listen_option, mode_option

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.doors import Lmtp


@click.command()
@listen_option("/run/allegra/lmtp.sock")
@mode_option
@click.pass_context
def lmtp(ctx: click.Context, listen: str | None, mode: int | None) -> None:
    """Take mail from a mail server by LMTP, until it is stopped.

    At a unix socket, at an address of this machine, or at the socket that systemd hands over. The mailbox is found by
    the recipient's address. What is taken is decided at once, as far as no other run works on the mailbox; sending is
    up to `allegra run`.

    Exit codes: 0 it was stopped, 69 the socket cannot be had, 78 the configuration does not load.
    """
    from engine.config.doors import Lmtp
    from engine.doors import serving

    def settings(config: Config) -> Lmtp:
        return config.root.lmtp or Lmtp()

    keep_open(ctx, settings, serving.lmtp, listen, mode)
