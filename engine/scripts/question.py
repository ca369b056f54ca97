"""The question that guard and activity scripts are asked: mail, item and context as JSON.

Here: what of a mail and a draft scripts get to see, and which kind each field of the item has.
Not here: what becomes of the answer (`stages/guard.py`, `stages/activity.py`), how scripts see it (`hooks/`).
Invariant: both stages ask the very same question, so that one round trip answers both.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.model.desk import Catalog
from engine.model.draft import Draft, Target
from engine.model.facts import Auto, Facts
from engine.model.fields import COMMON, KINDS, ItemFields
from engine.model.hook_request import HookRequest
from engine.model.mail import Address, Mail
from engine.model.questions import CatalogOf

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from engine.config import Config
    from engine.lookups import Lookups

TEXT_CHARS = 500_000
"""Scripts get this much of the text and of the HTML of a mail."""

HEADERS = 400
MOST_SCHEMAS = 256

_encode = msgspec.json.Encoder().encode


def asked(config: Config, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
    """Give the draft with the question in it, where there are scripts to ask and nobody asked yet."""
    if draft.asked is not None or not (config.hooks.guard or config.hooks.activity or draft.hooks):
        return draft
    return replace(draft, asked=request(config, mail, facts, draft, look))


def request(config: Config, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> HookRequest:
    """Make the question."""
    hooks = config.hooks
    settings = config.settings(draft.workspace)
    catalog = look.ask(CatalogOf(draft.workspace)) or Catalog(draft.workspace)
    kinds, fields = _schema(catalog, draft.target, settings.items.fields)
    return HookRequest(
        workspace=draft.workspace,
        guard=hooks.guard,
        activity=(*hooks.activity, *map(script_name, draft.hooks)),
        mail=_encode(_head(mail, facts, draft)),
        item=_item(draft, kinds),
        context=_context(facts, mail),
        raw=mail.raw.digest,
        body=mail.text,
        html=mail.html,
        headers=mail.headers,
        sender=_base(facts.sender.address, settings.people.mail_suffix_separators),
        fields=fields,
    )


def mail_of(asked: HookRequest, wanted: Container[str]) -> bytes:
    """Write the mail as the sandbox takes it: of the long parts those that are wanted."""
    parts = [asked.mail[:-1]]
    if "body" in wanted:
        parts += b',"body":', _encode(asked.body[:TEXT_CHARS])
    if "html" in wanted:
        parts += b',"html":', _encode(asked.html[:TEXT_CHARS])
    if "headers" in wanted:
        parts += b',"headers":', _encode([(each.name, each.value) for each in asked.headers[:HEADERS]])
    return b"".join((*parts, b"}"))


def mail_values(mail: Mail, facts: Facts, draft: Draft) -> dict[str, Any]:
    """Give all that scripts see of a mail."""
    headers = [(each.name, each.value) for each in mail.headers[:HEADERS]]
    long = {"body": mail.text[:TEXT_CHARS], "html": mail.html[:TEXT_CHARS], "headers": headers}
    return {**_head(mail, facts, draft), **long}


class _Schemas(threading.local):
    """The texts of the schemas that a thread needed."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, Target], tuple[Catalog, ItemFields, tuple[bytes, str]]] = {}


_schemas = _Schemas()


def script_name(name: str) -> str:
    """Give the file of a script that a rule names, with or without its ending."""
    return name if name.endswith(".py") else f"{name}.py"


def _head(mail: Mail, facts: Facts, draft: Draft) -> dict[str, Any]:
    """Give what scripts see of a mail, but for its long parts."""
    sender = facts.sender.address
    return {
        "subject": mail.subject,
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
        "attachments": [
            {"name": each.name, "content_type": each.content_type, "size": each.size_bytes}
            for each in [fate.attachment for fate in draft.attachments if fate.keep]
        ],
    }


def _base(sender: Address, separators: str) -> str:
    """Give an address without what a sender may put behind its name at will."""
    local = sender.local
    for each in separators:
        end = local.find(each)
        local = local[:end] if end > 0 else local
    return f"{local}@{sender.domain}".casefold()


def _item(draft: Draft, kinds: bytes) -> bytes:
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
    is_new = b"true" if draft.target is Target.NEW_ITEM else b"false"
    return b'{"schema":%b,"values":%b,"is_new":%b}' % (kinds, _encode(values), is_new)


def _schema(catalog: Catalog, target: Target, common: ItemFields) -> tuple[bytes, str]:
    """Give the text of a schema and its hash, remembered: a workspace has one object as its catalog until a change."""
    known = _schemas.known.get((id(catalog), target))
    if known is not None and known[0] is catalog and known[1] is common:
        return known[2]
    text = _encode(schema(catalog, target, common))
    if len(_schemas.known) >= MOST_SCHEMAS:
        _schemas.known.clear()
    made = text, hashlib.sha256(text).hexdigest()[:16]
    _schemas.known[id(catalog), target] = (catalog, common, made)
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


def _context(facts: Facts, mail: Mail) -> bytes:
    account = facts.sender.account
    user = None
    if account is not None:
        user = {"login": account.login, "name": account.name, "groups": account.groups}
    locale = (account.language if account is not None else "") or facts.language
    return _encode({"now": mail.raw.received_at, "user": user, "locale": locale})


def kept(draft: Draft) -> Sequence[int]:
    """Give the places, in `draft.attachments`, of the attachments that scripts saw."""
    return [index for index, fate in enumerate(draft.attachments) if fate.keep]
