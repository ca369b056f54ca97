"""How a mail and its result stand on a line: shared by run, demo, held, mail and replay.

Here: one table row, one summary line. Not here: the decision or the store behind them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from engine.model.draft import Decider, Who
from engine.model.plan import Outcome
from engine.plain_text import columns, printable
from engine.run.line import Line

LOUD = (Outcome.HELD, Outcome.ERROR)
ORDER = (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE, Outcome.HELD, Outcome.REJECTED, Outcome.DISCARDED,
         Outcome.DUPLICATE, Outcome.DEFERRED, Outcome.ERROR)  # fmt: skip
PLURALS = {Outcome.COMMENT: "comments", Outcome.NOTE: "notes", Outcome.DUPLICATE: "duplicates", Outcome.ERROR: "errors"}
ALWAYS = (Outcome.CREATED, Outcome.COMMENT, Outcome.HELD, Outcome.REJECTED, Outcome.DISCARDED, Outcome.ERROR)


def fit(text: str, width: int) -> str:
    """Cut or pad text to a number of terminal columns."""
    text = printable(text, width)
    while columns(text) > width:
        text = text[:-2] + "…"
    return text + " " * (width - columns(text))


def who(by: Decider) -> str:
    """Name who decided, as in a sentence."""
    if by.kind == Who.RULE:
        return f'rule "{by.name}"'
    if by.kind in (Who.HOOK, Who.GATE):
        return f"{by.kind} {by.name}"
    return by.name


def row(line: Line, called: str = "") -> str:
    """One row of the table that `demo` and `run --dry-run` print; `called` is its item where that has no number yet."""
    said = line.outcome.upper() if line.outcome in LOUD else line.outcome
    if line.outcome in (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE):
        what = f"{line.workspace} {called or line.target}"
        tail = f"{what:<13} {line.extra}"
    else:
        tail = line.extra or f"{who(line.by)}: {line.because}"
    return f" {line.mail[:6]:<9}{fit(line.sender, 29)} {fit(line.subject, 38)} {said:<9} {printable(tail)}".rstrip()


def new_items(lines: Iterable[Line]) -> dict[int, str]:
    """Name the items that were made and taken back: a dry run gives no numbers."""
    made = dict.fromkeys(line.item for line in lines if line.outcome is Outcome.CREATED)
    return {item: f"new {number}" for number, item in enumerate(made, 1)}


HEAD = f" {'MAIL':<9}{'FROM':<29} {'SUBJECT':<38} OUTCOME"


def summary(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes in the order in which they are told."""
    counted = Counter(outcomes)
    return {outcome.value: counted[outcome] for outcome in ORDER}


def sentence(outcomes: Iterable[Outcome], separator: str = ", ") -> str:
    """Tell the counts: `7 created, 2 comments, 3 held`; the rare ones only when they occur."""
    counted = Counter(outcomes)
    said = []
    for outcome in ORDER:
        number = counted[outcome]
        if number or outcome in ALWAYS:
            word = PLURALS.get(outcome, outcome.value) if number != 1 else outcome.value
            said.append(f"{number} {word}")
    return separator.join(said)
