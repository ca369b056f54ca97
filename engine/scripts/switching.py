"""Switching a script off and on again by hand.

Here: what `allegra hooks disable` and `enable` do. Not here: when a script is switched off by itself (`memory.py`).
Invariant: only what is remembered against a script is written or forgotten; its good versions stay.
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
    ledger, versions = _versions(config, name)
    return True in [ledger.enable(sha256) for sha256 in versions] if versions else None


def switch_off(config: Config, name: str, why: str) -> bool | None:
    """Switch a script off until it is switched on or its file differs; tells whether it was on, None for no script."""
    ledger, versions = _versions(config, name)
    return True in [ledger.disable(sha256, why) for sha256 in versions] if versions else None


def _versions(config: Config, name: str) -> tuple[Ledger, list[str]]:
    """What a script is known by: as its file is now, and as it was when it was last sound."""
    name = script_name(name)
    ledger = Ledger(config.instance.state_dir / LEDGER)
    loaded = Files(config.hooks.directory).read(name)
    texts = [loaded.text] if loaded.problem is None else []
    texts += [good] if (good := ledger.state.good.get(name)) is not None else []
    return ledger, [Script(name, "", text).sha256 for text in dict.fromkeys(texts)]
