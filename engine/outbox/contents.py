"""What an outbox row means: the mail that is to be sent, and everything it is about.

Here: from a row, the stored original, the item and the settings to `SendMail` and `Context`.
Not here: the rows (`store/`), the bytes (`compose.py`). Invariant: what is gone meanwhile (a purged original, a deleted
item) leaves a shorter mail, never a failure.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from engine.model.addresses import written
from engine.model.desk import AccountStatus
from engine.model.plan import Letter, SendMail
from engine.outbox.compose import ComposeError, Context
from engine.wording.sentence import sentence

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxRow
    from engine.store.store import Store

_ORIGINALS = (Letter.REPORT, Letter.FORWARD)
_FIELDS = frozenset(SendMail.__struct_fields__)


def send_mail(row: OutboxRow) -> SendMail:
    """The effect as it was decided. Raises: ComposeError for a row that holds something else."""
    known = {name: value for name, value in row.payload.items() if name in _FIELDS}
    if not {"kind", "template"} <= known.keys():
        raise ComposeError("the outbox row holds no mail")
    return SendMail(
        **{**known, "kind": Letter(known["kind"]), "to": row.to, "automatic": row.automatic, "item": row.item}
    )


def contents(row: OutboxRow, store: Store, config: Config, now: datetime) -> tuple[SendMail, Context]:
    """Gather what a mail is made of. Raises: ComposeError, SecretError."""
    mail = send_mail(row)
    mail = replace(mail, to=tuple(_address(to, store) for to in mail.to))
    about = store.outbox.context(row.id)
    settings, smtp = config.settings(about.workspace), config.smtp
    sender = (settings.errors.from_ if mail.kind in _ORIGINALS else "") or (smtp.from_ if smtp is not None else "")
    account = store.directory.account(about.sender, "").account if about.sender else None
    person = account.name if account is not None and account.status != AccountStatus.GUEST else ""
    raw = store.archive.raw(row.mail) if row.mail and mail.kind in _ORIGINALS else None
    return mail, Context(
        key=row.key,
        sender=sender,
        secret=config.instance.secret(),
        instance=config.instance.name,
        base_url=config.instance.base_url,
        language=config.instance.language,
        workspace=about.workspace,
        workspace_name=config.workspaces[about.workspace].name if about.workspace in config.workspaces else "",
        item=row.topic or row.item,
        kind="t" if row.topic else "i",
        title=about.title,
        person=(person or about.name) if mail.automatic else "",
        writer=written(about.name or person, about.sender),
        subject=about.subject,
        original_id=_bracketed(about.message_id),
        references=about.references,
        reply_address=_reply_address(config, about.workspace),
        reply_token=settings.items.threading.reply_token,
        send_as=person if smtp is not None and smtp.send_as == "user" and mail.kind == Letter.NOTIFY else "",
        message_id=row.message_id,
        original=raw.content if raw is not None else b"",
        trace=_trace(row, store) if mail.kind == Letter.REPORT else "",
        now=now.astimezone(ZoneInfo(config.instance.timezone)),
        headers=settings.replies.headers if mail.automatic else {},
    )


def _trace(row: OutboxRow, store: Store) -> str:
    """Why it was decided so, a line for each remark of a stage; for the admin, who gets the report."""
    from engine.model.trace import decode

    stored = store.archive.trace(row.mail, row.generation) if row.mail else None
    try:
        stages = decode(stored).stages if stored else ()
    except ValueError:
        return ""
    return "\n".join(f"{stage.name}: {sentence(note)}" for stage in stages for note in stage.notes)


def _bracketed(message_id: str) -> str:
    return f"<{message_id.strip().strip('<>')}>" if message_id else ""


def _address(to: str, store: Store) -> str:
    """An address as it stands, or that of the account which a login or a name means."""
    if "@" in to:
        return to
    account = store.directory.person(to)
    if account is None or not account.emails:
        raise ComposeError(f"{to} has no address")
    return account.emails[0]


def _reply_address(config: Config, workspace: str) -> str:
    """The address that is read and where a reply reaches this workspace: its own mailbox, else the system's."""
    for name in (workspace, "system"):
        for box in config.mailboxes:
            if box.name == name and box.active and box.addresses:
                address: str = box.addresses[0]
                return address
    return ""
