"""`allegra rules`: list, try, test, compare, format and import rules; what the language knows.

Here: options and printing. Not here: the language (`rules/`), stored mail (`workbench/rule_usage.py`), tests
(`workbench/rule_tests.py`).
Invariant: nothing here changes the database; only `fmt` writes files, and only rule files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    open_config,
    open_store,
    print_json,
    print_problems,
    print_table,
    when,
)
from engine.cli.noun import Noun
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.rulebook.book import Rulebook
    from engine.run.engine import Engine
    from engine.workbench.rule_tests import Runner
    from rules.run import RuleFile


@click.group(cls=Noun)
def rules() -> None:
    """List, try, test and format rules."""


@rules.command("list")
@click.option("--last", default="90d", show_default=True, metavar="TIME", help="Count hits of this time, such as 30d.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a rule.")
@click.pass_context
def list_(ctx: click.Context, last: str, as_json: bool) -> None:
    """List the rules of all files, with their hits."""
    from engine.workbench.rule_usage import hits, listed

    since = _since(last)
    config, book = _book(ctx)
    files, found = book.rules.files.values(), None
    if config.store.path.exists():
        with open_store(ctx, config) as store:
            found = hits(store, since)
    rows = []
    for each in listed(files, found):
        file, rule = each.file.file, each.rule
        if as_json:
            print_json(
                "rules",
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


@rules.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a field.")
def fields(as_json: bool) -> None:
    """List what conditions can ask about a mail."""
    from engine.rulebook.sight import FIELDS, KEYED

    table = (*FIELDS, *(make("...") for make in KEYED.values()))
    if as_json:
        for each in table:
            print_json("rules", {"field": each.name, "type": each.type.value, "about": each.about,
                                 "values": list(each.choices), "example": each.example})  # fmt: skip
        return
    print_table(
        ("field", "holds", "what it is"), [(each.name, each.type.value, each.about) for each in table], limit=70
    )


@rules.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object an action.")
def actions(as_json: bool) -> None:
    """List what rules can do, and the fields of an item that `set` knows."""
    from engine.rulebook.actions import ACTIONS, SETTINGS

    if as_json:
        for each in ACTIONS:
            print_json("rules", {"action": each.sentence, "about": each.about, "decides": each.slot.value,
                                 "system_only": each.privileged})  # fmt: skip
        for setting in SETTINGS:
            print_json("rules", {"set": setting.name, "kind": setting.kind, "about": setting.about,
                                 "aliases": list(setting.aliases)})  # fmt: skip
        return
    print_table(("action", "what it does"), [(each.sentence, each.about) for each in ACTIONS], limit=120)
    click.echo()
    print_table(("set", "kind", "what it is"), [(each.name, each.kind, each.about) for each in SETTINGS])


def _next_words(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers for a condition that is begun."""
    import re

    from engine.rulebook.actions import declared
    from rules.complete import completions

    begun = incomplete[: len(incomplete) - len(re.search(r"[\w.]*\Z", incomplete)[0])]  # type: ignore[index]
    return [begun + word for word in completions(incomplete, "condition", declared())]


@rules.command("try")
@click.argument("condition", shell_complete=_next_words)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--last", default="30d", show_default=True, metavar="TIME", help="Without files: the stored mail of this time."
)
@click.option("--workspace", default="", metavar="NAME", help="With the lists and definitions of its file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail that matches, then the numbers.")
@click.pass_context
def try_(ctx: click.Context, condition: str, files: tuple[Path, ...], last: str, workspace: str, as_json: bool) -> None:
    """Ask CONDITION about mails: those in FILES, or the stored ones.

    The lists and definitions of the system file (or of --workspace) can be used.
    """
    from engine.workbench.rule_usage import condition_file, condition_problems

    since = _since(last)
    config, book = _book(ctx)
    beside = book.rules.files.get(chosen_workspace(config, workspace))
    schema = book.vocabulary.schema
    document = beside.document if beside is not None else None
    problems = condition_problems(condition, document, schema)
    if problems:
        print_problems(problems)
        raise SystemExit(FINDINGS)
    file = condition_file(condition, document, schema)
    if files:
        matched = _try_files(config, book, file, files, as_json)
        raise SystemExit(DONE if matched else FINDINGS)
    with _engine(ctx, config) as engine:
        _try_stored(engine, book, file, since, as_json)


def _try_files(config: Config, book: Rulebook, file: RuleFile, paths: tuple[Path, ...], as_json: bool) -> int:
    """Print the tree of the condition for each file; gives how many match."""
    from engine.workbench.rule_sources import from_file
    from rules import explain
    from rules.run import Ledger, evaluate

    matched = 0
    for path in paths:
        mail, facts = from_file(config, path)
        trace = evaluate(file, book.vocabulary.values(mail, facts), facts.thread.item is not None, Ledger()).trace
        matched += bool(trace.hits)

        def text(_: str) -> str:
            return file.document.text

        if as_json:
            told = explain.as_json(trace, text)["rules"][0]
            tree = rule_lines.moved(told["tree"], -file.document.places.slice(("rule", 0, "when"), 0, 1)[0])
            print_json("rules", {"file": str(path), "matched": told["matched"], "tree": tree})
            continue
        leaves = explain.opened(file, book.vocabulary.values(mail, facts))
        click.echo(f"{'✔' if trace.hits else '✘'} {path}   {printable(mail.subject, 60)}")
        for line in explain.lines(trace, text, True, leaves)[1:]:
            if not line.lstrip().startswith("→"):
                click.echo(line)
    return matched


def _try_stored(engine: Engine, book: Rulebook, file: RuleFile, since: datetime, as_json: bool) -> None:
    from engine.workbench.rule_usage import Tally, matching

    tally, now = Tally(), datetime.now(UTC)
    examples: list[tuple[str, ...]] = []
    for mail, matched in matching(engine, book.vocabulary, file, since):
        tally.count(mail, matched, now)
        if not matched:
            continue
        if as_json:
            print_json("rules", {"mail": mail.mail, "from": mail.sender, "subject": mail.subject,
                                 "received_at": mail.received_at.isoformat()})  # fmt: skip
        elif len(examples) < 10:
            examples.append((mail.mail[:8], when(mail.received_at), mail.sender, mail.subject))
    if as_json:
        print_json("rules", {"summary": {"matches": tally.matches, "mails": tally.mails}})
        return
    bars = tally.by_week
    line = f"   {rule_lines.sparkline(bars)} by week" if tally.matches and len(bars) > 1 else ""
    click.echo(f"matches {tally.matches} of {tally.mails} mail{'s' if tally.mails != 1 else ''}{line}")
    print_table(("mail", "received", "from", "subject"), examples, limit=50)


@rules.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a test, then the numbers.")
@click.pass_context
def test(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Run the [[test]]s beside the rules (of FILES, else of all rule files)."""
    failed = total = 0
    for file, runner in _runners(ctx, files):
        results = list(runner.run())
        total += len(results)
        failed += sum(not result.passed for result in results)
        if as_json:
            for result in results:
                print_json("rules", {"file": file.file, "test": result.test.name, "line": result.test.line,
                                     "passed": result.passed, "because": list(result.lines)})  # fmt: skip
            continue
        click.echo(f"{file.file:<20} {len(results)} test{'s' if len(results) != 1 else ''}")
        for result in results:
            click.echo(f"  {'✔' if result.passed else '✘'} {result.test.name}")
            for line in result.lines:
                click.echo(f"      {printable(line)}")
        if results:
            click.echo(rule_lines.covered(file, runner))
    if as_json:
        print_json("rules", {"summary": {"passed": total - failed, "failed": failed}})
    else:
        click.echo(f"{total - failed} passed, {failed} failed" + ("   → exit 1" if failed else ""))
    raise SystemExit(FINDINGS if failed else DONE)


@rules.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a condition.")
@click.pass_context
def coverage(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """List the conditions that no test sees true, or none sees false."""
    gaps = 0
    for file, runner in _runners(ctx, files):
        list(runner.run())
        for rule, condition, ways in runner.coverage.conditions(file):
            gaps += bool(ways)
            if as_json:
                print_json("rules", {"file": file.file, "rule": rule.name, "condition": condition, "never": ways})
            elif ways:
                place = f"{file.file}:{rule.line}  {rule.label}"
                click.echo(f"{place}   never {' or '.join(ways)}:  {printable(condition)}")
        if not as_json:
            click.echo(rule_lines.covered(file, runner))
    raise SystemExit(FINDINGS if gaps else DONE)


@rules.command()
@click.option("--last", default="30d", show_default=True, metavar="TIME", help="Over the stored mail of this time.")
@click.option("--against", default="deployed", show_default=True, metavar="WHAT",
              help="deployed (rules of the newest decisions), archive (what was decided) or a folder.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail that ends otherwise, then the numbers.")
@click.pass_context
def diff(ctx: click.Context, last: str, against: str, as_json: bool) -> None:
    """Show what the rule files as they are now would change for stored mail."""
    import time

    from engine.workbench import rule_changes

    since = _since(last)
    config, _ = _book(ctx)
    began = time.monotonic()
    with _engine(ctx, config) as after:
        try:
            found, called = rule_changes.against(after, against, since)
        except NotADirectoryError as error:
            raise click.UsageError(str(error)) from None
        except rule_changes.NotDeployed as error:
            complain(f"{error}; try --last 90d or --against FOLDER")
            raise SystemExit(FINDINGS) from None
    if as_json:
        for each in (*found.outcomes, *found.fields):
            print_json("rules", each)
        print_json("rules", {"summary": {"mails": found.total, "outcomes": len(found.outcomes),
                                         "fields": len(found.fields), "unchanged": found.unchanged}})  # fmt: skip
        return
    rule_lines.print_diff(found, called, last, time.monotonic() - began)


@rules.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only tell which files would change.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.pass_context
def fmt(ctx: click.Context, files: tuple[Path, ...], check: bool, as_json: bool) -> None:
    """Bring rule files (FILES, else all of the configuration) into their usual shape; comments stay."""
    from rules.format import formatted

    if not files:
        from engine.rulebook.book import files as rule_files

        files = tuple(path for _, path in rule_files(open_config(ctx)))
    changed = broken = 0
    for path in files:
        text = path.read_text(encoding="utf-8")
        fresh = formatted(path.name, text)
        broken += fresh is None
        differs = fresh is not None and fresh != text
        changed += differs
        if fresh is None:
            complain(f"{path} is not TOML; see  allegra check")
        elif differs and not check:
            path.write_text(fresh, encoding="utf-8")
        if as_json:
            print_json("rules", {"file": str(path), "changed": differs, "toml": fresh is not None})
        elif differs:
            click.echo(f"{path}  {'would change' if check else 'formatted'}")
    raise SystemExit(FINDINGS if broken or (check and changed) else DONE)


@rules.command("import")
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
        text = translate(file.read(), dict(folder.rsplit("=", 1) for folder in folders))
    except SieveFault as fault:
        complain(f"{file.name}:{fault.line}: {fault.message}")
        raise SystemExit(FINDINGS) from None
    left = text.count("# not translated:")
    if as_json:
        print_json("rules", {"from": dialect, "text": text, "not_translated": left})
    else:
        click.echo(text, nl=False)
        if left:
            many = (
                f"{left} parts were not translated; they stand" if left > 1 else "1 part was not translated; it stands"
            )
            complain(f"{many} in the file as a comment")


@rules.command()
@click.argument("text", default="")
@click.option("--action", is_flag=True, help="TEXT is the beginning of an action, not of a condition.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def complete(text: str, action: bool, as_json: bool) -> None:
    """List the words that may follow TEXT, the beginning of a condition or an action."""
    from engine.rulebook.actions import declared
    from rules.complete import completions

    found = completions(text, "action" if action else "condition", declared())
    if as_json:
        print_json("rules", {"text": text, "words": list(found)})
    elif found:
        click.echo("\n".join(found))
    else:
        complain("nothing can follow that")
    raise SystemExit(DONE if found else FINDINGS)


# ── what they share ───────────────────────────────────────────────────────────────────────────────────────────


def _since(last: str) -> datetime:
    from engine.workbench.rule_usage import since

    try:
        return since(last, datetime.now(UTC))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _book(ctx: click.Context) -> tuple[Config, Rulebook]:
    """The configuration and its rules; with errors in a rule file, print them and stop."""
    from engine.workbench.rule_sources import Unsound, sound

    config = open_config(ctx)
    try:
        return config, sound(config)
    except Unsound as unsound:
        print_problems(unsound.problems)
        raise SystemExit(FINDINGS) from None


@contextmanager
def _engine(ctx: click.Context, config: Config) -> Iterator[Engine]:
    """An engine over the stored mail; nothing it decides is kept."""
    from engine.run.engine import Engine

    with open_store(ctx, config) as store:
        engine = Engine(config, store)
        try:
            yield engine
        finally:
            engine.close()


def _runners(ctx: click.Context, paths: tuple[Path, ...]) -> Iterator[tuple[RuleFile, Runner]]:
    """A runner for every rule file: those named, else those of the configuration."""
    from engine.workbench.rule_sources import Unsound, chosen, fetch
    from engine.workbench.rule_tests import Runner

    config, book = _book(ctx)
    try:
        for file in chosen(config, book, paths):
            yield file, Runner(config, book.vocabulary, file, lambda name: fetch(config, name))
    except Unsound as unsound:
        print_problems(unsound.problems)
        raise SystemExit(FINDINGS) from None
