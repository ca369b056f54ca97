"""Whether somebody heard of a mail or an item, and if not, why: asked of anybody by login or address.

Here: the rows of one person, and where there is none, the same questions as then, about the situation of now. Not here:
who hears (`decision/hearing.py`), the reasons in words (`wording/why.py`), printing (`cli/explain.py`).
Invariant: nothing is written; what is worked out now and was not written then is said to be that.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine.decision.hearing import Hearing
from engine.desk import preferences
from engine.explain import hearers
from engine.model import trace as traces
from engine.model.addresses import base_key, key_of
from engine.model.desk import GROUP, Account, AccountStatus
from engine.model.events import BY_NAME, STRENGTH, Event, Part
from engine.model.facts import Auto, Facts
from engine.model.hearing import Actor, Batch, Happened, Heard
from engine.model.plan import Tell
from engine.model.reasons import REASONS
from engine.store.errors import NotFound
from engine.wording.why import absent, why_not

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import EventRow, MailRow, OutboxLine
    from engine.store.store import Store

MOST_EVENTS = 200
"""Events of a mail that are looked at: more than any plan makes."""


class Answer(Struct, frozen=True):
    """Rows of one person; where there are none, why as things are now: a word, and a sentence.

    `who` is a login or an address, `event` the strongest of what happened, "" where nothing did.
    """

    who: str
    rows: tuple[OutboxLine, ...] = ()
    event: str = ""
    why: str = ""
    said: str = ""


def of_mail(store: Store, config: Config, row: MailRow, who: str) -> Answer:
    """Tell whether somebody heard of a mail, and if not, why. Raises NotFound where nobody is meant."""
    events, _ = store.history.events(f"mail:{row.mail}", MOST_EVENTS)
    return _answer(store, config, who, store.outbox.told(row.mail), events, _facts(store, row.mail))


def of_item(store: Store, config: Config, number: int, who: str) -> Answer:
    """Tell whether somebody heard of an item, and if not, why not of what happened last. Raises NotFound."""
    events = store.history.of_item(number)
    last = [each for each in events if (each.mail, each.act) == (events[-1].mail, events[-1].act)]
    facts = _facts(store, last[0].mail) if last and last[0].mail else None
    return _answer(store, config, who, store.outbox.told(item=number), last, facts)


def _facts(store: Store, mail: str) -> Facts | None:
    """What was true of a mail, where its trace is kept and understood."""
    stored = store.archive.trace(mail)
    with suppress(msgspec.DecodeError):
        return traces.understood(stored)[0].facts if stored else None
    return None


def _answer(
    store: Store, config: Config, who: str, told: Sequence[OutboxLine], events: Sequence[EventRow], facts: Facts | None
) -> Answer:  # fmt: skip
    account = store.directory.person(who)
    if account is None and "@" not in who:
        raise NotFound(f'there is no user "{who}": give a login or an address')
    keys = (who,) if account is None else (account.login, *account.emails, who)
    rows = {row.id: row for key in keys for row in hearers.of(told, key)}
    name = account.login if account is not None else key_of(who.strip())
    if rows:
        return Answer(name, tuple([rows[number] for number in sorted(rows)]))
    with store.reading():
        return _Asked(store, config, account, name, events, facts).answer()


def _happened(row: EventRow) -> Happened:
    """An event as it was; the words of a note that was made public and is no answer are those of somebody outside."""
    published = row.name == "item.commented" and any(each.name == "published" for each in row.changes)
    speaker = Actor() if published else None
    return Happened(row.name, row.item, row.topic, row.comment, row.changes, speaker=speaker)


class _Asked:
    """One person and one occasion, as things are now."""

    def __init__(
        self, store: Store, config: Config, account: Account | None, who: str, events: Sequence[EventRow],
        facts: Facts | None,
    ) -> None:  # fmt: skip
        self._store, self._config, self._account, self._who = store, config, account, who
        self._rows = [each for each in events if each.name in BY_NAME]
        names = sorted({each.name for each in self._rows}, key=STRENGTH.__getitem__)
        self._events = [BY_NAME[name] for name in names]
        kind = facts.automatic.kind if facts is not None else Auto.NONE
        self._machine = None if kind is Auto.NONE else kind
        self._believed = facts is None or facts.sender.is_believed

    def answer(self) -> Answer:
        """Ask as it would be asked now, and if nobody asks about this person at all, say what keeps them out."""
        if not self._rows:
            return self._because("nothing")
        found = self._found()
        if found is None:
            return self._kept_out()
        if found.why is None:
            return self._because("would", part=found.parts[0].value if found.parts else "")
        return self._because("would_not", said=why_not(found.why, found.said))

    def _because(self, kind: str, **said: str) -> Answer:
        last = self._rows[-1] if self._rows else None
        place = last.workspace if last is not None else ""
        number = last.item or last.topic if last is not None else 0
        about = f"{'#' if last is not None and last.item else 'topic '}{number}" if number else "it"
        event = self._events[0].name if self._events else ""
        known = {"event": event, "workspace": place, "about": about, **said}
        return Answer(self._who, (), event, kind, absent(kind, **known))

    def _found(self) -> Heard | None:
        """What would become of this person now."""
        _, heard = Hearing(self._config).hear(self._batch(), self._store.still)
        separators = self._config.separators
        for each in heard:
            if self._account is not None and each.account == self._account.id:
                return each
            if self._account is None and each.key and each.key == base_key(self._who, separators):
                return each
        return None

    def _batch(self) -> Batch:
        last = self._rows[-1]
        account = self._store.directory.person(last.actor) if last.actor else None
        address = last.actor if "@" in last.actor else ""
        key = address or (next(iter(account.emails), "") if account is not None else "")
        actor = Actor(account, key, believed=self._believed)
        events = [_happened(each) for each in self._rows]
        tell = Tell(report=self._is_report(), machine=self._machine, code=last.code)
        return Batch(tuple(events), tell, actor, last.workspace, last.item, last.topic)

    def _is_report(self) -> bool:
        """Whether admins hear of it: the reason says so, or the machine broke."""
        last = self._rows[-1]
        reason = REASONS.get(last.code)
        return last.name == "mail.failed" or (reason is not None and reason.admin)

    def _kept_out(self) -> Answer:
        """Why this person is not among those who are considered."""
        event, workspace, account = self._events[0], self._rows[-1].workspace, self._account
        parts = {part for each in self._events for part in (*each.inside, *each.outside, *each.unassigned)}
        if not parts:
            return self._because("nobody_hears")
        if self._believed and self._rows[-1].actor == self._who:
            return self._because("own")
        if not self._config.settings(workspace).notify.enabled:
            return self._because("off")
        if parts == {Part.ADMIN}:
            return self._because("no_admin" if self._is_report() else "no_report", code=self._rows[-1].code)
        if account is None:
            return self._because("no_account")
        if account.status != AccountStatus.ACTIVE:
            return self._because("status", status=str(account.status))
        if workspace and not self._store.directory.may(account.login, "view_items", workspace):
            return self._because("no_role")
        return self._of_a_member(event, account, workspace)

    def _of_a_member(self, event: Event, account: Account, workspace: str) -> Answer:
        """Why new items, and what nobody has, are not told to somebody who may see them."""
        if not any(Part.MEMBER in each.unassigned for each in self._events) or not workspace:
            return self._because("no_post" if self._rows[-1].topic else "no_part")
        if not self._store.directory.may(account.login, "edit_items", workspace):
            return self._because("no_editor")
        wanted = preferences.effective(self._config, self._store, account.login, workspace)
        new = next(each for each in wanted if each.key == "new")
        said = {"value": new.value, "origin": new.origin}
        if new.value == "none":
            return self._because("no_new", **said)
        item = self._store.items.item(self._rows[-1].item) if self._rows[-1].item else None
        assignee = str(dict(item.fields).get("assigned_to") or "") if item is not None else ""
        if assignee and not (new.value == "all" and event.name == "item.created"):
            return self._because("taken", assignee=assignee.removeprefix(GROUP), **said)
        return self._because("no_part")
