"""What a template may use: every name, always there, as plain text, numbers and lists.

Here: the values of one mail. Not here: which names there are (`names.py`), the templates (`templates.py`), the header
of a mail (`contents.py`). Invariant: every name stands in every mail, empty where there is nothing; outside people get
the words and whether the work is done: no note, no other fact of the item, no reason that is not theirs.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from engine.model.desk import AccountStatus
from engine.model.events import Kind, Why
from engine.model.fields import COMMON
from engine.outbox import digests
from engine.outbox.names import EMPTY
from engine.outbox.plain import NAME_CHARS, SUBJECT_CHARS, one_line, text
from engine.outbox.reading import may_read
from engine.outbox.templates import in_words, render_line
from engine.wording.sentence import sentence
from engine.wording.units import sized
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxContext, OutboxRow
    from engine.store.store import Store

QUOTED_LINES = 40
"""Lines of the words before that an answer quotes."""

LONGEST_QUOTE = 20_000
"""Characters of them."""

LONGEST_WORDS = 100_000
"""Characters of a comment that are sent; the whole stands on the item."""

FILE_CHARS = 150

IN_THE_SENTENCE = ("merged_into", "merged_from")
"""Changes that the sentence of a mail tells."""

ORIGINALS = ("report", "forward", "mailbox")
"""Templates of mails for who looks after a desk, which carry the original of the mail that they are about, if any."""

LARGEST_ORIGINAL = 5 << 20
"""Bytes of an original that goes along with a report."""

COMMANDS = {
    "outbox.held": 'allegra outbox list state:held\nallegra outbox retry ID\nallegra outbox drop ID --reason "…"',
    "hook.disabled": "allegra hooks enable {}",
    "template.failed": "allegra check",
}
"""What can be done about what no mail carries; of a mail it is to look at it."""


class Reaches(NamedTuple):
    """Where a reply goes (to the sender where it is ""), where an internal note does, and what ends mail like it."""

    reply: str = ""
    note: str = ""
    end: str = ""


def values(
    row: OutboxRow, about: OutboxContext, config: Config, store: Store, reaches: Reaches, language: str,
    attached: tuple[bool, ...], now: datetime,
) -> dict[str, object]:  # fmt: skip
    """Give the values of a row; `attached` says of each file of `about` whether it goes along."""
    told, settings = row.told, config.settings(about.workspace)
    made = {**EMPTY, **_of_everybody(row, about, config)}
    made["person"] = one_line(_greeted(row, about, store), NAME_CHARS)
    made["changes"], made["files"] = _changes(row, language), _named(about, attached)
    to_sender, to_inside = row.kind is Kind.AUTO, told.inside or told.template in ORIGINALS
    if to_sender or to_inside:
        made |= {
            "sender": one_line(about.sender, SUBJECT_CHARS),
            "subject": one_line(about.subject, SUBJECT_CHARS),
            "reason": _sentence(_because(row)),
            "code": told.code,
        }
    if to_sender:
        made["text"] = text(told.text).strip("\n")
        made["what_to_do"] = in_words("advice", told.code, language)
        made["account"], made["again_suppressed"] = told.account, told.last
    elif told.template == "report":
        made |= _report(row, store, now)
    elif told.template == "mailbox":
        made |= {"mailbox": _mailbox(row, config), "since": _date(told.since, config)}
    elif _has_words(row):
        made["text"] = text(about.text[:LONGEST_WORDS]).strip("\n")
    if row.event == "desk.held":
        made |= digests.held(about.workspace, store, _mailboxes(about.workspace, config), now)
    elif row.event == "desk.digest":
        made |= digests.happened(
            row, store, partial(_one_of_many, config, store, language, now),
            partial(may_read, store=store, config=config),
        )  # fmt: skip
    if told.inside:
        made |= _facts(about, config) if row.item else {}
        made["note_address"] = reaches.note
        made["why"] = in_words("why", str(told.parts[0]), language) if told.parts else ""
    if not to_sender:
        made["sentence"] = render_line("sentence", row.event, language, made)
        if (row.item or row.topic) and told.template not in ORIGINALS:
            made["reply_line"] = in_words("words", "reply_line", language) if settings.replies.reply_line else ""
            made["reply_reaches"] = _reaches(row, about, config, language)
            made["unsubscribe"] = reaches.end
    if row.kind is Kind.ANSWER and settings.replies.quote == "last" and about.quoted.strip():
        made["quote"] = _quote(about, config, language)
    return made


def _named(about: OutboxContext, attached: tuple[bool, ...]) -> list[dict[str, object]]:
    """The files that came with the words, whether they go along or not."""
    return [
        {"name": one_line(each.name, FILE_CHARS), "size": sized(each.size_bytes), "attached": goes}
        for each, goes in zip(about.files, attached, strict=True)
    ]


def _one_of_many(
    config: Config, store: Store, language: str, now: datetime, row: OutboxRow, about: OutboxContext
) -> dict[str, object]:
    """The values of a row that goes along with others, and when it happened."""
    said = values(row, about, config, store, Reaches(), language, (False,) * len(about.files), now)
    return {**said, "at": _date(row.created_at, config)}


def _mailboxes(workspace: str, config: Config) -> tuple[str, ...]:
    """The mailboxes whose mail goes to a workspace as long as nothing is decided: its own, that of the system."""
    return (workspace, *(("system",) if workspace in ("", config.system.default_workspace) else ()))


def _of_everybody(row: OutboxRow, about: OutboxContext, config: Config) -> dict[str, object]:
    """What may stand in a mail to anybody."""
    told, replies, number = row.told, config.settings(about.workspace).replies, row.topic or row.item
    return {
        "instance": one_line(config.instance.name, NAME_CHARS),
        "base_url": one_line(config.instance.base_url, 500),
        "workspace": one_line(_workspace(config, about.workspace), NAME_CHARS),
        "signature": text(about.signature or replies.signature).strip("\n"),
        "item": number,
        "marker": f"[{'msg' if row.topic else '#'}{number}]" if number else "",
        "title": one_line(about.title or _former_title(row), SUBJECT_CHARS),
        "into": next((f"[{each.after}]" for each in told.changes if each.name == "merged_into"), ""),
        "url": _url(row, config, replies.links),
        "roles": [str(part) for part in told.parts],
        "actor": one_line(told.actor or told.actor_address, NAME_CHARS),
        "actor_inside": told.actor_inside,
        "event": row.event,
    }


def _facts(about: OutboxContext, config: Config) -> dict[str, object]:
    """What people inside see of an item."""
    return {
        "type": one_line(about.type, NAME_CHARS),
        "status": one_line(about.status, NAME_CHARS),
        "priority": one_line(about.priority, NAME_CHARS),
        "assignee": one_line(about.assigned_to, NAME_CHARS),
        "requester": one_line(about.requester, SUBJECT_CHARS),
        "opened": _date(about.opened_at, config),
    }


def _sentence(because: str) -> str:
    """A reason as a sentence: with a capital and a stop."""
    said = one_line(because, 1000)
    return said[:1].upper() + said[1:] + ("." if said and said[-1] not in ".!?:。…)" else "")


def _because(row: OutboxRow) -> str:
    """The reason of a refusal or a report; of mail of ours that is held its code is one."""
    return why_not(Why(row.told.code), "") if row.event == "outbox.held" else row.told.because


def _report(row: OutboxRow, store: Store, now: datetime) -> dict[str, object]:
    """What a report says beside the reason: of a mail how it came to it, whether it goes along, and others like it."""
    if not row.mail:
        return {"text": COMMANDS.get(row.event, "").format(row.told.code)}
    made: dict[str, object] = {"mail": row.mail[:8], "trace": _trace(row, store)}
    made["text"] = f"allegra explain {row.mail[:8]}"
    mail = store.archive.find_mail(row.mail)
    if mail is not None and mail.erased_at is None:
        size = mail.size_bytes
        made["files"] = [{"name": "original.eml", "size": sized(size), "attached": size <= LARGEST_ORIGINAL}]
    return made | (digests.reported(row, store, now) if row.told.collected else {})


def _has_words(row: OutboxRow) -> bool:
    """Whether the words are new: those of a comment or post, or of an item that was just made."""
    return bool(row.told.comment) or "item.created" in row.told.events


def _workspace(config: Config, identifier: str) -> str:
    workspace = config.workspaces.get(identifier)
    return (workspace.name if workspace is not None else "") or identifier


def _url(row: OutboxRow, config: Config, links: bool) -> str:
    """Where a browser would show it; only where an admin says that somebody answers there."""
    if not (links and config.instance.base_url and (row.item or row.topic)):
        return ""
    what = "topics" if row.topic else "items"
    return one_line(f"{config.instance.base_url.rstrip('/')}/{what}/{row.topic or row.item}", 500)


def _greeted(row: OutboxRow, about: OutboxContext, store: Store) -> str:
    """The name of who gets it; of somebody without an account that which they wrote themselves."""
    account = store.directory.account_by_id(row.account) if row.account else None
    if account is not None and account.status != AccountStatus.GUEST:
        return account.name
    return row.told.name or (about.name if row.kind is Kind.AUTO else "")


def _changes(row: OutboxRow, language: str) -> list[dict[str, str]]:
    """What changed; outside people hear of the status and of nothing else."""
    return [
        {"name": one_line(_label(each.name, language), NAME_CHARS), "before": one_line(each.before, 300),
         "after": one_line(each.after, 300)}
        for each in row.told.changes
        if (row.told.inside and each.name not in IN_THE_SENTENCE) or each.name == "status"
    ]  # fmt: skip


def _former_title(row: OutboxRow) -> str:
    """The title of an item that is gone, as its end tells it."""
    return next((each.before for each in row.told.changes if each.name == "title" and not each.after), "")


def _label(name: str, language: str) -> str:
    """A field as people call it."""
    field = COMMON.by_name.get(name)
    label = (field.labels.get(language) or field.labels.get("en") or name) if field is not None else name
    label = label.partition("|")[0]
    return label if "@" in label else label[:1].upper() + label[1:]


def _reaches(row: OutboxRow, about: OutboxContext, config: Config, language: str) -> list[str]:
    """Who reads what is written back: of a note nobody outside; else who asked, and how many with them."""
    if row.event == "item.noted" or row.topic:
        return []
    if not row.told.inside:
        return [one_line(_workspace(config, about.workspace) or config.instance.name, NAME_CHARS)]
    reached = [one_line(about.requester, SUBJECT_CHARS)] if about.requester_address and about.requester else []
    if about.copies:
        reached.append(render_line("words", "copies", language, {"number": about.copies}))
    return reached


def _quote(about: OutboxContext, config: Config, language: str) -> str:
    """The last words of the other side, as mail programs quote them."""
    lines = text(about.quoted[:LONGEST_QUOTE]).strip("\n").split("\n")
    shown = [f"> {line}".rstrip() for line in lines[:QUOTED_LINES]]
    if len(lines) > QUOTED_LINES:
        shown.append("> …")
    said = {"writer": one_line(about.quoted_from, SUBJECT_CHARS), "date": _date(about.quoted_at, config)}
    return render_line("words", "wrote", language, said) + "\n" + "\n".join(shown)


def _mailbox(row: OutboxRow, config: Config) -> str:
    """What is away: the way out, or the mailbox with its server."""
    if row.event.startswith("smtp."):
        return one_line(config.smtp.place if config.smtp is not None else "", NAME_CHARS)
    name = row.told.workspace or "system"
    place = next((box.place for box in config.mailboxes if box.name == name), "")
    return one_line(f"{name} ({place})" if place else name, NAME_CHARS)


def _date(at: datetime | None, config: Config) -> str:
    return f"{at.astimezone(ZoneInfo(config.instance.timezone)):%Y-%m-%d %H:%M}" if at is not None else ""


def _trace(row: OutboxRow, store: Store) -> str:
    """Why it was decided so, a line for each remark of a stage; for the admin, who gets the report."""
    from engine.model.trace import decode

    stored = store.archive.trace(row.mail, row.generation) if row.mail else None
    try:
        stages = decode(stored).stages if stored else ()
    except ValueError:
        return ""
    return text("\n".join(f"{stage.name}: {sentence(note)}" for stage in stages for note in stage.notes))
