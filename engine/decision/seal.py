"""Seal: from the draft to the plan, everything that commit needs and nothing else.

Here: the verdict of a draft that came to the end, the effects in the order commit makes them, who is told, and which
folder the mail goes to. Not here: deciding anything about the mail (`stages/`), or doing it (`store/`, `outbox/`).
Invariant: pure; a draft without a workspace, an author and an effect is held; what is not accepted changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.model.addresses import is_one_of
from engine.model.desk import AccountStatus, Kind
from engine.model.draft import Decider, Disposition, Draft, Note, Reply, Target, Verdict, Who, note
from engine.model.facts import Facts
from engine.model.mail import Address, Mail
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CallWebhook,
    CreateItem,
    CreateUser,
    Effect,
    Letter,
    Outcome,
    Plan,
    PostToTopic,
    SendMail,
    SetField,
    Settle,
)
from engine.model.reasons import OUR_FAULT, REASONS
from engine.wording.sentence import sentence

if TYPE_CHECKING:
    from engine.config import Config, Settings

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
_EVENTS = {
    Outcome.CREATED: "item.created",
    Outcome.COMMENT: "item.commented",
    Outcome.NOTE: "item.commented",
    Outcome.HELD: "mail.held",
    Outcome.REJECTED: "mail.rejected",
    Outcome.ERROR: "mail.error",
}

_HEARS = frozenset({AccountStatus.ACTIVE, AccountStatus.GUEST})

_WRITTEN = {Target.COMMENT: "seal.comment", Target.NOTE: "seal.note", Target.TOPIC_POST: "seal.topic_post"}

_NOTED = frozenset({"thread.stranger", "gate.auto_reply"})
"""Codes of the notes that tell why an answer is seen by staff only."""


def seal(mail: Mail, facts: Facts, draft: Draft, config: Config) -> Plan:
    """Make the plan of a draft, settled or not."""
    settings = config.settings(draft.workspace)
    written = Target.NOTE if draft.target is Target.COMMENT and settings.items.log_field == "note" else draft.target
    disposition = draft.disposition or _accepted(draft, written)
    if disposition.verdict is not Verdict.ACCEPT:
        return _not_accepted(mail, facts, draft, disposition, settings, config)
    outcome, _ = _OUTCOMES[written]
    item = draft.item.id if draft.item is not None and draft.target is not Target.NEW_ITEM else 0
    about = 0 if draft.target is Target.TOPIC_POST else item
    effects: tuple[Effect, ...] = (
        *_changes(draft, item, written),
        *_answers(mail, facts, draft, about, settings, config),
        *_dispatches(draft, about),
        *_webhooks(outcome, config),
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
        kind = "seal.fields" if _only_fields(draft) else _WRITTEN[written]
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


def _not_accepted(
    mail: Mail, facts: Facts, draft: Draft, disposition: Disposition, settings: Settings, config: Config
) -> Plan:
    """Nothing changes; the sender and the admin are told as far as they may be."""
    outcome, settle = _UNDONE[disposition.verdict]
    if disposition.verdict is Verdict.DISCARD and disposition.code == "limits.duplicate":
        outcome, settle = Outcome.DUPLICATE, Settle.SUCCESS
    if mail.raw.truncated and disposition.verdict is Verdict.HOLD:
        settle = Settle.NOTHING
    about = draft.item if disposition.verdict is Verdict.DISCARD else None
    item = about.id if about is not None and about.kind is Kind.ITEM else 0
    effects: tuple[Effect, ...] = (
        *_refusals(mail, facts, draft, disposition, settings, config),
        *_reports(disposition, settings),
        *_webhooks(outcome, config),
    )
    return Plan(disposition, outcome, draft.workspace, effects, settle, item)


def _changes(draft: Draft, item: int, written: Target) -> Iterator[Effect]:
    """The effects inside the database: users before the item that names them, then what hangs on the item."""
    yield from map(CreateUser, draft.new_users)
    if draft.target is Target.NEW_ITEM:
        fields = tuple([(change.name, change.value) for change in draft.fields])
        yield CreateItem(
            draft.workspace, draft.title, draft.text, draft.author, fields, draft.quoted, draft.html_part, draft.private
        )
    elif draft.target is Target.TOPIC_POST:
        yield PostToTopic(item, draft.text, draft.author, draft.title, draft.quoted, draft.html_part)
    else:
        if not _only_fields(draft):
            internal = written is Target.NOTE
            yield AddComment(item, draft.text, draft.author, internal, draft.quoted, draft.html_part)
        for change in draft.fields:
            yield SetField(item, change.name, change.value)
    if draft.target is not Target.TOPIC_POST:
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


def _answers(
    mail: Mail, facts: Facts, draft: Draft, item: int, settings: Settings, config: Config
) -> tuple[SendMail, ...]:
    """What the sender hears about an accepted mail (F142), and about an account made for them (F060)."""
    to = answered_to(mail, facts)
    letters = tuple(_letters(to, facts, draft, item, settings, config)) if to else ()
    return letters if letters and _may_answer(mail, facts, config) else ()


def _letters(to: str, facts: Facts, draft: Draft, item: int, settings: Settings, config: Config) -> Iterator[SendMail]:
    """What the sender would hear, were there no doubt that a person reads it."""
    if not settings.people.no_account_notice and draft.original is None:  # no mail to an address read out of a text
        for user in draft.new_users:
            if user.address.address == draft.author:
                yield SendMail(Letter.ACCOUNT, "account", (draft.author,), spoken(facts, config), item=item)
    if draft.no_reply or draft.target is Target.NOTE:
        return
    kind, template = (Letter.ACK, settings.replies.new_item)
    if draft.target is not Target.NEW_ITEM:
        kind, template = (Letter.COMMENT_ACK, settings.replies.new_comment)
    reply = draft.reply or (Reply(template) if template else None)
    if reply is not None:
        language = spoken(facts, config)
        yield SendMail(kind, reply.template, reply.to or (to,), language, text=reply.text, item=item)


def _dispatches(draft: Draft, item: int) -> Iterator[SendMail]:
    """What rules send to others: the mail itself, or word of it."""
    for address in dict.fromkeys(draft.forwards):
        yield SendMail(Letter.FORWARD, "forward", (address,), item=item, automatic=False)
    for person in dict.fromkeys(draft.notifies):
        yield SendMail(Letter.NOTIFY, "notify", (person,), item=item, automatic=False)


def _refusals(
    mail: Mail, facts: Facts, draft: Draft, disposition: Disposition, settings: Settings, config: Config
) -> Iterator[SendMail]:
    """What the sender hears about a mail that was not accepted (F057, F135).

    A person who refuses one writes the sentence for the sender; the code stays that of what held the mail.
    """
    to, reason = _told_at(mail, facts, settings), REASONS.get(disposition.code)
    if not to or reason is None or disposition.verdict is Verdict.DISCARD or draft.no_reply:
        return
    by_person = disposition.by.kind == Who.PERSON
    to_strangers = disposition.code == "gate.unknown_sender" and not by_person
    if to_strangers:
        kind, template = Letter.REJECTED, settings.people.unknown_sender_reply
    elif disposition.verdict is Verdict.HOLD:
        kind, template = Letter.HELD, settings.replies.held
    elif disposition.verdict is Verdict.DEFER:
        kind, template = Letter.HELD, "config_error" if disposition.code in OUR_FAULT else ""
    else:
        kind, template = Letter.REJECTED, settings.replies.rejected
    text = ""
    if draft.reply is not None and disposition.verdict is Verdict.REJECT and not by_person:
        template, text = draft.reply.template or template, draft.reply.text
    if not template or not (to_strangers or _may_hear(facts, settings)):
        return
    if _may_answer(mail, facts, config):
        told = disposition.because if reason.sender or by_person else reason.sentence
        yield SendMail(kind, template, (to,), spoken(facts, config), told, text)


def _told_at(mail: Mail, facts: Facts, settings: Settings) -> str:
    """Where a refusal goes: where an answer does; where only people we know hear of it, to an address of theirs."""
    to, account = answered_to(mail, facts), facts.sender.account
    if not to or account is None or settings.errors.report_incoming_email_errors != "known":
        return to
    theirs = {facts.sender.address.key, *(Address(email).key for email in account.emails)}
    return to if Address(to).key in theirs else facts.sender.address.address


def _may_hear(facts: Facts, settings: Settings) -> bool:
    """`report_incoming_email_errors`: strangers learn nothing from "known", the default."""
    reports = settings.errors.report_incoming_email_errors
    if reports != "known":
        return bool(reports)
    account = facts.sender.account
    return account is not None and account.status in _HEARS and not facts.sender.problem


def _reports(disposition: Disposition, settings: Settings) -> Iterator[SendMail]:
    """F136: the admin gets the original where the reason says so; of what a person refuses they had it before."""
    reason = REASONS.get(disposition.code)
    if reason is not None and reason.admin and disposition.by.kind != Who.PERSON:
        yield from reports(disposition.because, settings)


def reports(because: str, settings: Settings) -> Iterator[SendMail]:
    """A report with the original to each address of `errors.forward_to`."""
    for address in settings.errors.forward_to:
        yield SendMail(Letter.REPORT, "report", (address,), reason=because, automatic=False)


def _webhooks(outcome: Outcome, config: Config) -> Iterator[CallWebhook]:
    event = _EVENTS.get(outcome, "")
    for name, webhook in config.webhooks.items():
        if event in webhook.events:
            yield CallWebhook(name, event)


def answered_to(mail: Mail, facts: Facts) -> str:
    """Where an answer goes: Reply-To if there is one, else From (RFC 5322, 3.6.2); never to ourselves."""
    address = mail.reply_to[0] if mail.reply_to else facts.sender.address
    return "" if is_one_of(address.key, facts.own_addresses) else address.address


def spoken(facts: Facts, config: Config) -> str:
    """The language to answer in: the account's, else the mail's, else the instance's."""
    account = facts.sender.account
    language: str = config.instance.language
    return (account.language if account is not None else "") or facts.language or language


def _may_answer(mail: Mail, facts: Facts, config: Config) -> bool:
    from engine.decision.answering import may_answer

    return may_answer(mail, facts, config)[0]
