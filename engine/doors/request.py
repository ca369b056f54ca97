"""What the header of a request says: whose mail it brings, in which form, and what there is to refuse.

Here: `Request`, `Refused`. Not here: the connection, bodies and answers (`http.py`).
Invariant: a parameter that means nothing is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct
from multipart import parse_options_header

from engine.doors import forms
from engine.doors.taking import targets

if TYPE_CHECKING:
    from engine.config import Config
    from engine.doors.body import Body
    from engine.doors.keys import Key

PARAMETERS = ("to", "from", "mailbox")
MOST_PARAMETERS = 1000

HEADER_BYTES = 32 << 10
"""Bytes that the header of a request may have."""

BESIDE = 1 << 20
"""Bytes of a form beside the mail."""

RAW = "message/rfc822"
FORMS = "multipart/form-data, application/x-www-form-urlencoded, application/json"


class Refused(Exception):
    """A request that is refused: status, code, a sentence for whoever pushes, and fields of the answer."""

    def __init__(self, status: int, code: str, sentence: str, **fields: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence
        self.fields = {name.replace("_", "-"): value for name, value in fields.items()}


class Request(Struct, frozen=True):
    """A request as its header has it; `words` are the parts of its path."""

    method: str
    words: tuple[str, ...]
    parameters: Mapping[str, list[str]]
    fields: Mapping[str, list[str]]

    def field(self, name: str) -> str:
        """Give a header field, "" where there is none, or where two of them contradict each other."""
        values = dict.fromkeys(self.fields.get(name, ()))
        return next(iter(values)) if len(values) == 1 else ""

    def parameter(self, name: str) -> str | None:
        """Give the one value of a parameter. Raises Refused."""
        values = self.parameters.get(name, [])
        if len(values) > 1:
            raise Refused(400, "parameter.twice", f"the parameter {name} stands there twice")
        return values[0] if values else None

    def mailbox(self) -> str | None:
        """Give the mailbox that the path or the parameter names. Mailgun wants an address that ends with `mime`."""
        named = self.words[1:-1] if self.words[-1] == "mime" else self.words[1:]
        if len(named) > 1:
            raise Refused(404, "path.unknown", "mail is pushed to /mail or /mail/MAILBOX")
        return named[0] if named else self.parameter("mailbox")

    def recipients(self) -> list[str]:
        """Give the recipients that the parameters name."""
        return self.parameters.get("to", [])


def request_of(method: bytes, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> Request:
    """Read the header of a request. Raises Refused."""
    collected: dict[str, list[str]] = {}
    size = len(target)
    for name, value in fields:
        size += len(name) + len(value) + 4
        if size > HEADER_BYTES:  # h11 minds only one that has not come whole
            raise Refused(431, "request.bad", f"the header is larger than {HEADER_BYTES >> 10} kB")
        collected.setdefault(name.decode("ascii"), []).append(value.decode("utf-8", "surrogateescape"))
    if "content-length" in collected and "transfer-encoding" in collected:
        raise Refused(400, "request.bad", "Content-Length and Transfer-Encoding contradict each other")
    try:
        parts = urlsplit(target.decode("utf-8", "replace"))
        parameters = parse_qs(parts.query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="replace")
    except ValueError as error:
        raise Refused(400, "request.bad", f"the address cannot be read: {error}") from None
    words = tuple(unquote(each) for each in parts.path.strip("/").split("/"))
    return Request(method.decode("ascii", "replace"), words, parameters, collected)


def refuse_unknown(parameters: Iterable[str]) -> None:
    """Refuse a parameter that is none of ours. Raises Refused."""
    for name in parameters:
        if name not in PARAMETERS:
            said = f"there is no parameter {name[:40]!r}; there are: {', '.join(PARAMETERS)}"
            raise Refused(400, "parameter.unknown", said)


def form_of(request: Request, body: Body, most: int, folder: Path) -> tuple[forms.Form | None, int]:
    """Give what reads the body, None where it is the mail itself, and how many bytes it may have. Raises Refused."""
    kind, options = parse_options_header(request.field("content-type"))
    try:
        if kind == RAW:
            return None, most
        if kind == "multipart/form-data":
            return forms.MultipartForm(body, options.get("boundary", "")), most + BESIDE
        if kind == "application/x-www-form-urlencoded":
            return forms.UrlencodedForm(body), 3 * most + BESIDE  # a byte is three characters at most
        if kind == "application/json":
            return forms.JsonForm(body, 2 * most + BESIDE, folder), 2 * most + BESIDE
    except forms.NoForm as error:
        raise Refused(400, "form.broken", f"the form cannot be read: {error}") from None
    raise Refused(415, "type.unknown", f"a mail is taken as {RAW}, or in a form: {FORMS}")


def found_for(config: Config, name: str | None, to: list[str], key: Key) -> dict[str, tuple[str, ...]]:
    """Find the mailboxes that a mail is for. Raises Refused."""
    if name is None and not to:
        said = "say whose mail it is: /mail/MAILBOX, ?mailbox=NAME or ?to=ADDRESS"
        raise Refused(400, "mailbox.missing", said)
    found = targets(config, list(dict.fromkeys(to)), name)
    if not found:
        whose = f"called {name!r}" if name is not None else f"for {', '.join(to[:10])}"
        raise Refused(404, "mailbox.unknown", f"there is no mailbox {whose}")
    if barred := [each for each in found if key.mailboxes and each not in key.mailboxes]:
        raise Refused(403, "key.mailbox", f"this key is not for the mailbox {barred[0]}")
    return found


def too_big(most: int) -> Refused:
    """Make the refusal of a mail that is too big."""
    return Refused(413, "mail.too_big", f"mail is taken up to {most} bytes")
