"""What happened and who hears of it, as rows: one in `event` for each event, one in `outbox` for everybody considered.

Here: `Dispatches`, the only place that writes either. Not here: who hears (the teller that is handed in), sending
(`engine/outbox`). Invariant: the rows belong to the transaction of what happened; nobody is told twice of one
occasion; without a teller events are written and nobody is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from engine.model.desk import AccountStatus
from engine.model.events import Kind
from engine.model.hearing import Actor, Batch, Happened, Outgoing
from engine.model.plan import Tell
from engine.model.whole import as_json
from engine.store import hot
from engine.store.bells import Bell
from engine.store.database import us
from engine.store.tallying import answered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.hearing import Heard
    from engine.ports import Teller
    from engine.store.database import Database
    from engine.store.scene import Scene

ANSWERED = "item.answered"

HELD, HELD_EVERY_US = "outbox.held", 3_600_000_000
"""That rows became held, and how often that is told of a workspace."""

MOST_KEY = 400
"""Characters of an address or a login in the key of a row."""


class Source(NamedTuple):
    """What did it: a generation of a mail (row and public id), or an act. `via` is what it came by."""

    row: int | None = None
    mail: str = ""
    generation: int = 0
    act: str = ""
    via: str = "mail"


class Untold(NamedTuple):
    """What happened and is not written yet: all that a batch of mails did is told together."""

    batch: Batch
    source: Source
    teller: Teller | None


class Dispatches:
    """Writes what happened at once."""

    def __init__(self, database: Database, scene: Scene, teller: Teller | None) -> None:
        self._database, self._scene, self._teller = database, scene, teller

    def write(self, batch: Batch, source: Source, once: dict[Kind, str] | None = None) -> tuple[int, ...]:
        """Write the events and the rows of everybody considered; gives the numbers of the rows.

        `once` names the occasion for a kind of mail, where it is not this generation of this mail: whoever was told of
        it is not told again.
        """
        now = self._database.now()
        heard: Sequence[Heard] = ()
        if self._teller is not None:
            self._scene.look_anew()
            batch, heard = self._teller.hear(batch, self._scene)
        numbers = {each.event: self._event(each, batch, source, now) for each in batch.events}
        occasion = f"{source.row}:{source.generation}" if source.row is not None else source.act
        of_kind, of_event = once or {}, {each.event: each.once for each in batch.events if each.once}
        rows, new = list[int](), set[str]()
        for each in heard:
            own = of_event.get(each.events[0]) or of_kind.get(each.kind, "")
            dedupe = f"{own or occasion}:{each.kind}:{each.events[0]}:{each.account or each.key[:MOST_KEY] or '-'}"
            rows.append(self._row(each, batch, source, dedupe, now, numbers, is_new=not own and dedupe not in new))
            new.add(dedupe)
        held = next((each for each, row in zip(heard, rows, strict=True) if row and each.state == "held"), None)
        if held is not None:
            self._is_held(held, batch.workspace, now)
        return tuple([row for row in rows if row])

    def _is_held(self, heard: Heard, workspace: str, now: int) -> None:
        """Tell the owner that mail of ours waits for a person, once an hour."""
        last = self._database.one(hot.LAST_OF_DESK, HELD, workspace, 1)
        if last is not None and now - last[1] < HELD_EVERY_US:
            return
        batch = Batch((Happened(HELD),), Tell(HELD, code=str(heard.why)), Actor(), workspace)
        occasion = f"{HELD}:{workspace}:{last[0] if last else 0}"
        self.write(batch, Source(via="engine"), dict.fromkeys(Kind, occasion))

    def _event(self, happened: Happened, batch: Batch, source: Source, now: int) -> int:
        name, actor, tell = happened.event, batch.actor, batch.tell
        detail: dict[str, object] = {"changes": happened.changes} if happened.changes else {}
        if name.startswith(("mail.", "mailbox.", "smtp.")) or tell.code:
            detail |= {"code": tell.code, "because": tell.because}
        if name == ANSWERED and happened.item:
            answered(self._database, happened.item, batch.workspace, now)
        who = _login(actor) or actor.key or actor.name
        return self._database.insert_ahead(
            hot.EVENT, now, name, who, source.via,
            happened.item or None, happened.topic or None, happened.comment, batch.workspace, source.row,
            source.generation, source.act, as_json(detail).decode() if detail else "",
        )  # fmt: skip

    def _row(
        self, heard: Heard, batch: Batch, source: Source, dedupe: str, now: int, numbers: Mapping[str, int], *,
        is_new: bool,
    ) -> int:  # fmt: skip
        """Write a row; gives its number, 0 where it was told before. What this mail or act tells first `is_new`."""
        key, insert = heard.key[:MOST_KEY], self._database.insert_ahead if is_new else self._database.insert
        number = insert(
            hot.OUTBOX_ONCE, dedupe, source.row, source.generation, source.act, heard.events[0],
            str(heard.kind), key, heard.account or None, " ".join(part.replace(" ", "-") for part in heard.parts),
            heard.language, batch.item or None, batch.topic or None, self._payload(heard, batch, numbers), heard.state,
            heard.why or "", heard.said, now, us(heard.due) if heard.due is not None else 0,
        )  # fmt: skip
        if not number:
            return 0
        if heard.state == "queued":
            self._database.ring(Bell.DELIVER)
        if heard.state not in ("suppressed", "dropped", "digest"):
            self._scene.letters.wrote(heard.kind, key, batch.item, now, held=heard.state == "held")
        return number

    def _payload(self, heard: Heard, batch: Batch, numbers: Mapping[str, int]) -> str:
        tell, actor = batch.tell, batch.actor
        if heard.kind is Kind.WEBHOOK:
            number = numbers.get(heard.events[0], 0)
            hook = Outgoing(
                heard.to, events=heard.events, workspace=batch.workspace, number=number, login=_login(actor)
            )
            return _encode(hook).decode()
        words = next((each.comment for each in batch.events if each.comment), 0)
        changes = tuple([change for each in batch.events if each.event in heard.events for change in each.changes])
        auto, speaker = heard.kind is Kind.AUTO, batch.speaker
        if speaker is not None and not heard.inside:  # outside people hear words, of who wrote them
            actor, speaker = speaker, None
        told = Outgoing(
            heard.to, heard.template, heard.name, heard.events, heard.parts, heard.inside,
            _called(actor), actor.key, heard.actor_inside,
            words, changes, tell.told or tell.because if auto else tell.because, tell.code, heard.text,
            auto and tell.account, heard.last, batch.workspace, since=tell.since,
            author=_called(speaker) or speaker.key if speaker is not None else "",
        )  # fmt: skip
        return _encode(told).decode()


def _login(actor: Actor) -> str:
    return actor.account.login if actor.account is not None else ""


def _called(actor: Actor) -> str:
    """The name that others read: of an account its own, for anybody can write any name into From."""
    account = actor.account
    return account.name if account is not None and account.status != AccountStatus.GUEST else actor.name


_encode = msgspec.json.Encoder().encode
