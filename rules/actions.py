"""Do the actions of a rule make sense, and what do they say for one mail?

Here: the check of actions, texts with {placeholders}, and filling them. Not here: who may win (`run.py`).
Invariant: a filled text has no control characters and at most `MAX_FILLED` of them come from the mail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from rules.check import Report
from rules.constants import number, seconds
from rules.near import near_names
from rules.outline import shown
from rules.schema import ActionSpec, Field, Schema, Slot, Values, spoken
from rules.syntax import Action, Kind, Literal

MAX_FILLED = 500
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Text(Struct, frozen=True):
    """A text with places to fill: `pieces` are str, a field or the name of a capture."""

    pieces: tuple[str | Field | tuple[str], ...]

    @property
    def constant(self) -> str | None:
        """The text, if there is nothing to fill."""
        if not self.pieces:
            return ""
        return self.pieces[0] if len(self.pieces) == 1 and isinstance(self.pieces[0], str) else None

    def fill(self, values: Values, captures: Mapping[str, str]) -> str:
        """Put in what the mail says."""
        said = []
        for piece in self.pieces:
            if isinstance(piece, str):
                said.append(piece)
            elif isinstance(piece, Field):
                said.append(clean(spoken(values[piece.name], piece.type)))
            else:
                said.append(clean(captures.get(piece[0], "")))
        return "".join(said)


class Step(Struct, frozen=True):
    """One checked action. `slot` is what it decides; `texts` its texts; `value` what `set` sets if that is no text.

    `whole` is the action as written, to be filled for the trace. `start` is where the text of the rule has it.
    """

    spec: ActionSpec
    slot: str
    texts: tuple[Text, ...]
    whole: Text
    value: Any = None
    target: str = ""


def clean(text: str) -> str:
    """One line, no control characters, not too long."""
    return _CONTROLS.sub(" ", text[:MAX_FILLED]).strip()


class Actions:
    """Checks the actions of the rules of one file."""

    def __init__(self, schema: Schema, privileged: bool) -> None:
        self.schema = schema
        self.privileged = privileged

    def step(self, action: Action, captures: Mapping[str, bool], report: Report) -> Step | None:
        """Check one action. Faults go to `report`; None if there were any that make it unusable."""
        spec = self.schema.actions.get(action.name)
        text = action.text
        lead = len(text) - len(text.lstrip())
        words = re.match(r'[^"]*', text[lead:])
        verb_end = lead + len((words[0] if words else text).rstrip())
        if spec is None:
            report("E110", f'"{text.strip()}" is not available here', lead, verb_end, "see  allegra rules actions")
            return None
        if spec.privileged and not self.privileged:
            said = f'"{text[lead:verb_end]}" is for the system file only'
            report("E160", said, lead, verb_end, "ask whoever looks after the system rules")
            return None
        found: list[tuple[str, str, int, int, str]] = []

        def note(code: str, message: str, start: int, end: int, help: str) -> None:
            found.append((code, message, start, end, help))

        step = (
            self._set(spec, action, captures, note)
            if action.name == "set"
            else self._plain(spec, action, captures, note)
        )
        for fault in found:
            report(*fault)
        return None if found else step

    def _plain(self, spec: ActionSpec, action: Action, captures: Mapping[str, bool], report: Report) -> Step:
        texts = tuple(self._text(literal, captures, report) for literal in action.arguments)
        for position, literal in enumerate(action.arguments):
            if literal.kind is Kind.TEXT:
                self._named(spec, position, literal, texts[position], report)
        return Step(spec, spec.slot, texts, self._whole(action, captures))

    def _named(self, spec: ActionSpec, position: int, literal: Literal, text: Text, report: Report) -> None:
        """A text that has to be the name of something: of a workspace, a gate, a template, a hook."""
        start, end = literal.start + 1, max(literal.end - 1, literal.start + 2)
        if not literal.source.strip():
            report("E141", "this text is empty", literal.start, literal.end, "write something between the quotes")
            return
        if spec.name == "thread_by" and position == 0:
            return
        kind = spec.names[position] if position < len(spec.names) else ""
        known = self.schema.known.get(kind)
        name = text.constant
        if known is None or not kind:
            return
        if name is None:
            report("E143", f"the name of a {kind} is fixed: it holds no placeholder", start, end, "write the name")
        elif name not in known:
            near = near_names(name, known, 1)
            help = f"did you mean  {near[0]} ?" if near else ("there are: " + ", ".join(sorted(known)) if known else "")
            report("E142", f'there is no {kind} called "{name}"', start, end, help)
        elif kind == "gate" and self.schema.may_skip_gates is not None and name not in self.schema.may_skip_gates:
            report(
                "E161",
                f'rules may not skip the gate "{name}"',
                start,
                end,
                "an admin can add it to rules.may_skip_gates",
            )

    # ── set ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _set(self, spec: ActionSpec, action: Action, captures: Mapping[str, bool], report: Report) -> Step | None:
        target, literal = action.arguments
        setting = self.schema.setting(target.source)
        if setting is None and target.kind is Kind.WORD:
            near = near_names(target.source, self.schema.settings, 1, 0.75)
            if near:
                help = f'did you mean  {near[0]} ?  (a custom field with this name stands in quotes: "{target.source}")'
                report("E140", f'there is no field of an item called "{target.source}"', target.start, target.end, help)
                return None
        if not target.source.strip():
            report(
                "E140", "the name of the field is empty", target.start, target.end, "write its name between the quotes"
            )
            return None
        name = setting.name if setting else target.source
        kind = setting.kind if setting else "text"
        slot = Slot.ASSIGNEE.value if name == "assigned_to" else f"{Slot.FIELD.value} {name.casefold()}"
        text = self._text(literal, captures, report) if literal.kind is Kind.TEXT else None
        value = None if text else self._value(literal, kind, name, report)
        if text and text.constant is not None:
            self._fixed(text.constant, kind, name, literal, report)
        return Step(spec, slot, (text,) if text else (), self._whole(action, captures), value, name)

    def _value(self, literal: Literal, kind: str, name: str, report: Report) -> Any:
        """A value that is no text: a number, a date, yes or no, a relative date, or another field."""
        start, end = literal.start, literal.end
        if literal.kind is Kind.WORD:
            if kind == "yesno" and literal.source in ("yes", "no"):
                return literal.source == "yes"
            field = self.schema.field(literal.source)
            if field is None:
                report(
                    "E141",
                    f'"{literal.source}" is neither a text in quotes nor a field',
                    start,
                    end,
                    f'write  "{literal.source}"',
                )
            return field
        if kind == "date" and literal.kind is Kind.DATE:
            self._fixed(literal.source, kind, name, literal, report)
            return literal.source
        if kind == "date" and literal.kind in (Kind.AGO, Kind.AHEAD):
            span = timedelta(seconds=min(seconds(literal.source), 1e10))
            return -span if literal.kind is Kind.AGO else span
        if kind == "number" and literal.kind is Kind.NUMBER:
            self._fixed(literal.source, kind, name, literal, report)
            return number(literal.source)
        if kind == "text" and literal.kind in (Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.SIZE, Kind.DURATION):
            return literal.source
        if kind == "text" and literal.kind in (Kind.AGO, Kind.AHEAD):  # a custom field may be a date
            span = timedelta(seconds=min(seconds(literal.source), 1e10))
            return -span if literal.kind is Kind.AGO else span
        report("E141", f"this is no value for {name}", start, end, _SETTING_HELP[kind].format(name))
        return None

    def _fixed(self, text: str, kind: str, name: str, literal: Literal, report: Report) -> None:
        """A written value has to fit what the field holds."""
        fits = True
        if kind == "date":
            try:
                date.fromisoformat(text)
            except ValueError:
                fits = False
        elif kind == "number":
            most = self.schema.settings[name].most
            fits = re.fullmatch(r"\d+(\.\d+)?", text) is not None and (most is None or float(text) <= most)
        elif kind == "yesno":
            fits = text.lower() in ("yes", "no", "true", "false", "1", "0")
        if not fits:
            report(
                "E141", f'"{text}" is no value for {name}', literal.start, literal.end, _SETTING_HELP[kind].format(name)
            )

    # ── texts ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _text(self, literal: Literal, captures: Mapping[str, bool], report: Report) -> Text:
        offset = literal.start + (1 if literal.kind is Kind.TEXT else 0)
        pieces: list[Any] = []
        last = 0
        for found in _PLACEHOLDER.finditer(literal.source):
            pieces.append(literal.source[last : found.start()])
            last = found.end()
            if found[0] in ("{{", "}}"):
                pieces.append(found[0][0])
                continue
            start, end = offset + found.start(), offset + found.end()
            if found[1] is None:
                report("E151", f'"{found[0]}" stands alone', start, end, f"write  {found[0] * 2}  for the character")
            elif found[1] in captures:
                pieces.append((found[1],))
            elif (field := self.schema.field(found[1])) is not None:
                pieces.append(field)
            else:
                self._unknown_placeholder(found, captures, start, end, report)
        pieces.append(literal.source[last:])
        return Text(_joined(pieces))

    def _unknown_placeholder(
        self, found: re.Match[str], captures: Mapping[str, bool], start: int, end: int, report: Report
    ) -> None:
        near = near_names(found[1], [*captures, *self.schema.fields], 1, 0.7)
        if captures:
            help = "this rule captures: " + ", ".join(captures)
        elif near:
            help = f"did you mean  {{{near[0]}}} ?"
        else:
            help = "this rule captures nothing; write {{ and }} for braces"
        report("E150", f'"{found[0]}" is neither a mail field nor captured by this rule', start, end, help)

    def _whole(self, action: Action, captures: Mapping[str, bool]) -> Text:
        """The action as it was written, to be filled for the trace."""
        text = shown(action.text.strip())
        literal = Literal(Kind.WORD, text, 0, len(text))
        return self._text(literal, captures, lambda *fault: None)


_SETTING_HELP = {
    "date": "such as  set {0} +2 days  or  set {0} 2026-12-31",
    "number": "such as  set {0} 50",
    "yesno": "write  set {0} yes  or  set {0} no",
    "text": 'write  set {0} "..."',
}


def _joined(pieces: list[Any]) -> tuple[Any, ...]:
    """Put neighbouring texts together and leave empty ones out."""
    joined: list[Any] = []
    for piece in pieces:
        if piece == "":
            continue
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)
