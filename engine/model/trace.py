"""The stored trace: what a decision knew, did and asked, in a form that survives releases.

Here: the shape of a trace, and its way to JSON and back.
Not here: printing one (`explain/told.py`), or keeping one (`store/`).
Invariant: a trace holds no text of a mail but excerpts that a rule looked at and what a script said; with the texts of
the rule files it tells each stage as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.model.answers import HookAnswer
from engine.model.draft import READ, Disposition, Note
from engine.model.facts import Cut, Facts
from engine.model.figures import SCRIPTS, TEXT_CUT, Measured, RuleHit
from engine.model.known import read
from engine.model.mail import Defect
from engine.model.plan import Done
from engine.model.questions import QUESTIONS, EarlierMail
from engine.model.whole import as_json
from rules.trace import FileTrace

SCHEMA = 2
"""2: notes are kinds with fields; 1 held their sentences."""


class Change(Struct, frozen=True):
    """A part of the draft that a stage changed, as text; a list as the texts in it, which early releases joined."""

    name: str
    before: str | tuple[str, ...]
    after: str | tuple[str, ...]


class StageTrace(Struct, frozen=True, omit_defaults=True):
    """What one stage did: how long, which parts of the draft changed, and why."""

    name: str
    us: int = 0
    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()


class Trace(Struct, frozen=True):
    """One decision. `answers` are (question, answer) pairs in the order they were asked; `us` is microseconds.

    `defects` say in which ways the mail is odd, and what of it was not read.
    """

    mailbox: str
    facts: Facts
    stages: tuple[StageTrace, ...]
    disposition: Disposition
    rules: tuple[FileTrace, ...] = ()
    answers: tuple[tuple[Any, Any], ...] = ()
    effects: tuple[Done, ...] = ()
    config_digest: str = ""
    us: int = 0
    schema: int = SCHEMA
    defects: tuple[Defect, ...] = ()


@cache
def _decoder() -> msgspec.json.Decoder[Trace]:
    """Made for the first trace that is read: it looks up the types of all that a trace can hold."""
    return msgspec.json.Decoder(Trace)


def encode(trace: Trace) -> bytes:
    """Write a trace as JSON, without the text of the mail."""
    cut = trace.facts.cut
    if cut.new or cut.quoted or cut.signature:
        trace = replace(trace, facts=replace(trace.facts, cut=Cut(why=cut.why)))
    return as_json(trace)


def decode(stored: bytes) -> Trace:
    """Read a stored trace, of one that another release wrote what is understood. Raises msgspec.DecodeError."""
    return understood(stored)[0]


def understood(stored: bytes) -> tuple[Trace, tuple[str, ...]]:
    """Read a stored trace as far as it is understood; gives the paths of parts that are not. Raises as `decode`."""
    unread: tuple[str, ...] = ()
    try:
        trace = _decoder().decode(stored)
    except msgspec.ValidationError:  # another release wrote it differently
        trace, unread = read(stored, Trace)
    return (trace if trace.schema > 1 else _with_kinds(trace)), unread


def _with_kinds(trace: Trace) -> Trace:
    """Give the notes of rule files their kind, so that each is told with the rules below it; the rest is only shown."""
    files = [file.file for file in trace.rules]
    stages = [
        replace(stage, notes=tuple(_of_file(each, files) for each in stage.notes)) if stage.name == "route" else stage
        for stage in trace.stages
    ]
    return replace(trace, stages=tuple(stages))


def _of_file(each: Note, files: list[str]) -> Note:
    file = next((file for file in files if each.text.startswith(f"{file}, ")), "")
    return replace(each, kind=READ, fields=(("file", file),)) if file else each


def hits_of(files: Iterable[Any]) -> tuple[RuleHit, ...]:
    """Name the rules that matched, and the files for which a text was longer than the limit.

    `files` are those of a trace (`FileTrace`), or what was read of one for counting.
    """
    found: list[RuleHit] = []
    for file in files:
        found += [RuleHit(file.file, file.digest, hit.rule) for hit in file.hits]
        if file.cut:
            found.append(RuleHit(file.file, file.digest, TEXT_CUT))
    return tuple(found)


def measures_of(answers: Iterable[tuple[Any, Any]]) -> tuple[Measured, ...]:
    """Tell how long the scripts took that ran: one time of all that ran together, whose names it has."""
    return tuple([
        Measured(SCRIPTS, " ".join([name for name, _ in answer.hashes]), round(answer.ms * 1000))
        for _, answer in answers
        if isinstance(answer, HookAnswer) and answer.hashes and answer.ms
    ])  # fmt: skip


def recording(trace: Trace) -> dict[tuple[Any, ...], Any]:
    """Give the answers back as a `Recorder` takes them; what is not understood of them will be asked anew."""
    kinds = {each.stored_as: each.answer_type() for each in QUESTIONS}
    recorded: dict[tuple[Any, ...], Any] = {}
    for question, answer in trace.answers:
        name, *arguments = question
        key = (name, *(tuple(each) if isinstance(each, list) else each for each in arguments))
        if name == EarlierMail.stored_as and len(key) == 4:
            key = EarlierMail(key[1], key[3]).stored
        with suppress(KeyError, msgspec.ValidationError):
            recorded[key] = msgspec.convert(answer, kinds[name])
    return recorded
