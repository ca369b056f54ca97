"""`allegra replay`: stored mails through the pipeline again."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.common import log_act, open_config, open_store, print_json, terminal_columns
from engine.cli.shown import zone
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.acting import Compared
    from engine.run.line import Line

MOST_TOLD = 60
"""Characters of a value that are told of what would change."""


@click.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--commit", is_flag=True, help="Keep the result; without it nothing is changed.")
@click.option("--dry-run", is_flag=True, help="Only show (this is the default).")
@click.option("--as-new", is_flag=True, help="Make another item, deliberately.")
@click.option("--notify", is_flag=True, help="Also send the mails that belong to the result.")
@click.option(
    "--rules",
    "rules_directory",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="With the rule files of this folder.",
)
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, metavar="N", help="At most N mails.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def replay(
    ctx: click.Context,
    refs: tuple[str, ...],
    commit: bool,
    dry_run: bool,
    as_new: bool,
    notify: bool,
    rules_directory: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """Put mails through the pipeline again and show what would become of them now.

    REFS are mail ids, or words of a query (see allegra mail list --help). With --commit the result is kept: what
    the mail made before is updated, a second item is made only with --as-new, and nobody is notified without --notify.
    """
    if commit and dry_run:
        raise click.UsageError("--commit and --dry-run exclude each other")
    from engine.cli.mail import person
    from engine.desk import acting, looking
    from engine.run.engine import Engine

    config = open_config(ctx)
    with open_store(ctx, config) as store, closing(Engine(config, store, rules_directory)) as engine:
        rows = looking.mails(store, refs, limit, zone())
        changed = 0
        for row in rows:
            try:
                if commit:
                    made = acting.replay(engine, row, as_new=as_new, notify=notify, by=person())
                    _print_kept(made, as_json)
                    log_act(ctx, "mail.replay", mail=row.mail)
                else:
                    changed += _print_compared(acting.decided_now(engine, row, as_new=as_new), as_json)
            except acting.Erased as erased:
                click.echo(str(erased), err=True)
        if not commit and not as_json:
            mails = "1 mail" if len(rows) == 1 else f"{len(rows)} mails"
            click.echo(f"{mails}, {changed} would change; nothing was kept (--commit keeps it)")


def _print_compared(this: Compared, as_json: bool) -> int:
    """Print then and now; gives 1 if they differ."""
    row, line = this.row, this.now
    if as_json:
        now = {"outcome": line.outcome.value, "code": line.code, "workspace": line.workspace or None}
        then = {"outcome": row.outcome, "code": row.code, "workspace": row.workspace or None}
        told = {"because": line.because, "changed": not this.same, "changes": this.changes}
        print_json("replay", {"mail": row.mail, "then": then, "now": now} | told)
        return not this.same
    before = f"{row.outcome} {row.workspace}".strip()
    after, why = f"{line.outcome.value} {line.workspace}".strip(), f"   {line.code}: {line.because}"
    if this.same_end:
        after, why = "same", ""
    changes = [f"{each.name} {_short(each.before)} → {_short(each.after)}" for each in this.changes]
    if changes:
        after, why = f"{after}, but" if this.same_end else after, f"{why}   {' · '.join(changes)}"
    click.echo(printable(f"{row.mail[:8]}  {before:<20} → {after}{why}"))
    return not this.same


def _short(value: str) -> str:
    return printable(value, MOST_TOLD) or "–"


def _print_kept(made: Iterable[Line], as_json: bool) -> None:
    from engine.cli import lines
    from engine.desk import plain

    for line in made:
        if as_json:
            print_json("replay", plain.line(line))
        else:
            click.echo(lines.row(line, width=terminal_columns()))
