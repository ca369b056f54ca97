"""The grammar -> `grammar.json`: what lark finds out about it, so that nobody who reads a sentence needs lark.

Here: taking the tables out of lark, in an order that hangs on the grammar alone. Not here: walking through them
(`tables.py`). `python -m rules.make_tables` writes the file after a change of the grammar; a test compares them.
Invariant: whatever lark numbers by chance is numbered anew, so the same grammar gives the same bytes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rules.parse import grammar
from rules.tables import FILE, Rule, State, Tables


def made() -> bytes:
    """Make the tables of the grammar."""
    lark: Any = grammar()
    numbers, starts = _numbered(lark)
    table = lark.parser.parser._parse_table.states
    steps = [step for number in numbers for step in table[number].values()]
    rules = sorted({_rule(arg) for kind, arg in steps if not _is_shift(kind)}, key=repr)
    ends = {rule: -number for number, rule in enumerate(rules, 1)}
    states = []
    for number in numbers:
        leads = table[number].items()
        go = {name: numbers[arg] if _is_shift(kind) else ends[_rule(arg)] for name, (kind, arg) in leads}
        states.append(_state(lark.parser.lexer.lexers[number], go))
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in lark.terminals}
    tables = Tables(starts, patterns, tuple(sorted(lark.ignore_tokens)), tuple(rules), tuple(states))
    return msgspec.json.encode(tables, order="deterministic") + b"\n"


def _numbered(lark: Any) -> tuple[dict[int, int], dict[str, int]]:
    """Number the states as they are reached from the starts, by the names of what leads there."""
    table = lark.parser.parser._parse_table
    starts = sorted(table.start_states.items())
    order = [number for _, number in starts]
    for number in order:  # it grows
        reached = [arg for _, (kind, arg) in sorted(table.states[number].items()) if _is_shift(kind)]
        order += dict.fromkeys(each for each in reached if each not in order)
    numbers = {number: place for place, number in enumerate(order)}
    return numbers, {start: numbers[number] for start, number in starts}


def _is_shift(kind: Any) -> bool:
    return bool(kind.name == "Shift")


def _rule(rule: Any) -> Rule:
    """Say which children of a rule count, as lark's filter does: tokens it is to leave out, optional words, helpers."""
    left_out = [len(ones) for ones in "".join(str(int(each)) for each in rule.options.empty_indices).split("0")]
    left_out += [0] * (len(rule.expansion) + 1 - len(left_out))
    kept: list[int | tuple[int] | None] = []
    for at, symbol in enumerate(rule.expansion):
        kept += [None] * left_out[at]
        if not symbol.is_term and symbol.name.startswith("_"):
            kept.append((at,))
        elif rule.options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            kept.append(at)
    kept += [None] * left_out[len(rule.expansion)]
    origin = str(rule.origin.name)
    alone = bool(rule.options.expand1 and not rule.alias)
    method = "" if origin.startswith("_") else str(rule.alias or origin)
    return Rule(origin, len(rule.expansion), method, alone, tuple(kept))


def _state(lexer: Any, go: dict[str, int]) -> State:
    words = tuple([each.name for each in lexer.scanner.terminals])
    but = {
        name: {each.pattern.value: each.name for each in callback.scanner.terminals}
        for name, callback in lexer.callback.items()
    }
    return State(words, but, go)


if __name__ == "__main__":
    FILE.write_bytes(made())
