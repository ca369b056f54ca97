"""Why somebody who is considered is not told, or why what goes to them waits for a person.

Here: the questions in their order; the first that says no is the reason. Not here: who is considered (`hearing.py`).
Invariant: the caps count what was written, kind by kind, in the transaction that writes the next; they depend on
nothing that the other side writes, so they end every loop. What a cap stops that a person meant is held, not dropped.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from engine.model.addresses import base_key, key_of
from engine.model.desk import Account, AccountStatus
from engine.model.events import BY_NAME, Event, Kind, Part, Why
from engine.model.facts import Auto
from engine.model.hearing import AUTOMATIC, Actor, Batch
from engine.model.preferences import of_item, of_topic

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.considered import Person
    from engine.ports import Scene

FIRST_HOUR = timedelta(hours=1)
"""Mail of the last hour before a mailbox was first read is not old: whoever sets one up tries it at once."""

Answer = tuple[Why | None, str, bool]
"""Why not, more of it in words, and whether the row is held rather than suppressed."""

YES: Answer = (None, "", False)

EQUAL = "3 equal mails in an hour"

TOLD_INSIDE = frozenset({Auto.AUTO_GENERATED, Auto.MAILING_LIST})
"""Kinds of mail by machines that people inside hear of: alarms, what other systems report, what comes by a list. What
answers by itself tells nobody, or two absent people would talk."""

BY_ORDER = frozenset({Part.NAMED, Part.ADMIN})
"""Parts that somebody gave who looks after this installation, in a rule or a setting: a machine writes to them."""

_KEY_OF = {
    Part.ASSIGNEE: "assigned", Part.FORMER: "assigned", Part.REQUESTER: "mine", Part.WRITER: "mine",
    Part.PARTICIPANT: "watched", Part.WATCHER: "watched",
}  # fmt: skip
"""The preference that decides about a part; the others are asked elsewhere, or not at all."""

_THEIRS = frozenset({Part.REQUESTER, Part.ASSIGNEE, Part.PARTICIPANT, Part.COPY, Part.WRITER, Part.OWNER})
"""Parts that nobody needs a role for."""


class NotTold:
    """Asks about one batch."""

    def __init__(self, config: Config, batch: Batch, scene: Scene) -> None:
        self._config, self._batch, self._scene, self._tell = config, batch, scene, batch.tell
        self._settings = config.settings(batch.workspace)
        self._about = of_item(batch.item) if batch.item else of_topic(batch.topic) if batch.topic else ""

    def preference(self, account: Account, key: str) -> str:
        """What somebody wants here: said for the workspace, in general, by the admin, or as usual."""
        return self._scene.preference(account.id, self._batch.workspace, key) or self.usual(key)

    def usual(self, key: str) -> str:
        """What somebody wants who said nothing: what the admin says, or what is usual."""
        said = getattr(self._settings.notify.defaults, key)
        return said if isinstance(said, str) else "yes" if said else "no"

    @cached_property
    def quiet(self) -> Why | None:
        """Why nobody at all is told: it was asked for, or the mail is old.

        Old is what had reached us before this mailbox was first read, or long before it was taken in; that a person
        released it later, or that a file of ours was broken for days, makes no mail old.
        """
        arrived = self._tell.arrived_at
        if self._tell.quiet is not None or arrived is None:
            return self._tell.quiet
        first = self._scene.first_read(self._batch.mailbox)
        if first is not None and arrived < first - FIRST_HOUR:
            return Why.OLD
        limit_s = self._settings.notify.not_older_than
        return Why.OLD if self._scene.lay_long(self._batch.row, arrived, limit_s) else None

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    def person(self, person: Person, kind: Kind, *, actor_inside: bool) -> Answer:
        """Ask about somebody who has a part in what happened."""
        account, item, reported = person.account, self._batch.item, Part.ADMIN in person.parts
        if not reported and (known := self._has_no_need(person)) is not None:
            return known
        if account is not None and account.status in (AccountStatus.LOCKED, AccountStatus.REGISTERED):
            return Why.LOCKED, str(account.status), False
        if "@" not in person.address:
            return Why.NO_ADDRESS, "", False
        if not reported and person.strange:
            return Why.OUTSIDE, self._not_relayed(person, actor_inside=actor_inside), False
        if not reported and not self._may_see(person):
            return Why.NOT_PERMITTED, "", False
        unwanted = [self.unwanted(person, each) for each in person.events]
        if unwanted and all(unwanted):
            return Why.PREFERS_NOT, unwanted[0], False
        proven = self._tell.personal if actor_inside else self._tell.proven
        safe = person.inside or person.parts.keys() <= BY_ORDER
        return self._way(person.key, kind, item, proven=safe or proven)

    def _not_relayed(self, person: Person, *, actor_inside: bool) -> str:
        """Name the setting that keeps an outside person's words from others outside, where it is that."""
        words = not actor_inside and any(each.event == "item.commented" for each in self._batch.events)
        heard = words and not person.parts.keys().isdisjoint(BY_NAME["item.answered"].outside)
        return "notify.relay = inside" if heard else ""

    def _has_no_need(self, person: Person) -> Answer | None:
        """Ask whether it is their own doing, written by a machine, or a mail they have; of a report nobody asks."""
        if self.did_it(person) or (not person.inside and self._wrote_it(person)):
            return Why.ACTOR, "", False
        machine, ours = self._tell.machine, "mail.undeliverable" in person.events
        if machine is not None and not (person.inside and (ours or machine in TOLD_INSIDE)):
            return Why.MACHINE, f"a machine wrote it ({machine})", False
        if (not person.inside or person.parts.keys() == {Part.WATCHER}) and self._has_it(person):
            return Why.HAS_IT, "", False
        return None

    def _has_it(self, person: Person) -> bool:
        """Tell whether the mail went to them itself, at any address of theirs."""
        return not self._copied.isdisjoint(self.keys(person))

    def keys(self, person: Person) -> tuple[str, ...]:
        """Give all addresses of somebody as they are counted."""
        emails = person.account.emails if person.account is not None else ()
        return (person.key, *map(self._key, emails))

    @cached_property
    def _copied(self) -> frozenset[str]:
        return frozenset(map(self._key, self._tell.copied))

    def forward(self, address: str) -> Answer:
        """Ask about an address that a rule sends the mail itself to; no mail is collected: over the cap it is held."""
        key, most = self._key(address), self._settings.replies.notices_per_recipient
        answer = self._way(key, Kind.NOTICE, 0, proven=True)
        if answer == YES and self._scene.written(Kind.NOTICE, key) >= most:
            return Why.CAP_NOTICES, f"replies.notices_per_recipient = {most} an hour", True
        return answer

    def is_actor(self, person: Person) -> bool:
        return self._is(person, self._batch.actor)

    def _wrote_it(self, person: Person) -> bool:
        """Tell whether somebody wrote the words that somebody else made public."""
        return self._batch.speaker is not None and self._is(person, self._batch.speaker)

    def _is(self, person: Person, actor: Actor) -> bool:
        if not actor.believed:
            return False
        if actor.account is not None and actor.account.status != AccountStatus.GUEST:
            if person.account is None:  # an address of theirs with a tag
                return person.key in map(self._key, actor.account.emails)
            return person.account.id == actor.account.id
        return bool(actor.key) and person.key == self._key(actor.key)

    def did_it(self, person: Person) -> bool:
        """Tell whether somebody did it and does not want to hear of their own doing."""
        account = person.account
        return self.is_actor(person) and (account is None or self.preference(account, "own") != "yes")

    def _may_see(self, person: Person) -> bool:
        """Outside people and accounts that may not see the workspace hear nothing of it, but of what is theirs.

        Who stands in for an owner was named by the admin.
        """
        account = person.account
        if account is None or person.inside or not self._batch.workspace:
            return True
        if person.parts.keys() & _THEIRS:
            return True
        return self._scene.may(account.login, "view_items", self._batch.workspace)

    def unwanted(self, person: Person, name: str) -> str:
        """Name the preference that keeps somebody from hearing of an event in any part of theirs, "" for none."""
        account, event = person.account, BY_NAME[name]
        if account is None:
            return ""
        if self._left(account, person):
            return f"no more of {self._about}"
        if name == "desk.held":
            return "held = no" if self._says_no(account, "held") else ""
        if name == "item.noted" and self._says_no(account, "notes"):
            return "notes = no"
        silent = not event.words and name.startswith("item.") and name != "item.assigned"
        if silent and self._says_no(account, "changes"):
            return "changes = no"
        keys = [_KEY_OF.get(part, "") for part in person.parts]
        return f"{keys[0]} = no" if all(self._says_no(account, key) for key in keys) else ""

    def _says_no(self, account: Account, key: str) -> bool:
        return bool(key) and self.preference(account, key) == "no"

    def _left(self, account: Account, person: Person) -> bool:
        """Tell whether somebody wants no more of this item or topic; the assignee hears of their work all the same."""
        mine = Part.ASSIGNEE in person.parts or (not person.inside and Part.REQUESTER in person.parts)
        return bool(self._about) and not mine and self._scene.preference(account.id, "", self._about) == "no"

    # ── the way of a mail ─────────────────────────────────────────────────────────────────────────────────────

    def _way(self, key: str, kind: Kind, item: int, *, proven: bool) -> Answer:
        """What stands between a mail that is wanted and its address, and what makes it wait."""
        if self._scene.is_suspended(key):
            return Why.SUSPENDED, "", False
        if self.quiet is not None:
            return self.quiet, "", False
        if self._scene.is_muted(key, item):
            return Why.LOOP, "", True
        if kind is Kind.ANSWER and (over := self._too_many_answers(key, item)):
            return Why.CAP_ANSWERS, over, True
        if self._loops(key):
            return Why.LOOP, "mails go to and fro", True
        if not proven:
            return Why.UNPROVEN, "", True
        return self._out()

    def _loops(self, key: str) -> bool:
        """Tell whether mails go to and fro; on an item that was made just now none can."""
        item = self._batch.item
        new = any(each.event == "item.created" for each in self._batch.events)
        return bool(item) and not new and self._scene.is_looping(key, item)

    def _out(self) -> Answer:
        return YES if self._config.smtp is not None else (Why.NO_SMTP, "", False)

    def _too_many_answers(self, key: str, item: int) -> str:
        replies = self._settings.replies
        if item and self._scene.written(Kind.ANSWER, key, item) >= replies.answers_per_item:
            return f"replies.answers_per_item = {replies.answers_per_item} an hour"
        if self._scene.written(Kind.ANSWER) >= replies.answers_total:
            return f"replies.answers_total = {replies.answers_total} an hour"
        return ""

    # ── the automatic answer ──────────────────────────────────────────────────────────────────────────────────

    def answer(self, event: Event, to: str) -> Answer:
        """Ask whether the sender is answered by itself."""
        tell, key = self._tell, self._key(to)
        if tell.no_answer is not None:
            return tell.no_answer, "", False
        if tell.unanswerable:
            return Why.MACHINE, tell.unanswerable, False
        if self._scene.is_suspended(key):
            return Why.SUSPENDED, "", False
        if self.quiet is not None:
            return self.quiet, "", False
        if self._scene.is_muted(key, self._batch.item) or self._loops(key):
            return Why.LOOP, "", False
        refused = event.name.startswith("mail.")
        theirs = tell.personal and not refused  # who forges From mutes nobody who is proven
        if self._scene.is_muted(key, AUTOMATIC) and not theirs:
            return Why.LOOP, EQUAL, False
        over = self._over(event, key) or self._out()
        # errors.refusals ends what was refused, and its last one says so
        if over == YES and not refused and self._scene.is_repeating(key, self._batch.row):
            return Why.LOOP, EQUAL, False
        return over

    def _over(self, event: Event, key: str) -> Answer | None:
        """The caps on automatic answers."""
        replies, refusals, scene = self._settings.replies, self._settings.errors.refusals, self._scene
        if self._refusals_left(event, key) == 0:
            return Why.CAP_REASON, f"errors.refusals.limit = {refusals.limit}", False
        again = self._batch.item and event.name != "item.created"
        if again and scene.written(Kind.AUTO, key, self._batch.item) >= replies.automatic_per_item:
            return Why.CAP_ITEM, f"replies.automatic_per_item = {replies.automatic_per_item} an hour", False
        if scene.written(Kind.AUTO, key) >= replies.automatic_per_recipient:
            said = f"replies.automatic_per_recipient = {replies.automatic_per_recipient} an hour"
            return Why.CAP_RECIPIENT, said, False
        if scene.written(Kind.AUTO) >= replies.automatic_total:
            return Why.CAP_TOTAL, f"replies.automatic_total = {replies.automatic_total} an hour", True
        return None

    def is_last(self, event: Event, to: str) -> bool:
        """Tell whether this sender hears no more of this reason today."""
        return self._refusals_left(event, self._key(to)) == 1

    def _refusals_left(self, event: Event, key: str) -> int:
        """How many refusals for this reason may still be answered, -1 where nothing limits them."""
        refusals = self._settings.errors.refusals
        if not event.name.startswith("mail.") or not refusals.limit:
            return -1
        return max(refusals.limit - self._scene.refused(self._tell.code, refusals.per, key), 0)

    def _key(self, address: str) -> str:
        return base_key(key_of(address), self._config.separators)
