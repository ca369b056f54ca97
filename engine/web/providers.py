"""Whom to ask for tokens, and for what: the addresses and scopes of Microsoft and Google.

Here: a table, and what `[oauth.NAME]` says instead. Not here: asking.
Invariant: pure; what is configured comes before what is usual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

_URLS: dict[tuple[str, str], str] = {
    ("microsoft", "token"): "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    ("microsoft", "device"): "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode",
    ("microsoft", "authorize"): "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
    ("google", "token"): "https://oauth2.googleapis.com/token",
    ("google", "authorize"): "https://accounts.google.com/o/oauth2/v2/auth",
}
"""Google's device codes are not for mail: their list of scopes does not hold it."""

_AS_USER = "https://outlook.office.com/"
GRAPH = "https://graph.microsoft.com/"

ROLES = {
    "imap": "IMAP.AccessAsApp", "pop3": "POP.AccessAsApp", "smtp": "SMTP.SendAsApp", "graph": "Mail.ReadWrite",
}  # fmt: skip
"""What Microsoft calls the permissions of an app that signs in by itself."""

PERMISSIONS = {
    "imap": "IMAP.AccessAsUser.All", "pop3": "POP.AccessAsUser.All", "smtp": "SMTP.Send", "graph": "Mail.ReadWrite",
}  # fmt: skip
"""What Microsoft calls the permissions of an app that a person signs in with."""

GMAIL = "https://mail.google.com/"
GMAIL_API = "https://www.googleapis.com/auth/gmail.modify"
"""What Gmail wants to be shown: all of it by IMAP, POP3 and SMTP, less by its API."""

UNUSED_DAYS = {"microsoft": 90, "google": 180}
"""So long a refresh token may lie unused until the provider forgets it."""


def url(app: OAuth, which: str) -> str:
    """The address of `token`, `device` or `authorize`; "" where there is none."""
    if told := str(getattr(app, f"{which}_url")):
        return told
    if app.provider == "microsoft" and app.token_url.endswith("/token"):  # a cloud of its own
        return app.token_url.removesuffix("token") + ("devicecode" if which == "device" else which)
    return _URLS.get((app.provider, which), "").format(tenant=quote(app.tenant, safe=""))


def host(app: OAuth) -> str:
    """The token server, for people."""
    return urlsplit(url(app, "token")).hostname or "the token server"


def scope(app: OAuth) -> str:
    """What is asked for: what is written, else mail by the protocols that are used; "" says nothing."""
    if app.scope:
        return app.scope
    if app.provider == "google":
        return GMAIL_API if app.uses == ("gmail",) else GMAIL
    if app.provider != "microsoft":
        return ""
    graph = "graph" in app.uses
    if app.grant == "client_credentials":
        return f"{GRAPH}.default" if graph else "https://outlook.office365.com/.default"
    wanted = [(GRAPH if use == "graph" else _AS_USER) + PERMISSIONS[use] for use in app.uses]
    return " ".join([*wanted, "offline_access"])


def account(app: OAuth, username: str) -> str:
    """Whose tokens are kept by themselves: of an app that signs in by itself there is one for all mailboxes."""
    if app.grant == "service_account":
        return app.subject or username
    given = app.refresh_token or app.refresh_token_env or app.refresh_token_file or app.refresh_token_command
    return "" if app.grant == "client_credentials" or given else username
