"""What a template may use: every name, always there, as plain text, numbers and lists.

Here: the values of one mail, of which most are those of others, too (`alike.py`). Not here: which names there are
(`names.py`), the templates (`templates.py`), the header of a mail (`contents.py`). Invariant: every name stands in
every mail, empty where there is nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from engine.model.desk import AccountStatus
from engine.model.events import Kind
from engine.outbox import digests
from engine.outbox.alike import alike, date, is_in_a_thread
from engine.outbox.plain import NAME_CHARS, SUBJECT_CHARS, one_line, text
from engine.outbox.reached import reached
from engine.outbox.reading import may_read
from engine.outbox.templates import in_words, render_line
from engine.wording.sentence import sentence
from engine.wording.units import sized

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxContext, OutboxRow
    from engine.store.store import Store

LARGEST_ORIGINAL = 5 << 20
"""Bytes of an original that goes along with a report."""

QUOTED_LINES = 40
"""Lines of the words before that an answer quotes."""

LONGEST_QUOTE = 20_000
"""Characters of them."""

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
    told = row.told
    made = {**alike(row, about, config, language, attached)}
    made["person"] = one_line(_greeted(row, about, store), NAME_CHARS)
    made["roles"] = [str(part) for part in told.parts]
    if told.inside:
        made["note_address"] = reaches.note
        made["why"] = in_words("why", str(told.parts[0]), language) if told.parts else ""
    if is_in_a_thread(row):
        made["unsubscribe"] = reaches.end
        made["reply_reaches"] = reached(row, about, config, store, language)
    if row.kind is Kind.ANSWER and config.settings(about.workspace).replies.quote == "last" and about.quoted.strip():
        made["quote"] = _quote(about, config, language)
    if row.kind is not Kind.AUTO and told.template == "report":
        made |= _report(row, store, now)
    if row.event == "desk.held":
        made |= digests.held(about.workspace, store, _mailboxes(about.workspace, config), now)
    elif row.event == "desk.digest":
        made |= digests.happened(
            row, store, partial(_one_of_many, config, store, language, now),
            partial(may_read, store=store, config=config),
        )  # fmt: skip
    return made


def _one_of_many(
    config: Config, store: Store, language: str, now: datetime, row: OutboxRow, about: OutboxContext
) -> dict[str, object]:
    """The values of a row that goes along with others, and when it happened."""
    said = values(row, about, config, store, Reaches(), language, (False,) * len(about.files), now)
    return {**said, "at": date(row.created_at, config)}


def _mailboxes(workspace: str, config: Config) -> tuple[str, ...]:
    """The mailboxes whose mail goes to a workspace as long as nothing is decided: its own, that of the system."""
    return (workspace, *(("system",) if workspace in ("", config.system.default_workspace) else ()))


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


def _quote(about: OutboxContext, config: Config, language: str) -> str:
    """The last words of who gets it, as mail programs quote them."""
    lines = text(about.quoted[:LONGEST_QUOTE]).strip("\n").split("\n")
    shown = [f"> {line}".rstrip() for line in lines[:QUOTED_LINES]]
    if len(lines) > QUOTED_LINES:
        shown.append("> …")
    said = {"writer": one_line(about.quoted_from, SUBJECT_CHARS), "date": date(about.quoted_at, config)}
    return render_line("words", "wrote", language, said) + "\n" + "\n".join(shown)


def _greeted(row: OutboxRow, about: OutboxContext, store: Store) -> str:
    """The name of who gets it; of somebody without an account that which they wrote themselves."""
    account = store.directory.account_by_id(row.account) if row.account else None
    if account is not None and account.status != AccountStatus.GUEST:
        return account.name
    return row.told.name or (about.name if row.kind is Kind.AUTO else "")


def _trace(row: OutboxRow, store: Store) -> str:
    """Why it was decided so, a line for each remark of a stage; for the admin, who gets the report."""
    from engine.model.trace import decode

    stored = store.archive.trace(row.mail, row.generation) if row.mail else None
    try:
        stages = decode(stored).stages if stored else ()
    except ValueError:
        return ""
    return text("\n".join(f"{stage.name}: {sentence(note)}" for stage in stages for note in stage.notes))
