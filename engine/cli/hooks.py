"""`allegra hooks`: write, check, test and run scripts.

Here: options and printing. Not here: the sandbox (`hooks/`), fixtures (`workbench/fixtures.py`), stored mail
(`workbench/script_runs.py`). Invariant: nothing here changes the database or sends anything; `new` writes one script
and its first fixture, and never over a file that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import (
    DONE,
    FINDINGS,
    USAGE,
    complain,
    open_config,
    open_store,
    print_json,
    print_problems,
    print_table,
)
from engine.cli.hooks_show import show, show_tested
from engine.cli.noun import Noun
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from hooks.sandbox import Sandbox, Script
    from rules.problem import Problem

HOOKS = click.Choice(["guard", "activity"])


@click.group(cls=Noun)
def hooks() -> None:
    """Check, test and run hook scripts."""


@hooks.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a script.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the scripts that run, in their order."""
    from engine.scripts.files import Files
    from engine.scripts.ledger import Ledger
    from engine.scripts.scripts import LEDGER
    from engine.workbench.fixtures import fixtures
    from engine.workbench.script_check import shown
    from hooks.sandbox import Script

    config = open_config(ctx)
    files, ledger = Files(config.hooks.directory), Ledger(config.instance.state_dir / LEDGER)
    rows = []
    for hook, name in _configured(config):
        loaded = files.read(name)
        sha256 = "" if loaded.problem else Script(name, hook, loaded.text).sha256
        good = ledger.good(name)
        state = "unreadable" if loaded.problem else "off: " + off if (off := ledger.off(sha256)) else "runs"
        if state == "runs" and good not in (None, loaded.text):
            state = "changed, not run yet"
        tests = len(fixtures(config.hooks.directory, name))
        data = {"hook": hook, "name": name, "file": shown(config, loaded.path), "sha256": sha256 or None,
                "state": state, "fixtures": tests}  # fmt: skip
        if as_json:
            print_json("hooks", data)
        rows.append((hook, data["file"], sha256[:12], state, tests))
    if not as_json:
        print_table(
            ("hook", "script", "version", "state", "fixtures"),
            rows,
            "no scripts are configured ([hooks] guard, activity)",
        )


@hooks.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--hook", type=HOOKS, help="Which function FILES have; without it, what they define counts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem.")
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], hook: str | None, as_json: bool) -> None:
    """Compile scripts in the sandbox: those of the configuration, or FILES."""
    from engine.workbench.script_check import check_scripts

    found: Iterator[tuple[str, str, tuple[Problem, ...]]]
    found = _check_files(files, hook) if files else check_scripts(open_config(ctx))
    sound = True
    for file, summary, problems in found:
        errors = [problem for problem in problems if problem.severity == "error"]
        sound = sound and not errors
        if as_json:
            for each in problems:
                place = {"line": each.line, "column": each.column, "help": each.help, "severity": each.severity}
                print_json("hooks", {"file": file, "code": each.code, "message": each.message, **place})
            continue
        click.echo(f"{'✘' if errors else '✔'} {file}   {summary or f'{len(errors)} error' + 's' * (len(errors) > 1)}")
        print_problems(problems)
    raise SystemExit(DONE if sound else FINDINGS)


def _check_files(files: tuple[Path, ...], hook: str | None) -> Iterator[tuple[str, str, tuple[Problem, ...]]]:
    from engine.workbench.script_check import complaints, problem_of
    from hooks.sandbox import Program

    with _sandbox(None) as sandbox:
        for path in files:
            script, problem = _script(path, hook or _hook_of(path))
            if problem is not None:
                yield str(path), "", (problem_of(problem, str(path)),)
                continue
            yield (
                str(path),
                f"compiles in the sandbox as {script.hook}",
                complaints(sandbox, Program((script,)), str(path)),
            )


@hooks.command()
@click.argument("names", nargs=-1)
@click.option("--fixture", default="", metavar="NAME", help="Only fixtures whose name holds this.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a fixture.")
@click.pass_context
def test(ctx: click.Context, names: tuple[str, ...], fixture: str, as_json: bool) -> None:
    """Run scripts on their fixtures: hooks/fixtures/SCRIPT/NAME.json, with NAME.eml beside it for a real mail."""
    from engine.scripts.files import Files
    from engine.scripts.params import Params
    from engine.workbench.fixtures import fixtures, run_fixtures
    from engine.workbench.script_check import problem_of, shown
    from hooks.sandbox import Script

    config = open_config(ctx)
    texts = Params(config.hooks.params).read()
    files = Files(config.hooks.directory)
    passed = failed = 0
    with _sandbox(config) as sandbox:
        for hook, name in _wanted(config, names):
            loaded = files.read(name)
            file = shown(config, loaded.path)
            if loaded.problem is not None:
                print_problems((problem_of(loaded.problem, file),))
                failed += 1
                continue
            paths = tuple(p for p in fixtures(config.hooks.directory, name) if fixture in p.stem)
            if not as_json:
                click.echo(f"{file:<20} {hook}   {len(paths)} fixture{'s' if len(paths) != 1 else ''}")
            for tested in run_fixtures(sandbox, Script(name, hook, loaded.text), paths, *texts):
                good = not tested.failures
                passed, failed = passed + good, failed + (not good)
                show_tested(tested, file, loaded.text, hook, as_json)
    if not as_json:
        click.echo(f"{passed} passed, {failed} failed")
    raise SystemExit(FINDINGS if failed else DONE)


@hooks.command()
@click.argument("script")
@click.argument("ref", required=False)
@click.option("--hook", type=HOOKS, help="Which hook to run (default: the one the script defines).")
@click.option(
    "--case", "case_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A call written as JSON."
)
@click.option("--trace", is_flag=True, help="Show the source with how often each line ran.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def run(
    ctx: click.Context,
    script: str,
    ref: str | None,
    hook: str | None,
    case_file: Path | None,
    trace: bool,
    as_json: bool,
) -> None:
    """Run SCRIPT once: a file on a --case, or a script of the configuration on the stored mail REF."""
    if case_file is not None and ref is None:
        _run_case(Path(script), hook, case_file, trace, as_json)
    elif ref is not None and case_file is None:
        _run_stored(ctx, script, hook, ref, trace, as_json)
    else:
        raise click.UsageError("say which mail: --case CASE.json, or the id of a stored mail")


def _run_case(path: Path, hook: str | None, case_file: Path, trace: bool, as_json: bool) -> None:
    from hooks import case
    from hooks.sandbox import Call, Program, Result

    try:
        made = case.read(case_file.read_text("utf-8"))
        script, problem = _script(path, hook or _hook_of(path))
    except (OSError, ValueError) as error:
        complain(f"{error}")
        raise SystemExit(USAGE) from None
    if problem is not None:
        result = Result("compile-error", error_type="SyntaxError", message=problem.message, line=problem.line)
    else:
        with _sandbox(None) as sandbox:
            program = Program((script,), made.params, made.tables)
            result = sandbox.run(Call(program, made.mail, made.item, made.context, "trace" if trace else ""))
    show(result, script, str(path), trace, as_json)


def _run_stored(ctx: click.Context, name: str, hook: str | None, ref: str, trace: bool, as_json: bool) -> None:
    from engine.run.process import Engine
    from engine.scripts.params import Params
    from engine.workbench.script_runs import question, traced
    from hooks.sandbox import Program

    config = open_config(ctx)
    path = _path_of(config, name)
    if not path.is_file():
        complain(f"there is no script {path.name} in {config.hooks.directory.name}")
        raise SystemExit(FINDINGS)
    script, problem = _script(path, hook or _configured_as(config, path.name) or _hook_of(path))
    if problem is not None:
        complain(f"{path.name}: {problem.message}")
        raise SystemExit(FINDINGS)
    with open_store(ctx, config) as store:
        row = store.archive.mail(ref)
        raw = store.archive.raw(row.mail)
        if raw is None:
            complain(f"the bytes of {row.mail[:8]} were purged")
            raise SystemExit(FINDINGS)
        asked = question(Engine(config, store), raw, row.mail)
    with _sandbox(config) as sandbox:
        program = Program((script,), *Params(config.hooks.params).read())
        result = traced(sandbox, program, asked, "trace" if trace else "")
    show(result, script, path.name, trace, as_json)


@hooks.command()
@click.argument("names", nargs=-1)
@click.option("--last", default="30d", show_default=True, metavar="TIME", help="Over the stored mail of this time.")
@click.option(
    "--old",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with this file (default: the version before).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail that differs.")
@click.pass_context
def diff(ctx: click.Context, names: tuple[str, ...], last: str, old: Path | None, as_json: bool) -> None:
    """Run the old and the new version of scripts over stored mail and show what differs."""
    from engine.run.process import Engine
    from engine.scripts.params import Params
    from engine.workbench.script_runs import difference, question, traced
    from hooks.sandbox import Program

    config = open_config(ctx)
    texts = Params(config.hooks.params).read()
    pairs = list(_versions(config, names, old))
    mails = changes = 0
    with open_store(ctx, config) as store, _sandbox(config) as sandbox:
        engine = Engine(config, store)
        for row in store.archive.mails(f"newer_than:{last}", 100_000):
            raw = store.archive.raw(row.mail) if pairs else None
            if raw is None:
                continue
            mails += 1
            asked = question(engine, raw, row.mail)
            for before, after in pairs:
                said = difference(*(traced(sandbox, Program((each,), *texts), asked) for each in (before, after)))
                if said:
                    changes += 1
                    if as_json:
                        print_json("hooks", {"mail": row.mail, "script": after.name, "difference": said})
                    else:
                        click.echo(printable(f"{row.mail[:8]}  {after.name}  {said}", 300))
    if not as_json:
        click.echo(
            f"{mails} mails, {changes} differences" if pairs else "no script has an older version to compare with"
        )


def _versions(config: Config, names: tuple[str, ...], old: Path | None) -> Iterator[tuple[Script, Script]]:
    """Give pairs of an older and the present version."""
    from engine.scripts.files import Files
    from engine.scripts.ledger import Ledger
    from engine.scripts.scripts import LEDGER
    from hooks.sandbox import Script

    ledger, files = Ledger(config.instance.state_dir / LEDGER), Files(config.hooks.directory)
    for hook, name in _wanted(config, names):
        loaded = files.read(name)
        if old is not None:
            script, _ = _script(old, hook)
            before: str | None = script.source
        else:
            before = ledger.good(name)
            before = ledger.previous(name) if before == loaded.text else before
        if loaded.problem is None and before is not None and before != loaded.text:
            yield Script(f"old {name}", hook, before), Script(name, hook, loaded.text)


@hooks.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a limit or fence.")
@click.pass_context
def limits(ctx: click.Context, as_json: bool) -> None:
    """Show whether hooks work on this machine, which fences stand, and every limit of scripts.

    Exit code 1 where hooks do not work: mail is held then.
    """
    from hooks import limits as numbers
    from hooks import selftest
    from hooks.fences import MANDATORY, OPTIONAL, SENTENCES
    from hooks.sandbox import Program, Script

    script = Script("limits", "guard", "def guard(mail, ctx):\n    return True\n")
    with _sandbox(None) as sandbox:
        result = sandbox.check(Program((script,)))
    works, missing = result.outcome == "ok", dict(result.missing)
    rows = [("deadline", "stands", SENTENCES["deadline"])]
    for name in (*MANDATORY, *OPTIONAL):
        unseen = not result.standing and name not in missing
        absent = "unknown" if unseen else "MISSING" if name in MANDATORY else "missing"
        state = "stands" if name in result.standing else absent
        rows.append((name, state, SENTENCES[name] + (f" ({missing[name]})" if name in missing else "")))
    values = [(name.lower(), getattr(numbers, name)) for name in dir(numbers) if name.isupper()]
    values += [("timeout_s", numbers.Limits().timeout_s), ("memory_bytes", numbers.Limits().memory_bytes)]
    if as_json:
        machine = selftest.machine()
        print_json("hooks", {"works": works, "machine": machine, "because": None if works else result.message})
        for name, state, sentence in rows:
            print_json("hooks", {"fence": name, "stands": state == "stands", "about": sentence})
        for name, value in values:
            print_json("hooks", {"limit": name, "value": value})
        raise SystemExit(DONE if works else FINDINGS)
    click.echo(f"hooks work here ({selftest.machine()})" if works else printable(result.message, 1_000))
    click.echo()
    print_table(("fence", "state", "what it does"), rows, limit=100)
    click.echo()
    print_table(("limit", "value"), [(name, f"{value:,}") for name, value in values])
    raise SystemExit(DONE if works else FINDINGS)


@hooks.command()
@click.argument("hook", type=HOOKS)
@click.option("--name", default="", metavar="NAME", help="Name of the script (default: guard or activity).")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where (default: hooks.directory, or hooks).",
)
@click.pass_context
def new(ctx: click.Context, hook: str, name: str, directory: Path | None) -> None:
    """Write a first script with a fixture."""
    from engine.cli.common import config_path
    from engine.cli.hooks_new import FIXTURES, SCRIPTS

    if directory is None:
        directory = open_config(ctx).hooks.directory if config_path(ctx).exists() else Path("hooks")
    stem = (name or hook).removesuffix(".py")
    if not stem.replace("-", "_").isidentifier():
        raise click.UsageError(f"{name!r} is no name for a script: use letters, digits, _ and -")
    script, fixture = directory / f"{stem}.py", directory / "fixtures" / stem / "first.json"
    for path, text in ((script, SCRIPTS[hook]), (fixture, FIXTURES[hook])):
        if path.exists():
            complain(f"{path} is there already")
            raise SystemExit(FINDINGS)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        click.echo(f"wrote {path}")
    click.echo(f'add {hook} = ["{stem}.py"] below [hooks] in allegra.toml, then: allegra hooks test', err=True)


# ── what they share


@contextmanager
def _sandbox(config: Config | None) -> Iterator[Sandbox]:
    from hooks.limits import Limits
    from hooks.sandbox import Isolation
    from hooks.sandbox import Sandbox as Made

    if config is None:
        sandbox = Made()
    else:
        settings = config.hooks
        sandbox = Made(Limits(settings.timeout, settings.memory), Isolation("worker", settings.allow_reduced_isolation))
    try:
        yield sandbox
    finally:
        sandbox.close()


def _configured(config: Config) -> Iterator[tuple[str, str]]:
    yield from (("guard", name) for name in config.hooks.guard)
    yield from (("activity", name) for name in config.hooks.activity)


def _wanted(config: Config, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Give the configured scripts, or those of `names`; a name that is not configured is an activity script."""
    configured = list(_configured(config))
    if not names:
        return configured
    files = {name if name.endswith(".py") else f"{name}.py" for name in names}
    found = [pair for pair in configured if pair[1] in files]
    missing = files - {name for _, name in found}
    return found + [(_hook_of(config.hooks.directory / name), name) for name in sorted(missing)]


def _configured_as(config: Config, name: str) -> str:
    return next((hook for hook, each in _configured(config) if each == name), "")


def _path_of(config: Config, name: str) -> Path:
    path = config.hooks.directory / (name if name.endswith(".py") else f"{name}.py")
    return path if path.is_file() or not Path(name).is_file() else Path(name)


def _hook_of(path: Path) -> str:
    """Guess from the text which hook a script is; the sandbox decides whether that is so."""
    try:
        text = path.read_bytes()[: 64 << 10]
    except OSError:
        return "guard"
    return "activity" if b"def activity" in text and b"def guard" not in text else "guard"


def _script(path: Path, hook: str) -> tuple[Script, Any]:
    """Read a script; the second is what is wrong with the file."""
    from hooks import source
    from hooks.limits import SOURCE_BYTES
    from hooks.sandbox import Script

    with path.open("rb") as file:
        text, problem = source.decode(file.read(SOURCE_BYTES + 1))
    return Script(path.name, hook, text), problem
