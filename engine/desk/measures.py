"""How long it takes and how big it is: pictures of the lag, of answers, of sizes, of the time of scripts.

Here: these four. Not here: the other pictures (`numbers.py`), what is measured when (`store/tallying.py`).
Invariant: the lag is told of mail that somebody sees, that of answers of items that they see; sizes and scripts were
measured of all mail, and are shown to who sees all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engine.desk.charts import HEADS, TITLES, Chart, Kind, Row
from engine.desk.periods import Period
from engine.desk.stats import quantile
from engine.model.figures import SCRIPTS, SIZE

if TYPE_CHECKING:
    from engine.desk.numbers import Asked
    from engine.model.figures import Measure

MOST_KEYS = 4
"""Programs of scripts that are told apart; a version has the names of the one before."""

_BYTES = (("GB", 30), ("MB", 20), ("kB", 10), ("B", 0))
_TIMES = (("s", 20), ("ms", 10), ("µs", 0))

LAGS = Kind("comment", "half of all mails"), Kind("held", "95 % of them")
ANSWERS = Kind("comment", "half of all items"), Kind("held", "95 % of all items")
SIZES = (Kind("comment", "mails"),)
"""What is shown of the lag, of answers and of sizes."""

S, H = 1_000.0, 3_600_000.0
"""A second and an hour, in ms."""

WEEK = timedelta(days=7)

COLOURS = ("comment", "held", "duplicate", "note")


def lag(asked: Asked) -> Chart:
    """How long a mail waits to be decided: half of them, and 95 %, by the day on which it came."""
    now = asked.now.astimezone(UTC)
    found = asked.store.series.lags(now - asked.last, sight=asked.scope.sight)
    rows, day = [], now.date() - timedelta(days=asked.last.days)
    while day < now.date():
        day += timedelta(days=1)
        took = found.get(datetime(day.year, day.month, day.day, tzinfo=UTC), [])
        rows.append(Row(f"{day.day} {day:%b}", _ends(took, S)))
    note = "from when a mail came until it was decided, days in UTC; right to 9 %"
    return Chart("lag", TITLES["lag"], "lines", HEADS["lag"], LAGS, tuple(rows), note, " s")


def answers(asked: Asked) -> Chart:
    """How long an item waits for its first answer: half of them, and 95 %, by when it was answered."""
    period = Period.of(max(asked.last, WEEK), asked.now, UTC)
    found = asked.store.series.answers(period.begins, sight=asked.scope.items)
    rows = [Row(slot.name, _ends(took, H)) for slot, took in zip(period.slots, found, strict=True)]
    note = (
        "from when the mail came that opened an item until its first answer, by the day of that in UTC; right to 9 %; "
        "without private items"
    )
    return Chart("answers", TITLES["answers"], "lines", period.step, ANSWERS, tuple(rows), note, " h")


def _ends(took: Sequence[tuple[int, int]], unit_ms: float) -> tuple[float | None, ...]:
    """Below which time half of them lay, and 95 %."""
    ends = [quantile(sorted(took), part) for part in (0.5, 0.95)]
    return tuple([each / unit_ms if each is not None else None for each in ends])


def size(asked: Asked) -> Chart | None:
    """How big mails are."""
    if not asked.scope.sight.all:
        return None
    found = asked.store.series.measures(SIZE, asked.period.since)
    rows = _histogram(found, (None,), _BYTES)
    note = "of mails decided for the first time in this time"
    return Chart("size", TITLES["size"], "columns", HEADS["size"], SIZES, tuple(rows), note)


def hooks(asked: Asked) -> Chart | None:
    """How long scripts take."""
    if not asked.scope.sight.all:
        return None
    found = asked.store.series.measures(SCRIPTS, asked.period.since)
    strongest = Counter[str]()
    for each in found:
        strongest[each.key] += each.many
    keys = [key for key, _ in strongest.most_common(MOST_KEYS)]
    rows = _histogram(found, keys, _TIMES)
    limit = asked.config.hooks.timeout
    note = f"the scripts of a mail run together, and have one time; they may take {limit:g} s"
    kinds = tuple([Kind(colour, key) for colour, key in zip(COLOURS, keys, strict=False)])
    return Chart("hooks", TITLES["hooks"], "columns", HEADS["hooks"], kinds, tuple(rows), note)


def _histogram(
    found: Sequence[Measure], keys: Sequence[str | None], units: Sequence[tuple[str, int]]
) -> Iterator[Row]:  # fmt: skip
    """A row for each power of two from the least to the most; the key None counts all."""
    counts = Counter[tuple[str | None, int]]()
    for key, power, many in found:
        counts[None if None in keys else key, power] += many
    powers = [power for _, power in counts]
    for power in range(min(powers), max(powers) + 1) if powers else ():
        yield Row(_from(power, units), tuple([counts[key, power] for key in keys]))


def _from(power: int, units: Sequence[tuple[str, int]]) -> str:
    """A power of two of a small unit, as people say it: 4 kB stands for 4 kB up to 8 kB."""
    unit, shift = next((unit, shift) for unit, shift in units if power >= shift)
    return f"{1 << (power - shift)} {unit}"
