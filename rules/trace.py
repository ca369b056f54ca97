"""What a rule file did with one mail, as it is stored: numbers and values, no labels.

Here: frozen data. Not here: the labels; `explain.py` takes them from the text of the file, kept once by its digest.
Invariant: plain values and tuples; a rule that did not match costs one small tuple, what is as usual is not written.
"""

from __future__ import annotations

from msgspec import Struct

Seen = str | int | float | bool | tuple[str, ...] | None
"""A value as a trace keeps it."""


class Effect(Struct, frozen=True, omit_defaults=True):
    """What became of one action. `effect` is applied, ignored, shadow or not_permitted; `because` says why not."""

    text: str
    effect: str = "applied"
    because: str = ""


class Hit(Struct, frozen=True, omit_defaults=True):
    """A rule that matched: for each leaf of its condition, in order, whether it held and the value seen."""

    rule: int
    leaves: tuple[tuple[bool, Seen], ...] = ()
    effects: tuple[Effect, ...] = ()
    shadow: bool = False


class FileTrace(Struct, frozen=True, omit_defaults=True):
    """One file, one mail. `misses` are (rule, part of its condition that failed first, value seen).

    `reply` tells which rules were considered, `day` (ISO) which had expired. `ended` is the rule that ended the file,
    0 if all were read. `cut` names the fields whose text was longer than the limit.
    """

    file: str
    digest: str
    place: str = ""
    reply: bool = False
    day: str = ""
    misses: tuple[tuple[int, int, Seen], ...] = ()
    hits: tuple[Hit, ...] = ()
    ended: int = 0
    cut: tuple[str, ...] = ()
