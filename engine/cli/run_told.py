"""What `allegra run` prints: a pass for a person, its trouble for cron, all of it as JSON.

Here: the lines. Not here: the options and the exit code (`run.py`), a mail as a line (`lines.py`).
Invariant: nothing is printed when standard output is no terminal and all went well.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from engine.cli.common import AWAY, print_json, terminal_columns
from engine.cli.paint import paint, state
from engine.cli.shown import age, clock, older, when
from engine.model.reasons import NEEDS_MENDING, OUR_FAULT, WAITS_FOR_US
from engine.model.stored import failure, stuck
from engine.plain_text import columns, fit, printable

if TYPE_CHECKING:
    from engine.cli.reminders import Quiet
    from engine.model.plan import Outcome
    from engine.model.stored import Waiting
    from engine.run.line import Line
    from engine.run.report import MailboxReport, Sent


def tell(
    reports: Sequence[MailboxReport], sent: Sent, took_s: float, quiet: Quiet, place: str,
    *, as_json: bool, loud: bool, dry_run: bool = False,
) -> None:  # fmt: skip
    """Print a pass, of a run or of a watch. `place` is the server of outgoing mail."""
    if as_json:
        print_pass(reports, sent, took_s)
    else:
        print_text(reports, took_s, loud, dry_run, quiet.hushed)
    print_sent(sent, place if quiet.away else "")


def print_text(
    reports: Sequence[MailboxReport], took: float, loud: bool, dry_run: bool, hushed: Container[str] = ()
) -> None:
    """Tell a person everything, cron only trouble, and of that nothing that is `hushed`."""
    told = [line for report in reports for line in report.lines]
    if loud:
        _print_all(reports, told, took, dry_run)
    _print_trouble(reports, told, hushed, failures=not loud)


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
        sentence = said_of(report).removeprefix(f"mailbox {report.name}: ")
        plain = report.state != "paused" or sentence == BY_HAND
        return f"   –      {sentence if plain else f'paused: {sentence}'}"
    waited = len(report.lines) + report.seen_before - report.new
    said = f"{report.new:>4} new"
    said += f", {report.seen_before} known by their bytes" if report.seen_before else ""
    said += f", {waited} that waited" if waited > 0 else ""
    if report.older_than is not None:
        said += f", {older(report.left_alone, report.older_than)}"
    return said + (f"   {report.sentence}" if report.sentence else "")


def _print_trouble(
    reports: Sequence[MailboxReport], told: Sequence[Line], hushed: Container[str], failures: bool
) -> None:
    """What somebody should read, on standard error; `failures` of mailboxes where they were not told yet."""
    named: set[str] = set()
    for report in reports:
        trouble = failure(report.name, report.code)
        if report.state == "failed" and failures and trouble not in hushed and trouble not in named:
            named.add(trouble)
            click.echo(printable(said_of(report)), err=True)
        for note in report.notes:
            click.echo(printable(note), err=True)
    if told:
        _print_given_up(told)
    for report in reports:
        for each in report.waiting:
            if each.code not in WAITS_FOR_US or stuck(report.name) not in hushed:
                click.echo(waits(each), err=True)
    if told:
        _print_broken(told)


def said_of(report: MailboxReport) -> str:
    """Why a mailbox was not read, and when it is tried again."""
    if report.retry_at is None:
        return report.sentence
    return (
        f"{report.sentence}; tried again at {clock(report.retry_at)}; `allegra run --mailbox {report.name}` tries now"
    )


def waits(waiting: Waiting) -> str:
    """That mails wait, until when, and why."""
    many = f"{waiting.mails} mails wait" if waiting.mails > 1 else "1 mail waits"
    until = "until that is mended" if waiting.code in OUR_FAULT else f"until {when(waiting.until)}"
    return f"{many} {until} ({waiting.code}): {printable(waiting.because)}"


def print_away(sent: Sent, place: str) -> None:
    """That mail waits for a server, on standard error."""
    many = f"{sent.waiting} mails wait" if sent.waiting > 1 else "1 mail waits"
    since = f", away since {clock(sent.since)} ({age(sent.since)})" if sent.since is not None else ""
    click.echo(printable(f"{many} for {place}{since}: {sent.away}"), err=True)


def print_sent(sent: Sent, away: str) -> None:
    """What went wrong while sending, on standard error: templates that failed, and a server that is `away`, if any."""
    for said in sent.replaced:
        click.echo(printable(f"{said}: the built-in text went out in its place"), err=True)
    if away:
        print_away(sent, away)


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


def print_pass(reports: Sequence[MailboxReport], sent: Sent, took: float) -> None:
    from engine.cli import lines
    from engine.desk import plain

    told = [line for report in reports for line in report.lines]
    for line in told:
        print_json("run", plain.line(line))
    boxes = {
        report.name: {"ok": report.state == "ok", "state": report.state, "new": report.new}
        | ({"code": report.code, "because": report.sentence} if report.code else {})
        | ({"retry_at": report.retry_at} if report.retry_at is not None else {})
        | ({"notes": report.notes} if report.notes else {})
        | ({"withheld": report.withheld} if report.withheld else {})
        | ({"left_alone": report.left_alone, "older_than": report.older_than} if report.left_alone else {})
        | ({"waiting": [plain.waiting(each) for each in report.waiting]} if report.waiting else {})
        for report in reports
    }
    print_json(
        "run",
        {
            "summary": lines.summary(line.outcome for line in told),
            "mailboxes": boxes,
            "outbox": {
                "sent": sent.sent,
                "waiting": sent.waiting,
                "oldest_s": sent.oldest_s,
                "away": sent.away or None,
                "replaced": list(sent.replaced),
            },
            "ms": round(took * 1000),
        },
    )
