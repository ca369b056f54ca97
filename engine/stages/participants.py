"""Stage 11: the other people on the mail become editors, readers or watchers.

Here: who of To and Cc joins the item and as what, and the people that rules name.
Not here: the author (`author`).
Invariant: at most `people.cc.limit` people join by being on the mail; own addresses, the sender and lists never do, nor
who is on the item already, but for the assignee, who may be another one tomorrow; a note or a post brings nobody in,
and what nobody proved to be of its sender none but those who work there: a forged From would let anybody in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.gates import Findings
from engine.model.addresses import fits, is_one_of, key_of
from engine.model.desk import Account, AccountStatus
from engine.model.draft import Draft, Mark, NewUser, PersonChange, Role, Target
from engine.model.facts import Facts
from engine.model.mail import Address, Mail
from engine.model.questions import AccountOf, May, PersonNamed
from engine.stages.author import new_user

if TYPE_CHECKING:
    from engine.config import Config, People
    from engine.config.gates import Cc
    from engine.lookups import Lookups

MOST_ASKED = 200
"""Addresses of one mail that are looked up at all."""

MOST_NAMED = 5
"""Addresses that stay out and are named in the trace; the others are counted."""


class Participants:
    """Let people join the item."""

    name: ClassVar[str] = "participants"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        alone = not mail.to or (len(mail.to) == 1 and mail.to[0].key in facts.own_addresses)
        if alone and not (mail.cc or draft.people):
            return draft
        people = self._config.settings(draft.workspace).people
        found = Findings(self.name, facts, draft)
        if draft.target in (Target.NOTE, Target.TOPIC_POST):
            found.note("participants.none", Mark.INFO, target=draft.target)
            return found.draft(people=())
        joining = _Joining(facts, draft, people, look, found)
        for person in draft.people:
            joining.named(person)
        role = draft.cc_role or _role(people.cc)
        if role is not None:
            joining.on_mail((*mail.cc, *mail.to) if people.cc.also_to else mail.cc, role)
        return found.draft(people=tuple(joining.people), new_users=(*draft.new_users, *joining.new_users))


def _role(options: Cc) -> Role | None:
    """F123, F122: editor before reader before watcher; None where nobody joins."""
    if options.add_cc_as_editor:
        return Role.EDITOR
    if options.add_cc_as_reader:
        return Role.READER
    return Role.WATCHER if options.add_cc_as_watcher else None


class _Joining:
    """The people who join while they are found; lives within one call of `decide`."""

    def __init__(self, facts: Facts, draft: Draft, people: People, look: Lookups, found: Findings) -> None:
        self._facts, self._draft, self._options, self._look, self._found = facts, draft, people, look, found
        self.people: list[PersonChange] = []
        self.new_users: list[NewUser] = []
        self._assignee = dict(draft.item.fields).get("assigned_to") if draft.item is not None else None
        self._unknown: list[str] = []
        self._never: list[str] = []
        self._unproven: list[str] = []
        self._lets_in = draft.item is None or facts.proven
        account = facts.sender.account
        self._seen = {facts.sender.address.key, *facts.own_addresses}
        self._logins = {account.login} if account is not None else set()
        self._present = set(map(key_of, draft.item.people)) if draft.item is not None else set()

    def named(self, person: PersonChange) -> None:
        """Take somebody a rule names, by login or address; the limit does not count them."""
        text = person.login or person.address.address
        account = self._look.ask(PersonNamed(text))
        if account is not None:
            self._join(account, person.address, person.role)
        elif "@" in text and not self._options.cc.known_only:
            self._create(person.address if person.address.address else Address(text), person.role)
        else:
            self._found.note("participants.nobody", Mark.WARN, person=text)

    def on_mail(self, addresses: tuple[Address, ...], role: Role) -> None:
        """Take people from To and Cc, up to the limit."""
        options = self._options.cc
        joined = asked = 0
        for address in addresses:
            if not self._new(address):
                continue
            if joined >= options.limit or asked >= MOST_ASKED:
                self._found.note("participants.only", Mark.WARN, joined=joined, addresses=len(addresses))
                break
            asked += 1
            joined += self._one(address, role)
        for kind, out in (
            ("participants.unknown", self._unknown),
            ("participants.never", self._never),
            ("participants.unproven", self._unproven),
        ):
            if out:
                more = max(len(out) - MOST_NAMED, 0)
                self._found.note(kind, Mark.INFO, addresses=tuple(out[:MOST_NAMED]), more=more)

    def _new(self, address: Address) -> bool:
        """Tell whether an address stands for somebody new: not us, not the sender, not a list, not seen before."""
        key = address.key
        ours = is_one_of(key, self._facts.own_addresses, self._options.mail_suffix_separators)
        if not address.address or key in self._seen or ours:
            return False
        self._seen.add(key)
        for pattern in self._options.cc.never:
            if fits(pattern, address.address):
                self._never.append(f"{address.address} ({pattern.source})")
                return False
        return True

    def _one(self, address: Address, role: Role) -> bool:
        match = self._look.ask(AccountOf(address.key, self._options.mail_suffix_separators))
        if match.account is None and self._options.cc.known_only:
            self._unknown.append(address.address)
            return False
        if not self._lets_in and self._is_new(match.account) and not self._works(match.account):
            self._unproven.append(address.address)
            return False
        return self._create(address, role) if match.account is None else self._join(match.account, address, role)

    def _works(self, account: Account | None) -> bool:
        """Tell whether somebody works in the workspace: they see the item anyway."""
        return account is not None and self._look.ask(May(account.login, "edit_items", self._draft.workspace))

    def _is_new(self, account: Account | None) -> bool:
        """Tell whether somebody may join who is not on the item, but for the assignee."""
        if account is None:
            return True
        names = {account.login.casefold(), *map(key_of, account.emails)}
        present = not self._present.isdisjoint(names)
        return account.login not in self._logins and (not present or account.login == self._assignee)

    def _join(self, account: Account, address: Address, role: Role) -> bool:
        if not self._is_new(account):
            return False
        self._logins.add(account.login)
        if account.status != AccountStatus.ACTIVE:
            self._found.note("participants.inactive", Mark.INFO, login=account.login, status=account.status)
            return False
        if role is Role.WATCHER and not self._may_watch(account):
            workspace = self._draft.workspace
            self._found.note("participants.may_not_see", Mark.INFO, login=account.login, workspace=workspace)
            return False
        self.people.append(PersonChange(address, role, account.login))
        self._found.note("participants.joins", login=account.login, role=role)
        return True

    def _may_watch(self, account: Account) -> bool:
        """F122: who watches must be allowed to see; editors and readers see by being that."""
        seeing = May(account.login, "view_items", self._draft.workspace)
        return self._options.no_permission_check or self._look.ask(seeing)

    def _create(self, address: Address, role: Role) -> bool:
        key = address.key
        if key in self._present or any(user.address.key == key for user in (*self._draft.new_users, *self.new_users)):
            return False
        self.new_users.append(new_user(address, self._options, "", self._look, self._found))
        self.people.append(PersonChange(address, role))
        self._found.note("participants.made", Mark.INFO, address=address.address, role=role)
        return True
