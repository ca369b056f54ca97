"""What was done, told to who did it, in their language.

Here: sentences that several pages say. Not here: what a page alone says (there), who hears and why somebody does not
(`desk/told.py`), refusals, which stay as the desk said them. Invariant: a sentence is made of data and never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.console.words import gettext

if TYPE_CHECKING:
    from engine.desk.told import Tried


def hears(tried: Tried) -> str:
    """Who hears of an act, and who does not."""
    parts = [
        (tried.outside and gettext("goes to %(who)s", who=", ".join(tried.outside))),
        (tried.inside and gettext("told %(who)s", who=", ".join(tried.inside))),
        (tried.not_told and gettext("not told: %(who)s", who=", ".join(tried.not_told))),
    ]
    return "; ".join([each for each in parts if each]) or gettext("nobody is told")


def telling(done: str, tried: Tried) -> str:
    """What was done, and who hears of it."""
    return gettext("%(done)s: %(hears)s", done=done, hears=hears(tried))
