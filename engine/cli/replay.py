"""`allegra replay`: stored mails through the pipeline again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.common import open_config, open_store, print_json
from engine.plain_text import printable


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
    from engine.explain.replay import decide_again
    from engine.run.process import Engine

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        engine = Engine(config, store, rules_directory=rules_directory)
        rows = _rows(store, refs, limit)
        changed = 0
        try:
            for row in rows:
                raw = store.archive.raw(row.mail)
                if raw is None:
                    click.echo(f"{row.mail[:8]}  its bytes were purged, it cannot be replayed", err=True)
                    continue
                if commit:
                    _commit(engine, row, as_new, notify, as_json)
                    continue
                decision = decide_again(engine, raw, mail=row.mail)
                changed += _show(row, decision, as_json)
        finally:
            engine.close()
        if not commit and not as_json:
            mails = "1 mail" if len(rows) == 1 else f"{len(rows)} mails"
            click.echo(f"{mails}, {changed} would end differently; nothing was changed (--commit keeps it)")


def _rows(store: Any, refs: tuple[str, ...], limit: int) -> list[Any]:
    from engine.store.errors import NotFound

    if all(ref.startswith(("m-", "<")) or ref in ("last", "last-held") for ref in refs):
        return [store.archive.mail(ref) for ref in refs]
    rows = list(store.archive.mails(" ".join(refs), limit))
    if not rows:
        raise NotFound(f"no mail matches {' '.join(refs)!r}")
    return rows


def _show(row: Any, decision: Any, as_json: bool) -> int:
    """Print then and now; gives 1 if they differ."""
    plan = decision.plan
    same = (row.outcome, row.code, row.workspace) == (plan.outcome.value, plan.disposition.code, plan.workspace)
    if as_json:
        print_json(
            "replay",
            {
                "mail": row.mail,
                "then": {"outcome": row.outcome, "code": row.code, "workspace": row.workspace or None},
                "now": {
                    "outcome": plan.outcome.value,
                    "code": plan.disposition.code,
                    "workspace": plan.workspace or None,
                },
                "because": plan.disposition.because,
                "changed": not same,
            },
        )
    else:
        then = f"{row.outcome} {row.workspace}".strip()
        now = "same" if same else f"{plan.outcome.value} {plan.workspace}".strip()
        why = "" if same else f"   {plan.disposition.code}: {plan.disposition.because}"
        click.echo(printable(f"{row.mail[:8]}  {then:<20} → {now}{why}"))
    return not same


def _commit(engine: Any, row: Any, as_new: bool, notify: bool, as_json: bool) -> None:
    """Start the mail's next generation and keep what comes of it."""
    from engine.cli import lines
    from engine.run.line import line_of
    from engine.run.passing import utc_now
    from engine.store.locks import owner

    engine.store.ledger.reopen(row.mail, None, replay=True, as_new=as_new, notify=notify)
    spooled = engine.store.ledger.claim_one(row.mail, utc_now(), owner())
    for result in engine.process([spooled], utc_now()):
        line = line_of(result)
        print_json("replay", lines.as_json(line)) if as_json else click.echo(lines.row(line))
