"""`allegra explain REF`: what became of a mail, and why."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.cli.common import open_config, open_store, print_json


@click.command()
@click.argument("ref")
@click.option("--all", "every_rule", is_flag=True, help="Open every rule, also those that did not match.")
@click.option("--stage", metavar="NAME", default="", help="Only this stage.")
@click.option(
    "--rules",
    "rules_directory",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Decide anew with the rule files of this folder.",
)
@click.option(
    "--mailbox", default="system", show_default=True, metavar="NAME", help="For a file: the mailbox it came to."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def explain(
    ctx: click.Context,
    ref: str,
    every_rule: bool,
    stage: str,
    rules_directory: Path | None,
    mailbox: str,
    as_json: bool,
) -> None:
    """Tell what became of a mail, and why.

    REF is a mail id or its beginning (m-4f2a), a Message-ID, the name of a file, - for standard input,
    last, or last-held. A file is decided on the spot and nothing is kept.
    """
    from engine import explain as explaining
    from engine import replay
    from engine.pipeline import ORDER
    from engine.process import Engine
    from engine.store.errors import NotFound

    if stage and stage not in ORDER:
        raise click.UsageError(f"there is no stage {stage!r}; there are: {', '.join(ORDER)}")
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        engine = Engine(config, store, rules_directory=rules_directory)
        try:
            if ref == "-" or Path(ref).is_file():
                if mailbox not in {each.name for each in config.mailboxes}:
                    raise click.UsageError(f"there is no mailbox {mailbox!r}")
                from engine.run import utc_now

                content = sys.stdin.buffer.read() if ref == "-" else Path(ref).read_bytes()
                found = replay.explain_bytes(engine, replay.from_file(Path(ref), content, mailbox, utc_now()))
            else:
                stored = replay.explain_stored(engine, ref, anew=rules_directory is not None)
                if stored is None:
                    raise NotFound(
                        f"there is no mail {ref!r}: give an id (m-…), a Message-ID, a file, last or last-held"
                    )
                found = stored
        finally:
            engine.close()
        if as_json:
            print_json("explain", explaining.as_json(found, store.text))
        else:
            click.echo("\n".join(explaining.told(found, store.text, every_rule, stage)))
