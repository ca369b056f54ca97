"""Times as people type them behind an option: `30d`, `15 min`.

Here: the type of such an option. Not here: how a time is read (`config/kinds.py`): as in the configuration.
"""

from __future__ import annotations

import math
from typing import Any

import click

YEAR_S = 365.25 * 86_400


class Span(click.ParamType[float]):
    """A time, as a number of seconds, of `most_y` years at most."""

    name = "time"

    def __init__(self, most_y: float = math.inf) -> None:
        self._most_y = most_y

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from engine.config.kinds import read_duration
        from engine.config.section import Wrong

        if isinstance(value, float):
            return value
        try:
            read = read_duration(value)
        except Wrong:
            self.fail(f"{value!r} is no time, such as 15m, 2h or 30d", param, ctx)
        if read > self._most_y * YEAR_S:
            self.fail(f"{value!r} is more than {self._most_y} years", param, ctx)
        return read
