"""`allegra run`: one pass over all active mailboxes, for cron.

Here: the options, the exit code. Not here: the pass itself (`engine/run/passing.py`), what is printed (`run_told.py`),
the watch (`watching.py`). Invariant: one pass, and then the end, unless it is to watch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

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
    verbosity,
)
from engine.cli.reminders import Quiet, has_news, quiet_of
from engine.model.reasons import DIRECTORY_AWAY, NEEDS_MENDING, OUR_FAULT
from engine.run.report import Sent

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.run.report import MailboxReport
    from engine.stop import Stop
    from engine.store.store import Store

MOST_JOBS = 4
"""The database has one writer, and a mail writes for a good quarter of its time: more processes only wait for it."""


def _since(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Read what is said after --since; most runs say nothing, and do not load how it is read."""
    if value is None:
        return None
    from engine.cli.since import SOMEWHERE, reader

    return reader("now", "all", ahead=SOMEWHERE)(value)


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
@click.option(
    "--since",
    metavar="DATE",
    callback=_since,
    help="This time leave alone what is older, in place of the mailbox's since; now: what lay there before the first "
    "run; all: nothing.",
)
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
@click.option("--watch", is_flag=True, help="Stay, and read mail as it comes: IMAP IDLE, else every `poll`.")
@click.option("--no-move", is_flag=True, help="Leave mails where they are on the server this time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail, then a summary.")
@click.pass_context
def run(
    ctx: click.Context,
    names: Sequence[str],
    limit: int | None,
    since: str | None,
    dry_run: bool,
    wait: float,
    jobs: int | None,
    watch: bool,
    no_move: bool,
    as_json: bool,
) -> None:
    """Read all active mailboxes once and turn new mail into items; with --watch as mail comes, until it is stopped.

    On a terminal it tells what happened; elsewhere, and with -q, only trouble. A dry run always tells.

    Exit codes: 0 done, 1 a mail ended in error, waits for a broken file, is not handed out by its server or was decided
    by the last good version of a file that is broken, 69 a mailbox, the database or the server that mail waits for is
    away, 75 (with --wait) another run held a mailbox all the time or it was asked to stop, 78 the configuration does
    not load. A watch that is asked to stop ends with 0; 75 is another watch at work.
    """
    if watch:
        _stay(ctx, names, as_json, settle=not no_move, other=bool(limit or since or dry_run or wait or jobs))
    from engine.stop import Stop, Stopped

    started, stop = time.monotonic(), Stop()
    reports: list[MailboxReport] = []
    sent, quiet = Sent(), Quiet()
    with stop.signals():
        try:
            with stop.interruptible():
                config = open_config(ctx)
                mailboxes = chosen_mailboxes(config, names)
                with open_store(ctx, config) as store:
                    how = limit or 0, wait, jobs or _most_jobs(), dry_run, no_move, since or "", bool(names)
                    sent = _pass(config, store, mailboxes, stop, reports, *how)
                    quiet = quiet_of(store, reports, sent, whole=dry_run or as_json)
        except (Stopped, KeyboardInterrupt):
            stop.set()
    took = time.monotonic() - started
    loud = (is_terminal() or dry_run) and verbosity(ctx) >= 0  # who tries something out wants to see it
    if as_json or loud or has_news(reports, sent, quiet):
        from engine.cli.run_told import tell

        place = config.smtp.place if quiet.away and config.smtp is not None else ""
        tell(reports, sent, took, quiet, place, as_json=as_json, loud=loud, dry_run=dry_run)
    raise SystemExit(LATER if stop.is_set() else _status(reports, sent, wait))


def _stay(ctx: click.Context, names: Sequence[str], as_json: bool, *, settle: bool, other: bool) -> NoReturn:
    """Watch in place of one pass; with `other` options that is wrong usage."""
    if other:
        raise click.UsageError(
            "--watch reads all mail as it comes: it does not go with --limit, --since, --dry-run, --wait, --jobs"
        )
    from engine.cli.watching import watch

    watch(ctx, names, as_json, settle)


def _most_jobs() -> int:
    """How many processes are of use: one a processor that we may use, as long as they do not wait for the database."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_JOBS)


def _pass(
    config: Config, store: Store, mailboxes: Sequence[Mailbox], stop: Stop, reports: list[MailboxReport], limit: int,
    wait: float, jobs: int, dry_run: bool, no_move: bool, since: str, named: bool,
) -> Sent:  # fmt: skip
    """Do the pass, or rehearse it, and add to `reports`. A request to stop is heard where it does no harm."""
    from engine.cli.progress import Progress
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.store.errors import StoreError

    engine = Engine(config, store, stop=stop)
    try:
        if dry_run:
            from engine.run.rehearsal import rehearse

            reports += rehearse(engine, mailboxes, limit, since=since)
            return Sent()
        with stop.protected():
            progress = Progress()
            one = Pass(engine, progress, limit, wait, settle=not no_move, jobs=jobs, since=since, named=named)
            reports += one.run(mailboxes)
            progress.clear()
        return one.outbox
    except StoreError as error:  # also one that is locked: it is as good as away
        complain(str(error))
        raise SystemExit(AWAY) from None
    finally:
        engine.close()


def _status(reports: Sequence[MailboxReport], sent: Sent, wait: float) -> int:
    """The highest exit code that applies."""
    codes = [AWAY if sent.away else 0]
    for report in reports:
        codes += [1 for each in report.lines if each.outcome == "error" or each.code in NEEDS_MENDING or each.broken]
        codes += [1 for each in report.waiting if each.code in OUR_FAULT]
        codes += [AWAY for each in report.waiting if each.code == DIRECTORY_AWAY]
        codes += [1] if report.withheld else []
        if report.state == "failed":
            codes.append(69)
        if report.state == "busy" and wait:
            codes.append(75)
    return max(codes)
