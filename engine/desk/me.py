"""What somebody sees of their own account, and changes of it.

Here: `Me`, and the deeds of a page about oneself. Not here: the rules of passwords and sessions (`access.py`), of
tokens (`access_tokens.py`), of preferences (`preferences.py`).
Invariant: nothing here is about anybody else; a password is changed by who knows the old one, a token is made by who
gave the password lately.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import access, access_tokens, preferences
from engine.model.preferences import BY_KEY, PRESETS
from engine.store.clock import now as utc_now
from engine.store.errors import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.preferences import InForce
    from engine.desk.scope import Scope
    from engine.model.access import Session, Token
    from engine.model.desk import Account
    from engine.store.store import Store

DAYS = (7, 30, 90, 366)
"""For how long tokens are offered."""

SUDO = "give your password again first: this needs to be you, not an open window"


class Me(Struct, frozen=True):
    """An account, as its owner sees it. `here` names the session that asks, "" where nobody signs in.

    `sudo` tells that the password was given lately, `workspaces` where something else may be wanted than everywhere.
    """

    account: Account
    password_set_at: datetime | None
    preferences: tuple[InForce, ...]
    workspaces: tuple[str, ...]
    sessions: tuple[Session, ...]
    tokens: tuple[Token, ...]
    here: str = ""
    sudo: bool = False
    workspace: str = ""


def seen(
    store: Store, config: Config, account: Account, scope: Scope, here: access.SignedIn | None, workspace: str = ""
) -> Me:  # fmt: skip
    """Give what somebody sees of their own account, and what they want to hear in a workspace. Raises NotFound."""
    settings, places = config.console, _workspaces(store, scope)
    _is_seen(places, workspace)
    credential = store.access.credential(account.id)
    sessions = access.sessions_of(
        store, account.login, idle_s=settings.session_idle, most_s=settings.session_most
    )  # fmt: skip
    return Me(
        account, credential.set_at if credential else None,
        tuple(preferences.effective(config, store, account.login, workspace)), places,
        tuple(sessions), tuple(access_tokens.tokens_of(store, account.login)),
        here.ref if here else "", here is not None and here.sudo, workspace,
    )  # fmt: skip


def _workspaces(store: Store, scope: Scope) -> tuple[str, ...]:
    return tuple([each.workspace for each in store.items.workspaces() if scope.may("view_items", each.workspace)])


def _is_seen(places: tuple[str, ...], workspace: str) -> None:
    if workspace and workspace not in places:
        raise NotFound(f'there is no workspace "{workspace}"')


def change_password(
    store: Store, config: Config, cookie: str, ip: str, old: str, new: str, again: str
) -> int:  # fmt: skip
    """Set the password of whoever is in with this cookie, who knows the old one; gives how many sessions ended.

    Raises Unclear where the two new ones differ, Wait, Refused, Busy.
    """
    if new != again:
        raise Unclear("the new password was not typed the same twice")
    settings = config.console
    here = access.sudo(store, config, cookie, old, ip, idle_s=settings.session_idle, most_s=settings.session_most)
    login = here.account.login
    return access.set_password(store, config, login, new, login, keep=cookie, via="console")


def make_token(store: Store, config: Config, here: access.SignedIn | None, name: str, days: int) -> str:
    """Make a token of whoever is here, who gave the password lately; gives its secret. Raises Refused, Unclear."""
    if here is None or not here.sudo:
        raise Refused(SUDO)
    login = here.account.login
    if any(each.name == name.strip() and each.expires_at > utc_now() for each in access_tokens.tokens_of(store, login)):
        raise Refused(f'you have a token called "{name.strip()}": end it, or call this one otherwise')
    return access_tokens.make_token(store, config, login, name, days, login)


def want(
    store: Store, config: Config, scope: Scope, workspace: str, wanted: Mapping[str, str], preset: str = ""
) -> int:  # fmt: skip
    """Note what somebody wants to hear, where it differs from what is in force; gives how many preferences changed.

    A preset takes the place of all that was said before; "reset" is one that says nothing. Raises NotFound, Unclear.
    """
    login = scope.login
    _is_seen(_workspaces(store, scope), workspace)
    if preset:
        if preset not in (*PRESETS, "reset"):
            raise Unclear(f"a preset is one of {', '.join(PRESETS)}, not {preset!r}")
        chosen = "" if preset == "reset" else preset
        preferences.put(store, login, {}, workspace, chosen, reset=preset == "reset", by=login, via="console")
        return len(BY_KEY)
    now = {each.key: each.value for each in preferences.effective(config, store, login, workspace)
           if each.workspace == workspace}  # fmt: skip
    changed = {key: value for key, value in wanted.items() if now.get(key) != value}
    if changed:
        preferences.put(store, login, changed, workspace, by=login, via="console")
    return len(changed)
