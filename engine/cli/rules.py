"""`allegra rules`: list and try rules, compare them with others, tell what the language knows.

Here: options and printing. Not here: the language (`rules/`), stored mail (`workbench/rule_usage.py`), the commands
about its words (`rules_words.py`), the texts of rule files (`rules_text.py`) and their tests (`rules_tested.py`).
Invariant: nothing here changes the database or a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import rule_lines
from engine.cli.common import (
    DONE,
    FINDINGS,
    chosen_workspace,
    complain,
    exit_codes,
    open_store,
    print_json,
    print_problems,
)
from engine.cli.noun import Noun
from engine.cli.paint import state
from engine.cli.progress import Work
from engine.cli.rules_tested import coverage, sound_rules, test
from engine.cli.rules_text import complete, fmt, import_
from engine.cli.rules_words import actions, fields
from engine.cli.shown import print_table, when
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.sight import Sight
    from engine.rulebook.book import Rulebook
    from engine.run.engine import Engine
    from rules.run import RuleFile


@click.command("list")
@click.option("--last", default="90d", show_default=True, metavar="TIME", help="Count hits of this time, such as 30d.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a rule.")
@click.pass_context
def list_(ctx: click.Context, last: str, as_json: bool) -> None:
    """List the rules of all files, with their hits."""
    from engine.store.place import there
    from engine.workbench.rule_usage import hits, listed

    since = _since(last)
    config, book = sound_rules(ctx)
    files, found = book.rules.files.values(), None
    if there(config.store.where):
        with open_store(ctx, config) as store:
            found = hits(store, since)
    rows = []
    for each in listed(files, found):
        file, rule = each.file.file, each.rule
        if as_json:
            print_json(
                "rules.list",
                {"file": file, "line": rule.line, "number": rule.number, "name": rule.name, "on": rule.on,
                 "enabled": rule.enabled, "shadow": rule.shadow, "owner": rule.owner, "hits": each.hits,
                 "until": rule.until.isoformat() if rule.until else None,
                 "last_hit": each.last_hit.isoformat() if each.last_hit else None},
            )  # fmt: skip
        rows.append((f"{file}:{rule.line}", rule.number, rule.name, each.state, each.hits, when(each.last_hit)))
    if not as_json:
        print_table(("file", "no", "rule", "on", "hits", "last hit"), rows, "there are no rules", limit=44)
        for idle_in in files:
            print_problems(_idle(idle_in, found))


def _idle(file: RuleFile, found: Any) -> Iterator[Any]:
    from engine.workbench.rule_usage import DAYS_UNTIL_IDLE, idle

    if found is not None:
        yield from idle(file, found, datetime.now(UTC) - timedelta(days=DAYS_UNTIL_IDLE))


def _next_words(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers for a condition that is begun."""
    import re

    from engine.rulebook.actions import declared
    from rules.complete import completions

    begun = incomplete[: len(incomplete) - len(re.search(r"[\w.]*\Z", incomplete)[0])]  # type: ignore[index]
    return [begun + word for word in completions(incomplete, "condition", declared())]


_as_option = click.option(
    "--as", "login", default="", metavar="LOGIN", help="Only stored mail whose text this person may read."
)


@click.command("try")
@click.argument("condition", shell_complete=_next_words)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--last", default="30d", show_default=True, metavar="TIME", help="Without files: the stored mail of this time."
)
@click.option("--workspace", default="", metavar="NAME", help="With the lists and definitions of its file.")
@_as_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail that matches, then the numbers.")
@click.pass_context
def try_(
    ctx: click.Context, condition: str, files: tuple[Path, ...], last: str, workspace: str, login: str, as_json: bool
) -> None:
    """Ask CONDITION about mails: those in FILES, or the stored ones.

    The lists and definitions of the system file (or of --workspace) can be used.
    """
    from engine.workbench.rule_usage import condition_file, condition_problems

    since = _since(last)
    config, book = sound_rules(ctx)
    beside = book.rules.files.get(chosen_workspace(config, workspace))
    schema = book.vocabulary.schema
    document = beside.document if beside is not None else None
    problems = condition_problems(condition, document, schema)
    if problems:
        print_problems(problems)
        raise SystemExit(FINDINGS)
    file = condition_file(condition, document, schema)
    if files:
        with exit_codes():
            matched = _try_files(config, book, file, files, as_json)
        raise SystemExit(DONE if matched else FINDINGS)
    with _engine(ctx, config) as engine:
        _try_stored(engine, book, file, since, _readable(engine, login), as_json)


def _try_files(config: Config, book: Rulebook, file: RuleFile, paths: tuple[Path, ...], as_json: bool) -> int:
    """Print the tree of the condition for each file; gives how many match."""
    from engine.workbench.rule_usage import on_files
    from rules import explain

    matched = 0
    for asked in on_files(config, book.vocabulary, file, paths):
        path, trace = asked.path, asked.trace
        matched += bool(trace.hits)

        def text(_: str) -> str:
            return file.document.text

        if as_json:
            told = explain.as_json(trace, text)["rules"][0]
            tree = rule_lines.moved(told["tree"], -file.document.places.slice(("rule", 0, "when"), 0, 1)[0])
            print_json("rules.try", {"file": str(path), "matched": told["matched"], "tree": tree})
            continue
        click.echo(f"{state('✔' if trace.hits else '✘')} {path}   {printable(asked.mail.subject, 60)}")
        for line in explain.lines(trace, text, True, asked.leaves)[1:]:
            click.echo(line)
    return matched


def _try_stored(engine: Engine, book: Rulebook, file: RuleFile, since: datetime, sight: Sight, as_json: bool) -> None:
    from engine.workbench.rule_usage import Tally, matching

    tally, now = Tally(), datetime.now(UTC)
    examples: list[tuple[str, ...]] = []
    with Work("asking") as work:
        for mail, matched in matching(engine, book.vocabulary, file, since, sight, work):
            tally.count(mail, matched, now)
            if not matched:
                continue
            if as_json:
                print_json("rules.try", {"mail": mail.mail, "from": mail.sender, "subject": mail.subject,
                                     "received_at": mail.received_at.isoformat()})  # fmt: skip
            elif len(examples) < 10:
                examples.append((mail.mail[:8], when(mail.received_at), mail.sender, mail.subject))
    if as_json:
        print_json("rules.try", {"summary": {"matches": tally.matches, "mails": tally.mails}})
        return
    bars = tally.by_week
    line = f"   {rule_lines.sparkline(bars)} by week" if tally.matches and len(bars) > 1 else ""
    click.echo(f"matches {tally.matches} of {tally.mails} mail{'s' if tally.mails != 1 else ''}{line}")
    print_table(("mail", "received", "from", "subject"), examples, limit=50)


@click.command()
@click.option("--last", default="30d", show_default=True, metavar="TIME", help="Over the stored mail of this time.")
@click.option("--against", default="deployed", show_default=True, metavar="WHAT",
              help="deployed (rules of the newest decisions), archive (what was decided) or a folder.")  # fmt: skip
@click.option(
    "--rules",
    "rules_directory",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="FOLDER",
    help="The rule files of this folder in place of those that are there.",
)
@_as_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail that ends otherwise, then the numbers.")
@click.pass_context
def diff(ctx: click.Context, last: str, against: str, rules_directory: Path | None, login: str, as_json: bool) -> None:
    """Show what the rule files as they are now would change for stored mail."""
    import time

    from engine.workbench import rule_changes

    since = _since(last)
    config, _ = sound_rules(ctx, rules_directory)
    began = time.monotonic()
    with _engine(ctx, config, rules_directory) as after, Work("deciding") as work:
        try:
            found, called = rule_changes.against(after, against, since, _readable(after, login), work)
        except NotADirectoryError as error:
            raise click.UsageError(str(error)) from None
        except rule_changes.NotDeployed as error:
            complain(f"{error}; try --last 90d or --against FOLDER")
            raise SystemExit(FINDINGS) from None
    if as_json:
        for each in found.all:
            print_json("rules.diff", each)
        print_json("rules.diff", {"summary": {"mails": found.total, "outcomes": len(found.outcomes),
                                         "fields": len(found.fields), "unchanged": found.unchanged}})  # fmt: skip
        return
    rule_lines.print_diff(found, called, last, time.monotonic() - began)


# ── what they share ───────────────────────────────────────────────────────────────────────────────────────────


def _since(last: str) -> datetime:
    from engine.workbench.rule_usage import since

    try:
        return since(last, datetime.now(UTC))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def _engine(ctx: click.Context, config: Config, rules: Path | None = None) -> Iterator[Engine]:
    """An engine over the stored mail; nothing it decides is kept."""
    from engine.run.engine import Engine

    with open_store(ctx, config) as store, closing(Engine(config, store, rules)) as engine:
        yield engine


def _readable(engine: Engine, login: str) -> Sight:
    """The stored mail that somebody may read; all of it for whoever has the files."""
    from engine.desk.doing import readable

    with exit_codes():
        return readable(engine, login)


@click.group(cls=Noun)
def rules() -> None:
    """List, try, test and format rules."""


for _command in (list_, fields, actions, try_, test, coverage, diff, fmt, import_, complete):
    rules.add_command(_command)
