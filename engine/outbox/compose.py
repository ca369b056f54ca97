"""From data in an outbox row to the bytes of a mail (RFC 5322).

Here: headers, body, attachments, and the proof that they hold what was meant and nothing else.
Not here: the texts (`templates.py`), sending (`deliver.py`).
Invariant: whatever the values hold, the mail has exactly the intended headers and recipients, and its lines end in
CRLF; otherwise ComposeError. The same row gives the same Message-ID.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from email import policy
from email.parser import BytesHeaderParser
from email.utils import format_datetime, getaddresses

from msgspec import Struct, field

from engine.decision import tokens
from engine.model.plan import Letter, SendMail
from engine.outbox import writing
from engine.outbox.templates import Templates
from rules.domains import ascii_form

SUBJECT_CHARS = 200
NAME_CHARS = 100
BODY_CHARS = 200_000
REFERENCES = 20
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_ADDR_SPEC = re.compile(r"[^\s<>@\"(),:;\[\]\\\x00-\x20\x7f]{1,64}@[^\s<>@\"(),:;\[\]\\\x00-\x20\x7f]{1,255}")
UNSIGNED = "@allegra.invalid>"
"""How a Message-ID ends that the store made by itself: no reply could be traced by it, so a signed one goes out."""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_MIME = ("mime-version", "content-type", "content-transfer-encoding")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0")
_OURS = frozenset(
    {"from", "to", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "cc", "bcc", "sender",
     "mime-version", "content-type", "content-transfer-encoding", "content-disposition", "return-path", "received"}
)  # fmt: skip


class ComposeError(Exception):
    """This mail cannot be made or is not what was meant; it is not sent."""


class Context(Struct, frozen=True):
    """What a mail is about: everything that is not in `SendMail` itself.

    `key` names the outbox row; `sender` is the From mailbox, `reply_address` the address that gets the token.
    `workspace` is the identifier, `send_as` the person in whose name it goes (the address stays ours).
    `writer` is name and address of who wrote the mail that is answered; `subject`, `original_id`, `references` are its
    own, `original` its bytes.
    """

    key: str
    sender: str
    secret: bytes
    instance: str = "Allegra"
    base_url: str = ""
    language: str = "en"
    workspace: str = ""
    workspace_name: str = ""
    item: int = 0
    kind: str = "i"
    title: str = ""
    person: str = ""
    writer: str = ""
    subject: str = ""
    original_id: str = ""
    references: tuple[str, ...] = ()
    reply_address: str = ""
    reply_token: bool = True
    send_as: str = ""
    message_id: str = ""
    original: bytes = b""
    trace: str = ""
    now: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Composed(Struct, frozen=True):
    """A mail ready to send. `reverse_path` is "" for automatic mail, so that nothing answers it."""

    message_id: str
    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes


def compose(mail: SendMail, context: Context, templates: Templates) -> Composed:
    """Make the mail. Raises: ComposeError."""
    recipients = tuple(dict.fromkeys(address(to) for to in mail.to))
    if not recipients:
        raise ComposeError("it has no recipient")
    name, sender = mailbox(context.sender)
    message_id = context.message_id
    if not _MESSAGE_ID.fullmatch(message_id) or message_id.endswith(UNSIGNED):
        message_id = tokens.message_id(context.key, context.item, context.secret, _domain(sender), context.kind)
    language = mail.language or context.language
    subject, body = templates.render(mail.template, language, values(mail, context))
    reports = mail.kind in (Letter.REPORT, Letter.FORWARD)
    fields = [
        ("From", writing.mailbox(_display(name, context), sender)),
        ("To", ",\r\n ".join(recipients)),
        ("Subject", writing.unstructured(one_line(subject, SUBJECT_CHARS) or one_line(context.instance, NAME_CHARS))),
        ("Date", format_datetime(context.now or datetime.now(UTC))),
        ("Message-ID", message_id),
        *_threading(context),
        *(() if reports else _reply_to(context, name, sender)),
        *_marks(mail, context).items(),
    ]
    parts = (writing.text_part(text(body)), *(_attached(context) if reports else ()))
    content = writing.message(fields, parts, "=_" + message_id.strip("<>").partition("@")[0][:60])
    _prove(content, recipients, [name for name, _ in fields])
    return Composed(message_id, "" if mail.automatic else sender, recipients, content)


def values(mail: SendMail, context: Context) -> dict[str, object]:
    """What a template may use."""
    what = "topics" if context.kind == "t" else "items"
    url = f"{context.base_url.rstrip('/')}/{what}/{context.item}" if context.base_url and context.item else ""
    return {
        "instance": one_line(context.instance, NAME_CHARS),
        "item": context.item,
        "title": one_line(context.title, SUBJECT_CHARS),
        "subject": one_line(context.subject, SUBJECT_CHARS),
        "workspace": one_line(context.workspace_name or context.workspace, NAME_CHARS),
        "person": one_line(context.person, NAME_CHARS),
        "sender": one_line(context.writer, SUBJECT_CHARS),
        "reason": one_line(mail.reason, 1000),
        "text": text(mail.text).strip("\n"),
        "trace": text(context.trace).strip("\n"),
        "url": one_line(url, 500),
        "marker": f"[{'msg' if context.kind == 't' else '#'}{context.item}]" if context.item else "",
    }


def one_line(value: str, limit: int) -> str:
    """Text for a header: control and line characters become blanks, halves of surrogates question marks."""
    clean = "".join(" " if _unsafe(char) else char for char in value[: limit * 4])
    clean = clean.encode("utf-8", "replace").decode()
    return " ".join(clean.split())[:limit]


def _unsafe(char: str) -> bool:
    """Control and line characters, and those that turn the direction of text around."""
    return (
        unicodedata.category(char) in ("Cc", "Zl", "Zp")
        or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def text(value: str) -> str:
    """Text for a body: plain line ends, no control characters but tab."""
    lines = value[:BODY_CHARS].replace("\r\n", "\n").replace("\r", "\n")
    clean = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) != "Cc")
    return clean.encode("utf-8", "replace").decode()


def address(value: str) -> str:
    """An addr-spec that cannot be anything else. Raises: ComposeError."""
    if not _ADDR_SPEC.fullmatch(value):
        raise ComposeError(f"{one_line(value, 80)!r} is no address")
    local, _, domain = value.rpartition("@")
    plain = domain if domain.isascii() else ascii_form(domain)
    if not plain.isascii():
        raise ComposeError(f"{one_line(value, 80)!r} is no address")
    return f"{local}@{plain}"


def mailbox(value: str) -> tuple[str, str]:
    """Display name and addr-spec of `Name <name@example.com>` or of a bare address. Raises: ComposeError."""
    if value.rstrip().endswith(">"):
        name, _, spec = value.rstrip()[:-1].rpartition("<")
        return one_line(name.strip().strip('"'), NAME_CHARS), address(spec.strip())
    return "", address(value.strip())


def _domain(spec: str) -> str:
    return spec.rpartition("@")[2].lower()


def _display(name: str, context: Context) -> str:
    """The name that mail comes from: of the instance, or of a person behind the instance's address."""
    if context.send_as:
        name = f"{one_line(context.send_as, NAME_CHARS)} ({name or one_line(context.instance, NAME_CHARS)})"
    return _plain(name)


def _plain(name: str) -> str:
    """A display name without what could be taken for an address."""
    return re.sub(r"[<>@\"\\]", " ", name).strip()


def _reply_to(context: Context, name: str, sender: str) -> tuple[tuple[str, str], ...]:
    """The address that replies go to: with the token where there is an item, else the plain one."""
    base = address(context.reply_address or sender)
    local, _, domain = base.rpartition("@")
    if context.reply_token and context.item:
        tagged = f"{local.partition('+')[0]}+{tokens.sign(context.item, context.secret, context.kind)}"
        base = f"{tagged}@{domain}" if len(tagged) <= 64 else base
    return () if base == sender else (("Reply-To", writing.mailbox(_plain(name), base)),)


def _threading(context: Context) -> tuple[tuple[str, str], ...]:
    """RFC 5322, 3.6.4: answer the mail that it is about, keep the chain."""
    if not _MESSAGE_ID.fullmatch(context.original_id):
        return ()
    chain = [reference for reference in context.references if _MESSAGE_ID.fullmatch(reference)]
    chain = [*chain[:1], *chain[1:][-REFERENCES:]]
    references = "\r\n ".join(dict.fromkeys((*chain, context.original_id)))
    return ("In-Reply-To", context.original_id), ("References", references)


def _marks(mail: SendMail, context: Context) -> dict[str, str]:
    """The headers that keep machines from answering us, and us from answering ourselves (RFC 3834, 5)."""
    loop = writing.unstructured(one_line(context.instance, NAME_CHARS))
    marks = {"X-Allegra-Loop": loop, "X-Auto-Response-Suppress": "All"}
    marks["Auto-Submitted"] = "auto-replied" if mail.automatic else "auto-generated"
    marks["Precedence"] = "bulk"
    if context.item:
        marks["X-Allegra-Topic" if context.kind == "t" else "X-Allegra-Item"] = str(context.item)
    for name, value in context.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ComposeError(f"{one_line(name, 40)!r} is no header name")
        if name.lower() in _OURS or name.lower() == "x-allegra-loop":
            continue
        if name.lower() == "auto-submitted" and not mail.automatic:
            continue
        marks = {mark: kept for mark, kept in marks.items() if mark.lower() != name.lower()}
        if shown := one_line(value, 500):
            marks[name] = writing.unstructured(shown)
    return marks


def _attached(context: Context) -> tuple[bytes, ...]:
    """The original, byte for byte: base64, since message/rfc822 may not be encoded and the bytes may be anything."""
    if not context.original:
        return ()
    trace = (writing.file_part("trace.txt", text(context.trace).encode()),) if context.trace else ()
    return (writing.file_part("original.eml", context.original), *trace)


def _prove(content: bytes, recipients: tuple[str, ...], intended: list[str]) -> None:
    """Read the mail back with another parser: it must say what was meant. Raises: ComposeError."""
    if found := _BARE.search(content):
        raise ComposeError(f"it would hold a bare line end or NUL at byte {found.start()}")
    parsed = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
    names = [name for name in parsed.keys() if name.lower() not in _MIME]  # noqa: SIM118 -- iterating gives indices
    if names != intended or any(not _HEADER_NAME.fullmatch(name) for name in names):
        raise ComposeError("it would hold other headers than intended")
    found_to = tuple(spec for _, spec in getaddresses([str(value) for value in parsed.get_all("To", [])]))
    if recipients != found_to and all(recipient.isascii() for recipient in recipients):
        raise ComposeError("it would go to other recipients than intended")
