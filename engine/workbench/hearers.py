"""Does anybody hear? Held mail and new items that nobody is told of, answers that nobody reads.

Here: what `allegra check` finds about it (C173, C174, C175), and `unheard`, which monitoring asks. Not here: who hears
of what happens (`decision/considered.py`).
Invariant: only looks; nobody is missed while the database is still empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from engine.model.addresses import bare
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.store import Store


def problems(config: Config, store: Store) -> tuple[Problem, ...]:
    """Everything that is doubted."""
    return tuple(map(config.source.problem, (*_from_elsewhere(config), *_nobody(config, store))))


def unheard(config: Config, store: Store) -> tuple[str, ...]:
    """A sentence for each place where something happens and nobody is told."""
    return tuple(each.message for each in _nobody(config, store))


def _warning(code: str, said: str, path: KeyPath, advice: str) -> Finding:
    return Finding(code, said, path, advice, on_key=True, severity=Severity.WARNING)


def _nobody(config: Config, store: Store) -> Iterator[Finding]:
    there = {each.workspace for each in store.items.workspaces()}
    if not there:
        return
    admins = bool(store.still.admins())
    reached = admins or bool(config.system.owner)
    for name, workspace in config.workspaces.items():
        if not (workspace.owner or config.settings(name).errors.forward_to or reached):
            said = f"nobody hears of mail that is held in {name}"
            places = f'owner = "…"  in [workspace.{name}] or [system], or  forward_to = […]  in [errors]'
            advice = f"write  {places}, or make an admin"
            yield _warning("C173", said, ("workspace", name), advice)
        if name in there and not (admins or workspace.owner or store.still.members(name)):
            said = f"nobody hears of new items in {name}: no account may edit them, no owner, no admin with an address"
            advice = f'write  owner = "…"  in [workspace.{name}], or give a role: allegra role list,  '
            advice += f"allegra workspace add {name} --member WHO=ROLE"
            yield _warning("C174", said, ("workspace", name), advice)


def _from_elsewhere(config: Config) -> Iterator[Finding]:
    """Mail that comes from an address whose domain has no mailbox of ours: what is written back there is lost."""
    domains = {_domain(address) for box in config.mailboxes if box.active for address in box.addresses}
    for name in ("", *config.workspaces) if domains else ():
        own = config.root.replies if not name else config.root.workspace[name].replies
        if "from_" in own.written and own.from_ and _domain(bare(own.from_)) not in domains:
            said = f"no mailbox that we read is in the domain of {bare(own.from_)}: answers to it may not come back"
            path: KeyPath = ("workspace", name, "replies", "from") if name else ("replies", "from")
            yield Finding("C175", said, path, f"read one of {', '.join(sorted(domains))}, or see that its mail is "
                          "forwarded there", severity=Severity.WARNING)  # fmt: skip


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
