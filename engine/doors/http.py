"""HTTP: a program or a service pushes a mail, whole and finished.

Here: one connection, its requests and answers. Not here: sockets and threads (`listening.py`), what a request says
(`request.py`), keys (`keys.py`), forms (`forms.py`), the way into the spool (`reception.py`).
Invariant: a request is answered as soon as it is known what becomes of it, before its body where that can be; 202 and
200 only after the mail is stored durably. What is wrong on our side is a 503, so that it is pushed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h11
import msgspec

from engine.config import ConfigError
from engine.doors import forms
from engine.doors.body import Body
from engine.doors.keys import Unsure
from engine.doors.reception import Handed
from engine.doors.request import HEADER_BYTES, Refused, Request, form_of, found_for, refuse_unknown, request_of, too_big
from engine.doors.taking import unknown
from engine.log import Entry
from engine.plain_text import printable, safe_json
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.doors.keys import Key, Keys
    from engine.doors.listening import Client
    from engine.doors.reception import Reception

RETRY_S, MEND_S = 60, 3600
"""When to push again what could not be stored, and what somebody has to set first."""

REALM = 'Bearer realm="allegra"'

REASONS = {
    200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large", 415: "Unsupported Media Type",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable",
}  # fmt: skip


class _WrongKey(Refused):
    """A refusal that anybody can provoke as often as they like: it is counted."""


class Session:
    """One connection; requests come one after the other."""

    def __init__(self, client: Client, reception: Reception, keys: Keys, timeout_s: float) -> None:
        self._client, self._reception, self._keys, self._timeout_s = client, reception, keys, timeout_s
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES)

    def run(self) -> None:
        """Answer requests until one of us ends it. Raises OSError where the client has gone."""
        while self._one() and not self._client.stopping:
            self._http.start_next_cycle()

    def _one(self) -> bool:
        """Answer a request; tells whether another one may follow."""
        self._client.by(self._timeout_s)
        if not self._http.trailing_data[0]:
            with self._client.waiting():  # the next request may never come: no words are due then
                self._http.receive_data(self._client.read())
        request: Request | None = None
        try:
            event = self._event()
            if not isinstance(event, h11.Request):
                return False
            request = request_of(event.method, event.target, event.headers)
            status, data = self._answered(request)
            self._answer(request, status, data)
        except ConnectionError:
            raise
        except (Refused, h11.RemoteProtocolError, StoreError, ConfigError, OSError) as error:
            self._refuse(request, self._refusal(error))
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            return True
        self._client.linger()
        return False

    def _refusal(self, error: Exception) -> Refused:
        """Tell what is answered to what went wrong."""
        if isinstance(error, Refused):
            return error
        if isinstance(error, h11.RemoteProtocolError):
            return Refused(error.error_status_hint, "request.bad", str(error))
        if isinstance(error, TimeoutError):
            return Refused(408, "request.slow", f"the request did not come whole within {self._timeout_s:g} s")
        sentence = "our configuration does not load" if isinstance(error, ConfigError) else str(error)
        return Refused(503, "later", f"it cannot be stored now: {sentence}", retry_after=str(RETRY_S))

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────────────────────

    def _answered(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.words == ("healthz",):
            if request.method not in ("GET", "HEAD"):
                raise Refused(405, "method.wrong", "say GET", allow="GET, HEAD")
            up = self._is_up()
            return (200 if up else 503), {"schema": "allegra.up/1", "up": up}
        if request.words[0] != "mail":
            raise Refused(404, "path.unknown", "mail is pushed to /mail or /mail/MAILBOX")
        if request.method != "POST":
            raise Refused(405, "method.wrong", "say POST", allow="POST")
        config = self._reception.config
        try:
            key = self._keys.shown(config, request.field("authorization"))
        except Unsure:
            raise _WrongKey(503, "later", "mail cannot be taken now: try again", retry_after=str(RETRY_S)) from None
        if key is None:
            raise _WrongKey(401, "key.wrong", "show a key:  Authorization: Bearer KEY", www_authenticate=REALM)
        return self._pushed(request, config, key)

    def _is_up(self) -> bool:
        try:
            return self._keys.are_there(self._reception.config) and self._reception.is_up()
        except ConfigError:
            return False

    def _pushed(self, request: Request, config: Config, key: Key) -> tuple[int, dict[str, Any]]:
        most, folder = config.settings("").limits.raw, config.data_dir
        with Body(most, folder) as body:
            form, most_bytes = form_of(request, body, most, folder)
            if int(request.field("content-length") or 0) > most_bytes:
                raise too_big(most)
            refuse_unknown(request.parameters)
            name, to, sender = request.mailbox(), request.recipients(), request.parameter("from")
            if form is None or name is not None or to:
                found_for(config, name, to, key)  # what is wrong with it is known before the body comes
            self._read(body, form, most, most_bytes)
            if form is not None:
                told, recipients = self._told(form)
                sender, to = told if sender is None else sender, to or recipients
            if body.is_blank:
                raise Refused(400, "mail.empty", "there is no mail in it")
            if not all(each.isprintable() for each in (sender or "", *to)):
                raise Refused(400, "address.bad", "there is a control character in an address")
            found = found_for(config, name, to, key)
            strays = unknown(to, found)
            stored = self._reception.take(Handed(body, found, f"HTTP, key {key.name}", sender, unknown=strays))
        return (202 if form is None else 200), {"schema": "allegra.taken/1", "mails": stored, "unknown": strays}

    def _told(self, form: forms.Form) -> tuple[str | None, list[str]]:
        """Give the envelope that a form tells of. Raises Refused for a form without the whole mail."""
        if not form.found:
            raise Refused(503, "mail.in_parts", forms.advice(form.fields), retry_after=str(MEND_S))
        return forms.envelope(form.fields)

    def _read(self, body: Body, form: forms.Form | None, most: int, most_bytes: int) -> None:
        """Read the body to its end. Raises Refused."""
        self._client.by(self._timeout_s)
        size, take = 0, body.write if form is None else form.feed
        try:
            for piece in self._pieces():
                size += len(piece)
                if size > most_bytes or body.too_big:
                    raise too_big(most)
                take(piece)
            if form is not None:
                form.end()
        except forms.NoForm as error:
            raise Refused(400, "form.broken", f"the form cannot be read: {error}") from None
        if body.too_big:
            raise too_big(most)
        self._client.by(self._timeout_s)

    def _pieces(self) -> Iterator[bytes]:
        while not isinstance(event := self._event(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise ConnectionError("the client went away in the middle of a mail")
            yield bytes(event.data)

    def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
            self._http.receive_data(self._client.read())
        return event

    # ── what is answered ──────────────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, request: Request | None, refused: Refused) -> None:
        said, who = f"{refused.status} {refused.code}", self._who(request)
        if isinstance(refused, _WrongKey):
            self._keys.wrong(said, who, self._reception.log)
        else:
            self._reception.log(Entry("warning", "http.refused", f"{said}: {refused.sentence}, from {who}"))
        self._client.by(min(self._timeout_s, 10.0))
        sentence = printable(refused.sentence.partition("\n")[0], 500)
        data = {"schema": "allegra.error/1", "code": refused.code, "sentence": sentence}
        with suppress(h11.LocalProtocolError):  # an answer was begun: there is no second one
            self._answer(request, refused.status, data, refused.fields)

    def _answer(
        self, request: Request | None, status: int, data: dict[str, Any], fields: Mapping[str, str] | None = None
    ) -> None:
        if self._http.their_state is h11.SEND_BODY:
            with suppress(h11.RemoteProtocolError):
                self._http.next_event()  # where there is no body, this is its end, and another request may follow
        content = content_of(data)
        told = {"content-type": "application/json", "content-length": str(len(content)), **(fields or {})}
        if self._client.stopping or self._http.their_state is not h11.DONE:
            told["connection"] = "close"
        events: list[Any] = [h11.Response(status_code=status, headers=[*told.items()], reason=REASONS.get(status, ""))]
        if request is None or request.method != "HEAD":
            events.append(h11.Data(data=content))
        self._send(*events, h11.EndOfMessage())

    def _send(self, *events: Any) -> None:
        self._client.send(b"".join(self._http.send(each) or b"" for each in events))

    def _who(self, request: Request | None) -> str:
        forwarded = request.field("x-forwarded-for") if request is not None else ""
        return self._client.name + (f" for {printable(forwarded, 60)}" if forwarded else "")


def content_of(data: dict[str, Any]) -> bytes:
    """Give the body of an answer."""
    return safe_json(msgspec.json.encode(data).decode()).encode() + b"\n"


def _at_once(status: int, code: str, sentence: str) -> bytes:
    """Make the whole answer to somebody of whom nothing was read."""
    content = content_of({"schema": "allegra.error/1", "code": code, "sentence": sentence})
    head = [f"HTTP/1.1 {status} {REASONS[status]}", "Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*head, f"Retry-After: {RETRY_S}", "Connection: close", "", ""]).encode() + content


FULL = _at_once(503, "busy", "too many connections: try again")
BROKEN = _at_once(500, "broken", "something broke here: try again")
