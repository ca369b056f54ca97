"""Evaluation: one rule file against one snapshot.

Here: `RuleFile`, `Ruleset`, and `evaluate`, which says what is proposed and keeps the trace while it goes.
Not here: what a proposal does (the engine's route stage), loading (`load.py`).
Invariant: total, without side effects, every part of a condition asked at most once; of a rule that matched all parts
are asked. There is no other mode: what is stored is what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from rules.actions import Step, clean
from rules.compile import NAMED
from rules.document import Document
from rules.domains import other_spelling
from rules.on_number import ANCHOR
from rules.outline import Part
from rules.pattern import Match, Pattern
from rules.question import Predicate, Question
from rules.schema import ENCODED, MAX_SEEN, Field, Slot, Type, Values, seen, spoken
from rules.trace import Effect, FileTrace, Hit, Seen

if TYPE_CHECKING:
    from rules.tested import RawTest


class Leaf(Struct, frozen=True, eq=False):
    """A leaf ready to be asked: its closure, the key of its value, and the question with its pattern.

    `given` tells that the condition cannot hold without it, so that it need not be asked again.
    """

    number: int
    given: bool
    holds: Predicate
    key: str
    question: Question


class Ready(Struct, frozen=True, eq=False):
    """A step, with the act and its effect made beforehand if the mail has no say in its texts."""

    step: Step
    act: Act | None
    effect: Effect | None


class Rule(Struct, frozen=True, eq=False):
    """A checked rule.

    `decides` is the part of the condition that decides where it does not hold, or `NAMED`. `keys` gives for every part
    the key of the value it looks at ("" for joints), `told` its type where people write the value otherwise.
    """

    file: str
    number: int
    name: str
    on: str
    line: int
    enabled: bool
    shadow: bool
    until: date | None
    owner: str
    note: str
    part: Part | None
    test: Predicate
    decides: int
    keys: tuple[str, ...]
    told: tuple[Type | None, ...]
    leaves: tuple[Leaf, ...]
    steps: tuple[Ready, ...]
    continues: bool
    captures: Mapping[str, bool]

    @property
    def label(self) -> str:
        """How traces call it: `rule 2 "Invoices"`."""
        return f'rule {self.number} "{self.name}"'


class RuleFile(Struct, frozen=True, eq=False):
    """A checked file. `place` is whose mail it reads: "" for the system mailbox, else a workspace."""

    file: str
    place: str
    digest: str
    rules: tuple[Rule, ...]
    document: Document
    used: frozenset[str] = frozenset()
    privileged: bool = False
    for_new: tuple[Rule, ...] = ()
    for_reply: tuple[Rule, ...] = ()

    @property
    def tests(self) -> tuple[RawTest, ...]:
        """The [[test]]s beside the rules, read when somebody asks."""
        from rules.tested import tests

        return tests(self.document)


class Ruleset(Struct, frozen=True, eq=False):
    """All files that are sound, by their place; `broken` names the places whose file is not, and what is wrong."""

    files: Mapping[str, RuleFile] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Digest and text of every file, for whoever keeps them with the traces."""
        return ((file.digest, file.document.text) for file in self.files.values())


class Act(Struct, frozen=True):
    """An action that is to be performed: its name in the grammar, its texts filled, and for `set` target and value."""

    name: str
    rule: Rule
    texts: tuple[str, ...] = ()
    target: str = ""
    value: Any = None


class Ledger(Struct):
    """What single things are decided, and by whom; goes along the chain of files of one mail."""

    decided: dict[str, str] = field(default_factory=dict)


class Evaluation(Struct, frozen=True):
    """What a file proposes, in order, its destination if it has one, and the trace."""

    acts: tuple[Act, ...]
    destination: Act | None
    trace: FileTrace


def evaluate(file: RuleFile, values: Values, reply: bool, ledger: Ledger, day: date | None = None) -> Evaluation:
    """Read a file from top to bottom. `day` is when the mail was received: a rule counts up to its `until`."""
    misses: list[tuple[int, int, Seen]] = []
    hits: list[Hit] = []
    acts: list[Act] = []
    destination: Act | None = None
    ended = 0
    for rule in file.for_reply if reply else file.for_new:
        if rule.until is not None and day is not None and day > rule.until:
            continue
        if not rule.test(values):
            failed = values.failed if rule.decides == NAMED else rule.decides
            key = rule.keys[failed]
            if not key:
                misses.append((rule.number, failed, None))
                continue
            value = values[key]
            if type(value) is not str or len(value) > MAX_SEEN:
                value = seen(value, rule.told[failed])
            misses.append((rule.number, failed, value))
            continue
        hit, destination, ends = _perform(rule, values, ledger, destination, acts)
        hits.append(hit)
        if ends:
            ended = rule.number
            break
    trace = FileTrace(
        file.file, file.digest, file.place, reply, day.isoformat() if day else "", tuple(misses), tuple(hits), ended,
        tuple(dict.fromkeys(values.cut)),
    )  # fmt: skip
    return Evaluation(tuple(acts), destination, trace)


def _perform(
    rule: Rule, values: Values, ledger: Ledger, settled: Act | None, acts: list[Act]
) -> tuple[Hit, Act | None, bool]:
    """Fill the actions of a rule that matched and let the first decision of single things win.

    Gives the trace, the destination if there is one by now, and whether the file ends here.
    """
    leaves = tuple(
        [(leaf.given or leaf.holds(values), seen(values[leaf.key], rule.told[leaf.number])) for leaf in rule.leaves]
    )
    captured = _captured(rule, values) if rule.captures else {}
    effects: list[Effect] = []
    ends = False
    for ready in rule.steps:
        step = ready.step
        effect = ready.effect or Effect(step.whole.fill(values, captured))
        if rule.shadow:
            effects.append(Effect(effect.text, "shadow", "shadow = true"))
            continue
        if step.slot == Slot.FLOW:
            ends = ends or step.spec.name == "stop"
            effects.append(effect)
            continue
        act = ready.act or _act(rule, step, values, captured)
        why = _why_not(step, act, ledger, settled)
        if why:
            effects.append(Effect(effect.text, "ignored", why))
            continue
        if step.slot == Slot.DESTINATION:
            settled = act
            ends = ends or not rule.continues
        elif step.slot != Slot.LIST:
            ledger.decided[step.slot] = rule.label
        effects.append(effect)
        acts.append(act)
    return Hit(rule.number, leaves, tuple(effects), rule.shadow), settled, ends


def _why_not(step: Step, act: Act, ledger: Ledger, settled: Act | None) -> str:
    """Why an action is not performed, "" if it is."""
    if step.slot == Slot.DESTINATION:
        return f"{settled.rule.label} already decided the destination" if settled is not None else ""
    if step.slot in ledger.decided:
        return f"{ledger.decided[step.slot]} already decided {step.slot.removeprefix('field ')}"
    if step.spec.name == "set":
        return "the value is empty for this mail" if act.value in ("", None) else ""
    return "" if all(map(str.strip, act.texts)) else "the text is empty for this mail"


def prepared(rule: Rule) -> Rule:
    """A rule whose acts are made as far as no mail is needed for them."""
    ready = []
    for each in rule.steps:
        step = each.step
        fixed = all(text.constant is not None for text in step.texts) and not isinstance(step.value, timedelta | Field)
        effect = Effect(step.whole.constant) if step.whole.constant is not None else None
        ready.append(Ready(step, _act(rule, step, _NOTHING, {}) if fixed else None, effect))
    return replace(rule, steps=tuple(ready))


def _act(rule: Rule, step: Step, values: Values, captured: Mapping[str, str]) -> Act:
    texts = tuple(text.fill(values, captured) for text in step.texts)
    if step.spec.name != "set":
        return Act(step.spec.name, rule, texts)
    return Act("set", rule, (), step.target, texts[0] if texts else _value(step.value, values))


def _value(value: Any, values: Values) -> Any:
    """What `set` sets: a relative date counts from when the mail was received, a field gives what it holds."""
    if isinstance(value, timedelta):
        anchor = values[ANCHOR]
        return (anchor + value).date().isoformat() if isinstance(anchor, datetime) else ""
    if isinstance(value, Field):
        held = values[value.name]
        return (
            held
            if isinstance(held, bool | int | float) and value.type is Type.NUMBER
            else clean(spoken(held, value.type))
        )
    return value


_NOTHING: Any = {}
"""The snapshot for texts that ask for nothing."""


def _search_address(pattern: Pattern, text: str, data: bytes) -> Match | None:
    """Find what a pattern finds in an address: in any case, in either spelling of its domain."""
    search = pattern.in_any_case().search
    return search(text) or search(other_spelling(text))


def _captured(rule: Rule, values: Values) -> dict[str, str]:
    """The named groups of the patterns that hold, "" where a group took no part; the first pattern wins."""
    captured = dict.fromkeys(rule.captures, "")
    for leaf in rule.leaves:
        question = leaf.question
        if question.op != "matches" or question.negated or not question.operands[0].names:
            continue
        texts, datas = values[question.field.name], values[question.field.name + ENCODED]
        if not isinstance(texts, tuple):
            texts, datas = (texts,), (datas,)
        search = _search_address if question.field.type.addressed else Pattern.search_encoded
        for text, data in zip(texts, datas, strict=True):
            found = search(question.operands[0], text, data) if data is not None else None
            if found is not None:
                for name, value in found.groupdict().items():
                    captured[name] = captured[name] or value
                break
    return captured
