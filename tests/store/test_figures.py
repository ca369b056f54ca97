"""Figures are read through indexes: a million rows that are over cost nothing."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from store.desk import auto, notice
from store.plans import read_whole

from engine.model.figures import BY_MAIL, Span
from engine.model.sight import ALL, EVERY_ITEM, ItemSight, Sight

SHORT = ("inbound_open", "outbox_queued", "outbox_digest", "outbox_state")
"""Indexes that hold only what waits or is wrong."""

SMALL = ("mailbox", "trouble", "newest", "answer", "sender")
"""Senders are gone through for two pictures that only who sees all mail asks for; of them there are far fewer."""


@pytest.fixture
def statements(desk):
    """Every statement of health and of stats."""
    seen = []
    for name in ("run", "one", "rows"):
        original = getattr(desk.store.database, name)

        def noting(sql, *params, original=original):
            seen.append((sql, len(params)))
            return original(sql, *params)

        setattr(desk.store.database, name, noting)
    desk.item(told=(notice(), auto()))
    desk.spool()
    seen.clear()
    desk.store.figures.now(desk.now, 86_400.0)
    desk.store.figures.counted((0, 0))
    since = desk.now - timedelta(days=1)
    for by in BY_MAIL:
        desk.store.counting.mails(by, since, UTC)
    desk.store.counting.events(since)
    desk.store.counting.whys(since)
    desk.store.counting.sent(since)
    for sight, items in ((ALL, EVERY_ITEM), (Sight(workspaces=frozenset({"support"})), ItemSight())):
        series = desk.store.series
        series.alike(("mailbox", "outcome"), since, sight=sight)
        series.timed(("outcome",), since, Span.QUARTER, sight=sight)
        series.lags(since, sight=sight)
        series.letters(since, Span.QUARTER, sight=items)
    for items in (EVERY_ITEM, ItemSight(workspaces=frozenset({"support"}))):
        series.answers([since], sight=items)
    series.rules(since)
    series.measures("size", since)
    series.domains(since, 15)
    series.newcomers(since)
    return sorted(set(seen))


def test_no_figure_reads_a_growing_table_from_end_to_end(desk, statements):
    slow = []
    for sql, params in statements:
        whole = read_whole(desk.store.database, sql, params, SHORT)
        slow += [f"{line}: {' '.join(sql.split())}" for table, line in whole if table not in SMALL]
    assert len(statements) > 25
    assert slow == []
