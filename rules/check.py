"""Does a condition make sense? Names, types, units, values, patterns.

Here: the mandatory check of conditions; what passes becomes `Question`s. Not here: actions (`actions.py`), style and
traps (`lint.py`), files (`load.py`).
Invariant: every fault is reported with the exact place in the text; nothing that was reported is ever evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.constants import Misfit, Reference, constant
from rules.near import near_names
from rules.outline import Definition, bare, tests
from rules.pattern import PatternError, compile_pattern
from rules.question import Question
from rules.schema import Field, Schema, Type
from rules.syntax import Group, Kind, Literal, Literals, Many, NamedList, Node, Not, Op, Range, Regex, Several, Test

Report = Callable[[str, str, int, int, str], None]
"""Takes code, message, start, end (in the text that is checked) and help."""

_TEXT_OPS = (Op.IS, Op.CONTAINS, Op.STARTS, Op.ENDS, Op.LIKE, Op.MATCHES, Op.IN, Op.EXISTS, Op.EMPTY)
_NUMBER_OPS = (Op.IS, Op.ABOVE, Op.ABOVE_IS, Op.BELOW, Op.BELOW_IS, Op.BETWEEN, Op.IN, Op.EXISTS)
_OPS: Mapping[Type, tuple[Op, ...]] = {
    Type.ADDRESS: _TEXT_OPS,
    Type.ADDRESSES: _TEXT_OPS,
    Type.TEXT: _TEXT_OPS,
    Type.TEXTS: _TEXT_OPS,
    Type.NUMBER: _NUMBER_OPS,
    Type.SIZE: _NUMBER_OPS,
    Type.DURATION: _NUMBER_OPS,
    Type.DATE: (Op.IS, Op.BEFORE, Op.AFTER, Op.BETWEEN, Op.EXISTS),
    Type.TIME: (Op.IS, Op.BEFORE, Op.AFTER, Op.BETWEEN, Op.EXISTS),
    Type.DAY: (Op.IS, Op.IN, Op.BETWEEN, Op.EXISTS),
    Type.CHOICE: (Op.IS, Op.IN, Op.EXISTS),
    Type.YESNO: (),
    Type.ITEM: (Op.EXISTS, Op.IS, Op.IN),
}
_INSTEAD = {
    Op.ABOVE: "after", Op.ABOVE_IS: "after", Op.BELOW: "before", Op.BELOW_IS: "before", Op.BEFORE: "<", Op.AFTER: ">",
}  # fmt: skip
_ALONE_HELP = {
    Type.ADDRESSES: "{0} exists",
    Type.TEXTS: "{0} exists",
    Type.ADDRESS: '{0} is "..."',
    Type.TEXT: '{0} contains "..."',
    Type.NUMBER: "{0} > 0",
    Type.SIZE: "{0} > 1 MB",
    Type.DURATION: "{0} > 2 days",
    Type.ITEM: "{0} exists",
    Type.DAY: "{0} in [sat, sun]",
    Type.TIME: "{0} between 08:00 and 18:00",
    Type.DATE: "{0} after 2026-12-31",
    Type.CHOICE: "{0} is {1}",
}


class Checker:
    """Checks conditions against a schema, the [lists] and the definitions above.

    `unread` are definitions that do not parse; `used` collects the definitions and lists that something refers to.
    """

    def __init__(self, schema: Schema, lists: Mapping[str, tuple[str, ...]]) -> None:
        self.schema = schema
        self.lists = lists
        self.definitions: dict[str, Definition] = {}
        self.later: frozenset[str] = frozenset()
        self.unread: set[str] = set()
        self.used: set[str] = set()

    def condition(self, node: Node, text: str, report: Report) -> dict[int, Question]:
        """Check a condition; gives the question of each test by where it starts. Faults go to `report`."""
        self._mixed(node, text, report)
        questions: dict[int, Question] = {}
        for test in tests(node):
            question = self._test(test, report)
            if question is not None:
                questions[test.start] = question
        return questions

    # ── and/or ────────────────────────────────────────────────────────────────────────────────────────────────

    def _mixed(self, node: Node, text: str, report: Report) -> None:
        """Refuse `and` beside `or` without brackets, and show both readings."""
        if isinstance(node, Group | Not):
            self._mixed(node.kid, text, report)
        elif isinstance(node, Many):
            for kid in node.kids:
                self._mixed(kid, text, report)
            if not node.every and any(isinstance(kid, Many) and kid.every for kid in node.kids):
                start, end = self._second_word(node)
                report("E120", '"and" and "or" are mixed without parentheses', start, end, _readings(node, text))

    def _second_word(self, node: Many) -> tuple[int, int]:
        """The first word that differs from the first one."""
        inner = [joint for kid in node.kids if isinstance(kid, Many) and kid.every for joint in kid.joints]
        words = sorted([(joint, "or") for joint in node.joints] + [(joint, "and") for joint in inner])
        return next(joint for joint, word in words if word != words[0][1])

    # ── one test ──────────────────────────────────────────────────────────────────────────────────────────────

    def _test(self, test: Test, report: Report) -> Question | None:
        subject = test.subject
        if subject.key is None and subject.name in self.definitions:
            self.used.add(subject.name)
            if test.op is not Op.ALONE:
                said = f'"{subject.name}" is a definition, and already a yes/no question'
                report("E134", said, subject.start, subject.end, f"write just  {subject.name}  or  not {subject.name}")
            elif test.quantifier:
                report("E139", f'"{test.quantifier}" is for lists', test.start, subject.start, f"write  {subject.name}")
            return None
        field = self.schema.field(subject.name, subject.key)
        if field is None:
            self._unknown(test, report)
            return None
        if test.quantifier and not field.type.listed:
            said = f'"{test.quantifier}" is for lists, and {field.name} is {field.type}'
            report("E139", said, test.start, test.start + len(test.quantifier), "leave it out")
            return None
        if not self._fits(test, field, report):
            return None
        return self._question(test, field, report)

    def _unknown(self, test: Test, report: Report) -> None:
        name, start, end = test.subject.name, test.subject.start, test.subject.end
        if name in self.unread:  # told already, where it is defined
            return
        if name in self.later:
            help = "move the definition above this one: a definition may only use those above it"
            report("E131", f'"{name}" is defined further down', start, end, help)
            return
        near = near_names(name, [*self.schema.fields, *self.definitions], 1, 0.6)
        guess = near[0] if near else _SYNONYMS.get(name, "")
        help = f"did you mean  {guess} ?" if guess else "see  allegra rules fields"
        if test.subject.key is not None:
            help = 'possible: headers["Name"], item["Field"]'
        report("E130", f'there is no field or definition called "{name}"', start, end, help)

    def _fits(self, test: Test, field: Field, report: Report) -> bool:
        """Whether the comparison fits the type of the field."""
        name, kind = field.name, field.type
        if test.op is Op.ALONE:
            if kind is Type.YESNO:
                return True
            help = "write something like  " + _ALONE_HELP[kind].format(name, field.choices[0] if field.choices else "")
            report("E133", f'"{name}" is {kind} and needs a comparison', test.start, test.end, help)
            return False
        if kind is Type.YESNO:
            said, help = f'"{name}" is already a yes/no question', f"write just  {name}  or  not {name}"
            report("E134", said, test.subject.start, test.subject.end, help)
            return False
        if test.op in _OPS[kind]:
            return True
        word = _INSTEAD.get(test.op)
        instead = word and any(op.value == word for op in _OPS[kind])
        help = f"write  {name} {word} ..." if instead else "possible: " + ", ".join(op.value for op in _OPS[kind])
        if test.op is Op.MATCHES or kind.textual:
            help = "possible: " + ", ".join(op.value for op in _OPS[kind])
        report("E135", f'"{test.op.value}" does not fit {name}, which is {kind}', test.op_start, test.op_end, help)
        return False

    def _question(self, test: Test, field: Field, report: Report) -> Question | None:
        operand, amount = test.operand, ""
        if isinstance(operand, Several):
            amount, operand = operand.amount, operand.values
        if isinstance(operand, Regex):
            return self._pattern(test, field, operand, report)
        literals = self._literals(operand, report)
        if literals is None:
            return None
        operands = []
        for literal in literals:
            try:
                operands.append(constant(literal, field, self.schema))
            except Misfit as misfit:
                report(misfit.code, misfit.message, *self._inside(literal), misfit.help)
        if len(operands) < len(literals) or not self._references(test, operands, amount, literals, report):
            return None
        if isinstance(operand, NamedList | Literals) and test.op is not Op.IN and not amount:
            amount = "any"
        return Question(field, test.op, test.negated, test.quantifier, amount, tuple(operands))

    def _references(
        self, test: Test, operands: list[Any], amount: str, literals: tuple[Literal, ...], report: Report
    ) -> bool:
        """Another field stands alone, and only where two values compare."""
        sound = True
        for operand, literal in zip(operands, literals, strict=True):
            if not isinstance(operand, Reference):
                continue
            if amount or (len(operands) > 1 and test.op is not Op.BETWEEN):
                report(
                    "E138", "a list holds values, not fields", literal.start, literal.end, f'write  "{literal.source}"'
                )
                sound = False
            elif test.op in (Op.LIKE, Op.IN):
                help = "possible with another field: is, contains, starts with, ends with"
                report("E138", f'"{test.op.value}" takes a text', literal.start, literal.end, help)
                sound = False
        return sound

    def _inside(self, literal: Literal) -> tuple[int, int]:
        """The place of a literal, of a text without its quotes."""
        quoted = literal.kind is Kind.TEXT and literal.end - literal.start > 2
        return (literal.start + 1, literal.end - 1) if quoted else (literal.start, literal.end)

    def _literals(self, operand: object, report: Report) -> tuple[Literal, ...] | None:
        if isinstance(operand, Literal):
            return (operand,)
        if isinstance(operand, Literals):
            return operand.items
        if isinstance(operand, Range):
            return operand.low, operand.high
        if isinstance(operand, NamedList):
            self.used.add(f"list {operand.name}")
            if operand.name not in self.lists:
                near = near_names(operand.name, self.lists, 1)
                help = f'did you mean  list "{near[0]}" ?' if near else f'add to [lists]:  {operand.name} = ["..."]'
                report("E132", f'there is no list called "{operand.name}"', operand.start, operand.end, help)
                return None
            start, end = operand.start, operand.end
            return tuple(Literal(Kind.TEXT, text, start, end) for text in self.lists[operand.name])
        return ()

    def _pattern(self, test: Test, field: Field, regex: Regex, report: Report) -> Question | None:
        try:
            pattern = compile_pattern(regex.source)
        except PatternError as error:
            start = regex.start + error.position
            report(error.code, error.message, start, start + max(error.length, 1), error.help)
            return None
        return Question(field, Op.MATCHES, test.negated, test.quantifier, "", (pattern,))


_SYNONYMS = {
    "sender": "from", "from_address": "from", "title": "subject", "message": "body", "content": "body",
    "recipient": "to", "attachment": "attachments", "filename": "attachments.name", "domain": "from.domain",
    "dmarc": "auth.dmarc", "spf": "auth.spf", "dkim": "auth.dkim", "language": "lang", "spam": "spam.flag",
    "header": 'headers["..."]',
    "project": "workspace", "queue": "workspace", "tag": "plus", "weekday": "received.weekday", "time": "received.time",
}  # fmt: skip


def _readings(node: Many, text: str) -> str:
    """Both ways to put the brackets, in the owner's own words."""
    pieces: list[tuple[str, str]] = []  # (the word before, the text)
    for kid in node.kids:
        inner = kid.kids if isinstance(kid, Many) and kid.every else (kid,)
        for number, each in enumerate(inner):
            word = "" if not pieces else "and" if number else "or"
            pieces.append((word, " ".join(text[each.start : each.end].split())))
    return f"say which you mean:\n{_grouped(pieces, 'and')}\nor\n{_grouped(pieces, 'or')}"


def _grouped(pieces: list[tuple[str, str]], joined: str) -> str:
    """Put brackets around what is joined by `joined`."""
    groups: list[tuple[str, list[str]]] = []
    for word, piece in pieces:
        if groups and word == joined:
            groups[-1][1].append(piece)
        else:
            groups.append((word, [piece]))
    said = []
    for word, group in groups:
        inside = f" {joined} ".join(group)
        said.append(f"{word} " if word else "")
        said.append(f"({inside})" if len(group) > 1 else inside)
        said.append(" ")
    return "".join(said).rstrip()


def captures(node: Node, definitions: Mapping[str, Definition]) -> dict[str, bool]:
    """The names that patterns of a condition capture; True where the value may be missing although it matched."""
    found: dict[str, bool] = {}

    def look(each: Node, maybe: bool) -> None:
        each = bare(each)
        if isinstance(each, Not):
            look(each.kid, True)
        elif isinstance(each, Many):
            for kid in each.kids:
                look(kid, maybe or not each.every)
        elif isinstance(each, Test) and isinstance(each.operand, Regex):
            try:
                pattern = compile_pattern(each.operand.source)
            except PatternError:
                return
            for name in pattern.names:
                found[name] = found.get(name, True) and (maybe or each.negated)
        elif isinstance(each, Test) and each.op is Op.ALONE and each.subject.name in definitions:
            look(definitions[each.subject.name].node, maybe)

    look(node, False)
    return found
