"""Who hears of what happened: from a batch of events to one row for every person who is considered.

Here: that a person hears once, and what kind of mail it is. Not here: who is considered (`considered.py`), why somebody
is not told (`not_told.py`), which events there are (`model/events.py`), rows (`store/dispatches.py`).
Invariant: outside people hear words and whether the work is done, nothing else; everybody who is considered is told or
has a reason; nobody is considered twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.decision.collecting import Collecting
from engine.decision.considered import Considered, Person
from engine.decision.not_told import BY_ORDER, TOLD_INSIDE, Answer, NotTold
from engine.model.desk import Account, AccountStatus
from engine.model.events import BY_NAME, NEAREST, STRENGTH, Event, Kind, Part, Why
from engine.model.hearing import Batch, Happened, Heard

if TYPE_CHECKING:
    from engine.config import Config
    from engine.ports import Scene

_WOULD_NOT_HEAR = frozenset(
    {Why.ACTOR, Why.HAS_IT, Why.LOCKED, Why.NO_ADDRESS, Why.NOT_PERMITTED, Why.OUTSIDE, Why.PREFERS_NOT, Why.MACHINE}
)
"""Reasons that leave nobody: with any other somebody is there, and something stands in between."""


class Hearing:
    """Says who hears, by the settings of one installation; `engine.ports.Teller` tells what it promises."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def hear(self, batch: Batch, scene: Scene) -> tuple[Batch, Sequence[Heard]]:
        """Give what happened by its right names, and everybody who is considered: the automatic answer first."""
        room = _Room(self._config, batch, scene)
        return room.batch, [*room.all()]


class _Room:
    """One batch; lives within one call of `hear`."""

    def __init__(self, config: Config, batch: Batch, scene: Scene) -> None:
        self._config, self._scene, self._tell = config, scene, batch.tell
        self._settings, self._not_told = config.settings(batch.workspace), NotTold(config, batch, scene)
        self._considered = Considered(config, batch, scene, self._not_told)
        self._collecting = Collecting(config, batch, scene)
        self._answered = ""
        events = tuple(map(self._named_right, batch.events))
        self.batch = batch if events == batch.events else replace(batch, events=events)

    def all(self) -> Iterator[Heard]:
        found = [BY_NAME[each.event] for each in self.batch.events if each.event in BY_NAME]
        events = sorted(found, key=lambda event: STRENGTH[event.name])
        if self._tell.answer_to or self._tell.no_answer:
            yield from self._answer(events)
        if self._settings.notify.enabled:
            for event in events:
                self._considered.consider(event)
            rows = [*self._rows(events)]
            yield from rows or self._nobody_else(events)
        yield from self._forwards()
        yield from self._webhooks(events)

    def _named_right(self, happened: Happened) -> Happened:
        """What somebody inside says is an answer."""
        if happened.event == "item.commented" and self._considered.by_person and self._considered.speaker_inside:
            return replace(happened, event="item.answered")
        return happened

    # ── the answer to the sender ──────────────────────────────────────────────────────────────────────────────

    def _answer(self, events: list[Event]) -> Iterator[Heard]:
        """What the sender hears by itself, and why not."""
        event = next((each for each in events if each.auto or self._tell.ordered), None)
        if event is None or not self._tell.answer_to:
            return
        to = self._tell.answer_to
        account = self._scene.person(to)
        heard = Heard(
            Kind.AUTO, to, tuple([each.name for each in events]), (Part.SENDER,), key=self._considered.key(to),
            account=account.id if account is not None else 0, name=_name(account, self.batch.actor.name),
            language=self._tell.language, template=self._tell.template, text=self._tell.text,
            last=self._not_told.is_last(event, to),
        )  # fmt: skip
        heard = _with(heard, self._not_told.answer(event, to))
        self._answered = heard.key if heard.state == "queued" else ""
        yield heard

    # ── what comes of it ──────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, events: list[Event]) -> Iterator[Heard]:
        known = (
            person
            for person in self._considered.everybody()
            if not (person.strange and self._not_told.is_actor(person))
        )
        people = sorted(known, key=lambda person: person.nearest)
        most = self._settings.notify.most
        reached = self._considered.actor_inside
        for person in people[:most]:
            heard = self._heard(person)
            reached |= heard.why not in _WOULD_NOT_HEAR
            yield heard
        if len(people) > most:
            names = tuple([each.name for each in events])
            yield Heard(Kind.NOTICE, "", names, state="suppressed", why=Why.CAP_HEARERS,
                        said=f"{len(people) - most} more")  # fmt: skip
        missing = [each.name for each in events if self._considered.is_expected(each)]
        waited_for = not reached and (self._tell.machine is None or self._tell.machine in TOLD_INSIDE)
        if missing and (waited_for or not people):
            yield Heard(Kind.NOTICE, "", tuple(missing), state="suppressed", why=Why.NOBODY)

    def _nobody_else(self, events: list[Event]) -> Iterator[Heard]:
        """Say of what others would hear of, if there were any, that there are none."""
        names = [each.name for each in events if each.name.startswith(("item.", "topic.")) and each.inside]
        if names:
            yield Heard(Kind.NOTICE, "", tuple(names), state="suppressed", why=Why.NOBODY_ELSE)

    def _heard(self, person: Person) -> Heard:
        kind = Kind.ANSWER if not person.inside and self._considered.by_person and not person.strange else Kind.NOTICE
        if person.parts.keys() <= BY_ORDER:
            kind = Kind.NOTICE
        parts = tuple(sorted(person.parts, key=NEAREST.__getitem__))
        events = tuple(sorted(person.events, key=STRENGTH.__getitem__)) or (self.batch.events[0].event,)
        account = person.account
        by_inside = self._considered.actor_inside if person.inside else self._considered.speaker_inside
        heard = Heard(
            kind, person.address, events, parts, key=person.key, account=account.id if account is not None else 0,
            name=_name(account, ""), inside=person.inside, actor_inside=by_inside,
            language=self._language(account, inside=person.inside),
            template="answer" if kind is Kind.ANSWER else _template(events, parts),
        )  # fmt: skip
        # who is answered by itself has the one mail that they get
        answered = self._not_told.is_actor(person) and self._answered in self._not_told.keys(person)
        why = self._not_told.person(person, kind, actor_inside=self._considered.actor_inside)
        heard = _with(heard, (Why.ACTOR, "", False) if answered else why)
        return self._collecting.put_off(heard, self._not_told.preference(account, "how") if account else "now")

    def _language(self, account: Account | None, *, inside: bool) -> str:
        """That of a person, else of the item for who writes to us, and of the installation for who works here."""
        own = account.language if account is not None else ""
        return own or ("" if inside else self._considered.on.language) or self._config.instance.language

    def _forwards(self) -> Iterator[Heard]:
        for address in dict.fromkeys(self._tell.forwards):
            heard = Heard(
                Kind.NOTICE, address, ("mail.forwarded",), (Part.NAMED,), key=self._considered.key(address),
                template="forward", language=self._config.instance.language,
            )  # fmt: skip
            yield _with(heard, self._not_told.forward(address))

    def _webhooks(self, events: list[Event]) -> Iterator[Heard]:
        quiet = self._not_told.quiet
        for name, hook in self._config.webhooks.items():
            for event in events:
                if _asked_for(event.name, hook.events):
                    yield _with(Heard(Kind.WEBHOOK, name, (event.name,), key=name), (quiet, "", False))


def _asked_for(event: str, wanted: Sequence[str]) -> bool:
    """Tell whether a webhook asks for an event, by its name, its former name, or with all of items."""
    former = {"mail.failed": "mail.error"}.get(event, event)
    return event in wanted or former in wanted or (event.startswith("item.") and "item.*" in wanted)


def _with(heard: Heard, answer: Answer) -> Heard:
    """Put down why not."""
    why, said, held = answer
    return heard if why is None else replace(heard, state="held" if held else "suppressed", why=why, said=said)


def _template(events: tuple[str, ...], parts: tuple[Part, ...]) -> str:
    """The text of a notice: that of its strongest event; who is assigned hears that."""
    if events[0] == "item.created" and Part.ASSIGNEE in parts:
        return "assigned"
    return BY_NAME[events[0]].template


def _name(account: Account | None, otherwise: str) -> str:
    return account.name if account is not None and account.status != AccountStatus.GUEST else otherwise
