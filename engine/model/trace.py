"""The stored trace: what a decision knew, did and asked, in a form that survives releases.

Here: the shape of a trace, and its way to JSON and back.
Not here: printing one (`explain/told.py`), or keeping one (`store/`).
Invariant: a trace holds no text of a mail but excerpts that a rule looked at and what a script said; with the texts of
the rule files it tells each stage as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.model.desk import Account, Catalog, ItemFacts
from engine.model.draft import Disposition, Note
from engine.model.facts import Cut, Facts
from engine.model.mail import Defect
from engine.model.questions import AccountMatch, HookAnswer, MessageMatch
from rules.trace import FileTrace

SCHEMA = 1


class Change(Struct, frozen=True):
    """A part of the draft that a stage changed, as text."""

    name: str
    before: str
    after: str


class StageTrace(Struct, frozen=True):
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
    effects: tuple[str, ...] = ()
    config_digest: str = ""
    us: int = 0
    schema: int = SCHEMA
    defects: tuple[Defect, ...] = ()


ANSWER_TYPES: Mapping[str, Any] = {
    "account": AccountMatch,
    "login": Account | None,
    "person": Account | None,
    "group": str,
    "may": bool,
    "catalog": Catalog | None,
    "item": ItemFacts | None,
    "topic": ItemFacts | None,
    "item_by_message_ids": MessageMatch | None,
    "item_by_field": ItemFacts | None,
    "duplicate": str,
    "sender_rate": int,
    "total_rate": int,
    "scan": str,
    "hooks": HookAnswer,
}
"""What kind of answer a question has: how the recording is read back."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Trace).decode


def encode(trace: Trace) -> bytes:
    """Write a trace as JSON, without the text of the mail."""
    cut = trace.facts.cut
    if cut.new or cut.quoted or cut.signature:
        trace = replace(trace, facts=replace(trace.facts, cut=Cut(why=cut.why)))
    return _encode(trace)


def decode(stored: bytes) -> Trace:
    """Read a stored trace. Raises msgspec.ValidationError for one that another release wrote differently."""
    return _decode(stored)


def recording(trace: Trace) -> dict[tuple[Any, ...], Any]:
    """Give the answers back as a `Recorder` takes them."""
    recorded: dict[tuple[Any, ...], Any] = {}
    for question, answer in trace.answers:
        name, *arguments = question
        key = (name, *(tuple(each) if isinstance(each, list) else each for each in arguments))
        recorded[key] = msgspec.convert(answer, ANSWER_TYPES[name])
    return recorded
