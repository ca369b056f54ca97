"""Text of a condition or an action -> syntax tree; and which words may come next.

Here: the only importer of lark, which is made ready (80 ms) where a text is no sentence, to find out what could have
stood there; sentences are read by tables that were made ahead (`tables.py`).
Not here: the sentences for people (`diagnose.py`), the file around the text (`document.py`).
Invariant: any text gives a tree or one `SyntaxFault`, in time linear in the text. The tables are never pickled.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.syntax import (
    Action,
    Group,
    Kind,
    Literal,
    Literals,
    Many,
    NamedList,
    Node,
    Not,
    Op,
    Range,
    Regex,
    Several,
    Subject,
    SyntaxFault,
    Test,
)
from rules.tables import read
from rules.trees import NONE, Trees

if TYPE_CHECKING:
    from lark import Lark, Token

MAX_LENGTH = 20_000
MAX_NESTING = 100

_ORDER = {">": Op.ABOVE, ">=": Op.ABOVE_IS, "<": Op.BELOW, "<=": Op.BELOW_IS, "before": Op.BEFORE, "after": Op.AFTER}
_NESTING = re.compile(r"\(|\bnot\b")


_known: Trees = NONE
"""Sentences whose trees are known without parsing: those of an earlier process."""


def know(trees: Trees) -> None:
    """Take the trees of an earlier process, in place of those taken before; sentences not in them are parsed."""
    global _known
    _known = trees


@lru_cache(maxsize=8192)
def parse_condition(text: str) -> Node:
    """Read a condition. Raises: SyntaxFault."""
    if (known := _known.conditions.get(text)) is not None:
        return known
    nested = [found.start() for found in _NESTING.finditer(text)]
    if len(nested) > MAX_NESTING:
        raise SyntaxFault(
            "E116",
            "this condition is nested too deep",
            nested[MAX_NESTING],
            nested[MAX_NESTING] + 1,
            "move parts to [define]",
        )
    return _parse(text, "condition")  # type: ignore[no-any-return]


@lru_cache(maxsize=8192)
def parse_action(text: str) -> Action:
    """Read an action. Raises: SyntaxFault."""
    if (known := _known.actions.get(text)) is not None:
        return known
    name, arguments = _parse(text, "action")
    return Action(name, arguments, text)


def _parse(text: str, start: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise SyntaxFault("E116", f"longer than {MAX_LENGTH} characters", 0, 1, "move parts to [define] or [lists]")
    if (tree := read(text, start, BUILD)) is not None:
        return tree
    from lark.exceptions import UnexpectedInput

    try:
        return grammar().parse(text, start=start)
    except UnexpectedInput as error:
        position = error.pos_in_stream
        token = getattr(error, "token", None)
        at_end = token is not None and token.type == "$END"
        expected = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
        where = len(text.rstrip()) if at_end or position is None else position
        from rules.diagnose import explain

        raise explain(text, start, where, at_end, frozenset(expected)) from None


@cache
def grammar() -> Lark:
    """Make lark's parser of the grammar."""
    from lark import Lark

    text = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["condition", "action"], maybe_placeholders=True, transformer=_tree())


# ── completion ────────────────────────────────────────────────────────────────────────────────────────────────


def next_tokens(text: str, start: str) -> tuple[str, frozenset[str]] | None:
    """Tell which terminals may follow the whole words of `text`: (the unfinished last word, their names).

    None if what stands there already is no beginning of a condition or action.
    """
    from lark.exceptions import UnexpectedInput

    word = re.search(r"[\w.]*\Z", text)
    unfinished = word[0] if word else ""
    if text.count('"') % 2:  # inside a text
        return None
    interactive = grammar().parse_interactive(text[: len(text) - len(unfinished)], start=start)
    try:
        interactive.exhaust_lexer()
    except UnexpectedInput:
        return None
    return unfinished, frozenset(interactive.accepts())  # type: ignore[no-untyped-call]


# ── tree building ─────────────────────────────────────────────────────────────────────────────────────────────


def _tree() -> Any:
    """Make the transformer that lark calls while it parses; a function because its base class is lark's."""
    from lark import Transformer

    return type("Tree", (_Build, Transformer), {})()


def _span(token: Token) -> tuple[int, int]:
    return token.start_pos or 0, token.end_pos or 0


def _text(token: Token) -> Literal:
    return Literal(Kind.TEXT, str(token)[1:-1], *_span(token))


_Compared = tuple[Op, bool, Any, int, int, int]  # op, negated, operand, where the words stand, end of all


def _compared(op: Op, negated: Any, words: list[Any], operand: Any = None) -> _Compared:
    """Describe a comparison: `words` are its tokens, None where one was left out."""
    tokens = [token for token in words if token is not None]
    start, end = tokens[0].start_pos, tokens[-1].end_pos
    return op, negated is not None, operand, start, end, operand.end if operand is not None else end


class _Build:
    """One method per name in the grammar; children come as lists."""

    def test(self, kids: list[Any]) -> Test:
        quantifier, subject, *rest = kids
        start = quantifier[1] if quantifier else subject.start
        word = quantifier[0] if quantifier else ""
        if not rest:
            return Test(subject, Op.ALONE, None, False, word, subject.start, subject.end, start, subject.end)
        op, negated, operand, op_start, op_end, end = rest[0]
        return Test(subject, op, operand, negated, word, op_start, op_end, start, end)

    def negation(self, kids: list[Any]) -> Not:
        return Not(kids[1], kids[0].start_pos, kids[1].end)

    def group(self, kids: list[Any]) -> Group:
        return Group(kids[1], kids[0].start_pos, kids[2].end_pos)

    def any_of(self, kids: list[Any]) -> Many:
        return Many(False, tuple(kids[::2]), tuple(_span(token) for token in kids[1::2]), kids[0].start, kids[-1].end)

    def all_of(self, kids: list[Any]) -> Many:
        return Many(True, tuple(kids[::2]), tuple(_span(token) for token in kids[1::2]), kids[0].start, kids[-1].end)

    def quantifier(self, kids: list[Any]) -> tuple[str, int]:
        return str(kids[0]), kids[0].start_pos

    def field(self, kids: list[Any]) -> Subject:
        return Subject(str(kids[0]), None, *_span(kids[0]))

    def keyed(self, kids: list[Any]) -> Subject:
        return Subject(str(kids[0]), str(kids[2])[1:-1], kids[0].start_pos, kids[3].end_pos)

    # comparisons

    def is_(self, kids: list[Any]) -> _Compared:
        return _compared(Op.IS, kids[1], kids[:2], kids[2])

    def is_missing(self, kids: list[Any]) -> _Compared:
        return _compared(Op.EXISTS, None if kids[1] else True, kids)

    def is_empty(self, kids: list[Any]) -> _Compared:
        return _compared(Op.EMPTY, kids[1], kids)

    def exists(self, kids: list[Any]) -> _Compared:
        return _compared(Op.EXISTS, kids[0] if len(kids) > 1 else None, kids)

    def contains(self, kids: list[Any]) -> _Compared:
        return self._worded(Op.CONTAINS, kids)

    def starts(self, kids: list[Any]) -> _Compared:
        return self._worded(Op.STARTS, kids)

    def ends(self, kids: list[Any]) -> _Compared:
        return self._worded(Op.ENDS, kids)

    def matches(self, kids: list[Any]) -> _Compared:
        kids[-1] = Regex(str(kids[-1]), *_span(kids[-1]))
        return self._worded(Op.MATCHES, kids)

    def like(self, kids: list[Any]) -> _Compared:
        return _compared(Op.LIKE, kids[0], kids[:2], kids[2])

    def in_(self, kids: list[Any]) -> _Compared:
        return _compared(Op.IN, kids[0], kids[:2], kids[2])

    def order(self, kids: list[Any]) -> _Compared:
        return _compared(_ORDER[str(kids[0])], None, kids[:1], kids[1])

    def between(self, kids: list[Any]) -> _Compared:
        low, high = kids[1], kids[3]
        return _compared(Op.BETWEEN, None, kids[:1], Range(low, high, low.start, high.end))

    def _worded(self, op: Op, kids: list[Any]) -> _Compared:
        """`contains X` or `does not contain X`: the verb alone, or `not` and the verb."""
        return _compared(op, kids[0] if len(kids) > 2 else None, kids[:-1], kids[-1])

    # operands

    def several(self, kids: list[Any]) -> Several:
        return Several(str(kids[0]), kids[1], kids[0].start_pos, kids[1].end)

    def literals(self, kids: list[Any]) -> Literals:
        return Literals(tuple(kids[1:-1]), kids[0].start_pos, kids[-1].end_pos)

    def named_list(self, kids: list[Any]) -> NamedList:
        return NamedList(str(kids[1])[1:-1], kids[0].start_pos, kids[1].end_pos)

    def scalar(self, kids: list[Any]) -> Literal:
        token = kids[0]
        if len(kids) > 1:  # `+2 days`, `2 days ago`
            ahead = token.type == "PLUS"
            duration = kids[1] if ahead else token
            return Literal(Kind.AHEAD if ahead else Kind.AGO, str(duration), token.start_pos, kids[1].end_pos)
        if token.type == "STRING":
            return _text(token)
        kind = Kind.WORD if token.type == "FIELD" else Kind(token.type.lower())
        return Literal(kind, str(token), *_span(token))

    # actions

    def target(self, kids: list[Any]) -> Literal:
        return _text(kids[0]) if kids[0].type == "STRING" else Literal(Kind.WORD, str(kids[0]), *_span(kids[0]))

    def role(self, kids: list[Any]) -> Literal:
        return Literal(Kind.WORD, str(kids[0]), *_span(kids[0]))


def _action(name: str) -> Any:
    def build(self: _Build, kids: list[Any]) -> tuple[str, tuple[Literal, ...]]:
        return name, tuple(kid if isinstance(kid, Literal) else _text(kid) for kid in kids if kid is not None)

    return build


ACTIONS = (
    "route_to_workspace", "route_to_system", "set", "original_sender", "add_label", "assign_to", "assign_to_group",
    "assign_by_turn", "add_cc", "add_to",
    "add_person", "thread_by", "start_new_item", "reject", "discard", "hold", "reply_with", "no_reply", "forward_to",
    "notify", "drop_attachments", "skip_gate", "run_hook", "do", "stop", "continue_",
)  # fmt: skip
"""The names the grammar gives to actions; a schema declares what each of them means."""

for _name in ACTIONS:
    setattr(_Build, _name, _action(_name))

BUILD = _Build()
"""Makes trees of what is read."""
