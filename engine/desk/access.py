"""Who is let in: a password set and proved, sessions begun, asked for, confirmed and ended.

Here: the rules of letting people in, for every face. Not here: what a password must be and proving one
(`passwords.py`), tokens of programs (`access_tokens.py`), the rows (`store/access.py`), how long waits are
(`model/throttle.py`), cookies and forms.
Invariant: whoever is not let in hears the same sentence and costs the same work, whatever the reason; a wait comes
before the work. A session is asked at each call whether its account is still active. No password and no cookie is in
the log or in an event.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from engine.desk import logged, passwords
from engine.model.access import Arrival
from engine.model.addresses import key_of
from engine.model.desk import AccountStatus
from engine.model.throttle import network_of
from engine.plain_text import printable
from engine.store.clock import now as utc_now
from engine.store.errors import Busy, NotFound, Refused

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.access import Credential, Session
    from engine.model.desk import Account
    from engine.store.store import Store

IDLE_S, MOST_S = 12 * 3600.0, 7 * 86400.0
"""A session ends when nobody was seen for so long, and when it was begun so long ago."""

SUDO_S = 600.0
"""How long a password that was given counts for what asks for it again."""

SEEN_S = 60.0
"""Seconds between two notes that somebody is still there."""

WRONG = "login or password is wrong, or the account may not sign in"
GONE = "nobody is signed in here any more: sign in again"

MOST_WHO, MOST_AGENT, MOST_SECRET = 320, 200, 200
"""Characters of a login or an address, of what a browser calls itself, of a cookie or a token."""


class Wait(Refused):
    """Too many wrong passwords: no other one is looked at for so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        told = f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} minutes"
        super().__init__(f"too many wrong passwords: try again in {told}")
        self.seconds = seconds


class SignedIn(Struct, frozen=True):
    """Somebody who is in. `csrf` is what forms of theirs carry; `cookie` is there when they have just come in.

    `ref` names the session to people. With `sudo` the password was given lately.
    """

    account: Account
    ref: str
    csrf: str
    sudo: bool = False
    cookie: str = ""

    def __repr__(self) -> str:
        """Tell who it is, never a secret."""
        return f"SignedIn({self.account.login!r}, {self.ref!r})"


# ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────────


def set_password(
    store: Store, config: Config, who: str, password: str, by: str, *, keep: str = "", via: str = "command"
) -> int:  # fmt: skip
    """Set the password of a login or an address, and end all sessions of the account but that of the cookie `keep`.

    Gives how many ended. Raises NotFound, Busy, Refused for a password easily thought of or where `keep` is over.
    """
    account = named(store, who)
    if account.status == AccountStatus.GUEST:
        raise Refused(f"user {account.login} stands for strangers, who have no password")
    passwords.judge(password, _own_words(account, config.instance.name))
    ended = store.access.put_credential(account.id, passwords.proof_of(password), by, via, digest(keep))
    if ended is None:
        raise Refused(GONE)
    logged.act(config, "password.set", by, account.login)
    return ended


def remove_password(store: Store, config: Config, who: str, by: str, *, via: str = "command") -> bool:
    """Take the password of a login or an address away, which ends all sessions; tells whether there was one.

    Raises NotFound.
    """
    account = named(store, who)
    gone = store.access.remove_credential(account.id, by, via)
    if gone:
        logged.act(config, "password.removed", by, account.login)
    return gone


def _own_words(account: Account, instance: str) -> list[tuple[str, str]]:
    whole = [(address, "an address of the account") for address in account.emails]
    parts = [(address.rpartition("@")[0], "the part of an address before the @") for address in account.emails]
    return [(account.login, "the login"), *whole, *parts, (instance, "the name of this installation")]


# ── coming in ─────────────────────────────────────────────────────────────────────────────────────────────────


def sign_in(
    store: Store, config: Config, who: str, password: str, ip: str, agent: str, *, cookie: str = "",
    most_s: float = MOST_S,
) -> SignedIn:  # fmt: skip
    """Let somebody in who gives a login or an address and the password; the session gets a cookie of its own.

    That of a `cookie` they came with ends. Raises Wait, Refused with one sentence for all reasons, Busy.
    """
    account = _found(store, who)
    tried = _try(store, config, who, account, password, ip)
    if account is None or tried.credential is None:
        raise _not_let_in(config, account, ip)
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    where = (network_of(ip), printable(ip, 64), printable(agent, MOST_AGENT))
    arrival = Arrival(account.id, tried.credential.hash, csrf, tried.who, *where)
    if not store.access.begin_session(digest(secret), arrival, most_s):
        raise _not_let_in(config, account, ip)
    if cookie:
        _end(store, cookie)
    logged.act(config, "session.begun", account.login, f"from {_place(ip)}")
    _prove_anew(store, account, tried.credential, password)
    made = store.access.session(digest(secret))
    return SignedIn(account, made.ref if made else "", csrf, sudo=True, cookie=secret)


class _Tried(NamedTuple):
    """A try that was made: under which number and whose it counts; with a credential the password was right."""

    number: int
    who: str
    credential: Credential | None


def _try(store: Store, config: Config, who: str, account: Account | None, password: str, ip: str) -> _Tried:
    """Prove a password, at the same cost whoever it is of. Raises Wait, Busy; the try counts until it is taken back."""
    counted_by = _digest_of_name(config, who)
    may = store.access.count_try(counted_by, account.id if account is not None else 0, network_of(ip))
    if may.wait_s:
        waits = account.login if account is not None else "nobody here"
        logged.security(config, "security.wait", f"{waits}, from {_place(ip)}: {may.wait_s} s")
        raise Wait(may.wait_s)
    active = account is not None and account.status == AccountStatus.ACTIVE
    credential = store.access.credential(account.id) if account is not None and active else None
    try:
        right = passwords.is_right(password, credential.hash if credential is not None else "")
    except BaseException:  # it was none: nobody was told anything
        store.access.take_back(may.number)
        raise
    return _Tried(may.number, counted_by, credential if right else None)


def _not_let_in(config: Config, account: Account | None, ip: str) -> Refused:
    whose = account.login if account is not None else "nobody here"  # what was typed may be a password
    logged.security(config, "security.login", f"{whose}, from {_place(ip)}")
    return Refused(WRONG)


def _prove_anew(store: Store, account: Account, credential: Credential, password: str) -> None:
    """Make a better proof while the password is at hand, where there is one and there is time."""
    if passwords.costs_less(credential.hash):
        with suppress(Busy):
            store.access.prove_anew(account.id, credential.hash, passwords.proof_of(password))


def named(store: Store, who: str) -> Account:
    """Find the account of a login or an address as it is now. Raises NotFound."""
    account = _found(store, who)
    if account is None:
        raise NotFound(f'there is no user "{printable(who, MOST_WHO)}"')
    return account


def _found(store: Store, who: str) -> Account | None:
    store.versions()  # what others changed is heard of
    text = printable(who, MOST_WHO)
    return store.directory.login(text) or (store.directory.account(text, "").account if "@" in text else None)


def _digest_of_name(config: Config, who: str) -> str:
    """What tries are counted by: what was typed, be it anybody or not, so that no wait tells whether there is one.

    It may be a password, typed into the wrong field: without the secret of the installation nobody can look for it.
    """
    text = printable(who, MOST_WHO)
    text = key_of(text) if "@" in text else text
    return blake2b(text.encode(), key=config.instance.secret()[:64], digest_size=16).hexdigest()


# ── being in ──────────────────────────────────────────────────────────────────────────────────────────────────


def session(
    store: Store, cookie: str, now: datetime | None = None, *, idle_s: float = IDLE_S, most_s: float = MOST_S,
    by_itself: bool = False,
) -> SignedIn | None:  # fmt: skip
    """Tell who has this cookie, or None. Ask outside `reading`. What a page asks `by_itself` keeps nobody in."""
    now = now or utc_now()
    found = store.access.session(digest(cookie)) if cookie else None
    if found is None or _is_over(found, now, idle_s, most_s):
        return None
    account = active(store, found.account)
    if account is None:
        return None
    if not by_itself and (now - found.seen_at).total_seconds() >= SEEN_S:
        store.access.seen(digest(cookie))
    sudo = found.sudo_at is not None and (now - found.sudo_at).total_seconds() < SUDO_S
    return SignedIn(account, found.ref, found.csrf, sudo)


def sudo(
    store: Store, config: Config, cookie: str, password: str, ip: str, now: datetime | None = None, *,
    idle_s: float = IDLE_S, most_s: float = MOST_S,
) -> SignedIn:  # fmt: skip
    """Let somebody who is in give the password again, for what asks for it. Raises Wait, Refused, Busy."""
    there = session(store, cookie, now, idle_s=idle_s, most_s=most_s)
    if there is None:
        raise Refused(GONE)
    tried = _try(store, config, there.account.login, there.account, password, ip)
    if tried.credential is None:
        raise _not_let_in(config, there.account, ip)
    if not store.access.confirmed(digest(cookie), tried.number):
        raise Refused(GONE)
    _prove_anew(store, there.account, tried.credential, password)
    return replace(there, sudo=True)


def sign_out(store: Store, config: Config, cookie: str, *, via: str = "console") -> bool:
    """End the session with this cookie; tells whether there was one."""
    login = _end(store, cookie, via)
    if login:
        logged.act(config, "session.ended", login)
    return bool(login)


def sessions_of(
    store: Store, login: str, now: datetime | None = None, *, idle_s: float = IDLE_S, most_s: float = MOST_S
) -> list[Session]:  # fmt: skip
    """List the sessions of somebody that are not over, the one that was seen last first. Raises NotFound."""
    now, found = now or utc_now(), store.access.sessions(named(store, login).id)
    return [replace(each, csrf="") for each in found if not _is_over(each, now, idle_s, most_s)]


def end_session(store: Store, config: Config, login: str, ref: str, by: str, *, via: str = "console") -> None:
    """End a session of somebody. Raises NotFound where they have none that is called so."""
    account = named(store, login)
    if not store.access.end_session(account.id, ref, by, via):
        raise NotFound(f"{account.login} has no session {printable(ref, 40)}", ref)
    logged.act(config, "session.ended", by, f"{account.login}: {ref}")


def _end(store: Store, cookie: str, via: str = "console") -> str:
    """End the session of a cookie; gives whose it was, "" where there was none."""
    found = store.access.session(digest(cookie))
    account = store.directory.account_by_id(found.account) if found is not None else None
    if found is None or account is None:
        return ""
    return account.login if store.access.end_session(account.id, found.ref, account.login, via) else ""


def _is_over(found: Session, now: datetime, idle_s: float, most_s: float) -> bool:
    return (now - found.seen_at).total_seconds() > idle_s or (now - found.made_at).total_seconds() > most_s


def active(store: Store, number: int) -> Account | None:
    """Give an account, as it is now, if it is active."""
    store.versions()
    account = store.directory.account_by_id(number)
    return account if account is not None and account.status == AccountStatus.ACTIVE else None


def digest(secret: str) -> str:
    """Give the key under which a cookie or a token is kept; "" for none. It tells nothing of a secret of 256 bits."""
    if not 0 < len(secret) <= MOST_SECRET:
        return ""
    return blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _place(ip: str) -> str:
    return printable(ip, 64) or "this machine"
