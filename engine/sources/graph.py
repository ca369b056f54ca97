"""Mail from Microsoft 365 by Microsoft Graph.

Here: listing, fetching and looking. Not here: asking (`api.py`), folders (`graph_folders.py`), moving and deleting
(`graph_settle.py`).
Invariant: the key is the immutable id of the message, which stays the same in every folder of its mailbox; until
`settle` is called only GET is sent, which marks nothing as read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.model.mail import RawMail
from engine.sources.api import SLACK_BYTES, Api, header_bytes
from engine.sources.api_mails import fetched
from engine.sources.arrival import Judged, by_listing
from engine.sources.graph_folders import ID, Folders, code_of, troubles
from engine.sources.source import Action, Limits, Listed, Peek, Settled, SourceError, printable, raw_mail

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.web.client import Reply

AT_ONCE = 500
"""Ids in a page; Graph gives up to 1000, and answers quicker with fewer."""

FETCH_TIMES = 5
PEEK_BYTES = 16_384

IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
"""Without it a message that is moved has another id."""

LISTED = "id,receivedDateTime,internetMessageId,isRead"
SIZE = "Integer 0x0E08"
"""The size of a message, which Graph tells as a property of MAPI only."""

GONE = ("ErrorItemNotFound", "ErrorMessageNotFound", "ErrorInvalidIdMalformed")


class GraphSource:
    """One folder of a Microsoft 365 mailbox. See `Source`."""

    uidnext = 0

    def __init__(self, mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> None:
        self.mailbox, self._limits, self._now = mailbox, limits, now
        self._refusals: dict[str, str] = {}
        self._place = ""

    def __enter__(self) -> Self:
        from urllib.parse import quote

        base = f"/v1.0/users/{quote(self.mailbox.username, safe='')}"
        self.api = Api(self.mailbox, base, troubles, IMMUTABLE)
        self.tree = Folders(self.api)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()

    def epoch(self) -> str:
        return ""

    @property
    def folder(self) -> str:
        """What names the folder that is read: its id, or `inbox`. Raises SourceError where there is none."""
        if not self._place:
            folder = self.mailbox.folder or "INBOX"
            self._place = "inbox" if folder.casefold() == "inbox" else self.tree.find(folder)
            if not self._place:
                raise self.api.error("source.folder_missing", f"has no folder {folder}")
        return self._place

    def list(self) -> list[Listed]:
        found: dict[str, Listed] = {}
        for rows in self._rows(LISTED):
            found |= {key: Listed(key, None, _time(row.get("receivedDateTime"))) for key, row in rows}
        listed = [*found.values()][::-1]  # the newest come first; those that tell no time stay where they are
        listed.sort(key=lambda each: each.internaldate or datetime.min.replace(tzinfo=UTC))
        return listed[::-1] if self.mailbox.order == "newest-first" else listed

    def pages(self) -> Iterator[Sequence[str]]:
        """Give the ids of the messages in the folder, page by page, the newest first."""
        return ([key for key, _ in rows] for rows in self._rows("id"))

    def _rows(self, fields: str) -> Iterator[Sequence[tuple[str, Mapping[str, Any]]]]:
        asked = {"$select": fields, "$top": AT_ONCE, "$orderby": "receivedDateTime desc"}
        url = self.api.url("mailFolders", self.folder, "messages", **asked)
        for rows in self.api.pages(url, "value", self.api.following):
            yield [(self._id(row), row) for row in rows]

    def _id(self, row: object) -> str:
        key = row.get("id") if isinstance(row, dict) else None
        if not isinstance(key, str) or not ID.fullmatch(key):
            raise self.api.error("source.protocol", "lists a message by an id that is none", repr(key))
        return key

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """By receivedDateTime, which the list tells."""
        return by_listing(listed, since)

    # ── fetching ──────────────────────────────────────────────────────────────────────────────────────────────

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        return fetched(keys, ID, lambda key: self._whole(key, limits), self._refusals)

    def _whole(self, key: str, limits: Limits) -> RawMail | None:
        """Fetch a message; None for what has gone or shows no bytes. Of one that is too big only the header."""
        url = self.api.url("messages", key, "$value")
        try:
            reply = self.api.ask(
                "GET", url, expected=(400, 404, 413), most_bytes=limits.raw + SLACK_BYTES, times=FETCH_TIMES, raw=True
            )
        except SourceError as error:
            if error.code != "source.too_big":
                raise
            return self._header_only(key, limits)
        if reply.status == 413 or len(reply.content) > limits.raw:
            return self._header_only(key, limits)
        if reply.status in (400, 404):
            self.check_gone(reply)
            return None
        if not reply.content:
            self._refusals[key] = "it shows no bytes"
            return None
        return raw_mail(self.mailbox.name, key, reply.content, self._now())

    def check_gone(self, reply: Reply) -> None:
        """Raise SourceError for a refusal that says something else than that the message has gone."""
        if code_of(reply) not in GONE:
            trouble = troubles(reply)
            raise self.api.error(trouble.code, trouble.what)

    def _header_only(self, key: str, limits: Limits) -> RawMail | None:
        body = self.get(key, "internetMessageHeaders", size=True)
        if body is None:
            return None
        header = header_bytes(body.get("internetMessageHeaders"), limits.header_block)
        if not header:
            self._refusals[key] = "it shows no header"
            return None
        size = max(_size(body), limits.raw + 1)
        return raw_mail(self.mailbox.name, key, header, self._now(), size, truncated=True)

    def get(self, key: str, fields: str, size: bool = False) -> Mapping[str, Any] | None:
        """Ask for fields of a message; None for what has gone. Raises SourceError."""
        expand = f"singleValueExtendedProperties($filter=id eq '{SIZE}')" if size else ""
        asked = {"$select": f"id,{fields}", "$expand": expand}
        reply = self.api.ask("GET", self.api.url("messages", key, **asked), expected=(400, 404))
        if reply.status in (400, 404):
            self.check_gone(reply)
            return None
        if reply.body.get("id") != key:
            raise self.api.error("source.protocol", f"answers with another message than {key}")
        return reply.body

    def refusal(self, key: str) -> str:
        return self._refusals.get(key, "")

    # ── settling and looking ──────────────────────────────────────────────────────────────────────────────────

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        from engine.sources.graph_settle import settle

        return settle(self, actions)

    def peek(self, n: int) -> Sequence[Peek]:
        found = []
        for listed in self.list()[:n]:
            body = self.get(listed.key, "internetMessageHeaders,isRead", size=True)
            if body is not None:
                header = header_bytes(body.get("internetMessageHeaders"), PEEK_BYTES)
                flags = ("read",) if body.get("isRead") is True else ()
                found.append(Peek(listed.key, _size(body), listed.internaldate, flags, header))
        return found

    def folders(self) -> Sequence[str]:
        return self.tree.names()

    def describe(self) -> Sequence[tuple[str, str]]:
        asked = {"$select": "id,displayName,totalItemCount"}
        place = self.api.ask("GET", self.api.url("mailFolders", self.folder, **asked)).body
        name = printable(str(place.get("displayName", "")))
        shown = [
            ("server", f"{self.mailbox.host}, Microsoft Graph"),
            ("mailbox", self.mailbox.username),
            ("folder", f"{self.mailbox.folder} ({name}), {_number(place.get('totalItemCount'))} messages"),
        ]
        for option in ("move_on_success", "move_on_failure", "move_on_hold"):
            if folder := getattr(self.mailbox, option):
                shown.append((option, f"{folder}{'' if self.tree.find(folder) else ' (will be made)'}"))
        return shown


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _size(body: Mapping[str, Any]) -> int:
    rows = body.get("singleValueExtendedProperties")
    for row in rows if isinstance(rows, list) else ():
        value = row.get("value") if isinstance(row, dict) else None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value[:15])
    return 0


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
