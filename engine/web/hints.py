"""What to look at when a mail server does not take a token that its provider gave us.

Here: what the token itself tells, and what to click. Not here: logging in.
Invariant: a token is only looked at, never believed; nothing of it is shown but the names of its permissions.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from engine.web.providers import GMAIL, PERMISSIONS, ROLES, scope

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

NO_MAILBOX = (
    "give the app the right to it, in Exchange Online PowerShell: Add-MailboxPermission -Identity ADDRESS "
    "-User OBJECT_ID -AccessRights FullAccess (docs/oauth.md)"
)
_NOT_KNOWN = (
    "Exchange must know the app: New-ServicePrincipal with the Object ID of Enterprise applications, then "
    "Add-MailboxPermission (docs/oauth.md); and the protocol must be allowed for the mailbox"
)


def of(app: OAuth, use: str, token: str) -> str:
    """Say what to look at; `use` is imap, pop3, gmail, graph or smtp."""
    if app.provider == "google":
        by_whom = "the user who signed in" if app.grant == "refresh_token" else "a user of the domain"
        if use == "gmail":
            return f"the username must be the address of {by_whom}, with the scope {scope(app)}"
        return f"the username must be the address of {by_whom}, IMAP and POP switched on in Gmail, the scope {GMAIL}"
    if app.provider != "microsoft":
        return "the server must know the token server, and the scope must be the one it wants"
    told = claims(token)
    by_itself = app.grant == "client_credentials"
    wanted, held = (ROLES if by_itself else PERMISSIONS)[use], told.get("roles" if by_itself else "scp")
    names = held.split() if isinstance(held, str) else [*map(str, held)] if isinstance(held, list) else []
    if told and wanted not in names:
        has = f"it has {', '.join(names[:6])}" if names else "it has none"
        consent = "Grant admin consent" if by_itself else "sign in again: allegra mailbox login NAME"
        return (
            f"the token lacks the permission {wanted} ({has}): add it in App registrations, API permissions, {consent}"
        )
    if use == "graph":
        return f"the token must be one for Microsoft Graph, of this cloud: scope is {scope(app)}"
    return _NOT_KNOWN if by_itself else "the username must be a mailbox that the user who signed in may open"


def claims(token: str) -> dict[str, Any]:
    """What a token says of itself where it is a JSON web token, else nothing."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
