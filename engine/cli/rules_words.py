"""`allegra rules fields` and `actions`: the words of the language of rules.

Here: options and printing. Not here: the words (`engine/rulebook/sight.py`, `engine/rulebook/actions.py`).
"""

from __future__ import annotations

import click

from engine.cli.common import extra_of, print_json
from engine.cli.shown import print_table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a field.")
@click.pass_context
def fields(ctx: click.Context, as_json: bool) -> None:
    """List what conditions can ask about a mail."""
    from engine.rulebook.sight import FIELDS, KEYED

    table = (*FIELDS, *(make("...") for make in KEYED.values()), *extra_of(ctx).fields)
    if as_json:
        for each in table:
            print_json("rules.fields", {"field": each.name, "type": each.type.value, "about": each.about,
                                 "values": list(each.choices), "example": each.example})  # fmt: skip
        return
    print_table(
        ("field", "holds", "what it is"), [(each.name, each.type.value, each.about) for each in table], limit=70
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object an action.")
@click.pass_context
def actions(ctx: click.Context, as_json: bool) -> None:
    """List what rules can do, and the fields of an item that `set` knows."""
    from engine.rulebook.actions import ACTIONS, own_action, settings

    table = (*ACTIONS, *map(own_action, extra_of(ctx).actions))
    if as_json:
        for each in table:
            print_json("rules.actions", {"action": each.sentence, "about": each.about, "decides": each.slot.value,
                                 "system_only": each.privileged})  # fmt: skip
        for setting in settings():
            print_json("rules.set", {"set": setting.name, "kind": setting.kind, "about": setting.about,
                                 "aliases": list(setting.aliases)})  # fmt: skip
        return
    print_table(("action", "what it does"), [(each.sentence, each.about) for each in table], limit=120)
    click.echo()
    print_table(("set", "kind", "what it is"), [(each.name, each.kind, each.about) for each in settings()])
