"""`allegra stats`: how much came, what became of it, and how long it took; as a table or as pictures.

Here: options and printing, writing files. Not here: counting (`desk/stats.py`), pictures (`desk/draw.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from engine.cli.common import open_config, open_to_read, print_json
from engine.cli.shown import print_table, when
from engine.cli.spans import Span
from engine.desk.stats import BY

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.stats import Row, Stats

DEFAULT_S = 30 * 86_400.0


@click.command()
@click.option("--last", type=Span(most_y=100), default="30d", show_default=True, metavar="TIME",
              help="Of this long until now.")  # fmt: skip
@click.option("--by", type=click.Choice(BY), default="outcome", show_default=True, metavar="KEY",
              help=f"What to count by: {', '.join(BY)}.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1), default=40, show_default=True, metavar="N", help="At most N rows.")
@click.option("--svg", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write pictures into DIR, a file each, and tell which.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key, then a summary.")
@click.pass_context
def stats(ctx: click.Context, last: float, by: str, limit: int, folder: Path | None, as_json: bool) -> None:
    """Count mails by what became of them, events, or mail that was not sent by why not.

    The times are from when a mail reached its server until it was decided, of half of them and of 95 %, and until
    somebody answered the item that it made, of half of them.
    """
    from engine.desk import stats as desk

    config = open_config(ctx)
    if folder is not None:
        _draw(ctx, config, timedelta(seconds=last), folder, as_json)
        return
    with open_to_read(ctx, config) as store:
        told = desk.stats(store, config, by, datetime.now(UTC) - timedelta(seconds=last))
    if as_json:
        _print_json(told)
    else:
        _print(told, limit)


def _draw(ctx: click.Context, config: Config, last: timedelta, folder: Path, as_json: bool) -> None:
    """Write the pictures that the console shows; what they show beside the marks are the same numbers."""
    from engine.desk.draw import picture
    from engine.desk.numbers import Asked, pictures
    from engine.desk.scope import EVERYTHING

    with open_to_read(ctx, config) as store:
        asked = Asked(store, config, EVERYTHING, last, datetime.now(UTC), ZoneInfo(config.instance.timezone))
        shown = pictures(asked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in shown:
            (folder / f"{each.name}.svg").write_text(picture(each, alone=True), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror or error}") from None
    for each in shown:
        file = folder / f"{each.name}.svg"
        if as_json:
            print_json("stats", {"picture": each.name, "file": str(file), "title": each.title, "note": each.note})
        else:
            click.echo(f"{file}  {each.title}{f' ({each.note})' if each.note else ''}")


def _print_json(told: Stats) -> None:
    for row in told.rows:
        print_json("stats", {"by": told.by, **_data(row)})
    total = {name: value for name, value in _data(told.total).items() if name not in ("key", "share")}
    print_json("stats", {"by": told.by, "since": told.since, "total": total, "sent": told.sent,
                         "suppressed": told.suppressed})  # fmt: skip


def _data(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _print(told: Stats, limit: int) -> None:
    timed = told.by not in ("event", "why")
    heads = (told.by, "count", "share", *(("p50", "p95", "answered") if timed else ()))
    shown = told.rows[-limit:] if told.by in ("hour", "day") else told.rows[:limit]
    rows = [_cells(row, row.key or "–", timed) for row in shown]
    if len(told.rows) > len(shown):
        click.echo(f"{len(told.rows) - len(shown)} more rows: --limit, --json", err=True)
    if len(rows) > 1:
        rows.append(_cells(told.total, "all", timed))
    print_table(heads, rows, f"nothing since {when(told.since)}")
    if rows:
        click.echo(f"\nsince {when(told.since)}: {told.sent} sent, {told.suppressed} not sent on purpose")


def _cells(row: Row, key: str, timed: bool) -> tuple[Any, ...]:
    times = (row.p50_ms, row.p95_ms, row.answered_p50_ms) if timed else ()
    return (key, row.count, f"{row.share:.0%}", *map(_span, times))


def _span(ms: float | None) -> str:
    """A time in a narrow column."""
    if ms is None:
        return ""
    for name, length in (("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0)):
        if ms >= 2 * length or (name == "s" and ms >= length):
            return f"{ms / length:.1f} {name}" if ms < 10 * length else f"{ms / length:.0f} {name}"
    return f"{ms:.0f} ms"
