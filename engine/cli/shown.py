"""How things stand on a terminal: tables, names with their values, times.

Here: layout. Not here: what is shown (each command), colours (`paint.py`), strangers' text (`engine/plain_text.py`).
Invariant: a table fits its terminal where its texts can give way; one time zone, that of the instance, which is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import terminal_columns
from engine.cli.paint import paint, state
from engine.plain_text import columns, fit, isolated, printable

if TYPE_CHECKING:
    from engine.model.stored import MailRow

NARROWEST = 12
"""A column of texts does not get narrower than this."""

RIGID = frozenset(
    {
        "mail",
        "item",
        "received",
        "changed",
        "since",
        "last hit",
        "outcome",
        "state",
        "status",
        "size",
        "id",
        "class",
        "when",
    }
)
"""Heads of columns that give way last: short words, numbers and times, which mean nothing when they are cut."""

STATED = frozenset({"outcome", "state"})
"""Heads of columns and names of values that are states."""


def when(moment: datetime | None) -> str:
    """Show a time to the minute in the zone of the instance, which is named; nothing for none."""
    return f"{moment.astimezone(zone()):%Y-%m-%d %H:%M %Z}" if moment else ""


def zone() -> tzinfo:
    """Give `instance.timezone` of the configuration that this command opened, else UTC: rules count in it, too."""
    ctx = click.get_current_context(silent=True)
    name = (ctx.find_root().obj or {}).get("zone", "UTC") if ctx is not None else "UTC"
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def lately(moment: datetime | None) -> str:
    """Show a time in a list: `5 min ago` of today, else the day; JSON has it whole."""
    if moment is None:
        return ""
    since = datetime.now(UTC) - moment
    return ago(since) if timedelta() <= since < timedelta(days=1) else f"{moment.astimezone(zone()):%Y-%m-%d}"


def age(moment: datetime) -> str:
    """Show how long ago a time is, in a narrow column: `3 min`, `2 days`, `now`."""
    said = ago(datetime.now(UTC) - moment)
    return "now" if said == "just now" else said.removesuffix(" ago")


def clock(moment: datetime) -> str:
    """Show a time in a sentence: of the last day its hour, else the day."""
    recent = datetime.now(UTC) - moment < timedelta(days=1)
    return f"{moment.astimezone(zone()):{'%H:%M' if recent else '%Y-%m-%d'}}"


def older(mails: int, since: datetime) -> str:
    """Say how many mails are left alone: `3 410 older than 1 Nov 2026 left alone`."""
    local = since.astimezone(zone())
    time = "" if (local.hour, local.minute) == (0, 0) else f" {local:%H:%M}"
    return f"{grouped(mails)} older than {local.day} {local:%b %Y}{time} left alone"


def grouped(number: int) -> str:
    """Write a number by thousands: `3 410`."""
    return f"{number:,}".replace(",", " ")


def ago(span: timedelta) -> str:
    """A time span as people say it: `3 min ago`."""
    seconds = span.total_seconds()
    for name, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (name == "min" and seconds >= length):
            return f"{seconds // length:.0f} {name} ago"
    return "just now"


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], limit: int = 60, width: int = 0) -> str:
    """Lay out rows in columns as wide as they need, numbers to the right; a cell is cut at `limit` characters.

    With a `width` the widest columns give way until a row fits on a line of that many columns.
    """
    cells = [[printable("" if cell is None else str(cell), limit) for cell in row] for row in rows]
    right = [
        bool(cells) and all(row[n].lstrip("-").isdigit() or not row[n] for row in cells) for n in range(len(heads))
    ]
    widths = [max([len(head), *(columns(row[n]) for row in cells)]) for n, head in enumerate(heads)]
    _narrow(widths, [head in RIGID for head in heads], width)

    def line(row: Sequence[str]) -> str:
        padded = (
            _padded(cell, wide, to_right, head) for cell, wide, to_right, head in
            zip(row, widths, right, heads, strict=True)
        )  # fmt: skip
        return "  ".join(padded).rstrip()

    above = (
        f"{head.upper():>{wide}}" if to_right else f"{head.upper():<{wide}}"
        for head, wide, to_right in zip(heads, widths, right, strict=True)
    )
    top = "  ".join(above).rstrip()
    return "\n".join([paint("head", top), *map(line, cells)])


def _narrow(widths: list[int], rigid: Sequence[bool], width: int) -> None:
    """Take columns from the widest until all fit: from texts first, from short words and times only then."""
    for with_rigid in (False, True):
        while width and sum(widths) + 2 * len(widths) - 2 > width:
            giving = [n for n, wide in enumerate(widths) if wide > NARROWEST and (with_rigid or not rigid[n])]
            if not giving:
                break
            widths[max(giving, key=widths.__getitem__)] -= 1


def _padded(cell: str, wide: int, to_right: bool, head: str) -> str:
    """Cut a cell to its column, fill it up, and give it its colour."""
    shown = fit(cell, wide).rstrip(" ")
    blanks = " " * (wide - columns(shown))
    shown = state(shown) if head in STATED else isolated(shown)
    return blanks + shown if to_right else shown + blanks


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], nothing: str = "", limit: int = 60) -> None:
    """Print a table on stdout; when there are no rows, say `nothing` on stderr instead."""
    listed = list(rows)
    if listed:
        click.echo(table(heads, listed, limit, terminal_columns()))
    elif nothing:
        click.echo(nothing, err=True)


def print_pairs(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print names and values below each other; empty values are left out."""
    shown = [(name, printable(str(value))) for name, value in pairs if value not in (None, "", ())]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {state(value) if name in STATED else isolated(value)}")


def subject(row: MailRow) -> str:
    """The subject of a mail, or what stands for one."""
    purged = f"(purged on {row.purged_at.astimezone(zone()):%Y-%m-%d})" if row.purged_at is not None else ""
    return row.subject.strip() or purged or "(no subject)"


def print_text(text: str) -> None:
    """Print the words of a mail or a person, a little to the right; none of them is obeyed by a terminal."""
    for line in text.splitlines():
        words = line.lstrip()
        click.echo(" " * (2 + min(len(line) - len(words), 40)) + printable(words) if words else "")
