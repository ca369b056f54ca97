"""From a letter to the bytes of a mail (RFC 5322).

Here: the header, the body in text and HTML, the files, and the proof that they hold what was meant and nothing else.
Not here: what the letter says (`contents.py`), the texts (`templates.py`), sending (`deliver.py`).
Invariant: whatever the values hold, the mail has exactly the intended headers and one recipient, and its lines end in
CRLF; otherwise ComposeError.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.parser import BytesHeaderParser
from email.utils import format_datetime, getaddresses

from engine.model.events import Kind
from engine.outbox import writing
from engine.outbox.letter import Composed, ComposeError, Letter
from engine.outbox.plain import NAME_CHARS, SUBJECT_CHARS, one_line, text
from engine.outbox.templates import Templates
from rules.domains import ascii_form

REFERENCES = 20
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_ADDR_SPEC = re.compile(r"[^\s<>@\"(),:;\[\]\\\x00-\x20\x7f]{1,64}@[^\s<>@\"(),:;\[\]\\\x00-\x20\x7f]{1,255}")
_DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,255}")
_MESSAGE_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
"""A Message-ID, and none that a reader could take for an encoded word (RFC 2047, 2)."""

_MIME = frozenset({"mime-version", "content-type", "content-transfer-encoding"})
"""What the parts of a mail say of themselves, behind its own fields."""

_NOT_IN_A_NAME = re.compile(r'[<>@"\\]')
_OURS = frozenset(
    {"from", "to", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "cc", "bcc", "sender",
     "mime-version", "content-type", "content-transfer-encoding", "content-disposition", "return-path", "received",
     "x-allegra-loop", "x-allegra-item", "x-allegra-topic", "list-id", "list-unsubscribe"}
)  # fmt: skip


def compose(letter: Letter, templates: Templates) -> Composed:
    """Make the mail. Raises: ComposeError."""
    recipient, sender = address(letter.to), address(letter.sender)
    if not _MESSAGE_ID.fullmatch(letter.message_id):
        raise ComposeError("it has no Message-ID")
    subject, body, replaced = templates.render(letter.template, letter.language, letter.values, letter.instead)
    fields = [
        ("From", writing.mailbox(display(letter.display), sender)),
        ("To", recipient),
        ("Subject", writing.unstructured(one_line(subject, SUBJECT_CHARS) or _subject(letter))),
        ("Date", format_datetime(letter.now or datetime.now(UTC))),
        ("Message-ID", letter.message_id),
        *_threading(letter),
        *_reply_to(letter, sender),
        *_marks(letter),
    ]
    said = text(body)
    body_part, failed = _body(letter, templates, said, replaced)
    parts = [body_part]
    parts += [writing.file_part(one_line(file.name, 150), file.content, file.content_type) for file in letter.files]
    content = writing.message(fields, tuple(parts))
    _prove(content, recipient, [name for name, _ in fields])
    return Composed(letter.message_id, letter.reverse_path, (recipient,), content, replaced or failed)


def _body(letter: Letter, templates: Templates, said: str, replaced: str) -> tuple[bytes, str]:
    """The text, and beside it the same in HTML; and why a file with that was not used.

    Words that came as HTML stand there as they came. HTML beside a text that failed says something else.
    """
    html = failed = ""
    if letter.html and (letter.laid_out or not replaced):
        html, failed = templates.page(
            letter.template, letter.language, letter.values, said, own=not letter.laid_out, beside=not replaced,
            shown=letter.shown,
        )  # fmt: skip
    if not html:
        return writing.text_part(said), failed
    pictures = [
        writing.picture_part(each.content_id, each.content, each.content_type)
        for each in letter.pictures
        if each.content_id in html
    ]
    return writing.alternative(said, writing.related(writing.html_part(html), pictures)), failed


def address(value: str) -> str:
    """An addr-spec that cannot be anything else. Raises: ComposeError."""
    if not _ADDR_SPEC.fullmatch(value) or not value.isprintable() or "=?" in value:  # some read encoded words anywhere
        raise ComposeError(f"{one_line(value, 80)!r} is no address")
    local, _, domain = value.rpartition("@")
    plain = domain if domain.isascii() else ascii_form(domain)
    if not _DOMAIN.fullmatch(plain):
        raise ComposeError(f"{one_line(value, 80)!r} is no address")
    return f"{local}@{plain}"


def mailbox(value: str) -> tuple[str, str]:
    """Display name and addr-spec of `Name <name@example.com>` or of a bare address. Raises: ComposeError."""
    if value.rstrip().endswith(">"):
        name, _, spec = value.rstrip()[:-1].rpartition("<")
        return one_line(name.strip().strip('"'), NAME_CHARS), address(spec.strip())
    return "", address(value.strip())


def display(name: str) -> str:
    """A display name without what could be taken for an address."""
    return " ".join(_NOT_IN_A_NAME.sub(" ", one_line(name, NAME_CHARS)).split())


def _subject(letter: Letter) -> str:
    """The subject where a template has none: that of every mail about the item."""
    title = one_line(f"{letter.values.get('marker', '')} {letter.values.get('title', '')}", SUBJECT_CHARS)
    return f"Re: {title}" if title else one_line(letter.loop, NAME_CHARS)


def _reply_to(letter: Letter, sender: str) -> tuple[tuple[str, str], ...]:
    if not letter.reply_to or letter.reply_to == sender:
        return ()
    return (("Reply-To", writing.mailbox(display(letter.display), address(letter.reply_to))),)


def _threading(letter: Letter) -> tuple[tuple[str, str], ...]:
    """RFC 5322, 3.6.4: answer the mail that it is about, keep the chain."""
    chain = [reference for reference in letter.references if _MESSAGE_ID.fullmatch(reference)]
    chain = [*chain[:1], *chain[1:][-REFERENCES:]]
    if not chain:
        return ()
    answers = letter.answers if _MESSAGE_ID.fullmatch(letter.answers) else chain[-1]
    return ("In-Reply-To", answers), ("References", "\r\n ".join(dict.fromkeys(chain)))


def _marks(letter: Letter) -> list[tuple[str, str]]:
    """The fields that keep machines from answering us, and us from answering ourselves (RFC 3834, 5; RFC 2919, 2369).

    An answer is a person's: nothing in it says that a machine wrote it, or another desk would pass it over.
    """
    marks = {"X-Allegra-Loop": writing.unstructured(one_line(letter.loop, NAME_CHARS))}
    if letter.kind is not Kind.ANSWER:
        marks["X-Auto-Response-Suppress"] = "All"
        marks["Auto-Submitted"] = "auto-replied" if letter.kind is Kind.AUTO else "auto-generated"
        marks["Precedence"] = "bulk"
    if letter.kind is Kind.NOTICE and letter.list_id:
        marks["List-Id"] = f"<{letter.list_id}>"
        if letter.unsubscribe:
            marks["List-Unsubscribe"] = f"<mailto:{address(letter.unsubscribe)}>"
    if letter.about:
        marks["X-Allegra-Topic" if letter.is_topic else "X-Allegra-Item"] = str(letter.about)
    for name, value in letter.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ComposeError(f"{one_line(name, 40)!r} is no header name")
        if name.lower() in _OURS:
            continue
        marks = {mark: kept for mark, kept in marks.items() if mark.lower() != name.lower()}
        if shown := one_line(value, 500):
            marks[name] = writing.unstructured(shown)
    return list(marks.items())


def _prove(content: bytes, recipient: str, intended: list[str]) -> None:
    """Read the header back with another parser: it must say what was meant. Raises: ComposeError."""
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends or b"\0" in content:
        raise ComposeError("it would hold a bare line end or NUL")
    head = content[: content.find(b"\r\n\r\n") + 4]
    parsed = BytesHeaderParser(policy=policy.compat32).parsebytes(head)
    names, behind = parsed.keys(), len(intended)
    if names[:behind] != intended or not _MIME.issuperset([name.lower() for name in names[behind:]]):
        raise ComposeError("it would hold other headers than intended")
    found_to = tuple(spec for _, spec in getaddresses([str(value) for value in parsed.get_all("To", [])]))
    if found_to != (recipient,) and recipient.isascii():
        raise ComposeError("it would go to other recipients than intended")
