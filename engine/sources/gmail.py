"""Mail from Gmail by its API.

Here: listing, fetching and looking. Not here: asking (`api.py`), labels (`gmail_labels.py`), moving and deleting
(`gmail_settle.py`).
Invariant: the key is the id of the message, which never changes, whatever labels it gets; until `settle` is called only
GET is sent, which marks nothing as read.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.model.mail import RawMail
from engine.sources.api import SLACK_BYTES, Api, header_bytes
from engine.sources.api_mails import fetched
from engine.sources.arrival import Judged
from engine.sources.gmail_labels import Labels, missing, troubles
from engine.sources.source import Action, Limits, Listed, Peek, Settled, SourceError, printable, raw_mail

if TYPE_CHECKING:
    from engine.config import Mailbox

AT_ONCE = 500
"""Ids in a page: as many as Gmail gives."""

FETCH_TIMES = 5
PEEK_BYTES = 16_384

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class GmailSource:
    """One label of a Gmail mailbox. See `Source`."""

    uidnext = 0

    def __init__(self, mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> None:
        self.mailbox, self._limits, self._now = mailbox, limits, now
        self._refusals: dict[str, str] = {}
        self._label = ""

    def __enter__(self) -> Self:
        self.api = Api(self.mailbox, f"/gmail/v1/users/{_in_path(self.mailbox.username)}", troubles)
        self.labels = Labels(self.api)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()

    def epoch(self) -> str:
        return ""

    @property
    def label(self) -> str:
        """The id of the label that is read. Raises SourceError where there is none."""
        if not self._label:
            folder = self.mailbox.folder or "INBOX"
            self._label = self.labels.find(folder)
            if not self._label:
                raise missing(self.api, folder)
        return self._label

    def list(self) -> list[Listed]:
        query = (self.mailbox.query or "ALL").strip()
        keys = dict.fromkeys(key for page in self.pages("" if query.upper() == "ALL" else query) for key in page)
        listed = [Listed(key) for key in keys]  # Gmail lists the newest first
        return listed if self.mailbox.order == "newest-first" else listed[::-1]

    def pages(self, query: str = "") -> Iterator[Sequence[str]]:
        """Give the ids of the messages with the label, page by page, the newest first."""
        hidden = {"includeSpamTrash": "true"} if self.label in ("SPAM", "TRASH") else {}
        asked = {"labelIds": self.label, "maxResults": AT_ONCE, "q": query, **hidden}

        def following(body: Mapping[str, Any]) -> str:
            token = body.get("nextPageToken")
            return self.api.url("messages", **asked, pageToken=token) if isinstance(token, str) and token else ""

        for rows in self.api.pages(self.api.url("messages", **asked), "messages", following):
            yield [self._id(row) for row in rows]

    def _id(self, row: object) -> str:
        key = row.get("id") if isinstance(row, dict) else None
        if not isinstance(key, str) or not ID.fullmatch(key):
            raise self.api.error("source.protocol", "lists a message by an id that is none", repr(key))
        return key

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """By `after:` with seconds, which goes by internalDate: when the message came to Google.

        What is new is asked for, because it is less; what the search does not know yet is new in the next pass.
        """
        newer = {key for page in self.pages(f"after:{int(since.timestamp()) - 1}") for key in page}
        return Judged(frozenset(each.key for each in listed if each.key not in newer))

    # ── fetching ──────────────────────────────────────────────────────────────────────────────────────────────

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        return fetched(keys, ID, lambda key: self._whole(key, limits), self._refusals)

    def _whole(self, key: str, limits: Limits) -> RawMail | None:
        """Fetch a message; None for what has gone or shows no bytes. Of one that is too big only the header."""
        most = limits.raw * 4 // 3 + SLACK_BYTES
        try:
            body = self.get(key, "raw", most_bytes=most, times=FETCH_TIMES)
        except SourceError as error:
            if error.code != "source.too_big":
                raise
            return self._header_only(key, limits)
        if body is None:
            return None
        shown = bool(body.get("raw"))
        content = _decoded(body)
        if content is None:
            self._refusals[key] = "its bytes are no base64" if shown else "it shows no bytes"
            return None
        if len(content) > limits.raw:
            return self._header_only(key, limits)
        return raw_mail(self.mailbox.name, key, content, self._now())

    def _header_only(self, key: str, limits: Limits) -> RawMail | None:
        body = self.get(key, "metadata")
        if body is None:
            return None
        header = header_bytes(_headers(body), limits.header_block)
        if not header:
            self._refusals[key] = "it shows no header"
            return None
        size = max(_number(body.get("sizeEstimate")), limits.raw + 1)
        return raw_mail(self.mailbox.name, key, header, self._now(), size, truncated=True)

    def get(self, key: str, form: str, **how: Any) -> dict[str, Any] | None:
        """Ask for a message in a format; None for what has gone. Raises SourceError."""
        reply = self.api.ask("GET", self.api.url("messages", key, format=form), expected=(400, 404), **how)
        if reply.status == 400 and "invalid id" not in (trouble := troubles(reply)).what.casefold():
            raise self.api.error(trouble.code, trouble.what)
        if reply.status != 200:  # gone, or the key of a message elsewhere
            return None
        if reply.body.get("id") != key:
            raise self.api.error("source.protocol", f"answers with another message than {key}")
        return {**reply.body}

    def refusal(self, key: str) -> str:
        return self._refusals.get(key, "")

    # ── settling and looking ──────────────────────────────────────────────────────────────────────────────────

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        from engine.sources.gmail_settle import settle

        return settle(self, actions)

    def peek(self, n: int) -> Sequence[Peek]:
        found = []
        for listed in self.list()[:n]:
            body = self.get(listed.key, "metadata")
            if body is not None:
                header = header_bytes(_headers(body), PEEK_BYTES)
                found.append(Peek(listed.key, _number(body.get("sizeEstimate")), _came(body), labels_of(body), header))
        return found

    def folders(self) -> Sequence[str]:
        return self.labels.names()

    def describe(self) -> Sequence[tuple[str, str]]:
        profile = self.api.ask("GET", self.api.url("profile")).body
        label = self.api.ask("GET", self.api.url("labels", self.label)).body
        shown = [
            ("server", f"{self.mailbox.host}, Gmail API"),
            ("mailbox", printable(str(profile.get("emailAddress", "")))),
            ("folder", f"{self.mailbox.folder}, {_number(label.get('messagesTotal'))} messages"),
        ]
        for option in ("move_on_success", "move_on_failure", "move_on_hold"):
            if folder := getattr(self.mailbox, option):
                shown.append((option, f"{folder}{'' if self.labels.find(folder) else ' (will be made)'}"))
        return shown


def labels_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels of a message, as Gmail names them."""
    told = body.get("labelIds")
    return tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else ()


def _headers(body: Mapping[str, Any]) -> object:
    payload = body.get("payload")
    return payload.get("headers") if isinstance(payload, dict) else None


def _decoded(body: dict[str, Any]) -> bytes | None:
    """Undo base64url (RFC 4648, 5), with or without padding; None for what is something else, or nothing.

    It is taken out of `body`, and each step frees the one before it: a big mail is held twice and not four times.
    """
    raw = body.pop("raw", None)
    if not isinstance(raw, str) or not raw or not raw.isascii():
        return None
    text = raw.encode()
    del raw
    text = text.translate(_URLSAFE)
    if len(text) % 4:
        text += b"=" * (-len(text) % 4)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None


_URLSAFE = bytes.maketrans(b"-_", b"+/")


def _came(body: Mapping[str, Any]) -> datetime | None:
    """When it came: milliseconds since 1970, as text."""
    try:
        return datetime.fromtimestamp(int(body.get("internalDate") or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _in_path(username: str) -> str:
    from urllib.parse import quote

    return quote(username, safe="")
