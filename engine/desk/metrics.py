"""How an installation stands, as Prometheus reads it: a text file that its node exporter picks up.

Here: the names, and the counters that grow from time to time. Not here: the figures (`store/figures.py`), the judgement
(`health.py`).
Invariant: the file is replaced as a whole, so nobody reads half of it; a counter only grows, and begins with the first
file that was written, because to count all that ever was would take longer each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine.desk.health import CODES, Check, worst

if TYPE_CHECKING:
    from engine.model.figures import Counted, Figures
    from engine.store.store import Store

COUNTERS = "counters.json"
"""Below `instance.state_dir`: what was counted until the last file."""

Labels = tuple[tuple[str, str], ...]


class Totals(Struct, frozen=True):
    """What was counted up to a mark: of each counter its labels and its number."""

    mark: tuple[int, int] | None = None
    counters: tuple[tuple[str, Labels, int], ...] = ()


def count(store: Store, folder: Path) -> Totals:
    """Add what happened since the last file, and keep it; a folder that cannot be written begins anew each time."""
    before, path = Totals(), folder / COUNTERS
    with suppress(OSError, msgspec.MsgspecError):
        before = msgspec.json.decode(path.read_bytes(), type=Totals)
    after = _added(before, store.figures.counted(before.mark))
    with suppress(OSError):
        _replace(path, msgspec.json.encode(after))
    return after


def _added(before: Totals, counted: Counted) -> Totals:
    totals = {(name, labels): number for name, labels, number in before.counters}
    for name, labels, number in counted.counters:
        totals[name, labels] = totals.get((name, labels), 0) + number
    return Totals(counted.mark, tuple([(*key, number) for key, number in totals.items()]))


def write(path: Path, text: str) -> None:
    """Replace the file; what is none, as /dev/stdout, is written to. Raises OSError."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
    else:
        _replace(path, text.encode())


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.chmod(0o644)  # another user reads it
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def text(checks: Sequence[Check], figures: Figures | None, totals: Totals, now: datetime) -> str:
    """All that is told, in the format of Prometheus. Without a database only the checks are."""
    families = [*_checks(checks), *(_figures(figures, now) if figures is not None else ()), *_totals(totals)]
    return "".join(_family(*each) for each in families)


Family = tuple[str, str, str, list[tuple[Labels, float]]]
"""A name, its kind, what it means, and the values with their labels."""


def _checks(checks: Sequence[Check]) -> Iterator[Family]:
    told = [(_of(check=each.name), float(CODES[each.status])) for each in checks]
    loads = all(each.name != "configuration" for each in checks)
    yield "health", "gauge", "0 ok, 1 warning, 2 critical, 3 unknown", _one(CODES[worst(checks)])
    yield "check_status", "gauge", "the same, of each check", told
    yield "config_last_load_success", "gauge", "whether the configuration loads", _one(loads)


def _figures(figures: Figures, now: datetime) -> Iterator[Family]:
    boxes = figures.mailboxes
    read = [(_of(mailbox=each.name), each.ok_at.timestamp()) for each in boxes if each.ok_at]
    mail = [(_of(mailbox=each.name), each.last_mail_at.timestamp()) for each in boxes if each.last_mail_at]
    rows = [(_of(state=state, **{"class": kind}), float(number)) for state, kind, number in figures.outbox]
    oldest = (now - figures.queued.oldest).total_seconds() if figures.queued.oldest else 0.0
    yield "mailbox_last_success_timestamp_seconds", "gauge", "when a mailbox was last read", read
    yield "mailbox_last_mail_timestamp_seconds", "gauge", "when mail last came", mail
    yield "waiting", "gauge", "mails that are not decided yet", _one(figures.waiting.rows)
    yield "held", "gauge", "mails that wait for a person", _one(figures.held.rows)
    yield "quarantined", "gauge", "mails that broke the machine", _one(figures.quarantined)
    yield "outbox", "gauge", "rows that are not over; of failed, unknown and bounced those of a week", rows
    yield "outbox_oldest_seconds", "gauge", "how long the oldest row waits to be sent", _one(max(oldest, 0.0))
    if figures.sent_at is not None:
        at = figures.sent_at.timestamp()
        yield "smtp_last_success_timestamp_seconds", "gauge", "when a mail last went out", _one(at)


def _totals(totals: Totals) -> Iterator[Family]:
    for kind, said in (("mails", "mails that were decided"), ("suppressed", "mails that were not sent, by why not")):
        values = [(labels, float(number)) for name, labels, number in sorted(totals.counters) if name == kind]
        yield f"{kind}_total", "counter", said, values


def _of(**labels: str) -> Labels:
    return tuple(labels.items())


def _one(value: float) -> list[tuple[Labels, float]]:
    return [((), float(value))]


def _family(name: str, kind: str, said: str, values: Sequence[tuple[Labels, float]]) -> str:
    head = f"# HELP allegra_{name} {said}\n# TYPE allegra_{name} {kind}\n"
    return head + "".join(f"allegra_{name}{_labels(labels)} {value:.15g}\n" for labels, value in values)


def _labels(labels: Labels) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
