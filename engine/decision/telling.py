"""What there is to tell of a decision: from the draft to `Tell`, for whoever is to hear.

Here: where an automatic answer goes, by which template or why not, whom rules name, whether the words are proven.
Not here: who hears it (`hearing.py`), the changes of the plan (`seal.py`), whether a machine may answer at all
(`answering.py`). Invariant: pure; strangers learn no more than `report_incoming_email_errors` lets them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engine.decision.answering import may_answer
from engine.mail import dates
from engine.model.addresses import is_one_of
from engine.model.desk import AccountStatus
from engine.model.draft import Disposition, Draft, Target, Verdict, Who
from engine.model.events import Why
from engine.model.facts import Auto, Facts
from engine.model.mail import Address, Mail
from engine.model.plan import Tell
from engine.model.reasons import OUR_FAULT, REASONS

if TYPE_CHECKING:
    from engine.config import Config, Settings

_HEARS = frozenset({AccountStatus.ACTIVE, AccountStatus.GUEST})

_REFUSED = {
    Verdict.HOLD: "mail.held", Verdict.REJECT: "mail.rejected", Verdict.DEFER: "mail.waits",
    Verdict.DISCARD: "mail.discarded",
}  # fmt: skip


def of_accepted(mail: Mail, facts: Facts, draft: Draft, settings: Settings, config: Config) -> Tell:
    """What is told of a mail that made or changed something; what that was is found when it is committed."""
    to = answered_to(mail, facts)
    account = _tells_account(draft, settings)
    template, text, no_answer = _answer(draft, settings)
    if not template and account:
        template, no_answer = "account", None
    if not template and no_answer is None:
        to = ""
    unanswerable = may_answer(mail, facts, config)[1] if to and template and no_answer is None else ""
    return Tell(
        answer_to=to, unanswerable=unanswerable, language=spoken(facts, config), template=template, text=text,
        no_answer=no_answer, named=tuple(dict.fromkeys(draft.notifies)), forwards=tuple(dict.fromkeys(draft.forwards)),
        copied=_copied(mail), account=account, machine=_machine(facts),
        proven=facts.proven, personal=facts.personal, arrived_at=_arrived(mail), ordered=draft.reply is not None,
    )  # fmt: skip


def _tells_account(draft: Draft, settings: Settings) -> bool:
    """F060: an account was made for the sender, who hears of it; no mail to an address read out of a text."""
    made = [user.address.address for user in draft.new_users]
    return draft.author in made and not settings.people.no_account_notice and draft.original is None


def _answer(draft: Draft, settings: Settings) -> tuple[str, str, Why | None]:
    """The template and the text of the automatic answer (F142), or why there is none.

    A comment that no setting answers has nobody who waits for an answer: then it is not even considered.
    """
    if draft.reply is not None and not draft.no_reply:
        return draft.reply.template, draft.reply.text, None
    if draft.target is Target.NOTE:
        return "", "", None
    if draft.no_reply:
        return "", "", Why.RULE
    if draft.target is Target.NEW_ITEM:
        template = settings.replies.new_item
        return template, "", None if template else Why.NO_TEMPLATE
    return settings.replies.new_comment, "", None


def of_refused(mail: Mail, facts: Facts, draft: Draft, disposition: Disposition, config: Config) -> Tell:
    """What is told of a mail that changed nothing (F057, F135, F136).

    A person who refuses one writes the sentence for the sender; the code stays that of what held the mail. The admin
    hears where the reason says so; of what a person refuses they had it before.
    """
    settings = config.settings(draft.workspace)
    reason, by_person = REASONS.get(disposition.code), disposition.by.kind == Who.PERSON
    event = _REFUSED[disposition.verdict]
    if disposition.verdict is Verdict.DISCARD and disposition.code == "limits.duplicate":
        event = "mail.duplicate"
    to = "" if disposition.verdict is Verdict.DISCARD else _told_at(mail, facts, settings)
    template, text = _refusal(draft, disposition, settings)
    to_strangers = _is_for_strangers(disposition, settings)
    no_answer: Why | None = None
    if draft.no_reply:
        no_answer = Why.RULE
    elif not template:
        no_answer = Why.NO_TEMPLATE
    elif not (to_strangers or _may_hear(facts, settings)):
        no_answer = Why.STRANGER
    unanswerable = may_answer(mail, facts, config)[1] if to and no_answer is None else ""
    told = disposition.because if reason is None or reason.sender or by_person else reason.sentence
    return Tell(
        event, to, unanswerable, spoken(facts, config), template, text, no_answer, disposition.because, told,
        disposition.code, report=_is_reported(disposition.code, settings) and not by_person,
        copied=_copied(mail), machine=_machine(facts), arrived_at=_arrived(mail),
    )  # fmt: skip


def _refusal(draft: Draft, disposition: Disposition, settings: Settings) -> tuple[str, str]:
    """The template and the text for the sender of a mail that was not accepted."""
    by_person = disposition.by.kind == Who.PERSON
    if _is_for_strangers(disposition, settings):
        template = settings.people.unknown_sender_reply
    elif disposition.verdict is Verdict.HOLD:
        template = settings.replies.held
    elif disposition.verdict is Verdict.DEFER:
        template = "waits" if disposition.code in OUR_FAULT else ""
    else:
        template = settings.replies.rejected
    if draft.reply is not None and disposition.verdict is Verdict.REJECT and not by_person:
        return draft.reply.template or template, draft.reply.text
    return template, ""


def _is_for_strangers(disposition: Disposition, settings: Settings) -> bool:
    """Tell whether a setting has words for senders nobody knows; without it they are as others are."""
    by_person = disposition.by.kind == Who.PERSON
    return disposition.code == "gate.unknown_sender" and not by_person and bool(settings.people.unknown_sender_reply)


def _is_reported(code: str, settings: Settings) -> bool:
    """Tell whether admins hear of mail that ends so: the reason says it, or errors.reports_also."""
    reason, also = REASONS.get(code), settings.errors.reports_also
    return (reason is not None and reason.admin) or code in also or code.rpartition(".")[0] in also


def of_failure(because: str, code: str) -> Tell:
    """What is told of a mail that the machine broke on: admins get the original."""
    return Tell("mail.failed", because=because, code=code, report=True)


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


def answered_to(mail: Mail, facts: Facts) -> str:
    """Where an answer goes: Reply-To if there is one in the domain of From or From is proven, else From.

    RFC 5322, 3.6.2 lets anybody name any address there: without a proof it would make us write to strangers, and give a
    neighbour in a large domain the reply address of an item. Whom a form names gets it, and nobody else. Never to
    ourselves.
    """
    sender = facts.sender.address
    address = mail.reply_to[0] if mail.reply_to else sender
    if address is not sender and facts.authentication.dmarc != "pass":
        near = address.key.rpartition("@")[2] == sender.key.rpartition("@")[2]
        new = facts.thread.item is None
        address = address if near and (new or facts.proven) else sender
    if facts.sender.by_form:
        address = sender
    return "" if is_one_of(address.key, facts.own_addresses) else address.address


def spoken(facts: Facts, config: Config) -> str:
    """The language to answer in: the account's, else the mail's, else the instance's."""
    account = facts.sender.account
    language: str = config.instance.language
    return (account.language if account is not None else "") or facts.language or language


def _machine(facts: Facts) -> Auto | None:
    return None if facts.automatic.kind is Auto.NONE else facts.automatic.kind


def _arrived(mail: Mail) -> datetime:
    """When a mail reached us: the topmost Received was written by our own server and survives every move."""
    received = mail.fields.get("received")
    at = dates.read([received[0].rpartition(";")[2].lstrip()], []) if received else None
    return at or mail.raw.received_at


def _copied(mail: Mail) -> tuple[str, ...]:
    return tuple([address.key for address in (*mail.to, *mail.cc)])
