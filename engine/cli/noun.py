"""What commands look like to the shell: nouns with their sub-commands, and the options that every command takes.

Here: `Noun`, the common options. Not here: the table of commands (`main.py`), what a command does.
Invariant: a common option means the same before and after the command; help shows whole sentences.
"""

from __future__ import annotations

from typing import Any

import click


class Noun(click.Group):
    """A command with sub-commands, told in the order in which they are written, each in a whole sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return None if command is None else with_common_options(command)

    def summaries(self) -> list[tuple[str, str]]:
        """Name the sub-commands, each with the first sentence of its help."""
        return [(name, _first_sentence(command)) for name, command in self.commands.items()]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(self.summaries())

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            known = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.list_commands(ctx))}"
            raise click.UsageError(f"{ctx.command_path} has no command {args[0]!r}; {known}", ctx) from error


def _first_sentence(command: click.Command) -> str:
    text = " ".join((command.short_help or command.help or "").split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".") + "."


def with_common_options(command: click.Command) -> click.Command:
    """Let a command take `--config`, `-v`, `-q` and `--no-color` behind its name as well."""
    taken = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for option in _common():
        if not taken & set(option.opts):
            command.params.append(option)
    return command


def _common() -> tuple[click.Option, ...]:
    shape: dict[str, Any] = {"expose_value": False, "hidden": True, "callback": _note}
    return (
        click.Option(["--config", "config_file"], metavar="FILE", help="Configuration file.", **shape),
        click.Option(["-v", "--verbose"], count=True, help="Say more.", **shape),
        click.Option(["-q", "--quiet"], is_flag=True, help="Say less.", **shape),
        click.Option(["--no-color"], is_flag=True, help="No colours.", **shape),
    )


def _note(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    """Keep a common option where those before the command stand; the one behind it counts."""
    shared = ctx.find_root().ensure_object(dict)
    if option.name == "config_file" and value:
        shared["config"] = value
    elif option.name in ("verbose", "quiet") and value:
        shared[option.name] = value
    elif value:
        ctx.color = False
