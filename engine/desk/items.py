"""What people do to items: answer, note, assign, close, set, label, let in, make public. Every face calls these.

Here: who may, what values mean, and the effects of each act. Not here: the transaction (`store/acts.py`), who hears
(`decision/hearing.py`), options and printing (`cli/`). Invariant: an act is judged by the same functions as a mail:
permissions, values, effects; what cannot be done is refused whole, with a sentence (NotFound, Refused, Unclear).
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from engine.desk import logged
from engine.item.catalog import canonical
from engine.item.values import custom, judge, label
from engine.model.acts import Act, Acted
from engine.model.desk import GROUP, AccountStatus
from engine.model.draft import Role
from engine.model.events import Kind, Why
from engine.model.fields import COMMON
from engine.model.mail import Attachment, Part
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    DropLabel,
    DropPerson,
    Effect,
    Publish,
    SetField,
    Tell,
)
from engine.store.errors import NotFound, Refused, Unclear
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.lookups import Lookups
    from engine.model.desk import Account, Catalog, ItemFacts, Value
    from engine.run.engine import Engine


class File(NamedTuple):
    """A file to put to an answer or a note."""

    name: str
    content: bytes


class How(NamedTuple):
    """How an act is done, whatever it is: in whose name, by which way, once for a key, or only tried."""

    by: Account
    typed_by: str = ""
    via: str = "command"
    key: str = ""
    quiet: bool = False
    dry_run: bool = False
    anyway: bool = False


def whoever(engine: Engine, named_so: str, typed_by: str) -> Account:
    """Find the account in whose name somebody acts. Raises NotFound, Refused."""
    account = engine.store.directory.person(named_so) if named_so else engine.store.directory.login(typed_by)
    if account is None:
        advice = "" if named_so else ": say who acts, --as LOGIN or ALLEGRA_AS"
        raise NotFound(f'there is no user "{named_so or typed_by}"{advice}')
    if account.status != AccountStatus.ACTIVE:
        raise Refused(f"the account {account.login} is {account.status}")
    return account


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────


def answer(
    engine: Engine, number: int, words: str, how: How, files: Sequence[File] = (), *, status: str = "",
    close: bool = False, copy_to: Sequence[str] = (),
) -> Acted:  # fmt: skip
    """Write a comment that everybody on the item gets; refused where nobody outside would, unless `anyway`.

    Raises NotFound, Refused, Unclear.
    """
    item = _item(engine, number)
    _needs(words, files)
    _may_comment(engine, how.by, item)
    effects: list[Effect] = [AddComment(number, words.strip("\n"), how.by.login), *_attached(number, files)]
    effects += [AddPerson(number, _known(engine, who), Role.READER) for who in copy_to]
    if status or close:
        effects.append(_status(engine, item, how, status))
    return _done(engine, item, effects, how, words_for_others=not how.anyway)


def note(engine: Engine, number: int, words: str, how: How, files: Sequence[File] = ()) -> Acted:
    """Write a note that only people inside see. Raises NotFound, Refused, Unclear."""
    item = _item(engine, number)
    _needs(words, files)
    _may_edit(engine, how.by, item)
    note = AddComment(number, words.strip("\n"), how.by.login, internal=True)
    effects: list[Effect] = [note, *_attached(number, files)]
    return _done(engine, item, effects, how)


def publish(engine: Engine, number: int, comment: int, how: How, *, authorise: bool = False) -> Acted:
    """Make a note a comment that everybody on the item sees and hears of. Raises NotFound, Refused."""
    item = _item(engine, number)
    _may_edit(engine, how.by, item)
    return _done(engine, item, [Publish(number, comment, how.by.login, authorise)], how)


# ── state ─────────────────────────────────────────────────────────────────────────────────────────────────────


def assign(engine: Engine, number: int, who: str, how: How) -> Acted:
    """Give the item to a person or a group, or to nobody (`-`). Raises NotFound, Refused, Unclear."""
    return set_values(engine, number, [("assigned_to", "" if who == "-" else who)], how)


def close(engine: Engine, number: int, how: How, status: str = "") -> Acted:
    """Set a status that ends the work: the one that is named, else the first there is. Raises NotFound, Refused."""
    item = _item(engine, number)
    if item.closed:
        raise Refused(f"item #{number} is closed already ({item.status})")
    return _done(engine, item, [_status(engine, item, how, status)], how)


def reopen(engine: Engine, number: int, how: How, status: str = "") -> Acted:
    """Set a status that does not end the work: the one that is named, else the first there is. Raises as `close`."""
    item, catalog = _item(engine, number), _catalog(engine, number)
    if not item.closed:
        raise Refused(f"item #{number} is open ({item.status})")
    first = next((each.name for each in catalog.statuses if not each.closed), "")
    if not (status or first):
        raise Refused(f"workspace {item.workspace} has no status that is open")
    return set_values(engine, number, [("status", status or first)], how)


def set_values(engine: Engine, number: int, wanted: Iterable[tuple[str, str]], how: How) -> Acted:
    """Set fields by name, each judged as a keyword of a mail would be. Raises NotFound, Refused, Unclear."""
    item, catalog, look = _item(engine, number), _catalog(engine, number), engine.looking()
    _may_edit(engine, how.by, item)
    effects: list[Effect] = []
    for name, text in wanted:
        field = _field(name, catalog)
        effects.append(SetField(number, field, _judged(field, text, catalog, look)))
    if not effects:
        raise Unclear("say what to set: NAME=VALUE")
    return _done(engine, item, effects, how)


def relabel(engine: Engine, number: int, changes: Iterable[str], how: How) -> Acted:
    """Put labels on (`+x` or `x`) and take them off (`-x`). Raises NotFound, Refused, Unclear."""
    item = _item(engine, number)
    _may_edit(engine, how.by, item)
    effects: list[Effect] = []
    for each in changes:
        judged = label(each[1:] if each[:1] in "+-" else each)
        if judged.problem or not judged.value:
            raise Unclear(judged.problem or "a label needs a name")
        make = DropLabel if each.startswith("-") else AddLabel
        effects.append(make(number, str(judged.value)))
    if not effects:
        raise Unclear("say which labels: +NAME puts one on, -NAME takes it off")
    return _done(engine, item, effects, how)


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────


def join(engine: Engine, number: int, who: str, role: Role, how: How) -> Acted:
    """Let somebody take part. Everybody who may see the item may watch it themselves. Raises NotFound, Refused."""
    item, login = _item(engine, number), _known(engine, who)
    if login != how.by.login or role is not Role.WATCHER:
        _may_edit(engine, how.by, item)
    elif not engine.store.directory.may(login, "view_items", item.workspace):
        raise Refused(f"{login} may not see items of {item.workspace}")
    return _done(engine, item, [AddPerson(number, login, role)], how)


def leave(engine: Engine, number: int, who: str, how: How) -> Acted:
    """Take somebody's role away; everybody may take their own. Raises NotFound, Refused."""
    item, login = _item(engine, number), _known(engine, who)
    if login != how.by.login:
        _may_edit(engine, how.by, item)
    return _done(engine, item, [DropPerson(number, login)], how)


def _done(
    engine: Engine, item: ItemFacts, effects: Sequence[Effect], how: How, *, words_for_others: bool = False
) -> Acted:  # fmt: skip
    """Do it, or try it and take it back. Raises Refused where words were meant for others and nobody would get them."""
    tell = Tell(quiet=Why.QUIET if how.quiet else None)
    act = Act(how.by, (*effects, tell), item.id, how.typed_by, how.via, how.key)
    with engine.store.rehearsal() if how.dry_run else nullcontext(), engine.store.joining():
        acted = engine.store.act(act, engine.teller)
        if words_for_others and not how.quiet and not acted.again:
            _reaches_somebody(item, acted)
    logged.acted(engine.config, acted, how)
    return acted


def _reaches_somebody(item: ItemFacts, acted: Acted) -> None:
    outside = [each for each in acted.told if not each.inside and each.kind is Kind.ANSWER]
    if any(each.state in ("queued", "held") for each in outside):
        return
    reasons = [f"{each.to}: {why_not(Why(each.why), each.said)}" for each in outside if each.why]
    said = "; ".join(reasons) or "there is nobody outside on it"
    raise Refused(f"nobody outside would get this answer to #{item.id} ({said}): --anyway writes it all the same")


def _item(engine: Engine, number: int) -> ItemFacts:
    item = engine.store.items.item(number)
    if item is None:
        raise NotFound(f"there is no item #{number}")
    return item


def _catalog(engine: Engine, number: int) -> Catalog:
    catalog = engine.store.items.catalog(_item(engine, number).workspace)
    assert catalog is not None  # noqa: S101 - an item stands in a workspace
    return catalog


def _may_edit(engine: Engine, by: Account, item: ItemFacts) -> None:
    if not (engine.store.directory.may(by.login, "edit_items", item.workspace) or _is_assignee(by, item)):
        raise Refused(f"{by.login} may not edit items of {item.workspace}")


def _may_comment(engine: Engine, by: Account, item: ItemFacts) -> None:
    """Who has to do with the item, or who may comment in its workspace."""
    may = engine.store.directory.may(by.login, "add_comments", item.workspace)
    if not (may or by.login.casefold() in item.people or _is_assignee(by, item)):
        raise Refused(f"{by.login} may not comment on items of {item.workspace}")


def _is_assignee(by: Account, item: ItemFacts) -> bool:
    assigned = str(dict(item.fields).get("assigned_to") or "")
    groups = {f"{GROUP}{name}" for name in by.groups}
    return assigned == by.login or assigned in groups


def _known(engine: Engine, who: str) -> str:
    account = engine.store.directory.person(who)
    if account is None:
        raise NotFound(f'there is no user "{who}"')
    return account.login


def _needs(words: str, files: Sequence[File]) -> None:
    if not words.strip() and not files:
        raise Unclear("there are no words: nothing was written")


def _field(name: str, catalog: Catalog) -> str:
    """The name of a field as it is stored. Raises Unclear, with what was perhaps meant."""
    plain = canonical(name, COMMON)
    if plain in COMMON.by_name or plain == "title":
        return plain
    own = custom(name, catalog)
    if own is not None:
        return own.name
    known = ["title", *COMMON.by_name, *(field.name for field in catalog.fields)]
    near = difflib.get_close_matches(plain, known, 1)
    meant = f": did you mean {near[0]}?" if near else f" (there are: {', '.join(known)})"
    raise Unclear(f'workspace {catalog.workspace} has no field "{name}"{meant}')


def _status(engine: Engine, item: ItemFacts, how: How, wanted: str) -> SetField:
    """The change of status: to the one that is named, else to the first that ends the work."""
    _may_edit(engine, how.by, item)
    catalog = _catalog(engine, item.id)
    name = wanted or next((each.name for each in catalog.statuses if each.closed), "")
    if not name:
        raise Refused(f"workspace {item.workspace} has no status that ends the work")
    return SetField(item.id, "status", _judged("status", name, catalog, engine.looking()))


def _judged(field: str, text: str, catalog: Catalog, look: Lookups) -> Value:
    if not text:
        return "" if field in ("assigned_to", "category", "version") else None
    judged = judge(field, text, catalog, look)
    if judged.problem:
        raise Unclear(f"{field}: {judged.problem}")
    return judged.value


def _attached(number: int, files: Sequence[File]) -> Iterable[Attach]:
    """Files as attachments: their type is judged by the bytes, as that of a mail's is."""
    from engine.mail.names import safe
    from engine.mail.types import judge as type_of

    for file in files:
        digest = hashlib.sha256(file.content).hexdigest()
        kind = type_of(file.content, "application/octet-stream", file.name)
        file = file._replace(name=safe(file.name))
        part = Part(kind, 0, 0, "binary", filename=file.name)
        yield Attach(number, Attachment(file.name, kind, kind, len(file.content), digest, part, content=file.content))
