"""`allegra log`: what happened, who did it, by which mail or act; what other programs follow.

Here: the options, a line an event, looking for new ones. Not here: the words of a query (`store/event_query.py`), the
file of `[log]` (`engine/log.py`). Invariant: the newest stands last, and each event is told once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from engine.cli.common import local_of, open_config, open_to_read, print_json, reader_left, terminal_columns, usage
from engine.desk.audit import said
from engine.plain_text import fit, printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import EventRow

EVERY_S = 1.0
"""How often it is looked whether something happened."""

AT_ONCE = 1_000


@click.command()
@click.argument("query", nargs=-1)
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, metavar="N", help="The newest N.")
@click.option("--follow", "-f", is_flag=True, help="Go on and print what happens, until it is stopped (Ctrl-C).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.pass_context
def log(ctx: click.Context, query: tuple[str, ...], limit: int, follow: bool, as_json: bool) -> None:
    """Print what happened, and follow it: who did what, to which item, by which mail or act; the newest last.

    QUERY takes event: item: mail: act: actor: via: workspace: newer_than: older_than:, as in `event:item.answered`,
    `item:12` or `actor:-` for the engine; all must fit, a word with - before it (behind a -- of its own) must not.
    """
    asked = " ".join(query)
    config = open_config(ctx)
    with open_to_read(ctx, config) as store, usage():
        seen = store.history.newest_event()
        rows, beyond = store.history.events(asked, limit)
        seen = max(seen, rows[-1].id if rows else 0)
        _print(config, rows, as_json)
        if not rows and limit and not follow:
            click.echo("nothing found" if query else "nothing happened yet", err=True)
        if beyond:
            click.echo("only the newest 100000 events were looked at; item:, mail: and act: find older ones", err=True)
        try:
            while follow:
                rows, _ = store.history.events(asked, AT_ONCE, after=seen)
                seen = max(seen, rows[-1].id if rows else 0)
                _print(config, rows, as_json)
                if reader_left(EVERY_S):
                    return
        except KeyboardInterrupt:  # whoever follows stops it so: nothing is left undone
            return


def _print(config: Config, rows: Iterable[EventRow], as_json: bool) -> None:
    local, width = local_of(config), terminal_columns()
    for row in rows:
        if as_json:
            print_json("event", row)
            continue
        line = printable(f"{local(row.at):%Y-%m-%d %H:%M:%S}  {_told(row)}")
        click.echo((fit(line, width) if width else line).rstrip())


def _told(row: EventRow) -> str:
    """Who did what: the event, what it is about, who did it by what, and what changed or why."""
    about = f"#{row.item}" if row.item else f"topic {row.topic}" if row.topic else ""
    by = (row.mail or row.act)[:8] or row.via
    told = said(row)
    return f"{row.name:<17}  {about:<8}  {row.actor or 'the engine':<12}  {by:<8}" + (f"  {told}" if told else "")
