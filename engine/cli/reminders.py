"""What is told once in a while where nobody watches: cron mails every line that a command prints.

Here: whether warnings of the configuration are due, once a day, and a trouble that lasts, once an hour; whether a pass
has anything to tell. Not here: the warnings (`config/`), the troubles (`store/troubles.py`),
printing them.
Invariant: a person at a terminal sees them always; what changed is told at once; where no file can be kept, always.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Container, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from engine.model.reasons import WAITS_FOR_US
from engine.model.stored import NO_WAY_OUT, failure, stuck

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import Waiting
    from engine.run.report import MailboxReport, Sent
    from engine.store.store import Store

FILE = "warned"
"""Below `instance.state_dir`: the sha256 of what was told last; its age tells when."""

AGAIN_S = 86_400.0

ALOUD_S = 3600.0


def due(config: Config) -> bool:
    """Tell whether the warnings are to be told now, and remember that they were."""
    if sys.stderr.isatty():
        return True
    import hashlib

    file = config.instance.state_dir / FILE
    said = hashlib.sha256("\n".join(map(repr, config.warnings)).encode()).hexdigest()
    with suppress(OSError):
        age_s = time.time() - file.stat().st_mtime
        if 0 <= age_s < AGAIN_S and file.read_text("ascii", "replace") == said:
            return False
    with suppress(OSError):
        file.write_text(said, "ascii")
    return True


def aloud(store: Store, name: str) -> bool:
    """Tell whether a trouble is to be told now, and remember that it was; on a terminal it always is."""
    if sys.stderr.isatty():
        return True
    from datetime import UTC, datetime

    trouble, now = store.troubles.find(name), datetime.now(UTC)
    if trouble is None or (trouble.told_at is not None and 0 <= (now - trouble.told_at).total_seconds() < ALOUD_S):
        return False
    store.troubles.told(name, now)
    return True


class Quiet(NamedTuple):
    """Troubles that were told within the hour; and whether that mail cannot go out is to be told now."""

    hushed: frozenset[str] = frozenset()
    away: bool = False


def quiet_of(store: Store, reports: Sequence[MailboxReport], sent: Sent, *, whole: bool) -> Quiet:
    """Find out what a pass tells, and remember that it did; with `whole` it hushes no mailbox."""
    away = bool(sent.away) and aloud(store, NO_WAY_OUT)
    return Quiet(frozenset() if whole else _hushed(store, reports), away)


def has_news(reports: Sequence[MailboxReport], sent: Sent, quiet: Quiet) -> bool:
    """Tell whether a pass has anything to say where nobody watches."""
    return quiet.away or bool(sent.replaced) or any(_is_remarkable(each, quiet.hushed) for each in reports)


def _is_remarkable(report: MailboxReport, hushed: Container[str]) -> bool:
    """Tell whether a visit to a mailbox has anything to tell that was not told within the hour."""
    if report.lines or report.notes or any(not _is_hushed(report.name, each, hushed) for each in report.waiting):
        return True
    return report.state != "ok" and failure(report.name, report.code) not in hushed


def _is_hushed(mailbox: str, waiting: Waiting, hushed: Container[str]) -> bool:
    """Tell whether it was said within the hour that these mails wait for something of ours."""
    return waiting.code in WAITS_FOR_US and stuck(mailbox) in hushed


def _hushed(store: Store, reports: Sequence[MailboxReport]) -> frozenset[str]:
    """The troubles that were told within the hour: this pass is silent about them, its exit code is not."""
    names = [failure(report.name, report.code) for report in reports if report.state == "failed"]
    names += [stuck(report.name) for report in reports if any(each.code in WAITS_FOR_US for each in report.waiting)]
    return frozenset([name for name in dict.fromkeys(names) if not aloud(store, name)])
