"""Whom a proxy before the console vouches for: it has asked for a password or a second factor, and names them.

Here: from what it says to an account. Not here: which proxy is believed (`console/proxied.py`), passwords and sessions
(`access.py`).
Invariant: only an active account comes in, and none is made; a name that only looks like one is another's. There is no
session of ours: whoever ends that of the proxy, or locks the account, ends all of it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk.access import MOST_WHO, named
from engine.model.desk import AccountStatus
from engine.plain_text import printable
from engine.store.errors import NotFound, Refused

if TYPE_CHECKING:
    from engine.model.desk import Account
    from engine.store.store import Store


def vouched(store: Store, who: str) -> Account:
    """Give the active account of a login or an address. Raises Refused with a sentence that says what to do."""
    called = printable(who, MOST_WHO)
    try:  # a sign that is not seen may be all that tells two people apart at the proxy
        account = named(store, called) if called == who.strip() else None
    except NotFound:
        account = None
    if account is None:
        raise Refused(f'the proxy says that this is "{called}", and nobody is called so here: an admin adds the login '
                      "or the address by  allegra user add")  # fmt: skip
    if account.status != AccountStatus.ACTIVE:
        raise Refused(f'the proxy says that this is "{called}", whose account is {account.status}: an admin makes it '
                      "active by  allegra user unlock")  # fmt: skip
    return account
