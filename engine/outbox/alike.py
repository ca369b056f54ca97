"""What all mails say that tell the same thing, whoever gets them: the values that are nobody's own.

Here: those values. Not here: the values of one mail (`values.py`), which names there are (`names.py`). Invariant: they
are made of what is given and of nothing else, so that they can be remembered and are never out of date; outside people
get the words and whether the work is done: no note, no other fact of the item, no reason that is not theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from engine.model.events import Kind, Why
from engine.model.fields import COMMON
from engine.model.stored import OutboxRow
from engine.outbox.names import EMPTY
from engine.outbox.plain import NAME_CHARS, SUBJECT_CHARS, one_line, text
from engine.outbox.templates import ORIGINALS, in_words, render_line
from engine.store.database import EPOCH
from engine.wording.units import sized
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxContext

LONGEST_WORDS = 100_000
"""Characters of a comment that are sent; the whole stands on the item."""

FILE_CHARS = 150

IN_THE_SENTENCE = ("merged_into", "merged_from", "published")
"""Changes that the sentence of a mail tells."""


def alike(
    row: OutboxRow, about: OutboxContext, config: Config, language: str, attached: tuple[bool, ...]
) -> Mapping[str, object]:  # fmt: skip
    """Give the values of a row that are those of every row which tells the same to the same side in that language."""
    told = replace(row.told, to="", name="", parts=())
    about = replace(about, quoted="", quoted_from="", quoted_at=None, last_id="")
    to_anybody = OutboxRow(0, "", row.kind, row.event, told, "", 0, row.item, row.topic, "", 0, "", 0, EPOCH)
    return _made(to_anybody, about, config, language, attached)


def is_in_a_thread(row: OutboxRow) -> bool:
    """Tell whether a mail is about an item or topic, and a reply to it is read there."""
    return row.kind is not Kind.AUTO and bool(row.item or row.topic) and row.told.template not in ORIGINALS


def date(at: datetime | None, config: Config) -> str:
    """A time as people read it where the installation is, "" for none."""
    return f"{at.astimezone(ZoneInfo(config.instance.timezone)):%Y-%m-%d %H:%M}" if at is not None else ""


@lru_cache(maxsize=4)
def _made(
    row: OutboxRow, about: OutboxContext, config: Config, language: str, attached: tuple[bool, ...]
) -> Mapping[str, object]:  # fmt: skip
    told, settings = row.told, config.settings(about.workspace)
    made = {**EMPTY, **_of_everybody(row, about, config)}
    made["changes"], made["files"] = _changes(row, language), _named(about, attached)
    to_sender, to_inside = row.kind is Kind.AUTO, told.inside or told.template in ORIGINALS
    if to_sender or to_inside:
        made |= {
            "sender": one_line(about.sender, SUBJECT_CHARS),
            "subject": one_line(about.subject or (settings.gates.default_title if about.mail else ""), SUBJECT_CHARS),
            "reason": _sentence(_because(row)),
            "code": told.code,
        }
    if to_sender:
        made["text"] = text(told.text).strip("\n")
        made["what_to_do"] = in_words("advice", told.code, language)
        made["account"], made["again_suppressed"] = told.account, told.last
    elif told.template == "mailbox":
        made |= {"mailbox": _mailbox(row, config), "since": date(told.since, config)}
    elif told.template != "report" and _has_words(row):
        made["text"] = text(about.text[:LONGEST_WORDS]).strip("\n")
    if told.inside and row.item:
        made |= _facts(about, config)
    if not to_sender:
        made["sentence"] = render_line("sentence", "published" if told.author else row.event, language, made)
    if is_in_a_thread(row):
        made["reply_line"] = in_words("words", "reply_line", language) if settings.replies.reply_line else ""
    return made


def _named(about: OutboxContext, attached: tuple[bool, ...]) -> list[dict[str, object]]:
    """The files that came with the words, whether they go along or not."""
    return [
        {"name": one_line(each.name, FILE_CHARS), "size": sized(each.size_bytes), "attached": goes}
        for each, goes in zip(about.files, attached, strict=True)
    ]


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
        "comment": told.comment,
        "title": one_line(about.title or _former_title(row), SUBJECT_CHARS),
        "into": next((f"[{each.after}]" for each in told.changes if each.name == "merged_into"), ""),
        "url": _url(row, config, replies.links),
        "actor": one_line(told.actor or told.actor_address, NAME_CHARS),
        "actor_inside": told.actor_inside,
        "author": one_line(told.author, NAME_CHARS),
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
        "opened": date(about.opened_at, config),
    }


def _sentence(because: str) -> str:
    """A reason as a sentence: with a capital and a stop."""
    said = one_line(because, 1000)
    return said[:1].upper() + said[1:] + ("." if said and said[-1] not in ".!?:。…)" else "")


def _because(row: OutboxRow) -> str:
    """The reason of a refusal or a report; of mail of ours that is held its code is one."""
    return why_not(Why(row.told.code), "") if row.event == "outbox.held" else row.told.because


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


def _mailbox(row: OutboxRow, config: Config) -> str:
    """What is away: the way out, or the mailbox with its server."""
    if row.event.startswith("smtp."):
        return one_line(config.smtp.place if config.smtp is not None else "", NAME_CHARS)
    name = row.told.workspace or "system"
    place = next((box.place for box in config.mailboxes if box.name == name), "")
    return one_line(f"{name} ({place})" if place else name, NAME_CHARS)
