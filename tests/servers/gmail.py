"""A Gmail API on loopback, as https://developers.google.com/gmail/api/reference/rest documents it.

Here: messages, labels, pages, quotas and refusals in Gmail's own words. Not here: what is expected of a client.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import count
from typing import Any, ClassVar

from servers.apis import Answer, Call, Service

SYSTEM = ("INBOX", "UNREAD", "SENT", "SPAM", "TRASH", "DRAFT", "STARRED", "IMPORTANT")


@dataclass
class Message:
    """A message: its bytes, its labels by id, and when it came, in milliseconds."""

    content: bytes
    labels: set[str]
    came: int
    thread: str = "t1"


@dataclass
class Account:
    """The mailbox of a user: messages by id, oldest first, and names of labels by id."""

    messages: dict[str, Message] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=lambda: {each: each for each in SYSTEM})

    def named(self, name: str) -> str:
        """The id of a label, "" for none."""
        return next((key for key, each in self.labels.items() if each.casefold() == name.casefold()), "")


class Gmail(Service):
    """The server. `page` is how many ids a page holds at most, `requests` how the requests of a pass look."""

    requests: ClassVar = {"list": r"GET .*/messages\?", "fetch": r"GET .*format=raw", "settle": r"POST .*/modify"}
    trash = "TRASH"

    def __init__(self, *what: Any) -> None:
        super().__init__(*what)
        self.accounts: dict[str, Account] = {}
        self.page = 500
        self._ids = count(0x19B2C3D4E5F60001)

    def account(self, user: str) -> Account:
        return self.accounts.setdefault(user, Account())

    def deliver(self, user: str, *contents: bytes, label: str = "INBOX", came: int = 0) -> list[str]:
        """Put mails into a mailbox; gives their ids."""
        made = []
        for content in contents:
            key = f"{next(self._ids):x}"
            at = came or 1_790_000_000_000 + len(self.account(user).messages) * 1000
            self.account(user).messages[key] = Message(content, {label, "UNREAD"}, at)
            made.append(key)
        return made

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """What has a label."""
        account = self.account(user)
        key = account.named(folder)
        return [
            each.content for each in account.messages.values() if key in each.labels and
            (key == "TRASH" or "TRASH" not in each.labels)
        ]  # fmt: skip

    def put_back(self, user: str) -> None:
        """A person puts everything back into the inbox."""
        for each in self.account(user).messages.values():
            each.labels = {"INBOX"}

    def unread(self, user: str) -> int:
        return sum("UNREAD" in each.labels for each in self.account(user).messages.values())

    def renumber(self, user: str) -> None:
        """As another server: the same mails by other ids."""
        account = self.account(user)
        account.messages = {f"{next(self._ids):x}": each for each in account.messages.values()}

    def unauthorized(self, talk: Call) -> None:
        error(talk, 401, "Invalid Credentials", "authError", "UNAUTHENTICATED")

    # ── answers ───────────────────────────────────────────────────────────────────────────────────────────────

    def usual(self, talk: Call) -> None:
        whose = self.user(talk)
        if not whose:
            error(talk, 401, "Request had invalid authentication credentials.", "authError", "UNAUTHENTICATED")
            return
        if talk.words[:3] != ["gmail", "v1", "users"] or len(talk.words) < 5:
            talk.say(404, b"<html>Not Found</html>", "text/html")
            return
        name = talk.words[3]
        if name not in ("me", whose):
            error(talk, 403, f"Delegation denied for {whose}", "forbidden", "PERMISSION_DENIED")
            return
        account, what = self.account(whose), talk.words[4:]
        method = f"_{talk.command}_{'_'.join([what[0], *('id' for _ in what[1:2]), *what[2:]])}"
        getattr(self, method, self._unknown)(talk, account, *what[1:2])

    def _unknown(self, talk: Call, *_: Any) -> None:
        error(talk, 404, "Method not found.", "notFound", "NOT_FOUND")

    def _GET_profile(self, talk: Call, account: Account) -> None:
        talk.tell(200, emailAddress=self.user(talk), messagesTotal=len(account.messages), historyId="1")

    def _GET_messages(self, talk: Call, account: Account) -> None:
        wanted, query = set(talk.asked.get("labelIds", [])), talk.one("q")
        if wanted - {*account.labels}:
            error(talk, 400, "Invalid label: " + ", ".join(wanted), "invalidArgument", "INVALID_ARGUMENT")
            return
        hidden = set() if talk.one("includeSpamTrash") == "true" else {"SPAM", "TRASH"}
        keys = [
            key for key, each in reversed(account.messages.items())
            if wanted <= each.labels and not hidden & each.labels and fits(each, query)
        ]  # fmt: skip
        start, most = int(talk.one("pageToken", "0")), min(int(talk.one("maxResults", "100")), self.page)
        told: dict[str, Any] = {"resultSizeEstimate": len(keys)}
        if some := keys[start : start + most]:
            told["messages"] = [{"id": key, "threadId": "t1"} for key in some]
        if start + most < len(keys):
            told["nextPageToken"] = str(start + most)
        talk.tell(200, **told)

    def _GET_messages_id(self, talk: Call, account: Account, key: str) -> None:
        message = account.messages.get(key)
        if message is None:
            error(talk, 404, "Requested entity was not found.", "notFound", "NOT_FOUND")
            return
        told = shown(key, message)
        if talk.one("format") == "raw":
            told["raw"] = base64.urlsafe_b64encode(message.content).decode()
        elif talk.one("format") == "metadata":
            fields = message_from_bytes(message.content).items()
            told["payload"] = {"headers": [{"name": name, "value": value} for name, value in fields]}
        talk.tell(200, **told)

    def _POST_messages_id_modify(self, talk: Call, account: Account, key: str) -> None:
        message = account.messages.get(key)
        added, removed = set(talk.body.get("addLabelIds", [])), set(talk.body.get("removeLabelIds", []))
        if message is None:
            error(talk, 404, "Requested entity was not found.", "notFound", "NOT_FOUND")
        elif (added | removed) - {*account.labels}:
            error(talk, 400, "labelId not found", "invalidArgument", "INVALID_ARGUMENT")
        else:
            message.labels = (message.labels | added) - removed
            talk.tell(200, id=key, threadId="t1", labelIds=sorted(message.labels))

    def _POST_messages_id_trash(self, talk: Call, account: Account, key: str) -> None:
        message = account.messages.get(key)
        if message is None:
            error(talk, 404, "Requested entity was not found.", "notFound", "NOT_FOUND")
            return
        message.labels = (message.labels | {"TRASH"}) - {"INBOX"}
        talk.tell(200, id=key, threadId="t1", labelIds=sorted(message.labels))

    def _GET_labels(self, talk: Call, account: Account) -> None:
        rows = [
            {"id": key, "name": name, "type": "system" if key in SYSTEM else "user"}
            for key, name in account.labels.items()
        ]
        talk.tell(200, labels=rows)

    def _GET_labels_id(self, talk: Call, account: Account, key: str) -> None:
        total = sum(key in each.labels for each in account.messages.values())
        talk.tell(200, id=key, name=account.labels.get(key, ""), messagesTotal=total)

    def _POST_labels(self, talk: Call, account: Account) -> None:
        name = str(talk.body.get("name", ""))
        if account.named(name):
            error(talk, 409, "Label name exists or conflicts", "aborted", "ABORTED")
            return
        if not name or name.startswith("^"):
            error(talk, 400, "Invalid label name", "invalidArgument", "INVALID_ARGUMENT")
            return
        key = f"Label_{1000 + len(account.labels)}"
        account.labels[key] = name
        talk.tell(200, id=key, name=name, type="user")


def shown(key: str, message: Message) -> dict[str, Any]:
    """A message in its shortest form."""
    return {
        "id": key, "threadId": "t1", "labelIds": sorted(message.labels), "internalDate": str(message.came),
        "sizeEstimate": len(message.content), "snippet": "…", "historyId": "1",
    }  # fmt: skip


def fits(message: Message, query: str) -> bool:
    """A little of Gmail's search: after:SECONDS, is:unread, in:inbox."""
    words = re.sub(r"[()]", " ", query).split()
    for word in words:
        if word.startswith("after:") and not message.came // 1000 > int(word[6:]):
            return False
        if word == "is:unread" and "UNREAD" not in message.labels:
            return False
        if word == "in:inbox" and "INBOX" not in message.labels:
            return False
    return True


def error(talk: Call, status: int, message: str, reason: str, word: str) -> None:
    """An error as Gmail writes it."""
    rows = [{"message": message, "domain": "global", "reason": reason}]
    talk.tell(status, error={"code": status, "message": message, "errors": rows, "status": word})


def refuses(status: int, message: str, reason: str, word: str = "PERMISSION_DENIED") -> Answer:
    """A refusal of Gmail."""
    return lambda talk: error(talk, status, message, reason, word)
