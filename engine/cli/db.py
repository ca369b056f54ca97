"""`allegra db`: look after the database.

Here: the commands of the noun. Not here: copying into another database (`db_copy.py`).
"""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.common import USAGE, complain, exit_codes, log_act, open_config, open_store, print_json
from engine.cli.db_copy import copy
from engine.cli.noun import Noun
from engine.cli.progress import Work

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.soundness import Examined
    from engine.store.store import Store


BACKUP = "write a copy of it with  pg_dump --format=custom --file={file} '{url}'  and keep {secret} beside that copy"
CHECK = "the server looks after it; pg_amcheck of PostgreSQL reads all of it:  pg_amcheck '{url}'"
RESTORE = (
    "stop what works on it, then  pg_restore --clean --if-exists --dbname='{url}' {file}  puts a copy of pg_dump in "
    "place (psql runs one of plain text); {secret} has to be that of then"
)
"""What to do in place of commands that know files of SQLite; the server asks for the password, or ~/.pgpass has it."""


@click.group(cls=Noun)
def db() -> None:
    """Upgrade, back up, check and prune the database."""


@db.command()
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=30.0, show_default=True, metavar="SECONDS",
              help="How long to wait for a running pass.")  # fmt: skip
@click.option("--anew", is_flag=True, help="Make an empty database although there was one here and it is gone.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def migrate(ctx: click.Context, wait_s: float, anew: bool, as_json: bool) -> None:
    """Make the database, or bring its schema up to date. Every other command does it too when it is needed."""
    from engine.store import migrations
    from engine.store.place import Url
    from engine.store.store import Store

    config = open_config(ctx)
    with exit_codes(), Work("upgrading") as told:
        where = config.store.where
        if isinstance(where, Url) and anew:
            raise click.UsageError("--anew is for a file; an empty database on a server is made by createdb")
        done = migrations.migrate(where, wait_s, anew=anew, told=told)
        if isinstance(where, Url):
            with Store.open(where, upgrade_wait_s=wait_s) as store:
                _bells(store)
    if as_json:
        print_json("db", {"path": str(where), "version": done.version, "steps": done.steps})
    else:
        took = f"took {', '.join(done.steps)}" if done.steps else "nothing to do"
        click.echo(f"{where}: schema {done.version}, {took}")


@db.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def backup(ctx: click.Context, target: Path, as_json: bool) -> None:
    """Write a consistent copy of the database to FILE, readable by its owner only, while others go on working.

    The secret that signs reply addresses and what is remembered of scripts are in it, too. allegra.toml, rules, scripts
    and templates are not: keep them as you keep other configuration.
    """
    from engine.desk.state_files import state_files

    config = open_config(ctx)
    _file_of(config, BACKUP, target)
    with open_store(ctx, config) as store, Work("copying") as told:
        done = store.archive.backup(target, state_files(config), told)
    if as_json:
        print_json("db", {"path": str(target), "bytes": done.size_bytes, "files": list(done.files)})
    else:
        along = f", with {', '.join(done.files)}" if done.files else ""
        click.echo(f"{target}: {done.size_bytes} bytes{along}")


def _bells(store: Store) -> None:
    """Make what rings for workers, where the package is there that hears it."""
    if find_spec("procrastinate") is not None:
        from engine.worker.loop import make_tables

        make_tables(store.database)


def _file_of(config: Config, instead: str, copy: Path = Path()) -> Path:
    """The file of the database; where a server has it, say what to do `instead` with a copy and end with 64."""
    with exit_codes():
        where = config.store.where
    if isinstance(where, Path):
        return where
    told = instead.format(url=where, file=shlex.quote(str(copy)), secret=config.instance.secret_file)
    complain(f"the database is on a server: {told}")
    raise SystemExit(USAGE)


@db.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="[FILE]", required=False)
@click.option("--mails", is_flag=True, help="Read the bytes of every mail as well, and compare them with their digest.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def check(ctx: click.Context, file: Path | None, mails: bool, as_json: bool) -> None:
    """Look whether the database, or the backup FILE, is whole: pages, references, and what its tables promise.

    It only reads, while others go on working, and ends with 1 where something is wrong.
    """
    from engine.store import soundness
    from engine.store.migrations import STEPS

    path = file or _file_of(open_config(ctx), CHECK)
    with exit_codes(), Work("reading mails") as told:
        found = soundness.examine(path, len(STEPS), read_mails=mails, told=told)
    if as_json:
        print_json("db", {"path": str(path), "whole": not found.findings, "version": found.version, "rows": found.rows,
                          "mails_read": found.mails_read, "promises": found.promises,
                          "findings": [{"count": each.count, "what": each.what, "named": list(each.named),
                                        "remedy": each.remedy} for each in found.findings]})  # fmt: skip
    else:
        _print_examined(path, found)
    if found.findings:
        ctx.exit(1)


def _print_examined(path: Path, found: Examined) -> None:
    for each in found.findings:
        click.echo(f"{path}: {f'{each.count} ' if each.count else ''}{each.what}")
        if each.named:
            more = ", …" if each.count > len(each.named) else ""
            click.echo(f"  {', '.join(each.named)}{more}")
    for remedy in dict.fromkeys(each.remedy for each in found.findings):
        click.echo(f"  {remedy}")
    if not found.findings:
        read = f", {found.mails_read} mails and attachments read" if found.mails_read else ""
        older = (
            "" if found.promises else f"; schema {found.version} is not that of this release: promises not looked at"
        )
        click.echo(f"{path}: whole, {found.rows} rows{read}{older}")


@db.command()
@click.argument("backup", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@click.option("--send-queued", is_flag=True, help="Send what was queued when the backup was written; else it is held.")
@click.option("--gap", type=click.IntRange(0, 1_000_000_000), default=1000, show_default=True, metavar="N",
              help="Numbers of items left out, for those given since the backup.")  # fmt: skip
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=30.0, show_default=True, metavar="SECONDS",
              help="How long to wait for a running pass.")  # fmt: skip
@click.option("--commit", is_flag=True, help="Do it; without this, only look at the file.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def restore(
    ctx: click.Context, backup: Path, send_queued: bool, gap: int, wait_s: float, commit: bool, as_json: bool
) -> None:
    """Put a backup in place of the database. What stood there is kept beside it.

    Mail that was queued may have been sent since: it is held. Items that were made since are gone, but people know
    their numbers: the next ones are given above a gap. Then `allegra mailbox reconcile NAME` finds the mails that came
    after the backup; it tells nobody of them again.
    """
    from engine.desk.state_files import state_files
    from engine.store import reading, restoring

    config = open_config(ctx)
    path = _file_of(config, RESTORE, backup)
    with exit_codes():
        if not commit:
            reading.readable(backup)
            told: dict[str, object] = {"path": str(path), "backup": str(backup), "done": False}
            said = f"{backup} is a whole backup; --commit puts it in place of {path}"
        else:
            done = restoring.restore(
                path, backup, send_queued=send_queued, gap=gap, wait_s=wait_s, places=state_files(config)
            )
            told = {"path": str(path), "backup": str(backup), "done": True, "held": done.held,
                    "next_item": done.next_item, "kept": str(done.kept or ""), "files": list(done.files)}  # fmt: skip
            kept = f"what stood there is in {done.kept}\n" if done.kept else ""
            kept += f"put back: {', '.join(done.files)}\n" if done.files else ""
            said = (f"{path} is what {backup} was; {kept}{done.held} mails that were queued are held; the next item is "
                    f"#{done.next_item}\nnow: allegra mailbox reconcile NAME --commit, for each mailbox")  # fmt: skip
    if as_json:
        print_json("db", told)
    else:
        click.echo(said)


@db.command()
@click.option("--commit", is_flag=True, help="Do it; without this, only tell what would go.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def prune(ctx: click.Context, commit: bool, as_json: bool) -> None:
    """Let go of mails and traces older than store.archive keeps, and of rows of the outbox older than outbox.keep.

    Attachments and bodies that items show are kept, and so is every row that waits or that somebody should look at.
    """
    from engine.desk import acting

    config = open_config(ctx)
    with open_store(ctx, config) as store, Work("letting go") as told:
        pruned = acting.prune(config, store, commit=commit, told=told)
    if commit:
        log_act(ctx, "db.prune", f"{pruned.mails} mails")
    if as_json:
        print_json("db", {"mails": pruned.mails, "bytes": pruned.bytes, "traces": pruned.traces,
                          "outbox": pruned.outbox, "done": commit})  # fmt: skip
    else:
        verb = "went" if commit else "would go (--commit does it)"
        rows = f"{pruned.outbox} rows of the outbox"
        click.echo(f"{pruned.mails} mails ({pruned.bytes} bytes), {pruned.traces} traces and {rows} {verb}")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def recount(ctx: click.Context, as_json: bool) -> None:
    """Count anew what became of mails, who wrote them and which rules matched.

    `allegra db check` tells if that is needed. Receipts are kept for good. Hits of rules are told by traces: those of
    decisions whose trace was let go of are not counted any more.
    """
    from engine.desk import acting

    with open_store(ctx) as store, Work("counting") as told:
        done = acting.recount(store, told)
    log_act(ctx, "db.recount", f"{done.mails} mails")
    if as_json:
        print_json("db", {"mails": done.mails, "decisions": done.decisions, "untraced": done.untraced})
    else:
        untraced = f"; {done.untraced} have no trace any more: their rules are not counted" if done.untraced else ""
        click.echo(f"{done.mails} mails with {done.decisions} decisions{untraced}")


db.add_command(copy)
