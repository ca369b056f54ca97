"""Who seems to write: From, a list that passes mail on, a web form; the account, and what a directory says.

Here: which address counts and why it is believed, whose account that is, who is looked up in a directory. Not here:
reading addresses and forms (`mail/`), what follows from it (`stages/sender.py`, `stages/author.py`).
Invariant: a From that is not believed belongs to nobody (F053). Whom a form names has no account: that address was
typed by anybody, so it is never more than a guest. A directory is asked about nobody who has an account here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.mail import addresses, auth, form_fields, rewritten
from engine.model.addresses import is_one_of, key_of
from engine.model.answers import Found, Standing
from engine.model.desk import AccountStatus
from engine.model.facts import Authentication, Form, Sender
from engine.model.mail import Mail
from engine.model.questions import AccountOf, ListedIn

if TYPE_CHECKING:
    from engine.config import Config, People, Settings
    from engine.lookups import Lookups

MOST_ASKED = 10
"""Further addresses of a person in the directory that may belong to an account here."""

_MAY_WRITE = frozenset({AccountStatus.ACTIVE, AccountStatus.GUEST})


def sender(mail: Mail, settings: Settings, proof: Authentication, config: Config, look: Lookups) -> Sender:
    """Say who seems to write, and whose account that is (F052, F053, F061)."""
    people = settings.people
    address, problem = addresses.sender(mail)
    if problem or not address.address:
        return Sender(address, problem=problem or "there is no address in From")
    through = ""
    if address.key in map(key_of, people.rewriters):
        writer = rewritten.original_sender(mail)
        if writer is None or proof.dmarc != "pass" or not rewritten.vouched(mail, writer):
            return Sender(address, problem=f"{address.address} passes on mail, and nothing proves whose this is")
        address, through = writer, address.address
    form = None
    if people.forms and not through:
        found = _by_form(mail, settings, proof, config, look)
        if found is not None and found.by_form:
            return found
        form = found.form if found is not None else None
    match = look.ask(AccountOf(address.key, people.mail_suffix_separators))
    if match.account is None and is_one_of(address.key, config.own, people.mail_suffix_separators):
        return Sender(address, problem=f"{address.address} is an address of ours", through=through, form=form)
    return listed(Sender(address, match.account, match.by, through=through, form=form), people, look)


def listed(known: Sender, people: People, look: Lookups) -> Sender:
    """Add what the directory of these settings says of somebody who has no account by that address.

    Who has one by another address that the directory knows of the same person is that account.
    """
    if known.listed is not None and known.listed.directory == people.directory:
        return known
    if known.matched_by == Found.DIRECTORY:
        known = replace(known, account=None, matched_by=Found.NOT)
    if known.listed is not None:
        known = replace(known, listed=None)
    if not people.directory or known.account is not None or known.problem or known.by_form:
        return known
    said = look.ask(ListedIn(people.directory, known.address.key))
    if said.standing == Standing.KNOWN:
        for other in said.addresses[:MOST_ASKED]:
            account = look.ask(AccountOf(key_of(other), "")).account
            if account is not None:
                return replace(known, account=account, matched_by=Found.DIRECTORY, listed=said)
    return replace(known, listed=said)


def _by_form(
    mail: Mail, settings: Settings, proof: Authentication, config: Config, look: Lookups
) -> Sender | None:  # fmt: skip
    """Say whom a web form names; None where From is no form's. One that is not believed says why."""
    people, trusted = settings.people, settings.gates.trusted_authserv_ids
    key, address = mail.from_[0].key, mail.from_[0].address
    name, form = next(((name, form) for name, form in people.forms.items() if key_of(form.from_) == key), ("", None))
    if form is None:
        return None
    if proof.dmarc != "pass" and not (proof.dmarc == "none" and auth.vouched_for(mail, trusted, mail.from_[0].domain)):
        said = f"dmarc={proof.dmarc}" if proof.authserv_id else "no trusted server says anything"
        return Sender(form=Form(name, address, f"nothing proves that the form sent it ({said})"))
    if form.identity == "reply-to":
        found = form_fields.replied_to(mail)
    else:
        found = form_fields.written(mail, form.fields.email, form.fields.name)
    if isinstance(found, str):
        return Sender(form=Form(name, address, found))
    if found.key == key or is_one_of(found.key, config.own, people.mail_suffix_separators):
        whose = "the address of the form itself" if found.key == key else "an address of ours"
        return Sender(form=Form(name, address, f"it names {whose}"))
    match = look.ask(AccountOf(found.key, people.mail_suffix_separators))
    locked = match.account if match.account is not None and match.account.status not in _MAY_WRITE else None
    return Sender(found, locked, match.by if locked else Found.NOT, form=Form(name, address))
