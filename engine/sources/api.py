"""The API of a mail provider, as a source may trust it: one mailbox, asked with its token.

Here: the token and one new one, waiting where the provider says later, the deadline of a session, plain sentences.
Not here: any provider (`gmail.py`, `graph.py`), the HTTP (`web/client.py`).
Invariant: the token goes to the host of the mailbox and nowhere else; every request, every wait and the session end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from engine.sources.login import refused_login, secret_of
from engine.sources.source import SourceError, printable
from engine.sources.wire import SAID_CHARS, SESSION_TIMES
from engine.web.client import Reply, Web, WebError

if TYPE_CHECKING:
    from engine.config import Mailbox

PAGE_BYTES = 10_000_000
"""The longest answer where no mail is asked for."""

SLACK_BYTES = 1_000_000

TRIES = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 16.0
"""Waits where the provider does not say how long: the first, doubled each time, and the longest."""

PATIENCE_TIMES = 5
"""A session waits this many times the mailbox's `timeout` in all: five minutes at the default of a minute."""

MOST_MESSAGES = 1_000_000
MOST_EMPTY = 20
"""Pages in a row that bring nothing new, while there are said to be more."""

_HEADER_NAME = re.compile(r"[!-9;-~]+")


class Trouble(Struct, frozen=True):
    """Why a provider refuses: the code of docs/sources.md, and how the sentence goes on. `later`: ask again soon."""

    code: str
    what: str
    later: bool = False


class Api:
    """Asks for one mailbox. `troubles` reads a refusal of this provider. Every method raises SourceError, no other."""

    def __init__(
        self,
        mailbox: Mailbox,
        base: str,
        troubles: Callable[[Reply], Trouble],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.mailbox, self.timeout_s = mailbox, float(mailbox.timeout)
        port = f":{mailbox.port}" if mailbox.port not in (0, 443) else ""
        self.origin = f"https://{mailbox.host}{port}"
        self._base = f"{self.origin}{base}"
        self._troubles, self._headers = troubles, headers or {}
        self._token, self._talked = secret_of(mailbox), False
        self._web = Web(mailbox.ca_file, self.timeout_s)
        self._end = monotonic() + SESSION_TIMES * self.timeout_s
        self._patience_s = PATIENCE_TIMES * self.timeout_s

    def close(self) -> None:
        """Hang up."""
        self._web.__exit__()

    def url(self, *parts: str, **query: object) -> str:
        """Make an address below the mailbox; no part can lead out of its place."""
        if {"", ".", ".."} & {*parts}:
            raise self.error("source.protocol", "names something by what is no name")
        path = "".join(f"/{quote(part, safe='')}" for part in parts)
        asked = [(name, value) for name, value in query.items() if value not in ("", None)]
        return f"{self._base}{path}{'?' + urlencode(asked, doseq=True, quote_via=quote) if asked else ''}"

    def error(self, code: str, what: str, said: object = "", key: str = "") -> SourceError:
        """Make the error: `what` continues "mailbox NAME: HOST …", `said` is the provider's own text, made safe."""
        text = quoted(said)
        sentence = f"mailbox {self.mailbox.name}: {self.mailbox.host} {what}{f' ({text})' if text else ''}"
        return SourceError(code, sentence, key)

    def ask(
        self, method: str, url: str, body: object = None, *, expected: Collection[int] = (),
        most_bytes: int = PAGE_BYTES, times: int = 1, raw: bool = False,
    ) -> Reply:  # fmt: skip
        """Ask, again where the provider says later. Gives good answers and those whose status is `expected`.

        What is asked for may be done twice: an answer that says later may come of something that was done.
        """
        attempt, renewed, fresh = 0, False, not self._talked
        while True:
            wait_s = 0.0
            try:
                reply = self._once(method, url, body, most_bytes, times, raw)
            except WebError as error:
                if error.code == "unreachable" and method == "GET" and not fresh:
                    fresh = True  # a connection that was kept may have been closed meanwhile
                    continue
                trouble = Trouble(f"source.{error.code}", str(error), error.code == "busy")
                wait_s = error.wait_s
            else:
                self._talked = True
                if 200 <= reply.status < 300 or reply.status in expected:
                    return reply
                if reply.status == 401:
                    self._renew(reply, renewed)
                    renewed = True
                    continue
                trouble = self._troubles(reply)
            attempt += 1
            if not (trouble.later and self._waited(wait_s, attempt)):
                raise self.error(trouble.code, trouble.what + _when(wait_s))

    def _once(self, method: str, url: str, body: object, most_bytes: int, times: int, raw: bool) -> Reply:
        left_s = self._end - monotonic()
        if left_s <= 0:
            raise WebError("did not come to an end in time", later=True, code="timeout")
        headers = {**self._headers, "Authorization": f"Bearer {self._token}"}
        seconds = min(times * self.timeout_s, left_s)
        return self._web.call(method, url, headers, body=body, most_bytes=most_bytes, timeout_s=seconds, raw=raw)

    def _renew(self, reply: Reply, renewed: bool) -> None:
        """Take another token, once for a request: the provider did not take this one."""
        code, what = refused_login(self.mailbox, self._token)
        if renewed:
            raise self.error(code, what, self._troubles(reply).what)
        self._token = secret_of(self.mailbox)

    def _waited(self, told_s: float, attempt: int) -> bool:
        """Wait as long as is told, or ever longer; tell whether to ask again. A signal ends it."""
        usual_s = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
        wait_s = max(told_s, usual_s) + random.uniform(0, usual_s / 4)  # noqa: S311 - no secret
        if attempt >= TRIES or wait_s > self._patience_s or monotonic() + wait_s > self._end:
            return False
        self._patience_s -= wait_s
        Event().wait(wait_s)
        return True

    def pages(self, url: str, field: str, following: Callable[[Mapping[str, Any]], str]) -> Iterator[list[Any]]:
        """Give the lists in `field` of page after page; `following` reads the address of the next, "" for none."""
        seen, empty, count = {url}, 0, 0
        while url:
            body = self.ask("GET", url).body
            rows = body.get(field) or []
            if not isinstance(rows, list):
                raise self.error("source.protocol", f"lists no {field}")
            yield rows
            count, empty = count + len(rows), 0 if rows else empty + 1
            if count > MOST_MESSAGES:
                raise self.error("source.query", f"holds more than {MOST_MESSAGES} messages: narrow them with query")
            url = following(body)
            if url in seen or empty > MOST_EMPTY:
                raise self.error("source.protocol", "sends page after page without end")
            seen.add(url)

    def following(self, body: Mapping[str, Any]) -> str:
        """Read the address of the next page of OData; one that leads to another host gets no token."""
        url = body.get("@odata.nextLink")
        if not isinstance(url, str) or not url:
            return ""
        if not url.startswith(f"{self.origin}/") or not url.isprintable() or not url.isascii():
            raise self.error("source.protocol", "sends us to another host for the next page", url)
        return url


def standing(pages: Iterable[Sequence[str]], wanted: Collection[str]) -> set[str]:
    """Find which of the wanted messages a listing holds, newest first; it is not read on once that costs more.

    What is not found may be there all the same: then it is asked for by itself.
    """
    found: set[str] = set()
    left = {*wanted}
    for number, keys in enumerate(pages, 1):
        found |= left & {*keys}
        left -= found
        if number >= len(left):
            break
    return found


def header_bytes(fields: object, most_bytes: int) -> bytes:
    """Write the header of a mail from a list of names and values; what is no field is left out."""
    lines, size = [], 0
    for each in fields if isinstance(fields, list) else ():
        name, value = (each.get("name"), each.get("value")) if isinstance(each, dict) else (None, None)
        if isinstance(name, str) and isinstance(value, str) and _HEADER_NAME.fullmatch(name):
            line = f"{name}: {' '.join(value.split())}\r\n".encode("utf-8", "replace")
            size += len(line)
            if size > most_bytes:
                break
            lines.append(line)
    return b"".join([*lines, b"\r\n"]) if lines else b""


def told(error: SourceError) -> str:
    """What an error says without the name of the mailbox: for a message whose mailbox is named already."""
    return error.sentence.partition(": ")[2] or error.sentence


def quoted(said: object) -> str:
    """Make a provider's words fit to be shown: one short printable line without our secrets."""
    from engine.config.secrets import redact

    return printable(" ".join(redact(str(said)).split()))[:SAID_CHARS]


def _when(wait_s: float) -> str:
    return f"; it says to ask again in {wait_s:.0f} s" if wait_s else ""
