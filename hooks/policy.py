"""The language of hooks: which Python a script may be, and what its source is rewritten to.

Here: the only importer of RestrictedPython; its transformer with our refusals and rewrites on top. It runs in the
jailed process, never in the engine. Not here: parsing (`compiling.py`), what the calls put in do (`guards.py`).
Invariant: every attribute, item, iteration, star and explosive operator of the source ends in a call of a guard;
nodes that neither we nor RestrictedPython know are refused.
Over 300 lines: one visitor; RestrictedPython takes every rule as a method of it.
"""
# ruff: noqa: N802 - ast.NodeTransformer names its methods after the nodes

from __future__ import annotations

import ast
from typing import Any

from RestrictedPython.Guards import guarded_iter_unpack_sequence, guarded_unpack_sequence
from RestrictedPython.transformer import IOPERATOR_TO_STR, RestrictingNodeTransformer, copy_locations

from hooks import limits, modules
from hooks.denied import near
from hooks.formatting import spec_is_wide
from hooks.problem import ScriptProblem

UNPACKING = {
    "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
    "_unpack_sequence_": guarded_unpack_sequence,
}
"""What RestrictedPython brings along for targets such as `a, (b, c)`."""

REFUSED_NAMES = {
    **dict.fromkeys(("exec", "eval", "compile", "__import__"), "hooks run no code made at run time"),
    **dict.fromkeys(("open", "input", "breakpoint", "help", "exit", "quit"), "files, terminal and network are closed"),
    **dict.fromkeys(("globals", "locals", "vars", "dir", "builtins"), "hooks cannot look into the interpreter"),
    **dict.fromkeys(
        ("type", "object", "super", "property", "staticmethod", "classmethod"), "use isinstance(value, str)"
    ),
    **dict.fromkeys(("setattr", "delattr"), 'write item["name"] = value'),
    **dict.fromkeys(("id", "hash", "memoryview", "bytearray"), "hooks do not need it"),
    **dict.fromkeys(
        ("BaseException", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseExceptionGroup", "ExceptionGroup"),
        "use Exception",
    ),
    "printed": "print(...) goes to the log of the hook",
}
_KEPT_NAMES = frozenset({"print", "True", "False", "None"})
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Mult: "_times_",
    ast.Pow: "_power_",
    ast.LShift: "_shifted_",
    ast.Mod: "_remainder_",
}
_FRAMES = frozenset(
    {"mro", "gi_running", "gi_suspended", "cr_running", "ag_running", "tb_lasti", "tb_lineno", "f_lasti"}
)
_STATEMENTS = {
    "ClassDef": ("classes", "use functions and dicts"),
    "AsyncFunctionDef": ("async", "leave it out"),
    "Await": ("await", "leave it out"),
    "AsyncFor": ("async", "leave it out"),
    "AsyncWith": ("async", "leave it out"),
    "Match": ("match", "use if and elif"),
    "TryStar": ("except*", "use except"),
    "With": ("with", "nothing in a hook needs to be closed"),
    "TypeAlias": ("type aliases", "leave it out"),
    "TemplateStr": ("template strings", "use an f-string"),
    "Interpolation": ("template strings", "use an f-string"),
}


class Policy(RestrictingNodeTransformer):
    """Checks and rewrites one tree; `problems` holds what it refused."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.problems: list[ScriptProblem] = []
        self._lines = text.split("\n")
        self._generating: list[bool] = []

    # ── refusals

    def refuse(self, node: ast.AST, code: str, message: str, help: str = "") -> None:
        """Note a refusal at the place of a node; columns count characters."""
        line = getattr(node, "lineno", 0)
        text = self._lines[line - 1].encode() if 0 < line <= len(self._lines) else b""
        start = getattr(node, "col_offset", 0)
        end = getattr(node, "end_col_offset", start) if getattr(node, "end_lineno", line) == line else len(text)
        width = len(text[start:end].decode("utf-8", "replace"))
        column = len(text[:start].decode("utf-8", "replace")) + 1
        self.problems.append(ScriptProblem(code, message, line, column, max(width, 1), help))

    def in_order(self) -> tuple[ScriptProblem, ...]:
        """Give the refusals by place, one for each."""
        first: dict[tuple[int, int], ScriptProblem] = {}
        for problem in sorted(self.problems, key=lambda problem: problem.code == "H105"):
            first.setdefault((problem.line, problem.column), problem)
        return tuple(first[place] for place in sorted(first))

    def error(self, node: ast.AST, info: str) -> None:
        """Take what RestrictedPython refuses on its own."""
        self.refuse(node, "H105", info)

    def not_allowed(self, node: ast.AST) -> None:
        """Refuse a kind of node, by the word the author knows."""
        kind = type(node).__name__
        what, way_out = _STATEMENTS.get(kind, (kind, ""))
        self.refuse(node, "H105", f"hooks have no {what}", way_out)

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuse names that are not for scripts, wherever one is bound or read."""
        if name is None or name == "_":
            return
        if name in REFUSED_NAMES:
            self.refuse(node, "H103", f'"{name}" is not available in a hook', REFUSED_NAMES[name])
        elif name.startswith("_"):
            self.refuse(node, "H103", f'the name "{name}" begins with "_"', "choose another name")

    def _check_bound(self, node: ast.AST, name: str | None) -> None:
        if name in _KEPT_NAMES:
            self.refuse(node, "H103", f'"{name}" cannot be given another meaning', "choose another name")

    # ── names and attributes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.check_name(node, node.id)
        if not isinstance(node.ctx, ast.Load):
            self._check_bound(node, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        name = node.attr
        if name in ("format", "format_map"):
            self.refuse(node, "H104", f'".{name}" is not available in a hook', "use an f-string")
            return node
        if name in _FRAMES or (name.startswith("_") and name != "_"):
            self.refuse(node, "H104", f'".{name}" is not available in a hook')
            return node
        return super().visit_Attribute(node)

    def visit_keyword(self, node: ast.keyword) -> Any:
        self.check_name(node, node.arg if node.arg and node.arg.startswith("_") else None)
        return self.node_contents_visit(node)

    def visit_Global(self, node: ast.Global) -> Any:
        return self._declared(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> Any:
        return self._declared(node)

    def _declared(self, node: Any) -> Any:
        for name in node.names:
            self.check_name(node, name)
            self._check_bound(node, name)
        return node

    # ── definitions

    def check_function_argument_names(self, node: Any) -> None:
        arguments = node.args
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        ):
            if argument is not None:
                self.check_name(argument, argument.arg)
                self._check_bound(argument, argument.arg)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        if getattr(node, "type_params", None):
            self.refuse(node, "H105", "hooks have no type parameters", "leave them out")
            return node
        self._check_bound(node, node.name)
        self._generating.append(False)
        visited: Any = super().visit_FunctionDef(node)
        if self._generating.pop():
            mark = ast.Name("_generating_", ast.Load())
            copy_locations(mark, node)
            visited.decorator_list.append(mark)
        return visited

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self._generating.append(False)
        visited = super().visit_Lambda(node)
        if self._generating.pop():
            self.refuse(node, "H105", "hooks have no yield in a lambda", "use def")
        return visited

    def visit_Yield(self, node: ast.Yield) -> Any:
        return self._yielding(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Any:
        visited = self._yielding(node)
        visited.value = self._call("_getiter_", [visited.value], node)
        return visited

    def _yielding(self, node: Any) -> Any:
        if self._generating:
            self._generating[-1] = True
        return self.node_contents_visit(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        visited = super().visit_GeneratorExp(node)
        return self._call("_generator_", [visited], node)

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        if node.is_async:
            self.refuse(node.target, "H105", "hooks have no async", "leave it out")
        return super().visit_comprehension(node)

    # ── imports

    def visit_Import(self, node: ast.Import) -> Any:
        for alias in node.names:
            if self._importable(alias, alias.name):
                self.check_name(alias, alias.asname)
                self._check_bound(alias, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        module = "." * node.level + (node.module or "")
        if not self._importable(node, module):
            return node
        known = modules.members(module)
        for alias in node.names:
            if alias.name not in known:
                help = "name what you need" if alias.name == "*" else f"there is {', '.join(sorted(known))}"[:200]
                guess = near(alias.name, known)
                self.refuse(alias, "H102", f'"from {module} import {alias.name}" is not allowed in a hook{guess}', help)
            self.check_name(alias, alias.asname or alias.name)
            self._check_bound(alias, alias.asname)
        return node

    def _importable(self, node: ast.AST, name: str) -> bool:
        if modules.known(name):
            return True
        help = f"hooks may use {modules.NAMES}; files and network are closed"
        self.refuse(node, "H102", f'"import {name}" is not allowed in a hook{modules.suggestion(name)}', help)
        return False

    # ── statements

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self.not_allowed(node)
        return node

    def visit_With(self, node: ast.With) -> Any:
        self.not_allowed(node)
        return node

    def visit_TryStar(self, node: ast.AST) -> Any:
        self.not_allowed(node)
        return node

    def visit_TemplateStr(self, node: ast.AST) -> Any:
        self.not_allowed(node)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        if node.type is None:
            node.type = ast.copy_location(ast.Name("Exception", ast.Load()), node)
        self._check_bound(node, node.name)
        return super().visit_ExceptHandler(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            self.visit(node.target)
            return ast.copy_location(ast.Pass(), node)
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        if isinstance(node.target, ast.Name):
            return super().visit_AugAssign(node)
        symbol = ast.Constant(IOPERATOR_TO_STR[type(node.op)])
        target: Any = node.target
        if isinstance(target, ast.Attribute):
            self.visit_Attribute(ast.copy_location(ast.Attribute(ast.Constant(None), target.attr, ast.Load()), target))
            key: ast.expr = ast.Constant(target.attr)
        else:
            key = self.visit(target.slice)
        name = "_inplaceattr_" if isinstance(target, ast.Attribute) else "_inplaceitem_"
        call = self._call(name, [self.visit(target.value), key, symbol, self.visit(node.value)], node)
        changed = ast.Expr(call)
        copy_locations(changed, node)
        return changed

    # ── expressions

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        visited: Any = self.node_contents_visit(node)
        guard = _OPERATORS.get(type(node.op))
        return visited if guard is None else self._call(guard, [visited.left, visited.right], node)

    def visit_Constant(self, node: ast.Constant) -> Any:
        if type(node.value) is int and node.value.bit_length() > limits.INT_BITS:
            self.refuse(node, "H107", "this number has more than 4,200 digits")
        return node

    def visit_Starred(self, node: ast.Starred) -> Any:
        visited: Any = self.node_contents_visit(node)
        if isinstance(node.ctx, ast.Load):
            visited.value = self._call("_getiter_", [visited.value], node)
        return visited

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        spec = node.format_spec
        if isinstance(spec, ast.JoinedStr):
            for part in spec.values:
                text = str(part.value) if isinstance(part, ast.Constant) else ""
                if spec_is_wide(text) and not _is_date_format(text):
                    self.refuse(node, "H107", f"a width or precision of more than {limits.WIDTH:,}")
        arguments = [self.visit(node.value), ast.Constant(node.conversion)]
        if spec is not None:
            arguments.append(self.visit(spec))
        return ast.copy_location(ast.FormattedValue(self._call("_formatted_", arguments, node), -1, None), node)

    def _call(self, name: str, arguments: list[Any], node: Any) -> ast.Call:
        call = ast.Call(ast.Name(name, ast.Load()), arguments, [])
        copy_locations(call, node)
        return call


def _is_date_format(spec: str) -> bool:
    return "%" in spec and len(spec) <= limits.FORMAT_CHARS
