"""A Microsoft Graph on loopback, as https://learn.microsoft.com/graph/api/resources/message documents it.

Here: mailboxes of users with folders in folders, pages, moves, refusals in Graph's own words. Not here: what is
expected of a client.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from itertools import count
from typing import Any, ClassVar

from servers.apis import Answer, Call, Service

KNOWN = {"inbox": "Posteingang", "deleteditems": "Gelöschte Elemente", "drafts": "Entwürfe", "junkemail": "Junk"}


@dataclass
class Message:
    """A message: its bytes, the folder it lies in, when it came, in milliseconds."""

    content: bytes
    folder: str
    came: int
    read: bool = False


@dataclass
class Folder:
    """A folder: its name, the one above it."""

    name: str
    above: str = ""


@dataclass
class Account:
    """The mailbox of a user: messages and folders by id, messages oldest first."""

    messages: dict[str, Message] = field(default_factory=dict)
    folders: dict[str, Folder] = field(
        default_factory=lambda: {f"AAMk{known}=": Folder(name) for known, name in KNOWN.items()}
    )

    def named(self, path: str) -> str:
        """The id of a folder by its path, "" for none."""
        if path.casefold() in KNOWN:
            return f"AAMk{path.casefold()}="
        above = ""
        for part in path.split("/"):
            found = [
                key for key, each in self.folders.items()
                if (each.name.casefold(), each.above) == (part.casefold(), above)
            ]  # fmt: skip
            above = found[0] if found else "none"
        return "" if above == "none" else above


class Graph(Service):
    """The server. `page` is how many ids a page holds, `odd_parents` spells the folder of a message another way.

    Any token that counts opens every mailbox, as one of an app does.
    """

    requests: ClassVar = {
        "list": r"GET .*/messages\?", "fetch": r"GET .*value$", "settle": r"(POST .*/move|PATCH )"
    }  # fmt: skip
    trash = "deleteditems"

    def __init__(self, *what: Any) -> None:
        super().__init__(*what)
        self.accounts: dict[str, Account] = {}
        self.page, self.odd_parents = 1000, False
        self._ids = count(1001)

    def account(self, user: str) -> Account:
        return self.accounts.setdefault(user, Account())

    def deliver(self, user: str, *contents: bytes, folder: str = "inbox", came: int = 0) -> list[str]:
        """Put mails into a mailbox; gives their ids."""
        made = []
        account = self.account(user)
        for content in contents:
            key = f"AAkALgAA-_{next(self._ids)}="
            at = came or 1_790_000_000_000 + len(account.messages) * 1000
            account.messages[key] = Message(content, account.named(folder), at)
            made.append(key)
        return made

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """What lies in a folder."""
        account = self.account(user)
        key = account.named(folder)
        return [each.content for each in account.messages.values() if key and each.folder == key]

    def put_back(self, user: str) -> None:
        """A person puts everything back into the inbox."""
        for each in self.account(user).messages.values():
            each.folder = "AAMkinbox="

    def unread(self, user: str) -> int:
        return sum(not each.read for each in self.account(user).messages.values())

    def renumber(self, user: str) -> None:
        """As another server: the same mails by other ids."""
        account = self.account(user)
        account.messages = {f"AAkALgAA-_{next(self._ids)}=": each for each in account.messages.values()}

    def unauthorized(self, talk: Call) -> None:
        error(talk, 401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")

    # ── answers ───────────────────────────────────────────────────────────────────────────────────────────────

    def usual(self, talk: Call) -> None:
        if not self.user(talk):
            self.unauthorized(talk)
            return
        if talk.headers.get("Prefer") != 'IdType="ImmutableId"':
            error(talk, 400, "TestWantsImmutableIds", "every request has to ask for them")
            return
        if talk.words[:2] != ["v1.0", "users"] or len(talk.words) < 4:
            error(talk, 400, "BadRequest", "Resource not found for the segment.")
            return
        account = self.accounts.get(talk.words[2])
        if account is None:
            error(talk, 404, "ErrorInvalidUser", f"The requested user '{talk.words[2]}' is invalid.")
            return
        what = talk.words[3:]
        name = "_".join(
            ["", talk.command, what[0], *("id" for _ in what[1:2]), *(each.strip("$") for each in what[2:])]
        )
        getattr(self, name, self._unknown)(talk, account, *what[1:2])

    def _unknown(self, talk: Call, *_: Any) -> None:
        error(talk, 400, "BadRequest", "Resource not found for the segment.")

    def _folder(self, talk: Call, account: Account, key: str) -> str:
        """The id of a folder that was named by it or by a name that Graph knows; "" where it answered already."""
        known = f"AAMk{key}=" if key in KNOWN else key.replace("AQMk", "AAMk")
        if known in account.folders:
            return known
        error(talk, 404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return ""

    def _rows(self, talk: Call, rows: list[dict[str, Any]]) -> None:
        start = int(talk.one("$skip", "0"))
        most = min(int(talk.one("$top", "10")), self.page)
        told: dict[str, Any] = {"value": rows[start : start + most]}
        if start + most < len(rows):
            path, _, query = talk.path.partition("?")
            query = re.sub(r"&?%24skip=\d+", "", query)
            told["@odata.nextLink"] = f"{self.origin}{path}?{query}&%24skip={start + most}"
        talk.tell(200, **told)

    def _GET_mailFolders(self, talk: Call, account: Account, above: str = "") -> None:
        wanted = re.fullmatch(r"displayName eq '(.*)'", talk.one("$filter"))
        self._rows(talk, [
            self._shown(account, key) for key, each in account.folders.items()
            if each.above == above and (not wanted or each.name.casefold() == wanted[1].replace("''", "'").casefold())
        ])  # fmt: skip

    def _shown(self, account: Account, key: str) -> dict[str, Any]:
        below = sum(each.above == key for each in account.folders.values())
        total = sum(each.folder == key for each in account.messages.values())
        return {"id": key, "displayName": account.folders[key].name, "childFolderCount": below, "totalItemCount": total}

    def _GET_mailFolders_id(self, talk: Call, account: Account, key: str) -> None:
        if found := self._folder(talk, account, key):
            talk.tell(200, **self._shown(account, found))

    def _GET_mailFolders_id_childFolders(self, talk: Call, account: Account, key: str) -> None:
        if found := self._folder(talk, account, key):
            self._GET_mailFolders(talk, account, found)

    def _POST_mailFolders(self, talk: Call, account: Account, above: str = "") -> None:
        name = str(talk.body.get("displayName", ""))
        if any((each.name.casefold(), each.above) == (name.casefold(), above) for each in account.folders.values()):
            error(talk, 409, "ErrorFolderExists", "A folder with the specified name already exists.")
        elif not name or name.startswith("^"):
            error(talk, 400, "ErrorInvalidRequest", "The folder name is not valid.")
        else:
            key = f"AAMkfolder{len(account.folders)}="
            account.folders[key] = Folder(name, above)
            talk.tell(201, **self._shown(account, key))

    def _POST_mailFolders_id_childFolders(self, talk: Call, account: Account, key: str) -> None:
        if found := self._folder(talk, account, key):
            self._POST_mailFolders(talk, account, found)

    def _GET_mailFolders_id_messages(self, talk: Call, account: Account, key: str) -> None:
        if found := self._folder(talk, account, key):
            some = [(key, each) for key, each in account.messages.items() if each.folder == found]
            some.sort(key=lambda each: -each[1].came)
            self._rows(talk, [self._message(talk, *each) for each in some])

    def _message(self, talk: Call, key: str, message: Message) -> dict[str, Any]:
        fields = message_from_bytes(message.content).items()
        size = [{"id": "Integer 0xe08", "value": str(len(message.content))}] if talk.one("$expand") else []
        whole = {
            "receivedDateTime": datetime.fromtimestamp(message.came / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "internetMessageId": "<x@example.com>", "isRead": message.read,
            "parentFolderId": message.folder.replace("AAMk", "AQMk") if self.odd_parents else message.folder,
            "internetMessageHeaders": [{"name": name, "value": value} for name, value in fields],
        }  # fmt: skip
        chosen = talk.one("$select").split(",") if talk.one("$select") else [*whole]
        told = {name: whole[name] for name in chosen if name in whole}
        return {"@odata.etag": "x", "id": key, **told, **({"singleValueExtendedProperties": size} if size else {})}

    def _there(self, talk: Call, account: Account, key: str) -> Message | None:
        if key not in account.messages:
            error(talk, 404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return account.messages.get(key)

    def _GET_messages_id(self, talk: Call, account: Account, key: str) -> None:
        if message := self._there(talk, account, key):
            talk.tell(200, **self._message(talk, key, message))

    def _GET_messages_id_value(self, talk: Call, account: Account, key: str) -> None:
        if message := self._there(talk, account, key):
            talk.say(200, message.content, "text/plain")

    def _PATCH_messages_id(self, talk: Call, account: Account, key: str) -> None:
        if message := self._there(talk, account, key):
            message.read = bool(talk.body.get("isRead", message.read))
            talk.tell(200, **self._message(talk, key, message))

    def _POST_messages_id_move(self, talk: Call, account: Account, key: str) -> None:
        message = self._there(talk, account, key)
        if message and (to := self._folder(talk, account, str(talk.body.get("destinationId")))):
            message.folder = to
            talk.tell(201, **self._message(talk, key, message))


def error(talk: Call, status: int, code: str, message: str) -> None:
    """An error as Graph writes it."""
    talk.tell(status, error={"code": code, "message": message, "innerError": {"request-id": "0000-1111"}})


def refuses(status: int, code: str, message: str = "") -> Answer:
    """A refusal of Graph."""
    return lambda talk: error(talk, status, code, message)
