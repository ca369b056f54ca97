"""Why a rule did or did not match: a stored trace and the text of the file, told to a person or an editor.

Here: lines and JSON. Not here: evaluation; nothing is asked again except where `leaves` are handed in (`opened`).
Invariant: labels are the owner's own words out of the file as it was then; a text that is gone costs the labels only.
Over 300 lines: lines and JSON are told from the same walk, so that they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from rules.document import Document, RawRule, read
from rules.hints import close
from rules.outline import Part, Shape, outline, shown
from rules.run import RuleFile
from rules.schema import Values, seen
from rules.syntax import Kind, Literal, Literals, Op, Range, Several
from rules.trace import FileTrace, Hit, Seen

Texts = Callable[[str], str]
"""Gives the text of a rule file by its digest, "" if it is not kept."""

Leaves = Mapping[int, tuple[tuple[bool, Seen], ...]]
"""For rules by number: whether each leaf held and what it saw."""

_NAME = 36
_VALUE = 55
_UNQUOTED = frozenset({Kind.SIZE, Kind.DURATION, Kind.DATE, Kind.TIME, Kind.AGO, Kind.AHEAD})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def opened(file: RuleFile, values: Values) -> Leaves:
    """Ask every leaf of every rule again, for `--all`: from a snapshot of the same mail."""
    return {
        rule.number: tuple((leaf.holds(values), seen(values[leaf.key], rule.told[leaf.number])) for leaf in rule.leaves)
        for rule in file.rules
    }


def lines(trace: FileTrace, texts: Texts, every_rule: bool = False, leaves: Leaves | None = None) -> list[str]:
    """Tell what a file did: a line for each rule that did not match, the tree of each that did.

    `every_rule` opens the others too; without `leaves` their parts behind the first failure stay unknown (·).
    """
    story = _Story(trace, texts(trace.digest))
    return list(story.lines(every_rule, leaves or {}))


def as_json(trace: FileTrace, texts: Texts, leaves: Leaves | None = None) -> dict[str, Any]:
    """The same as data: every rule with its tree; spans are characters of the file's text."""
    story = _Story(trace, texts(trace.digest))
    return {
        "file": trace.file,
        "digest": trace.digest,
        "place": trace.place or "system",
        "ended_by": trace.ended or None,
        "cut": list(trace.cut),
        "rules": [story.as_json(rule, leaves or {}) for rule in story.document.rules] or story.bare(),
    }


def unmatched(trace: FileTrace, text: str, rule: int) -> str:
    """Say in words why a rule did not match: the part that failed first with the value it saw, or why nobody asked."""
    story = _Story(trace, text)
    raw = next(each for each in story.document.rules if each.number == rule)
    return f"did not match: {story.failed(raw)}" if rule in story.misses else f"was {story.not_asked(raw)}"


def matched(trace: FileTrace, text: str, rule: int) -> Iterator[str]:
    """Give the tree of the condition of a rule that matched, with what each part saw."""
    story = _Story(trace, text)
    raw = next(each for each in story.document.rules if each.number == rule)
    yield from (line[4:] for line in story.condition(raw, story.hits[rule]))


class _Story:
    """One trace beside the document it came from."""

    def __init__(self, trace: FileTrace, text: str) -> None:
        self.trace = trace
        self.document = _document(trace.file, text)
        self.hits = {hit.rule: hit for hit in trace.hits}
        self.misses = {number: (part, value) for number, part, value in trace.misses}

    # ── for people ────────────────────────────────────────────────────────────────────────────────────────────

    def lines(self, every_rule: bool, leaves: Leaves) -> Iterator[str]:
        """All lines, in the order of the file."""
        if not self.document.rules:
            yield from self._without_text()
            return
        unread = [rule.number for rule in self.document.rules if self._not_reached(rule)]
        for rule in self.document.rules:
            if rule.number in self.hits:
                yield from self._hit(rule, self.hits[rule.number])
            elif rule.number in self.misses:
                yield self._line(rule, f"✘ {self.failed(rule)}")
                if every_rule and rule.condition is not None:
                    yield from self._tree(rule, self._part(rule), self._states(rule, leaves), 2)
            elif rule.number not in unread:
                yield self._line(rule, f"– {self.not_asked(rule)}")
        if len(unread) == 1:
            rule = next(rule for rule in self.document.rules if rule.number == unread[0])
            yield self._line(rule, f"– not reached: rule {self.trace.ended} ended the file")
        elif unread:
            yield f"{unread[0]:>5}.–{unread[-1]}. not reached: rule {self.trace.ended} ended the file"

    def _line(self, rule: RawRule, rest: str) -> str:
        return f"{rule.number:>5}. {_short(rule.name):<{_NAME}} {rest}"

    def _not_reached(self, rule: RawRule) -> bool:
        return bool(self.trace.ended) and rule.number > self.trace.ended

    def not_asked(self, rule: RawRule) -> str:
        """Why nobody asked a rule."""
        if not rule.enabled:
            return "switched off: enabled = false"
        kind = "reply" if self.trace.reply else "new"
        if rule.on not in (kind, "any"):
            return f'not considered: only for "{rule.on}", this mail is "{kind}"'
        if rule.until is not None:
            return f"expired: until {rule.until.isoformat()}"
        return "not considered"

    def failed(self, rule: RawRule) -> str:
        """The part of a condition that failed first, with what it saw."""
        number, value = self.misses[rule.number]
        label, part = self._failed(rule, number)
        said = label
        if part is not None and part.shape is Shape.LEAF:
            said += f"   ⟵ {_value(value, part)}"
            if hint := self._close(part, value):
                said += f"   ← close: {hint}"
        return said

    def _failed(self, rule: RawRule, number: int) -> tuple[str, Part | None]:
        """The part that failed first, with the definitions it stands in."""
        part = self._part(rule)
        above: list[str] = []
        while part.number != number:
            if part.shape is Shape.DEFINITION:
                above.append(part.label)
            inside = next((kid for kid in part.kids if kid.number <= number < kid.number + kid.size), None)
            if inside is None:
                return "its condition", None
            part = inside
        label = part.label
        if part.shape is Shape.ANY:
            label = f"none of {len(part.kids)}: " + "; ".join(self._source(rule, kid) for kid in part.kids)
        elif part.shape is Shape.NOT:
            kid = part.kids[0]
            label = f"not: {self._source(rule, kid)}{'  (definition)' if kid.shape is Shape.DEFINITION else ''} is true"
        return "".join(f"{name}: " for name in above) + _safe(label), part

    def _hit(self, rule: RawRule, hit: Hit) -> Iterator[str]:
        shadow = ", shadow: nothing is done" if hit.shadow else ""
        yield f" ▶ {rule.number:>2}. {_safe(rule.name)}  ({self.trace.file}:{rule.line}{shadow})"
        yield from self.condition(rule, hit)
        for effect in hit.effects:
            because = f"   {effect.effect.replace('_', ' ')}: {effect.because}" if effect.because else ""
            yield f"       → {_safe(effect.text)}{_safe(because)}"

    def condition(self, rule: RawRule, hit: Hit) -> Iterator[str]:
        """The tree of a condition that held."""
        if rule.condition is not None:
            yield from self._tree(rule, self._part(rule), self._states(rule, {rule.number: hit.leaves}), 0)
        else:
            yield "       ✔ no condition"

    def _tree(
        self, rule: RawRule, part: Part, states: Mapping[int, tuple[bool | None, Any]], depth: int
    ) -> Iterator[str]:
        ok, value = states[part.number]
        mark = "·" if ok is None else "✔" if ok else "✘"
        text = _safe(part.label) + ("  (definition)" if part.shape is Shape.DEFINITION else "")
        if part.shape is Shape.LEAF and value is not _UNKNOWN:
            text += f"   ⟵ {_value(value, part)}"
            if ok is False and (hint := self._close(part, value)):
                text += f"   ← close: {hint}"
        yield f"{' ' * 7}{'  ' * depth}{mark} {text}"
        for kid in part.kids:
            yield from self._tree(rule, kid, states, depth + 1)

    def _without_text(self) -> Iterator[str]:
        for hit in self.trace.hits:
            yield f" ▶ {hit.rule:>2}.  ({self.trace.file}, its text as it was then is gone)"
            yield from (f"       → {_safe(effect.text)}" for effect in hit.effects)
        for number, _, value in self.trace.misses:
            yield f"{number:>5}. {'':<{_NAME}} ✘ ⟵ {_value(value, None)}"

    # ── for programs ──────────────────────────────────────────────────────────────────────────────────────────

    def as_json(self, rule: RawRule, leaves: Leaves) -> dict[str, Any]:
        """One rule with its tree."""
        hit = self.hits.get(rule.number)
        missed = self.misses.get(rule.number)
        told: dict[str, Any] = {
            "rule": rule.name,
            "number": rule.number,
            "file": self.trace.file,
            "line": rule.line,
            "considered": hit is not None or missed is not None,
            "matched": hit is not None,
        }
        if hit is None and missed is None:
            ended = f"rule {self.trace.ended} ended the file"
            told["because"] = f"not reached: {ended}" if self._not_reached(rule) else self.not_asked(rule)
        if missed is not None:
            label, part = self._failed(rule, missed[0])
            told["failed"] = {"label": label, "seen": _plain(missed[1])}
            if part is not None and part.shape is Shape.LEAF and (hint := self._close(part, missed[1])):
                told["failed"]["close"] = hint
        if rule.condition is not None:
            known = {rule.number: hit.leaves} if hit is not None else leaves
            told["tree"] = self._json_tree(rule, self._part(rule), self._states(rule, known))
        effects = hit.effects if hit is not None else ()
        told["actions"] = [{"text": e.text, "effect": e.effect, "because": e.because} for e in effects]
        return told

    def _json_tree(self, rule: RawRule, part: Part, states: Mapping[int, tuple[bool | None, Any]]) -> dict[str, Any]:
        ok, value = states[part.number]
        path = ("define", part.within) if part.within else (*rule.path, "when")
        node: dict[str, Any] = {"label": part.label, "ok": ok}
        if part.shape is Shape.LEAF:
            node["seen"] = None if value is _UNKNOWN else _plain(value)
        if part.shape is Shape.DEFINITION:
            node["definition"] = True
        node["span"] = list(self.document.places.slice(path, part.start, part.end))
        node["kids"] = [self._json_tree(rule, kid, states) for kid in part.kids]
        return node

    def bare(self) -> list[dict[str, Any]]:
        """What is known when the text is gone."""
        return [
            {
                "number": hit.rule,
                "considered": True,
                "matched": True,
                "actions": [{"text": e.text, "effect": e.effect, "because": e.because} for e in hit.effects],
            }
            for hit in self.trace.hits
        ]

    # ── trees ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _part(self, rule: RawRule) -> Part:
        assert rule.condition is not None  # noqa: S101 - callers look
        return outline(rule.condition, rule.when or "", self.document.definitions)

    def _source(self, rule: RawRule, part: Part) -> str:
        text = self.document.definitions[part.within].text if part.within else rule.when or ""
        return shown(text[part.start : part.end])

    def _close(self, part: Part, value: Seen) -> str:
        return close(part.test, value, self.document.lists) if part.test is not None else ""

    def _states(self, rule: RawRule, leaves: Leaves) -> dict[int, tuple[bool | None, Any]]:
        """For every part whether it held (None: nobody asked), for leaves the value."""
        part = self._part(rule)
        states: dict[int, tuple[bool | None, Any]] = {}
        if rule.number in leaves:
            known = dict(zip((leaf.number for leaf in part.leaves()), leaves[rule.number], strict=False))
            _fold(part, {number: ok for number, (ok, _) in known.items()}, states)
            for number, (ok, value) in known.items():
                states[number] = (ok, value)
        else:
            number, value = self.misses.get(rule.number, (-1, None))
            _fold(part, _implied(part, number, False), states)
            if number >= 0:
                states[number] = (states[number][0], value)
        return states


_UNKNOWN = object()


def _fold(part: Part, known: Mapping[int, bool], states: dict[int, tuple[bool | None, Any]]) -> bool | None:
    """Work out the joints from what is known of the leaves; what is known of a joint itself counts first."""
    kids = [_fold(kid, known, states) for kid in part.kids]
    ok: bool | None = known.get(part.number)
    if ok is None and kids:
        if part.shape is Shape.ALL:
            ok = False if False in kids else None if None in kids else True
        elif part.shape is Shape.ANY:
            ok = True if True in kids else None if None in kids else False
        else:
            ok = kids[0] if part.shape is Shape.DEFINITION or kids[0] is None else not kids[0]
    states[part.number] = (ok, _UNKNOWN)
    return ok


def _implied(part: Part, failed: int, holds: bool) -> dict[int, bool]:
    """What follows for the parts from the one that failed first: those asked before it in an `and` held."""
    known = {part.number: holds}
    if part.number == failed or not part.number <= failed < part.number + part.size:
        if part.shape is Shape.NOT:
            known |= _implied(part.kids[0], -1, not holds)
        elif part.shape is Shape.DEFINITION:
            known |= _implied(part.kids[0], -1, holds)
        elif (part.shape is Shape.ANY and not holds) or (part.shape is Shape.ALL and holds):
            for kid in part.kids:
                known |= _implied(kid, -1, holds)
        return known
    for kid in part.kids:
        if kid.number <= failed < kid.number + kid.size:
            return known | _implied(kid, failed, False)
        if part.shape is Shape.ALL:
            known |= _implied(kid, -1, True)
    return known


@lru_cache(maxsize=64)
def _document(file: str, text: str) -> Document:
    return read(file, text)


def _value(value: Any, part: Part | None) -> str:
    """A value as it was seen, on one line."""
    if value is None or value == ():
        return "(absent)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        text = _safe(value.replace("\r\n", "\n").replace("\n", " ⏎ "))
        text = text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"
        return text if part is not None and _unquoted(part) else f'"{text}"'
    if isinstance(value, tuple | list):
        return ", ".join(_value(each, part) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unquoted(part: Part) -> bool:
    """Whether a value is a size, a time, a duration: what it is compared with tells."""
    operand = part.test.operand if part.test is not None else None
    if isinstance(operand, Several):
        operand = operand.values
    literals: tuple[Any, ...] = ()
    if isinstance(operand, Literal):
        literals = (operand,)
    elif isinstance(operand, Literals):
        literals = operand.items
    elif isinstance(operand, Range):
        literals = (operand.low, operand.high)
    ordered = part.test is not None and part.test.op in (Op.ABOVE, Op.ABOVE_IS, Op.BELOW, Op.BELOW_IS)
    return ordered or any(literal.kind in _UNQUOTED for literal in literals)


def _short(name: str) -> str:
    name = _safe(name)
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _safe(text: str) -> str:
    """Text of strangers for a terminal: no control and no direction characters."""
    return _CONTROL.sub("", text)
