"""`allegra health`: is everything well? For Nagios and its like, as JSON, and for Prometheus.

Here: options, what is gathered, printing, the exit code. Not here: the judgement (`desk/health.py`), the figures
(`store/figures.py`), names for Prometheus (`desk/metrics.py`).
Invariant: exactly one line on standard output, and a code of 0 to 3, whatever happens; nothing is upgraded or made.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import config_path, extra_of, print_json
from engine.cli.spans import Span
from engine.desk.health import CODES, LAG_S, Check, Seen, Status, ending, judge, line, worst
from engine.desk.staff import staffed

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.metrics import Totals
    from engine.model.figures import Figures
    from engine.store.store import Store


BUSY_S = 5.0
"""How long it waits for a database that is locked: monitoring itself waits for ten seconds and no longer."""


class Probe(click.Command):
    """A command whose wrong usage is UNKNOWN, as monitoring calls it."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            click.echo(f"UNKNOWN - {error.format_message()}")
            raise SystemExit(CODES[Status.UNKNOWN]) from None


@click.command(cls=Probe)
@click.option("--max-lag", type=Span(), default=f"{LAG_S / 60:.0f}min", show_default=True, metavar="TIME",
              help="Warn of so long without a pass that went well; of four times that it is critical.")  # fmt: skip
@click.option("--textfile", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Also write FILE for the node exporter of Prometheus.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every check.")
@click.pass_context
def health(ctx: click.Context, max_lag: float, textfile: Path | None, as_json: bool) -> None:
    """Tell on one line whether all is well, as Nagios reads it.

    Exit codes: 0 OK, 1 WARNING, 2 CRITICAL (also where the configuration or the database does not open), 3 UNKNOWN.
    """
    now = datetime.now(UTC)
    try:
        checks, figures, totals = _looked(ctx, max_lag, now, counting=textfile is not None)
    except Exception as error:
        said = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        checks, figures, totals = [Check("health", Status.UNKNOWN, said)], None, None
    if textfile is not None:
        checks += _textfile(textfile, checks, figures, totals, now)
    answer = worst(checks)
    if as_json:
        print_json("health", {"status": answer, "checks": checks})
    else:
        click.echo(line(checks))
    raise SystemExit(CODES[answer])


def _looked(
    ctx: click.Context, max_lag: float, now: datetime, *, counting: bool
) -> tuple[list[Check], Figures | None, Totals | None]:
    from msgspec.structs import replace

    from engine.config import ConfigError, SecretError, load
    from engine.store.errors import StoreError
    from engine.store.store import Store

    try:
        config = replace(load(config_path(ctx)), extra=extra_of(ctx))
    except ConfigError as error:
        said = f"{error.problems[0].file}: {error.problems[0].message}"
        return [Check("configuration", Status.CRITICAL, said)], None, None
    try:
        with Store.open(config.store.where, create=False, migrate=False, busy_s=BUSY_S) as store:
            give_up = config.smtp.give_up_after if config.smtp is not None else 5 * 86_400.0
            figures = store.figures.now(now, give_up)
            checks = judge(figures, _seen(config, store, max_lag, now), now)
            checks += staffed(store.figures.staff(now), now)
            return [*checks], figures, _counted(store, config) if counting else None
    except (StoreError, SecretError) as error:
        return [Check("database", Status.CRITICAL, str(error))], None, None


def _counted(store: Store, config: Config) -> Totals:
    from engine.desk.metrics import count

    return count(store, config.instance.state_dir)


def _seen(config: Config, store: Store, max_lag: float, now: datetime) -> Seen:
    """Look at files, at doors, directories and at the disk."""
    from engine.doors.probe import doors
    from engine.model.stored import keyless, missing
    from engine.run import room
    from engine.run.alive import life
    from engine.workbench.hearers import unheard
    from engine.workbench.sound import broken

    open_doors = doors(config)  # the door for programs looks at its keys when it is asked
    keys = config.root.http.keys if config.root.http is not None else {}
    troubles = store.troubles.all() if config.directories or keys else {}
    return Seen(
        config.mailboxes,
        broken(config),
        unheard(config, store),
        open_doors,
        room.free(config),
        room.wanted(config),
        max_lag,
        ending(config, now),
        tuple([(name, troubles.get(missing(name))) for name in config.directories]),
        tuple([(name, troubles.get(keyless(name))) for name in keys]),
        life(config.beside),
        life(config.beside, "console"),
    )


def _textfile(
    path: Path, checks: list[Check], figures: Figures | None, totals: Totals | None, now: datetime
) -> list[Check]:
    """Write the file; that it cannot be written is a finding, too."""
    from engine.desk.metrics import Totals, text, write

    try:
        write(path, text(checks, figures, totals or Totals(), now))
    except OSError as error:
        return [Check("textfile", Status.UNKNOWN, f"{path} cannot be written: {error.strerror}")]
    return []
