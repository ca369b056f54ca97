"""What somebody is writing on an item, kept for them until they send it: another machine shows it again.

Here: `begun`, `keep`, `drop`. Not here: drafts that colleagues see (`item_words.py`), the rows
(`store/begun_words.py`). Invariant: nobody else is told of it, it sends nothing and is no event; what somebody may not
say any more is not shown as something that they may say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk.doing import MOST_WORDS
from engine.desk.item_page import may_answer
from engine.store.errors import Refused, Unclear

if TYPE_CHECKING:
    from engine.desk.scope import Scope
    from engine.model.desk import Account
    from engine.model.stored import Begun, ItemView
    from engine.store.store import Store

MODES = ("answer", "note", "draft")
"""As what words of the box are meant."""


def begun(store: Store, scope: Scope, account: Account, found: ItemView) -> Begun | None:
    """Give what somebody is writing on an item that they see, None for nothing, or what they may not say any more."""
    kept = store.begun_words.begun(account.id, found.item.id)
    return kept if kept is not None and _may(scope, found, kept.mode) else None


def keep(store: Store, scope: Scope, account: Account, found: ItemView, mode: str, words: str, key: str) -> None:
    """Keep what somebody is writing, empty words for nothing; not where an act with this key has sent it already.

    Raises Refused, Unclear.
    """
    if not _may(scope, found, mode):
        raise Refused(f"{account.login} may not write this on item #{found.item.id}: nothing was kept")
    if len(words) > MOST_WORDS:
        raise Unclear(f"these are more than {MOST_WORDS:,} characters: nothing was kept")
    if not words.strip():
        drop(store, account, found.item.id)
    else:
        store.begun_words.put(account.id, found.item.id, mode, words, key)


def drop(store: Store, account: Account, number: int) -> None:
    """Forget what somebody is writing on an item: it was sent, or thrown away."""
    if store.begun_words.begun(account.id, number) is not None:
        store.begun_words.drop(account.id, number)


def _may(scope: Scope, found: ItemView, mode: str) -> bool:
    if found.item.merged_into or mode not in MODES:
        return False
    return may_answer(scope, found) if mode == "answer" else scope.may("edit_items", found.item.workspace)
