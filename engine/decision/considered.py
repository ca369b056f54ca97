"""Who is considered when something happens: the people of an item, a workspace and an installation, by their parts.

Here: who has which part in an event, and who is inside. Not here: what comes of it (`hearing.py`), why somebody is not
told (`not_told.py`).
Invariant: an address that belongs to an account is that account; everybody stands there once, with all their parts.
Over 300 lines: one batch, whose parts depend on one another.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field

from engine.model.addresses import bare, base_key, key_of
from engine.model.desk import GROUP, Account, AccountStatus
from engine.model.events import BY_NAME, EVENTS, NEAREST, Event, Part
from engine.model.hearing import Batch, OnItem

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.not_told import NotTold
    from engine.ports import Scene

ASSIGNED_TO = "assigned_to"

UNDELIVERABLE, NOTED = "mail.undeliverable", "item.noted"

_PARTS = {event.name: tuple(dict.fromkeys((*event.inside, *event.outside))) for event in EVENTS}

WAITING = ("all", "unassigned")
"""What those want who hear of an item that nobody has."""


class Person(Struct, eq=False):
    """Somebody who is considered: an account, or an address without one; the parts in each event that is for them."""

    account: Account | None
    address: str
    key: str
    inside: bool
    parts: dict[Part, None] = field(default_factory=dict)
    events: dict[str, None] = field(default_factory=dict)
    strange: bool = False

    def take_over(self, other: Person) -> None:
        """Have what somebody else has a part in, who is the same."""
        if self.strange:
            self.strange = False
            self.parts.clear()
        self.parts.update(other.parts)
        self.events.update(other.events)

    @property
    def nearest(self) -> int:
        """The rank of the nearest part."""
        return min([NEAREST[part] for part in self.parts])


class Considered:
    """The people of one batch; `people` fills with each event that is considered."""

    def __init__(self, config: Config, batch: Batch, scene: Scene, not_told: NotTold) -> None:
        self._config, self.batch, self._scene, self._tell = config, batch, scene, batch.tell
        self._settings, self._not_told = config.settings(batch.workspace), not_told
        self._owner, self._separators = self._owners(), config.separators
        self.people: dict[int | str, Person] = {}

    @cached_property
    def on(self) -> OnItem:
        """Who has to do with the item or topic, nobody where there is none."""
        batch = self.batch
        words = any(Part.WRITER in BY_NAME[each.event].inside for each in batch.events if each.event in BY_NAME)
        found = self._scene.on_item(batch.item, writers=words) if batch.item else None
        found = found or (self._scene.on_topic(batch.topic) if batch.topic else None)
        return found or OnItem(batch.workspace)

    @cached_property
    def _assignees(self) -> tuple[Account, ...]:
        assigned = self._assigned(self.on.assigned_to)
        for other in {each.item for each in self.batch.events} - {0, self.batch.item}:  # what it was merged into
            found = self._scene.on_item(other, writers=False)
            assigned = tuple(dict.fromkeys((*assigned, *self._assigned(found.assigned_to if found else ""))))
        events = [each for each in self.batch.events if each.event == UNDELIVERABLE]
        gone = {change.name for each in events for change in each.changes}  # who is not reached cannot be told so
        return tuple([each for each in assigned if not gone or self.key(next(iter(each.emails), "")) not in gone])

    def _assigned(self, name: str) -> tuple[Account, ...]:
        """Whom a value of the field means: a person, or everybody in a group."""
        if not name:
            return ()
        account = None if name.startswith(GROUP) else self._scene.person(name)
        if account is not None:
            return (account,)
        return self._scene.in_group(name.removeprefix(GROUP)) or ()

    @property
    def by_person(self) -> bool:
        """Tell whether a person did it: by mail that no machine wrote, or by an act."""
        actor = self.batch.actor
        return (actor.account is not None or bool(actor.key)) and self._tell.machine is None

    def consider(self, event: Event) -> None:
        """Take everybody who has a part in an event; outside people only in what is for them."""
        for part in _PARTS[event.name]:
            for who in self._in_part(part, event):
                self._take(who, part, event)
        if others := self._others(event):
            self._unassigned(event, others)
        if self._tell.named and event.name.startswith(("item.", "topic.")):
            for name in self._tell.named:
                for account in self._named(name):
                    self._take(account, Part.NAMED, event)

    def everybody(self) -> list[Person]:
        """Give all people, each once: an address with a tag is whose it is without, where they are there as well."""
        theirs = {
            self.key(email): person
            for person in self.people.values()
            if person.account is not None
            for email in person.account.emails
        }
        found = []
        for person in self.people.values():
            known = theirs.get(person.key) if person.account is None else None
            if known is None:
                found.append(person)
            elif not known.inside and not person.strange:  # who works here hears as such
                known.take_over(person)
        return found

    def _in_part(self, part: Part, event: Event) -> Iterable[Account | str]:
        on = self.on
        if part is Part.ASSIGNEE:
            return self._assignees
        if part is Part.PARTICIPANT:
            return on.people
        if part is Part.COPY:
            return on.copies
        if part is Part.FORMER:
            changes = [each for happened in self.batch.events for each in happened.changes]
            return [who for each in changes if each.name == ASSIGNED_TO for who in self._assigned(each.before)]
        if part is Part.REQUESTER:
            requester: Account | str = on.requester_address
            if on.requester is not None and on.requester.status != AccountStatus.GUEST:
                requester = on.requester
            return (requester,) if requester else ()
        if part is Part.WATCHER:
            closed = event.name == "item.closed"
            return (*on.watchers, *self._scene.asked_before(self.batch.item)) if closed else on.watchers
        if part is Part.OWNER:
            return self._who_looks_after_it
        if part is Part.ADMIN:
            return self._admins if self._tell.report else ()
        if part is not Part.WRITER:
            return ()
        if event.name == UNDELIVERABLE:  # who wrote what did not arrive
            return [each.writer for each in self.batch.events if each.writer]
        speaker = self.batch.speaker
        return on.writers if speaker is None else (*on.writers, speaker.account or speaker.key)

    def is_expected(self, event: Event) -> bool:
        """Tell whether somebody has to hear: what an outside person says, as a note or not, is read by somebody."""
        return self.batch.speaker is None and (event.expected or bool(self._others(event)))

    def _others(self, event: Event) -> tuple[Part, ...]:
        """Who hears where nobody is assigned; of a note only where somebody outside wrote it."""
        if self.batch.speaker is not None:  # somebody inside has dealt with it: they made the words public
            return ()
        if event.name == NOTED and self.by_person and not self.actor_inside:
            return BY_NAME["item.commented"].unassigned
        return event.unassigned

    def _unassigned(self, event: Event, others: tuple[Part, ...]) -> None:
        """Where nobody is assigned, those who wait for new items; where nobody does, the owner.

        Where there are no members and no owner, admins: nothing that a customer writes goes unheard. Whom no mail
        reaches, or who does not want it, is considered, and whoever would hear without them is, too.
        """
        assigned = self._does_hear(Part.ASSIGNEE, event)
        waiting = (
            self._scene.who_wait(self.batch.workspace, self._not_told.usual("new")) if Part.MEMBER in others else {}
        )
        for wants in ("all",) if assigned and event.name == "item.created" else () if assigned else WAITING:
            for account in waiting.get(wants, ()):
                new = wants == "all" and event.name == "item.created"
                if new or account not in self._assignees:  # who has it said what they want of what is theirs
                    self._take(account, Part.MEMBER, event)
        if not assigned and not self._does_hear(Part.MEMBER, event):
            there = any(self._is_reached(account) for accounts in waiting.values() for account in accounts)
            for who in self._owner:
                self._take(who, Part.OWNER, event)
            for who in () if there or any(map(self._is_reached, self._owner)) else self._scene.admins():
                self._take(who, Part.OWNER, event)

    def _does_hear(self, part: Part, event: Event) -> bool:
        """Tell whether somebody in this part hears of an event, as far as it is for them to say."""
        people = [person for person in self.people.values() if part in person.parts]
        reached = [person for person in people if self._is_reached(person.account or person.address)]
        return any(
            self._not_told.is_actor(person) or not self._not_told.unwanted(person, event.name) for person in reached
        )

    def _owners(self) -> tuple[Account | str, ...]:
        workspace = self._config.workspaces.get(self.batch.workspace)
        owner = bare(workspace.owner) if workspace is not None else ""
        return (self._scene.person(owner) or owner,) if owner else ()

    @property
    def _stand_in(self) -> tuple[Account | str, ...]:
        """Who looks after what waits in a workspace that has no owner."""
        owner = bare(self._config.system.owner)
        return (self._scene.person(owner) or owner,) if owner else ()

    @property
    def _who_looks_after_it(self) -> tuple[Account | str, ...]:
        """The owner, else who stands in, else the admins: up to the first whom mail reaches."""
        found: tuple[Account | str, ...] = ()
        for people in (self._owner, self._stand_in, self._admins):
            found += people
            if any(map(self._is_reached, people)):
                break
        return found

    def _is_reached(self, who: Account | str) -> bool:
        """Tell whether mail reaches somebody: an account in use, with an address that takes mail."""
        address = who if isinstance(who, str) else next(iter(who.emails), "")
        usable = isinstance(who, str) or who.status == AccountStatus.ACTIVE
        return usable and "@" in address and not self._scene.is_suspended(self.key(address))

    @property
    def _admins(self) -> tuple[Account | str, ...]:
        """Who looks after the installation: the addresses that are set, else all admins."""
        return self._settings.errors.forward_to or self._scene.admins()

    def _named(self, name: str) -> tuple[Account | str, ...]:
        account = self._scene.person(name)
        if account is not None:
            return (account,)
        return self._scene.in_group(name) or (name,)

    def _take(self, who: Account | str, part: Part, event: Event) -> None:
        if isinstance(who, Account) and who.status == AccountStatus.GUEST:
            return
        person = self._person(None if isinstance(who, str) else who, who if isinstance(who, str) else "")
        person = self.people.setdefault(person.account.id if person.account is not None else person.key, person)
        in_charge = part in (Part.MEMBER, Part.OWNER, Part.ADMIN) and (person.inside or event.name != NOTED)
        named = part is Part.NAMED and (person.inside or _leaves(event))
        entitled = in_charge or named or part in (event.inside if person.inside else self._outside(event))
        if entitled and person.strange:
            person.strange = False
            person.parts.clear()
        if entitled:
            person.parts[part] = person.events[event.name] = None
        elif not person.events:
            person.strange = True
            person.parts[part] = None

    def _outside(self, event: Event) -> tuple[Part, ...]:
        """The parts in which outside people hear of an event."""
        if event.name == "item.commented" and self._settings.notify.relay == "everybody":
            return BY_NAME["item.answered"].outside
        if event.name == "item.closed" and self.batch.actor.account is not None and not self.actor_inside:
            return ()
        return event.outside

    @cached_property
    def actor_inside(self) -> bool:
        """Tell whether who did it works here."""
        actor = self.batch.actor
        return actor.believed and self._person(actor.account, actor.key).inside

    @cached_property
    def speaker_inside(self) -> bool:
        """Tell whether whose words they are works here: who did it, but for words that somebody else made public."""
        speaker = self.batch.speaker
        return self.actor_inside if speaker is None else self._person(speaker.account, speaker.key).inside

    def _person(self, account: Account | None, address: str) -> Person:
        """Somebody by account or address; an address that belongs to an account is that account."""
        if account is None and address:
            account = self._scene.person(address)
        if account is None or account.status == AccountStatus.GUEST:
            owner = [each for each in self._owner if isinstance(each, str)]
            return Person(None, address, self.key(address), address in owner)
        address = address or next(iter(account.emails), "")
        return Person(account, address, self.key(address), self._inside(account))

    def key(self, address: str) -> str:
        """Give the form in which addresses are counted: without their tags."""
        return base_key(key_of(address), self._separators)

    def _inside(self, account: Account) -> bool:
        """Inside is who works here: admins, who may edit items of the workspace, the assignee, the owner."""
        if account.status != AccountStatus.ACTIVE:
            return False
        if account.admin or account in self._owner:
            return True
        batch = self.batch
        return self._scene.may(account.login, "edit_items", batch.workspace) or account in self._assignees


def _leaves(event: Event) -> bool:
    """Tell whether an event may be told outside at all: words that are no note, and what others there hear of."""
    return bool(event.outside) or (event.words and event.name != "item.noted")
