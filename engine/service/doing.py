"""Installing and removing, step by step: the checks, the account, the files, the commands.

Here: the order, and telling of each step. Not here: the texts, whose a file is (`installing.py`), what an installation
comes to (`plan.py`).
Invariant: what stands in the way is found before anything is done; a dry run tells the same steps and takes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.service import installing, plan
from engine.service.installing import Refusal
from engine.service.units import enabled, reader

if TYPE_CHECKING:
    from engine.config import Config
    from engine.service.installing import File
    from engine.service.site import Site

SHALLOW = 2
"""A state folder this near to the root, such as /var, is nobody's to give away."""


class Told(Protocol):
    """Who hears of it. In a dry run nothing is done."""

    dry_run: bool

    def done(self, what: str) -> None:
        """Hear what was done, or would have been."""

    def to_do(self, what: str) -> None:
        """Hear what is left for a person."""

    def shown(self, difference: str) -> None:
        """See what a file is and what it would be."""


def install(
    site: Site, config: Config, files: list[File], mta: str, root: Path | None, told: Told, force: bool
) -> None:
    """Put an installation in place, and start it unless it is for another `root`. Raises Refusal and OSError."""
    for sentence in plan.in_the_way(site) if root is None else ():
        raise Refusal(sentence)
    old = plan.leftovers(site, files, root)
    if not force:
        _refuse_theirs(files, old, told)
    _account(site, root, told)
    if root is None and installing.systemd_runs():
        _command(plan.stopping(site, [path.name for path in old]), told)
    for path in old:
        _take_away(path, told)
    changed = _write(files, told)
    if root is not None:
        return
    if installing.systemd_runs():
        _command(plan.starting(site, changed=changed), told)
    else:
        names = " ".join(enabled(site))
        told.to_do(f"systemd does not run here. Where it does:  {' '.join(plan.systemctl(site))} enable --now {names}")
    for sentence in plan.left_to_do(site, config, mta):
        told.to_do(sentence)
    look = f"status {reader(site)}" if site.watch or site.worker else "list-timers allegra.timer"
    told.to_do(f"see it work:  {' '.join(plan.systemctl(site))} {look}")


def _refuse_theirs(files: list[File], old: list[Path], told: Told) -> None:
    theirs = [file for file, state in installing.changes(files) if state == "theirs"]
    for file in theirs:
        told.shown(installing.difference(file))
    if paths := [*(file.path for file in theirs), *installing.not_ours(old)]:
        names = ", ".join(map(str, paths))
        raise Refusal(f"somebody wrote or changed {names}; nothing was done (--force replaces it)")


def _write(files: list[File], told: Told) -> bool:
    """Write what is new or changed; tell whether anything was."""
    states = [*installing.changes(files)]
    for file, state in states:
        if told.dry_run and state in ("changed", "theirs"):
            told.shown(installing.difference(file))
        if state != "same" and not told.dry_run:
            installing.write(file)
        told.done(f"{'left as it was' if state == 'same' else 'written'} {file.path}")
    return any(state != "same" for _, state in states)


def _account(site: Site, root: Path | None, told: Told) -> None:
    """Make the account, its folders, and give them to it."""
    if not site.account or root is not None:
        return
    if not installing.account_is_there(site.account):
        _command([installing.account_words(site.account, site.folder)], told)
    if not site.state.exists():
        if not told.dry_run:
            site.state.mkdir(mode=0o700, parents=True)
        told.done(f"made {site.state}")
    if told.dry_run and not installing.account_is_there(site.account):
        return
    paths = [site.config, *site.secrets, *([site.state] if len(site.state.parts) > SHALLOW else [])]
    if count := installing.give(paths, site.account, dry_run=told.dry_run):
        told.done(f"given {count} files and folders to {site.account}: {', '.join(map(str, paths))}")


def _command(commands: Sequence[Sequence[str]], told: Told) -> None:
    for words in commands:
        if not told.dry_run:
            installing.run(words)
        told.done(f"run {' '.join(words)}")


def remove(site: Site, root: Path | None, told: Told, force: bool) -> None:
    """Stop an installation and take its files away; database and account stay. Raises Refusal and OSError."""
    paths = plan.there(site, root)
    if not paths:
        raise Refusal("nothing of it is installed")
    if not force and (changed := installing.not_ours(paths)):
        names = ", ".join(map(str, changed))
        raise Refusal(f"somebody wrote or changed {names}; nothing was done (--force takes it away as well)")
    runs = root is None and installing.systemd_runs()
    if runs:
        _command(plan.stopping(site, [path.name for path in paths]), told)
    for path in paths:
        _take_away(path, told)
    if runs:
        _command([[*plan.systemctl(site), "daemon-reload"]], told)
    told.to_do(f"{site.config}, the database and the account {site.account or 'of yours'} are still there")


def _take_away(path: Path, told: Told) -> None:
    if not told.dry_run:
        path.unlink()
    told.done(f"removed {path}")
