"""What an outbox row means: from the row, what it is about and the settings to a letter.

Here: whom it comes from and whom a reply reaches, the thread, the files. Not here: what a template may use
(`values.py`), the rows (`store/`), the bytes (`compose.py`). Invariant: what is gone meanwhile (a purged original, a
deleted comment) leaves a shorter mail, never a failure; outside people see nothing that only staff may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from engine.decision import tokens
from engine.model.desk import AccountStatus
from engine.model.events import BY_NAME, Kind, Part, Why
from engine.outbox.compose import mailbox
from engine.outbox.letter import ComposeError, File, Letter
from engine.outbox.plain import NAME_CHARS, one_line
from engine.outbox.reading import may_read
from engine.outbox.shown import shown
from engine.outbox.templates import ORIGINALS, spoken
from engine.outbox.values import LARGEST_ORIGINAL, Reaches, values
from engine.outbox.writing import encoded_size

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.effective import Settings
    from engine.model.stored import OutboxContext, OutboxRow
    from engine.store.store import Store

_NO_END = frozenset({Part.ADMIN, Part.SENDER, Part.FORMER})
"""Parts that a person cannot leave by themselves: what an admin is told, what happens once."""

LONGEST_LOCAL = 64
"""Characters of a local part (RFC 5321, 4.5.3.1.1): a longer one would not be a token but a mistake."""


class Gone(Exception):
    """There is nobody to send it to any more, or nothing to tell; the row is dropped for this reason, or sentence."""

    def __init__(self, why: Why | None, said: str = "") -> None:
        super().__init__(said or str(why))
        self.why, self.said = why, said


class _Base(NamedTuple):
    """What all parts of a letter ask."""

    row: OutboxRow
    about: OutboxContext
    config: Config
    settings: Settings
    secret: bytes


def letter(row: OutboxRow, store: Store, config: Config, now: datetime) -> Letter:
    """Gather what a mail is made of, as it stands at one moment. Raises: ComposeError, Gone, SecretError."""
    with store.reading():
        store.versions()  # what others have written of people, too
        return _gathered(row, store, config, now)


def _gathered(row: OutboxRow, store: Store, config: Config, now: datetime) -> Letter:
    about = store.outbox.context(row)
    about = about if about.workspace else replace(about, workspace=row.told.workspace)
    _still_there(row, about, store, config)
    secret = config.token_secret() or config.instance.secret()
    base = _Base(row, about, config, config.settings(about.workspace), secret)
    own = _from(base)
    reaches = _reaches(base, own[1])
    attached = _attached(base)
    language = spoken(row.language, config.instance.language)
    html = _html(row, store, about, base.settings)
    as_came = html and _is_laid_out(row)
    words, pictures = shown(about, store, base.settings, own[1].rpartition("@")[2]) if as_came else ("", ())
    said = values(row, about, config, store, reaches, language, attached, now)
    if row.event == "desk.digest" and row.told.collected and not said["entries"]:
        raise Gone(None, "nothing of what it tells is there any more")
    files = _files(base, store, attached, said)
    made = _assembled(base, own, reaches, said, now)
    return replace(made, files=files, html=html, shown=words, pictures=pictures)


def trial(
    row: OutboxRow, about: OutboxContext, said: Mapping[str, object], config: Config, secret: bytes, now: datetime
) -> Letter:  # fmt: skip
    """Make a letter of values that are given, to look at. Raises: ComposeError."""
    base = _Base(row, about, config, config.settings(about.workspace), secret)
    own = _from(base)
    return _assembled(base, own, _reaches(base, own[1]), said, now)


def _assembled(base: _Base, own: tuple[str, str], to: Reaches, said: Mapping[str, object], now: datetime) -> Letter:
    """Put the fields of the header around what the mail says."""
    (row, about, config), (display, sender) = base[:3], own
    answers, references = _thread(base)
    return Letter(
        row.kind, row.told.to, sender, _message_id(base), row.told.template,
        spoken(row.language, config.instance.language), said, workspace=about.workspace, instead=_instead(row),
        display=display, reply_to=to.reply, reverse_path="" if row.automatic else sender, answers=answers,
        references=references, list_id=_list_id(base, sender), unsubscribe=to.end,
        loop=config.instance.name, about=row.topic or row.item, is_topic=bool(row.topic),
        headers=base.settings.replies.headers if row.automatic else {}, laid_out=_is_laid_out(row),
        now=now.astimezone(ZoneInfo(config.instance.timezone)),
    )  # fmt: skip


def _instead(row: OutboxRow) -> str:
    """The text built in that goes out where the template fails or is not there."""
    event = BY_NAME.get(row.event)
    if row.kind is Kind.AUTO:
        return (event.auto if event is not None else "") or "rejected"
    return "answer" if row.kind is Kind.ANSWER else (event.template if event is not None else "") or "notice"


def _still_there(row: OutboxRow, about: OutboxContext, store: Store, config: Config) -> None:
    """What was queued may have lost its recipient or its item since. Raises: Gone, ComposeError."""
    if row.account:
        account = store.directory.account_by_id(row.account)
        if account is None or account.status in (AccountStatus.LOCKED, AccountStatus.REGISTERED):
            raise Gone(Why.LOCKED)
        if not may_read(row, about, store, config):
            raise Gone(Why.NOT_PERMITTED)
    gone = (row.item and not about.item) or (row.topic and not about.topic)
    if gone and row.event != "item.deleted":
        raise Gone(None, "the item is gone" if row.item else "the topic is gone")
    if "@" not in row.told.to:
        raise ComposeError(f"{one_line(row.told.to, 80)!r} has no address")


def _from(base: _Base) -> tuple[str, str]:
    """The name and the address it comes from: of the workspace, else of the installation."""
    settings, config, told = base.settings, base.config, base.row.told
    smtp = config.smtp.from_ if config.smtp is not None else ""
    own = settings.errors.from_ if told.template in ORIGINALS else settings.replies.from_
    name, sender = mailbox(own or smtp or _read_address(config, base.about.workspace))
    name = name or _workspace_name(base) or config.instance.name
    by_person = config.smtp is None or config.smtp.send_as == "user"
    if base.row.kind is Kind.AUTO or told.template in ORIGINALS or not by_person or not told.actor:
        return name, sender
    actor = one_line(told.actor, NAME_CHARS)
    if not told.actor_inside and "@" in told.actor_address:
        actor = f"{actor} ({told.actor_address.rpartition('@')[2]})"
    return f"{actor} via {name}", sender


def _workspace_name(base: _Base) -> str:
    workspace = base.config.workspaces.get(base.about.workspace)
    return workspace.name if workspace is not None else ""


def _reaches(base: _Base, sender: str) -> Reaches:
    return Reaches(*_reply_to(base, sender), _unsubscribe(base, sender))


def _reply_to(base: _Base, sender: str) -> tuple[str, str]:
    """The address that a reply goes to, with its token, and that for an internal note ("" where there is none).

    A notice has a token of its own for each person: it proves who replies. That of a note leads to a note.
    """
    row, config = base.row, base.config
    if row.told.template in ORIGINALS:
        return "", ""
    address = _read_address(config, base.about.workspace) or sender
    local, _, domain = address.rpartition("@")
    number, kind = row.topic or row.item, "t" if row.topic else "i"
    if not number or not base.settings.items.threading.reply_token:
        return ("" if address == sender else address), ""

    def tagged(letter: str, account: int) -> str:
        made = f"{local.partition('+')[0]}+{tokens.sign(number, base.secret, letter, account)}"
        return f"{made}@{domain}" if len(made) <= LONGEST_LOCAL else address

    inside = row.kind is Kind.NOTICE and bool(row.account) and row.told.inside
    private = inside and not row.topic
    if private and row.event == "item.noted":
        return tagged("n", row.account), ""
    return tagged(kind, row.account if inside else 0), tagged("n", row.account) if private else ""


def _read_address(config: Config, workspace: str) -> str:
    """The address that is read and where a reply reaches this workspace: its own mailbox, else the system's."""
    for name in (workspace, "system"):
        for box in config.mailboxes:
            if box.name == name and box.active and box.addresses:
                address: str = box.addresses[0]
                return address
    return ""


def _message_id(base: _Base) -> str:
    row = base.row
    if row.message_id:
        return row.message_id
    number, kind = row.topic or row.item, "t" if row.topic else "i"
    return tokens.message_id(row.key, number, base.secret, tokens.domain(base.config), kind)


def _thread(base: _Base) -> tuple[str, tuple[str, ...]]:
    """What it answers, and the chain: mail programs and replies are kept together by it.

    An automatic answer answers the mail it is about. Everything else about an item refers to one root; an answer also
    to the mail that made the item and to the last one this recipient wrote.
    """
    row, about = base.row, base.about
    if row.told.template in ORIGINALS:
        return "", ()
    original = _bracketed(about.message_id)
    number = row.topic or row.item
    if row.kind is Kind.AUTO or not number:
        return (original, (*about.references, original)) if original else ("", ())
    root = _root(number, base.secret, tokens.domain(base.config), "t" if row.topic else "i")
    if row.kind is Kind.NOTICE:
        return root, (root,)
    first, last = _bracketed(about.first_id), _bracketed(about.last_id)
    chain = [each for each in (first, root, last) if each]
    return chain[-1], tuple(chain)


_root = lru_cache(maxsize=2)(tokens.root_id)
"""The same for all mails about an item, which go one after the other."""


def _bracketed(message_id: str) -> str:
    return f"<{message_id.strip().strip('<>')}>" if message_id else ""


def _list_id(base: _Base, sender: str) -> str:
    """The name of the list that a notice belongs to (RFC 2919): the workspace, in our domain."""
    if base.row.kind is not Kind.NOTICE or base.row.told.template in ORIGINALS:
        return ""
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in base.about.workspace.lower())
    domain = sender.rpartition("@")[2].lower()
    return f"{name.strip('-') or 'desk'}.{domain}" if domain.isascii() else ""


def _unsubscribe(base: _Base, sender: str) -> str:
    """The address that ends mail of this kind (RFC 2369, 3.2); "" for what somebody cannot stop.

    That is their own work, and for somebody outside what they asked themselves.
    """
    row, parts = base.row, base.row.told.parts
    stops = [part for part in parts if part not in _NO_END and (row.account or part in (Part.COPY, Part.WRITER))]
    asked = Part.REQUESTER in parts and not row.told.inside
    if row.kind not in (Kind.NOTICE, Kind.ANSWER) or not stops or Part.ASSIGNEE in parts or asked:
        return ""
    if not (row.item or row.topic or row.event == "desk.held"):
        return ""
    local, _, domain = (_read_address(base.config, base.about.workspace) or sender).rpartition("@")
    made = f"{local.partition('+')[0]}+{tokens.sign(row.id, base.secret, 'u')}"
    return f"{made}@{domain}" if len(made) <= LONGEST_LOCAL else ""


def _is_laid_out(row: OutboxRow) -> bool:
    """Whether HTML is made of its text: automatic answers are short, and reports carry the original."""
    return not (row.automatic or row.told.template in ORIGINALS)


def _html(row: OutboxRow, store: Store, about: OutboxContext, settings: Settings) -> bool:
    """Whether who gets it takes HTML."""
    wants = store.directory.preference(row.account, about.workspace, "format") if row.account else ""
    return (wants or settings.notify.defaults.format) != "text"


def _attached(base: _Base) -> tuple[bool, ...]:
    """Of each file whether it goes along: the smallest first, as far as there is room."""
    row, room, goes = base.row, base.settings.replies.attach_up_to, []
    none = row.kind is Kind.AUTO or row.told.template in ORIGINALS
    for each in base.about.files:
        encoded = encoded_size(each.size_bytes)
        goes.append(not none and encoded <= room)
        room -= encoded if goes[-1] else 0
    return tuple(goes)


def _files(base: _Base, store: Store, attached: tuple[bool, ...], said: Mapping[str, object]) -> tuple[File, ...]:
    """What goes along: files that came with the words, or the original of a mail."""
    if base.row.told.template in ORIGINALS:
        return _original(base.row, store, str(said["trace"]))
    going = compress(base.about.files, attached)
    return tuple([File(each.name, store.items.blob(each.digest), each.content_type) for each in going])


def _original(row: OutboxRow, store: Store, trace: str) -> tuple[File, ...]:
    """The original, byte for byte: base64, since message/rfc822 may not be encoded and the bytes may be anything."""
    raw = store.archive.raw(row.mail) if row.mail else None
    if raw is None or not raw.content:
        return ()
    explained = (File("trace.txt", trace.encode(), "text/plain"),) if trace else ()
    if row.told.template == "report" and len(raw.content) > LARGEST_ORIGINAL:
        return explained
    return (File("original.eml", raw.content), *explained)
