"""`allegra item merge` and `delete`: what people do to items as a whole.

Here: commands, their options, and what would go. Not here: what all acts share (`acting.py`), what comes of it
(`desk/item_whole.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.acting import NUMBER, act, every
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.doing import How
    from engine.desk.item_whole import Weight
    from engine.model.acts import Acted
    from engine.run.engine import Engine


@click.command()
@NUMBER
@click.option("--into", type=click.IntRange(1), metavar="N", required=True, help="The item that goes on.")
@every
@click.pass_context
def merge(ctx: click.Context, /, number: int, into: int, **more: Any) -> None:
    """Merge an item into another one: that gets its words, files and people, and what names it leads there."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.merge(engine, number, into, how), **more)


@click.command()
@NUMBER
@click.option("--commit", is_flag=True, help="Really do it; without it only what would go is shown.")
@every
@click.pass_context
def delete(ctx: click.Context, /, number: int, commit: bool, dry_run: bool, as_json: bool, **more: Any) -> None:
    """Delete an item for good, with its comments and files; for admins and the owner of its workspace.

    The mails that made it stay, and what became of them; allegra mail purge erases those.
    """
    from engine.desk import items
    from engine.desk.item_whole import weighed

    goes: list[Weight] = []

    def do(engine: Engine, how: How) -> Acted:
        if engine.store.items.exactly(number) is not None:
            goes.append(weighed(engine.store, number))
        return items.delete(engine, number, how)

    def gone() -> dict[str, Any]:
        from engine.desk.plain import plain

        return {"goes": plain(goes[0]) if goes else None}

    act(ctx, do, dry_run=dry_run or not commit, as_json=as_json, more=gone, **more)
    if goes and not as_json:
        click.echo(printable(f" {'gone' if commit and not dry_run else 'would go'}   {_in_words(goes[0])}"))


def _in_words(goes: Weight) -> str:
    said = [_counted(goes.comments, "comment"), _counted(goes.notes, "note"), _counted(goes.drafts, "draft")]
    said.append(f"{_counted(goes.files, 'file')} ({goes.files_bytes} bytes)" if goes.files else "")
    said.append(_counted(goes.unsent, "mail that is not sent yet", "mails that are not sent yet"))
    return ", ".join(["the item and its text", *filter(None, said)])


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}" if number else ""


COMMANDS = (merge, delete)
