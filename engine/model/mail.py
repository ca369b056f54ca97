"""A mail: the bytes as they came, and what they say.

Here: frozen data and nothing else. Not here: how it is read (`engine/mail/`), what is true about it
(`decision/facts.py`).
Invariant: a mail is never half parsed; sizes are bytes; addresses keep the form they came in and compare by their key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from engine.model.addresses import key_of
from rules.domains import ascii_form


class Origin(Struct, frozen=True):
    """Where the bytes were found.

    `mailbox` is a configured name (`system` or a workspace), `key` the transport key: `folder/UIDVALIDITY/UID`,
    a UIDL, a Maildir unique name, `queue-id/recipient`. Unique per mailbox, see reliability in docs/.
    """

    mailbox: str
    key: str
    size_bytes: int = 0


class Envelope(Struct, frozen=True):
    """RFC 5321 addresses, if the transport told them. `reverse_path` is None when unknown, "" for the null path."""

    reverse_path: str | None = None
    forward_paths: tuple[str, ...] = ()


class RawMail(Struct, frozen=True):
    """The bytes as they came. `digest` is the sha256 of `content` in hex; `truncated`: only the header was taken."""

    content: bytes
    origin: Origin
    received_at: datetime
    digest: str
    envelope: Envelope = Envelope()
    truncated: bool = False


class Address(Struct, frozen=True):
    """One RFC 5322 mailbox. `address` is the addr-spec as written, without comments and folding."""

    address: str
    name: str = ""

    @property
    def local(self) -> str:
        """The part before the last @, as written."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part behind the last @, in its canonical form."""
        return ascii_form(self.address.rpartition("@")[2])

    @property
    def key(self) -> str:
        """The form in which addresses compare."""
        return key_of(self.address)


class Header(Struct, frozen=True):
    """One header field: its name as written, its value unfolded and decoded (RFC 2047)."""

    name: str
    value: str


class Cutting(Struct, frozen=True):
    """How the text of a mail was cut, for its HTML, which is cut when somebody looks at it.

    The subject of the mail, the signature that went, and whether a quotation did.
    """

    subject: str = ""
    signature: str = ""
    quoted: bool = False


class Part(Struct, frozen=True):
    """A leaf of the MIME tree: what it claims to be and which slice of the raw mail holds it.

    `start` and `end` are offsets into `RawMail.content` of the still encoded body; `encoding` is the
    Content-Transfer-Encoding (`7bit 8bit binary base64 quoted-printable x-uuencode`), lower case.
    `path` is the IMAP-like number of the part ("1.2"); `alternative` tells that it stands in a multipart/alternative.
    `flowed` and `delsp` are the parameters of RFC 3676: text whose lines are to be joined. `location` is the
    Content-Location (RFC 2557). `pictures`, of an HTML body: how it names the pictures it shows -> their digests.
    `cutting`, of an HTML body: what is shown of it is to say what the text says that was cut.
    """

    content_type: str
    start: int
    end: int
    encoding: str = "7bit"
    charset: str = ""
    filename: str = ""
    disposition: str = ""
    content_id: str = ""
    path: str = "1"
    alternative: bool = False
    related: bool = False
    flowed: bool = False
    delsp: bool = False
    location: str = ""
    pictures: tuple[tuple[str, str], ...] = ()
    cutting: Cutting | None = None


class Attachment(Struct, frozen=True):
    """A part that is not body text. `name` is safe to show and to save; `content_type` is judged by the bytes.

    `digest` is the sha256 of the decoded bytes, `size_bytes` their number. `inline` claims a picture shown in the text,
    which calls it by its `content_id`: the Content-ID, where there is none the Content-Location.
    `content` holds bytes that stand nowhere in the raw mail (unpacked, made smaller); empty means: decode `part`.
    """

    name: str
    content_type: str
    declared_type: str
    size_bytes: int
    digest: str
    part: Part
    inline: bool = False
    content_id: str = ""
    width_px: int = 0
    height_px: int = 0
    content: bytes = b""


class Defect(Struct, frozen=True):
    """The mail is odd in this way. Data, never an exception."""

    code: str
    detail: str = ""


class Mail(Struct, frozen=True, dict=True):
    """A parsed mail, never half parsed: what could not be read is empty and a defect says so.

    `text` is the body as text, converted from HTML when there is no plain part; `html` is the HTML body as it came
    (never show it unsanitised); `html_part` is where it stands. `from_` holds every mailbox of every From header:
    more or fewer than one is a reason not to believe any of them. `opened` are the paths of the containers whose text
    is in `text`, `message_class` that of a winmail.dat (IPM.Note, …), `fingerprint` a soft identity over Message-ID,
    Date, From, Subject and body (reliability in docs/).
    """

    raw: RawMail
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    from_: tuple[Address, ...] = ()
    sender: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    text_parts: tuple[str, ...] = ()
    html_part: Part | None = None
    parts: tuple[Part, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[Header, ...] = ()
    defects: tuple[Defect, ...] = ()
    fingerprint: str = ""
    opened: tuple[str, ...] = ()
    message_class: str = ""

    @cached_property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """All values of every header field, top first, by its name in lower case."""
        found: dict[str, tuple[str, ...]] = {}
        for header in self.headers:
            name = header.name.lower()
            found[name] = (*found[name], header.value) if name in found else (header.value,)
        return found

    def header(self, name: str, default: str = "") -> str:
        """The first value of a header field, by name in any case."""
        return self.fields.get(name.lower(), (default,))[0]

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of a header field, top first."""
        return self.fields.get(name.lower(), ())
