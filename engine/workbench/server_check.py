"""The server of the database, looked at by `allegra check --online`: is it what the store has to have?

Here: `looked_at`: what is wrong with a server's answers, and what to do. Not here: asking (`store/server.py`), whether
the database opens (`database_check.py`). Invariant: nothing is changed, and nothing secret is said.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from engine.config import SecretError
from engine.store.errors import StoreError
from engine.store.place import Url
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.server import Server

OLDEST, NEEDED = 140000, "14"

LOCKS_EACH, BESIDE = 500, 7
"""Locks that a decider may hold at once (a batch of 50 mails), and connections of a worker beside its deciders."""

CLOCK_S, BEHIND_S = 5.0, 300
"""By how much clocks may differ, and for how long a replica may be behind, before it is said."""

MOST_NAMED = 4
"""Tables that are named where a right is missing."""

DIRECT = "write the address of the server itself, or pool_mode=session at the pooler: locks belong to a session"

Finder = Callable[..., Problem]

Found = tuple[str, str, tuple[Problem, ...]]
"""What was looked at, what it is when it is sound, and what is wrong with it."""


def looked_at(config: Config) -> Iterator[Found]:
    """Look at the server, and at its replica; where the database does not open, `check` has said so already."""
    try:
        where, replica = config.store.where, config.store.replica
    except SecretError:
        return
    if not isinstance(where, Url):
        return
    from engine.store.server import look

    try:
        server = look(where)
    except StoreError:
        return
    name = f"server of {where.name}"
    yield name, f"PostgreSQL {server.version}", tuple(_problems(config, server, name))
    if replica is not None and not server.shared:
        yield _replica(where, replica)


def _problems(config: Config, server: Server, name: str) -> Iterator[Problem]:
    def found(code: str, said: str, advice: str, *, warning: bool = False) -> Problem:
        return Problem(code, said, name, help=advice, severity=Severity.WARNING if warning else Severity.ERROR)

    if server.shared:
        yield found("C205", "a pooler gives each transaction another connection of the server", DIRECT)
        return
    if server.number < OLDEST:
        yield found("C203", f"PostgreSQL {server.version} is older than {NEEDED}", f"upgrade it to {NEEDED} or newer")
    if server.is_standby or server.is_read_only:
        what = "a standby" if server.is_standby else "set to be read only (default_transaction_read_only)"
        yield found("C207", f"the database is {what}: nothing can be written", "write the address of the primary")
    if abs(server.ahead_s) > CLOCK_S:
        told = f"{abs(server.ahead_s):.0f} s {'ahead of' if server.ahead_s > 0 else 'behind'} that of this host"
        yield found("C208", f"the clock of the server is {told}", "let both follow a time server", warning=True)
    for right, where in server.lacking:
        kind = "SEQUENCES" if right == "USAGE" else "TABLES"
        names = where.split(", ")
        told = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else "")
        advice = f"as the owner:  GRANT {right} ON ALL {kind} IN SCHEMA public TO {server.role}"
        yield found("C212", f"the role {server.role} lacks the right {right} on {told}", advice)
    yield from _lost(config, server, found)
    yield from _too_few(config, server, found)


def _lost(config: Config, server: Server, found: Finder) -> Iterator[Problem]:
    """What was committed and may be gone."""
    settings, told = server.settings, config.mailboxes
    if settings["fsync"] == "off":
        yield found("C204", "fsync is off: a power cut loses the database, not only mail", "set fsync = on")
    if settings["full_page_writes"] == "off":
        advice = "set full_page_writes = on, unless the file system writes whole pages by itself (ZFS)"
        yield found("C204", "full_page_writes is off: a power cut may leave torn pages", advice, warning=True)
    commit, standby = settings["synchronous_commit"], settings["synchronous_standby_names"]
    if commit == "off":
        said = "synchronous_commit is off: what others write here may be lost; for our own sessions we set it to on"
        yield found("C204", said, "set synchronous_commit = on for this database", warning=True)
    elif commit == "local" or (commit == "remote_write" and standby):
        said = f"synchronous_commit is {commit}: a standby that takes over may lack what was committed"
        yield found("C204", said, "set synchronous_commit = on", warning=True)
    deleting = [box.name for box in told if box.active and box.after_success == "delete"]
    if server.standbys and not standby and deleting:
        said = f"mailbox {', '.join(deleting)} deletes mail, and a standby that takes over may lack the last of it"
        advice = "set synchronous_standby_names, or have the mailbox move mail in place of deleting it"
        yield found("C209", said, advice, warning=True)
    if settings["autovacuum"] == "off":
        said = "autovacuum is off: tables grow, and in the end the server takes no more writes"
        yield found("C210", said, "set autovacuum = on", warning=True)


def _too_few(config: Config, server: Server, found: Finder) -> Iterator[Problem]:
    """What workers need more of."""
    workers = config.root.workers
    deciders = workers.deciders or os.cpu_count() or 1
    locks, needed = server.setting("max_locks_per_transaction") * server.setting("max_connections"), LOCKS_EACH
    if locks < needed * deciders:
        said = f"the server has room for {locks} locks, and {deciders} deciders may hold {needed * deciders}"
        enough = -(-needed * deciders // max(server.setting("max_connections"), 1))
        yield found("C206", said, f"set max_locks_per_transaction = {enough} and start it again", warning=True)
    connections = deciders + workers.fetchers + BESIDE
    if server.most < connections:
        said = f"we get {server.most} connections, and one worker process takes {connections}"
        yield found("C206", said, "raise max_connections (or the limit of the role or database)", warning=True)


def _replica(where: Url, replica: Url) -> Found:
    from engine.store.server import look_at_replica

    name = f"replica {replica.name}"
    try:
        copy = look_at_replica(where, replica)
    except StoreError as error:
        said = f"{error}; reads go to the primary meanwhile"
        return name, "", (Problem("C211", said, name, severity=Severity.WARNING),)
    wrong = ""
    if not copy.is_standby:
        wrong = "it is no standby: it would be read in place of the database, and nothing is copied there"
    elif not copy.is_ours:
        wrong = "it is a standby of another server"
    if wrong:
        return name, "", (Problem("C211", wrong, name, help="write the address of the standby in replica_url"),)
    if copy.behind_s > BEHIND_S:
        said = f"it is {copy.behind_s} s behind"
        return name, "", (Problem("C211", said, name, help="look at its log", severity=Severity.WARNING),)
    return name, f"a standby, {copy.behind_s} s behind", ()
