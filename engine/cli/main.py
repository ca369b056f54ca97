"""`allegra`: the table of commands and what all of them share.

Here: which command lives in which file, the common options, the last safety net for errors.
Not here: what a command does. A command's module is imported only when that command runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import __version__
from engine.cli.noun import Noun, with_common_options

if TYPE_CHECKING:
    from engine.model.extra import Extra

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Make a demo in ./allegra-demo and run it."),
    "init": ("init:init", "Find the server of an address, write an allegra.toml, make its database."),
    "run": ("run:run", "One pass over all active mailboxes (for cron)."),
    "worker": ("worker:worker", "Stay, and share the work with other workers (PostgreSQL)."),
    "deliver": ("deliver:deliver", "Take one mail from standard input (for an MTA)."),
    "lmtp": ("lmtp:lmtp", "Take mail from a mail server by LMTP."),
    "serve": ("serve:serve", "Take mail from programs by HTTP."),
    "console": ("console:console", "Serve the web console."),
    "explain": ("explain:explain", "Tell what became of a mail, and why."),
    "mail": ("mail:mail", "Search mails and act on one."),
    "held": ("held:held", "List, show, release, reject or discard held mail; make its sender known."),
    "item": ("item:item", "Look at items, answer them, give them to somebody, change and close them."),
    "topic": ("topic:topic", "Look at topics, write below them, lock them."),
    "outbox": ("outbox:outbox", "List what is to be sent and what was not; send again, hold or drop it."),
    "templates": ("templates:templates", "List, show, copy, check and try the texts of outgoing mail."),
    "log": ("log:log", "Print what happened, and follow it."),
    "replay": ("replay:replay", "Put mails through the pipeline again."),
    "parse": ("parse:parse", "Show what the engine sees in a mail."),
    "admin": ("admin:admin", "Load users, workspaces and items from a file."),
    "import": ("imports:import_", "Come from another system: its settings, threads in flight, people."),
    "user": ("user:user", "Add, list and lock users; say what they hear by mail."),
    "person": ("person:person", "Forget a person."),
    "group": ("group:group", "Add and list groups."),
    "role": ("role:role", "List what members may do."),
    "workspace": ("workspace:workspace", "Add and list workspaces."),
    "check": ("check:check", "Check configuration, rules, hooks, templates and database."),
    "rules": ("rules:rules", "List, try, test and format rules."),
    "hooks": ("hooks:hooks", "Check, test and run hook scripts."),
    "mailbox": ("mailbox:mailbox", "List, test and peek into mailboxes."),
    "health": ("health:health", "Tell on one line whether all is well (for Nagios and Prometheus)."),
    "stats": ("stats:stats", "Count mails, events and what was not sent."),
    "install-timer": (
        "install_timer:install_timer",
        "Let the machine read mail by itself (systemd, cron, mail servers).",
    ),
    "config": ("config:config", "Show the effective configuration."),
    "db": ("db:db", "Upgrade, back up and prune the database."),
    "help": ("help:help", "Print a page of the documents, or what a code means."),
    "completion": ("completion:completion", "Print the completion script for a shell."),
    "version": ("version:version", "Print the version."),
}


class LazyCommands(Noun):
    """A group that imports a command's module when the command is asked for, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"engine.cli.{module}"), attribute)
        return with_common_options(command)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever reads has read enough, as `head` does; click would call it a failure
            from engine.cli.common import reader_left

            if not reader_left():  # it was another pipe
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the end
            return 0

    def summaries(self) -> list[tuple[str, str]]:
        return [(name, summary) for name, (_, summary) in COMMANDS.items()]


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar="ALLEGRA_CONFIG",
    help="Configuration file (default: allegra.toml).",
)
@click.option("-v", "--verbose", count=True, help="Say more.")
@click.option("-q", "--quiet", is_flag=True, help="Say less.")
@click.option("--no-color", is_flag=True, help="No colours (also NO_COLOR; FORCE_COLOR for always).")
@click.version_option(__version__, prog_name="allegra")
@click.pass_context
def allegra(ctx: click.Context, config_file: str | None, verbose: int, quiet: bool, no_color: bool) -> None:
    """Turn incoming mail into work items.

    The options below may stand before or behind the command.
    """
    ctx.obj = {**(ctx.obj or {}), "config": config_file, "verbose": verbose, "quiet": quiet}
    ctx.color = _colours(no_color)


def _colours(no_color: bool) -> bool | None:
    """Tell whether colours are wanted, None where the terminal decides: no-color.org, force-color.org."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR", "0") not in ("", "0") else None


def main(extra: Extra | None = None) -> None:
    """Run the command line and exit with a code of `docs/cli.md`.

    A host that adds words to the rules (`extra`) gives its users this, so that every command knows them.
    """
    _sound()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character gets a question mark
            stream.reconfigure(errors="replace")
    try:
        status = allegra.main(prog_name="allegra", standalone_mode=False, obj={"extra": extra})
    except click.UsageError as error:
        error.show()
        status = 64
    except click.Abort:
        click.echo("stopped", err=True)
        status = 75
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except OverflowError:  # a number that no database holds, a time before the year 1
        click.echo("allegra: a number or a time in the command is too large", err=True)
        status = 64
    except OSError as error:  # a folder that may not be written, a disk that is full
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        click.echo(f"allegra: {where}{error.strerror or error}", err=True)
        status = 69
    except Exception as error:  # what says where the database is
        from engine.config import SecretError

        if isinstance(error, SecretError):
            click.echo(f"allegra: {error}", err=True)
            sys.exit(69)
        raise
    sys.exit(status if isinstance(status, int) else 0)


def _sound() -> None:
    """Refuse to start with somebody else's `rules` or `hooks`: common names, another package may hide ours."""
    home = Path(__file__).resolve().parents[2]
    for name in ("rules", "hooks"):
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.origin or Path(spec.origin).resolve().parents[1] != home:
            where = spec.origin if spec is not None else "nowhere"
            click.echo(f"allegra: the package {name!r} that Python finds ({where}) is not ours;", err=True)
            click.echo("  install into an environment of its own and start it from another folder", err=True)
            sys.exit(69)
