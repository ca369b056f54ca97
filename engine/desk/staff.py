"""Is everything well with the workers? Their figures, held against thresholds.

Here: `staffed`, pure. Not here: the other checks (`health.py`), the figures (`store/workers.py`).
Invariant: without a worker nothing is wrong where nothing waits for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk.health import HOUR, MINUTE, Check, Status, over, span

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model.figures import Staff

ALONE_S, LONG_ALONE_S = MINUTE, 10 * MINUTE
"""For so long may work wait where no worker lives."""


def staffed(staff: Staff | None, now: datetime) -> tuple[Check, ...]:
    """Judge; there is nothing to say where there can be no workers."""
    if staff is None:
        return ()
    orphans = Status.WARNING if staff.orphans else Status.OK
    bells = over(staff.unheard_s, MINUTE, None) if staff.living else Status.OK
    return (
        _workers(staff, now),
        Check("due", _due(staff), f"the oldest work is {span(staff.late_s)} late", staff.late_s, 5 * MINUTE, HOUR, "s"),
        Check("orphans", orphans, f"{staff.orphans} mails were claimed by processes that died" if orphans is not
              Status.OK else "0", float(staff.orphans), 0.0),
        Check("bells", bells, f"one has hung there for {span(staff.unheard_s)}", staff.unheard_s, MINUTE, None, "s"),
    )  # fmt: skip


def _workers(staff: Staff, now: datetime) -> Check:
    """Whether one lives where one is wanted."""
    number = float(len(staff.living))
    if staff.paused:
        return Check("workers", Status.CRITICAL, staff.paused, number)
    if staff.living:
        said = ", ".join(f"{name} for {span((now - since).total_seconds())}" for name, since in staff.living)
        return Check("workers", Status.OK, said, number)
    if not staff.wanted:
        return Check("workers", Status.OK, "none: mail is read by cron, by hand or by a watch", number)
    said = f"none lives, and work has waited for {span(staff.late_s)}" if staff.late_s else "none lives, nothing waits"
    return Check("workers", over(staff.late_s, ALONE_S, LONG_ALONE_S), said, number)


def _due(staff: Staff) -> Status:
    """What is late; without a worker that is said there."""
    return over(staff.late_s, 5 * MINUTE, HOUR) if staff.living else Status.OK
