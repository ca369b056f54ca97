"""The question that guard and activity scripts are asked: mail, item and context as JSON.

Here: what of a mail and a draft scripts get to see, and which kind each field of the item has.
Not here: what becomes of the answer (`stages/guard.py`, `stages/activity.py`), how scripts see it (`hooks/`).
Invariant: both stages ask the very same question, so that one round trip answers both.
"""

from __future__ import annotations

import hashlib
import threading
from operator import is_
from typing import TYPE_CHECKING, Any

import msgspec

from engine.model.desk import Catalog
from engine.model.draft import Draft, Target
from engine.model.facts import Auto, Facts
from engine.model.fields import COMMON, KINDS, ItemFields
from engine.model.mail import Address, Mail
from engine.model.questions import CatalogOf, HookRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config import Config
    from engine.lookups import Lookups

TEXT_CHARS = 500_000
"""Scripts get this much of the text and of the HTML of a mail."""

HEADERS = 400
MOST_SCHEMAS = 256

_encode = msgspec.json.Encoder().encode


def request(config: Config, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> HookRequest:
    """Make the question; asked twice about the same mail and draft, it is the same object."""
    parts = (
        *(config, mail, facts, draft.workspace, draft.target, draft.item, draft.title, draft.text, draft.private),
        *(draft.fields, draft.labels, draft.attachments, draft.hooks),
    )
    if len(_last.parts) == len(parts) and all(map(is_, _last.parts, parts)):
        return _last.made
    hooks = config.hooks
    common = config.settings(draft.workspace).items.fields
    catalog = look.ask(CatalogOf(draft.workspace)) or Catalog(draft.workspace)
    kinds, fields = _schema(catalog, draft.target, common)
    made = HookRequest(
        workspace=draft.workspace,
        guard=hooks.guard,
        activity=(*hooks.activity, *(script_name(name) for name in draft.hooks)),
        mail=_encode(mail_values(mail, facts, draft)).decode(),
        item=_item(draft, kinds),
        context=_context(facts, mail),
        sender=_base(facts.sender.address, config.settings(draft.workspace).people.mail_suffix_separators),
        fields=fields,
    )
    _last.parts, _last.made = parts, made
    return made


class _Last(threading.local):
    """What a thread asked last, and the texts of the schemas it needed."""

    def __init__(self) -> None:
        self.parts: tuple[Any, ...] = ()
        self.made = HookRequest("", (), (), "", "", "")
        self.schemas: dict[tuple[int, Target], tuple[Catalog, ItemFields, tuple[str, str]]] = {}


_last = _Last()


def script_name(name: str) -> str:
    """Give the file of a script that a rule names, with or without its ending."""
    return name if name.endswith(".py") else f"{name}.py"


def mail_values(mail: Mail, facts: Facts, draft: Draft) -> dict[str, Any]:
    """Give what scripts see of a mail."""
    sender = facts.sender.address
    return {
        "subject": mail.subject,
        "body": mail.text[:TEXT_CHARS],
        "html": mail.html[:TEXT_CHARS],
        "from_address": sender.address,
        "from_name": sender.name,
        "to": [each.address for each in mail.to],
        "cc": [each.address for each in mail.cc],
        "reply_to": mail.reply_to[0].address if mail.reply_to else "",
        "message_id": mail.message_id,
        "date": mail.date,
        "size": len(mail.raw.content),
        "is_reply": facts.thread.item is not None or bool(mail.in_reply_to or mail.references),
        "is_auto": facts.automatic.kind is not Auto.NONE,
        "project": draft.workspace,
        "headers": [(each.name, each.value) for each in mail.headers[:HEADERS]],
        "attachments": [
            {
                "name": fate.attachment.name,
                "content_type": fate.attachment.content_type,
                "size": fate.attachment.size_bytes,
            }
            for fate in draft.attachments
            if fate.keep
        ],
    }


def _base(sender: Address, separators: str) -> str:
    """Give an address without what a sender may put behind its name at will."""
    end = min((at for each in separators if (at := sender.local.find(each)) > 0), default=len(sender.local))
    return f"{sender.local[:end]}@{sender.domain}".casefold()


def _item(draft: Draft, kinds: str) -> str:
    known = {**(dict(draft.item.fields) if draft.item else {}), **{each.name: each.value for each in draft.fields}}
    values: dict[str, Any] = {"workspace": draft.workspace, "tags": list(draft.labels), **known}
    if draft.item is not None and draft.target is not Target.NEW_ITEM:
        facts = draft.item
        for name, value in (("title", facts.title), ("type", facts.type), ("status", facts.status)):
            values.setdefault(name, value)
        values["id"] = facts.id
        values["comment"] = draft.text
        values.setdefault("private", facts.private)
    else:
        values["title"], values["description"], values["private"] = draft.title, draft.text, draft.private
    is_new = "true" if draft.target is Target.NEW_ITEM else "false"
    return f'{{"schema":{kinds},"values":{_encode(values).decode()},"is_new":{is_new}}}'


def _schema(catalog: Catalog, target: Target, common: ItemFields) -> tuple[str, str]:
    """Give the text of a schema and its hash, remembered: a workspace has one object as its catalog until a change."""
    known = _last.schemas.get((id(catalog), target))
    if known is not None and known[0] is catalog and known[1] is common:
        return known[2]
    text = _encode(schema(catalog, target, common)).decode()
    if len(_last.schemas) >= MOST_SCHEMAS:
        _last.schemas.clear()
    made = text, hashlib.sha256(text.encode()).hexdigest()[:16]
    _last.schemas[id(catalog), target] = (catalog, common, made)
    return made


def schema(catalog: Catalog, target: Target, common: ItemFields = COMMON) -> dict[str, str]:
    """Give the kind of every field of an item of this workspace; notes and posts change none but their text."""
    fixed = target in (Target.NOTE, Target.TOPIC_POST)
    is_new = target is Target.NEW_ITEM
    found = {"id": "ro", "workspace": "line" if is_new else "ro", "title": "ro" if fixed else "line"}
    found["description" if is_new else "comment"] = "text"
    for field in common.set_by("hook"):
        found.setdefault(field.name, "ro" if fixed else KINDS[field.kind].hooks)
    found["tags"] = "ro" if target is Target.TOPIC_POST else "list"
    for own in catalog.fields:
        kind = "list" if own.multiple else KINDS.get(own.kind, KINDS["text"]).hooks
        found.setdefault(own.name, "ro" if fixed else kind)
    for other, name in (("labels", "tags"), *common.other_names.items()):
        found.setdefault(other, f"={name}")
    return found


def _context(facts: Facts, mail: Mail) -> str:
    account = facts.sender.account
    user = None
    if account is not None:
        user = {"login": account.login, "name": account.name, "groups": account.groups}
    locale = (account.language if account is not None else "") or facts.language
    return _encode({"now": mail.raw.received_at, "user": user, "locale": locale}).decode()


def kept(draft: Draft) -> Sequence[int]:
    """Give the places, in `draft.attachments`, of the attachments that scripts saw."""
    return [index for index, fate in enumerate(draft.attachments) if fate.keep]
