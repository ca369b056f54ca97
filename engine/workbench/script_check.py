"""Looking at scripts without mail: do they compile, do the fences stand, are the parameters sound?

Here: what `allegra check` and `allegra hooks` find, as problems with places. Not here: running scripts for a decision
(`scripts/scripts.py`). Invariant: nothing is remembered, no script is switched on or off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.model.desk import Catalog
from engine.model.draft import Target
from engine.rulebook.book import shown
from engine.scripts.files import Files
from engine.scripts.ledger import LEDGER, Ledger
from engine.scripts.params import NOTHING, Params
from engine.scripts.question import schema
from engine.workbench.names import opened
from engine.workbench.script_choice import read, sandbox
from hooks.fences import MANDATORY
from hooks.problem import ScriptProblem
from hooks.sandbox import Call, Program, Result, Sandbox, Script
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config


def check_scripts(config: Config) -> Iterator[tuple[str, str, tuple[Problem, ...]]]:
    """Look at the sandbox, the parameter file and every script of `[hooks]`: name, what it is, what is wrong."""
    from hooks import case

    hooks = config.hooks
    files, ledger = Files(hooks.directory), Ledger(config.instance.state_dir / LEDGER)
    texts, problems = read_parameters(config)
    if problems and hooks.params is not None:
        yield shown(config, hooks.params), "", problems
    sample = case.made({"schema": _fields(config)})
    with sandbox(config) as made:
        fences = _fences(made, hooks.allow_reduced_isolation)
        yield fences
        here = all(problem.severity is not Severity.ERROR for problem in fences[2])
        for hook, names in (("guard", hooks.guard), ("activity", (*hooks.activity, *_for_rules(config)))):
            for name in names:
                loaded = files.read(name)
                file = shown(config, loaded.path)
                if loaded.problem is not None:
                    yield file, "", (problem_of(loaded.problem, file),)
                    continue
                if not here:  # said once, of the sandbox; the script is not to blame
                    continue
                program = Program((Script(name, hook, loaded.text),), *texts)
                if wrong := complaints(made, program, file):
                    yield file, "", wrong
                    continue
                if why := ledger.anywhere_off(program.scripts[0].sha256):
                    yield file, "", (Problem("H115", f"it is switched off: {why}", file, help=ON.format(name=name)),)
                    continue
                if problems:
                    yield file, "compiles in the sandbox", ()
                    continue
                result = made.run(Call(program, sample.mail, sample.item, sample.context))
                budget = f"{result.ms:.1f} ms of {hooks.timeout:g} s on a sample mail"
                yield file, f"compiles in the sandbox, {budget}", _on_sample(result, file, loaded.text)


def read_parameters(config: Config) -> tuple[tuple[str, str], tuple[Problem, ...]]:
    """Read the parameter file of the configuration: parameters and tables as JSON texts, and what is wrong with it."""
    params = Params(config.hooks.params)
    texts = params.read() or NOTHING
    if params.problem is None or config.hooks.params is None:
        return texts, ()
    return texts, (problem_of(params.problem, shown(config, config.hooks.params)),)


def _fields(config: Config) -> dict[str, str]:
    """The fields of items in all workspaces; while there is none, those of a made-up item as well."""
    from hooks.case import SCHEMA

    with opened(config) as names:
        own = tuple(field for catalog in names.catalogs.values() for field in catalog.fields)
        return (SCHEMA if names.empty else {}) | schema(Catalog("", fields=own), Target.NEW_ITEM, names.common)


def check_files(paths: Iterable[Path], hook: str = "") -> Iterator[tuple[str, str, tuple[Problem, ...]]]:
    """Compile scripts of any place, as the hook that is named or that they seem to be."""
    with sandbox() as made:
        for path in paths:
            found = read(path, hook)
            if found.problem is not None:
                yield str(path), "", (problem_of(found.problem, str(path)),)
                continue
            said = f"compiles in the sandbox as {found.script.hook}"
            yield str(path), said, complaints(made, Program((found.script,)), str(path))


def _for_rules(config: Config) -> list[str]:
    """Name the scripts that are in no list but define `activity`: rules may run them (`run hook "x"`)."""
    listed = {*config.hooks.guard, *config.hooks.activity}
    found = []
    for path in sorted(config.hooks.directory.glob("*.py")):
        if path.name not in listed and b"def activity(" in path.read_bytes()[: 64 << 10]:
            found.append(path.name)
    return found


def complaints(sandbox: Sandbox, program: Program, file: str) -> tuple[Problem, ...]:
    """Compile the one script of a program, look for its function, and say what is wrong."""
    result = sandbox.check(program)
    text = program.scripts[0].source
    if result.outcome == "ok":
        return ()
    if result.problems:
        return tuple(problem_of(problem, file, text) for _, problem in result.problems)
    if result.outcome == "sandbox-missing":
        return (Problem("H120", result.message, SANDBOX, help=HELD),)
    hook = program.scripts[0].hook
    help = f"write: def {hook}({_ARGUMENTS[hook]}):" if result.code else "only definitions belong outside of functions"
    return (problem_of(trouble(result, result.code or "H111", help), file, text),)


_ARGUMENTS = {"guard": "mail, ctx", "activity": "mail, item, ctx"}


def trouble(result: Result, code: str, help: str = "") -> ScriptProblem:
    """Make a problem of a failure at run time."""
    kind = f"{result.error_type}: " if result.error_type and code != result.code else ""
    return ScriptProblem(code, f"{kind}{result.message}", result.line, result.column, result.length, help)


def problem_of(problem: ScriptProblem, file: str, text: str = "") -> Problem:
    """Make a problem of the engine of one of the sandbox; the line is shown if the text is there."""
    lines = text.split("\n")
    excerpt = lines[problem.line - 1].rstrip("\r") if 0 < problem.line <= len(lines) else ""
    return Problem(
        problem.code,
        problem.message,
        file,
        problem.line,
        problem.column,
        problem.length,
        excerpt if excerpt.isprintable() or "\t" in excerpt else "",
        help=problem.help,
    )


def _on_sample(result: Result, file: str, text: str) -> tuple[Problem, ...]:
    """A script that fails on the sample mail need not be wrong, but its author wants to know."""
    if result.outcome == "ok":
        return ()
    found = problem_of(trouble(result, "H114", "allegra hooks test runs it on fixtures of your own"), file, text)
    return (replace(found, severity=Severity.WARNING),)


ON = "mend it, or: allegra hooks enable {name}"
SANDBOX, HELD = "hooks sandbox", "mail is held until they do; allegra hooks limits shows which fences stand"


def _fences(sandbox: Sandbox, reduced: bool) -> tuple[str, str, tuple[Problem, ...]]:
    """Look which fences stand, and whether harmless scripts run behind them."""
    result = sandbox.check(Program((Script("check", "guard", "def guard(mail, ctx):\n    return True\n"),)))
    problems = []
    for name, why in result.missing:
        wanted = name in MANDATORY
        severity = Severity.INFO if not wanted else Severity.WARNING if reduced else Severity.ERROR
        code = "H120" if severity is Severity.ERROR else "H121"
        help = HELD if severity is Severity.ERROR else ""
        problems.append(Problem(code, f"the fence {name} is missing: {why}", SANDBOX, help=help, severity=severity))
    if result.outcome != "ok" and all(problem.severity is not Severity.ERROR for problem in problems):
        problems.append(Problem("H120", result.message, SANDBOX, help=HELD))
    summary = f"self-test passed, fences: {', '.join(result.standing)}" if result.outcome == "ok" else ""
    return SANDBOX, summary, tuple(problems)
