"""Stage 10: who is the author, and may that person do this here?

Here: the known account, the account to be created, the guest; who wrote a forwarded mail; the permission to add items
or comments. Not here: whether the sender may write at all (`sender`), or the workspace's state (`draft`).
Invariant: an account is made only for an address that is believed, or that the admin's rule takes from a forwarded
mail; the author is always an account, if only the guest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from engine.gates import Findings
from engine.item.target import may_comment
from engine.model.addresses import base_key, key_of
from engine.model.answers import Found, Listed, Standing
from engine.model.desk import Account, AccountStatus
from engine.model.draft import Draft, Mark, NewUser, Target, Verdict, note
from engine.model.facts import Facts, Sender
from engine.model.mail import Address, Mail
from engine.model.questions import AccountByLogin, AccountOf, CatalogOf, GroupNamed, May

if TYPE_CHECKING:
    from engine.config import Config, People
    from engine.lookups import Lookups

LONGEST_NAME = 30
"""Characters of a first or last name that an account is made with (F056)."""


class Author:
    """Name the author."""

    name: ClassVar[str] = "author"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        people = self._config.settings(draft.workspace).people
        found = Findings(self.name, facts, draft)
        if draft.original is not None:
            facts = _for_original(draft.original, facts, people, look, found)
        sender = facts.sender
        account = None if sender.problem else sender.account
        if sender.by_form and not _is_trusted(facts, draft):
            return self._filled_in(facts, draft, people, look, found)
        if account is None and _is_wanted(facts, draft, people) and sender.address.address and not sender.problem:
            user = new_user(sender.address, people, facts.language, look, found, sender.known_there)
            found.note("author.made", Mark.INFO, address=user.address.address)
            return found.draft(author=user.address.address, new_users=(*draft.new_users, user))
        if account is None:
            account = look.ask(AccountByLogin(people.guest_user))
            if account is None:
                return self._nobody(facts, draft, people, look, found)
            found.note("author.guest", Mark.INFO, login=account.login)
        else:
            kind = "author.by_suffix" if sender.matched_by == Found.SUFFIX else "author.known"
            found.note(kind, login=account.login)
        if not self._permitted(account, facts, draft, people, look, found):
            return found.draft()
        if sender.matched_by == Found.DIRECTORY:
            found.note("author.joins", Mark.INFO, login=account.login, address=sender.address.address)
            joins = NewUser(sender.address, "", "", joins=account.login)
            return found.draft(author=account.login, new_users=(*draft.new_users, joins))
        return found.draft(author=account.login)

    def _filled_in(self, facts: Facts, draft: Draft, people: People, look: Lookups, found: Findings) -> Draft:
        """Who filled in a form is the guest, whatever account the address typed there belongs to."""
        account = look.ask(AccountByLogin(people.guest_user))
        if account is None:
            return self._nobody(facts, draft, people, look, found)
        found.note("author.form", Mark.INFO, login=account.login, address=facts.sender.address.address)
        if self._permitted(account, facts, draft, people, look, found):
            return found.draft(author=account.login)
        return found.draft()

    def _nobody(self, facts: Facts, draft: Draft, people: People, look: Lookups, found: Findings) -> Draft:
        """Where the guest has no account, the item keeps the sender's address only; a public workspace lets that be."""
        catalog = look.ask(CatalogOf(draft.workspace))
        if (
            self._on(facts, draft, people, look)
            or people.no_permission_check
            or draft.target is Target.NOTE
            or (catalog is not None and catalog.public)
        ):
            found.note("author.nobody", Mark.INFO, guest=people.guest_user)
            return found.draft(author=people.guest_user)
        found.settle(Verdict.HOLD, "draft.no_permission", note("author.no_guest", guest=people.guest_user))
        return found.draft()

    def _on(self, facts: Facts, draft: Draft, people: People, look: Lookups) -> bool:
        """Tell whether the sender is on the item that is answered, and may write there for that."""
        item = draft.item if draft.target is not Target.NEW_ITEM else None
        return item is not None and may_comment(facts, item, people, look)

    def _permitted(
        self, account: Account, facts: Facts, draft: Draft, people: People, look: Lookups, found: Findings
    ) -> bool:
        """F055, F059: permissions of the workspace, unless they are not to be asked."""
        if draft.target is Target.NOTE or (facts.released is not None and facts.released.item):
            return True
        if people.no_permission_check:
            found.note("author.not_asked", Mark.INFO)
            return True
        if draft.target is Target.NEW_ITEM:
            permission, workspace = "add_items", draft.workspace
        else:
            if self._on(facts, draft, people, look):
                return True
            permission, workspace = "add_comments", draft.item.workspace if draft.item else draft.workspace
        if look.ask(May(account.login, permission, workspace)):
            found.note("author.may", login=account.login, permission=permission, workspace=workspace)
            return True
        policy = people.reply_from_stranger
        if permission == "add_comments" and (policy == "accept" or (policy == "hold" and facts.released is not None)):
            found.note("author.stranger_accepted", Mark.INFO, policy=policy)
            return True
        because = note("author.may_not", login=account.login, permission=permission, workspace=workspace)
        found.settle(Verdict.REJECT, "draft.no_permission", because)
        return False


def _is_wanted(facts: Facts, draft: Draft, people: People) -> bool:
    """Tell whether the sender is to get an account: the directory knows them, a setting says so, or a person did.

    While a directory cannot be asked nobody gets one: it would lack what the directory knows.
    """
    listed = facts.sender.listed
    if listed is not None and listed.standing == Standing.AWAY:
        return _is_trusted(facts, draft)
    return facts.sender.known_there is not None or people.unknown_user == "create" or _is_trusted(facts, draft)


def _is_trusted(facts: Facts, draft: Draft) -> bool:
    """Tell whether a person wants the sender to be known from now on; whom a rule takes from a mail is not meant."""
    return facts.released is not None and facts.released.trust and draft.original is None


def _for_original(address: Address, facts: Facts, people: People, look: Lookups, found: Findings) -> Facts:
    """Go on with who wrote the forwarded mail in place of who forwarded it, unless that account is out of use."""
    match = look.ask(AccountOf(address.key, people.mail_suffix_separators))
    account = match.account
    if account is not None and account.status not in (AccountStatus.ACTIVE, AccountStatus.GUEST):
        found.note("author.original_inactive", Mark.WARN, login=account.login, status=account.status)
        return facts
    found.note("author.original", Mark.INFO, address=address.address, forwarder=facts.sender.address.address)
    return replace(facts, sender=Sender(address, account, match.by))


def new_user(
    address: Address, people: People, language: str, look: Lookups, found: Findings, listed: Listed | None = None
) -> NewUser:
    """Make an account's data from an address and its display name (F056, F060); unknown groups are told.

    What the directory says comes first. Who gives no name is called by the local part of the address.
    """
    listed = listed or Listed()
    first, last = named(listed.name or address.name)
    made = people.create_defaults
    ours = dict.fromkeys((*people.default_group, *((made.group,) if made.group else ())))
    groups: list[str] = []
    for name in (*ours, *listed.groups):
        group = look.ask(GroupNamed(name))
        if group and group not in groups:
            groups.append(group)
        elif not group and name in ours:  # a directory has many that nobody needs here
            found.note("author.no_group", Mark.WARN, group=name)
    first, last = first or made.first_name, last or made.last_name
    if not first and not last:
        first = base_key(address.key).rpartition("@")[0][:LONGEST_NAME]
    others = tuple([each for each in listed.addresses if key_of(each) != address.key])
    return NewUser(address, first, last, tuple(groups), listed.language or language, listed.login, others)


def named(name: str) -> tuple[str, str]:
    """Split a display name: `Ada Lovelace`, or `Lovelace, Ada`; "" for what it does not say."""
    plain = " ".join(name.split())
    plain = "".join(each for each in plain if each.isprintable() and each not in '"<>')
    if "@" in plain:
        return "", ""
    before, comma, behind = plain.partition(", ")
    first, last = (behind, before) if comma else (plain.partition(" ")[0], plain.partition(" ")[2])
    return first[:LONGEST_NAME].strip(), last[:LONGEST_NAME].strip()
