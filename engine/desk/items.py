"""What people do to items: assign, close, set, label, let in; and the door to what else they do, for every face.

Here: the effects of acts on the state and the people of an item. Not here: words (`item_words.py`), merging and
deleting (`item_whole.py`), who may (`item_act.py`), how it is done (`doing.py`), options and printing (`cli/`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.desk.doing import File, How, done, once, whoever
from engine.desk.item_act import catalog_of, found, judged, known, may_edit, status_change
from engine.desk.item_whole import delete, merge
from engine.desk.item_words import answer, discard, draft, edit, note, publish, send
from engine.item.catalog import canonical
from engine.item.values import custom, label, outsider
from engine.model.acts import Acted
from engine.model.addresses import bare, base_key, key_of
from engine.model.draft import Role
from engine.model.fields import COMMON
from engine.model.plan import AddLabel, AddPerson, DropLabel, DropPerson, Effect, SetField
from engine.store.errors import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from engine.model.desk import Catalog, ItemFacts
    from engine.run.engine import Engine

__all__ = [
    "File", "How", "answer", "assign", "close", "delete", "discard", "draft", "edit", "join", "leave", "merge", "note",
    "publish", "relabel", "reopen", "send", "set_values", "whoever",
]  # fmt: skip


# ── state ─────────────────────────────────────────────────────────────────────────────────────────────────────


@once
def assign(engine: Engine, number: int, who: str, how: How) -> Acted:
    """Give the item to a person or a group, or to nobody (`-`). Raises NotFound, Refused, Unclear."""
    return set_values(engine, number, [("assigned_to", "" if who == "-" else who)], how)


@once
def close(engine: Engine, number: int, how: How, status: str = "") -> Acted:
    """Set a status that ends the work: the one that is named, else the first there is. Raises NotFound, Refused."""
    item = found(engine, number)
    if item.closed:
        raise Refused(f"item #{number} is closed already ({item.status})")
    return done(engine, item, [status_change(engine, item, how, status, ends=True)], how)


@once
def reopen(engine: Engine, number: int, how: How, status: str = "") -> Acted:
    """Set a status that does not end the work: the one that is named, else the first there is. Raises as `close`."""
    item = found(engine, number)
    if not item.closed:
        raise Refused(f"item #{number} is open ({item.status})")
    return done(engine, item, [status_change(engine, item, how, status, ends=False)], how)


@once
def set_values(engine: Engine, number: int, wanted: Iterable[tuple[str, str]], how: How) -> Acted:
    """Set fields by name, each judged as a keyword of a mail would be. Raises NotFound, Refused, Unclear."""
    item, catalog, look = found(engine, number), catalog_of(engine, number), engine.looking()
    may_edit(engine, how.by, item)
    owner = engine.config.owner_of(item.workspace)
    effects: list[Effect] = []
    for name, text in wanted:
        field = _field(name, catalog)
        value = judged(field, text, catalog, look)
        if field == "assigned_to" and (problem := outsider(value, item.workspace, owner, look)):
            raise Refused(f"{field}: {problem}")
        if field == "parent" and value == number:
            raise Unclear("parent: an item is no part of itself")
        effects.append(SetField(number, field, value))
    if not effects:
        raise Unclear("say what to set: NAME=VALUE")
    return done(engine, item, effects, how)


@once
def relabel(engine: Engine, number: int, changes: Iterable[str], how: How) -> Acted:
    """Put labels on (`+x` or `x`) and take them off (`-x`). Raises NotFound, Refused, Unclear."""
    item = found(engine, number)
    may_edit(engine, how.by, item)
    effects: list[Effect] = []
    for each in changes:
        said = label(each[1:] if each[:1] in "+-" else each)
        if said.problem or not said.value:
            raise Unclear(said.problem or "a label needs a name")
        make = DropLabel if each.startswith("-") else AddLabel
        effects.append(make(number, str(said.value)))
    if not effects:
        raise Unclear("say which labels: +NAME puts one on, -NAME takes it off")
    return done(engine, item, effects, how)


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────


@once
def join(engine: Engine, number: int, who: str, role: Role, how: How) -> Acted:
    """Let somebody take part. Everybody who may see the item may watch it themselves. Raises NotFound, Refused."""
    item, login = found(engine, number), known(engine, who)
    if login != how.by.login or role is not Role.WATCHER:
        may_edit(engine, how.by, item)
    elif login.casefold() not in item.people and not engine.store.directory.may(
        login, "edit_items" if item.private else "view_items", item.workspace
    ):
        raise Refused(f"{login} may not see {'private ' if item.private else ''}items of {item.workspace}")
    return done(engine, item, [AddPerson(number, login, role)], how)


@once
def leave(engine: Engine, number: int, who: str, how: How) -> Acted:
    """Take somebody off the item, by login, or by address one who has no account; everybody may leave themselves.

    Raises NotFound, Refused.
    """
    item, account = found(engine, number), engine.store.directory.person(who)
    if account is None or account.login != how.by.login:
        may_edit(engine, how.by, item)
    person = account.login if account is not None else _without_account(engine, item, who)
    return done(engine, item, [DropPerson(number, person)], how)


def _without_account(engine: Engine, item: ItemFacts, who: str) -> str:
    """The address of somebody without an account who takes part. Raises NotFound; Refused for who opened the item."""
    address, view = base_key(key_of(who)), engine.store.items.view(item.id)
    if "@" not in who or address not in [base_key(key_of(each)) for each in item.people]:
        raise NotFound(f'there is no user "{who}", and nobody on item #{item.id} has that address')
    if view is not None and address == base_key(key_of(bare(view.item.sender))):
        raise Refused(f"{who} opened item #{item.id}: who asked hears the answers")
    return who


def _field(name: str, catalog: Catalog) -> str:
    """The name of a field as it is stored. Raises Unclear, with what was perhaps meant."""
    plain = canonical(name, COMMON)
    if plain == "workspace":
        raise Unclear("workspace: an item stays where it is; allegra item merge gives another one what it holds")
    if plain in COMMON.by_name:
        return plain
    own = custom(name, catalog)
    if own is not None:
        return own.name
    known = [*(each for each in COMMON.by_name if each != "workspace"), *(field.name for field in catalog.fields)]
    near = difflib.get_close_matches(plain, known, 1)
    meant = f": did you mean {near[0]}?" if near else f" (there are: {', '.join(known)})"
    raise Unclear(f'workspace {catalog.workspace} has no field "{name}"{meant}')
