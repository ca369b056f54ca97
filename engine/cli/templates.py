"""`allegra templates`: the texts of outgoing mail, seen, copied, checked and tried."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.common import (
    DONE,
    FINDINGS,
    answer,
    chosen_workspace,
    complain,
    exit_codes,
    open_config,
    print_json,
    print_problems,
    save,
    terminal_columns,
    usage,
)
from engine.cli.noun import Noun
from engine.cli.paint import paint
from engine.cli.shown import print_table
from engine.plain_text import isolated, printable, safe_line
from rules.problem import Severity

if TYPE_CHECKING:
    from engine.workbench.template_trial import Tried

WORKSPACE = click.option(
    "--workspace", metavar="NAME", shell_complete=words.workspaces, help="As mail of this workspace uses it."
)
LANGUAGE = click.option("--language", metavar="CODE", default="", help="As in de; that of the installation otherwise.")
JSON = click.option("--json", "as_json", is_flag=True, help="As a JSON object.")


@click.group(cls=Noun)
def templates() -> None:
    """List, show, copy, check and try the texts of outgoing mail."""


@templates.command("list")
@WORKSPACE
@click.option("--json", "as_json", is_flag=True, help="One JSON object a template and language.")
@click.pass_context
def list_(ctx: click.Context, workspace: str | None, as_json: bool) -> None:
    """List the templates: the languages, where each comes from, what sends it."""
    from engine.workbench import templates as bench

    config = open_config(ctx)
    found = bench.listed(config, chosen_workspace(config, workspace))
    if as_json:
        for each in found:
            for language in each.languages or ("",):
                print_json("template", _data(each.name, language, each.origin, each.used_by))
        return
    rows = [
        (each.name, bench.in_short(each.languages), each.origin, ", ".join(each.used_by) or "nothing") for each in found
    ]
    print_table(("name", "languages", "from", "used by"), rows, limit=200 if terminal_columns() else 1000)


@templates.command()
@click.argument("name", shell_complete=words.templates)
@LANGUAGE
@WORKSPACE
@JSON
@click.pass_context
def show(ctx: click.Context, name: str, language: str, workspace: str | None, as_json: bool) -> None:
    """Print the text of a template as it is written; layout.html is the HTML around all mail."""
    from engine.workbench import templates as bench

    config = open_config(ctx)
    with exit_codes(), usage():
        found = bench.text(config, name, language, chosen_workspace(config, workspace))
    if as_json:
        print_json("template", {**_data(found.name, found.language, found.origin, found.used_by), "text": found.text})
        return
    click.echo(
        paint("head", f"{found.name} {found.language}".strip() + f"   from: {printable(found.origin)}"), err=True
    )
    click.echo(found.text, nl=not found.text.endswith("\n"))


@templates.command()
@click.argument("name", shell_complete=words.templates)
@LANGUAGE
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write it there; replies.directory otherwise.")  # fmt: skip
@click.option("--workspace", metavar="NAME", shell_complete=words.workspaces, help="For this workspace only.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@JSON
@click.pass_context
def copy(
    ctx: click.Context, name: str, language: str, to: Path | None, workspace: str | None, force: bool, as_json: bool
) -> None:  # fmt: skip
    """Write the text built in to a file, for you to edit.

    The file takes the place of what is built in at once.
    """
    from engine.workbench import templates as bench

    config = open_config(ctx)
    if to is not None and workspace:
        raise click.UsageError("--to names the folder, --workspace a folder in replies.directory: give one of them")
    with exit_codes(), usage():
        file = bench.copy(config, name, language, to, chosen_workspace(config, workspace), force=force)
    name, language = file.stem.rpartition(".")[::2] if file.suffix == ".txt" else (file.name, "")
    answer(as_json, "template", {"name": name, "language": language, "from": str(file), "done": "written"},
           f"{file}: written")  # fmt: skip


@templates.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Look through all template files, and for templates that settings and rules name and that are not there.

    Exit codes: 0 nothing is wrong, 1 there is an error.
    """
    from engine.workbench import templates as bench

    checked = list(bench.checked(open_config(ctx)))
    problems = [problem for each in checked for problem in each.problems]
    if as_json:
        for each in checked:
            print_json("template", {"checked": each.name, "ok": each.sound, "problems": each.problems})
    else:
        print_problems(problems)
        files = sum(each.summary != "" for each in checked)
        said = f"{files} file{'' if files == 1 else 's'} looked through"
        click.echo(f"{said}, {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}")
    raise SystemExit(FINDINGS if any(each.severity is Severity.ERROR for each in problems) else DONE)


@templates.command()
@click.argument("name", shell_complete=words.templates)
@click.option("--item", type=click.IntRange(1), metavar="N", help="About this item.")
@click.option("--mail", metavar="REF", default="", help="About this mail.")
@click.option("--to", metavar="WHO", default="", help="A login or an address; who would get it otherwise.")
@WORKSPACE
@LANGUAGE
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write its HTML there.")
@JSON
@click.pass_context
def preview(
    ctx: click.Context, name: str, item: int | None, mail: str, to: str, workspace: str | None, language: str,
    html: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the mail that a template makes; nothing is sent and nothing is recorded.

    Without an item or a mail it tells of a sample. Exit codes: 0 done, 1 the template fails: then the text built in is
    shown, which would go out in its place.
    """
    from engine.workbench.template_trial import About, store_of, tried

    if item and mail:
        raise click.UsageError("--item or --mail: give one of them")
    config = open_config(ctx)
    about = About(item or 0, mail, to, chosen_workspace(config, workspace), language)
    with exit_codes(), store_of(config) as store, usage():
        made = tried(config, store, name, about, datetime.now(UTC))
    if html is not None:
        save(html, made.html.encode(), over=True)
    if as_json:
        print_json("template", {"name": name, "language": language or None, **_as_data(made)})
    else:
        _print(made, html)
    if made.replaced:
        complain(f"{made.replaced}; what is built in would go out in its place")
    raise SystemExit(FINDINGS if made.replaced else DONE)


def _data(name: str, language: str, origin: str, used_by: tuple[str, ...]) -> dict[str, Any]:
    return {"name": name, "language": language or None, "from": origin, "used_by": used_by}


def _as_data(made: Tried) -> dict[str, Any]:
    files = [{"name": name, "type": kind, "size": size} for name, kind, size in made.files]
    return {"headers": made.headers, "text": made.text, "html": made.html or None, "files": files,
            "replaced": made.replaced or None}  # fmt: skip


def _print(made: Tried, html: Path | None) -> None:
    for name, value in made.headers:
        click.echo(f"{paint('head', name)}: {isolated(printable(value))}")
    click.echo()
    for line in made.text.rstrip("\n").split("\n"):
        click.echo(isolated(safe_line(line)))
    for name, kind, size in made.files:
        click.echo(f"[{printable(name)}  {kind}  {size} bytes]")
    if html is not None:
        click.echo(f"its HTML: {html}" if made.html else "it has no HTML", err=True)
