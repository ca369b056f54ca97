"""What stands below somebody's answers: shown, kept, forgotten.

Here: a signature of one's own. Not here: where it is put (`outbox/values.py`), that of the settings
(`replies.signature`). Invariant: one for a workspace wins over the one for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk import looking
from engine.model.preferences import SIGNATURE
from engine.store.errors import Unclear

if TYPE_CHECKING:
    from engine.store.store import Store

LONGEST = 2000
"""Characters of a signature."""


def signature(store: Store, login: str, workspace: str = "") -> str:
    """Give the signature of somebody, "" where they have none of their own. Raises NotFound."""
    said = store.directory.preferences(login)
    return said.get((workspace, SIGNATURE)) or said.get(("", SIGNATURE), "")


def sign(store: Store, login: str, text: str | None, workspace: str = "") -> str:
    """Keep a signature for somebody, or with None forget it; says what was done. Raises NotFound, Unclear."""
    if workspace:
        looking.workspace(store, workspace)
    kept = text.replace("\r\n", "\n").strip("\n") if text is not None else None
    if kept is not None and not kept.strip():
        raise Unclear("the signature is empty: --reset takes it away")
    if kept is not None and len(kept) > LONGEST:
        raise Unclear(f"the signature is longer than {LONGEST} characters")
    return store.directory.put_preferences(login, workspace, {SIGNATURE: kept})
