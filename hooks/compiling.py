"""From the source of a script to code: parse, measure, rewrite, compile.

Here: the caps on a source, and what the rewritten source calls. Not here: what is refused and rewritten (`policy.py`).
Invariant: never raises; a script that cannot be compiled is a list of problems with places.
"""

from __future__ import annotations

import ast
import sys
import types
from typing import Any

from hooks import guards, limits, source
from hooks.attributes import attribute
from hooks.formatting import formatted
from hooks.policy import UNPACKING, Policy
from hooks.problem import ScriptProblem

GLOBALS: dict[str, Any] = {
    "_getattr_": attribute,
    "_getitem_": guards.item,
    "_getiter_": guards.iterable,
    **UNPACKING,
    "_write_": guards.writable,
    "_apply_": guards.call,
    "_inplacevar_": guards.in_place,
    "_inplaceattr_": guards.in_place_attribute,
    "_inplaceitem_": guards.in_place_item,
    "_times_": guards.times,
    "_power_": guards.power,
    "_shifted_": guards.shifted,
    "_remainder_": guards.remainder,
    "_formatted_": formatted,
    "_generator_": guards.GENERATORS.counted,
    "_generating_": guards.GENERATORS.function,
}
"""What the rewritten source calls. No script can spell these names."""


def compiled(text: str, name: str) -> tuple[types.CodeType | None, tuple[ScriptProblem, ...]]:
    """Compile a script. Gives the code, or everything that is wrong with it in the order of its lines."""
    if problem := source.complain(text):
        return None, (problem,)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(4_000)
    try:
        tree = ast.parse(text, name)
        if problem := _too_big(tree):
            return None, (problem,)
        policy = Policy(text)
        policy.visit(tree)
        if policy.problems:
            return None, policy.in_order()
        return compile(tree, name, "exec", dont_inherit=True), ()
    except SyntaxError as error:
        return None, (_syntax(error),)
    except (RecursionError, MemoryError):
        return None, (ScriptProblem("H107", "the script is nested too deeply", help="split long expressions"),)
    except ValueError as error:
        return None, (ScriptProblem("H101", str(error)),)
    finally:
        sys.setrecursionlimit(before)


def _syntax(error: SyntaxError) -> ScriptProblem:
    width = (error.end_offset or 0) - (error.offset or 0) if error.end_lineno == error.lineno else 1
    return ScriptProblem("H101", error.msg, error.lineno or 0, error.offset or 0, max(width, 1))


def _too_big(tree: ast.AST) -> ScriptProblem | None:
    """Walk the tree without recursion; tell when it has too many nodes or is too deep."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > limits.NODES or depth > limits.DEPTH:
            what = "is nested too deeply" if depth > limits.DEPTH else f"has more than {limits.NODES:,} parts"
            line = getattr(node, "lineno", 0)
            return ScriptProblem("H107", f"the script {what}", line, help="move tables to the parameter file")
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return None
