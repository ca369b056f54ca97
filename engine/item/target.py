"""What an accepted mail becomes: a new item, a comment, a note that only staff sees, or a post to a topic.

Here: what a reply does to its item by the policies of [items] and [people], and who counts as having to do with it.
Not here: how the item was found (`decision/facts.py`, `decision/matching.py`), or the text that is added
(`stages/draft.py`).
Invariant: nobody writes on an item by guessing its number; a stranger with proof is seen by staff only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.gates import Findings
from engine.model.addresses import key_of
from engine.model.desk import GROUP, AccountStatus, ItemFacts, Kind
from engine.model.draft import Draft, Mark, Said, Target, Verdict, note
from engine.model.facts import Facts, Meant, Way
from engine.model.questions import CatalogOf, ItemByField, ItemByNumber, May

if TYPE_CHECKING:
    from engine.config import People, Settings
    from engine.lookups import Lookups


class Aim(Struct, frozen=True):
    """Where the mail goes; `reopen` asks for an open status, `labels` say what a new item has to do with another.

    `unsent`: a note that is a draft.
    """

    target: Target = Target.NEW_ITEM
    item: ItemFacts | None = None
    labels: tuple[str, ...] = ()
    reopen: bool = False
    unsent: bool = False


def aim(facts: Facts, draft: Draft, settings: Settings, look: Lookups, found: Findings) -> Aim | None:
    """Decide what the mail becomes; None when it is settled instead (the verdict is in `found`)."""
    release = facts.released
    if release is not None and release.item:
        return _by_hand(facts, release.item, release.by, look, found)
    if facts.thread.unsigned:
        found.note("target.unsigned", Mark.WARN, "thread.bad_token")
    item, proof = _answered(facts, draft, look, found)
    if draft.target is Target.NOTE and draft.item is not None:
        return Aim(Target.NOTE, draft.item)
    dangling = item is None and facts.thread.dangling and not draft.start_new
    if facts.thread.meant and item is None and draft.start_new:
        if found.stop("hold", "draft.undecided", note("target.no_new_item", meant=facts.thread.meant)):
            return None
    elif dangling and facts.thread.private:
        if found.stop("hold", "thread.item_gone", note("target.dangling", marker=facts.thread.marker)):
            return None
    elif dangling and facts.thread.foreign and not works(facts, draft.workspace, settings, look):
        found.note("target.foreign_number", Mark.INFO, marker=facts.thread.marker)
    elif dangling and settings.items.behavior != "create":
        verb, marker = settings.items.threading.on_dangling, facts.thread.marker
        if verb == "next":
            found.note("target.dangling_next", Mark.INFO, "thread.item_gone", marker=marker)
        elif found.stop(verb, "thread.item_gone", note("target.dangling", marker=marker)):
            return None
    if item is None:
        return _without_item(settings, found)
    return _on(item, proof, facts, draft, settings, look, found)


def on_item(facts: Facts, item: ItemFacts) -> bool:
    """Tell whether the sender has to do with the item: as its author, assignee, editor, reader or watcher."""
    if not facts.sender.is_believed or not facts.sender.address.address:
        return False
    names = _names(facts)
    return any(key_of(person) in names for person in item.people)


def _names(facts: Facts) -> set[str]:
    """What the sender goes by: the address, and login and addresses of the account."""
    account = facts.sender.account
    names = {facts.sender.address.key}
    if account is not None:
        names |= {account.login.casefold(), *map(key_of, account.emails)}
    return names


def may_comment(facts: Facts, item: ItemFacts, people: People, look: Lookups) -> bool:
    """Tell whether the sender is on the item and may write there.

    Who has an account needs the permission, unless a person let exactly them reply, or they prove to answer what goes
    to them; of the latter and of those without an account `people.on_item` is asked.
    """
    account = facts.sender.account
    if not on_item(facts, item):
        return False
    if people.no_permission_check or (account is None and people.on_item == "may_comment"):
        return True
    if account is not None and account.status == AccountStatus.ACTIVE:
        answers = people.on_item == "may_comment" and facts.proven and _is_answered(facts, item)
        if answers or not _names(facts).isdisjoint(map(key_of, item.authorised)):
            return True
    login = account.login if account is not None else people.guest_user
    return look.ask(May(login, "add_comments", item.workspace))


def _is_answered(facts: Facts, item: ItemFacts) -> bool:
    """Tell whether answers go to the sender, who opened the item, is copied on it, or wrote there before."""
    return on_item(facts, item) and not _names(facts).isdisjoint(map(key_of, item.answered))


def stranger(facts: Facts, item: ItemFacts, settings: Settings, look: Lookups) -> bool:
    """Tell whether the sender has no say on the item and is not of those who work there (F046).

    In a public workspace everybody may comment; working there means to be allowed to edit its items.
    """
    if may_comment(facts, item, settings.people, look):
        return False
    account = facts.sender.account
    if account is None or facts.sender.problem or account.status != AccountStatus.ACTIVE:
        return True
    if works(facts, item.workspace, settings, look):
        return False
    catalog = look.ask(CatalogOf(item.workspace))
    return (
        catalog is None
        or catalog.public
        or not look.ask(May(account.login, "add_comments", item.workspace))
        or not look.ask(May(account.login, "view_items", item.workspace))
    )


def works(facts: Facts, workspace: str, settings: Settings, look: Lookups) -> bool:
    """Tell whether the sender is one of those who work there: an active account that may edit its items."""
    account = facts.sender.account
    if account is None or facts.sender.problem or account.status != AccountStatus.ACTIVE:
        return False
    return settings.people.no_permission_check or look.ask(May(account.login, "edit_items", workspace))


def _by_hand(facts: Facts, number: int, by: str, look: Lookups, found: Findings) -> Aim | None:
    """F111: a person said which item a held mail belongs to; what was meant to be a note is one all the same."""
    item = look.ask(ItemByNumber(number))
    if item is None:
        found.settle(Verdict.HOLD, "thread.item_gone", note("target.not_there", item=number))
        return None
    found.note("target.by_hand", Mark.INFO, item=number, who=by)
    return Aim(Target.NOTE if facts.thread.meant else Target.COMMENT, item)


def _answered(facts: Facts, draft: Draft, look: Lookups, found: Findings) -> tuple[ItemFacts | None, str]:
    """The item this mail answers, and the proof of that: a rule's word, the thread's, or none ("")."""
    if draft.start_new:
        if facts.thread.item is not None:
            found.note("target.starts_new", Mark.INFO, item=facts.thread.item.id)
        return None, ""
    if draft.thread_by is not None:
        name, value = draft.thread_by
        item = look.ask(ItemByField(name, value))
        if item is not None:
            found.note("target.threads_by", Mark.INFO, field=name, value=value, item=item.id)
            return item, "rule"
        found.note("target.threads_by_nothing", Mark.INFO, field=name, value=value)
    item = draft.item or facts.thread.item
    return item, "thread" if facts.thread.proven else ""


def _without_item(settings: Settings, found: Findings) -> Aim | None:
    """F112: a new conversation."""
    if settings.items.behavior != "update":
        return Aim()
    return None if found.stop("hold", "draft.undecided", note("target.update_only")) else Aim()


def _on(
    item: ItemFacts,
    proof: str,
    facts: Facts,
    draft: Draft,
    settings: Settings,
    look: Lookups,
    found: Findings,
) -> Aim | None:
    """A mail that answers an item or a topic."""
    way = Way.RULE if proof == "rule" else facts.thread.by or Way.RULE
    how: dict[str, Said] = {"item": item.id, "topic": item.id if item.kind is Kind.TOPIC else 0, "way": way}
    unknown = proof != "rule" and item.kind is Kind.ITEM and stranger(facts, item, settings, look)
    if facts.thread.meant and item.kind is Kind.ITEM:
        found.note("target.answers", **how)
        return _as_meant(item, facts, settings, look, found)
    if facts.thread.meant:
        because = note("target.no_topic", meant=facts.thread.meant, topic=item.id)
        if found.stop("hold", "draft.undecided", because):
            return None
    if facts.thread.private and proof != "rule" and (unknown or settings.items.log_field != "note"):
        found.note("target.answers", **how)
        return _privately(item, proof, unknown, facts, settings, found)
    if settings.items.behavior == "create":
        found.note("target.create_only", Mark.INFO, **how)
        return Aim()
    if item.workspace != draft.workspace:
        found.note("target.elsewhere", Mark.INFO, **how, home=item.workspace, workspace=draft.workspace)
        return Aim(labels=(f"follows #{item.id}",))
    found.note("target.answers", **how)
    if item.kind is Kind.TOPIC:
        return _on_topic(item, found)
    countable = way is not Way.CALENDAR  # a UID is no number that anybody might try
    if unknown and not proof and countable and settings.items.threading.subject_needs_sender:
        said: dict[str, Said] = {"marker": facts.thread.marker, "item": item.id, "on": _on_without_say(facts, item)}
        found.note("target.guessable", Mark.WARN, "thread.stranger", **said)
        return Aim(labels=(f"claims #{item.id}",))
    policy = settings.items.closed_item
    if item.closed and policy in ("new-item", "reject"):
        if policy == "new-item":
            found.note("target.closed", Mark.INFO, "thread.closed", item=item.id, policy=policy)
            return Aim(labels=(f"follows #{item.id}",))
        if found.stop("reject", "thread.closed", note("target.closed", item=item.id)):
            return None
    if unknown:
        return _from_stranger(item, settings.people.reply_from_stranger, facts, found)
    if item.closed:
        found.note("target.closed", Mark.INFO, "thread.closed", item=item.id, policy=policy)
    return Aim(Target.COMMENT, item, reopen=item.closed and policy == "reopen")


def _as_meant(item: ItemFacts, facts: Facts, settings: Settings, look: Lookups, found: Findings) -> Aim | None:
    """F108, F109: a note or a draft of somebody who works there; of anybody else it waits, never is it public."""
    if is_inside(facts, item, settings, look):
        found.note("target.meant", Mark.INFO, meant=facts.thread.meant)
        return Aim(Target.NOTE, item, unsent=facts.thread.meant == Meant.DRAFT)
    because = note("target.private_stranger", address=facts.sender.address.address, item=item.id)
    return None if found.stop("hold", "thread.stranger", because) else Aim(Target.NOTE, item)


def is_inside(facts: Facts, item: ItemFacts, settings: Settings, look: Lookups) -> bool:
    """Tell whether the sender works in the workspace of an item, or has the item."""
    return works(facts, item.workspace, settings, look) or _has(facts, item)


def _has(facts: Facts, item: ItemFacts) -> bool:
    """Tell whether the item is assigned to the sender, or to a group of theirs."""
    account = facts.sender.account
    if account is None or facts.sender.problem or account.status != AccountStatus.ACTIVE:
        return False
    assigned = str(dict(item.fields).get("assigned_to") or "")
    return assigned in (account.login, *(f"{GROUP}{name}" for name in account.groups))


def _privately(
    item: ItemFacts, proof: str, unknown: bool, facts: Facts, settings: Settings, found: Findings
) -> Aim | None:
    """A mail that answers an internal note, or is meant to be one: whatever the settings say, it is never public."""
    if not unknown:
        found.note("target.stays_private", Mark.INFO)
        return Aim(Target.NOTE, item)
    if not proof or settings.people.reply_from_stranger == "hold":
        because = note("target.private_stranger", address=facts.sender.address.address, item=item.id)
        return None if found.stop("hold", "thread.stranger", because) else Aim(Target.NOTE, item)
    return _from_stranger(item, "note", facts, found)


def _on_topic(topic: ItemFacts, found: Findings) -> Aim | None:
    """F120: a locked topic refuses."""
    if topic.locked:
        found.stop("reject", "thread.topic_locked", note("target.locked", title=topic.title))
        return None
    return Aim(Target.TOPIC_POST, topic)


def _from_stranger(item: ItemFacts, policy: str, facts: Facts, found: Findings) -> Aim | None:
    """F046: accept, hold, or keep as a note that only staff sees."""
    address, on = facts.sender.address.address, _on_without_say(facts, item)
    said: dict[str, Said] = {"address": address, "item": item.id, "policy": policy, "on": on}
    kind = "target.unproven" if _is_answered(facts, item) and not facts.proven else "target.stranger"
    if policy == "hold":
        if found.stop("hold", "thread.stranger", note(kind, **said)):
            return None
        return Aim(Target.COMMENT, item)
    found.note(kind, Mark.WARN, "thread.stranger", **said)
    return Aim(Target.NOTE if policy == "note" else Target.COMMENT, item)


def _on_without_say(facts: Facts, item: ItemFacts) -> str:
    """Name the sender who is on the item and may not write there all the same, "" for one who is not on it."""
    account = facts.sender.account
    name = account.login if account is not None else facts.sender.address.address
    return name if on_item(facts, item) else ""
