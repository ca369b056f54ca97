"""The table of kinds is closed: what the engine says is in it with all its fields, and nothing in it is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.wording.english import ENGLISH
from engine.wording.sentence import _BETWEEN, _UNITS, Choice, Slot, read

ENGINE = Path(__file__).resolve().parents[2] / "engine"
MAKERS = {"note", "found.note", "self.found.note", "self._found.note", "fields.found.note"}
"""What makes a note: the function of `model/draft.py`, and the methods of those who collect notes."""


def sources(holding: str = "") -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ENGINE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.parent.name not in ("demo", "wording") and holding in text:
            yield str(path.relative_to(ENGINE)), ast.parse(text)


def made() -> Iterator[tuple[str, tuple[str, ...], set[str] | None]]:
    """Every place where a note is made: where, the kinds it may have, and its fields (None: not written out)."""
    for file, tree in sources("note("):
        makers = MAKERS if imports_notes(tree) else MAKERS - {"note"}
        functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
        for scope in functions:
            for call in (each for each in ast.walk(scope) if isinstance(each, ast.Call) and each.args):
                if ast.unparse(call.func) in makers:
                    kinds = tuple(kinds_of(call.args[0], scope, tree))
                    written = all(each.arg for each in call.keywords)
                    fields = {str(each.arg) for each in call.keywords} if written else None
                    yield f"{file}:{call.lineno}", kinds, fields
        for assign in (each for each in tree.body if isinstance(each, ast.Assign)):
            if isinstance(assign.value, ast.Call) and ast.unparse(assign.value.func) in makers:
                yield f"{file}:{assign.lineno}", tuple(kinds_of(assign.value.args[0], tree, tree)), set()


def imports_notes(tree: ast.Module) -> bool:
    """Tell whether `note` in this file is that of `model/draft.py`."""
    return any(
        isinstance(each, ast.ImportFrom)
        and each.module == "engine.model.draft"
        and "note" in {n.name for n in each.names}
        for each in tree.body
    )


def kinds_of(value: ast.expr, scope: ast.AST, tree: ast.Module) -> Iterator[str]:
    """The texts that an expression may be: written there, or where its name or its table gets them."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from kinds_of(value.body, scope, tree)
        yield from kinds_of(value.orelse, scope, tree)
    elif isinstance(value, ast.Subscript | ast.Call):
        table = value.value if isinstance(value, ast.Subscript) else value.func.value  # type: ignore[attr-defined]
        for assign in (each for each in tree.body if isinstance(each, ast.Assign)):
            if isinstance(assign.value, ast.Dict) and ast.unparse(assign.targets[0]) == ast.unparse(table):
                yield from (each.value for each in assign.value.values if isinstance(each, ast.Constant))  # type: ignore[misc]
        if isinstance(value, ast.Call):
            yield from kinds_of(value.args[1], scope, tree)
    elif isinstance(value, ast.Name):
        yield from CONSTANTS.get(value.id, ())
        for each in ast.walk(scope):
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == value.id:
                yield from kinds_of(each.value, scope, tree)
            elif isinstance(each, ast.For) and isinstance(each.iter, ast.Tuple):
                named = ast.unparse(each.target).strip("()").partition(",")[0]
                rows = [row for row in each.iter.elts if isinstance(row, ast.Tuple) and named == value.id]
                for row in rows:
                    yield from kinds_of(row.elts[0], scope, tree)


CONSTANTS = {"READ": ("route.read",), "PASSED": ("released.passed",)}

MADE = list(made())


def slots(template: str) -> tuple[set[str], set[str]]:
    """The fields a template cannot do without, and all it has."""
    pieces = read(template)
    needed = {piece.name for piece in pieces if isinstance(piece, Slot)}
    choices = [piece for piece in pieces if isinstance(piece, Choice)]
    chosen = {slot.name for piece in choices for slot in (*piece.words, *piece.otherwise) if isinstance(slot, Slot)}
    return needed, needed | chosen


def test_every_kind_that_the_engine_makes_is_in_the_table() -> None:
    strange = {(place, kind) for place, kinds, _ in MADE for kind in kinds if kind not in ENGLISH}
    assert strange == set()
    unread = {place.partition(":")[0] for place, kinds, _ in MADE if not kinds}
    assert unread == {"gates.py"}, "only `passed` takes its kind from its caller"
    assert len(MADE) > 100


def test_no_kind_of_the_table_is_left_over() -> None:
    said = {
        each.value
        for _, tree in sources()
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    assert set(ENGLISH) - said == set()


def test_every_field_of_a_template_is_given_where_its_kind_is_made() -> None:
    lacks = {
        (place, kind, name)
        for place, kinds, fields in MADE
        if fields is not None
        for kind in kinds
        for name in slots(ENGLISH[kind])[0] - fields
    }
    assert lacks == set()
    given: dict[str, set[str]] = {}
    for _, kinds, fields in MADE:
        for kind in kinds:
            given.setdefault(kind, set()).update(fields if fields is not None else slots(ENGLISH[kind])[1])
    never = {(kind, name) for kind, fields in given.items() for name in slots(ENGLISH[kind])[1] - fields}
    assert never == set()


@pytest.mark.parametrize("kind", sorted(ENGLISH))
def test_a_template_is_well_formed(kind: str) -> None:
    template, ways = ENGLISH[kind], {"", "words", *_BETWEEN, *_UNITS}
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", kind)
    for piece in read(template):
        inner = (*piece.words, *piece.otherwise) if isinstance(piece, Choice) else (piece,)
        for each in inner:
            assert each.way in ways if isinstance(each, Slot) else not set(each) & set("{}[]|"), template
