"""Mail inside a form, as services post it: the field that holds the whole mail goes on, the small ones are kept.

Here: multipart/form-data and application/x-www-form-urlencoded, piece by piece, and JSON; the fields of services we
know; who a mail is for and from. Not here: HTTP (`http.py`).
Invariant: memory holds a piece and the small fields, of all JSON one at a time; of a form that holds the mail only in
parts nothing is taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Protocol
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from engine.doors.body import Body

RAW_FIELDS = ("body-mime", "email", "message")
"""Fields that hold the whole mail: Mailgun's, SendGrid's, and that of whoever writes a form by hand."""

FIELDS = 200
FIELD_BYTES = 64 << 10
"""How many small fields there may be, and what is kept of one; attachments among them are thrown away."""


class Missing(Struct, frozen=True):
    """What a form of a service looks like that holds a mail in parts, and how it is made to hold all of it."""

    service: str
    field: str
    do: str


MISSING = (
    Missing("SendGrid", "charsets", 'switch on "POST the raw, full MIME message" of this host in Inbound Parse'),
    Missing("Mailgun", "body-plain", "let the address of the route end with /mime"),
    Missing("Mailgun", "stripped-text", "let the address of the route end with /mime"),
    Missing("Mailgun", "message-headers", "let the address of the route end with /mime"),
    Missing("Postmark", "MessageStream", 'switch on "Include raw email content in JSON payload" of the inbound stream'),
)


class NoForm(Exception):
    """What came is no form; the text says why."""


class Form(Protocol):
    """Reads a form: pieces go in by `feed`, and after the last one `end`.

    `fields` are the small ones by name; `found` tells whether one held the mail. Both methods raise NoForm.
    """

    fields: dict[str, str]
    found: bool

    def feed(self, piece: bytes) -> None: ...
    def end(self) -> None: ...


class _Fields:
    """What every kind of form does with a field."""

    def __init__(self, body: Body) -> None:
        self.fields: dict[str, str] = {}
        self.found = False
        self._body = body
        self._name = ""
        self._is_mail = False
        self._kept = b""
        self._number = 0

    def _begin(self, name: str, *, keep: bool = True) -> None:
        self._number += 1
        if self._number > FIELDS:
            raise NoForm(f"the form has more than {FIELDS} fields")
        self._is_mail = name in RAW_FIELDS and not self.found
        self.found = self.found or self._is_mail
        self._name, self._kept = name if keep else "", b""

    def _add(self, piece: bytes) -> None:
        if self._is_mail:
            self._body.write(piece)
        elif self._name and len(self._kept) < FIELD_BYTES:
            self._kept += piece[: FIELD_BYTES - len(self._kept)]

    def _done(self) -> None:
        if self._name and not self._is_mail:
            self.fields.setdefault(self._name, self._kept.decode("utf-8", "replace"))
        self._name, self._is_mail = "", False


class MultipartForm(_Fields):
    """multipart/form-data (RFC 7578)."""

    def __init__(self, body: Body, boundary: str) -> None:
        super().__init__(body)
        try:
            self._parser = PushMultipartParser(boundary, max_segment_count=FIELDS)
        except MultipartError as error:
            raise NoForm(f"its boundary: {error}") from None

    def feed(self, piece: bytes) -> None:
        try:
            for event in self._parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    self._begin(event.name or "", keep=event.filename is None)
                elif event is None:
                    self._done()
                else:
                    self._add(bytes(event))
        except MultipartError as error:
            raise NoForm(str(error)) from None

    def end(self) -> None:
        try:
            self._parser.close()
        except MultipartError as error:
            raise NoForm(str(error)) from None


class UrlencodedForm(_Fields):
    """application/x-www-form-urlencoded, as the URL standard has it."""

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self._in_name, self._held = True, b""

    def feed(self, piece: bytes) -> None:
        self._held += piece
        while True:
            before, found, after = self._held.partition(b"=" if self._in_name else b"&")
            if not found:
                break
            if self._in_name:
                self._begin(_plain(before.rpartition(b"&")[2]).decode("utf-8", "replace"))
            else:
                self._add(_plain(before))
                self._done()
            self._in_name, self._held = not self._in_name, after
        if not self._in_name:
            whole = len(self._held) - next((n for n in (1, 2) if self._held[-n:][:1] == b"%"), 0)
            self._add(_plain(self._held[:whole]))
            self._held = self._held[whole:]
        elif len(self._held) > FIELD_BYTES:
            raise NoForm("the name of a field is too long")

    def end(self) -> None:
        if not self._in_name:
            self._add(_plain(self._held))
            self._done()


class Postmark(Struct, rename="pascal"):
    """What Postmark posts, as far as we ask."""

    raw_email: str = ""
    original_recipient: str = ""
    message_stream: str = ""


_one_at_a_time = Lock()
"""JSON is read as a whole: two of them in memory would be one too many."""


class JsonForm(_Fields):
    """A JSON object, which lies in a file of its own until it is whole; `most` bytes of it."""

    def __init__(self, body: Body, most: int, folder: Path) -> None:
        super().__init__(body)
        self._json = Body(most, folder)

    def feed(self, piece: bytes) -> None:
        self._json.write(piece)

    def end(self) -> None:
        with self._json, _one_at_a_time:
            try:
                told = msgspec.json.decode(self._json.content(), type=Postmark)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise NoForm(str(error)) from None
            self.found = bool(told.raw_email)
            self.fields |= {"recipient": told.original_recipient, "MessageStream": told.message_stream}
            self._body.write(told.raw_email.encode("utf-8", "surrogateescape"))


def _plain(encoded: bytes) -> bytes:
    return unquote_to_bytes(encoded.replace(b"+", b" "))


def envelope(fields: dict[str, str]) -> tuple[str | None, list[str]]:
    """Give the sender and the recipients that a service tells of: `envelope`, or `sender` and `recipient`."""
    try:
        told = json.loads(fields.get("envelope", "{}"))
    except (ValueError, RecursionError):
        told = {}
    if isinstance(told, dict) and isinstance(told.get("to"), list):
        sender = told.get("from")
        return sender if isinstance(sender, str) else None, [each for each in told["to"] if isinstance(each, str)]
    recipients = [each.strip() for each in fields.get("recipient", "").split(",") if each.strip()]
    return fields.get("sender"), recipients


def advice(fields: dict[str, str]) -> str:
    """Say how a service is made to post the whole mail."""
    for each in MISSING:
        if each.field in fields:
            return f"{each.service} posts this mail in parts: {each.do}"
    known = ", ".join(RAW_FIELDS)
    return f"this form does not hold the whole mail: let the service post the raw MIME message (in a field {known})"
