"""Stage 6: reports about our own mail, answers of machines, lists, and what nobody here can read.

Here: what becomes of bounces, automatic replies, list mail, encrypted and closed mail.
Not here: how they are recognised (`mail/auto.py`). Invariant: a bounce or an automatic reply never changes an item;
it is discarded, held, or kept as a note on the item it answers, and it is never answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.gates import JUDGES, Findings
from engine.item.target import on_item
from engine.mail.secrecy import closed, encrypted
from engine.model.desk import ItemFacts, Kind
from engine.model.draft import Draft, Mark, Note, Target, note
from engine.model.facts import BouncedRecipient, Facts
from engine.model.mail import Mail
from engine.model.questions import ItemByMessageIds
from engine.stages.sender import forbidden

if TYPE_CHECKING:
    from engine.config import Config, Settings
    from engine.config import Gates as Options
    from engine.lookups import Lookups


class Bounce:
    """Settle what a machine wrote."""

    name: ClassVar[str] = "bounce"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        settings = self._config.settings(draft.workspace)
        found = Findings(self.name, facts, draft)
        gate = JUDGES.get(facts.automatic.kind, "")
        if gate == "bounce":
            item = _about(facts, look)
            if found.trip("bounce", settings.gates.bounce, "gate.bounce", _told(facts, item)):
                return found.draft(item=item)
        elif gate == "auto_reply":
            if _joins(mail, facts, draft, settings.gates, found):
                return found.draft(target=Target.NOTE, item=facts.thread.item)
            because = note("bounce.machine", reason=facts.automatic.reason)
            if found.trip("auto_reply", settings.gates.auto_reply, "gate.auto_reply", because):
                return found.draft()
        elif gate == "mailing_list":
            because = note("bounce.machine", reason=facts.automatic.reason)
            if found.trip("mailing_list", settings.gates.mailing_list, "gate.mailing_list", because):
                return found.draft()
        else:
            found.note("bounce.person")
        if not _encrypted(mail, settings, found):
            _closed(mail, settings.gates, found)
        return found.draft()


def _about(facts: Facts, look: Lookups) -> ItemFacts | None:
    """Find the item that a report is about: by the Message-ID of our mail in it, else by the thread."""
    if facts.bounce and facts.bounce.original_message_id:
        match = look.ask(ItemByMessageIds((facts.bounce.original_message_id,)))
        if match is not None:
            return match.item
    return facts.thread.item


def _told(facts: Facts, item: ItemFacts | None) -> Note:
    """F039: what the report says about whom, and the item it belongs to."""
    recipients = facts.bounce.recipients if facts.bounce is not None else ()
    first = recipients[0] if recipients else BouncedRecipient("")
    return note(
        "bounce.report",
        reason=facts.automatic.reason or facts.automatic.kind,
        recipient=" ".join(part for part in (first.address, first.action, first.status) if part),
        more=max(len(recipients) - 1, 0),
        item=item.id if item is not None else 0,
    )


def _joins(mail: Mail, facts: Facts, draft: Draft, options: Options, found: Findings) -> bool:
    """F040: an automatic reply to an item becomes a note on it, if it proves where it belongs and is not shut out."""
    item = facts.thread.item
    if item is None or item.kind is not Kind.ITEM or draft.start_new or options.auto_reply not in ("hold", "reject"):
        return False
    if any(skip.gate == "auto_reply" for skip in draft.skips):
        return False
    if not facts.thread.proven and not on_item(facts, item):
        found.note("bounce.unproven", Mark.WARN, marker=facts.thread.marker)
        return False
    if (why := forbidden(mail, facts, options)) or facts.authentication.dmarc == "fail":
        found.note("bounce.no_note", Mark.WARN, item=item.id, why=why)
        return False
    found.note("bounce.note", Mark.INFO, "gate.auto_reply", reason=facts.automatic.reason, item=item.id)
    return True


def _encrypted(mail: Mail, settings: Settings, found: Findings) -> bool:
    """Hold what nobody here can read (RFC 8551 enveloped data, RFC 3156, inline PGP)."""
    if not encrypted(mail):
        return False
    verb = settings.attachments.smime_pgp.encrypted
    return found.trip("encrypted", verb, "gate.encrypted", note("bounce.encrypted"))


def _closed(mail: Mail, options: Options, found: Findings) -> bool:
    """Hold a mail whose text stays in a container that could not be opened; it would become an empty item."""
    name = "" if encrypted(mail) else closed(mail)
    return bool(name) and found.trip(
        "closed_container", options.closed_container, "gate.closed_container", note("bounce.closed", name=name)
    )
