"""The stages of a decision, line by line: what each said and changed, the rules under the one that read them.

Here: one line a stage and the lines below it. Not here: what stands around them (`told.py`), how rules print their
trees (`rules/explain.py`). Invariant: a line says each thing once; what settled the mail stands on the stage's line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.decision.pipeline import ORDER
from engine.model.draft import READ, Mark, Note, Verdict, Who
from engine.model.trace import Change, StageTrace
from engine.plain_text import columns
from engine.plain_text import printable as one_line
from engine.wording.sentence import sentence

if TYPE_CHECKING:
    from engine.model.trace import Trace
    from rules.explain import Leaves, Texts
    from rules.trace import FileTrace

MARKS = {Mark.OK: "✔", Mark.WARN: "!", Mark.STOP: "✋", Mark.INFO: "·"}
BELOW = " " * 8
_INNER = ("disposition", "hops", "attachments", "item", "thread_by", "by_keyword", "start_new", "cc_role", "to_role",
          "html_part")  # fmt: skip
"""Parts of a draft that notes and rules tell better."""

_LISTS = ("fields", "labels", "people", "skips", "notifies", "forwards")
"""Parts of a draft of which only the difference is told."""


def stages(
    trace: Trace, texts: Texts, leaves: Mapping[str, Leaves], every_rule: bool, only: str, width: int
) -> Iterator[str]:
    """Tell the stages that were asked, or `only` one of them."""
    for stage in trace.stages:
        if not only or stage.name == only:
            yield from _stage(stage, trace, texts, leaves, every_rule, width)


def not_reached(trace: Trace) -> Iterator[str]:
    """Name the stages behind the one that settled."""
    done = {stage.name for stage in trace.stages}
    left = [number for number, name in enumerate(ORDER, 1) if name not in done]
    if left and done:
        yield f"{left[0]:>2}…{left[-1]} not reached" if len(left) > 1 else f"{left[0]:>2} not reached"


def _stage(
    stage: StageTrace, trace: Trace, texts: Texts, leaves: Mapping[str, Leaves], every_rule: bool, width: int
) -> Iterator[str]:
    settled = stage is trace.stages[-1] and trace.disposition.verdict is not Verdict.ACCEPT
    by_rule = settled and trace.disposition.by.kind == Who.RULE
    files = trace.rules if stage.name == "route" else ()
    notes = [note for note in stage.notes if not (files and note.kind == READ) and sentence(note)]
    stop = next((note for note in notes if note.mark == Mark.STOP), None) if settled else None
    plain = [sentence(note) for note in notes if note.mark == Mark.OK]
    marked = [note for note in notes if note.mark != Mark.OK and note is not stop]
    changes = [line for line in map(_change, stage.changes) if line]
    mark = "✋" if settled else "!" if any(note.mark == Mark.WARN for note in notes) else "✔"
    number = ORDER.index(stage.name) + 1 if stage.name in ORDER else "?"
    lead = f"{number:>2} {mark} {stage.name:<12} "
    if files:
        for line in _rules(lead, stage.notes, files, texts, leaves, every_rule):
            yield from _folded(line, width)
        if stop is not None and not by_rule:
            yield printable(f"{BELOW}✋ {sentence(stop)}")
        yield from _below(plain, width)
    elif stop is not None:
        yield from flow(lead, [sentence(stop)], width)
        yield from _below(plain, width)
    else:
        headline = plain or [sentence(note) for note in marked[:1]] or changes[:1] or ["nothing to do"]
        marked = marked if plain else marked[1:]
        changes = changes if plain or headline != changes[:1] else changes[1:]
        yield from flow(lead, headline, width)
    yield from (printable(f"{BELOW}{MARKS.get(note.mark, '·')} {sentence(note)}") for note in marked)
    yield from (printable(f"{BELOW}{line}") for line in changes)


def _rules(
    lead: str,
    notes: Sequence[Note],
    files: Sequence[FileTrace],
    texts: Texts,
    leaves: Mapping[str, Leaves],
    every_rule: bool,
) -> Iterator[str]:
    """The files in the order they were read, each with its rules below it."""
    from rules import explain

    for number, file in enumerate(files):
        read = (note for note in notes if note.kind == READ and note.field("file") == file.file)
        said = next(map(sentence, read), file.file)
        yield printable(f"{lead}{said}" if number == 0 else f"{' ' * 5}then         {said}")
        yield from (f"    {line}" for line in explain.lines(file, texts, every_rule, leaves.get(file.digest)))


def _folded(line: str, width: int) -> Iterator[str]:
    """Put what was seen on a line of its own where a line of a rule is too long."""
    if columns(line) <= width:
        yield line
        return
    first, *more = re.split(r"   (?=[⟵←])", line)
    yield first
    if more:
        indent = len(first) - len(first.lstrip(" ")) + 6
        yield " " * indent + "   ".join(more)


def _below(plain: Sequence[str], width: int) -> Iterator[str]:
    if plain:
        yield from flow(f"{BELOW}✔ ", plain, width)


def _change(change: Change) -> str:
    """Say what a stage changed: what came, and what went with it."""
    name, old, new = change.name.replace("_", " "), elements(change.before), elements(change.after)
    before, after = ", ".join(old), ", ".join(new)
    if change.name in _INNER or before == after:
        return ""
    if change.name == "text" or not before:
        return f"{name}: {after}"
    if change.name in _LISTS:
        came = [each for each in new if each not in old]
        gone = [each for each in old if each not in new]
        return f"{name}: {', '.join([*came, *(f'not {each}' for each in gone if not came)])}"
    if change.name == "assignee":
        return f"{name}: {after}" if after else ""
    return f"{name}: {before} → {after or '(nothing)'}"


def elements(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Give the elements of a list in a trace; early releases stored them joined."""
    return tuple(value.split(", ")) if isinstance(value, str) else value


def flow(lead: str, parts: Sequence[str], width: int, between: str = " · ") -> Iterator[str]:
    """Lay out parts behind each other, and on the next line below the first where a line is full."""
    line, room = lead, max(width, len(lead) + 20)
    for number, part in enumerate(parts):
        begun = line if number == 0 else line + between
        if number and len(begun) + len(part) > room:
            yield printable(line + between.rstrip())
            line = " " * len(lead) + part
        else:
            line = begun + part
    yield printable(line).rstrip()


def printable(text: str) -> str:
    """Make a line safe for a terminal and keep how far it is indented."""
    return " " * (len(text) - len(text.lstrip(" "))) + one_line(text)
