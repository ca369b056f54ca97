"""What a shell offers for the values of options: names out of the configuration and the engine.

Here: `shell_complete` functions. Not here: the script for the shell (`completion.py`), conditions (`rules.py`).
Invariant: a configuration that does not load offers nothing and says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.common import config_path

if TYPE_CHECKING:
    from engine.config import Config


def mailboxes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of mailboxes."""
    config = _config(ctx)
    return [] if config is None else [box.name for box in config.mailboxes if box.name.startswith(incomplete)]


def workspaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of workspaces."""
    config = _config(ctx)
    return [] if config is None else [name for name in config.workspaces if name.startswith(incomplete)]


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of options."""
    from engine.config import write

    config = _config(ctx)
    return [] if config is None else [each.key for each in write.entries(config) if each.key.startswith(incomplete)]


def scripts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of scripts."""
    config = _config(ctx)
    found = [] if config is None else sorted(path.name for path in config.hooks.directory.glob("*.py"))
    return [name for name in found if name.startswith(incomplete)]


def stages(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of stages."""
    from engine.decision.pipeline import ORDER

    return [name for name in ORDER if name.startswith(incomplete)]


def templates(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of templates."""
    from engine.workbench.templates import names

    config = _config(ctx)
    return [] if config is None else [name for name in names(config) if name.startswith(incomplete)]


def preferences(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What somebody may want to hear by mail, as KEY=VALUE."""
    from engine.model.preferences import PREFERENCES

    pairs = (f"{each.key}={value}" for each in PREFERENCES for value in each.values)
    return [pair for pair in pairs if pair.startswith(incomplete)]


def _config(ctx: click.Context) -> Config | None:
    from engine.config import ConfigError, load

    ctx.find_root().ensure_object(dict)
    try:
        return load(config_path(ctx))
    except ConfigError:
        return None
