"""How a mail and its result stand on a line: shared by run, demo, held, mail and replay.

Here: one table row, one summary line. Not here: the decision or the store behind them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from engine.cli.paint import paint, state
from engine.model.draft import Decider, Who
from engine.model.plan import Outcome
from engine.plain_text import fit, isolated, printable
from engine.run.line import Line

LOUD = (Outcome.HELD, Outcome.ERROR)
ORDER = (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE, Outcome.HELD, Outcome.REJECTED, Outcome.DISCARDED,
         Outcome.DUPLICATE, Outcome.DEFERRED, Outcome.ERROR)  # fmt: skip
PLURALS = {Outcome.COMMENT: "comments", Outcome.NOTE: "notes", Outcome.DUPLICATE: "duplicates", Outcome.ERROR: "errors"}
ALWAYS = (Outcome.CREATED, Outcome.COMMENT, Outcome.HELD, Outcome.REJECTED, Outcome.DISCARDED, Outcome.ERROR)


def who(by: Decider) -> str:
    """Name who decided, as in a sentence."""
    if by.kind == Who.RULE:
        return f'rule "{by.name}"'
    if by.kind in (Who.HOOK, Who.GATE):
        return f"{by.kind} {by.name}"
    return by.name


WIDEST = 120
"""How broad a row is where no terminal says so."""


def row(line: Line, called: str = "", width: int = 0) -> str:
    """One row of the table that `demo` and `run --dry-run` print; `called` is its item where that has no number yet.

    With a `width` it fits a terminal of that many columns.
    """
    said = line.outcome.upper() if line.outcome in LOUD else line.outcome
    sender, subject = _widths(width)
    if line.outcome in (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE):
        what = f"{line.workspace} {called or line.target}"
        tail = f"{what:<13} {line.extra}"
    else:
        tail = line.extra or f"{who(line.by)}: {line.because}"
    parts = isolated(fit(line.sender, sender)), isolated(fit(line.subject, subject)), state(line.outcome, f"{said:<9}")
    tail = fit(tail, max(width - sender - subject - 22, 12)) if width else printable(tail)
    return f" {line.mail[:6]:<9}{' '.join(parts)} {tail}".rstrip()


def _widths(width: int) -> tuple[int, int]:
    """How broad the sender and the subject are in a row of that many columns; 0 is as broad as they like."""
    if not width or width >= WIDEST:
        return 29, 38
    left = max(width - 22, 36)
    return max(left * 29 // 98, 12), max(left * 38 // 98, 12)


def new_items(lines: Iterable[Line]) -> dict[int, str]:
    """Name the items that were made and taken back: a dry run gives no numbers."""
    made = dict.fromkeys(line.item for line in lines if line.outcome is Outcome.CREATED)
    return {item: f"new {number}" for number, item in enumerate(made, 1)}


def head(width: int = 0) -> str:
    """The heads above such rows."""
    sender, subject = _widths(width)
    return paint("head", f" {'MAIL':<9}{'FROM':<{sender}} {'SUBJECT':<{subject}} OUTCOME")


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
