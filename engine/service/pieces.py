"""The pieces that are not for systemd: the line for cron, what Postfix and Exim need.

Here: their texts. Nobody's configuration is changed: people copy what belongs into a file of others.
Invariant: whatever goes wrong on the way to us, the mail server keeps the mail and tries again.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from engine.service.site import Site

DELIVER = "/usr/local/bin/allegra-deliver"


def cron(site: Site) -> str:
    """A line for /etc/cron.d: it reads mail as often as the timer would, though not more than once a minute."""
    minutes = max(1, round(site.every_s / 60))
    when = (
        "* * * * *"
        if minutes == 1
        else f"*/{minutes} * * * *"
        if minutes < 60
        else f"0 */{min(23, minutes // 60)} * * *"
    )
    who = f"{site.account}  " if site.account else ""
    command = f"cd {_word(site.folder)} && {_word(site.program)} --config {_word(site.config)} run --wait 30"
    return f"{when}  {who}{command}\n"


def wrapper(site: Site) -> str:
    """The program that a mail server pipes mail to: a missing interpreter, too, is "try again later".

    Exim lets no address of a mail into a command; what it says stands in variables.
    """
    return (
        f"#!/bin/sh\ncd {shlex.quote(str(site.folder))} || exit 75\n"
        '[ $# -gt 0 ] || set -- --sender "$SENDER" --recipient "$RECIPIENT" --queue-id "$MESSAGE_ID"\n'
        f'{shlex.quote(str(site.program))} --config {shlex.quote(str(site.config))} deliver "$@"; rc=$?\n'
        "case $rc in 0|65|67|77) exit $rc;; *) exit 75;; esac\n"
    )


def postfix(site: Site) -> dict[str, str]:
    """What goes into which file of Postfix."""
    if site.lmtp:
        from engine.service.site import SOCKET

        return {
            "/etc/postfix/master.cf": "allegra   unix  -       -       n       -       4       lmtp\n",
            "/etc/postfix/transport": f"help@example.com    allegra:unix:{SOCKET}\n",
            "/etc/postfix/main.cf": "transport_maps = hash:/etc/postfix/transport\n",
        }
    return {
        "/etc/postfix/master.cf": (
            f"allegra   unix  -       n       n       -       4       pipe\n"
            f"  flags=DRXOh null_sender= user={site.account} argv={DELIVER}\n"
            "  --sender ${sender} --recipient ${original_recipient} --queue-id ${queue_id}\n"
        ),
        "/etc/postfix/transport": "help@example.com    allegra:\n",
        "/etc/postfix/main.cf": (
            "transport_maps = hash:/etc/postfix/transport\nallegra_destination_recipient_limit = 1\n"
        ),
    }


def exim(site: Site) -> dict[str, str]:
    """What goes into which part of Exim's configuration."""
    router = (
        "allegra:\n  driver = accept\n  domains = +local_domains\n  local_parts = help\n"
        "  local_part_suffix = +*\n  local_part_suffix_optional\n  transport = allegra\n"
    )
    if site.lmtp:
        from engine.service.site import SOCKET

        transport = f"allegra:\n  driver = lmtp\n  socket = {SOCKET}\n  user = {site.account}\n  batch_max = 50\n"
    else:
        transport = (
            f"allegra:\n  driver = pipe\n  command = {DELIVER}\n  user = {site.account}\n  message_prefix =\n"
            "  message_suffix =\n  return_path_add\n  temp_errors = *\n  log_output\n  timeout_defer\n"
        )
    return {
        "the routers of /etc/exim4/exim4.conf.template, before those for local users": router,
        "the transports of /etc/exim4/exim4.conf.template": transport,
    }


def _word(path: Path) -> str:
    """A word of a crontab, where % is the end of a line."""
    return shlex.quote(str(path)).replace("%", r"\%")
