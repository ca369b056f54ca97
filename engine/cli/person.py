"""`allegra person`: what is known of a person, account or not, and how it is forgotten.

Here: options and printing. Not here: accounts (`user.py`), what is erased (`desk/erasing.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.common import LATER, complain, log_act, open_config, open_store, print_json
from engine.cli.mail import person as typed_by
from engine.cli.noun import Noun
from engine.cli.shown import print_pairs, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.stored import Forgotten


SHOWN = 5
"""Names of a person that are shown; JSON has them all."""


@click.group(cls=Noun)
def person() -> None:
    """Forget a person."""


@person.command()
@click.argument("address")
@click.option("--name", "names", multiple=True, metavar="TEXT", help="They were called so, too; may be given again.")
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def forget(ctx: click.Context, address: str, names: tuple[str, ...], commit: bool, as_json: bool) -> None:
    """Erase a person for good: address, names and words in mails, items, comments, the outbox and the account.

    Numbers, times and digests stay. Refused while mail of theirs waits, and for items labelled legal-hold. Backups, log
    files, mail servers and what was sent are not touched. Without --commit it only counts what would go.
    """
    from engine.desk import erasing

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        done = erasing.forget(config, store, address, typed_by(), names=names, commit=commit)
    if commit and done.person.counts:
        log_act(ctx, "person.forget")  # and not whom
    if as_json:
        who = {"address": done.person.address, "login": done.person.login or None, "names": done.person.names}
        what = "forgotten" if commit else "nothing"
        print_json("person", {**who, "done": what, "rows": dict(done.person.counts), "rest": done.rest or None})
    else:
        _print(done.person, commit)
    if done.rest:
        complain(f"unused parts of the database file may still hold it, run this again: {done.rest}")
        raise SystemExit(LATER)


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _print(who: Forgotten, commit: bool) -> None:
    """Whom it is about, and how many rows of each table that is."""
    print_pairs((("address", who.address), ("user", who.login), ("called", _first(who.names))))
    if not who.counts:
        click.echo(f"nothing here names {who.address}" + (" any more" if commit else ""))
        return
    click.echo()
    print_table(("table", "rows"), who.counts)
    rows = sum(number for _, number in who.counts)
    said = "erased" if commit else "would be erased (--commit does it)"
    click.echo(f"\nin {rows} row{'s' * (rows != 1)} this person {'was' if commit else ''} {said}".replace("  ", " "))
