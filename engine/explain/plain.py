"""A trace as plain data, for programs: every note with its sentence beside its kind and fields.

Here: that shape. Not here: what stands around it (`told.py`), or the stored form (`model/trace.py`).
Invariant: the shape of `allegra.explain/1` only grows: `text`, `mark` and `code` of a note, the texts of a change and
of what was tried are what they were before notes had kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from engine.model.draft import Note, Said
from engine.wording.sentence import sentence

if TYPE_CHECKING:
    from engine.model.trace import Change, Trace
    from rules.explain import Leaves, Texts


def trace(told: Trace, texts: Texts, leaves: Mapping[str, Leaves]) -> dict[str, Any]:
    """Give a trace as dictionaries and lists, without the recorded answers."""
    from rules import explain

    plain: dict[str, Any] = msgspec.to_builtins(told)
    plain.pop("answers")
    plain["rules"] = [explain.as_json(file, texts, leaves.get(file.digest)) for file in told.rules]
    plain["facts"]["thread"]["tried"] = [
        [way, sentence(saw) if isinstance(saw, Note) else saw] for way, saw in told.facts.thread.tried
    ]
    plain["stages"] = [
        {
            "name": stage.name,
            "us": stage.us,
            "changes": [_change(each) for each in stage.changes],
            "notes": [note(each) for each in stage.notes],
        }
        for stage in told.stages
    ]
    return plain


def note(said: Note) -> dict[str, Any]:
    """Give a note with its sentence; one of an early release has no kind."""
    fields = {name: _value(value) for name, value in said.fields}
    return {"text": sentence(said), "mark": said.mark, "code": said.code, "kind": said.kind, "fields": fields}


def _value(value: Said) -> Any:
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return note(value) if isinstance(value, Note) else value


def _change(change: Change) -> dict[str, str]:
    return {"name": change.name, "before": _joined(change.before), "after": _joined(change.after)}


def _joined(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)
