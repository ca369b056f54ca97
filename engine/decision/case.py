"""A mail on its way through the decision, and how a step is done for every mail of a batch.

Here: `Case`, what is known of one mail so far; `Each`, who goes through a batch with one step. Not here: the steps
(`pipeline.py`), what becomes of a mail that breaks one (`run/hand.py`).
Invariant: a case holds nothing of another one; what a step does to one mail cannot be told from whether it came alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from engine.decision.pipeline import Decision
    from engine.lookups import Recorder
    from engine.model.changes import Versions
    from engine.model.draft import Draft
    from engine.model.facts import Facts, Release
    from engine.model.mail import Mail, RawMail
    from engine.model.plan import Plan
    from engine.model.trace import StageTrace


@dataclasses.dataclass(slots=True, eq=False)
class Case:
    """One mail of a batch: what is asked about it, and what was found so far. `number` is its place in the batch.

    `apart` has its bytes read in a process of their own, of a `bare` one those of its header alone; `slow` are those
    whose scripts take long. `versions` is the state of the store that the answers come from. `settled` is the draft of
    the first settlement; `draft` goes on behind it only where somebody wants to see what else would have happened.
    `values` are what it held when it was compared last, `told` how that was told, `trace` its trace as it is stored,
    where it is to be. `ns` is the time its steps took, in nanoseconds.
    """

    raw: RawMail
    look: Recorder
    release: Release | None = None
    duplicate_of: str = ""
    versions: Versions | None = None
    number: int = 0
    apart: bool = False
    bare: bool = False
    mail: Mail = field(init=False)
    facts: Facts = field(init=False)
    draft: Draft = field(init=False)
    values: tuple[Any, ...] = ()
    slow: bool = False
    told: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    settled: Draft | None = None
    stages: list[StageTrace] = field(default_factory=list)
    plan: Plan = field(init=False)
    decision: Decision = field(init=False)
    trace: bytes = b""
    ns: int = 0


Step: TypeAlias = Callable[[Case], None]
Each: TypeAlias = Callable[[Step, Sequence[Case]], Sequence[Case]]
"""Do a step for each of these cases, in their order; gives those that go on to the next step."""


def one_by_one(step: Step, cases: Sequence[Case]) -> Sequence[Case]:
    """Do a step for each case; what breaks breaks all of it."""
    for case in cases:
        step(case)
    return cases
