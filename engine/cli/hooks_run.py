"""`allegra hooks run`, `try` and `diff`: scripts tried out on a case or on stored mail.

Here: options and printing. Not here: which question a stored mail is (`workbench/script_runs.py`).
Invariant: nothing is kept, nothing is counted against a script.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.common import (
    DONE,
    FINDINGS,
    USAGE,
    complain,
    exit_codes,
    open_config,
    open_store,
    print_json,
    print_problems,
)
from engine.cli.hooks_show import result_json, show
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from hooks.sandbox import Result

HOOKS = click.Choice(["guard", "activity"])


def parameters(config: Config) -> tuple[str, str]:
    """Read the parameter file; where it does not load, say so and exit 1."""
    from engine.workbench.script_check import read_parameters

    texts, problems = read_parameters(config)
    if problems:
        print_problems(problems)
        raise SystemExit(FINDINGS)
    return texts


@click.command()
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
    """Run SCRIPT once: a file on a --case, or a script of the configuration on the stored mail REF.

    Nothing is kept or counted. Exit code 1 where the script does not compile.
    """
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
    result = on_case(script, made, "trace" if trace else "")
    show(result, script.script, str(path), trace, as_json)
    raise SystemExit(_status(result))


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
    texts = parameters(config)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        row = store.archive.mail(ref)
        raw = looking.raw(store, row.mail)
        result = on_stored(engine, script.script, texts, raw, row.mail, "trace" if trace else "")
    show(result, script.script, path.name, trace, as_json)
    raise SystemExit(_status(result))


@click.command("try")
@click.argument("ref")
@click.option("--as", "login", default="", metavar="LOGIN", help="Only where this person may read the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a script.")
@click.pass_context
def try_(ctx: click.Context, ref: str, login: str, as_json: bool) -> None:
    """Run every script of the configuration on the stored mail REF.

    Each sees the mail as it came, those that are off are run as well. Nothing is kept or counted. Exit code 1 where
    there is no such mail, or one of them does not compile.
    """
    from engine.desk import looking
    from engine.desk.doing import readable
    from engine.run.engine import Engine
    from engine.workbench.script_runs import all_on_stored

    config = open_config(ctx)
    texts, worst = parameters(config), DONE
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine, exit_codes():
        sight = readable(engine, login)
        row = looking.seen(store, ref, sight)
        raw = looking.raw(store, row.mail)
        for each, script, result in all_on_stored(engine, texts, raw, row.mail, sight):
            if as_json:
                said = {"script": each.name, "hook": each.hook, "state": each.state, "verdict": result.verdict}
                print_json("hooks.run", {**said, **result_json(result, each.hook)})
            else:
                show(result, script.script, each.name, trace=False, as_json=False)
            worst = max(worst, _status(result))
    raise SystemExit(worst)


def _status(result: Result) -> int:
    return FINDINGS if result.outcome == "compile-error" else DONE


@click.command()
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
    pairs, texts = list(versions(config, names, old)), parameters(config)
    mails = changes = 0
    with (
        open_store(ctx, config) as store,
        closing(Engine(config, store)) as engine,
        sandbox(config) as made,
    ):
        for mail, differences in compared(engine, made, pairs, texts, last):
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
