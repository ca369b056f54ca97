"""How often mail comes to a mailbox, so that silence can be told from a quiet weekend.

Here: `Rhythm`, what is kept of it and how it goes on. Not here: where it is kept (`store/spool.py`), who is told
(`run/alarms.py`).
Invariant: what is kept stays small, however much mail comes; the time that counts is when a mail reached its server, so
that a night without passes is no silence.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

WEEK_S = 7 * 86_400

WEEKS = 5
"""The time that tells what is usual: long enough for a holiday."""

ENOUGH_MAILS = 20
"""Fewer mails in that time tell nothing."""

USUAL_TIMES, LEAST_S = 1.5, 12 * 3600.0
"""Silence is this many times the longest gap, and at least so many seconds."""


class Rhythm(Struct, frozen=True):
    """Of each week in which mail came: its number since 1970, how many mails, and the longest gap before one, in s."""

    weeks: tuple[tuple[int, int, int], ...] = ()

    def after(self, last_s: int, came_s: Iterable[int]) -> Rhythm:
        """Go on with mails, by the seconds since 1970 when they came; the one before came at `last_s` (0: none)."""
        weeks = {week: (mails, gap) for week, mails, gap in self.weeks}
        for at in sorted(came_s):
            mails, gap = weeks.get(at // WEEK_S, (0, 0))
            weeks[at // WEEK_S] = mails + 1, max(gap, at - last_s if last_s else 0)
            last_s = max(last_s, at)
        newest = max(weeks, default=0)
        return Rhythm(tuple([(week, *weeks[week]) for week in sorted(weeks) if week > newest - WEEKS]))

    def silence_s(self) -> float | None:
        """How long nothing comes until that is unusual; None where too little came to tell."""
        if sum([mails for _, mails, _ in self.weeks]) < ENOUGH_MAILS:
            return None
        return max(USUAL_TIMES * max([gap for *_, gap in self.weeks]), LEAST_S)


def read(stored: str) -> Rhythm:
    """Read what is kept; of another release nothing is known."""
    try:
        return _decode(stored) if stored else Rhythm()
    except msgspec.DecodeError:
        return Rhythm()


def written(rhythm: Rhythm) -> str:
    """Write it as it is kept."""
    return msgspec.json.encode(rhythm).decode()


_decode = msgspec.json.Decoder(Rhythm).decode
