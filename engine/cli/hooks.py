"""`allegra hooks`: write, check, test and run scripts.

Here: options and printing. Not here: the sandbox (`hooks/`), fixtures (`workbench/fixtures.py`), stored mail
(`workbench/script_runs.py`). Invariant: nothing here changes the database or sends anything; `new` writes one script
and its first fixture, and never over a file that is there.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from engine.cli.common import (
    DONE,
    FINDINGS,
    USAGE,
    complain,
    config_path,
    exit_codes,
    open_config,
    open_store,
    print_json,
    print_problems,
    print_table,
    usage,
)
from engine.cli.hooks_show import show, show_tested
from engine.cli.noun import Noun
from engine.plain_text import printable

HOOKS = click.Choice(["guard", "activity"])


@click.group(cls=Noun)
def hooks() -> None:
    """Check, test and run hook scripts."""


@hooks.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a script.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the scripts that run, in their order."""
    from engine.workbench.script_choice import listed

    rows = []
    for each in listed(open_config(ctx)):
        if as_json:
            data = {"hook": each.hook, "name": each.name, "file": each.file, "sha256": each.sha256 or None,
                    "state": each.state, "fixtures": each.fixtures}  # fmt: skip
            print_json("hooks", data)
        rows.append((each.hook, each.file, each.sha256[:12], each.state, each.fixtures))
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
    from engine.workbench.script_check import check_files, check_scripts

    found = check_files(files, hook or "") if files else check_scripts(open_config(ctx))
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


@hooks.command()
@click.argument("names", nargs=-1)
@click.option("--fixture", default="", metavar="NAME", help="Only fixtures whose name holds this.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a fixture.")
@click.pass_context
def test(ctx: click.Context, names: tuple[str, ...], fixture: str, as_json: bool) -> None:
    """Run scripts on their fixtures: hooks/fixtures/SCRIPT/NAME.json, with NAME.eml beside it for a real mail."""
    from engine.workbench.fixtures import run_fixtures
    from engine.workbench.script_check import problem_of
    from engine.workbench.script_choice import sandbox, suites

    config = open_config(ctx)
    passed = failed = 0
    with sandbox(config) as made:
        for suite in suites(config, names, fixture):
            script, number = suite.script, len(suite.paths)
            if suite.problem is not None:
                print_problems((problem_of(suite.problem, suite.file),))
                failed += 1
                continue
            if not as_json:
                click.echo(f"{suite.file:<20} {script.hook}   {number} fixture{'s' if number != 1 else ''}")
            for tested in run_fixtures(made, script, suite.paths, suite.params, suite.tables):
                good = not tested.failures
                passed, failed = passed + good, failed + (not good)
                show_tested(tested, suite.file, script.source, script.hook, as_json)
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
    from engine.workbench.script_choice import read
    from engine.workbench.script_runs import on_case
    from hooks import case

    try:
        made, script = case.read(case_file.read_text("utf-8")), read(path, hook or "")
    except (OSError, ValueError) as error:
        complain(f"{error}")
        raise SystemExit(USAGE) from None
    show(on_case(script, made, "trace" if trace else ""), script.script, str(path), trace, as_json)


def _run_stored(ctx: click.Context, name: str, hook: str | None, ref: str, trace: bool, as_json: bool) -> None:
    from engine.desk import looking
    from engine.run.engine import Engine
    from engine.workbench.script_choice import hook_as_configured, path_of, read
    from engine.workbench.script_runs import on_stored

    config = open_config(ctx)
    path = path_of(config, name)
    if not path.is_file():
        complain(f"there is no script {path.name} in {config.hooks.directory.name}")
        raise SystemExit(FINDINGS)
    script = read(path, hook or hook_as_configured(config, path.name))
    if script.problem is not None:
        complain(f"{path.name}: {script.problem.message}")
        raise SystemExit(FINDINGS)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        row = store.archive.mail(ref)
        result = on_stored(engine, script.script, looking.raw(store, row.mail), row.mail, "trace" if trace else "")
    show(result, script.script, path.name, trace, as_json)


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
    from engine.run.engine import Engine
    from engine.workbench.script_choice import sandbox, versions
    from engine.workbench.script_runs import compared

    config = open_config(ctx)
    pairs = list(versions(config, names, old))
    mails = changes = 0
    with (
        open_store(ctx, config) as store,
        closing(Engine(config, store)) as engine,
        sandbox(config) as made,
    ):
        for mail, differences in compared(engine, made, pairs, last):
            mails += 1
            changes += len(differences)
            for each in differences:
                if as_json:
                    print_json("hooks", {"mail": mail, "script": each.script, "difference": each.said})
                else:
                    click.echo(printable(f"{mail[:8]}  {each.script}  {each.said}", 300))
    if not as_json:
        click.echo(
            f"{mails} mails, {changes} differences" if pairs else "no script has an older version to compare with"
        )


@hooks.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a limit or fence.")
@click.pass_context
def limits(ctx: click.Context, as_json: bool) -> None:
    """Show whether hooks work on this machine, which fences stand, and every limit of scripts.

    Exit code 1 where hooks do not work: mail is held then.
    """
    from engine.workbench.script_limits import here

    this = here()
    if as_json:
        print_json("hooks", {"works": this.works, "machine": this.machine, "because": this.because or None})
        for fence in this.fences:
            print_json("hooks", {"fence": fence.name, "stands": fence.state == "stands", "about": fence.about})
        for name, value in this.limits:
            print_json("hooks", {"limit": name, "value": value})
        raise SystemExit(DONE if this.works else FINDINGS)
    click.echo(f"hooks work here ({this.machine})" if this.works else printable(this.because, 1_000))
    click.echo()
    print_table(("fence", "state", "what it does"), [(f.name, f.state, f.about) for f in this.fences], limit=100)
    click.echo()
    print_table(("limit", "value"), [(name, f"{value:,}") for name, value in this.limits])
    raise SystemExit(DONE if this.works else FINDINGS)


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
    from engine.desk.first_script import write_first

    if directory is None:
        directory = open_config(ctx).hooks.directory if config_path(ctx).exists() else Path("hooks")
    written = []
    with exit_codes(), usage():
        for path in write_first(hook, directory, name):
            written.append(path)
            click.echo(f"wrote {path}")
    click.echo(f'add {hook} = ["{written[0].name}"] below [hooks] in allegra.toml, then: allegra hooks test', err=True)
