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
from engine.model.desk import ItemFacts, Kind
from engine.model.draft import Draft, Target, Verdict
from engine.model.facts import Facts

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.lookups import Lookups


_NOT_OURS = "not signed by us"
"""How `decision/matching.py` ends what it says about a token that it did not believe."""


class Aim(Struct, frozen=True):
    """Where the mail goes; `reopen` asks for an open status, `labels` say what a new item has to do with another."""

    target: Target = Target.NEW_ITEM
    item: ItemFacts | None = None
    labels: tuple[str, ...] = ()
    reopen: bool = False


def aim(facts: Facts, draft: Draft, settings: Settings, look: Lookups, found: Findings) -> Aim | None:
    """Decide what the mail becomes; None when it is settled instead (the verdict is in `found`)."""
    release = facts.released
    if release is not None and release.item:
        return _by_hand(release.item, release.by, look, found)
    if any(way == "token" and saw.endswith(_NOT_OURS) for way, saw in facts.thread.tried):
        found.note("a reply token in it is not signed by us and was not believed", "warn", "thread.bad_token")
    item, proof = _answered(facts, draft, look, found)
    if draft.target is Target.NOTE and draft.item is not None:
        return Aim(Target.NOTE, draft.item)
    if item is None and facts.thread.dangling and not draft.start_new and settings.items.behavior != "create":
        because = f"the marker {facts.thread.marker} names no item"
        verb = settings.items.threading.on_dangling
        if verb == "next":
            found.note(f"{because}; items.threading.on_dangling is next", "info", "thread.item_gone")
        elif found.stop(verb, "thread.item_gone", because):
            return None
    if item is None:
        return _without_item(settings, found)
    return _on(item, proof, facts, draft, settings, look, found)


def on_item(facts: Facts, item: ItemFacts) -> bool:
    """Tell whether the sender has to do with the item: as its author, assignee, editor, reader or watcher."""
    if facts.sender.problem or not facts.sender.address.address:
        return False
    account = facts.sender.account
    names = {facts.sender.address.key}
    if account is not None:
        names |= {account.login.casefold(), *(email.casefold() for email in account.emails)}
    return any(person.casefold() in names for person in item.people)


def stranger(facts: Facts, item: ItemFacts, settings: Settings, look: Lookups) -> bool:
    """Tell whether the sender has nothing to do with the item and is not of those who work there (F046).

    In a public workspace everybody may comment; working there means to be allowed to edit its items.
    """
    if on_item(facts, item):
        return False
    account = facts.sender.account
    if account is None or facts.sender.problem or account.status != "active":
        return True
    if settings.people.no_permission_check or look.may(account.login, "edit_items", item.workspace):
        return False
    catalog = look.catalog(item.workspace)
    return (
        catalog is None
        or catalog.public
        or not look.may(account.login, "add_comments", item.workspace)
        or not look.may(account.login, "view_items", item.workspace)
    )


def _by_hand(number: int, by: str, look: Lookups, found: Findings) -> Aim | None:
    """F111: a person said which item a held mail belongs to."""
    item = look.item(number)
    if item is None:
        found.settle(Verdict.HOLD, "thread.item_gone", f"there is no item #{number} to add this mail to")
        return None
    found.note(f"added to #{number} by {by}", "info")
    return Aim(Target.COMMENT, item)


def _answered(facts: Facts, draft: Draft, look: Lookups, found: Findings) -> tuple[ItemFacts | None, str]:
    """The item this mail answers, and the proof of that: a rule's word, the thread's, or none ("")."""
    if draft.start_new:
        if facts.thread.item is not None:
            found.note(f"a rule starts a new item although the mail answers #{facts.thread.item.id}", "info")
        return None, ""
    if draft.thread_by is not None:
        name, value = draft.thread_by
        item = look.item_by_field(name, value)
        if item is not None:
            found.note(f'a rule threads by {name} "{value}": #{item.id}', "info")
            return item, "rule"
        found.note(f'a rule threads by {name} "{value}", which no item has', "info")
    item = draft.item or facts.thread.item
    return item, "thread" if facts.thread.proven else ""


def _without_item(settings: Settings, found: Findings) -> Aim | None:
    """F112: a new conversation."""
    if settings.items.behavior == "update":
        because = "items.behavior is update, and this mail answers no item"
        if found.stop("hold", "draft.undecided", because):
            return None
    return Aim()


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
    way = "rule" if proof == "rule" else facts.thread.by or "rule"
    how = f"answers {'topic ' if item.kind is Kind.TOPIC else ''}#{item.id}, found by {way}"
    if settings.items.behavior == "create":
        found.note(f"{how}; items.behavior is create", "info")
        return Aim()
    if item.workspace != draft.workspace:
        found.note(f"{how} in {item.workspace}, but a rule routes it to {draft.workspace}", "info")
        return Aim(labels=(f"follows #{item.id}",))
    found.note(how)
    if item.kind is Kind.TOPIC:
        return _on_topic(item, found)
    unknown = proof != "rule" and stranger(facts, item, settings, look)
    if unknown and not proof and settings.items.threading.subject_needs_sender:
        because = (
            f"{facts.thread.marker or f'#{item.id}'} can be guessed and the sender has nothing to do with #{item.id}"
        )
        found.note(f"{because}: a new item", "warn", "thread.stranger")
        return Aim(labels=(f"claims #{item.id}",))
    if item.closed and settings.items.closed_item in ("new-item", "reject"):
        if settings.items.closed_item == "new-item":
            found.note(f"#{item.id} is closed; items.closed_item is new-item", "info", "thread.closed")
            return Aim(labels=(f"follows #{item.id}",))
        if found.stop("reject", "thread.closed", f"#{item.id} is closed"):
            return None
    if unknown:
        return _from_stranger(item, settings.people.reply_from_stranger, facts, found)
    if facts.thread.private:
        found.note("it answers an internal note, so it stays one", "info")
        return Aim(Target.NOTE, item)
    reopen = item.closed and settings.items.closed_item == "reopen"
    if item.closed:
        found.note(f"#{item.id} is closed; items.closed_item is {settings.items.closed_item}", "info", "thread.closed")
    return Aim(Target.COMMENT, item, reopen=reopen)


def _on_topic(topic: ItemFacts, found: Findings) -> Aim | None:
    """F120: a locked topic refuses."""
    if topic.locked:
        found.stop("reject", "thread.topic_locked", f'the topic "{topic.title}" is locked')
        return None
    return Aim(Target.TOPIC_POST, topic)


def _from_stranger(item: ItemFacts, policy: str, facts: Facts, found: Findings) -> Aim | None:
    """F046: accept, hold, or keep as a note that only staff sees."""
    who = facts.sender.address.address or "the sender"
    because = f"{who} has nothing to do with #{item.id}; people.reply_from_stranger is {policy}"
    if policy == "hold":
        if found.stop("hold", "thread.stranger", because):
            return None
        return Aim(Target.COMMENT, item)
    found.note(because, "warn", "thread.stranger")
    return Aim(Target.NOTE if policy == "note" else Target.COMMENT, item)
