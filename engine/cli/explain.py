"""`allegra explain REF`: what became of a mail, and why.

Here: what REF may be, and what is said when nothing is found. Not here: the explanation itself
(`engine/explain/told.py`).
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import words
from engine.cli.common import AWAY, chosen_mailboxes, complain, open_config, open_store, print_json, terminal_columns
from engine.cli.paint import marks

if TYPE_CHECKING:
    from engine.explain.explained import Explained
    from engine.run.engine import Engine

WIDTH = 120
"""Columns of an explanation where no terminal says otherwise."""


@click.command()
@click.argument("ref")
@click.option("--all", "every_rule", is_flag=True, help="Open every rule, also those that did not match.")
@click.option("--stage", metavar="NAME", default="", shell_complete=words.stages, help="Only this stage.")
@click.option(
    "--rules",
    "rules_directory",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Decide anew with the rule files of this folder.",
)
@click.option("--mailbox", default="system", show_default=True, metavar="NAME", shell_complete=words.mailboxes,
              help="For a file: the mailbox it came to.")  # fmt: skip
@click.option("--who", metavar="LOGIN|ADDRESS", default="", help="Whether this person heard of it, and why not.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def explain(
    ctx: click.Context,
    ref: str,
    every_rule: bool,
    stage: str,
    rules_directory: Path | None,
    mailbox: str,
    who: str,
    as_json: bool,
) -> None:
    """Tell what became of a mail, and why.

    REF is a mail id or its beginning (m-4f2a), a Message-ID, the address of a sender (the newest mail from there),
    the name of a file, - for standard input, last, or last-held. A file is decided on the spot and nothing is kept.

    With --who it says of anybody whether they heard of the mail; who was not even considered is asked about as things
    are now.
    """
    from engine.decision.pipeline import ORDER
    from engine.explain import told as explaining
    from engine.run.engine import Engine

    if stage and stage not in ORDER:
        raise click.UsageError(f"there is no stage {stage!r}; there are: {', '.join(ORDER)}")
    if who:
        _who(ctx, ref, who, as_json)
        return
    config = open_config(ctx)
    chosen_mailboxes(config, (mailbox,))
    with open_store(ctx, config) as store, closing(Engine(config, store, rules_directory)) as engine:
        if ref == "-" or Path(ref).is_file():
            found = _of_bytes(engine, ref, mailbox, every_rule)
        else:
            found = _stored(engine, ref, rules_directory, every_rule)
        if as_json:
            print_json("explain", explaining.as_json(found, engine.rule_text))
        else:
            width = terminal_columns() or WIDTH
            for line in explaining.told(found, engine.rule_text, every_rule, stage, width):
                click.echo(marks(line))


def _who(ctx: click.Context, ref: str, who: str, as_json: bool) -> None:
    from engine.cli.item import print_heard
    from engine.cli.looking import found
    from engine.desk import heard

    if ref == "-" or Path(ref).is_file():
        raise click.UsageError("--who asks about a mail that is stored; explain FILE ends with who would be told")
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        row = found(store, config, ref)
        print_heard(config, heard.of_mail(store, config, row, who), as_json)


def _of_bytes(engine: Engine, ref: str, mailbox: str, every_rule: bool) -> Explained:
    from engine.explain import replay
    from engine.store.clock import now as utc_now

    try:
        content = sys.stdin.buffer.read() if ref == "-" else Path(ref).read_bytes()
    except OSError as error:
        complain(f"{ref} cannot be read: {error.strerror}")
        raise SystemExit(AWAY) from None
    raw = replay.from_file(Path(ref), content, mailbox, utc_now())
    return replay.explain_bytes(engine, raw, "(standard input)" if ref == "-" else ref, every_rule)


def _stored(engine: Engine, ref: str, rules_directory: Path | None, every_rule: bool) -> Explained:
    from engine.cli.looking import found
    from engine.explain import replay

    row = found(engine.store, engine.config, ref)
    anew = f"the rules of {rules_directory}" if rules_directory is not None else ""
    return replay.explain_stored(engine, row, anew=anew, every_rule=every_rule)
