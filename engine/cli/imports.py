"""`allegra import`: come from another system, with its settings, its threads and its people.

Here: options and printing. Not here: reading what the other system wrote (`moving/`).
Invariant: what is wrong in a file is told with its line, all of it at once, and then nothing is brought in (exit 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import FINDINGS, log_act, open_store, print_json, print_problems
from engine.cli.noun import Noun
from engine.cli.progress import Work
from engine.cli.shown import print_table
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.moving.people import Brought
    from engine.moving.settings.translate import Translated
    from engine.store.load import Tally

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ENCODING = click.option(
    "--encoding",
    default="utf-8",
    show_default=True,
    metavar="NAME",
    help="What the bytes of FILE mean, such as cp1252; a mark at its beginning says more.",
)


@click.group("import", cls=Noun)
def import_() -> None:
    """Come from another system: with its settings, its threads in flight, its people."""


@contextmanager
def told() -> Iterator[None]:
    """Tell all that is wrong with a file, and end with 1."""
    from engine.store.load import LoadError

    try:
        yield
    except LoadError as error:
        print_problems(error.problems)
        raise SystemExit(FINDINGS) from None
    except LookupError as error:
        if "encoding" not in str(error):
            raise
        raise click.UsageError(str(error)) from None


def show(tallies: dict[str, Tally], dry_run: bool, as_json: bool, schema: str) -> None:
    """Print what was added, changed and there already."""
    if as_json:
        for name, tally in tallies.items():
            counts = {"added": tally.added, "changed": tally.changed, "same": tally.same}
            print_json(schema, {"table": name, **counts, "dry_run": dry_run})
        return
    rows = [(name, tally.added, tally.changed, tally.same) for name, tally in tallies.items()]
    print_table(("table", "added", "changed", "same"), rows, "there is nothing in this file")
    if dry_run:
        click.echo("nothing was changed: this was a dry run", err=True)


@import_.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--from", "system", required=True, type=click.Choice(["openproject", "redmine", "itop", "eventum"]),
              help="Whose settings FILES are.")  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write it there, never over a file; else it is printed.")  # fmt: skip
@ENCODING
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the text, and what is left to do.")
def settings(files: tuple[Path, ...], system: str, output: Path | None, encoding: str, as_json: bool) -> None:
    """Make an allegra.toml of the mail settings of another system: shell lines, variables, YAML, XML, PHP, SQL, CSV.

    What has no counterpart stands in it as a comment with the reason. Passwords are never copied: variables hold them.
    """
    from engine.cli.common import save
    from engine.moving.settings.given import read
    from engine.moving.settings.translate import translate

    with told():
        given = [each for file in files for each in read(file, encoding)]
        made = translate(given, system, output or Path("allegra.toml"))
    if output is not None:
        save(output, made.text.encode())
    if as_json:
        print_json("import.settings", {"from": system, "text": made.text, "left": list(made.left)})
    elif output is None:
        click.echo(made.text, nl=False)
    for sentence in _to_do(made, output):
        click.echo(printable(sentence), err=True)


def _to_do(made: Translated, output: Path | None) -> Iterator[str]:
    """What is left to do, and what `allegra check` finds: in a folder of its own, because it opens databases."""
    from tempfile import TemporaryDirectory

    from engine.config import parse
    from engine.workbench.checks import look
    from rules.problem import Severity

    if made.left:
        yield "left to do:"
        yield from (f"  - {each}" for each in made.left)
    with TemporaryDirectory() as folder:
        config = parse(made.text, Path(folder) / "allegra.toml", {})
        found = [problem for checked in look(config) for problem in checked.problems]
    serious = [each for each in found if each.severity is not Severity.INFO]
    if serious:
        yield "allegra check says of it:"
        yield from (f"  - {each.message}" for each in serious)
    yield f"then: allegra check --online{f'   ({output})' if output else ''}"


@import_.command()
@click.argument("file", type=FILE)
@click.option("--format", "form", type=click.Choice(["csv", "ldif", "vcard"]), default=None,
              help="What FILE is, unless its name says so; csv: JSON lines as well.")  # fmt: skip
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS",
              help="What the column of a login, name, mail, group … is called there.")  # fmt: skip
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group that all of them join; repeatable.")
@click.option("--no-groups", is_flag=True, help="Leave out the groups that stand in FILE.")
@click.option("--update", is_flag=True, help="Also change who is there already; else they stay as they are.")
@ENCODING
@click.option("--dry-run", is_flag=True, help="Only tell what would change, person by person.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a person that changes, and one a table.")
@click.pass_context
def people(
    ctx: click.Context, file: Path, form: str | None, columns: tuple[str, ...], groups: tuple[str, ...],
    no_groups: bool, update: bool, encoding: str, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Bring in people and their groups from FILE: CSV, LDIF (Active Directory too) or vCard.

    With anything wrong in the file nobody is brought in. Addresses and groups are added, never taken away.
    """
    from engine.moving.people import Wishes, bring_in
    from engine.moving.persons import COLUMNS

    named = dict(each.partition("=")[::2] for each in columns)
    if bad := [each for each in columns if each.partition("=")[0] not in COLUMNS or not each.partition("=")[2]]:
        raise click.UsageError(f"--column {bad[0]}: write OURS=THEIRS; ours are {', '.join(COLUMNS)}")
    wishes = Wishes(form or "", groups, no_groups, update, encoding, named)
    with told(), open_store(ctx) as store:
        brought = bring_in(store, file, wishes, dry_run=dry_run)
    if not dry_run and brought.changes:
        log_act(ctx, "import.people", file.name)
    for each in brought.changes if dry_run or as_json else ():
        if as_json:
            print_json("import.people", {"login": each.login, "done": each.done, **each.values, "dry_run": dry_run})
        else:
            click.echo(printable(f"{'+' if each.done == 'added' else '~'} {each.login}  {_said(each.values)}"))
    for sentence in _left(brought):
        click.echo(printable(sentence), err=True)
    show(brought.tallies, dry_run, as_json, "import.people")


def _said(values: dict[str, Any]) -> str:
    return "  ".join(f"{name}: {', '.join(said) if isinstance(said, list) else said}" for name, said in values.items())


def _left(brought: Brought) -> Iterator[str]:
    """What of the file was passed over, in sentences."""
    if brought.there:
        stay = "are there already and stay as they are" if brought.there > 1 else "is there already and stays as it is"
        yield f"{brought.there} {stay}; --update changes them"
    if brought.others:
        yield f"no people, or without an address: {brought.others}"
    if brought.unread:
        yield f"columns that say nothing here: {', '.join(brought.unread[:20])}"


@import_.command()
@click.argument("file", type=FILE)
@click.option("--from", "system", type=click.Choice(["openproject", "redmine", "itop", "eventum"]), default=None,
              help="Whose bare numbers stand in FILE.")  # fmt: skip
@click.option("--field", default="", metavar="NAME", help="Items stand there by the value of this field of theirs.")
@click.option("--update", is_flag=True, help="A marker may come to mean another item than it did.")
@ENCODING
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def threads(
    ctx: click.Context, file: Path, system: str | None, field: str, update: bool, encoding: str, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Bring in which item the Message-IDs, numbers and references of another system mean, from FILE (CSV, JSON lines).

    A row has a marker and the item here. With anything wrong nothing is brought in; twice changes nothing.
    """
    from engine.moving.threads import bring_in

    with told(), open_store(ctx) as store, Work("threads") as work:
        tally = bring_in(
            store, file, system=system or "", field=field, encoding=encoding, again=update, dry_run=dry_run, told=work
        )
    if not dry_run and (tally.added or tally.changed):
        log_act(ctx, "import.threads", file.name)
    show({"markers": tally}, dry_run, as_json, "import.threads")
