"""Times as people type them behind an option: `30d`, `15 min`.

Here: the type of such an option. Not here: how a time is read (`config/kinds.py`): as in the configuration.
"""

from __future__ import annotations

from typing import Any

import click


class Span(click.ParamType[float]):
    """A time, as a number of seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from engine.config.kinds import read_duration
        from engine.config.section import Wrong

        if isinstance(value, float):
            return value
        try:
            return read_duration(value)
        except Wrong:
            self.fail(f"{value!r} is no time, such as 15m, 2h or 30d", param, ctx)
