"""`allegra hooks`: write, check, test and run scripts.

Here: options and printing. Not here: `hooks run`, `try` and `diff` (`hooks_run.py`), the sandbox (`hooks/`), fixtures
(`workbench/fixtures.py`). Invariant: nothing here changes the database or sends anything; `new` writes one script
and its first fixture, and never over a file that is there; `enable` and `disable` change what is remembered of scripts.
"""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli import words
from engine.cli.common import (
    DONE,
    FINDINGS,
    answer,
    complain,
    config_path,
    exit_codes,
    log_act,
    open_config,
    print_json,
    print_problems,
    usage,
)
from engine.cli.hooks_run import HOOKS, diff, run, try_
from engine.cli.hooks_show import show_tested
from engine.cli.noun import Noun
from engine.cli.paint import state
from engine.cli.shown import print_table
from engine.plain_text import printable


@click.group(cls=Noun)
def hooks() -> None:
    """Check, test and run hook scripts."""


hooks.add_command(run)
hooks.add_command(try_)
hooks.add_command(diff)


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
        said = summary or f"{len(errors)} error{'s' * (len(errors) > 1)}"
        click.echo(f"{state('✘' if errors else '✔')} {file}   {said}")
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
    from engine.workbench.script_check import complaints, problem_of
    from engine.workbench.script_choice import sandbox, suites
    from hooks.sandbox import Program

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
            if problems := complaints(made, Program((script,), suite.params, suite.tables), suite.file):
                print_problems(problems)
                failed += max(number, 1)
                if as_json:
                    print_json("hooks", {"fixture": None, "script": suite.file, "passed": False,
                                         "failures": [each.message for each in problems]})  # fmt: skip
                continue
            for tested in run_fixtures(made, script, suite.paths, suite.params, suite.tables):
                good = not tested.failures
                passed, failed = passed + good, failed + (not good)
                show_tested(tested, suite.file, script.source, script.hook, as_json)
    if not as_json:
        click.echo(f"{passed} passed, {failed} failed")
    raise SystemExit(FINDINGS if failed else DONE)


@hooks.command()
@click.argument("names", nargs=-1, required=True, shell_complete=words.scripts)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a script.")
@click.pass_context
def enable(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Switch scripts on again that failed too often or looked like an attack.

    What was counted against them is forgotten. A script that is still broken will be switched off again: mend it first.
    Exit code 1 where there is no such script.
    """
    from engine.desk.acting import switch_on

    config = open_config(ctx)
    found = {name if name.endswith(".py") else f"{name}.py": switch_on(config, name) for name in names}
    for name, was_off in found.items():
        if was_off is None:
            complain(f"there is no script {name} in {config.hooks.directory.name}")
            continue
        if was_off:
            log_act(ctx, "hooks.enable", name)
        said = f"{name}  is on again" if was_off else f"{name}  was not switched off"
        answer(as_json, "hooks", {"name": name, "was_off": was_off}, said)
    raise SystemExit(FINDINGS if None in found.values() else DONE)


@hooks.command()
@click.argument("names", nargs=-1, required=True, shell_complete=words.scripts)
@click.option("--reason", default="", help="Why; check and explain tell it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a script.")
@click.pass_context
def disable(ctx: click.Context, names: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Switch scripts off: mail that asks them is held until they are switched on again.

    A script runs again once its file differs, too. Exit code 1 where there is no such script.
    """
    from engine.cli.mail import person
    from engine.desk.acting import switch_off

    config = open_config(ctx)
    done = {
        name if name.endswith(".py") else f"{name}.py": switch_off(config, name, person(), reason) for name in names
    }
    for name, was_on in done.items():
        if was_on is None:
            complain(f"there is no script {name} in {config.hooks.directory.name}")
            continue
        if was_on:
            log_act(ctx, "hooks.disable", f"{name} {reason}".strip())
        said = f"{name}  is off: mail that asks it is held" if was_on else f"{name}  was switched off already"
        answer(as_json, "hooks", {"name": name, "was_off": not was_on}, said)
    raise SystemExit(FINDINGS if None in done.values() else DONE)


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
