"""The folders of a Microsoft 365 mailbox; what Microsoft Graph says when it refuses.

Here: which folder a path means, making one that is missing. Not here: messages (`graph.py`, `graph_settle.py`).
Invariant: a folder is made once, and only to move mail there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.sources.api import Trouble, quoted
from engine.sources.source import printable

if TYPE_CHECKING:
    from engine.sources.api import Api
    from engine.web.client import Reply

WELL_KNOWN = ("archive", "clutter", "deleteditems", "drafts", "inbox", "junkemail", "outbox", "sentitems")
"""Names that Graph takes in place of an id, whatever the language of the mailbox."""

FIELDS = "id,displayName,childFolderCount"
MOST_FOLDERS = 5_000
DEPTH = 10
NAME_CHARS = 255

ID = re.compile(r"[A-Za-z0-9_=+-]{1,512}")
"""What an id looks like; base64 for addresses."""

_RIGHTS = (
    "the app needs the permission Mail.ReadWrite of Microsoft Graph (App registrations, API permissions, Grant admin "
    "consent); where an application access policy or RBAC for Applications limits it to some mailboxes, add this one "
    "(Exchange Online PowerShell: Test-ApplicationAccessPolicy or Test-ServicePrincipalAuthorization tells)"
)

_CODES: tuple[tuple[str, str, str, bool], ...] = (
    ("erroraccessdenied accessdenied forbidden authorization_requestdenied", "oauth.no_mailbox",
     f"takes the token and does not open the mailbox; {_RIGHTS}", False),
    ("mailboxnotenabledforrestapi mailboxnotsupportedforrestapi", "oauth.account_unknown",
     "has no mailbox of this user that it can open: not licensed, switched off, or on a server of your own", False),
    ("erroruserinvalid errorinvaliduser request_resourcenotfound resourcenotfound errornonexistentmailbox usernotfound",
     "oauth.account_unknown", "does not know the user; username must be that of a mailbox in this tenant", False),
    ("errorfoldernotfound", "source.folder_missing", "does not find the folder", False),
    ("applicationthrottled errormailboxstoreunavailable errortoomanyobjectsopened errorserverbusy toomanyrequests "
     "activitylimitreached errortimeoutexpired mailboxconcurrency", "source.busy", "says that it is busy", True),
)  # fmt: skip
"""Codes of Graph in small letters, our code, what is said, whether it may be over soon."""


def troubles(reply: Reply) -> Trouble:
    """Read a refusal of Graph."""
    code, message = code_of(reply), reply.body.get("error")
    message = message.get("message") if isinstance(message, dict) else message
    said = quoted(": ".join(str(each) for each in (code, message) if each) or f"status {reply.status}")
    for codes, ours, what, later in _CODES:
        if code.casefold() in codes.split():
            return Trouble(ours, f"{what} ({said})", later)
    return Trouble("source.refused", f"refuses ({said})")


def code_of(reply: Reply) -> str:
    """The code of a refusal, "" for none."""
    error = reply.body.get("error")
    return str(error.get("code") or "") if isinstance(error, dict) else ""


class Folders:
    """The folders of the mailbox, each asked for when its name is wanted."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids: dict[str, str] = {}
        self._others: dict[str, str] = {}

    def find(self, folder: str) -> str:
        """Give the id of the folder that a path means, "" where there is none. Raises SourceError."""
        return self._walk(folder, make=False)

    def make(self, folder: str) -> str:
        """Give the id of a folder; it is made where it is missing, with those above it. Raises SourceError."""
        return self._walk(folder, make=True)

    def same(self, shown: str, folder: str) -> bool:
        """Tell whether two ids name one folder: a message may show another spelling of it than its folder does."""
        if shown == folder:
            return True
        if not ID.fullmatch(shown):
            return False
        if shown not in self._others:
            reply = self._api.ask("GET", self._api.url("mailFolders", shown, **{"$select": "id"}), expected=(400, 404))
            self._others[shown] = str(reply.body.get("id", ""))
        return self._others[shown] == folder

    def names(self) -> list[str]:
        """All folders by their paths, the ones above first."""
        return [path for path, _ in self._below("", "", DEPTH)][:MOST_FOLDERS]

    def _below(self, above: str, path: str, depth: int) -> Iterator[tuple[str, str]]:
        for row in self._rows(above, FIELDS):
            name, key = row.get("displayName"), row.get("id")
            if isinstance(name, str) and isinstance(key, str) and ID.fullmatch(key):
                here = path + printable(name)
                yield here, key
                if row.get("childFolderCount") and depth > 1:
                    yield from self._below(key, f"{here}/", depth - 1)

    def _rows(self, above: str, fields: str, wanted: str = "") -> Iterator[Mapping[str, Any]]:
        quotes = wanted.replace("'", "''")
        asked = {"$select": fields, "$top": 100, "$filter": f"displayName eq '{quotes}'" if wanted else ""}
        for rows in self._api.pages(self._list(above, **asked), "value", self._api.following):
            yield from (row for row in rows if isinstance(row, dict))

    def _list(self, above: str, **asked: object) -> str:
        return self._api.url(*(("mailFolders", above, "childFolders") if above else ("mailFolders",)), **asked)

    def _walk(self, folder: str, make: bool) -> str:
        parts = folder.split("/")
        if not folder.isprintable() or not all(parts) or max(map(len, parts)) > NAME_CHARS:
            raise self._api.error("source.bad_name", f"cannot have a folder called {folder!r}")
        above, path = "", ""
        for part in parts:
            path = f"{path}/{part.casefold()}"
            if path not in self._ids:
                key = self._first(part) if not above else self._child(above, part)
                key = key or (self._make(above, part) if make else "")
                if not key:
                    return ""
                self._ids[path] = key
            above = self._ids[path]
        return above

    def _first(self, name: str) -> str:
        """A folder at the top: INBOX, one that Graph knows by name in every language, or a person's own."""
        known = "inbox" if name.casefold() == "inbox" else name
        if known not in WELL_KNOWN:
            return self._child("", name)
        reply = self._api.ask("GET", self._api.url("mailFolders", known, **{"$select": "id"}), expected=(404,))
        if reply.status == 404 and code_of(reply) in ("ErrorItemNotFound", "ErrorFolderNotFound"):
            return self._child("", name)
        if reply.status == 404:
            trouble = troubles(reply)
            raise self._api.error(trouble.code, trouble.what)
        return self._id(reply.body)

    def _child(self, above: str, name: str) -> str:
        for row in self._rows(above, "id,displayName", name):
            if str(row.get("displayName", "")).casefold() == name.casefold():
                return self._id(row)
        return ""

    def _make(self, above: str, name: str) -> str:
        reply = self._api.ask("POST", self._list(above), {"displayName": name}, expected=(409,))
        if reply.status != 409:
            return self._id(reply.body)
        found = self._child(above, name)  # somebody else made it at the same time
        if not found:
            raise self._api.error("source.refused", f"does not make the folder {name}", troubles(reply).what)
        return found

    def _id(self, row: Mapping[str, Any]) -> str:
        key = row.get("id")
        if not isinstance(key, str) or not ID.fullmatch(key):
            raise self._api.error("source.protocol", "names a folder by an id that is none", repr(key))
        return key
