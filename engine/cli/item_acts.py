"""`allegra item assign`, `close`, `set`, `label`, … : what people do to the state and the people of an item.

Here: commands and their options. Not here: what all acts share (`acting.py`), what comes of it (`desk/items.py`).
"""

from __future__ import annotations

from typing import Any

import click

from engine.cli.acting import NUMBER, act, every


@click.command()
@NUMBER
@click.argument("who", metavar="WHO|group:NAME|-")
@every
@click.pass_context
def assign(ctx: click.Context, /, number: int, who: str, **more: Any) -> None:
    """Give the item to a person or a group; - takes it from whoever has it."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.assign(engine, number, who, how), **more)


@click.command("close")
@NUMBER
@click.option("--status", metavar="NAME", default="", help="The status that ends it (else the first there is).")
@every
@click.pass_context
def close_(ctx: click.Context, /, number: int, status: str, **more: Any) -> None:
    """Close the item."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.close(engine, number, how, status), **more)


@click.command()
@NUMBER
@click.option("--status", metavar="NAME", default="", help="The status it gets (else the first that is open).")
@every
@click.pass_context
def reopen(ctx: click.Context, /, number: int, status: str, **more: Any) -> None:
    """Open a closed item again."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.reopen(engine, number, how, status), **more)


@click.command("set")
@NUMBER
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@every
@click.pass_context
def set_(ctx: click.Context, /, number: int, values: tuple[str, ...], **more: Any) -> None:
    """Set fields, several at once; an empty VALUE clears one."""
    from engine.desk import items

    if wrong := [each for each in values if "=" not in each]:
        raise click.UsageError(f"{wrong[0]!r} is no NAME=VALUE")
    pairs = [(name.strip(), value.strip()) for name, _, value in (each.partition("=") for each in values)]
    act(ctx, lambda engine, how: items.set_values(engine, number, pairs, how), **more)


@click.command("label", context_settings={"ignore_unknown_options": True})
@NUMBER
@click.argument("changes", nargs=-1, required=True, metavar="[+|-]LABEL...")
@every
@click.pass_context
def label_(ctx: click.Context, /, number: int, changes: tuple[str, ...], **more: Any) -> None:
    """Put labels on (+x) and take them off (-x)."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.relabel(engine, number, changes, how), **more)


@click.command()
@NUMBER
@click.argument("who")
@click.option("--role", type=click.Choice(("editor", "reader", "watcher")), default="watcher", show_default=True,
              help="As what.")  # fmt: skip
@every
@click.pass_context
def join(ctx: click.Context, /, number: int, who: str, role: str, **more: Any) -> None:
    """Let somebody take part in the item."""
    from engine.desk import items
    from engine.model.draft import Role

    act(ctx, lambda engine, how: items.join(engine, number, who, Role(role), how), **more)


@click.command()
@NUMBER
@click.argument("who")
@every
@click.pass_context
def leave(ctx: click.Context, /, number: int, who: str, **more: Any) -> None:
    """Take somebody off the item."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.leave(engine, number, who, how), **more)


COMMANDS = (assign, close_, reopen, set_, label_, join, leave)
