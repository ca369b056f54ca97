"""Which mailboxes are meant by the names that somebody gives.

Here: `named`; every run asks it, so nothing else comes with it. Not here: what is done with a mailbox (`mailboxes.py`,
`run/passing.py`). Invariant: a name that means nothing is never left out in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.store.errors import Unclear

if TYPE_CHECKING:
    from engine.config import Config, Mailbox


def named(config: Config, names: Sequence[str] = ()) -> list[Mailbox]:
    """Give the mailboxes of these names, each once; without names all active ones. Raises Unclear."""
    known = {box.name: box for box in config.mailboxes}
    for name in names:
        if name not in known:
            raise Unclear(f"there is no mailbox {name!r}; there are: {', '.join(known) or 'none'}")
    return [known[name] for name in dict.fromkeys(names)] or [box for box in config.mailboxes if box.active]
