"""Rule files -> rules that can be evaluated, or all that is wrong with them.

Here: the way from texts through document, check and compilation. Not here: any of these steps; warnings (`lint.py`).
Invariant: a file with one error is not in the ruleset at all; problems of all files come together, in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from rules.actions import Actions, Step
from rules.check import Checker, captures
from rules.compile import NAMED, Asked, condition, remembered
from rules.document import Document, RawRule, read
from rules.outline import Definition, Part, Shape, outline
from rules.places import Path
from rules.predicates import predicate
from rules.problem import Problem, Severity, in_order
from rules.question import Question
from rules.run import Leaf, Ready, Rule, RuleFile, Ruleset, prepared
from rules.schema import TOLD, Schema, Slot, Type


class Source(Struct, frozen=True):
    """A file to load: how people call it, its text, whose mail it reads, and whether an admin writes it."""

    file: str
    text: str
    place: str = ""
    privileged: bool = False


def load(sources: Iterable[Source], schema: Schema) -> tuple[Ruleset, tuple[Problem, ...]]:
    """Load files. Gives those that are sound, and the problems of all."""
    files: dict[str, RuleFile] = {}
    broken: dict[str, str] = {}
    problems: list[Problem] = []
    for source in sources:
        file, found = load_file(source, schema)
        problems += found
        if file is not None:
            files[source.place] = file
        else:
            first = next(problem for problem in found if problem.severity is Severity.ERROR)
            broken[source.place] = f"{first.place}: {first.message}"
    return Ruleset(files, broken), in_order(problems)


def load_file(source: Source, schema: Schema) -> tuple[RuleFile | None, tuple[Problem, ...]]:
    """Load one file; None if there is an error in it."""
    document = read(source.file, source.text)
    loading = _Loading(document, schema, source.privileged)
    rules = loading.rules()
    if not document.sound:
        return None, in_order(document.problems)
    active = [rule for rule in rules if rule.enabled]
    file = RuleFile(
        file=source.file,
        place=source.place,
        digest=document.digest,
        rules=tuple(rules),
        document=document,
        used=frozenset(loading.checker.used),
        privileged=source.privileged,
        for_new=tuple(rule for rule in active if rule.on != "reply"),
        for_reply=tuple(rule for rule in active if rule.on != "new"),
    )
    return file, in_order(document.problems)


class _Loading:
    """The state of loading one file."""

    def __init__(self, document: Document, schema: Schema, privileged: bool) -> None:
        self.document = document
        self.schema = schema
        self.checker = Checker(schema, document.lists)
        self.checker.unread = document.unread
        self.actions = Actions(schema, privileged)
        self.defined: dict[str, tuple[Definition, dict[int, Question]]] = {}
        self.keys: dict[str, str] = {}
        self._definitions()

    def _definitions(self) -> None:
        names = list(self.document.definitions)
        for number, (name, definition) in enumerate(self.document.definitions.items()):
            where = f'definition "{name}"'
            self.checker.later = frozenset(names[number:])
            if name in self.schema.fields:
                spot = self.document.places.key(("define", name))
                self.document.report(
                    "E131", f'"{name}" is already a field', spot, "give the definition another name", where
                )
                continue
            questions = self._check(definition, ("define", name), where)
            if self.document.sound:
                self._remember(definition, questions)
            self.checker.definitions[name] = definition
            self.defined[name] = (definition, questions)
        self.checker.later = frozenset()

    def _remember(self, definition: Definition, questions: dict[int, Question]) -> None:
        """Make the result of a definition a value of the snapshot, asked once for a mail."""
        key = f"\0{self.document.digest[:16]} {definition.name}"
        part = outline(definition.node, definition.text, self.checker.definitions)
        asked = self._asked(part, questions)
        leaves = {leaf.number: predicate(asked[leaf.number]) for leaf in part.leaves()}
        self.schema.readers[key] = remembered(condition(part, leaves, self.keys))
        self.keys[definition.name] = key

    def _check(self, definition: Definition, path: Path, where: str) -> dict[int, Question]:
        def report(code: str, message: str, start: int, end: int, help: str) -> None:
            self.document.report(code, message, self.document.places.inside(path, start, end), help, where)

        return self.checker.condition(definition.node, definition.text, report)

    def _asked(self, part: Part, questions: dict[int, Question]) -> dict[int, Question]:
        """The question of every leaf by its number, those of definitions included."""
        return {
            leaf.number: (self.defined[leaf.within][1] if leaf.within else questions)[leaf.start]
            for leaf in part.leaves()
        }

    # ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────

    def rules(self) -> list[Rule]:
        """Check and compile every rule."""
        found = [self._rule(raw) for raw in self.document.rules]
        return [rule for rule in found if rule is not None]

    def _rule(self, raw: RawRule) -> Rule | None:
        where = f'rule "{raw.name}"'
        questions: dict[int, Question] = {}
        names: dict[str, bool] = {}
        if raw.condition is not None:
            definition = Definition("", raw.when or "", raw.condition)
            questions = self._check(definition, (*raw.path, "when"), where)
            names = captures(raw.condition, self.checker.definitions)
        steps = self._steps(raw, names, where)
        if not self.document.sound:
            return None
        part, (test, decides), keys, told, leaves = self._compiled(raw, questions)
        rule = Rule(
            file=self.document.file, number=raw.number, name=raw.name, on=raw.on, line=raw.line,
            enabled=raw.enabled, shadow=raw.shadow, until=raw.until, owner=raw.owner, note=raw.note,
            part=part, test=test, decides=decides, keys=keys, told=told, leaves=leaves,
            steps=tuple(Ready(step, None, None) for step in steps),
            continues=any(step.spec.name == "continue_" for step in steps), captures=names,
        )  # fmt: skip
        return prepared(rule)

    def _steps(self, raw: RawRule, names: dict[str, bool], where: str) -> list[Step]:
        steps: list[Step] = []
        for position, action in raw.actions:
            path = (*raw.path, "then", position)

            def report(code: str, message: str, start: int, end: int, help: str, path: Path = path) -> None:
                self.document.report(code, message, self.document.places.inside(path, start, end), help, where)

            step = self.actions.step(action, names, report)
            if step is None:
                continue
            if step.slot == Slot.DESTINATION and any(other.slot == Slot.DESTINATION for other in steps):
                report(
                    "E117", "a rule has one destination", 0, len(action.text), "make two rules, or remove one of them"
                )
            steps.append(step)
        return steps

    def _compiled(
        self, raw: RawRule, questions: dict[int, Question]
    ) -> tuple[Part | None, Asked, tuple[str, ...], tuple[Type | None, ...], tuple[Leaf, ...]]:
        if raw.condition is None:
            return None, (lambda values: True, NAMED), (), (), ()
        part = outline(raw.condition, raw.when or "", self.checker.definitions)
        asked = self._asked(part, questions)
        leaves = {number: predicate(question) for number, question in asked.items()}
        keys = [""] * part.size
        told: list[Type | None] = [None] * part.size
        for number, question in asked.items():
            keys[number] = question.key
            told[number] = question.field.type if question.field.type in TOLD else None
        given = _given(part)
        ready = tuple(
            Leaf(number, number in given, leaves[number], question.key, question) for number, question in asked.items()
        )
        return part, condition(part, leaves, self.keys), tuple(keys), tuple(told), ready


def _given(part: Part) -> frozenset[int]:
    """The leaves that hold whenever the condition holds: those that only `and` and definitions stand above."""
    if part.shape is Shape.LEAF:
        return frozenset({part.number})
    if part.shape in (Shape.ALL, Shape.DEFINITION):
        return frozenset().union(*map(_given, part.kids))
    return frozenset()
