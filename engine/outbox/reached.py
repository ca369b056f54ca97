"""Whom a reply to a mail of ours goes to, as the mail says it.

Here: the names. Not here: who hears of an answer (`decision/hearing.py`), which is asked and nothing else, the address
of the reply (`contents.py`). Invariant: nothing is written; whoever an answer would reach is named or counted, and
nobody else; to people outside no address of others is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.decision.hearing import Hearing
from engine.model.addresses import bare, key_of
from engine.model.events import Kind, Part, Why
from engine.model.hearing import Actor, Batch, Happened, Heard
from engine.model.plan import Tell
from engine.outbox.plain import NAME_CHARS, SUBJECT_CHARS, one_line
from engine.outbox.templates import render_line

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxContext, OutboxRow
    from engine.store.store import Store

MOST_NAMED = 5
"""People who are named; how many more there are is said."""


class _Asked(NamedTuple):
    """Who would hear if a reader wrote back."""

    about: OutboxContext
    config: Config
    inside: bool
    heard: Sequence[Heard]


_asked: dict[str, _Asked] = {}
"""The last answer for each event that a reply may be."""


def reached(row: OutboxRow, about: OutboxContext, config: Config, store: Store, language: str) -> list[str]:
    """Give who reads what is written back: of a note nobody outside; else whom an answer goes to."""
    if row.event == "item.noted" or row.topic:
        return []
    if row.told.inside:
        named = [_called(each, about) for each in _hearers(row, "item.answered", about, config, store)]
        return _counted(named, 0, language)
    workspace = config.workspaces.get(about.workspace)
    here = (workspace.name if workspace is not None else "") or about.workspace or config.instance.name
    relayed = config.settings(about.workspace).notify.relay == "everybody"
    others = [*_hearers(row, "item.commented", about, config, store)] if relayed else []
    return _counted([one_line(here, NAME_CHARS)], len(others), language)


def _counted(names: list[str], more: int, language: str) -> list[str]:
    more += len(names[MOST_NAMED:])
    said = [render_line("words", "copies", language, {"number": more})] if more else []
    return [*names[:MOST_NAMED], *said]


def _hearers(row: OutboxRow, event: str, about: OutboxContext, config: Config, store: Store) -> Iterator[Heard]:
    """Who would get a mail if this reader wrote back now: people outside, and who asked."""
    heard = _would_hear(row, event, about, config, store)
    came_back = {each.name for each in row.told.changes} if row.event == "mail.undeliverable" else set()
    for each in heard:
        goes = each.state in ("queued", "digest", "held") or each.why in (Why.NO_SMTP, Why.ACTOR)
        theirs = each.kind is Kind.ANSWER or (row.told.inside and Part.REQUESTER in each.parts)
        own = each.account == row.account if row.account else each.key == row.address_key
        if goes and theirs and not own and each.key not in came_back:
            yield each


def _would_hear(
    row: OutboxRow, event: str, about: OutboxContext, config: Config, store: Store
) -> Sequence[Heard]:  # fmt: skip
    """Ask who would hear; once for all who get the same, as long as nobody writes: then it is the same `about`.

    Who asked and reads it, too, is told now, so would be then by the reply of somebody else.
    """
    last = _asked.get(event)
    if last is not None and last.about is about and last.config is config and last.inside == row.told.inside:
        return last.heard
    item = about.merged_into or row.item
    account = store.directory.account_by_id(row.account) if row.account else None
    batch = Batch((Happened(event, item),), Tell(), Actor(account, row.told.to), about.workspace, item)
    _, heard = Hearing(config).hear(batch, store.still)
    _asked[event] = _Asked(about, config, row.told.inside, heard)
    return heard


def _called(heard: Heard, about: OutboxContext) -> str:
    """Somebody with name and address; who asked as they wrote it themselves."""
    if key_of(bare(about.requester)) == key_of(heard.to):
        return one_line(about.requester, SUBJECT_CHARS)
    return one_line(f"{heard.name} <{heard.to}>" if heard.name else heard.to, SUBJECT_CHARS)
