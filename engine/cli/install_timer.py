"""`allegra install-timer`: let the machine read mail by itself, by systemd or by cron.

Here: options and printing. Not here: the texts and how they are put in place (`service/`).
Invariant: `--print` and `--dry-run` change nothing; what is done is told line by line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engine.cli.common import FINDINGS, complain, config_path, open_config, print_json

if TYPE_CHECKING:
    from engine.config import Config
    from engine.service.installing import File
    from engine.service.site import Site

SHORTEST_S = 10

IDLE = {
    "cron": ("printing", "dry_run", "remove", "watch", "worker", "lmtp", "console", "mta", "credentials", "root",
             "force"),
    "printing": ("dry_run", "remove", "force"),
    "remove": ("every", "watch", "worker", "lmtp", "console", "mta", "credentials", "program"),
    "own": ("account",),
    "watch": ("every",),
    "worker": ("every", "watch"),
}  # fmt: skip
"""Options that do nothing beside another one."""


def _every(ctx: click.Context, option: click.Parameter, said: str) -> int:
    from engine.config.kinds import read_duration
    from engine.config.section import Wrong

    try:
        seconds = read_duration(said)
    except Wrong as wrong:
        raise click.BadParameter(wrong.sentence) from None
    if not SHORTEST_S <= seconds <= 86400:
        raise click.BadParameter(f"from {SHORTEST_S} s to a day")
    return int(seconds)


def _account_name(ctx: click.Context, option: click.Parameter, said: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", said):
        raise click.BadParameter("small letters, digits, - and _")
    return said


def _credential(ctx: click.Context, option: click.Parameter, said: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    found = []
    for each in said:
        name, _, file = each.partition("=")
        if not name.replace("-", "").replace("_", "").isalnum() or not file.startswith("/"):
            raise click.BadParameter(f"{each!r}: write NAME=FILE, with the whole path of the file")
        found.append((name, Path(file)))
    return tuple(found)


@click.command("install-timer")
@click.option("--print", "printing", is_flag=True, help="Print the files, each behind its name, and write nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, with the differences, and do nothing.")
@click.option("--remove", is_flag=True, help="Stop it and take the files away; database and account stay.")
@click.option(
    "--every", metavar="TIME", default="2 min", callback=_every, show_default=True, help="Time between passes."
)
@click.option("--watch", is_flag=True, help="A service that waits for mail, in place of the timer.")
@click.option("--worker", is_flag=True, help="A service that is one of several workers (PostgreSQL), in its place.")
@click.option("--lmtp", is_flag=True, help="Also a door for mail servers (allegra lmtp), opened by systemd.")
@click.option("--console", is_flag=True, help="Also the web console (allegra console).")
@click.option(
    "--mta", type=click.Choice(["postfix", "exim"]), help="Also what this mail server needs to hand mail over."
)
@click.option("--cron", is_flag=True, help="Print a line for cron in place of all that.")
@click.option("--user", "own", is_flag=True, help="Units of your own (systemctl --user), without an account.")
@click.option(
    "--account",
    default="allegra",
    show_default=True,
    metavar="NAME",
    callback=_account_name,
    help="Who it runs as; made if missing.",
)
@click.option("--credential", "credentials", multiple=True, metavar="NAME=FILE", callback=_credential,
              help="A secret that systemd hands to the units.")  # fmt: skip
@click.option("--program", type=click.Path(path_type=Path), help="The allegra to start (default: this one).")
@click.option(
    "--root", type=click.Path(path_type=Path), help="Write below this folder and start nothing, for packages."
)
@click.option("--force", is_flag=True, help="Replace files that somebody changed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
@click.pass_context
def install_timer(
    ctx: click.Context, /, printing: bool, dry_run: bool, remove: bool, cron: bool, mta: str | None, root: Path | None,
    force: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Read mail by itself from now on: a timer of systemd, a service that waits for mail, or a worker.

    As root it makes the account, gives it the database, writes the units and starts them. Doing it twice changes
    nothing; files that somebody changed are left alone and shown.
    """
    from engine.service import doing, plan

    _refuse_idle(ctx)
    config = open_config(ctx)
    if given["worker"] and not remove and config.store.driver == "sqlite":
        said = "workers share a database on a server, and this one is a file (store.driver in allegra.toml)"
        raise click.UsageError(f"--worker: {said}; --watch reads mail as it comes")
    site = _site(config_path(ctx), config, given)
    if root is None and not remove:
        _refuse_no_program(site.program)
    if cron:
        _print_cron(site, as_json)
        return
    files = plan.files(site, mta or "", root)
    if printing:
        _print(site, files, mta or "", as_json)
        return
    if site.account and root is None and not dry_run and os.geteuid() != 0:
        complain("this needs root; --print and --dry-run do not, and --user installs for you alone")
        raise SystemExit(FINDINGS)
    told = _Told(dry_run, as_json)
    with _refusals():
        if remove:
            doing.remove(site, root, told, force)
        else:
            doing.install(site, config, files, mta or "", root, told, force)
    told.end()


def _refuse_idle(ctx: click.Context) -> None:
    """Refuse what was typed and would do nothing."""
    names = {option.name: option.opts[0] for option in ctx.command.params}
    typed = {name for name in names if ctx.get_parameter_source(name or "") is ParameterSource.COMMANDLINE}
    for ruling, idle in IDLE.items():
        for option in idle if ruling in typed else ():
            if option in typed:
                raise click.UsageError(f"{names[option]} does nothing with {names[ruling]}")
    if {"own", "mta"} <= typed:
        raise click.UsageError("--mta needs an account: a mail server hands mail to no program of --user")


def _refuse_no_program(program: Path) -> None:
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise click.UsageError(f"there is no program {program}: name the allegra to start with --program")


class _Told:
    """What was done, printed as it is done, or kept for JSON."""

    def __init__(self, dry_run: bool, as_json: bool) -> None:
        self.dry_run, self.as_json = dry_run, as_json
        self.did: list[str] = []
        self.next: list[str] = []

    def done(self, what: str) -> None:
        self.did.append(what)
        if not self.as_json:
            click.echo(f"{'would have ' if self.dry_run and not what.startswith('left') else ''}{what}")

    def to_do(self, what: str) -> None:
        self.next.append(what)
        if not self.as_json:
            click.echo(("\n" if len(self.next) == 1 else "") + f"next: {what}")

    def shown(self, difference: str) -> None:
        if not self.as_json:
            click.echo(difference, err=not self.dry_run)

    def end(self) -> None:
        if self.as_json:
            print_json("install-timer", {"dry_run": self.dry_run, "did": self.did, "next": self.next})


@contextmanager
def _refusals() -> Iterator[None]:
    from engine.service.installing import Refusal

    try:
        yield
    except Refusal as refusal:
        complain(str(refusal))
        raise SystemExit(FINDINGS) from None


def _site(file: Path, config: Config, given: dict[str, Any]) -> Site:
    from engine.service.site import Site, program, secrets_beside, written_into

    smtp = config.smtp
    return Site(
        program=(given["program"] or program()).absolute(),
        config=file.absolute(),
        state=config.instance.state_dir,
        writable=written_into(config),
        account="" if given["own"] else given["account"],
        every_s=given["every"],
        watch=given["watch"],
        worker=given["worker"],
        lmtp=given["lmtp"],
        console=given["console"],
        rules=config.root.rules.directory if config.root.rules.directory.is_dir() else None,
        credentials=given["credentials"],
        setgid=smtp is not None and smtp.transport == "sendmail",
        mail_group=_mail_group(),
        secrets=secrets_beside(config, file.absolute().parent),
        addresses=tuple(dict.fromkeys(address for box in config.mailboxes for address in box.addresses)),
    )


def _mail_group() -> str:
    """The group of the mail server on this machine, "" where there is none."""
    import grp

    for name in ("postfix", "Debian-exim", "exim"):
        try:
            return grp.getgrnam(name).gr_name
        except KeyError:
            continue
    return ""


def _print_cron(site: Site, as_json: bool) -> None:
    from engine.config.kinds import show_duration
    from engine.service import pieces

    if nearest := pieces.uneven(site.every_s):
        said = f"cron cannot keep {show_duration(site.every_s)} evenly"
        raise click.BadParameter(f"{said}: write {' or '.join(map(show_duration, nearest))}", param_hint="--every")
    line = pieces.cron(site)
    if as_json:
        print_json("install-timer", {"cron": line.rstrip()})
    else:
        click.echo(line, nl=False)


def _print(site: Site, files: Sequence[File], mta: str, as_json: bool) -> None:
    from engine.service.installing import headed
    from engine.service.plan import MTAS

    texts = {str(file.path): file.marked for file in files}
    if mta:
        texts |= {f"for {place}": text for place, text in MTAS[mta](site).items()}
    if as_json:
        print_json("install-timer", {"files": texts})
    else:
        click.echo(headed(texts), nl=False)
