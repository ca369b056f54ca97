"""Rules that load and still do not do what their owner thinks: warnings, each with a way out.

Here: the traps W401-W460 and I500, from the file alone, and the errors of its tests. Not here: errors (`check.py`),
what only stored mail can tell (W470, rules that are never hit: the engine's `rules list`).
Invariant: a lint never changes whether a file loads; it points at the words to change.
Over 300 lines: a function for each trap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import combinations

from rules import tested
from rules.constants import Reference
from rules.outline import Part, Shape
from rules.places import Spot
from rules.problem import Problem, Severity
from rules.question import Question
from rules.run import Rule, RuleFile
from rules.schema import Schema, Slot, Type
from rules.syntax import Op

SOON = timedelta(days=14)
_PRIVILEGES = frozenset({"skip_gate", "thread_by", "original_sender"})
_SENDER = ("from", "sender", "reply_to", "envelope")


def lint(
    file: RuleFile, schema: Schema, workspaces: frozenset[str] | None = None, today: date | None = None
) -> tuple[Problem, ...]:
    """Look at one loaded file. `workspaces` are those that exist, `today` the day that `until` is compared with."""
    return tuple(_Lint(file, schema, workspaces, today).all())


class _Lint:
    """The state of looking at one file."""

    def __init__(self, file: RuleFile, schema: Schema, workspaces: frozenset[str] | None, today: date | None) -> None:
        self.file = file
        self.places = file.document.places
        self.schema = schema
        self.workspaces = workspaces
        self.today = today
        self.questions = {rule.number: {leaf.number: leaf.question for leaf in rule.leaves} for rule in file.rules}
        self.at = {raw.number: place for place, raw in enumerate(file.document.rules)}
        self.conjuncts = {rule.number: self._conjuncts(rule) for rule in file.rules}
        self.in_force = [rule for rule in file.rules if _in_force(rule)]
        self.ends = {rule.number for rule in self.in_force if _ends(rule)}
        self.asking: dict[str, list[Rule]] = {}
        for rule in self.in_force:  # under one of its conditions each: who is wider than another asks nothing else
            self.asking.setdefault(min(self.conjuncts[rule.number], default=""), []).append(rule)

    def all(self) -> Iterator[Problem]:
        """Every warning, in the order of the rules."""
        for rule in self.file.rules:
            if not rule.enabled:
                continue
            wider = self._wider(rule)
            yield from self._unreachable(rule, wider)
            yield from self._never_wins(rule, wider)
            yield from self._settles(rule)
            yield from self._privileges(rule)
            yield from self._contradictions(rule)
            yield from self._captures(rule)
            yield from self._strangers(rule)
            yield from self._routes(rule)
            yield from self._expiry(rule)
        yield from self._unused()
        yield from tested.problems(self.file.document, self.schema)

    # ── places ────────────────────────────────────────────────────────────────────────────────────────────────

    def _warn(self, code: str, message: str, spot: Spot, rule: Rule | None, help: str) -> Problem:
        where = f'rule "{rule.name}"' if rule is not None else ""
        severity = Severity.INFO if code.startswith("I") else Severity.WARNING
        return Problem(
            code, message, self.file.file, spot.line, spot.column, spot.length, spot.excerpt, where, help, severity
        )

    def _name(self, rule: Rule) -> Spot:
        return self.places.value(("rule", rule.number - 1, "name"))

    def _part(self, rule: Rule, part: Part, subject_only: bool = False) -> Spot:
        path = ("define", part.within) if part.within else ("rule", rule.number - 1, "when")
        end = part.test.subject.end if subject_only and part.test is not None else part.end
        return self.places.inside(path, part.start, end)

    def _action(self, rule: Rule, name: str) -> Spot:
        """The first word of an action."""
        for position, (at, action) in enumerate(self.file.document.rules[self._index(rule)].actions):
            if action.name == name:
                start = len(action.text) - len(action.text.lstrip())
                end = start + len(action.text.split(None, 1)[0])
                path = ("rule", rule.number - 1, "then", at if at >= 0 else position)
                return self.places.inside(path, start, end)
        return self._name(rule)

    def _index(self, rule: Rule) -> int:
        return self.at[rule.number]

    # ── order ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _conjuncts(self, rule: Rule) -> frozenset[str]:
        """The conditions of a rule that are joined by `and`, as text; none for a rule that always matches."""
        if rule.part is None:
            return frozenset()
        parts = rule.part.kids if rule.part.shape is Shape.ALL else (rule.part,)
        text = self.file.document.rules[self._index(rule)].when or ""
        return frozenset(" ".join(text[part.start : part.end].split()) for part in parts)

    def _wider(self, rule: Rule) -> list[Rule]:
        """The earlier rules that match whenever this one does, as far as the text shows."""
        mine = self.conjuncts[rule.number]
        asking = [each for part in ("", *mine) for each in self.asking.get(part, ()) if each.number < rule.number]
        found = [each for each in asking if each.on in ("any", rule.on) and self.conjuncts[each.number] <= mine]
        return sorted(found, key=lambda each: each.number)

    def _unreachable(self, rule: Rule, wider: list[Rule]) -> Iterator[Problem]:
        for each in wider:
            if each.number in self.ends:
                same = "has no condition" if each.part is None else "matches whenever this one does"
                said = f"this rule is never reached: {each.label} {same} and ends the file"
                help = f"move this rule above rule {each.number}, or add  continue  there"
                yield self._warn("W401", said, self._name(rule), rule, help)
                return

    def _never_wins(self, rule: Rule, wider: list[Rule]) -> Iterator[Problem]:
        for ready in rule.steps:
            step = ready.step
            if step.slot in (Slot.LIST, Slot.DESTINATION, Slot.FLOW):
                continue
            for each in wider:
                if any(other.step.slot == step.slot for other in each.steps):
                    what = step.slot.removeprefix("field ")
                    said = f"this never wins: {each.label} matches whenever this rule does and decides {what} first"
                    help = f"move this rule above rule {each.number}"
                    yield self._warn("W402", said, self._action(rule, step.spec.name), rule, help)
                    break

    def _settles(self, rule: Rule) -> Iterator[Problem]:
        """W410 and W411: an end that mail can slip past."""
        step = next((ready.step for ready in rule.steps if ready.step.spec.settles), None)
        if step is None:
            return
        spot, verb = self._action(rule, step.spec.name), step.spec.name
        raw = self.file.document.rules[self._index(rule)]
        if not raw.explicit_on:
            help = 'write  on = "any"  to see replies too, or  on = "new"  to say that it shall not'
            yield self._warn("W411", f"this {verb} does not see replies", spot, rule, help)
        if rule is self.file.rules[-1]:
            return
        for each in self.in_force:
            if each.number >= rule.number:
                return
            routes = any(r.step.spec.slot is Slot.DESTINATION and not r.step.spec.settles for r in each.steps)
            overlap = "any" in (each.on, rule.on) or each.on == rule.on
            if routes and not each.continues and overlap and not self._excludes(each, rule):
                said = f"this {verb} can be skipped: {each.label} routes the mail and ends the file first"
                help = f"move this rule above rule {each.number}, or add  continue  there"
                yield self._warn("W410", said, spot, rule, help)
                return

    def _excludes(self, earlier: Rule, rule: Rule) -> bool:
        """Whether one rule asks for what the other denies."""
        mine, theirs = self.conjuncts[rule.number], self.conjuncts[earlier.number]
        return any(f"not {text}" in mine for text in theirs) or any(f"not {text}" in theirs for text in mine)

    # ── trust ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _privileges(self, rule: Rule) -> Iterator[Problem]:
        grants = [r.step for r in rule.steps if r.step.spec.name in _PRIVILEGES or r.step.slot == "field status"]
        if not grants or rule.part is None or self._assured(rule, rule.part, proof_only=True):
            return
        for part in rule.part.leaves():
            field = self.questions[rule.number][part.number].field
            if field.origin and field.name.split(".")[0] in _SENDER:
                said = "this rule gives a privilege to an address anyone can write"
                yield self._warn("W430", said, self._part(rule, part, True), rule, "add  and auth.dmarc is pass")
                return

    def _strangers(self, rule: Rule) -> Iterator[Problem]:
        step = next((ready.step for ready in rule.steps if ready.step.spec.name in ("reject", "reply_with")), None)
        if step is None or rule.shadow or (rule.part is not None and self._assured(rule, rule.part)):
            return
        verb = "reject" if step.spec.name == "reject" else "reply"
        said = f"this {verb} can go to a stranger whose address was forged"
        help = "add  and sender.known  or  and auth.dmarc is pass"
        yield self._warn("W460", said, self._action(rule, step.spec.name), rule, help)

    def _assured(self, rule: Rule, part: Part, proof_only: bool = False) -> bool:
        """Whether the condition cannot hold unless the sender is proven (or known, without `proof_only`)."""
        if part.shape is Shape.LEAF:
            question = self.questions[rule.number][part.number]
            if question.field.proof:
                return question.op is Op.IS and not question.negated and question.operands == ("pass",)
            known = question.field.name.startswith("sender.") and question.field.origin and not question.negated
            return known and not proof_only
        if part.shape is Shape.NOT:
            return False
        held = [self._assured(rule, kid, proof_only) for kid in part.kids]
        return all(held) if part.shape is Shape.ANY else any(held)

    # ── logic ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _contradictions(self, rule: Rule) -> Iterator[Problem]:
        """W440 and W441: what is always or never true."""
        if rule.part is None:
            return
        questions = self.questions[rule.number]
        for part in rule.part.walk():
            if part.within:
                continue
            if part.shape is Shape.LEAF:
                yield from self._never(rule, part, questions[part.number])
            leaves = [kid for kid in part.kids if kid.shape is Shape.LEAF and kid.number in questions]
            for left, right in combinations(leaves, 2):
                problem = self._pair(rule, part, right, questions[left.number], questions[right.number])
                if problem is not None:
                    yield problem

    def _pair(self, rule: Rule, joint: Part, part: Part, left: Question, right: Question) -> Problem | None:
        if left.field.name != right.field.name or left.field.type.listed or left.operands == right.operands:
            return None
        name, spot = left.field.name, self._part(rule, part)
        if any(isinstance(operand, Reference) for operand in (*left.operands, *right.operands)):
            return None
        single = len(left.operands) == len(right.operands) == 1
        if joint.shape is Shape.ANY and left.negated and right.negated and left.op == right.op:
            if left.op is Op.IS and single:
                help = f"write  {name} is not any of [...]"
                return self._warn("W440", "this is always true: nothing is both", spot, rule, help)
            if left.op is Op.CONTAINS:
                help = f"write  {name} does not contain any of [...]"
                return self._warn("W440", "this is true unless the text contains both", spot, rule, help)
        if joint.shape is Shape.ALL and not left.negated and not right.negated:
            if left.op is Op.IS and right.op is Op.IS and single:
                code = "W441" if left.field.type is Type.DAY else "W440"
                return self._warn(code, f"this is never true: {name} cannot be both", spot, rule, "write  or")
            if _apart(left, right):
                return self._warn(
                    "W441", f"this is never true: no {name} is both", spot, rule, "turn one of them round"
                )
        return None

    def _never(self, rule: Rule, part: Part, question: Question) -> Iterator[Problem]:
        field, limit = question.field, self.schema.max_size_bytes
        spot = self._part(rule, part)
        above = question.op in (Op.ABOVE, Op.ABOVE_IS) and not question.negated
        first = question.operands[0] if question.operands else None
        if field.type is Type.SIZE and above and limit and isinstance(first, int | float) and first >= limit:
            said = "this is never true: mail that big is stopped by gates.maximum_email_size"
            yield self._warn("W441", said, spot, rule, f"the limit is {limit} bytes")
        elif field.type in (Type.ADDRESS, Type.ADDRESSES) and question.op is Op.IS:
            short = next((text for text in question.operands if isinstance(text, str) and text.startswith("@")), None)
            if short:
                said = f'this is never true: no address is "{short}"'
                help = f'write  {field.name} ends with "{short}"'
                yield self._warn("W441", said, spot, rule, help)
        elif question.op is Op.BETWEEN and question.operands[0] == question.operands[1] and field.type is Type.TIME:
            yield self._warn("W441", "this is never true: it ends when it begins", spot, rule, "write two times")

    def _captures(self, rule: Rule) -> Iterator[Problem]:
        maybe = {name for name, missing in rule.captures.items() if missing}
        for ready in rule.steps:
            for text in ready.step.texts:
                for piece in text.pieces:
                    if isinstance(piece, tuple) and piece[0] in maybe:
                        said = f"{{{piece[0]}}} is empty when another branch of the condition matches"
                        help = "make two rules, one for each branch"
                        yield self._warn("W450", said, self._action(rule, ready.step.spec.name), rule, help)
                        return

    # ── names and dates ───────────────────────────────────────────────────────────────────────────────────────

    def _routes(self, rule: Rule) -> Iterator[Problem]:
        for ready in rule.steps:
            if ready.step.spec.name != "route_to_workspace" or self.workspaces is None:
                continue
            name = ready.step.texts[0].constant
            if name is not None and name not in self.workspaces:
                from rules.near import near_names

                near = near_names(name, self.workspaces, 1)
                help = f"did you mean  {near[0]} ?" if near else f"add  [workspace.{name}]  if it shall have settings"
                said = f'the configuration has no workspace "{name}"'
                yield self._warn("W442", said, self._action(rule, "route_to_workspace"), rule, help)

    def _expiry(self, rule: Rule) -> Iterator[Problem]:
        if rule.until is None or self.today is None:
            return
        spot = self.places.value(("rule", rule.number - 1, "until"))
        if rule.until < self.today:
            yield self._warn("I500", "this rule has expired", spot, rule, "remove it, or give it more time")
        elif rule.until - self.today <= SOON:
            yield self._warn("I500", "this rule expires soon", spot, rule, "remove  until  if it shall stay")

    def _unused(self) -> Iterator[Problem]:
        document = self.file.document
        for name in document.definitions:
            if name not in self.file.used:
                spot = self.places.key(("define", name))
                yield self._warn("W420", f'nothing uses the definition "{name}"', spot, None, "remove it")
        for name in document.lists:
            if f"list {name}" not in self.file.used:
                yield self._warn(
                    "W420", f'nothing uses the list "{name}"', self.places.key(("lists", name)), None, "remove it"
                )


def _in_force(rule: Rule) -> bool:
    """Whether a rule acts on every mail it matches, now and later."""
    return rule.enabled and not rule.shadow and rule.until is None


def _ends(rule: Rule) -> bool:
    """Whether a rule that matches is the last one read."""
    if any(ready.step.spec.name == "stop" for ready in rule.steps):
        return True
    return not rule.continues and any(ready.step.slot == Slot.DESTINATION for ready in rule.steps)


_BELOW: Mapping[Op, bool] = {Op.BELOW: True, Op.BELOW_IS: True, Op.BEFORE: True}
_ABOVE: Mapping[Op, bool] = {Op.ABOVE: True, Op.ABOVE_IS: True, Op.AFTER: True}


def _apart(left: Question, right: Question) -> bool:
    """Whether one wants more than the other allows."""
    if left.op in _BELOW:
        left, right = right, left
    if left.op not in _ABOVE or right.op not in _BELOW:
        return False
    low, high = left.operands[0], right.operands[0]
    return type(low) is type(high) and bool(low >= high) if not isinstance(low, timedelta) else False
