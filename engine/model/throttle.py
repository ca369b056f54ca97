"""How long whoever gave a wrong password waits: an account longer each time, an address after many.

Here: the numbers, the waits they come to, and what counts as one address; how often people may have us log in
somewhere. Not here: where tries are kept (`store/access.py`), who asks (`desk/access.py`, `desk/mailbox_page.py`).
Invariant: nobody is locked out: a wait ends by itself, within `LONGEST` for an account and `SPAN` for an address.
Failures behind the present count for nothing, so a clock that ran ahead keeps nobody out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

FREE = 5
"""Failures of an account before it waits."""

LONGEST = timedelta(minutes=15)
"""The wait that doubles from 2 s on grows no longer than this."""

REMEMBERED = timedelta(days=1)
"""Failures of an account that are older count no more."""

COUNTED = FREE + 9
"""So many failures of an account come to the longest wait: no more are looked at."""

MANY, SPAN = 20, timedelta(minutes=10)
"""Failures of an address, whoever's, in such a time: then it waits until the first of them is over."""

KNOWN = timedelta(days=30)
"""Where an account signed in so long ago at most, it does not wait for the failures of others."""

LOG_INS, AN_HOUR = 6, timedelta(hours=1)
"""So many log-ins to one mailbox people may begin in such a time, all of them together."""

SITE_BITS = 64
"""Of an IPv6 address this much is one customer's: whoever has one address there has all of them."""


def account_until(failures: Sequence[datetime]) -> datetime | None:
    """When an account may be tried again, after these failures of a day, the newest first; None for at once."""
    beyond = min(len(failures), COUNTED) - FREE
    if beyond < 0:
        return None
    return failures[0] + min(timedelta(seconds=2 ** (beyond + 1)), LONGEST)


def address_until(failures: Sequence[datetime]) -> datetime | None:
    """When somebody may try again from an address with these failures, the newest first; None for at once."""
    return failures[MANY - 1] + SPAN if len(failures) >= MANY else None


def log_in_at(tries: Sequence[datetime]) -> datetime | None:
    """When people may have us log in somewhere again, after these tries, the newest first; None for at once."""
    return tries[LOG_INS - 1] + AN_HOUR if len(tries) >= LOG_INS else None


def network_of(ip: str) -> str:
    """What counts as one address: an IPv4 address, the /64 of an IPv6 address; "" for what is none, as a socket is."""
    try:
        address = ip_address(ip.partition("%")[0].strip())
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    site = int(address) >> (128 - SITE_BITS) << (128 - SITE_BITS)
    return f"{IPv6Address(site)}/{SITE_BITS}"
