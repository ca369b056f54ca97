"""A template tried: the mail that it would make of an item, of a mail, or of a sample.

Here: what such a mail tells of, who would get it. Not here: the other things to do with templates (`templates.py`),
who really hears (`decision/hearing.py`).
Invariant: nothing is sent and nothing is recorded; a sample is signed with no secret, so nothing in it leads anywhere.
"""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.model.addresses import bare, key_of
from engine.model.desk import AccountStatus
from engine.model.draft import Who
from engine.model.events import Kind, Part
from engine.model.hearing import Outgoing
from engine.model.reasons import REASONS
from engine.model.stored import OutboxContext, OutboxRow
from engine.outbox.compose import compose
from engine.outbox.contents import Gone, letter, trial
from engine.outbox.letter import ComposeError
from engine.outbox.samples import event_of, kind_of, sample
from engine.outbox.templates import FORMER, ORIGINALS, spoken
from engine.store.errors import NotFound, Refused
from engine.store.place import was_there
from engine.store.store import Store
from engine.workbench.templates import language_of, templates, unknown

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.desk import Account
    from engine.model.stored import CommentView, EventRow, ItemView, MailRow
    from engine.outbox.letter import Letter

NO_SECRET = bytes(32)
SAMPLE_ITEM, SAMPLE_TOPIC = 4711, 12


class About(Struct, frozen=True):
    """What a trial tells of and to whom: an item or a mail (neither: a sample); "" is what the engine would take."""

    item: int = 0
    mail: str = ""
    to: str = ""
    workspace: str = ""
    language: str = ""


class Tried(Struct, frozen=True):
    """A mail as it would go: the fields of its header as people read them, its text, its HTML ("" without), its files.

    `replaced` says why the text built in took the place of a template that fails, "" where none does.
    """

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    files: tuple[tuple[str, str, int], ...]
    replaced: str = ""


def store_of(config: Config) -> Store:
    """The database, an empty one in memory where none was made yet: to look makes none.

    Raises StoreError, SecretError.
    """
    where = config.store.where
    return Store.open(where if was_there(where) else ":memory:", busy_s=config.store.busy_timeout)


def tried(config: Config, store: Store, name: str, about: About, now: datetime) -> Tried:
    """Make the mail. Raises NotFound, Refused, Unclear."""
    name = FORMER.get(name, name)
    if about.language:
        language_of(config, about.language)
    try:
        made = _letter(config, store, name, about, now)
        known = templates(config, made.workspace)
        if not known.exists(name):
            raise unknown(config, name, made.workspace)
        composed = compose(made, known)
    except (ComposeError, Gone) as error:
        raise Refused(f"no mail can be made of it: {error}") from None
    return _read(composed.content, composed.replaced)


def _letter(config: Config, store: Store, name: str, about: About, now: datetime) -> Letter:
    if not about.item and not about.mail:
        return _sample(config, store, name, about, now)
    mail = _mail(store, about.mail) if about.mail else None
    number = about.item or (mail.item if mail is not None else 0)
    view = store.items.view(number) if number else None
    if number and view is None:
        raise NotFound(f"there is no item #{number}", str(number))
    return letter(_row(config, store, name, about, view, mail, now), store, config, now)


def _mail(store: Store, ref: str) -> MailRow:
    row = store.archive.find_mail(ref)
    if row is None:
        raise NotFound(f"there is no mail {ref}", ref)
    return row


# ── a sample ──────────────────────────────────────────────────────────────────────────────────────────────────


def _sample(config: Config, store: Store, name: str, about: About, now: datetime) -> Letter:
    """A mail of values that fit the template; what the configuration says is said as it stands there."""
    kind, event = kind_of(name), event_of(name)
    person = _person(store, about.to)
    language = about.language or (person.language if person is not None else "")
    language = spoken(language, config.instance.language)
    workspace = about.workspace or next(iter(config.workspaces), "")
    said, settings = sample(name, language), config.settings(workspace)
    said["instance"], said["base_url"] = config.instance.name, config.instance.base_url
    place = config.workspaces.get(workspace)
    said["workspace"] = (place.name if place is not None else "") or workspace
    said["signature"] = settings.replies.signature.strip("\n")
    said["reply_line"] = said["reply_line"] if settings.replies.reply_line else ""
    said["url"] = said["url"] if settings.replies.links and config.instance.base_url else ""
    said["person"] = person.name if person is not None else said["person"]
    topic = event.startswith("topic.")
    is_mail = not event.startswith(("item.", "topic."))
    usual = "anna@example.com" if kind is Kind.NOTICE else "jane@example.org"
    told = Outgoing(
        _address(person, about.to) or usual, name, events=(event,), inside=kind is Kind.NOTICE,
        actor=str(said["actor"]), actor_address="jane@example.org", actor_inside=bool(said["actor_inside"]),
    )  # fmt: skip
    row = OutboxRow(
        0, "sample", kind, event, told, "", 1, 0 if is_mail or topic else SAMPLE_ITEM, SAMPLE_TOPIC if topic else 0,
        "", 1, language, person.id if person is not None else 1, now,
    )  # fmt: skip
    context = OutboxContext(message_id="<sample@example.org>", workspace=workspace)
    return trial(row, context, said, config, NO_SECRET, now)


# ── an item or a mail ─────────────────────────────────────────────────────────────────────────────────────────


def _row(
    config: Config, store: Store, name: str, about: About, view: ItemView | None, mail: MailRow | None, now: datetime
) -> OutboxRow:  # fmt: skip
    """A row as it would stand in the outbox, had the event just happened again."""
    kind, event = kind_of(name), event_of(name)
    workspace = about.workspace or (view.item.workspace if view is not None else mail.workspace if mail else "")
    happened = _happened(store, view, event)
    comment = _comment(view, happened, event)
    ref = mail.mail if mail is not None else _came_with(view, comment)
    to = about.to or _usual(store, kind, view, ref)
    person = _person(store, to)
    address = _address(person, to)
    if not address:
        raise Refused(f"{to} has no address" if to else "say who gets it: --to LOGIN or --to ADDRESS", to)
    inside = person is not None and name not in ORIGINALS and _inside(config, store, person, workspace, view)
    who = store.directory.login(happened.actor) if happened is not None else None
    login = comment.author if comment is not None else view.item.author if view is not None else ""
    who = who or (store.directory.login(login) if login else None)
    told = Outgoing(
        address, name, "", (event,), _parts(kind, person, view, inside=inside), inside and kind is Kind.NOTICE,
        who.name if who is not None else "", who.emails[0] if who is not None and who.emails else bare(login),
        who is not None and _inside(config, store, who, workspace, view), comment.id if comment is not None else 0,
        happened.changes if happened is not None else (), _because(mail, kind) if mail is not None else "",
        mail.code if mail is not None else "", workspace=workspace,
    )  # fmt: skip
    language = about.language or (person.language if person is not None else "") or config.instance.language
    return OutboxRow(
        0, "trial", kind, event, told, ref, mail.generation if mail is not None else 1,
        view.item.id if view is not None else 0, 0, "", 1, language, person.id if person is not None else 0, now,
        key_of(address),
    )  # fmt: skip


def _happened(store: Store, view: ItemView | None, event: str) -> EventRow | None:
    """When it last happened to the item."""
    history = store.history.of_item(view.item.id) if view is not None else []
    return next((each for each in reversed(history) if each.name == event), None)


def _comment(view: ItemView | None, happened: EventRow | None, event: str) -> CommentView | None:
    """The words: those of the event; of one that did not happen yet the newest of its kind."""
    if view is None or event not in ("item.answered", "item.commented", "item.noted"):
        return None
    fitting = [each for each in view.comments if each.internal == (event == "item.noted")]
    wanted = happened.comment if happened is not None else 0
    return next((each for each in fitting if each.id == wanted), fitting[-1] if fitting else None)


def _came_with(view: ItemView | None, comment: CommentView | None) -> str:
    return comment.mail if comment is not None else view.mail if view is not None else ""


def _usual(store: Store, kind: Kind, view: ItemView | None, ref: str) -> str:
    """Who would get it: a notice who is assigned, everything else who asked."""
    if view is not None and kind is Kind.NOTICE and view.item.assigned_to:
        return view.item.assigned_to
    if view is not None:
        return bare(view.item.writer) if "@" in view.item.writer else view.item.author
    row = store.archive.find_mail(ref) if ref else None
    return row.sender if row is not None else ""


def _person(store: Store, who: str) -> Account | None:
    found = store.directory.person(who) if who else None
    if who and found is None and "@" not in who:
        raise NotFound(f"nobody here is called {who}, and it is no address", who)
    return found if found is not None and found.status is not AccountStatus.GUEST else None


def _address(person: Account | None, to: str) -> str:
    if "@" in to:
        return bare(to)
    return person.emails[0] if person is not None and person.emails else ""


def _because(mail: MailRow, kind: Kind) -> str:
    """Why it was not accepted; its sender hears the particulars only where they may."""
    reason = REASONS.get(mail.code)
    told = kind is not Kind.AUTO or reason is None or reason.sender or mail.by.kind == Who.PERSON
    return mail.because if told or reason is None else reason.sentence


def _inside(config: Config, store: Store, person: Account, workspace: str, view: ItemView | None) -> bool:
    """Whether somebody hears of an item from inside."""
    place = config.workspaces.get(workspace)
    owner = place.owner if place is not None else ""
    own = person.login in (owner, view.item.assigned_to if view is not None else "")
    return person.admin or own or store.directory.may(person.login, "edit_items", workspace)


def _parts(kind: Kind, person: Account | None, view: ItemView | None, *, inside: bool) -> tuple[Part, ...]:
    """What they have to do with it, as far as that shows."""
    if kind is Kind.AUTO:
        return (Part.SENDER,)
    if view is not None and person is not None and view.item.assigned_to == person.login:
        return (Part.ASSIGNEE,)
    return (Part.MEMBER,) if inside else (Part.REQUESTER,)


# ── the mail ──────────────────────────────────────────────────────────────────────────────────────────────────


def _read(content: bytes, replaced: str) -> Tried:
    """Take a mail apart as a mail program does."""
    message: Any = email.message_from_bytes(content, policy=email.policy.default)
    own = ("mime-version", "content-type", "content-transfer-encoding")
    fields = zip(message.raw_items(), message.values(), strict=True)
    headers = tuple((name, _shown(raw, str(value))) for (name, raw), value in fields if name.lower() not in own)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    files = tuple(
        (part.get_filename() or "", part.get_content_type(), len(part.get_payload(decode=True) or b""))
        for part in message.iter_attachments()
    )
    said, page = (part.get_content().replace("\r\n", "\n") if part is not None else "" for part in (text, html))
    return Tried(headers, said, page, files, replaced)


def _shown(raw: str, value: str) -> str:
    """The value of a field; `email.policy` puts a blank between two encoded words of a name, where there is none."""
    return str(make_header(decode_header("".join(raw.splitlines())))) if "=?" in raw else value
