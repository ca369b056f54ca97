"""Why a mail became what it did, with what stands around it: what a page shows of one mail.

Here: `seen`, `parsed`. Not here: the explanation (`explain/`), finding the mail (`looking.py`).
Invariant: what is looked at changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.decision.pipeline import ORDER
from engine.desk import looking
from engine.desk.rule_places import SYSTEM
from engine.explain import replay, told
from engine.model.reasons import REASONS
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.desk.scope import Scope
    from engine.model.mail import Mail
    from engine.model.plan import Receipt
    from engine.model.stored import MailRow
    from engine.run.engine import Engine

STAGES = ORDER
"""The names of the stages, in their order."""

MOST_BEFORE = 10
"""Mails of the sender that are shown beside one."""


class SeenMail(Struct, frozen=True):
    """One mail: its row, the explanation as data, its receipts, the newest mails of its sender, what its code means."""

    row: MailRow
    explained: dict[str, Any]
    receipts: Sequence[Receipt]
    others: Sequence[MailRow]
    means: str
    advice: tuple[str, ...]


def seen(engine: Engine, ref: str, scope: Scope, *, every_rule: bool = False) -> SeenMail:
    """Gather what there is to tell of a mail to whoever may see it; who may not read it reads no word of it.

    Raises NotFound.
    """
    store = engine.store
    row = looking.seen(store, ref, scope.sight)
    this = replay.explain_stored(engine, row, every_rule=every_rule)
    reason = REASONS.get(row.code)
    others = store.archive.mails_of(row.sender, MOST_BEFORE, sight=scope.sight) if row.sender else ()
    explained = without_others(told.as_json(this, engine.rule_text), scope)
    return SeenMail(
        row, explained if scope.reads(row) else without_words(explained), store.archive.receipts(row.mail), others,
        reason.sentence if reason is not None else "", reason.what_to_do if reason is not None else (),
    )  # fmt: skip


def parsed(engine: Engine, ref: str, scope: Scope) -> Mail:
    """Read a stored mail again, for who may read it; for others there is none to read.

    Raises NotFound, also where its bytes are not kept any more.
    """
    row = looking.seen(engine.store, ref, scope.sight)
    if not scope.reads(row):
        raise NotFound("what it says is not for everybody: read_mail in its workspace lets somebody read it")
    return replay.parse_stored(engine.config, looking.raw(engine.store, row.mail))


HIDDEN = "(hidden)"

INSIDE = ("people", "answered", "authorised", "internal_digests")
"""What is known of an item that only who may edit items there hears."""

_OF_LISTS = ("from", "to", "cc", "subject", "auth", "mailbox", "sender", "workspace", "known")
"""How conditions begin whose values stand in lists as well, so that whoever sees the mail knows them."""

_OF_WORDS = ("draft", "guard", "activity")
"""Stages whose notes and changes may tell words of the mail."""


def without_others(explained: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Take out of an explanation what is of places where somebody has no part: mailboxes, items, groups, rules."""
    trace = explained["trace"]
    if trace is None or scope.admin:
        return explained
    facts, account = trace["facts"], trace["facts"]["sender"]["account"]
    sender = {**facts["sender"], "account": account and {**account, "groups": [], "emails": [], "admin": False}}
    thread = {**facts["thread"], "item": _item(facts["thread"]["item"], scope)}
    rules = [file for file in trace["rules"] if file["place"] == SYSTEM or scope.may("view_mail", file["place"])]
    told = {**facts, "own_addresses": [], "sender": sender, "thread": thread}
    return {**explained, "trace": {**trace, "facts": told, "rules": rules}}


def _item(item: dict[str, Any] | None, scope: Scope) -> dict[str, Any] | None:
    """What somebody hears of the item that a mail answers: of one that they do not see, its number."""
    if item is None:
        return None
    if not scope.items.sees(item["workspace"], private=item["private"]):
        return {"id": item["id"], "kind": item["kind"]}
    return item if scope.may("edit_items", item["workspace"]) else {**item, **{name: [] for name in INSIDE}}


def without_words(explained: dict[str, Any]) -> dict[str, Any]:
    """Take out of an explanation what tells what a mail says: a condition is a way to read."""
    trace = explained["trace"]
    if trace is None:
        return explained
    stages = [
        {**each, "changes": [], "notes": [{**note, "text": HIDDEN, "fields": {}} for note in each["notes"]]}
        if each["name"] in _OF_WORDS else {**each, "changes": []}
        for each in trace["stages"]
    ]  # fmt: skip
    rules = [{**file, "rules": [_rule(rule) for rule in file["rules"]]} for file in trace["rules"]]
    facts = {**trace["facts"], "cut": dict.fromkeys(trace["facts"]["cut"], "")}
    return {**explained, "trace": {**trace, "facts": facts, "stages": stages, "rules": rules}}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    failed, tree = rule.get("failed"), rule.get("tree")
    return {**rule, "failed": _leaf(failed) if failed else failed, "tree": _leaf(tree) if tree else tree, "actions": []}


def _leaf(node: dict[str, Any]) -> dict[str, Any]:
    known = str(node.get("label", "")).replace(".", " ").split(" ", 1)[0] in _OF_LISTS
    hidden = {} if known else {name: HIDDEN for name in ("seen", "close") if node.get(name) is not None}
    kids = {"kids": [_leaf(kid) for kid in node["kids"]]} if "kids" in node else {}
    return {**node, **hidden, **kids}
