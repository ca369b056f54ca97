"""What lets programs in: tokens of an account, made, asked for, listed and ended.

Here: the rules of tokens, for every face. Not here: people who sign in (`access.py`), the rows (`store/access.py`).
Invariant: a token is shown once, when it is made, and only its digest is kept; it ends by itself, and with its account.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.desk import logged
from engine.desk.access import SEEN_S, active, digest, named
from engine.model.desk import AccountStatus
from engine.plain_text import printable
from engine.store.clock import now as utc_now
from engine.store.errors import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.access import Token
    from engine.model.desk import Account
    from engine.store.store import Store

BEGINS = "allegra_"
"""How a token begins, so that whoever finds one knows what it is."""

MOST_DAYS, MOST_TOKENS, MOST_NAME = 366, 50, 60


def make_token(
    store: Store, config: Config, login: str, name: str, days: int, by: str, now: datetime | None = None, *,
    via: str = "console",
) -> str:  # fmt: skip
    """Make a token of somebody that counts for so many days; gives its secret, which is shown this once.

    Raises NotFound, Unclear, Refused for an account that is not active or has many.
    """
    account, now, called = named(store, login), now or utc_now(), printable(name)
    if not 0 < len(called) <= MOST_NAME:
        raise Unclear(f"a token has a name of 1 to {MOST_NAME} characters")
    if not 0 < days <= MOST_DAYS:
        raise Unclear(f"a token counts for 1 to {MOST_DAYS} days")
    if account.status != AccountStatus.ACTIVE:
        raise Refused(f"the account {account.login} is {account.status}")
    if sum(each.expires_at > now for each in store.access.tokens(account.id)) >= MOST_TOKENS:
        raise Refused(f"{account.login} has {MOST_TOKENS} tokens: end one that is not used any more")
    secret = BEGINS + secrets.token_urlsafe(32)
    ref = store.access.put_token(digest(secret), account.id, called, now + timedelta(days=days), by, via)
    logged.act(config, "token.made", by, f"{account.login}: {called}, {ref}")
    return secret


def token(store: Store, secret: str, now: datetime | None = None) -> Account | None:
    """Tell whose token this is; None where it is none, is over, or its account is not active."""
    now = now or utc_now()
    found = store.access.token(digest(secret)) if secret.startswith(BEGINS) else None
    if found is None or found.expires_at <= now:
        return None
    account = active(store, found.account)
    if account is not None and (found.used_at is None or (now - found.used_at).total_seconds() >= SEEN_S):
        store.access.used(digest(secret))
    return account


def tokens_of(store: Store, login: str) -> list[Token]:
    """List the tokens of somebody, the oldest first, those that are over too. Raises NotFound."""
    return store.access.tokens(named(store, login).id)


def end_token(store: Store, config: Config, login: str, ref: str, by: str, *, via: str = "console") -> None:
    """End a token of somebody. Raises NotFound where they have none that is called so."""
    account = named(store, login)
    if not store.access.end_token(account.id, ref, by, via):
        raise NotFound(f"{account.login} has no token {printable(ref, 40)}", ref)
    logged.act(config, "token.ended", by, f"{account.login}: {ref}")
