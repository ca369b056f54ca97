"""Fetched mails in batches, by number and size.

Here: grouping, and the error of a source, which comes with the last group. Not here: fetching (`sources/`), what is
done with a batch (`visit.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.mail import RawMail
    from engine.sources.source import SourceError

BATCH_BYTES = 8_000_000
"""A batch ends early when its mails reach this size: bounds memory whatever the mails are."""


def batches(raws: Iterable[RawMail], number: int) -> Iterator[tuple[list[RawMail], SourceError | None]]:
    """Group fetched mails by number and size; with the last group comes the error that broke the source, if one did."""
    from engine.sources.source import SourceError

    batch: list[RawMail] = []
    size = 0
    broken: SourceError | None = None
    coming = iter(raws)
    while True:
        try:
            raw = next(coming)
        except StopIteration:
            break
        except SourceError as error:
            broken = error
            break
        batch.append(raw)
        size += len(raw.content)
        if len(batch) >= number or size >= BATCH_BYTES:
            yield batch, None
            batch, size = [], 0
    if batch or broken:
        yield batch, broken
