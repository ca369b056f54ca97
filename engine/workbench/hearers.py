"""Does anybody hear? Held mail and new items that nobody is told of, people no mail reaches, answers nobody reads.

Here: what `allegra check` finds about it (C173 to C176), and `unheard`, which monitoring asks. Not here: who hears
of what happens (`decision/considered.py`).
Invariant: only looks; nobody is missed while the database is still empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from engine.model.addresses import bare, base_key, key_of
from engine.model.desk import Account, AccountStatus
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
    way = _Way(config, store)
    admins = any(not way.barred(each) for each in store.still.admins())
    reached = admins or way.leads(config.system.owner)
    for name, workspace in config.workspaces.items():
        owner = way.leads(workspace.owner)
        if owner and (person := store.still.person(bare(workspace.owner))) and not _wants(config, store, person, name):
            said = f"nobody hears of mail that is held in {name}: its owner {person.login} prefers not"
            advice = f"allegra user notify {person.login} held=yes, or name another owner"
            yield _warning("C173", said, ("workspace", name, "owner"), advice)
        if not (owner or any(map(way.leads, config.settings(name).errors.forward_to)) or reached):
            said = f"nobody hears of mail that is held in {name}"
            places = f'owner = "…"  in [workspace.{name}] or [system], or  forward_to = […]  in [errors]'
            advice = f"write  {places}, or make an admin"
            yield _warning("C173", said, ("workspace", name), advice)
        members = any(not way.barred(each) for each in store.still.members(name)) if name in there else True
        if not (admins or owner or members):
            said = f"nobody hears of new items in {name}: no account may edit them, no owner, no admin with an address"
            advice = f'write  owner = "…"  in [workspace.{name}], or give a role: allegra role list,  '
            advice += f"allegra workspace add {name} --member WHO=ROLE"
            yield _warning("C174", said, ("workspace", name), advice)
    yield from _not_reached(config, store, way)


def _wants(config: Config, store: Store, owner: Account, workspace: str) -> bool:
    """Tell whether an owner wants to hear of mail that is held, which nobody else hears of then."""
    said = store.still.preference(owner.id, workspace, "held")
    return said != "no" if said else config.settings(workspace).notify.defaults.held


class _Way:
    """Whether mail finds its way to somebody, as things are now."""

    def __init__(self, config: Config, store: Store) -> None:
        self._scene, self._separators = store.still, config.separators

    def leads(self, to: str) -> bool:
        """Tell whether it leads to an address of a setting; "" is nobody."""
        return bool(to) and not self.barred(bare(to))

    def barred(self, who: Account | str) -> str:
        """What is in the way: "" for nothing."""
        account = self._scene.person(who) if isinstance(who, str) else who
        address = who if isinstance(who, str) else next(iter(who.emails), "")
        if account is not None:
            address = next(iter(account.emails), address)
            if account.status in (AccountStatus.LOCKED, AccountStatus.REGISTERED):
                return f"the account {account.login} is {account.status}"
        key = base_key(key_of(address), self._separators)
        return "what was sent there came back" if self._scene.came_back(key) else ""


def _not_reached(config: Config, store: Store, way: _Way) -> Iterator[Finding]:
    """Those who should hear, and whom no mail reaches: each once, with what they should hear as."""
    found: dict[str, tuple[str, KeyPath, str]] = {}
    for who, part, path in _expected(config, store):
        if barred := way.barred(who):
            name = who if isinstance(who, str) else f"{who.login} ({next(iter(who.emails), 'no address')})"
            found.setdefault(name, (part, path, barred))
    for name, (part, path, barred) in found.items():
        back = "mend the address, then  allegra outbox clear ADDRESS" if "came back" in barred else "name another"
        yield _warning("C176", f"no mail reaches {name}, {part}: {barred}", path, back)


def _expected(config: Config, store: Store) -> Iterator[tuple[Account | str, str, KeyPath]]:
    if config.system.owner:
        yield bare(config.system.owner), "the owner of the system", ("system", "owner")
    for name, workspace in config.workspaces.items():
        if workspace.owner:
            yield bare(workspace.owner), f"the owner of {name}", ("workspace", name, "owner")
        own: KeyPath = ("workspace", name) if "forward_to" in config.root.workspace[name].errors.written else ()
        for to in config.settings(name).errors.forward_to:
            yield bare(to), "who hears what went wrong", (*own, "errors", "forward_to")
        for account in store.still.members(name):
            yield account, f"who works in {name}", ("workspace", name)
    for account in store.still.admins():
        yield account, "an admin", ("system",)


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
