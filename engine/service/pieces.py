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

EVEN_S = (
    *(60 * minutes for minutes in range(1, 60) if 60 % minutes == 0),
    *(3600 * hours for hours in range(1, 25) if 24 % hours == 0),
)
"""Times between two passes that a line of a crontab keeps from hour to hour and from day to day."""

EXAMPLE = ("help@example.com",)
SAID_EXAMPLE = "# an example, for no mailbox has addresses: write those in its place that people write to\n"


def cron(site: Site) -> str:
    """A line for /etc/cron.d: it reads mail as often as the timer would; `every_s` is one of EVEN_S."""
    minutes, hours = site.every_s // 60, site.every_s // 3600
    when = f"{_each(minutes, 60)} * * * *" if minutes < 60 else f"0 {_each(hours, 24)} * * *"
    who = f"{site.account}  " if site.account else ""
    command = f"cd {_word(site.folder)} && {_word(site.program)} --config {_word(site.config)} run --wait 30"
    return f"{when}  {who}{command}\n"


def _each(step: int, of: int) -> str:
    """A field of a crontab for each so many of an hour's minutes, or of a day's hours."""
    return "*" if step == 1 else "0" if step == of else f"*/{step}"


def uneven(every_s: int) -> tuple[int, ...]:
    """The times nearest to one that cron cannot keep, for a line begins anew each hour and day; () where it can."""
    if every_s in EVEN_S:
        return ()
    return (*[each for each in EVEN_S if each < every_s][-1:], *[each for each in EVEN_S if each > every_s][:1])


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
            "/etc/postfix/transport": _transport(site, f"allegra:unix:{SOCKET}"),
            "/etc/postfix/main.cf": "transport_maps = hash:/etc/postfix/transport\n",
        }
    return {
        "/etc/postfix/master.cf": (
            f"allegra   unix  -       n       n       -       4       pipe\n"
            f"  flags=DRXOh null_sender= user={site.account} argv={DELIVER}\n"
            "  --sender ${sender} --recipient ${original_recipient} --queue-id ${queue_id}\n"
        ),
        "/etc/postfix/transport": _transport(site, "allegra:"),
        "/etc/postfix/main.cf": (
            "transport_maps = hash:/etc/postfix/transport\nallegra_destination_recipient_limit = 1\n"
        ),
    }


def _transport(site: Site, way: str) -> str:
    """A line for each address that mail is read of."""
    said = "" if site.addresses else SAID_EXAMPLE
    return said + "".join(f"{address}    {way}\n" for address in site.addresses or EXAMPLE)


def exim(site: Site) -> dict[str, str]:
    """What goes into which part of Exim's configuration."""
    if site.lmtp:
        from engine.service.site import SOCKET

        transport = f"allegra:\n  driver = lmtp\n  socket = {SOCKET}\n  user = {site.account}\n  batch_max = 50\n"
    else:
        transport = (
            f"allegra:\n  driver = pipe\n  command = {DELIVER}\n  user = {site.account}\n  message_prefix =\n"
            "  message_suffix =\n  return_path_add\n  temp_errors = *\n  log_output\n  timeout_defer\n"
        )
    return {
        "the routers of /etc/exim4/exim4.conf.template, before those for local users": _routers(site),
        "the transports of /etc/exim4/exim4.conf.template": transport,
    }


def _routers(site: Site) -> str:
    """A router for each domain of the addresses that mail is read of."""
    domains: dict[str, list[str]] = {}
    for address in site.addresses or EXAMPLE:
        local, _, domain = address.rpartition("@")
        domains.setdefault(domain.lower(), []).append(_listed(local))
    return ("" if site.addresses else SAID_EXAMPLE) + "".join(
        f"allegra{f'_{number}' if number > 1 else ''}:\n  driver = accept\n  domains = {domain}\n"
        f"  local_parts = {' : '.join(dict.fromkeys(names))}\n"
        "  local_part_suffix = +*\n  local_part_suffix_optional\n  transport = allegra\n"
        for number, (domain, names) in enumerate(domains.items(), 1)
    )


def _listed(name: str) -> str:
    """A name in a list of Exim, which expands it first."""
    return name.replace("\\", r"\\").replace("$", r"\$").replace(":", "::")


def _word(path: Path) -> str:
    """A word of a crontab, where % is the end of a line."""
    return shlex.quote(str(path)).replace("%", r"\%")
