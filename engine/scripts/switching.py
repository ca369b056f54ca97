"""Switching a script on again by hand.

Here: what `allegra hooks enable` does. Not here: when a script is switched off (`memory.py`).
Invariant: only what is remembered against a script is forgotten; its good versions stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.scripts.files import Files
from engine.scripts.ledger import LEDGER, Ledger
from engine.scripts.question import script_name
from hooks.program import Script

if TYPE_CHECKING:
    from engine.config import Config


def switch_on(config: Config, name: str) -> bool | None:
    """Switch a script on again; tells whether it was off, None where there is no such script."""
    name = script_name(name)
    ledger = Ledger(config.instance.state_dir / LEDGER)
    loaded = Files(config.hooks.directory).read(name)
    texts = [loaded.text] if loaded.problem is None else []
    texts += [good] if (good := ledger.state.good.get(name)) is not None else []
    if not texts:
        return None
    return any(ledger.enable(Script(name, "", text).sha256) for text in dict.fromkeys(texts))
