"""What every act on an item begins and ends with: in whose name, whether they may, and doing it or only trying.

Here: what all acts share. Not here: the acts (`items.py`, `item_words.py`, `item_whole.py`), the transaction
(`store/acts.py`), who hears (`decision/hearing.py`). Invariant: an act is judged by the same functions as a mail:
permissions, values, effects; what cannot be done is refused whole, with a sentence (NotFound, Refused, Unclear).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from engine.desk import logged
from engine.desk.looking import gone
from engine.item.values import judge
from engine.model.acts import Act, Acted
from engine.model.desk import GROUP, AccountStatus
from engine.model.events import Kind, Why
from engine.model.mail import Attachment, Part
from engine.model.plan import Attach, Effect, SetField, Tell
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


def done(
    engine: Engine, item: ItemFacts, effects: Sequence[Effect], how: How, *, words_for_others: bool = False
) -> Acted:  # fmt: skip
    """Do it, or try it and take it back. Raises Refused where words were meant for others and nobody would get them."""
    tell = Tell(quiet=Why.QUIET if how.quiet else None)
    act = Act(how.by, (*effects, tell), item.id, how.typed_by, how.via, how.key)
    store = engine.store
    with store.rehearsal() if how.dry_run else nullcontext(), store.joining():
        acted = store.act(act, engine.teller)
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


def again(engine: Engine, how: How) -> Acted | None:
    """Give what came of it where it was done before under the same key: then nothing is judged anew."""
    return engine.store.acted(how.key) if how.key else None


def found(engine: Engine, number: int) -> ItemFacts:
    """Find the item. Raises NotFound, and Refused for one that was merged: what is meant now is another."""
    item = engine.store.items.exactly(number)
    if item is None:
        raise NotFound(gone(engine.store, number))
    if item.merged_into:
        raise Refused(f"item #{number} was merged into #{item.merged_into}: say that number")
    return item


def catalog_of(engine: Engine, number: int) -> Catalog:
    """Give what the workspace of an item offers."""
    catalog = engine.store.items.catalog(found(engine, number).workspace)
    assert catalog is not None  # noqa: S101 - an item stands in a workspace
    return catalog


def may_edit(engine: Engine, by: Account, item: ItemFacts) -> None:
    """Who may edit items of its workspace, or has it. Raises Refused."""
    if not (engine.store.directory.may(by.login, "edit_items", item.workspace) or _is_assignee(by, item)):
        raise Refused(f"{by.login} may not edit items of {item.workspace}")


def may_comment(engine: Engine, by: Account, item: ItemFacts) -> None:
    """Who has to do with the item, or who may comment in its workspace. Raises Refused."""
    may = engine.store.directory.may(by.login, "add_comments", item.workspace)
    if not (may or by.login.casefold() in item.people or _is_assignee(by, item)):
        raise Refused(f"{by.login} may not comment on items of {item.workspace}")


def _is_assignee(by: Account, item: ItemFacts) -> bool:
    assigned = str(dict(item.fields).get("assigned_to") or "")
    groups = {f"{GROUP}{name}" for name in by.groups}
    return assigned == by.login or assigned in groups


def known(engine: Engine, who: str) -> str:
    """Give the login of somebody. Raises NotFound."""
    account = engine.store.directory.person(who)
    if account is None:
        raise NotFound(f'there is no user "{who}"')
    return account.login


def needs(words: str, files: Sequence[File]) -> None:
    """Words or files there have to be. Raises Unclear."""
    if not words.strip() and not files:
        raise Unclear("there are no words: nothing was written")


def status_change(engine: Engine, item: ItemFacts, how: How, wanted: str) -> SetField:
    """The change of status: to the one that is named, else to the first that ends the work. Raises Refused, Unclear."""
    may_edit(engine, how.by, item)
    catalog = catalog_of(engine, item.id)
    name = wanted or next((each.name for each in catalog.statuses if each.closed), "")
    if not name:
        raise Refused(f"workspace {item.workspace} has no status that ends the work")
    return SetField(item.id, "status", judged("status", name, catalog, engine.looking()))


def judged(field: str, text: str, catalog: Catalog, look: Lookups) -> Value:
    """Judge a value as a keyword of a mail would be. Raises Unclear."""
    if not text:
        return "" if field in ("assigned_to", "category", "version") else None
    answer = judge(field, text, catalog, look)
    if answer.problem:
        raise Unclear(f"{field}: {answer.problem}")
    return answer.value


def attached(number: int, files: Sequence[File]) -> Iterable[Attach]:
    """Give files as attachments: their type is judged by the bytes, as that of a mail's is."""
    from engine.mail.names import safe
    from engine.mail.types import judge as type_of

    for file in files:
        digest = hashlib.sha256(file.content).hexdigest()
        kind = type_of(file.content, "application/octet-stream", file.name)
        file = file._replace(name=safe(file.name))
        part = Part(kind, 0, 0, "binary", filename=file.name)
        yield Attach(number, Attachment(file.name, kind, kind, len(file.content), digest, part, content=file.content))
