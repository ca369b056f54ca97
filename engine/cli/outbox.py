"""`allegra outbox`: what is to be sent, what was not and why, and what a person does about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import (
    AWAY,
    DONE,
    FINDINGS,
    answer,
    complain,
    open_config,
    open_store,
    open_to_read,
    print_json,
    terminal_columns,
    usage,
)
from engine.cli.mail import person, write
from engine.cli.noun import Noun
from engine.cli.shown import age, clock, print_pairs, print_table, table, when, zone
from engine.plain_text import fit, printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxLine
    from engine.store.store import Store

BROAD = 120
"""Columns of a terminal on which a row fits on one line with its reason; on a narrower one that stands below it."""

HEADS = ("id", "state", "class", "to", "event", "about", "when")


@click.group(cls=Noun)
def outbox() -> None:
    """List what is to be sent and what was not, and send again, hold or drop it."""


@outbox.command("list")
@click.argument("query", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Also what is over: sent, suppressed, dropped.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="The most rows.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_context
def list_(ctx: click.Context, query: tuple[str, ...], everything: bool, limit: int, as_json: bool) -> None:
    """List what is not over, the newest first: queued, sending, held, failed, unknown, what came back in 7 days, and
    what goes along with others in a digest.

    QUERY takes to: item: mail: state: class: event: why: newer_than: older_than:, as in `to:jane@example.com` or
    `state:suppressed why:loop`; a word with - before it must not fit.
    """
    from engine.desk import outbox as desk

    config = open_config(ctx)
    with open_to_read(ctx, config) as store, usage():
        found = desk.listed(store, config, " ".join(query), everything=everything, limit=limit)
        if as_json:
            for line in found.lines:
                print_json("outbox", desk.as_data(line))
            return
        _print_rows(found.lines, "nothing found" if query or everything else "nothing waits and nothing failed")
        if len(found.lines) == limit:
            click.echo(f"the newest {limit}: --limit N shows more", err=True)
        if found.windowed:
            click.echo("only the newest 100000 rows were looked at; to:, item: and mail: find older ones", err=True)
        _print_waiting(store, config)


@outbox.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--raw", is_flag=True, help="The mail itself, as it went out or as it would go now.")
@click.option("--json", "as_json", is_flag=True, help="The row as a JSON object.")
@click.pass_context
def show(ctx: click.Context, number: int, raw: bool, as_json: bool) -> None:
    """Show a row: to whom, of what it tells, what became of it and why."""
    from engine.desk import outbox as desk

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        if raw:
            write(desk.raw(store, config, number))
            return
        line = store.outbox_views.line(number)
        if as_json:
            print_json("outbox", desk.as_data(line))
        else:
            _print_one(line)


@outbox.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[ID]...")
@click.option("--all-matching", metavar="QUERY", help="All rows that a query finds and that may be sent again.")
@click.option("--force", is_flag=True, help="Also what may have gone out (unknown), or was not sent on purpose.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_context
def retry(
    ctx: click.Context, numbers: tuple[int, ...], all_matching: str | None, force: bool, as_json: bool
) -> None:  # fmt: skip
    """Let the next run send rows that failed, were held or came back; what waits is tried at once."""
    _change(ctx, "retry", numbers, all_matching, as_json, force=force)


@outbox.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[ID]...")
@click.option("--all-matching", metavar="QUERY", help="All rows that a query finds and that wait.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_context
def hold(ctx: click.Context, numbers: tuple[int, ...], all_matching: str | None, as_json: bool) -> None:
    """Keep rows that wait from going out, until `allegra outbox retry`."""
    _change(ctx, "hold", numbers, all_matching, as_json)


@outbox.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[ID]...")
@click.option("--all-matching", metavar="QUERY", help="All rows that a query finds and that are not over.")
@click.option("--reason", required=True, help="Why; it is kept with the row.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_context
def drop(ctx: click.Context, numbers: tuple[int, ...], all_matching: str | None, reason: str, as_json: bool) -> None:
    """Give rows up for good: they are not sent, whatever comes."""
    _change(ctx, "drop", numbers, all_matching, as_json, reason)


@outbox.command("run")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N rows (default: smtp.max_per_run).")
@click.option("--json", "as_json", is_flag=True, help="What was done as a JSON object.")
@click.pass_context
def run_(ctx: click.Context, limit: int | None, as_json: bool) -> None:
    """Send now what is due, and read no mail.

    Exit codes: 0 done, 69 the server is away and mail waits for it.
    """
    from engine.desk import outbox as desk

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        done = desk.send_now(store, config, limit or 0)
    if as_json:
        print_json("outbox", done)
    else:
        more = ((done.failed, "not sent"), (done.unknown, "of unknown fate"), (done.waiting, "left"))
        click.echo(", ".join([f"{done.sent} sent", *(f"{count} {word}" for count, word in more if count)]))
    if done.away:
        complain(done.away)
    raise SystemExit(AWAY if done.away else DONE)


@outbox.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object an address.")
@click.pass_context
def addresses(ctx: click.Context, as_json: bool) -> None:
    """List addresses that take no mail of ours: suspended, failing, or left alone for a while."""
    with open_store(ctx) as store:
        found = store.outbox_views.addresses()
    if as_json:
        for each in found:
            print_json("outbox", each)
        return
    heads = ("address", "state", "failures", "item", "since", "until", "because")
    rows = [
        (each.address, each.state, each.failures or "", each.item or "", when(each.since), when(each.until), each.said)
        for each in found
    ]
    print_table(heads, rows, "every address takes mail")


@outbox.command()
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="What was done as a JSON object.")
@click.pass_context
def clear(ctx: click.Context, address: str, as_json: bool) -> None:
    """Send to an address again that was suspended, failed, or was left alone."""
    from engine.desk import outbox as desk

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        key = desk.clear(store, config, address, person())
        answer(as_json, "outbox", {"address": key, "done": "cleared"}, f"{key}: mail goes there again")


def _change(
    ctx: click.Context, act: str, numbers: Sequence[int], query: str | None, as_json: bool, reason: str = "",
    *, force: bool = False,
) -> None:  # fmt: skip
    from engine.desk import outbox as desk

    if not numbers and query is None:
        raise click.UsageError("name a row, or give --all-matching QUERY; allegra outbox list shows them")
    config = open_config(ctx)
    with open_store(ctx, config) as store, usage():
        lines = desk.chosen(store, config, act, numbers, query, force=force)
        done = set(desk.change(store, config, act, lines, person(), reason, force=force))
        for line in lines:
            if line.id in done:
                said = f"{line.id}  {desk.DONE[act]}   {line.to}   {desk.about(line)}".rstrip()
                answer(as_json, "outbox", {"id": line.id, "to": line.to, "done": desk.DONE[act]}, said)
            else:
                complain(f"row {line.id} changed meanwhile: nothing was done")
    raise SystemExit(DONE if len(done) == len(lines) else FINDINGS)


def _print_rows(lines: Sequence[OutboxLine], nothing: str) -> None:
    """A line a row; on a narrow terminal the reason stands below it."""
    from engine.desk import outbox as desk

    now, width = datetime.now(UTC), terminal_columns()
    cells = [
        (line.id, line.state, line.kind, line.to, line.event, desk.about(line), age(line.created_at)) for line in lines
    ]
    reasons = [desk.because(line, now, zone()) for line in lines]
    if not width or width >= BROAD or not lines:
        rows = [(*cell, reason) for cell, reason in zip(cells, reasons, strict=True)]
        print_table((*HEADS, "why"), rows, nothing, limit=60 if width else 400)
        return
    head, *shown = table(HEADS, cells, 60, width).splitlines()
    click.echo(head)
    for row, reason in zip(shown, reasons, strict=True):
        click.echo(row)
        if reason:
            click.echo("    " + fit(reason, width - 4).rstrip())


def _print_waiting(store: Store, config: Config) -> None:
    """The closing line: how many wait for a server that is away."""
    from engine.desk import outbox as desk

    waits = desk.what_waits(store, config)
    if waits.away_since is None:
        return
    word = "waits" if waits.rows == 1 else "wait"
    said = f"{waits.rows} {word} for {waits.place}, away since {clock(waits.away_since)} ({age(waits.away_since)})"
    todo = "→ allegra check --online, allegra outbox run"
    width = terminal_columns()
    click.echo(printable(said) + ("\n" if width and len(said) + len(todo) + 3 > width else "   ") + todo, err=True)


def _print_one(line: OutboxLine) -> None:
    from engine.desk import outbox as desk

    person_ = line.login or line.name
    pairs: tuple[tuple[str, Any], ...] = (
        ("row", line.id),
        ("state", line.state),
        ("because", desk.because(line, zone=zone())),
        ("class", line.kind),
        ("to", f"{line.to} ({person_})" if person_ else line.to),
        ("as", ", ".join(line.parts)),
        ("event", line.event),
        ("about", desk.about(line)),
        ("subject", line.subject),
        ("mail", line.mail),
        ("template", line.template),
        ("Message-ID", line.message_id),
        ("attempts", line.attempts or ""),
        ("next try", when(line.waits_until) if line.state in ("queued", "digest") else ""),
        ("made", when(line.created_at)),
        ("sent" if line.state == "sent" else "last tried", when(line.tried_at)),
    )
    print_pairs(pairs)
