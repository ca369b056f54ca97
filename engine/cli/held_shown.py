"""How a held mail stands on a terminal and in JSON: `allegra held show`.

Here: layout. Not here: what is shown (`desk/held_mail.py`). Invariant: what strangers wrote obeys no terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli import lines
from engine.cli.common import local_of, terminal_columns
from engine.cli.mail import target
from engine.cli.paint import state
from engine.cli.shown import lately, print_pairs, print_table, print_text, subject, when
from engine.desk import plain
from engine.explain import hearers
from engine.model.plan import Outcome
from engine.model.reasons import REASONS
from engine.plain_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.config import Config
    from engine.desk.held_mail import HeldMail
    from engine.model.mail import Address

MOST_LINES = 200
"""Lines of a mail's text that are shown; JSON has them all."""


def print_mail(config: Config, seen: HeldMail) -> None:
    """Print what a person needs to decide about a held mail."""
    row, mail = seen.row, seen.mail
    print_pairs(
        (
            ("mail", row.mail),
            ("from", _written(mail.from_) if mail is not None else row.sender),
            ("to", _written(mail.to) if mail is not None else row.recipients),
            ("cc", _written(mail.cc) if mail is not None else ""),
            ("subject", subject(row)),
            ("received", f"{when(row.received_at)}   in {row.mailbox}"),
            ("files", ", ".join(f"{each.name} ({each.content_type}, {each.size_bytes} bytes)" for each in seen.files)),
            ("held", f"{row.code}: {row.because}"),
            ("by", lines.who(row.by)),
            ("means", REASONS[row.code].sentence if row.code in REASONS else ""),
            ("on its way to", row.workspace),
        )
    )
    if mail is not None:
        click.echo()
        text = mail.text.splitlines()
        print_text("\n".join(text[:MOST_LINES]))
        if len(text) > MOST_LINES:
            click.echo(f"  … {len(text) - MOST_LINES} more lines: allegra mail raw {row.mail[:8]}")
    click.echo()
    _print_release(config, seen)
    if seen.before:
        click.echo("\nearlier mails of this sender")
        print_table(
            ("mail", "received", "subject", "outcome", "code", "by", "item"),
            [(each.mail[:8], lately(each.received_at), subject(each), each.outcome, each.code, lines.who(each.by),
              target(each)) for each in seen.before],
            limit=44,
        )  # fmt: skip


def _print_release(config: Config, seen: HeldMail) -> None:
    """What a release would come to, and who would hear of it."""
    if seen.now is None:
        click.echo(printable(f"released   cannot be: {seen.because}"))
        return
    now = seen.now
    where = {Outcome.CREATED: f"a new item in {now.workspace}", Outcome.COMMENT: f"a comment on {now.target}",
             Outcome.NOTE: f"a note on {now.target}"}.get(now.outcome, now.because)  # fmt: skip
    click.echo(f"released   would be {state(now.outcome.value)}: {printable(where)}")
    for line in hearers.lines(seen.told, local_of(config), terminal_columns() or 120):
        click.echo(line)


def _written(addresses: Iterable[Address]) -> str:
    return ", ".join(f"{each.name} <{each.address}>" if each.name else each.address for each in addresses)


def as_json(seen: HeldMail) -> dict[str, Any]:
    """A held mail as `allegra.held/1`, with what only `show` knows."""
    mail, now = seen.mail, seen.now
    return {
        **plain.plain(seen.row),
        "from": None if mail is None else [plain.plain(each) for each in mail.from_],
        "to": None if mail is None else [plain.plain(each) for each in mail.to],
        "cc": None if mail is None else [plain.plain(each) for each in mail.cc],
        "text": None if mail is None else mail.text,
        "files": plain.plain(seen.files),
        "released": None if now is None else {
            "outcome": now.outcome.value, "code": now.code, "because": now.because, "workspace": now.workspace or None,
            "item": (now.item or None) if now.outcome is not Outcome.CREATED else None, "topic": now.topic or None,
            "told": [hearers.as_json(each) for each in seen.told],
        },
        "cannot": seen.because or None,
        "before": [{"mail": each.mail, "received_at": plain.plain(each.received_at), "subject": each.subject,
                    "outcome": each.outcome, "code": each.code, "by": each.by.name, "item": each.item or None}
                   for each in seen.before],
    }  # fmt: skip
