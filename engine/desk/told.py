"""Who hears of what was done, for who did it: each person with what became of it, and all of an act.

Here: `Told`, `told_of`, `Tried`, `heard`. Not here: what one person heard of an item (`heard.py`), the words for each
state (`explain/hearers.py`). Invariant: whoever does not hear stands there with the reason.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.explain import hearers
from engine.model.events import Why
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.model.acts import Acted
    from engine.model.stored import OutboxLine

GONE_OUT, ON_ITS_WAY = ("sent",), ("queued", "sending", "digest")
"""States of a letter that arrived at the next server, and of one that nobody has to look after."""


class Told(Struct, frozen=True):
    """Somebody who was considered, and what became of it, in words; `fares` is sent, waits or not."""

    who: str
    became: str
    inside: bool
    fares: str
    row: int


def told_of(row: OutboxLine, zone: tzinfo) -> Told:
    """Say what became of a row."""
    fares = "sent" if row.state in GONE_OUT else "waits" if row.state in ON_ITS_WAY else "not"
    became = hearers.became(row, lambda moment: moment.astimezone(zone))
    return Told(hearers.who(row), became, row.inside, fares, row.id)


class Tried(Struct, frozen=True):
    """Who hears of what somebody does, or would: those outside, those inside, and those who do not, with the reason."""

    outside: tuple[str, ...]
    inside: tuple[str, ...]
    not_told: tuple[str, ...]


def heard(acted: Acted, zone: tzinfo) -> Tried:
    """Say who hears of an act."""
    told = [told_of(row, zone) for row in acted.told]
    hears = [each for each in told if each.fares != "not"]
    return Tried(
        tuple([each.who for each in hears if not each.inside]), tuple([each.who for each in hears if each.inside]),
        tuple([_why(row, each) for row, each in zip(acted.told, told, strict=True) if each.fares == "not"]),
    )  # fmt: skip


def _why(row: OutboxLine, told: Told) -> str:
    """Who does not hear, and why."""
    reason = why_not(Why(row.why), row.said) if row.why else told.became
    return f"{told.who} ({reason})" if row.to or row.login else reason
