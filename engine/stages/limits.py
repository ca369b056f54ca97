"""Stage 2: is this mail one that the machine should work on at all?

Here: size, readability, the virus scanner, content seen before, our own loop, hops, rates; with the settings of the
mailbox. Not here: the same content in the workspace that a rule finds (`route`).
Invariant: nothing here depends on who sent the mail or where it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.gates import VERDICTS, Findings
from engine.mail.rewritten import likely_writer
from engine.model.addresses import is_one_of, key_of
from engine.model.draft import Draft, Mark, note
from engine.model.facts import Facts
from engine.model.mail import Address, Mail
from engine.model.questions import SenderRate, TotalRate, VirusFound

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config import Gates as Options
    from engine.lookups import Lookups


class Limits:
    """Stop what is too big, broken, infected, known, our own or too much."""

    name: ClassVar[str] = "limits"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        options = self._config.settings(facts.workspace).gates
        found = Findings(self.name, facts, draft)
        for stops in (_size, _unreadable, _virus, _duplicate, _loop, _rates):
            if stops(mail, facts, options, look, found):
                break
        return found.draft()


def _size(mail: Mail, facts: Facts, options: Options, look: Lookups, found: Findings) -> bool:
    """F044. A mail of which only the header was taken has nothing to go on with: at least held."""
    size, announced, limit = len(mail.raw.content), mail.raw.origin.size_bytes, options.maximum_email_size
    if mail.raw.truncated:
        verb = options.too_big if options.too_big in VERDICTS else "hold"
        return found.trip("too_big", verb, "fetch.too_big", note("limits.header_only", announced=announced))
    if announced > size:
        found.note("limits.truncated", Mark.WARN, "fetch.truncated", announced=announced, size=size)
    if limit and size > limit:
        because = note("limits.too_big", size=size, limit=limit)
        return found.trip("too_big", options.too_big, "limits.too_big", because)
    found.note("limits.size", size=size, limit=limit)
    return False


def _unreadable(mail: Mail, facts: Facts, options: Options, look: Lookups, found: Findings) -> bool:
    """F048. Odd mail is read as far as it goes; here is only what nobody could tell from noise."""
    if mail.headers and (mail.from_ or mail.subject or mail.message_id or mail.date or mail.to or mail.sender):
        return False
    why = next((defect.detail or defect.code for defect in mail.defects), "")
    return found.trip("unreadable", options.unreadable, "limits.unreadable", note("limits.unreadable", why=why))


def _virus(mail: Mail, facts: Facts, options: Options, look: Lookups, found: Findings) -> bool:
    """F049. Asks the scanner only where one is configured."""
    scanner = options.antivirus
    if not scanner or not scanner.clamd:
        return False
    answer = look.ask(VirusFound())
    if answer in ("clean", "off"):
        found.note("limits.scanned", answer=answer)
        return False
    if answer == "unavailable":
        because = note("limits.scanner_silent")
        return found.trip("antivirus", scanner.unavailable, "gate.virus_unavailable", because)
    return found.trip("antivirus", scanner.infected, "gate.virus", note("limits.virus", virus=answer))


def _duplicate(mail: Mail, facts: Facts, options: Options, look: Lookups, found: Findings) -> bool:
    """F017. Same content, by digest; never by Message-ID, which anybody can claim."""
    if not facts.duplicate_of:
        return False
    because = note("limits.duplicate", mail=facts.duplicate_of)
    return found.trip("duplicate", options.duplicate, "limits.duplicate", because)


def _loop(mail: Mail, facts: Facts, options: Options, look: Lookups, found: Findings) -> bool:
    """F042 and RFC 5321, 6.3: mail that we sent, and mail that goes round."""
    if facts.own_loop:
        return found.trip("own_loop", options.own_loop, "limits.own_loop", note("limits.own_loop"))
    sender, form = facts.sender.address, facts.sender.form
    if form is not None and is_one_of(key_of(form.address), facts.own_addresses):
        sender = Address(form.address)
    if sender.address and is_one_of(sender.key, facts.own_addresses):
        verb = "hold" if options.own_loop == "discard" else options.own_loop  # it may be a person behind a list
        because = note("limits.own_address", address=sender.address, person=likely_writer(mail))
        if found.trip("own_loop", verb, "limits.own_address", because):
            return True
    if options.hop_limit and facts.hops > options.hop_limit:
        because = note("limits.hops", hops=facts.hops, limit=options.hop_limit)
        return found.trip("hop_limit", "discard", "limits.hop_limit", because)
    return False


def _rates(mail: Mail, facts: Facts, options: Options, look: Lookups, found: Findings) -> bool:
    """Mail bombs: what is over a rate is kept and waits for a person, nobody else's mail does."""
    rate = options.mails_per_sender
    key = facts.sender.address.key
    if rate and rate.limit and (count := look.ask(SenderRate(key, int(rate.per)))) >= rate.limit:
        sender = facts.sender.address.address
        because = note("limits.rate_sender", count=count, sender=sender, per=rate.per, limit=rate.limit)
        if found.trip("mails_per_sender", rate.then, "limits.rate_sender", because):
            return True
    rate = options.total_rate
    if rate and rate.limit and (count := look.ask(TotalRate(int(rate.per)))) >= rate.limit:
        because = note("limits.rate_total", count=count, per=rate.per, limit=rate.limit)
        return found.trip("total_rate", rate.then, "limits.rate_total", because)
    return False
