"""The labels of a Gmail mailbox, as folders.

Here: which label a folder's name means, making one that is missing; what Gmail says when it refuses.
Not here: messages (`gmail.py`, `gmail_settle.py`). Invariant: a label is made once, and only to move mail there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.sources.api import Trouble, quoted
from engine.sources.source import SourceError, printable

if TYPE_CHECKING:
    from engine.sources.api import Api
    from engine.web.client import Reply

SYSTEM = ("INBOX", "SENT", "SPAM", "TRASH")
"""Labels of Gmail itself that are places; their names are their ids."""

LABEL_CHARS = 225
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

_LIBRARY = "in the Google Cloud console: APIs & Services, Library, Gmail API, Enable, in the project of the app"
_QUOTA = "in the Google Cloud console: APIs & Services, Gmail API, Quotas"
_SCOPE = (
    "it needs the scope https://www.googleapis.com/auth/gmail.modify: sign in again (allegra mailbox login NAME), or "
    "add it to the domain-wide delegation of the service account"
)

_REASONS: tuple[tuple[str, str, str, bool], ...] = (
    ("ratelimitexceeded userratelimitexceeded concurrentlimitexceeded rate_limit_exceeded", "source.busy",
     "says that it is asked too often", True),
    ("dailylimitexceeded quotaexceeded", "source.busy",
     f"says that the quota of the project is used up for today; see {_QUOTA}", False),
    ("accessnotconfigured service_disabled", "oauth.api_off",
     f"says that the Gmail API is not switched on; switch it on {_LIBRARY}", False),
    ("insufficientpermissions access_token_scope_insufficient", "oauth.consent_needed",
     f"takes the token, which does not allow what we do; {_SCOPE}", False),
    ("domainpolicy", "oauth.policy",
     "says that the organisation does not allow this app; in the Google Admin console: Security, API controls, Manage "
     "third-party app access, trust the app", False),
    ("failedprecondition failed_precondition", "oauth.no_mailbox",
     "has no mailbox for this user: Gmail must be switched on for it in the Google Admin console", False),
    ("notfound not_found", "source.refused", "does not find it", False),
)  # fmt: skip
"""Reasons of Gmail in small letters, the code, what is said, whether it may be over soon."""

_DELEGATION = (
    "does not let the user who signed in read this mailbox: username must be the address of that user, or of the user "
    "that a service account acts for (subject)"
)


def troubles(reply: Reply) -> Trouble:
    """Read a refusal of Gmail."""
    error = reply.body.get("error")
    error = error if isinstance(error, dict) else {"message": error}
    said = quoted(error.get("message") or f"status {reply.status}")
    if "delegation denied" in said.casefold():
        return Trouble("oauth.no_mailbox", f"{_DELEGATION} ({said})")
    told = {str(error.get("status", "")).casefold(), *(_reasons(error.get(name)) for name in ("errors", "details"))}
    found = {word for each in told for word in each.split()}
    for words, code, what, later in _REASONS:
        if found & {*words.split()}:
            return Trouble(code, f"{what} ({said})", later)
    return Trouble("source.refused", f"refuses ({said})")


def _reasons(rows: object) -> str:
    named = [str(each.get("reason", "")) for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
    return " ".join(named).casefold()


class Labels:
    """The labels of the mailbox, asked for when a name is wanted that is not Gmail's own."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids: dict[str, str] | None = None
        self._names: list[str] = []

    def find(self, folder: str) -> str:
        """Give the id of the label that a folder's name means, "" where there is none."""
        if folder.upper() in SYSTEM:
            return folder.upper()
        return self._known().get(folder.casefold(), "")

    def make(self, folder: str) -> str:
        """Give the id of a label; it is made where it is missing, with those above it. Raises SourceError."""
        if not folder.isprintable() or len(folder) > LABEL_CHARS or not all(folder.split("/")):
            raise self._api.error("source.bad_name", f"cannot have a label called {folder!r}")
        parts = folder.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            if not (found := self.find(name)):
                found = self._make(name)
        return found

    def names(self) -> list[str]:
        """All labels that mail can be read from or moved to."""
        self._known()
        return [*SYSTEM, *sorted(self._names)]

    def _make(self, name: str) -> str:
        body = {"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
        reply = self._api.ask("POST", self._api.url("labels"), body, expected=(409,))
        self._ids = None  # of two that make it at the same time one hears 409
        found = self.find(name)
        if not found:
            error = reply.body.get("error")
            said = error.get("message", "") if isinstance(error, dict) else ""
            raise self._api.error("source.refused", f"does not make the label {name}", said)
        return found

    def _known(self) -> dict[str, str]:
        if self._ids is None:
            self._ids, self._names = {}, []
            rows: Any = self._api.ask("GET", self._api.url("labels")).body.get("labels") or []
            for row in rows if isinstance(rows, list) else ():
                name, key = (row.get("name"), row.get("id")) if isinstance(row, dict) else (None, None)
                if not (isinstance(name, str) and isinstance(key, str) and _ID.fullmatch(key)):
                    continue
                self._ids.setdefault(name.casefold(), key)
                if row.get("type") != "system":
                    self._names.append(printable(name))
        return self._ids


def missing(api: Api, folder: str) -> SourceError:
    """The error of a mailbox whose own label is not there."""
    return api.error("source.folder_missing", f"has no label {folder}")
