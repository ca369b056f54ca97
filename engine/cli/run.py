"""`allegra run`: one pass over all active mailboxes, for cron.

Here: the options, what is printed, the exit code. Not here: the pass itself (`engine/run/passing.py`).
Invariant: nothing is printed when standard output is no terminal and all went well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.common import (
    AWAY,
    LATER,
    chosen_mailboxes,
    complain,
    is_terminal,
    open_config,
    open_store,
    print_json,
    terminal_columns,
    verbosity,
)
from engine.cli.paint import paint, state
from engine.cli.shown import when
from engine.model.reasons import OUR_FAULT
from engine.plain_text import columns, fit, printable

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.plan import Outcome
    from engine.model.stored import Waiting
    from engine.run.line import Line
    from engine.run.passing import MailboxReport
    from engine.stop import Stop
    from engine.store.store import Store

NEEDS_MENDING = OUR_FAULT | {"hook.sandbox_missing", "hook.disabled"}
"""Reason codes of mail that waits until somebody mends something here: a file, or the machine."""

MOST_JOBS = 4
"""The database has one writer, and a mail writes for a good quarter of its time: more processes only wait for it."""


@click.command()
@click.option(
    "--mailbox",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=words.mailboxes,
    help="Only this mailbox (again for more): system or a workspace.",
)
@click.option("--workspace", "names", multiple=True, metavar="NAME", help="Only the mailbox of this workspace.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Read at most N new mails from each mailbox.")
@click.option("--dry-run", is_flag=True, help="Decide, show, and take everything back; the server hears nothing.")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    help="Wait for a mailbox that another run is working on.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Decide in up to N processes where there is much to do (default: one a core, 4 at most).",
)
@click.option("--no-move", is_flag=True, help="Leave mails where they are on the server this time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail, then a summary.")
@click.pass_context
def run(
    ctx: click.Context,
    names: Sequence[str],
    limit: int | None,
    dry_run: bool,
    wait: float,
    jobs: int | None,
    no_move: bool,
    as_json: bool,
) -> None:
    """Read all active mailboxes once and turn new mail into items.

    On a terminal it tells what happened; elsewhere, and with -q, only trouble. A dry run always tells.

    Exit codes: 0 done, 1 a mail ended in error, waits for a broken file, is not handed out by its server or was decided
    by the last good version of a file that is broken, 69 a mailbox or the database is away, 75 (with --wait) another
    run held a mailbox all the time or it was asked to stop, 78 the configuration does not load.
    """
    from engine.stop import Stop, Stopped

    started, stop = time.monotonic(), Stop()
    reports: list[MailboxReport] = []
    with stop.signals():
        try:
            with stop.interruptible():
                config = open_config(ctx)
                mailboxes = chosen_mailboxes(config, names)
                with open_store(ctx, config) as store:
                    how = limit or 0, wait, jobs or _most_jobs(), dry_run, no_move
                    reports.extend(_pass(config, store, mailboxes, stop, *how))
        except (Stopped, KeyboardInterrupt):
            stop.set()
    took = time.monotonic() - started
    loud = (is_terminal() or dry_run) and verbosity(ctx) >= 0  # who tries something out wants to see it
    if as_json:
        _print_json(reports, took)
    else:
        _print(reports, took, loud, dry_run)
    raise SystemExit(LATER if stop.is_set() else _status(reports, wait))


def _most_jobs() -> int:
    """How many processes are of use: one a processor that we may use, as long as they do not wait for the database."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_JOBS)


def _pass(
    config: Config, store: Store, mailboxes: Sequence[Mailbox], stop: Stop, limit: int, wait: float, jobs: int,
    dry_run: bool, no_move: bool,
) -> Iterator[MailboxReport]:  # fmt: skip
    """Do the pass, or rehearse it. A request to stop is heard where it does no harm."""
    from engine.cli.progress import Progress
    from engine.run.engine import Engine
    from engine.run.passing import Pass, rehearse
    from engine.store.errors import StoreError

    engine = Engine(config, store, stop=stop)
    try:
        if dry_run:
            yield from rehearse(engine, mailboxes, limit)
            return
        with stop.protected():
            progress = Progress()
            reports = Pass(engine, progress, limit, wait, settle=not no_move, jobs=jobs).run(mailboxes)
            progress.clear()
            yield from reports
    except StoreError as error:  # also one that is locked: it is as good as away
        complain(str(error))
        raise SystemExit(AWAY) from None
    finally:
        engine.close()


def _print(reports: Sequence[MailboxReport], took: float, loud: bool, dry_run: bool) -> None:
    """Tell a person everything, cron only trouble."""
    told = [line for report in reports for line in report.lines]
    if loud:
        _print_all(reports, told, took, dry_run)
    _print_trouble(reports, told, failures=not loud)


def _print_all(reports: Sequence[MailboxReport], told: Sequence[Line], took: float, dry_run: bool) -> None:
    """A line a mailbox, the sums, what is held, and which mailboxes could not be read."""
    from engine.cli import lines
    from engine.model.plan import Outcome

    width = terminal_columns()
    names = max((len(report.name) for report in reports), default=0)
    hosts = min(max((columns(report.host) for report in reports), default=0), 40 if width >= 100 or not width else 24)
    for report in reports:
        said = printable(f"{report.name:<{names}}  {fit(report.host, hosts)}  {_state(report)}")
        click.echo(said if report.state == "ok" else paint("bad" if report.state == "failed" else "waits", said))
    if dry_run and told:
        click.echo(f"\n{lines.head(width)}")
        called = lines.new_items(told)
        for line in told:
            click.echo(lines.row(line, called.get(line.item, ""), width))
    mails = "1 mail" if len(told) == 1 else f"{len(told)} mails"
    sums = f"{mails} in {took:.1f} s", lines.sentence([line.outcome for line in told], " · ")
    click.echo("\n" + ("\n" if width and sum(map(len, sums)) + 3 > width else "   ").join(sums))
    for line in told:
        if line.outcome is Outcome.HELD and not dry_run:
            subject, because = printable(line.subject, 50), printable(line.because)
            click.echo(f' {state("held", "HELD")}  {line.mail[:6]}  {printable(line.sender)}   "{subject}"')
            click.echo(f"       {line.code}: {because}")
    if dry_run:
        click.echo("dry run: nothing was kept, the server heard nothing")
    away = [report.name for report in reports if report.state == "failed"]
    if away:
        word = "mailbox" if len(away) == 1 else "mailboxes"
        click.echo(f"{len(away)} {word} unavailable: {', '.join(away)}   → exit {AWAY}")


def _state(report: MailboxReport) -> str:
    """How a mailbox fared, in a few words."""
    from engine.store.lease import BY_HAND

    if report.state != "ok":
        sentence = report.sentence.removeprefix(f"mailbox {report.name}: ")
        plain = report.state != "paused" or sentence == BY_HAND
        return f"   –      {sentence if plain else f'paused: {sentence}'}"
    waited = len(report.lines) + report.seen_before - report.new
    said = f"{report.new:>4} new"
    said += f", {report.seen_before} known by their bytes" if report.seen_before else ""
    said += f", {waited} that waited" if waited > 0 else ""
    return said + (f"   {report.sentence}" if report.sentence else "")


def _print_trouble(reports: Sequence[MailboxReport], told: Sequence[Line], failures: bool) -> None:
    """What somebody should read, on standard error; `failures` of mailboxes where they were not told yet."""
    for report in reports:
        if report.state == "failed" and failures:
            click.echo(printable(report.sentence), err=True)
        for note in report.notes:
            click.echo(printable(note), err=True)
    if told:
        _print_given_up(told)
    for report in reports:
        for each in report.waiting:
            many = f"{each.mails} mails wait" if each.mails > 1 else "1 mail waits"
            until = "until that is mended" if each.code in OUR_FAULT else f"until {when(each.until)}"
            click.echo(f"{many} {until} ({each.code}): {printable(each.because)}", err=True)
    if told:
        _print_broken(told)


def _print_given_up(told: Sequence[Line]) -> None:
    from engine.model.plan import Outcome

    for line in told:
        if line.outcome is Outcome.ERROR:
            click.echo(f"{line.mail}: kept after all attempts failed: {printable(line.because)}", err=True)


def _print_broken(told: Sequence[Line]) -> None:
    """Which mails are held, and which files broken, until somebody mends something here."""
    from engine.model.plan import Outcome

    waits = [line for line in told if line.outcome is Outcome.HELD and (line.code in NEEDS_MENDING or line.broken)]
    for (code, because), number in _by_reason(waits, Outcome.HELD).items():
        many = f"{number} mails are held" if number > 1 else "1 mail is held"
        click.echo(f"{many} ({code}): {printable(because)}", err=True)
    for broken in dict.fromkeys(line.broken for line in told if line.broken and line not in waits):
        click.echo(printable(broken), err=True)


def _by_reason(told: Iterable[Line], outcome: Outcome) -> dict[tuple[str, str], int]:
    """Mails of this outcome by reason, so that a hundred of one kind are one line."""
    from collections import Counter

    return Counter((each.code, each.because) for each in told if each.outcome is outcome)


def _print_json(reports: Sequence[MailboxReport], took: float) -> None:
    from engine.cli import lines
    from engine.desk import plain

    told = [line for report in reports for line in report.lines]
    for line in told:
        print_json("run", plain.line(line))
    boxes = {
        report.name: {"ok": report.state == "ok", "state": report.state, "new": report.new}
        | ({"code": report.code, "because": report.sentence} if report.code else {})
        | ({"notes": report.notes} if report.notes else {})
        | ({"withheld": report.withheld} if report.withheld else {})
        | ({"waiting": [_waits(each) for each in report.waiting]} if report.waiting else {})
        for report in reports
    }
    print_json(
        "run",
        {
            "summary": lines.summary(line.outcome for line in told),
            "mailboxes": boxes,
            "ms": round(took * 1000),
        },
    )


def _waits(waiting: Waiting) -> dict[str, Any]:
    """Mails that wait, as data; no time for those whose file is looked at in every pass."""
    until = None if waiting.code in OUR_FAULT else waiting.until
    return {"mails": waiting.mails, "code": waiting.code, "because": waiting.because, "until": until}


def _status(reports: Sequence[MailboxReport], wait: float) -> int:
    """The highest exit code that applies."""
    codes = [0]
    for report in reports:
        codes += [1 for each in report.lines if each.outcome == "error" or each.code in NEEDS_MENDING or each.broken]
        codes += [1 for each in report.waiting if each.code in OUR_FAULT]
        codes += [1] if report.withheld else []
        if report.state == "failed":
            codes.append(69)
        if report.state == "busy" and wait:
            codes.append(75)
    return max(codes)
