"""Stage 4: may this sender write here?

Here: blocked people and texts, the permitted-address pattern, known users only, users who are not active, DMARC and
SPF; with the settings of the workspace. Not here: who the sender is (`decision/facts.py`), or what they may do
(`author`).
Invariant: what stage `bounce` is going to settle passes untouched; a sender whose From is not believed is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.gates import Findings, left_to_bounce, passed
from engine.item.target import on_item
from engine.model.addresses import fits
from engine.model.answers import Found, Listed, Standing
from engine.model.desk import AccountStatus
from engine.model.draft import Draft, Mark, Note, Verdict, note
from engine.model.facts import Facts
from engine.model.mail import Mail
from rules.pattern import Pattern

if TYPE_CHECKING:
    from engine.config import Config, People
    from engine.config import Gates as Options
    from engine.lookups import Lookups

_MAY_WRITE = frozenset({AccountStatus.ACTIVE, AccountStatus.GUEST})


class SenderStage:
    """Stop those who may not write."""

    name: ClassVar[str] = "sender"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        settings = self._config.settings(draft.workspace)
        found = Findings(self.name, facts, draft)
        if facts.leaves:  # whoever sends it: only who got that mail knows the address
            found.settle(Verdict.DISCARD, "thread.unsubscribed", note("sender.leaves", row=facts.leaves))
            return found.draft()
        if gate := left_to_bounce(facts, draft, settings.gates):
            found.note("gate.left", Mark.INFO, gate=gate, reason=facts.automatic.reason)
            return found.draft()
        _judge(mail, facts, settings.gates, settings.people, found)
        return found.draft()


def _judge(mail: Mail, facts: Facts, options: Options, people: People, found: Findings) -> bool:
    """Ask the gates in order; True when one settles the mail."""
    return (
        _blocked(mail, facts, options, found)
        or _not_allowed(facts, options, found)
        or _unknown(facts, options, people, found)
        or _inactive(facts, people, found)
        or _authentication(facts, options, found)
    )


def _blocked(mail: Mail, facts: Facts, options: Options, found: Findings) -> bool:
    why = forbidden(mail, facts, options)
    return why is not None and found.trip("blocked", options.blocked, "gate.blocked", why)


def forbidden(mail: Mail, facts: Facts, options: Options) -> Note | None:
    """Say by which of the blocked lists (F050) this mail is blocked, None if by none."""
    address = facts.sender.address
    form = facts.sender.form.address if facts.sender.form is not None else ""
    for name, text, matches in (
        ("blocked_senders", address.address, fits),
        ("blocked_senders", form, fits),
        ("blocked_names", address.name, Pattern.search),
        ("blocked_bodies", mail.text, Pattern.search),
    ):
        for pattern in getattr(options, name):
            if text and matches(pattern, text):
                shown = "" if name == "blocked_bodies" else text
                return note("sender.blocked", text=shown, pattern=pattern.source, option=name)
    return None


def _not_allowed(facts: Facts, options: Options, found: Findings) -> bool:
    """F037: of two lists (system and workspace) both must match."""
    lists = options.allowed_lists
    if not lists:
        return False
    address = "" if facts.sender.problem else facts.sender.address.address
    if facts.sender.by_form and facts.sender.form is not None:
        address = facts.sender.form.address  # it is the form that is permitted, or is not
    if address and all(any(fits(pattern, address) for pattern in allowed) for allowed in lists):
        found.note("sender.permitted", address=address)
        return False
    because = note("sender.not_permitted", address=address or facts.sender.address.address)
    return found.trip("not_allowed", options.not_allowed, "gate.not_allowed", because)


def _unknown(facts: Facts, options: Options, people: People, found: Findings) -> bool:
    """F036, F054: with `accept` and `create` a stranger is welcome, but not one whose From cannot be believed.

    An answer that proves it belongs to an item (a signed token, a Message-ID of ours) goes on, account or not: from
    somebody on that item it is a comment (F056), from anybody else `people.reply_from_stranger` decides (F046).
    """
    sender, address = facts.sender, facts.sender.address.address
    if sender.through:
        found.note("sender.through", Mark.INFO, list=sender.through, address=address)
    if sender.form is not None and sender.form.why:
        found.note("sender.form_names_nobody", Mark.WARN, form=sender.form.name, why=sender.form.why)
    if sender.problem:
        found.note("sender.not_believed", Mark.WARN, why=sender.problem)
    elif sender.by_form and sender.form is not None:
        found.note("sender.form", Mark.INFO, form=sender.form.name, address=address)
        return False
    elif sender.account is not None:
        if sender.matched_by == Found.DIRECTORY and sender.listed is not None:
            there = {"address": address, "login": sender.account.login, "directory": sender.listed.directory}
            found.note("sender.known_otherwise", **there)
            return False
        found_as = sender.account.emails[0] if sender.matched_by == Found.SUFFIX else ""
        found.note("sender.known", address=address, login=sender.account.login, found_as=found_as)
        return False
    elif sender.listed is not None and (stopped := _listed(facts, sender.listed, found)) is not None:
        return stopped
    if people.unknown_user == "accept" or (people.unknown_user == "create" and not sender.problem):
        found.note("sender.welcome", address=address, policy=people.unknown_user)
        return False
    item = facts.thread.item
    if item is not None and facts.thread.proven and not sender.problem:
        kind = "sender.on_item" if on_item(facts, item) else "sender.answers"
        found.note(kind, Mark.INFO, address=address, item=item.id, way=facts.thread.by)
        return False
    because = note("sender.unknown", address=address)
    if sender.problem:
        because = note("sender.nobody_knows", why=sender.problem)
    return found.trip("unknown_sender", options.unknown_sender, "gate.unknown_sender", because)


def _listed(facts: Facts, listed: Listed, found: Findings) -> bool | None:
    """Go by what the directory says of somebody unknown here; None where it knows nobody either.

    Nobody is held, refused or made a guest because a directory is away: the mail waits for it, unless a person released
    it, or it proves to answer an item that its sender is on.
    """
    said = {"address": facts.sender.address.address, "directory": listed.directory}
    if listed.standing == Standing.KNOWN:
        found.note("sender.listed", **said, login=listed.login, name=listed.name)
        return False
    if listed.standing != Standing.AWAY:
        found.note("sender.not_listed", Mark.INFO, **said, standing=listed.standing)
        return None
    because, item = note("sender.directory_away", **said, why=listed.said), facts.thread.item
    if facts.released is not None:
        found.add(passed(because, "gate.directory_away", facts.released.by))
        return None
    if item is not None and facts.thread.proven and on_item(facts, item):
        found.note("sender.directory_away", Mark.WARN, **said, why=listed.said)
        return None
    return found.trip("unknown_sender", "defer", "gate.directory_away", because) or None


def _inactive(facts: Facts, people: People, found: Findings) -> bool:
    """F043: locked users, those who never finished registering, and what a later release calls otherwise."""
    account = facts.sender.account
    if account is None or facts.sender.problem or account.status in _MAY_WRITE:
        return False
    because = note("sender.inactive", login=account.login, status=account.status)
    return found.trip("inactive_user", people.inactive_user, "gate.inactive_sender", because)


def _authentication(facts: Facts, options: Options, found: Findings) -> bool:
    """F051: results of trusted servers only (RFC 8601), so that a forged From does not act as that person."""
    results, server = facts.authentication, facts.authentication.authserv_id
    if results.dmarc == "fail":
        because = note("sender.dmarc", dmarc=results.dmarc, server=server)
        return found.trip("dmarc", options.dmarc, "gate.dmarc", because)
    if results.spf in ("softfail", "fail") and results.dmarc != "pass":
        because = note("sender.spf", spf=results.spf, server=server)
        return found.trip("spf_softfail", options.spf_softfail, "gate.dmarc", because)
    found.note("sender.authenticated", dmarc=results.dmarc, spf=results.spf, server=server)
    return False
