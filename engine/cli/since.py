"""What is said after `--since`: a date that is over, or a word.

Here: reading it, for options and for a question. Not here: what it means (`run/since.py`, `desk/first_file.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click

from engine.plain_text import printable

SOMEWHERE = timedelta(hours=15)
"""How long a day has begun somewhere before it begins in UTC: in which zone a date is meant the configuration says."""


def reader(*words: str, ahead: timedelta = timedelta()) -> Callable[[str], str]:
    """Make what reads a date in UTC or one of these words; anything else is told, and asked again where it was typed.

    A date may lie `ahead` by so much.
    """

    def read(typed: str) -> str:
        from engine.config.kinds import in_zone, read_moment
        from engine.config.section import Wrong

        said = typed.strip()
        if said in words:
            return said
        try:
            moment = read_moment(said or "-")
        except Wrong:
            others = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
            wrong = f'"{printable(said, 40)}" is no date; write one like "2026-11-01" or "2026-11-01 12:40", {others}'
            raise click.BadParameter(wrong) from None
        if moment is not None and in_zone(moment, "UTC") > datetime.now(UTC) + ahead:
            raise click.BadParameter(f"{said} lies in the future: no mail would be read")
        return said

    return read


def option(
    *words: str, ahead: timedelta = timedelta()
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Make the callback of an option that takes a date or one of these words; without it nothing is said."""
    read = reader(*words, ahead=ahead)
    return lambda ctx, parameter, value: None if value is None else read(value)
