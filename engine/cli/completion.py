"""`allegra completion SHELL`: the script that teaches a shell our commands."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    For bash:  eval "$(allegra completion bash)"  in ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    from engine.cli.main import allegra

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(made(allegra, {}, "allegra", "_ALLEGRA_COMPLETE").source())
