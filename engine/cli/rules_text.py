"""`allegra rules fmt`, `import` and `complete`: the texts of rule files.

Here: options and printing. Not here: the language (`rules/`), writing rule files (`rulebook/usual.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.common import DONE, FINDINGS, complain, open_config, print_json


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only tell which files would change.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.pass_context
def fmt(ctx: click.Context, files: tuple[Path, ...], check: bool, as_json: bool) -> None:
    """Bring rule files (FILES, else all of the configuration) into their usual shape; comments stay."""
    from engine.rulebook.usual import shape

    if not files:
        from engine.rulebook.book import files as rule_files

        files = tuple(path for _, path in rule_files(open_config(ctx)))
    changed = broken = 0
    for each in shape(files, write=not check):
        broken += not each.is_toml
        changed += each.differs
        if not each.is_toml:
            complain(f"{each.path} is not TOML; see  allegra check")
        if as_json:
            print_json("rules.fmt", {"file": str(each.path), "changed": each.differs, "toml": each.is_toml})
        elif each.differs:
            click.echo(f"{each.path}  {'would change' if check else 'formatted'}")
    raise SystemExit(FINDINGS if broken or (check and changed) else DONE)


@click.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "--from", "dialect", type=click.Choice(["sieve"]), default="sieve", show_default=True, help="What FILE is."
)
@click.option("--map", "folders", multiple=True, metavar="FOLDER=WORKSPACE", help="Which workspace a folder becomes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the text.")
def import_(file: Any, dialect: str, folders: tuple[str, ...], as_json: bool) -> None:
    """Translate the Sieve script FILE (- is standard input) and print a rule file."""
    from rules.sieve_import import SieveFault, translate

    if bad := [folder for folder in folders if "=" not in folder]:
        raise click.UsageError(f"--map {bad[0]}: write FOLDER=WORKSPACE")
    try:
        made = translate(file.read(), dict(folder.rsplit("=", 1) for folder in folders))
    except SieveFault as fault:
        complain(f"{file.name}:{fault.line}: {fault.message}")
        raise SystemExit(FINDINGS) from None
    left = made.left
    if as_json:
        print_json("rules.import", {"from": dialect, "text": made.text, "not_translated": left})
    else:
        click.echo(made.text, nl=False)
        if left:
            many = (
                f"{left} parts were not translated; they stand" if left > 1 else "1 part was not translated; it stands"
            )
            complain(f"{many} in the file as a comment")


@click.command()
@click.argument("text", default="")
@click.option("--action", is_flag=True, help="TEXT is the beginning of an action, not of a condition.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def complete(text: str, action: bool, as_json: bool) -> None:
    """List the words that may follow TEXT, the beginning of a condition or an action."""
    from engine.rulebook.actions import declared
    from rules.complete import completions

    found = completions(text, "action" if action else "condition", declared())
    if as_json:
        print_json("rules.complete", {"text": text, "words": list(found)})
    elif found:
        click.echo("\n".join(found))
    else:
        complain("nothing can follow that")
    raise SystemExit(DONE if found else FINDINGS)
