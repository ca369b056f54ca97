"""Seal: from the draft to the plan, everything that commit needs and nothing else.

Here: the verdict of a draft that came to the end, the effects in the order commit makes them, and which folder the mail
goes to. Not here: what is told (`telling.py`), deciding anything about the mail (`stages/`), doing it (`store/`).
Invariant: pure; a draft without a workspace, an author and an effect is held; what is not accepted changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.decision import telling
from engine.mail.addresses import is_address
from engine.model.addresses import fits, is_one_of
from engine.model.desk import Kind
from engine.model.draft import Decider, Disposition, Draft, Note, Target, Verdict, Who, note
from engine.model.facts import Auto, Facts
from engine.model.mail import Address, Mail
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CameBack,
    CreateItem,
    CreateUser,
    Effect,
    Outcome,
    Plan,
    PostToTopic,
    SetCopies,
    SetField,
    Settle,
    Unsubscribe,
)
from engine.wording.sentence import sentence

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.gates import People

SEAL = Decider(Who.ENGINE, "seal")

_OUTCOMES = {
    Target.NEW_ITEM: (Outcome.CREATED, "draft.created"),
    Target.COMMENT: (Outcome.COMMENT, "draft.comment"),
    Target.TOPIC_POST: (Outcome.COMMENT, "draft.comment"),
    Target.NOTE: (Outcome.NOTE, "draft.note"),
}
_UNDONE = {
    Verdict.HOLD: (Outcome.HELD, Settle.HOLD),
    Verdict.REJECT: (Outcome.REJECTED, Settle.FAILURE),
    Verdict.DISCARD: (Outcome.DISCARDED, Settle.FAILURE),
    Verdict.DEFER: (Outcome.DEFERRED, Settle.NOTHING),
}
_WRITTEN = {Target.COMMENT: "seal.comment", Target.NOTE: "seal.note", Target.TOPIC_POST: "seal.topic_post"}

_NOTED = frozenset({"thread.stranger", "gate.auto_reply"})
"""Codes of the notes that tell why an answer is seen by staff only."""


def seal(mail: Mail, facts: Facts, draft: Draft, config: Config) -> Plan:
    """Make the plan of a draft, settled or not."""
    settings = config.settings(draft.workspace)
    written = Target.NOTE if draft.target is Target.COMMENT and settings.items.log_field == "note" else draft.target
    disposition = draft.disposition or _accepted(draft, written)
    if disposition.verdict is not Verdict.ACCEPT:
        return _not_accepted(mail, facts, draft, disposition, config)
    outcome, _ = _OUTCOMES[written]
    item = draft.item.id if draft.item is not None and draft.target is not Target.NEW_ITEM else 0
    effects: tuple[Effect, ...] = (
        *_changes(draft, item, written, telling.spoken(facts, config)),
        *_copies(mail, facts, draft, item, written, settings.people),
        *_came_back(facts),
        telling.of_accepted(mail, facts, draft, settings, config),
    )
    return Plan(disposition, outcome, draft.workspace, effects, Settle.SUCCESS, item)


def _accepted(draft: Draft, written: Target) -> Disposition:
    """The verdict of a draft that came to the end: ACCEPT, if it says where, who and what.

    `written` is the target, but a note where every comment is one (`items.log_field`).
    """
    lacks = tuple(_lacks(draft))
    if lacks:
        because = sentence(note("seal.lacks", what=lacks))
        return Disposition(Verdict.HOLD, "draft.undecided", because, SEAL)
    _, code = _OUTCOMES[written]
    if draft.target is Target.NOTE:
        for said in reversed(draft.notes):
            if said.code in _NOTED:  # why it is a note says more than that it is one
                return Disposition(Verdict.ACCEPT, said.code, sentence(said), SEAL)
    made = note("seal.item", workspace=draft.workspace)
    if draft.target is not Target.NEW_ITEM and draft.item is not None:
        workspace = draft.item.workspace or draft.workspace
        kind = "seal.fields" if _only_fields(draft) else "seal.draft" if draft.unsent else _WRITTEN[written]
        made = note(kind, item=draft.item.id, workspace=workspace)
    return Disposition(Verdict.ACCEPT, code, sentence(made), SEAL)


def _lacks(draft: Draft) -> Iterator[Note]:
    """What a draft needs to be accepted and does not say."""
    if not draft.workspace:
        yield note("seal.no_workspace")
    if not draft.author:
        yield note("seal.no_author")
    if draft.target is not Target.NEW_ITEM and draft.item is None:
        yield note("seal.no_item")
    if draft.target is Target.NEW_ITEM and not draft.title:
        yield note("seal.no_title")


def _not_accepted(mail: Mail, facts: Facts, draft: Draft, disposition: Disposition, config: Config) -> Plan:
    """Nothing changes; the sender and the admin are told as far as they may be."""
    outcome, settle = _UNDONE[disposition.verdict]
    if disposition.verdict is Verdict.DISCARD and disposition.code == "limits.duplicate":
        outcome, settle = Outcome.DUPLICATE, Settle.SUCCESS
    if mail.raw.truncated and disposition.verdict is Verdict.HOLD:
        settle = Settle.NOTHING
    about = draft.item if disposition.verdict is Verdict.DISCARD else None
    item = about.id if about is not None and about.kind is Kind.ITEM else 0
    leaves = (Unsubscribe(facts.leaves),) if disposition.code == "thread.unsubscribed" else ()
    effects = (*_came_back(facts), *leaves, telling.of_refused(mail, facts, draft, disposition, config))
    return Plan(disposition, outcome, draft.workspace, effects, settle, item)


def _copies(
    mail: Mail, facts: Facts, draft: Draft, item: int, written: Target, people: People
) -> Iterator[Effect]:  # fmt: skip
    """Who stands in To and Cc beside us: they had this mail, and are to have the answers (F124).

    What nobody proved to be the requester's changes nothing: a forged From would draw answers to any address.
    """
    by_person = facts.automatic.kind is Auto.NONE and not facts.sender.problem
    if not people.cc.copy_unknown or not by_person or written not in (Target.NEW_ITEM, Target.COMMENT):
        return
    if item and not facts.proven:
        return
    found: dict[str, Address] = {}
    for address in (*mail.to, *mail.cc):
        ours = is_one_of(address.key, facts.own_addresses, people.mail_suffix_separators)
        theirs = ours or address.key == facts.sender.address.key or not is_address(address.address)
        if not theirs and not any(fits(pattern, address.address) for pattern in people.cc.never):
            found.setdefault(address.key, address)
    if found or item:  # none is said, too: who is left out there is copied no more
        yield SetCopies(item, tuple(found.values())[: people.cc.limit])


def _came_back(facts: Facts) -> Iterator[Effect]:
    """Our mails that a report says were not delivered; one that is only late is not among them."""
    bounce = facts.bounce
    if bounce is None or not bounce.original_message_id:
        return
    for each in bounce.recipients:
        if each.action == "failed" or (not each.action and each.status.startswith("5")):
            yield CameBack(bounce.original_message_id, each.status, each.diagnostic)


def _changes(draft: Draft, item: int, written: Target, language: str) -> Iterator[Effect]:
    """The effects inside the database: users before the item that names them, then what hangs on the item."""
    yield from map(CreateUser, draft.new_users)
    if draft.target is Target.NEW_ITEM:
        fields = tuple([(change.name, change.value) for change in draft.fields])
        yield CreateItem(
            draft.workspace, draft.title, draft.text, draft.author, fields, draft.quoted, draft.html_part,
            draft.private, language,
        )  # fmt: skip
    elif draft.target is Target.TOPIC_POST:
        yield PostToTopic(item, draft.text, draft.author, draft.title, draft.quoted, draft.html_part)
    else:
        if not _only_fields(draft):
            internal = written is Target.NOTE
            yield AddComment(item, draft.text, draft.author, internal, draft.quoted, draft.html_part, draft.unsent)
        for change in draft.fields:
            yield SetField(item, change.name, change.value)
    if draft.target is not Target.TOPIC_POST and not draft.unsent:
        for label in draft.labels:
            yield AddLabel(item, label)
    for person in draft.people:
        yield AddPerson(item, person.login or person.address.address, person.role)
    for fate in draft.attachments:
        if fate.keep:
            yield Attach(item, fate.attachment)


def _only_fields(draft: Draft) -> bool:
    """Tell whether a reply sets fields and says nothing: then there is nothing to write down."""
    if draft.target is not Target.COMMENT or not draft.fields:
        return False
    return not (draft.text.strip() or draft.html_part or any(fate.keep for fate in draft.attachments))
